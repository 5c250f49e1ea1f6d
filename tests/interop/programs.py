"""Builds the client programs of this folder and talks to them: a command in, events out, all in lines."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
import time
import urllib.parse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.servers import launch

HERE = Path(__file__).parent
CLIENTS = ("java-5.5.0", "java-4.9.7", "go")
BUILD_S = 300.0
DEADLINE_S = 60.0

Event = dict[str, Any]


class Build(NamedTuple):
    """How a client program is started."""

    arguments: list[str]

    def command(self, name_server: str, settings: Mapping[str, str]) -> list[str]:
        """With the address of the name server, and system properties for a Java program."""
        program, *rest = self.arguments
        return [program, *[f"-D{name}={value}" for name, value in settings.items()], *rest, name_server]


def build(client: str, folder: Path) -> Build:
    """Compile the program of a client into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    if client == "go":
        run("go", "build", "-o", str(folder / "client"), ".", cwd=HERE / "go")
        return Build([str(folder / "client")])
    resolved = launch("resolve", "--version", client.removeprefix("java-"), "--classpath")
    assert resolved.returncode == 0, resolved.stderr
    path = f"{resolved.stdout.strip()}/*"
    run("javac", "-nowarn", "-cp", path, "-d", str(folder), str(HERE / "java" / "Client.java"))
    # The tools read their log settings from a home; the client writes logs and offsets below the user's.
    conf = folder / "conf"
    conf.mkdir()
    for name in ("logback_tools.xml", "rmq.tools.logback.xml"):
        (conf / name).write_text("<configuration/>", encoding="utf-8")
    settings = {
        "user.home": folder,
        "rocketmq.home.dir": folder,
        "rocketmq.client.logRoot": folder / "logs",
        "rocketmq.client.logLevel": "WARN",
    }
    java = ["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"]
    java += [f"-D{name}={value}" for name, value in settings.items()]
    return Build([*java, "-cp", f"{folder}:{path}", "Client"])


def run(*arguments: str, cwd: Path | None = None) -> None:
    program = shutil.which(arguments[0])
    assert program is not None, f"{arguments[0]} is missing, and a client program needs it"
    done = subprocess.run(
        [program, *arguments[1:]], capture_output=True, text=True, check=False, cwd=cwd, timeout=BUILD_S
    )
    assert done.returncode == 0, f"{' '.join(arguments)}:\n{done.stdout}{done.stderr}"


class Task:
    """One command that a client program carries out, and its events so far."""

    def __init__(self, program: Program, number: str, what: str) -> None:
        self._program = program
        self.number = number
        self.what = what
        self.events: list[Event] = []
        self.told = threading.Condition()
        self._stopped = False

    def wait(self, enough: Callable[[list[Event]], bool], what: str, within: float = DEADLINE_S) -> None:
        """Until the events are enough."""
        with self.told:
            if not self.told.wait_for(lambda: enough(self.events) or self._program.ended, within):
                raise AssertionError(f"{self.what}: not within {within:.0f} s: {what}; events: {self.events}")
        if not enough(self.events):
            raise AssertionError(f"{self.what}: the program has ended: {self._program.errors()}")

    def of(self, name: str) -> list[Event]:
        """The events of this name."""
        with self.told:
            return [event for event in self.events if event["event"] == name]

    def some(self, name: str, count: int = 1, within: float = DEADLINE_S) -> list[Event]:
        """The events of this name, once there are so many or the task has ended."""
        self.wait(
            lambda events: sum(event["event"] == name for event in events) >= count or ended(events),
            f"{count} x {name}",
            within,
        )
        found = self.of(name)
        assert len(found) >= count, f"{self.what}: {self.events}"
        return found

    def messages(self, count: int, within: float = DEADLINE_S) -> list[Event]:
        """The messages that a consumer was given, once there are so many."""
        return [event["message"] for event in self.some("message", count, within)]

    def end(self, within: float = DEADLINE_S) -> list[Event]:
        """All events, once the task has ended without a mistake."""
        self.wait(ended, "end", within)
        assert "error" not in self.events[-1], f"{self.what}: {self.events[-1]}"
        return self.events

    def let_stop(self) -> None:
        """Have a consumer end in its own time."""
        if not self._stopped:
            self._stopped = True
            self._program.start("stop", target=self.number)

    def stop(self) -> list[Event]:
        """End a consumer; gives all its events."""
        self.let_stop()
        return self.end()


def ended(events: list[Event]) -> bool:
    return bool(events) and events[-1]["event"] == "end"


class Program:
    """A running client program."""

    def __init__(
        self, built: Build, name_server: str, folder: Path, settings: Mapping[str, str] | None = None
    ) -> None:
        folder.mkdir(parents=True)
        self._log = folder / "errors.log"
        self._tasks: dict[str, Task] = {}
        self.ended = False
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                built.command(name_server, settings or {}),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=folder,
                env=os.environ | {"HOME": str(folder)},
            )
        self._reader = threading.Thread(target=self._read, name="client-program")
        self._reader.start()

    def start(self, verb: str, **options: str | int) -> Task:
        """Tell the program to do something."""
        number = str(len(self._tasks) + 1)
        text = urllib.parse.urlencode({name.replace("__", "."): value for name, value in options.items()})
        task = self._tasks[number] = Task(self, number, f"{verb} {text}")
        assert self._process.stdin is not None
        self._process.stdin.write(f"{number} {verb} {text}\n".encode())
        self._process.stdin.flush()
        return task

    def do(self, verb: str, **options: str | int) -> list[Event]:
        """Have something done to its end; gives the events."""
        return self.start(verb, **options).end()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            event = json.loads(line)
            task = self._tasks[event["id"]]
            with task.told:
                task.events.append(event)
                task.told.notify_all()
        self.ended = True
        for task in list(self._tasks.values()):
            with task.told:
                task.told.notify_all()

    def errors(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")[-4000:]

    def close(self) -> None:
        """End the program: it ends with its input."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        end = time.monotonic() + 20.0
        while self._process.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._reader.join()
        self._process.stdout.close()
