"""Runs the real command: in this process where that is enough, in one of its own where it is killed."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import random
import select
import signal
import socket
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from flaxfile.cli.main import main
from flaxfile.server.server import Server

SRC = Path(__file__).parents[2] / "src"


@dataclass(frozen=True)
class Done:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def documents(self) -> list[dict[str, Any]]:
        """The objects of a command with --json."""
        return [json.loads(line) for line in self.out.splitlines()]


class _Stream(io.TextIOWrapper):
    """A standard stream that also takes bytes."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True)

    def text(self) -> str:
        self.flush()
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode("utf-8", "surrogateescape")


def run(*words: str, port: int | None = None, stdin: bytes = b"") -> Done:
    """One command in this process, against the server on a port."""
    server = ["--server", f"127.0.0.1:{port}"] if port is not None else []
    out, err = _Stream(), _Stream()
    before = sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8")
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main([*server, *words])
    finally:
        sys.stdin = before
    return Done(code, out.text(), err.text())


def environment(**more: str) -> dict[str, str]:
    """What a process of its own gets: nothing of the configuration of whoever runs the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FLAXFILE_")}
    return {**kept, "PYTHONPATH": str(SRC), "FLAXFILE_CONFIG": os.devnull, **more}


def spawn(*words: str, cwd: Path, **more: str) -> subprocess.Popen[str]:
    """One command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "flaxfile", *words],
        cwd=cwd,
        env=environment(**more),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str], timeout: float = 60) -> Done:
    """What it said, when it ends in time; it is killed otherwise, and that fails."""
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"still running after {timeout} s: {out}{err}") from None
    return Done(process.returncode, out, err)


@contextlib.contextmanager
def spawned(*words: str, cwd: Path, **more: str) -> Iterator[subprocess.Popen[str]]:
    """The same; whatever happens, it is gone afterwards."""
    process = spawn(*words, cwd=cwd, **more)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@contextlib.contextmanager
def serving(storage: Path, port: int = 0, **more: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A server in a process of its own, and its port."""
    words = ["serve", "--json", "--port", str(port), "--storage", str(storage)]
    with spawned(*words, cwd=storage.parent, **more) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.stderr.read() if process.stderr else ""
        yield process, int(json.loads(line)["port"])


@contextlib.contextmanager
def server_here(storage: Path, **options: Any) -> Iterator[Server]:
    """A server in threads of this process."""
    server = Server("127.0.0.1", 0, storage, **options)
    server.start_now()
    try:
        yield server
    finally:
        server.stop_now(grace=0)


class Terminal:
    """A command on a terminal of its own, as somebody at a keyboard has it."""

    def __init__(self, *words: str) -> None:
        self.ours, theirs = pty.openpty()
        self.before = termios.tcgetattr(theirs)
        self._theirs = theirs
        self.process = subprocess.Popen(
            [sys.executable, "-m", "flaxfile", *words],
            env=environment(TERM="xterm"),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        self.said = ""

    def expect(self, text: str, timeout: float = 20) -> None:
        """Wait until it has said something."""
        until = time.monotonic() + timeout
        while text not in self.said:
            assert time.monotonic() < until, self.said
            if select.select([self.ours], [], [], 0.1)[0]:
                self.said += os.read(self.ours, 65536).decode("utf-8", "replace")

    def end(self, number: signal.Signals, timeout: float = 20) -> int:
        """Send a signal; gives the exit code."""
        time.sleep(0.2)  # what is shown now comes a moment before what waits for an answer
        self.process.send_signal(number)
        until = time.monotonic() + timeout
        while self.process.poll() is None:
            assert time.monotonic() < until, f"still there: {self.said}"
            if select.select([self.ours], [], [], 0.05)[0]:
                self.said += os.read(self.ours, 65536).decode("utf-8", "replace")
        while select.select([self.ours], [], [], 0)[0]:
            self.said += os.read(self.ours, 65536).decode("utf-8", "replace")
        assert termios.tcgetattr(self._theirs) == self.before
        return self.process.returncode

    def close(self) -> None:
        """Nothing of it is left."""
        self.process.kill()
        self.process.wait()
        os.close(self.ours)
        os.close(self._theirs)


@contextlib.contextmanager
def terminal(*words: str) -> Iterator[Terminal]:
    """A command on a terminal, gone afterwards."""
    one = Terminal(*words)
    try:
        yield one
    finally:
        one.close()


def wait_until(true: Any, timeout: float = 20) -> None:
    """Until something is so."""
    until = time.monotonic() + timeout
    while not true():
        assert time.monotonic() < until, "it did not come to be in time"
        time.sleep(0.01)


def noise(size: int, seed: int = 1) -> bytes:
    """Bytes that are not all the same, the same ones each time."""
    return random.Random(seed).randbytes(size)


class Proxy:
    """Stands between a command and a server, and does something to what passes.

    Args:
        port: of the server.
        change: gets direction ("up" or "down"), number of the connection, offset and bytes; gives
            what goes on.
    """

    def __init__(self, port: int, change: Any) -> None:
        self._target = port
        self._change = change
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._count = 0
        self._open: list[Any] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                client.close()
                continue
            number = self._count
            self._count += 1
            self._open += [client, server]
            for direction, source, sink in (("up", client, server), ("down", server, client)):
                thread = threading.Thread(
                    target=self._pass, args=(direction, number, source, sink), daemon=True
                )
                self._threads.append(thread)
                thread.start()

    def _pass(self, direction: str, number: int, source: Any, sink: Any) -> None:
        offset = 0
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(self._change(direction, number, offset, data))
                offset += len(data)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(2)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(2)
        self._listener.close()
        self._threads[0].join(10)  # a connection that it has just taken is closed, too
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(2)
        for thread in self._threads:
            thread.join(10)
        for one in self._open:
            one.close()
