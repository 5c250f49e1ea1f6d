"""What FlaxFile 1.7.1 did wrong, tried on the real command: each of these comes out right.

A probe of a defect that only a killed, stopped or starved process shows runs in processes of its own.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from .commands import Proxy, environment, finish, noise, run, serving, spawned, wait_until

pytestmark = pytest.mark.usefixtures("here")
MIB = 1 << 20
PASSWORD = "the password of probes"  # noqa: S105


def test_a_connection_that_is_late_loses_nothing(port: int, store: Path) -> None:
    data = noise(24 * MIB)
    Path("big").write_bytes(data)

    def late(direction: str, number: int, offset: int, data: bytes) -> bytes:
        if direction == "up" and number == 3 and offset == 0:
            time.sleep(1.0)
        return data

    with Proxy(port, late) as proxy:
        assert run("set", "big", "late", "--connections", "8", port=proxy.port).code == 0
    assert (store / "late").read_bytes() == data


@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_byte_that_flips_on_the_wire_is_never_kept(port: int, store: Path, direction: str) -> None:
    data = noise(6 * MIB)
    (store / f"flip-{direction}").write_bytes(data)
    Path("source").write_bytes(data)
    flipped = threading.Event()

    def flip(way: str, number: int, offset: int, data: bytes) -> bytes:
        del number
        if way == direction and offset > MIB and len(data) > 40_000 and not flipped.is_set():
            flipped.set()
            return data[:20_000] + bytes([data[20_000] ^ 1]) + data[20_001:]
        return data

    with Proxy(port, flip) as proxy:
        if direction == "up":
            done = run("set", "source", f"flip-{direction}", "--timeout", "5", port=proxy.port)
            arrived = store / f"flip-{direction}"
        else:
            done = run("get", f"flip-{direction}", "out", "--timeout", "5", port=proxy.port)
            arrived = Path("out")

    assert flipped.is_set()
    assert done.code in {0, 7}
    if done.code == 0 or arrived.exists():
        assert arrived.read_bytes() == data


def test_a_disk_that_is_full_is_said_and_the_old_file_stays(tmp_path: Path, here: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "f").write_bytes(b"old")
    (here / "big").write_bytes(noise(24 * MIB))
    # A process may write files of 8 MiB only: for the server that is a disk with so much room.
    program = (
        "import resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({8 * MIB}, {8 * MIB}))\n"
        "from flaxfile.cli.main import main\n"
        "sys.exit(main())\n"
    )
    words = ["serve", "--json", "--port", "0", "--storage", str(tmp_path / "store")]
    server = subprocess.Popen(
        [sys.executable, "-c", program, *words],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        port = int(server.stdout.readline().split('"port": ')[1].split(",")[0])
        done = run("set", "big", "f", port=port)
        again = run("set", "big", "new", port=port)
    finally:
        server.kill()
        server.communicate()

    assert (done.code, again.code) == (8, 8)
    assert "space" in done.err
    assert (tmp_path / "store" / "f").read_bytes() == b"old"
    assert not (tmp_path / "store" / "new").exists()


def test_two_writers_of_one_key_leave_one_whole_file(port: int, store: Path, here: Path) -> None:
    one, other = noise(12 * MIB, 1), noise(12 * MIB, 2)
    Path("one").write_bytes(one)
    Path("other").write_bytes(other)
    words = ["both", "--bwlimit", "30MiB", "--server", f"127.0.0.1:{port}"]

    with (
        spawned("set", "one", *words, cwd=here) as first,
        spawned("set", "other", *words, cwd=here) as second,
    ):
        codes = [finish(first).code, finish(second).code]

    assert codes == [0, 0]
    assert (store / "both").read_bytes() in {one, other}


def test_a_source_that_is_rewritten_while_it_is_sent_is_no_mixture(
    port: int, store: Path, here: Path
) -> None:
    one, other = noise(12 * MIB, 1), noise(12 * MIB, 2)
    Path("source").write_bytes(one)

    with spawned(
        "set", "source", "rewritten", "--bwlimit", "12MiB", "--server", f"127.0.0.1:{port}", cwd=here
    ) as process:
        wait_until(lambda: any((store / ".flaxfile" / "parts").glob("*")))
        time.sleep(0.2)
        Path("source").write_bytes(other)
        code = finish(process).code

    assert code in {0, 9}
    if code == 0:
        assert (store / "rewritten").read_bytes() in {one, other}
    else:
        assert not (store / "rewritten").exists()


def test_a_stored_file_that_is_replaced_while_it_is_fetched_is_no_mixture(
    port: int, store: Path, here: Path
) -> None:
    one, other = noise(12 * MIB, 1), noise(12 * MIB, 2)
    (store / "replaced").write_bytes(one)
    Path("other").write_bytes(other)

    with spawned(
        "get", "replaced", "out", "--bwlimit", "12MiB", "--server", f"127.0.0.1:{port}", cwd=here
    ) as process:
        wait_until((here / ".out.flaxpart").exists)
        time.sleep(0.2)
        assert run("set", "other", "replaced", port=port).code == 0
        code = finish(process).code

    assert code in {0, 9}
    if code == 0:
        assert (here / "out").read_bytes() in {one, other}


def test_a_client_that_is_killed_while_it_sends_leaves_the_old_file(tmp_path: Path, here: Path) -> None:
    data = noise(16 * MIB)
    Path("big").write_bytes(data)
    store = tmp_path / "store"
    store.mkdir()
    (store / "k").write_bytes(b"old")
    with serving(store) as (_, port):
        server = ["--server", f"127.0.0.1:{port}"]
        with spawned("set", "big", "k", "--bwlimit", "8MiB", *server, cwd=here) as process:
            parts = store / ".flaxfile" / "parts"
            wait_until(lambda: any(path.stat().st_size for path in parts.glob("*.map")))
            time.sleep(0.6)
            process.kill()
            process.wait()
        assert (store / "k").read_bytes() == b"old"
        assert [one["key"] for one in run("list", "--json", port=port).documents] == ["k"]
        again = run("set", "big", "k", "--json", port=port)

    assert again.code == 0
    assert (store / "k").read_bytes() == data
    assert again.documents[0]["resumed_from"] > 0


def test_a_client_that_is_killed_while_it_fetches_leaves_no_half_file(
    port: int, store: Path, here: Path
) -> None:
    data = noise(16 * MIB)
    (store / "fetched").write_bytes(data)
    (here / "out").write_bytes(b"old")

    with spawned(
        "get", "fetched", "out", "--bwlimit", "8MiB", "--server", f"127.0.0.1:{port}", cwd=here
    ) as process:
        wait_until((here / ".out.flaxpart").exists)
        time.sleep(0.6)
        process.kill()
        process.wait()
    assert (here / "out").read_bytes() == b"old"
    again = run("get", "fetched", "out", "--json", port=port)

    assert again.documents[0]["resumed_from"] > 0
    assert (here / "out").read_bytes() == data
    assert [path.name for path in here.iterdir()] == ["out"]


def test_a_server_that_is_killed_and_started_again_gets_the_rest(tmp_path: Path, here: Path) -> None:
    data = noise(16 * MIB)
    Path("big").write_bytes(data)
    store = tmp_path / "store"
    with serving(store) as (server, port):
        process_words = ["set", "big", "k", "--bwlimit", "8MiB", "--json", "--server", f"127.0.0.1:{port}"]
        with spawned(*process_words, cwd=here) as process:
            wait_until(lambda: any((store / ".flaxfile" / "parts").glob("*.map")))
            time.sleep(0.5)
            server.kill()
            server.wait()
            with serving(store, port):
                done = finish(process)

    assert done.code == 0, done.err
    assert (store / "k").read_bytes() == data


def test_a_server_that_is_stopped_is_given_up_in_time_and_the_rest_goes_on_later(
    tmp_path: Path, here: Path
) -> None:
    data = noise(16 * MIB)
    Path("big").write_bytes(data)
    store = tmp_path / "store"
    with serving(store) as (server, port):
        words = ["set", "big", "k", "--bwlimit", "8MiB", "--timeout", "2", "--max-retries", "1"]
        with spawned(*words, "--server", f"127.0.0.1:{port}", cwd=here) as process:
            wait_until(lambda: any((store / ".flaxfile" / "parts").glob("*.map")))
            server.send_signal(signal.SIGSTOP)
            done = finish(process, timeout=30)
        server.send_signal(signal.SIGCONT)
        again = run("set", "big", "k", port=port)

    assert done.code in {4, 6}
    assert done.err.count("\n") >= 2
    assert again.code == 0
    assert (store / "k").read_bytes() == data


def test_a_wrong_password_or_none_is_said_at_once(
    tmp_path: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("x").write_bytes(b"1")
    with serving(tmp_path / "store", FLAXFILE_PASSWORD=PASSWORD) as (_, port):
        monkeypatch.setenv("FLAXFILE_PASSWORD", PASSWORD)
        assert run("set", "x", port=port).code == 0
        monkeypatch.setenv("FLAXFILE_PASSWORD", "another password")
        wrong = run("list", port=port)
        monkeypatch.setenv("FLAXFILE_PASSWORD", "")
        none = run("list", port=port)
        given = run("list", "--password", PASSWORD, port=port)

    assert (wrong.code, none.code, given.code) == (5, 5, 0)
    assert "another password or key" in wrong.err
    assert "none was given" in none.err
    assert "--password is visible" in given.err
    del here


def test_a_password_for_a_plain_server_is_said_at_once(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLAXFILE_PASSWORD", PASSWORD)

    done = run("list", port=port)

    assert done.code == 5
    assert "plain connections only" in done.err


def test_a_sparse_file_stays_sparse(port: int, store: Path) -> None:
    size = 1 << 28
    with Path("sparse").open("wb") as file:
        file.seek(size - 5)
        file.write(b"tail!")

    done = run("set", "sparse", port=port)
    back = run("get", "sparse", "back", "--json", port=port)

    assert done.code == back.code == 0
    for path in (store / "sparse", Path("back")):
        status = path.stat()
        assert status.st_size == size
        assert status.st_blocks * 512 < 16 * MIB
        with path.open("rb") as file:
            file.seek(size - 6)
            assert file.read() == b"\0tail!"
    assert back.documents[0]["bytes_sent"] < 16 * MIB


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_command_that_is_interrupted_says_so_and_goes_on_next_time(
    port: int, store: Path, here: Path, number: signal.Signals, code: int
) -> None:
    key = f"interrupted-{code}"
    Path("big").write_bytes(noise(16 * MIB))
    with spawned(
        "set", "big", key, "--bwlimit", "8MiB", "--server", f"127.0.0.1:{port}", cwd=here
    ) as process:
        parts = store / ".flaxfile" / "parts"
        before = set(parts.glob("*"))
        wait_until(lambda: set(parts.glob("*.part")) - before)
        time.sleep(0.5)
        process.send_signal(number)
        done = finish(process)

    assert done.code == code
    assert f"to go on: flaxfile set big {key}" in done.err
    assert not (store / key).exists()
    again = run("set", "big", key, "--json", port=port)
    assert again.documents[0]["resumed_from"] > 0


def test_a_server_that_is_told_to_end_says_so_and_ends_well(tmp_path: Path) -> None:
    with serving(tmp_path / "store") as (server, _):
        server.send_signal(signal.SIGTERM)
        done = finish(server)

    assert done.code == 0
    assert "stopped" in done.err


def test_a_read_only_server_takes_nothing(tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    (store / "a").write_bytes(b"1")
    Path("x").write_bytes(b"2")
    with spawned(
        "serve", "--json", "--port", "0", "--storage", str(store), "--read-only", cwd=tmp_path
    ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline().split('"port": ')[1].split(",")[0])
        assert run("get", "a", "out", port=port).code == 0
        for words in (("set", "x", "a"), ("delete", "a"), ("move", "a", "b")):
            assert run(*words, port=port).code == 5, words

    assert {path.name for path in store.iterdir()} - {".flaxfile"} == {"a"}
    assert (store / "a").read_bytes() == b"1"


def test_key_files_let_in_who_is_listed_and_pins_tell_a_changed_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert run("keygen", "ann").code == 0
    public = run("fingerprint", "ann/client.key").out.split()[1]
    server_public = run("fingerprint", "ann/server.key", "--json").documents[0]["public_key"]
    assert run("keygen", "bob", "--server-key", server_public).code == 0
    Path("clients").write_text(f"ann {public} ro\n")
    Path("x").write_bytes(b"1")
    words = ["--server-key", "ann/server.key", "--authorized-clients", "clients"]
    with spawned(
        "serve", "--json", "--port", "0", "--storage", str(tmp_path / "store"), *words, cwd=Path.cwd()
    ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline().split('"port": ')[1].split(",")[0])
        unknown = run("list", "--identity", "ann/client.key", port=port)
        met = run("list", "--identity", "ann/client.key", "--accept-new", port=port)
        again = run("list", "--identity", "ann/client.key", port=port)
        read_only = run("set", "x", "--identity", "ann/client.key", port=port)
        bob = run("list", "--identity", "bob/client.key", port=port)
        plain = run("list", port=port)
        run("trust", f"127.0.0.1:{port}", "ff2:" + "a" * 26)
        changed = run("list", "--identity", "ann/client.key", port=port)

    assert (unknown.code, met.code, again.code, read_only.code) == (5, 0, 0, 5)
    assert "was never met" in unknown.err
    assert (bob.code, plain.code, changed.code) == (5, 5, 5)
    assert "does not let this key in" in bob.err
    assert "ff2:" + "a" * 26 in changed.err
    assert "somebody may be in between" in changed.err


def test_the_server_tells_its_figures(tmp_path: Path) -> None:
    with spawned(
        "serve",
        "--json",
        "--port",
        "0",
        "--storage",
        str(tmp_path / "s"),
        "--metrics",
        "127.0.0.1:0",
        cwd=tmp_path,
    ) as process:
        assert process.stderr is not None
        line = process.stderr.readline() + process.stderr.readline()
        url = line.split("figures: ")[1].split()[0]
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own address
            text = answer.read().decode()
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(url + "/else", timeout=10)  # noqa: S310

    assert "# TYPE flaxfile_clients gauge\nflaxfile_clients 0\n" in text
    families = {one.name: one for one in text_string_to_metric_families(text)}
    assert families["flaxfile_clients"].samples[0].value == 0
    assert families["flaxfile_bytes_in"].type == "counter"
    assert {one.type for one in families.values()} == {"counter", "gauge"}


NOT_AT_START = {
    "argon2",
    "flaxfile.client.difference",
    "flaxfile.server.server",
    "rich",
    "sqlite3",
    "ssl",
    "watchfiles",
    "zmq",
}


def loaded(*words: str, of: set[str]) -> list[str]:
    """The exit code of a command, and which of these modules it has loaded."""
    program = (
        "import sys\nfrom flaxfile.cli.main import main\n"
        f"code = main({words!r})\nprint(code, *sorted({of!r} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path.cwd(),
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


@pytest.mark.parametrize("words", [("push", "d", "same-up"), ("pull", "same-down", "d")])
def test_a_sync_that_has_nothing_to_do_waits_for_no_event_loop(
    port: int, store: Path, words: tuple[str, ...]
) -> None:
    Path("d").mkdir()
    Path("d/x").write_bytes(b"1")
    Path("d/.gitignore").write_text("*.o\n")
    Path("d/y.o").touch()
    server = ("--server", f"127.0.0.1:{port}")
    there = next(word for word in words if word.startswith("same"))
    assert run("push", "d", there, port=port).code == 0
    (store / there / "x.o").touch()

    assert loaded(*words, "--quiet", *server, of={*NOT_AT_START, "asyncio"}) == ["0"]


@pytest.mark.parametrize("words", [("set", "d/x", "lazy"), ("push", "d", "all"), ("pull", "pulled", "back")])
def test_start_of_a_small_transfer_loads_nothing_it_does_not_need(
    port: int, store: Path, words: tuple[str, ...]
) -> None:
    Path("d").mkdir()
    Path("d/x").write_bytes(b"1")
    (store / "pulled").mkdir(exist_ok=True)
    (store / "pulled" / "y").write_bytes(b"2")
    assert loaded(*words, "--quiet", "--server", f"127.0.0.1:{port}", of=NOT_AT_START) == ["0"]
