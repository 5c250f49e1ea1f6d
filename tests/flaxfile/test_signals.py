"""Ctrl-C and SIGTERM of real commands: the code that shells know, one line with what to do, and soon."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .commands import (
    Proxy,
    environment,
    finish,
    noise,
    run,
    server_here,
    serving,
    spawned,
    terminal,
    wait_until,
)

MIB = 1 << 20
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
SIGNALS = pytest.mark.parametrize(("number", "code"), CODES.items())
NAMES = ("get", "push", "pull")


def check_end(said: str, *, again: str | None) -> None:
    """One line, and no fault of ours shown."""
    assert "Traceback" not in said
    lines = [line for line in said.splitlines() if "interrupted" in line or "terminated" in line]
    assert len(lines) == 1, said
    assert (f"to go on: {again}" in lines[0]) if again else ("to go on" not in lines[0])


def test_transfers_are_kept_and_their_lines_say_how_to_go_on(port: int, store: Path, here: Path) -> None:
    data = noise(16 * MIB)
    with contextlib.ExitStack() as stack:
        cases = [_Kept(stack, name, number, port, store, here, data) for name in NAMES for number in CODES]
        for case in cases:
            wait_until(case.is_under_way)
        time.sleep(0.4)
        for case in cases:
            case.process.send_signal(case.number)
        for case in cases:
            case.check_end()
    for case in cases:
        again = run(*case.words, "--json", port=port)
        assert again.code == 0
        assert case.target.read_bytes() == data


class _Kept:
    """One transfer that is interrupted; each has a folder of its own."""

    def __init__(
        self,
        stack: contextlib.ExitStack,
        name: str,
        number: signal.Signals,
        port: int,
        store: Path,
        here: Path,
        data: bytes,
    ) -> None:
        self.number, self.code = number, CODES[number]
        there, tree = f"{name}{self.code}", here / f"{name}{self.code}" / "tree"
        self.words = {
            "get": ["get", f"{there}/big", f"{there}/tree/big"],
            "push": ["push", f"{there}/tree", there],
            "pull": ["pull", there, f"{there}/tree"],
        }[name]
        (store / there).mkdir()
        tree.mkdir(parents=True)
        (store / there / "big").write_bytes(data if name != "push" else b"old")
        if name == "push":
            (tree / "big").write_bytes(data)
        self.parts = store / ".flaxfile" / "parts" if name == "push" else tree
        self.target = store / there / "big" if name == "push" else tree / "big"
        self.server = f"127.0.0.1:{port}"
        self.process = stack.enter_context(
            spawned(*self.words, "--bwlimit", "1MiB", "--server", self.server, "--password", "", cwd=here)
        )

    def is_under_way(self) -> bool:
        """Whether something of it would be kept; those of the server are not told apart."""
        begun = [one for one in self.parts.glob("*.map") if one.stat().st_size]
        return len(begun) >= (len(CODES) if self.words[0] == "push" else 1)

    def check_end(self) -> None:
        """It ended as it should, and nothing of what it was to replace is gone."""
        done = finish(self.process, 15)
        assert done.code == self.code
        check_end(done.err, again=f"flaxfile {' '.join(self.words)} --bwlimit 1MiB --server {self.server}")
        assert "--password" not in done.err.splitlines()[-1]
        assert not self.target.exists() or self.target.read_bytes() == b"old"


def test_requests_that_wait_end_at_once(port: int, here: Path) -> None:
    reached: set[int] = set()

    def silent(direction: str, connection: int, offset: int, data: bytes) -> bytes:
        reached.add(connection)
        del offset
        time.sleep(0 if direction == "up" else 1)  # nobody answers while the signal comes
        return data

    commands: list[tuple[str, ...]] = [("list",), ("verify",), ("delete", "x"), ("pull", "x")]
    cases = [(words, number) for words in commands for number in CODES]
    with Proxy(port, silent) as proxy, contextlib.ExitStack() as stack:
        server = f"127.0.0.1:{proxy.port}"
        processes = [stack.enter_context(spawned(*words, "--server", server, cwd=here)) for words, _ in cases]
        wait_until(lambda: len(reached) == len(cases))
        time.sleep(0.2)
        for process, (_, number) in zip(processes, cases, strict=True):
            process.send_signal(number)
        for process, (words, number) in zip(processes, cases, strict=True):
            done = finish(process, 10)
            assert done.code == CODES[number], words
            check_end(done.err, again="flaxfile pull x" if words[0] == "pull" else None)


def test_a_watch_ends_with_the_line_that_starts_it_again(port: int, here: Path) -> None:
    (here / "tree").mkdir()
    with contextlib.ExitStack() as stack:
        processes = [
            stack.enter_context(
                spawned(
                    "push", "tree", f"watched{code}", "--watch", "--server", f"127.0.0.1:{port}", cwd=here
                )
            )
            for code in CODES.values()
        ]
        for process in processes:
            assert process.stderr is not None
            assert "watching" in process.stderr.readline()
        for process, (number, code) in zip(processes, CODES.items(), strict=True):
            process.send_signal(number)
            done = finish(process, 15)
            assert done.code == code
            check_end(done.err, again="flaxfile push tree")


def reads(pid: int, path: Path) -> bool:
    """Whether a process has a file open."""
    with contextlib.suppress(OSError):
        return any(one.readlink() == path for one in Path(f"/proc/{pid}/fd").iterdir())
    return False


@SIGNALS
def test_a_file_that_takes_long_to_read_holds_nobody_back(
    tmp_path: Path, here: Path, number: signal.Signals, code: int
) -> None:
    for path in (here / "tree" / "large", tmp_path / "store" / "tree" / "large"):
        path.parent.mkdir(parents=True)
        with path.open("wb") as file:
            file.truncate(1 << 39)  # half a terabyte of nothing takes minutes

    with serving(tmp_path / "store") as (_, port):  # of its own, as it reads on
        words = ("push", "tree", "--checksum", "--server", f"127.0.0.1:{port}")
        with spawned(*words, cwd=here) as process:
            wait_until(lambda: reads(process.pid, here / "tree" / "large"))
            process.send_signal(number)
            done = finish(process, 15)

    assert done.code == code
    check_end(done.err, again="flaxfile push tree")


def test_a_progress_line_goes_and_the_terminal_is_as_it_was(port: int, store: Path, here: Path) -> None:
    (here / "big").write_bytes(noise(16 * MIB))
    with contextlib.ExitStack() as stack:
        server = ("--bwlimit", "1MiB", "--server", f"127.0.0.1:{port}")
        terminals = {
            number: stack.enter_context(terminal("set", "big", f"shown{code}", *server))
            for number, code in CODES.items()
        }
        for number, one in terminals.items():
            one.expect("%")
            assert one.end(number) == CODES[number]
            check_end(one.said, again="flaxfile set big")
            assert one.said.count("\x1b[?25l") == one.said.count("\x1b[?25h")
            assert not (store / f"shown{CODES[number]}").exists()


@pytest.mark.parametrize(
    ("words", "question"),
    [(("delete", "asked", "--recursive"), "[y/N]"), (("config", "interactive"), "[local]")],
    ids=["delete", "config"],
)
@SIGNALS
def test_a_question_is_left_by_a_signal(
    tmp_path: Path, here: Path, number: signal.Signals, code: int, words: tuple[str, ...], question: str
) -> None:
    for at in range(4):
        (here / "asked").mkdir(exist_ok=True)
        (here / "asked" / str(at)).write_bytes(b"1")
    with server_here(tmp_path / "store") as server:
        assert run("push", "asked", port=server.port).code == 0
        more = ["--server", f"127.0.0.1:{server.port}"] if words[0] == "delete" else ["--config", "my.toml"]
        Path("my.toml").write_text("")
        with terminal(*words, *more) as one:
            one.expect(question)
            assert one.end(number) == code
        assert len(run("list", "--json", port=server.port).documents) == 4

    check_end(one.said, again=None)


@pytest.mark.parametrize(("answer", "left"), [("y", 0), ("n", 4), ("", 4)])
def test_a_question_is_answered_on_the_terminal(tmp_path: Path, here: Path, answer: str, left: int) -> None:
    (here / "asked").mkdir()
    for at in range(4):
        (here / "asked" / str(at)).write_bytes(b"1")
    with server_here(tmp_path / "store") as server:
        assert run("push", "asked", port=server.port).code == 0
        with terminal("delete", "asked", "--recursive", "--server", f"127.0.0.1:{server.port}") as one:
            one.expect("[y/N]")
            os.write(one.ours, answer.encode() + b"\n")
            code = one.process.wait(20)
        found = run("list", "--json", port=server.port)

    assert code == (2 if left else 0)
    assert len([item for item in found.documents if "key" in item]) == left


@SIGNALS
def test_a_server_that_waits_for_its_port_or_serves_ends_well(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    del code
    with spawned("serve", "--json", "--port", "0", "--storage", str(tmp_path / "s"), cwd=tmp_path) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(number)
        done = finish(process, 15)

    assert done.code == 0
    assert "stopped" in done.err
    assert "Traceback" not in done.err


def redirected(how: str, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A command with its streams as a shell was told to have them."""
    line = f'"{sys.executable}" -m flaxfile "$@" {how}'
    return subprocess.run(
        ["/bin/bash", "-o", "pipefail", "-c", line, "flaxfile", *words],
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


Redirected = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def shell(port: int, store: Path, here: Path) -> Redirected:
    """Runs a command of the shell against a server with a file."""
    (store / "file").write_bytes(noise(4 * MIB))

    def run_it(how: str, *words: str) -> subprocess.CompletedProcess[str]:
        return redirected(how, *words, "--server", f"127.0.0.1:{port}", cwd=here)

    return run_it


@pytest.mark.parametrize("words", [("list",), ("list", "--json"), ("get", "file", "-")])
def test_a_reader_that_goes_away_ends_a_command_without_a_word(shell: Redirected, words: tuple[str]) -> None:
    done = shell("| true", *words)

    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize("words", [("list",), ("list", "--json"), ("get", "file", "-"), ("ping",)])
def test_a_full_disk_behind_the_output_is_said(shell: Redirected, words: tuple[str]) -> None:
    done = shell("> /dev/full", *words)

    assert done.returncode == 8
    assert "no space left" in done.stderr
    assert "Traceback" not in done.stderr


def test_streams_that_are_closed_are_no_fault(shell: Redirected, store: Path) -> None:
    assert shell(">&-", "list").returncode == 0
    assert shell("2>&-", "stat", "nothing").returncode == 3
    assert shell("<&-", "stat", "file").returncode == 0
    for how, words in ((">&-", ("get", "file", "-")), ("<&-", ("set", "-", "closed"))):
        done = shell(how, *words)
        assert done.returncode == 2
        assert "is closed" in done.stderr
    assert not (store / "closed").exists()


def test_whoever_waits_long_sees_that_it_goes_on(port: int, here: Path) -> None:
    (here / "here").write_bytes(b"1")

    def slow(direction: str, connection: int, offset: int, data: bytes) -> bytes:
        del connection, offset
        time.sleep(0 if direction == "up" else 0.5)
        return data

    commands = (("list",), ("verify", "nothing"), ("get", "file"), ("set", "here", "x"), ("pull", "there"))
    with Proxy(port, slow) as proxy, contextlib.ExitStack() as stack:
        server = f"127.0.0.1:{proxy.port}"
        for one in [stack.enter_context(terminal(*words, "--server", server)) for words in commands]:
            one.expect("\x1b[?25l")  # the line hides the cursor while it is there
            one.end(signal.SIGINT)
            assert one.said.count("\x1b[?25l") == one.said.count("\x1b[?25h")
