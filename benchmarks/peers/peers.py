"""One adapter for each peer behind one interface: given a work and a count, it tells what that took."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from benchmarks.wire.sink import NULLBROKER, pinned

from .works import CPP, GO, JAVA, LOOP, RAW, THREAD

if TYPE_CHECKING:
    from .target import Target
    from .works import Work

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]
LAUNCHER: Final = ROOT / "tools" / "rocketmq" / "rocketmq-server"
JAVA_VERSION: Final = "5.5.0"
CPP_PACKAGE: Final = "rocketmq==0.4.4"  # of PyPI, with the C++ client inside
ANSWER_SECONDS: Final = 90.0  # longer than the clients themselves wait for an answer
BUILD_SECONDS: Final = 600.0
GROUP: Final = 64  # frames that the raw generator writes at once, so its counts are multiples of it

FACES: Final = {LOOP: "loop", THREAD: "thread"}

Figures = dict[str, float]


class ArmError(Exception):
    """An arm cannot be measured.

    Args:
        reason: in short, as what its name is followed by.
        text: all that is known.
    """

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class PeerError(ArmError):
    """A peer does not do what it should; says which, and what it wrote."""


class BuildError(Exception):
    """A program of a peer cannot be made on this machine."""


class Peer(Protocol):
    """Somebody who sends."""

    def measure(self, work: Work, count: int) -> Figures:
        """Send so many messages; gives count, rate, cpu_us of each, and of single calls p50_us and p99_us."""
        ...

    def close(self) -> None:
        """End it."""
        ...


class Program:
    """A peer that is a running program: a line in, a line out.

    Args:
        name: what it is called in messages.
        command: how it is started.
        topic: where it sends.
        log: a file for what it complains about.
        patience: seconds that an answer may take.
    """

    def __init__(
        self, name: str, command: list[str], topic: str, log: Path, patience: float = ANSWER_SECONDS
    ) -> None:
        self._name = name
        self._topic = topic
        self._log = log
        self._patience = patience
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=ROOT,
                bufsize=0,  # what could not be written would be tried once more when the pipe is closed
                env=os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
                start_new_session=True,  # Ctrl-C is for the one who measures, who ends all others
            )

    def measure(self, work: Work, count: int) -> Figures:
        """As for every peer."""
        asked = work.words(count, self._topic)
        reason = ""
        line = b""
        try:
            line = self._answer_to(asked)
            reason = "" if line.endswith(b"\n") else "ended"
        except BrokenPipeError:
            reason = "ended"
        except TimeoutError:
            reason = "did not answer"
        if reason:
            complaint = self._log.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise PeerError(reason, f"{self._name} {reason}, asked for {asked!r}: {complaint}")
        found: Figures = json.loads(line)
        return found

    def _answer_to(self, asked: str) -> bytes:
        """One line, or what there was of it when the program ended; raises TimeoutError after too long."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{asked}\n".encode())
        end, line, chunk = time.monotonic() + self._patience, b"", b"?"
        while chunk and not line.endswith(b"\n"):
            left = end - time.monotonic()
            if left <= 0 or not select.select([self._process.stdout], [], [], left)[0]:
                raise TimeoutError
            chunk = os.read(self._process.stdout.fileno(), 1 << 16)
            line += chunk
        return line

    def close(self) -> None:
        """End the program at once: it keeps nothing."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


class Raw:
    """The generator in C: frames that were encoded before, and nothing else that a client does."""

    def __init__(self, program: Path, target: Target, processor: int | None) -> None:
        self._program = program
        self._target = target
        self._processor = processor

    def measure(self, work: Work, count: int) -> Figures:
        """As for every peer."""
        options = {
            "awaited": ["-m", "blast", "-w", str(work.in_flight)],
            "batch": ["-m", "blast", "-w", str(work.in_flight), "-B", str(work.batch)],
            "oneway": ["-m", "oneway"],
            "sync": ["-m", "pingpong"],
            "one": ["-m", "pingpong"],
        }[work.kind]
        command = [str(self._program), "-p", str(self._target.raw_port), "-t", self._target.topic]
        command += ["-b", str(work.size), "-n", str(count // work.batch), *options]
        command = pinned(self._processor, *command)
        try:
            done = subprocess.run(
                command, check=False, capture_output=True, text=True, timeout=ANSWER_SECONDS
            )
        except subprocess.TimeoutExpired as error:
            raise PeerError("did not answer", str(error)) from error
        if done.returncode:
            raise PeerError("failed", f"the raw generator failed: {done.stderr.strip()}")
        found: dict[str, Any] = json.loads(done.stdout)
        return {
            "count": found["messages"],
            "rate": found["messages_per_s"],
            "cpu_us": found["client_cpu_us_per_message"],
            **{name: found[name] for name in ("p50_us", "p99_us") if name in found},
        }

    def close(self) -> None:
        """Nothing runs between two measures."""


class Peers:
    """Builds the programs of the peers in a folder, and starts them.

    Args:
        folder: for what is built, and for logs.
        processor: the one that all of them run on; None for all there are.
    """

    def __init__(self, folder: Path, processor: int | None) -> None:
        self._folder = folder
        self._processor = processor
        self._built: dict[str, list[str]] = {}
        self._started = 0

    def start(self, name: str, target: Target) -> Peer:
        """A peer that sends to a target."""
        if name == RAW:
            return Raw(self._generator(), target, self._processor)
        if name not in self._built:
            makers = {JAVA: self._java, GO: self._go, CPP: self._cpp}
            self._built[name] = makers[name]() if name in makers else ours(FACES[name])
        command = pinned(self._processor, *self._built[name], target.name_server)
        self._started += 1
        log = self._folder / f"{self._started}.log"
        return Program(name, command, target.topic, log)

    def _generator(self) -> Path:
        target = self._folder / "rawload"
        if not target.exists():
            compiler = os.environ.get("CC", "cc").split()
            source = NULLBROKER / "rawload" / "rawload.c"
            run([*compiler, "-O2", "-Wall", "-o", str(target), str(source)], ROOT)
        return target

    def _java(self) -> list[str]:
        jars = run([sys.executable, str(LAUNCHER), "resolve", "--version", JAVA_VERSION, "--classpath"], ROOT)
        path = f"{jars.strip()}/*"
        classes = self._folder / "java"
        run(["javac", "-nowarn", "-cp", path, "-d", str(classes), str(HERE / "java" / "Peer.java")], ROOT)
        command = [
            "java",
            "-Xms1g",
            "-Xmx1g",
            f"-Duser.home={classes}",
            f"-Drocketmq.client.logRoot={classes}",
        ]
        command += ["-Drocketmq.client.logLevel=WARN"]
        return [*command, "-cp", f"{classes}:{path}", "Peer"]

    def _go(self) -> list[str]:
        program = self._folder / "peer-go"
        run(["go", "build", "-o", str(program), "."], HERE / "go")
        return [str(program)]

    def _cpp(self) -> list[str]:
        place = self._folder / "cpp"
        run([sys.executable, "-m", "venv", str(place)], ROOT)
        python = str(place / "bin" / "python")
        run([python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", CPP_PACKAGE], ROOT)
        return [python, str(HERE / "cpp.py")]


def ours(face: str) -> list[str]:
    """Our program, on a loop or in a thread."""
    return [sys.executable, "-m", f"{__package__}.client", face]


def run(command: list[str], folder: Path) -> str:
    """What a command that builds something prints."""
    if shutil.which(command[0]) is None:
        raise BuildError(f"{command[0]} is missing, and a peer needs it; `--peers` leaves peers out")
    done = subprocess.run(
        command, cwd=folder, check=False, capture_output=True, text=True, timeout=BUILD_SECONDS
    )
    if done.returncode:
        raise BuildError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
    return done.stdout
