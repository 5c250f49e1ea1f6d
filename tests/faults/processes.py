"""Server processes that tests stop, kill and start again at the same place."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


class ServerProcess:
    """One server; after ``kill`` it can be started again, with its data and on its ports.

    Args:
        folder: its data.
        host: the address that it listens on.
        prefix: a command that runs it, for example in another network namespace.
    """

    def __init__(self, folder: Path, host: str = "127.0.0.1", prefix: Sequence[str] = ()) -> None:
        self.folder = folder
        self.host = host
        self.prefix = prefix
        self.name_server = ""
        self.broker = ""
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it and wait until it serves."""
        ports = [address.rpartition(":")[2] or "0" for address in (self.name_server, self.broker)]
        program = [sys.executable, "-m", "tests.faults.server_program", str(self.folder), self.host, *ports]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        self._process = subprocess.Popen(
            [*self.prefix, *program], stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the server ended with {self._process.wait(10)}"
        self.name_server, self.broker = json.loads(line)

    def kill(self) -> None:
        """kill -9."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait(10)
            assert process.stdout is not None
            process.stdout.close()

    def hold(self) -> None:
        """Stop it where it is: its sockets stay open, and nothing is answered."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """The end of ``hold``."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)


@contextmanager
def server_process(host: str = "127.0.0.1", prefix: Sequence[str] = ()) -> Iterator[ServerProcess]:
    """A running server whose data are gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        server = ServerProcess(Path(folder) / "data", host, prefix)
        server.start()
        try:
            yield server
        finally:
            server.kill()
