"""The program in a process of its own, and its JSON lines."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from pyrocketmq.cli import main as frame

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(frame.__file__).parents[2])}


def start(*words: str, reads: bool = False) -> subprocess.Popen[str]:
    """The program, with pipes for its output, and for its input if it reads."""
    return subprocess.Popen(
        [sys.executable, "-m", "pyrocketmq", *words],
        stdin=subprocess.PIPE if reads else None,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )


class Program:
    """A command that goes on and prints JSON lines; the test's own time limit ends a wait in vain."""

    def __init__(self, command: str, *words: str) -> None:
        self.process = start(command, "--json", *words)

    def next(self) -> dict[str, Any]:
        """The next line."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read() if self.process.stderr else ""
        event: dict[str, Any] = json.loads(line)
        return event

    def until(self, kind: str, **values: object) -> dict[str, Any]:
        """The next line of a kind, with these values in it."""
        while True:
            event = self.next()
            if event["event"] == kind and all(event.get(name) == value for name, value in values.items()):
                return event

    def stop(self, with_signal: int = signal.SIGINT) -> int:
        """End it; gives its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(with_signal)
        self.process.communicate(timeout=20)
        return self.process.returncode
