"""Every exit code of the page of errors is what the real command ends with, and says why in words."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import zmq

from flaxfile.server.server import Server

from .commands import Done, Proxy, noise, run, server_here

MIB = 1 << 20
pytestmark = pytest.mark.usefixtures("here")


def ends(done: Done, code: int, name: str) -> str:
    """A command with --json ended so; what it said."""
    assert done.code == code, (done.out, done.err)
    error = json.loads(done.out.splitlines()[-1])["error"]
    assert (error["code"], error["name"]) == (code, name)
    assert error["message"]
    assert "Traceback" not in done.err
    said: str = error["message"]
    return said


@contextlib.contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """Something that listens and is no FlaxFile server."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                one, _ = listener.accept()
                with one, contextlib.suppress(OSError):
                    answer(one)

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


@contextlib.contextmanager
def of_version_1() -> Iterator[int]:
    """A server that answers as the one of 1.7.1 did."""
    with zmq.Context() as context, context.socket(zmq.ROUTER) as router:
        router.linger = 0
        port = router.bind_to_random_port("tcp://127.0.0.1")
        ended = threading.Event()

        def answer() -> None:
            while not ended.is_set():
                if router.poll(20):
                    peer = router.recv_multipart()[0]
                    router.send_multipart([peer, b"", b"ERROR", b"unknown command"])

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield port
        finally:
            ended.set()
            thread.join(10)


def test_0_all_is_done(port: int) -> None:
    Path("x").write_bytes(b"1")
    assert run("set", "x", "codes/x", port=port).code == 0


def test_1_some_files_failed_or_differ(port: int, store: Path) -> None:
    Path("tree").mkdir()
    Path("tree/a").write_bytes(b"1")
    Path("tree/b").write_bytes(b"1")
    (store / "partial" / "a" / "in the way").mkdir(parents=True)

    done = run("push", "tree", "partial", "--json", port=port)

    assert done.code == 1
    assert done.documents[-1]["summary"]["failed"] == 1
    assert (store / "partial" / "b").read_bytes() == b"1"
    assert run("verify", "tree", "partial", port=port).code == 1


def test_2_what_was_asked_for_cannot_be(port: int) -> None:
    ends(run("list", "--json", "--no-such-flag", port=port), 2, "USAGE")
    Path("flaxfile.toml").write_text("[client]\nretires = 2\n")
    said = ends(run("list", "--json"), 2, "USAGE")
    assert "flaxfile.toml, line 2: nobody knows the setting [client] retires" in said


@pytest.mark.parametrize(
    "words", [("get", "none"), ("stat", "none"), ("set", "none"), ("pull", "none"), ("push", "none")]
)
def test_3_it_is_not_there(port: int, words: tuple[str, ...]) -> None:
    assert "none" in ends(run(*words, "--json", port=port), 3, "NOT_FOUND")


def test_4_nobody_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        said = ends(run("ping", "--json", "--connect-timeout", "0.5", port=number), 4, "CONNECT")
        assert f"127.0.0.1:{number}" in said
        busy = run("serve", "--json", "--port", str(number), "--storage", "s")
        assert "already in use" in ends(busy, 4, "CONNECT")
    assert "no address" in ends(run("ping", "--json", "--server", "no.such.name.invalid"), 4, "CONNECT")


def test_5_who_asks_may_not(port: int, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLAXFILE_PASSWORD", "a password that nobody asked for")
    ends(run("list", "--json", port=port), 5, "AUTH")
    del store


def test_6_nothing_moves(port: int) -> None:
    Path("big").write_bytes(noise(4 * MIB))
    stopped = threading.Event()

    def stop(direction: str, number: int, offset: int, data: bytes) -> bytes:
        if direction == "up" and offset + len(data) > MIB:
            stopped.wait(20)
        del number
        return data

    with Proxy(port, stop) as proxy:
        words = ("set", "big", "codes/big", "--timeout", "0.7", "--max-retries", "0", "--json")
        try:
            done = run(*words, port=proxy.port)
        finally:
            stopped.set()

    ends(done, 6, "TIMEOUT")
    hint = done.documents[-1]["error"]["hint"]
    assert f"to go on: flaxfile set --server 127.0.0.1:{proxy.port} big codes/big" in hint


def test_7_what_arrives_is_not_what_was_sent(port: int, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (store / "codes").mkdir(exist_ok=True)
    (store / "codes" / "wrong").write_bytes(noise(MIB))
    monkeypatch.setattr("flaxfile.client.transfers.root_hash", lambda *_: bytes(16))

    ends(run("get", "codes/wrong", "--json", port=port), 7, "INTEGRITY")

    assert not Path("wrong").exists()


def test_8_there_is_no_room(port: int, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("x").write_bytes(noise(MIB))
    (store / "roomy").write_bytes(noise(MIB))
    monkeypatch.setattr(os, "fstatvfs", lambda _: SimpleNamespace(f_bavail=3, f_frsize=1000))

    said = ends(run("set", "x", "codes/full", "--json", port=port), 8, "NO_SPACE")
    assert "'codes/full' does not fit on the disk of the server" in said
    said = ends(run("get", "roomy", "here", "--json", port=port), 8, "NO_SPACE")
    assert "here does not fit on this disk: 1048576 bytes are needed and 3000 are free" in said
    assert not Path("here").exists()


def test_9_a_condition_does_not_hold(port: int) -> None:
    Path("x").write_bytes(b"1")
    assert run("set", "x", "codes/there", port=port).code == 0

    said = ends(run("set", "x", "codes/there", "--if-absent", "--json", port=port), 9, "CONFLICT")

    assert "is there already" in said
    ends(run("set", "x", "codes/there", "--if-match", "0", "--json", port=port), 9, "CONFLICT")


def test_10_it_is_too_much(tmp_path: Path) -> None:
    Path("x").write_bytes(bytes(1000))
    with server_here(tmp_path / "small", max_upload=999) as small:
        ends(run("set", "x", "--json", port=small.port), 10, "LIMIT")


def test_11_the_system_does_not_let_us(port: int) -> None:
    Path("x").write_bytes(b"1")
    assert run("set", "x", "codes/y", port=port).code == 0

    assert "x is no folder" in ends(run("get", "codes/y", "x/y", "--json", port=port), 11, "IO")


def test_12_what_answers_is_something_else() -> None:
    with of_version_1() as port:
        ends(run("list", "--json", "--connect-timeout", "3", port=port), 12, "PROTOCOL")


def test_something_that_hangs_up_may_be_no_server_of_ours() -> None:
    with answering(lambda one: one.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        said = ends(run("list", "--json", "--connect-timeout", "3", port=port), 5, "AUTH")

    assert "or it is no FlaxFile server" in said


def test_what_is_typed_wrong_gets_a_text_that_helps(port: int, server: Server) -> None:
    Path("file").write_bytes(b"1")
    Path("folder").mkdir()
    free = ("serve", "--port", "0", "--storage", "s")
    for words, code, text in (
        (("set", "file", "backup/"), 2, "flaxfile set file backup/file"),
        (("set", "folder"), 2, "flaxfile push folder"),
        (("get", "folder"), 2, "flaxfile pull folder"),
        (("push", "file"), 3, "flaxfile set file"),
        (("serve", "--port", "0", "--storage", "file"), 11, "file is no folder"),
        ((*free, "--host", "198.51.100.7", "--insecure"), 4, "is it an address of this machine?"),
        ((*free, "--metrics", "9100"), 2, "HOST:PORT"),
        ((*free, "--metrics", f"127.0.0.1:{server.port}"), 4, "already in use"),
        (("systemd", "--port", "many"), 2, "no port"),
        (("list", "--config", "folder"), 2, "Is a directory"),
    ):
        done = run(*words, port=None if words[0] in {"serve", "systemd"} else port)
        assert (done.code, text in done.err) == (code, True), (words, done)
        assert "serving" not in done.err
