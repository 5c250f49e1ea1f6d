"""The commands for single files, as a user types them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from flaxfile.cli.main import COMMANDS, build_parser
from flaxfile.cli.output import columns_of

from .commands import noise, run, server_here


@pytest.mark.usefixtures("here")
def test_a_file_goes_up_and_comes_back_with_mode_and_time(port: int, here: Path, store: Path) -> None:
    source = here / "big.bin"
    source.write_bytes(noise(3_000_000))
    source.chmod(0o640)
    os.utime(source, ns=(0, 1_234_567_890_123_456_789))

    assert run("set", "big.bin", "first/big.bin", port=port).code == 0
    assert run("get", "first/big.bin", "again.bin", port=port).code == 0

    for path in (store / "first" / "big.bin", here / "again.bin"):
        assert path.read_bytes() == noise(3_000_000)
        assert path.stat().st_mtime_ns == 1_234_567_890_123_456_789
        assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.usefixtures("here")
def test_the_result_is_a_table_of_four_columns(port: int) -> None:
    Path("two.bin").write_bytes(bytes(2 << 20))

    up = run("set", "two.bin", port=port)
    down = run("get", "two.bin", "out/", port=port)

    assert [line.split() for line in up.out.splitlines()[1:2]] == [["File", "two.bin", "Size", "2.00", "MB"]]
    assert [line.split()[0] for line in down.out.splitlines()[1:]] == ["File", "Saved", "Time"]
    assert "\x1b" not in up.out + down.out
    assert up.err == down.err == ""


@pytest.mark.usefixtures("here")
def test_an_empty_file_is_stored_also_over_an_old_one(port: int, store: Path) -> None:
    Path("e").write_bytes(b"old")
    assert run("set", "e", "empty/e", port=port).code == 0
    Path("e").write_bytes(b"")

    assert run("set", "e", "empty/e", port=port).code == 0

    assert (store / "empty" / "e").read_bytes() == b""
    assert run("get", "empty/e", "back", port=port).code == 0
    assert Path("back").read_bytes() == b""


@pytest.mark.usefixtures("here")
def test_get_makes_the_folders_of_its_target(port: int) -> None:
    Path("x").write_bytes(b"1")
    run("set", "x", "folders/b.bin", port=port)

    assert run("get", "folders/b.bin", "not/there/yet.bin", port=port).code == 0
    assert run("get", "folders/b.bin", port=port).code == 0

    assert Path("not/there/yet.bin").read_bytes() == b"1"
    assert Path("b.bin").read_bytes() == b"1"


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("key", ["2024", "1e5", "[1]", "None", "{'a': 1}", "0x10", "a,b", "True", "'q'"])
def test_a_key_is_text_whatever_it_looks_like(port: int, store: Path, key: str) -> None:
    Path("x").write_bytes(key.encode())

    assert run("set", "x", f"literal/{key}", port=port).code == 0
    assert (store / "literal" / key).read_bytes() == key.encode()
    assert run("set", "x", key, port=port).code == 0
    assert run("get", key, "out", port=port).code == 0
    assert Path("out").read_bytes() == key.encode()


@pytest.mark.usefixtures("here")
def test_an_unknown_flag_fails_before_any_work(port: int, store: Path) -> None:
    Path("x").write_bytes(b"1")

    done = run("set", "x", "flags/x", "--conections", "8", port=port)

    assert done.code == 2
    assert "--conections" in done.err
    assert not (store / "flags").exists()


@pytest.mark.usefixtures("here")
def test_both_spellings_of_the_seeds_options_are_taken(port: int, store: Path) -> None:
    Path("x").write_bytes(b"1")

    words = ["--connect_timeout", "5", "--transfer-timeout=5", "--max_retries", "1", "--connections", "2"]
    assert run("set", "x", "spelling/x", *words, port=port).code == 0
    assert (store / "spelling" / "x").exists()


@pytest.mark.usefixtures("here")
def test_options_may_stand_between_the_arguments(port: int, store: Path) -> None:
    Path("file").write_bytes(b"1")
    Path("--name").write_bytes(b"2")

    assert run("set", "file", "--if-absent", "between", port=port).code == 0
    assert run("set", "--quiet", "--", "--name", "dashes", port=port).code == 0

    assert ((store / "between").read_bytes(), (store / "dashes").read_bytes()) == (b"1", b"2")


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    "key", [".", "..", "x/..", "../x", "../../x", "/abs/x", "a//b", "a/./b", "", ".flaxfile/x"]
)
def test_keys_that_lead_elsewhere_are_refused_everywhere(port: int, store: Path, key: str) -> None:
    Path("x").write_bytes(b"1")
    before = sorted(store.rglob("*"))

    for words in (
        ("set", "x", key),
        ("get", key, "out"),
        ("delete", key),
        ("delete", key, "--recursive", "--yes"),
        ("move", key, "y"),
        ("stat", key),
    ):
        done = run(*words, port=port)
        assert done.code == 2, words
        assert "cannot be a key" in done.err
    assert sorted(store.rglob("*")) == before


@pytest.mark.usefixtures("here")
def test_a_link_in_the_store_is_neither_listed_nor_followed(port: int, store: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (store / "links").mkdir()
    (store / "links" / "file").symlink_to(tmp_path / "secret")
    (store / "links" / "folder").symlink_to(tmp_path)
    Path("x").write_bytes(b"1")

    assert run("get", "links/file", "out", port=port).code != 0
    assert run("get", "links/folder/secret", "out", port=port).code != 0
    assert run("set", "x", "links/folder/new", port=port).code != 0
    assert "secret" not in run("list", "--detailed", "--json", port=port).out
    assert not (tmp_path / "new").exists()
    assert not Path("out").exists()


@pytest.mark.usefixtures("here")
def test_list_shows_tops_files_and_an_exact_key(port: int) -> None:
    Path("x").write_bytes(bytes(1000))
    for key in ("listed/a/1.bin", "listed/a/2.bin", "listed/3.bin"):
        run("set", "x", key, port=port)

    assert (
        run("list", "listed/a/1.bin", "--detailed", port=port).out.splitlines()[1].split()[0]
        == "listed/a/1.bin"
    )
    tops = [line.split() for line in run("list", "listed", port=port).out.splitlines()]
    assert tops[1][:5] == ["listed/", "folder", "2.93", "KB", "3"]
    documents = run("list", "listed", "--json", "--hash", port=port).documents
    assert [one["key"] for one in documents] == ["listed/3.bin", "listed/a/1.bin", "listed/a/2.bin"]
    assert len({one["hash"] for one in documents}) == 1
    assert len(run("list", "listed", "--json", "--limit", "2", port=port).documents) == 2
    assert run("list", "nothing/here", port=port).code == 3


@pytest.mark.usefixtures("here")
def test_delete_takes_folders_only_when_told_so(port: int, store: Path) -> None:
    Path("x").write_bytes(b"1")
    for key in ("gone/a", "gone/b/c", "kept"):
        run("set", "x", key, port=port)

    assert run("delete", "gone", port=port).code != 0
    assert (store / "gone" / "a").exists()
    assert run("delete", "gone/a", port=port).code == 0
    assert run("delete", "gone", "--recursive", "--yes", port=port).code == 0
    assert not (store / "gone").exists()
    assert (store / "kept").exists()
    assert run("delete", "gone", port=port).code == 3


def test_delete_of_nearly_everything_needs_a_word_more(tmp_path: Path) -> None:
    (tmp_path / "s" / "d").mkdir(parents=True)
    for number in range(30):
        (tmp_path / "s" / "d" / str(number)).touch()
    with server_here(tmp_path / "s") as server:
        refused = run("delete", "d", "--recursive", port=server.port)
        assert refused.code == 9
        assert len(list((tmp_path / "s" / "d").iterdir())) == 30
        assert run("delete", "d", "--recursive", "--max-delete", "30", port=server.port).code == 0
    assert not (tmp_path / "s" / "d").exists()


@pytest.mark.usefixtures("here")
def test_move_and_stat(port: int) -> None:
    Path("x").write_bytes(b"12345")
    run("set", "x", "moving/a", port=port)

    assert run("move", "moving/a", "moving/b/c", port=port).code == 0
    assert run("stat", "moving/a", port=port).code == 3
    found = run("stat", "moving/b/c", "--json", port=port).documents[0]
    assert (found["size"], found["kind"]) == (5, "file")


@pytest.mark.usefixtures("here")
def test_conditions_of_an_upload(port: int, store: Path) -> None:
    Path("x").write_bytes(b"1")
    Path("y").write_bytes(b"2")
    etag = run("set", "x", "cond/k", "--if-absent", "--json", port=port).documents[0]["etag"]

    assert run("set", "y", "cond/k", "--if-absent", port=port).code == 9
    assert run("set", "y", "cond/k", "--if-match", "other", port=port).code == 9
    assert (store / "cond" / "k").read_bytes() == b"1"
    assert run("set", "y", "cond/k", "--if-match", etag, port=port).code == 0
    assert (store / "cond" / "k").read_bytes() == b"2"


@pytest.mark.usefixtures("here")
def test_an_upload_can_wait_for_the_disk(port: int, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr("flaxfile.store.store.os.fsync", synced.append)
    Path("x").write_bytes(b"1")

    assert run("set", "x", "disk/a", port=port).code == 0
    assert synced == []
    assert run("set", "x", "disk/b", "--fsync", port=port).code == 0
    assert len(synced) == 2
    assert (store / "disk" / "b").exists()


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("words", [("list",), ("serve", "--port", "0"), ("keygen", "k")])
def test_a_package_that_is_missing_is_named_with_the_way_to_get_it(
    monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    again = ("zmq", "flaxfile.client", "flaxfile.server", "flaxfile.security", "flaxfile.reactor")
    for name, module in list(sys.modules.items()):
        if name.startswith(again):
            parent, _, child = name.rpartition(".")
            if parent in sys.modules:
                # What is imported in this test must not stay the one that later tests find by its name.
                monkeypatch.setattr(sys.modules[parent], child, module, raising=False)
    for name in [name for name in sys.modules if name.startswith(again)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "zmq", None)
    monkeypatch.setattr("flaxfile.libzmq._bound", False)

    done = run(*words)

    assert done.code == 2
    assert "not installed" in done.err
    assert "pip install 'pyrocketmq-turbo[files]'" in done.err


@pytest.mark.usefixtures("here")
def test_standard_input_and_output(port: int) -> None:
    data = noise(1_000_000)

    assert run("set", "-", "std/in", port=port, stdin=data).code == 0
    assert run("set", "-", port=port, stdin=data).code == 2
    assert run("get", "std/in", "out", port=port).code == 0
    assert Path("out").read_bytes() == data
    done = run("get", "std/in", "-", port=port)
    assert done.out.encode("utf-8", "surrogateescape") == data


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("length", [241, 242, 255])
def test_the_longest_names_go_both_ways_and_leave_nothing_behind(port: int, length: int) -> None:
    name = "n" * length
    Path("a").write_bytes(noise(600_000))

    assert run("set", "a", name, port=port).code == 0
    assert run("get", name, "to/", port=port).code == 0
    assert [path.name for path in Path("to").iterdir()] == [name]
    assert run("pull", "longest", "none", port=port).code == 3
    assert (Path("to") / name).read_bytes() == noise(600_000)


@pytest.mark.usefixtures("here")
def test_a_target_that_cannot_be_is_said_in_words(port: int) -> None:
    Path("file").write_bytes(b"1")
    run("set", "file", "targets/x", port=port)

    behind_a_file = run("get", "targets/x", "file/x", port=port)
    too_long = run("get", "targets/x", "n" * 256, port=port)

    assert behind_a_file.code in {3, 11}
    assert too_long.code == 11
    assert "should not happen" not in behind_a_file.err + too_long.err
    assert Path("file").read_bytes() == b"1"


@pytest.mark.usefixtures("here")
def test_a_part_of_a_file(port: int) -> None:
    data = noise(700_000)
    Path("x").write_bytes(data)
    run("set", "x", "ranges/x", port=port)

    assert run("get", "ranges/x", "out", "--offset", "300000", "--length", "1000", port=port).code == 0
    assert Path("out").read_bytes() == data[300_000:301_000]


@pytest.mark.usefixtures("here")
def test_json_is_one_object_a_line_with_what_programs_need(port: int) -> None:
    Path("x").write_bytes(bytes(10))

    up = run("set", "x", "json/x", "--json", port=port).documents
    missing = run("--json", "get", "json/none", port=port)

    assert [set(one) for one in up] == [
        {"op", "key", "size", "seconds", "bytes_sent", "resumed_from", "hash", "hash_kind", "etag"}
    ]
    assert missing.code == 3
    assert set(missing.documents[0]["error"]) == {"code", "name", "message", "hint"}
    assert missing.err == ""
    assert run("get", "--json", "--nonsense", port=port).documents[0]["error"]["name"] == "USAGE"


@pytest.mark.usefixtures("here")
def test_a_local_file_that_is_not_there_or_a_folder_is_said(port: int) -> None:
    Path("folder").mkdir()

    missing, folder = run("set", "nofile", port=port), run("set", "folder", port=port)

    assert (missing.code, folder.code) == (3, 2)
    assert "flaxfile push folder" in folder.err


@pytest.mark.usefixtures("here")
def test_nobody_listening_is_said_in_time() -> None:
    done = run("list", "--connect-timeout", "0.3", port=9)

    assert done.code == 4
    assert "flaxfile serve" in done.err


@pytest.mark.usefixtures("here")
def test_ping_says_the_round_trip(port: int) -> None:
    assert 0 < run("ping", "--json", port=port).documents[0]["seconds"] < 10


@pytest.mark.parametrize("language", ["en", "zh"])
def test_help_fits_a_screen_and_every_command_has_an_example(
    language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLAXFILE_LANG", language)
    monkeypatch.setenv("COLUMNS", "80")
    assert run("--help").code == 0
    lines = run("--help").out.splitlines()
    assert len(lines) <= 24
    assert max(map(columns_of, lines)) <= 80
    for name in COMMANDS:
        assert f"flaxfile {name}" in (build_parser(name).epilog or ""), name
        assert max(len(line) for line in run(name, "--help").out.splitlines()) <= 82, name


def test_no_command_or_a_wrong_one_is_a_usage_error() -> None:
    assert run().code == 2
    wrong = run("pul")
    assert wrong.code == 2
    assert "did you mean pull?" in wrong.err
    assert run("--json").code == 2


@pytest.mark.usefixtures("here")
def test_config_init_names_this_machine_and_nobody_else() -> None:
    assert run("config", "init").code == 0

    text = Path("flaxfile.toml").read_text()
    assert set(json.loads(run("config", "show", "--json").out)) == {
        "op",
        "path",
        "client",
        "server",
        "servers.local",
    }
    assert text.count("host") == text.count('host = "127.0.0.1"') == 2
    assert run("config", "init").code == 9


@pytest.mark.usefixtures("here")
def test_config_set_changes_one_line_and_refuses_what_cannot_be() -> None:
    run("config", "init")
    before = Path("flaxfile.toml").read_text()

    assert run("config", "set", "servers.work.host", "10.0.0.7").code == 0
    assert run("config", "set", "client.retries", "9").code == 0
    assert run("config", "set", "client.retrys", "9").code == 2
    assert run("config", "set", "server.port", "99999").code == 2

    after = Path("flaxfile.toml").read_text()
    assert [line for line in before.splitlines() if line not in after.splitlines()] == []
    shown = json.loads(run("config", "show", "--json").out)
    assert shown["client"]["retries"] == 9
    assert shown["servers.work"]["host"] == "10.0.0.7"
    assert sorted(path.name for path in Path.cwd().iterdir()) == ["flaxfile.toml"]


@pytest.mark.usefixtures("here")
def test_config_asks_on_a_terminal_and_keeps_what_is_not_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["", "0.0.0.0", "what", "4000", "", "", ""])  # noqa: S104
    monkeypatch.setattr("flaxfile.cli.configuring._terminal", lambda: True)
    monkeypatch.setattr("builtins.input", lambda _question: next(answers))

    assert run("config").code == 0

    shown = json.loads(run("config", "show", "--json").out)
    assert shown["server"]["host"] == "0.0.0.0"  # noqa: S104
    assert shown["server"]["port"] == 4000
    assert shown["client"]["default_server"] == "local"
    monkeypatch.undo()
    assert run("config").code == 2


COMPLETING = {
    # The loaded script completes a command, a flag and a file, as the shell would have it done.
    "bash": """
source ./script
complete -p flaxfile ff >/dev/null || exit 1
try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _flaxfile; echo "${COMPREPLY[*]}"; }
try flaxfile pu; try flaxfile push --max; try flaxfile set my""",
    "zsh": """
source ./script || exit 1
[[ ${_comps[flaxfile]} == *_flaxfile && ${_comps[ff]} == *_flaxfile ]] || exit 1
echo push pull; echo --max-concurrency --max-delete --max-retries; echo myfile""",
    "fish": """
source ./script; or exit 1
echo (complete -C 'flaxfile pus' | cut -f 1) (complete -C 'ff pul' | cut -f 1)
echo (complete -C 'flaxfile push --max' | cut -f 1); echo (complete -C 'flaxfile set my' | cut -f 1)""",
}
PLAIN = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}
SHELLS = {shell: path for shell in COMPLETING if (path := shutil.which(shell)) is not None}


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("shell", list(COMPLETING))
def test_completion_knows_every_command(shell: str) -> None:
    script = run("completion", shell).out

    assert all(name in script for name in COMMANDS)
    assert "max-delete" in script


@pytest.mark.parametrize("shell", list(SHELLS))
def test_completion_loads_in_the_shells_that_are_here(here: Path, shell: str) -> None:
    Path("myfile").write_bytes(b"1")
    Path("script").write_text(run("completion", shell).out)

    done = subprocess.run(
        [SHELLS[shell], *PLAIN[shell], "-c", COMPLETING[shell]],
        cwd=here,
        env={**os.environ, "HOME": str(here), "XDG_CONFIG_HOME": str(here)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert [sorted(line.split()) for line in done.stdout.splitlines()] == [
        ["pull", "push"],
        ["--max-concurrency", "--max-delete", "--max-retries"],
        ["myfile"],
    ]


@pytest.mark.usefixtures("here")
def test_the_unit_of_systemd_serves_the_folder() -> None:
    text = run("systemd", "--storage", "/srv/my files", "--port", "4000").out

    assert 'serve --host 127.0.0.1 --port 4000 --storage "/srv/my files"' in text
    assert "ProtectSystem=strict" in text
    checker = shutil.which("systemd-analyze")
    if checker is not None:
        Path("flaxfile.service").write_text(text)
        done = subprocess.run(
            [checker, "verify", "./flaxfile.service"], capture_output=True, text=True, check=False, timeout=60
        )
        assert "flaxfile.service" not in done.stdout + done.stderr


@pytest.mark.usefixtures("here")
def test_serve_opens_no_door_to_other_machines_unasked() -> None:
    refused = run("serve", "--host", "0.0.0.0", "--port", "0")  # noqa: S104 - that is what is refused

    assert refused.code == 2
    assert "FLAXFILE_PASSWORD" in refused.err
    Path("flaxfile.toml").write_text('[server]\nhost = "0.0.0.0"\nport = 0\n')
    assert run("serve").code == 2
