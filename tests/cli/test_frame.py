"""What all commands share: help, JSON, exit codes, errors without tracebacks, a quick start."""

from __future__ import annotations

import io
import signal
import subprocess
import sys

import pytest

from pyrocketmq.cli.exits import EXIT_CODES, Exit
from pyrocketmq.cli.main import COMMANDS
from pyrocketmq.cli.output import Column, Output
from pyrocketmq.cli.problems import report
from pyrocketmq.errors import ConnectTimeoutError, StoreLockedError

from .conftest import Run, Terminal
from .programs import ENVIRONMENT, start


def test_help_lists_every_command_and_every_exit_code(run: Run) -> None:
    ended = run("--help")

    assert 0 == ended.code
    for name, summary in COMMANDS.items():
        assert f" {name} " in ended.out
        assert summary in ended.out
    for code, meaning in EXIT_CODES.items():
        assert f"{int(code):>3}  {meaning}" in ended.out
    assert set(Exit) == set(EXIT_CODES)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help_and_refuses_what_it_does_not_know(run: Run, name: str) -> None:
    assert 0 == run(name, "--help").code
    wrong = run(name, "--no-such-option")
    assert 2 == wrong.code
    assert wrong.err.startswith("error [G101]: ")
    assert "--help" in wrong.err


def test_help_imports_no_command_and_nothing_slow() -> None:
    code = (
        "import sys; from pyrocketmq.cli.main import main; main(['--help']);"
        "print([name for name in ('asyncio', 'ssl', 'orjson', 'rich', 'pyrocketmq.model',"
        " 'pyrocketmq.transport') if name in sys.modules])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=ENVIRONMENT, check=True
    )

    assert ended.stdout.endswith("\n[]\n")


def test_without_a_command_the_help_is_shown_as_wrong_use(run: Run) -> None:
    ended = run()

    assert Exit.WRONG_USE == ended.code
    assert "COMMAND" in ended.out


def test_an_unknown_command_is_refused_with_those_that_exist(run: Run) -> None:
    ended = run("docter")

    assert Exit.WRONG_USE == ended.code
    assert "docter" in ended.err
    assert "doctor" in ended.err


def test_json_may_stand_before_the_command_too(run: Run, dead_address: str) -> None:
    assert run("--json", "doctor", dead_address).value["worst"] == "broken"


def test_wrong_use_is_json_too_when_json_is_wanted(run: Run) -> None:
    ended = run("doctor", "--json")

    assert '"exit":2' in ended.err
    assert "" == ended.out


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_ends_without_a_traceback() -> None:
    process = start("dump", "127.0.0.1:1")
    assert process.stdout is not None
    assert "listening on" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)

    assert (Exit.INTERRUPTED, "", "stopped\n") == (process.returncode, out, err)


def test_a_reader_that_goes_away_ends_the_program_without_a_traceback() -> None:
    process = start("--help")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    with process.stderr:
        err = process.stderr.read()
    process.wait(20)

    assert "Traceback" not in err


class TestErrors:
    def test_have_what_likely_and_try(self) -> None:
        stream = io.StringIO()

        code = report(
            ConnectTimeoutError("no connection", likely="it is down", advice="start it"), stream=stream
        )

        assert Exit.NO_SERVER == code
        assert "error [C203]: no connection\n  Likely: it is down\n  Try:    start it\n" == stream.getvalue()

    def test_of_the_system_name_the_port_that_is_taken(self) -> None:
        stream = io.StringIO()

        code = report(OSError(98, "Address already in use"), stream=stream)

        assert Exit.REFUSED == code
        assert "another program listens on this port" in stream.getvalue()

    def test_of_the_store_are_refusals(self) -> None:
        assert Exit.REFUSED == report(StoreLockedError("locked"), stream=io.StringIO())

    def test_that_nobody_expected_ask_for_a_report(self) -> None:
        stream = io.StringIO()

        assert Exit.BUG == report(KeyError("x"), stream=stream)
        assert "--debug" in stream.getvalue()

    def test_cannot_steer_the_terminal(self) -> None:
        stream = io.StringIO()
        report(ConnectTimeoutError("\x1b[2Jgone"), stream=stream)

        assert "\x1b" not in stream.getvalue()


COLUMNS = [Column("name", "NAME"), Column("count", "COUNT", "right")]
ROWS: list[dict[str, object]] = [{"name": "orders", "count": 12345}, {"name": "bills", "count": None}]


class TestOutput:
    def test_a_plain_table_is_aligned_and_has_no_trailing_blanks(self) -> None:
        stream = io.StringIO()

        Output(stream=stream).table(COLUMNS, ROWS)

        assert "NAME     COUNT\norders  12,345\nbills        -\n" == stream.getvalue()

    def test_json_keeps_the_values_as_they_are(self) -> None:
        stream = io.StringIO()

        Output(json=True, stream=stream).table(COLUMNS, ROWS)

        assert '[{"name":"orders","count":12345},{"name":"bills","count":null}]\n' == stream.getvalue()

    def test_no_rows_are_a_word_for_people_and_an_empty_list_for_programs(self) -> None:
        people, programs = io.StringIO(), io.StringIO()

        Output(stream=people).table(COLUMNS, [], empty="no topics")
        Output(json=True, stream=programs).table(COLUMNS, [])

        assert ("no topics\n", "[]\n") == (people.getvalue(), programs.getvalue())

    def test_a_terminal_gets_decorated_output_if_rich_is_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("NO_COLOR", raising=False)
        monkeypatch.setenv("TERM", "xterm")
        stream = Terminal()

        Output(stream=stream).table(COLUMNS, ROWS)

        assert "\x1b[1m" in stream.getvalue()
        assert "12,345" in stream.getvalue()

    def test_rich_is_not_needed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("pyrocketmq.cli.output.find_spec", lambda _: None)
        stream = Terminal()

        Output(stream=stream).line("text", style="bold")

        assert "text\n" == stream.getvalue()

    @pytest.mark.parametrize("variable", [("NO_COLOR", "1"), ("TERM", "dumb")])
    def test_the_usual_variables_switch_colours_off(
        self, monkeypatch: pytest.MonkeyPatch, variable: tuple[str, str]
    ) -> None:
        monkeypatch.setenv(*variable)

        assert not Output(stream=Terminal()).decorated
