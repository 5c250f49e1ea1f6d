"""Everything that is measured: how its server starts, how one transfer is done, what it cost both sides."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ARMS", "Arm", "Cost", "make_arms", "seed_interpreter"]

HERE: Final = Path(__file__).parent
SRC: Final = HERE.parents[1] / "src"
PASSWORD: Final = "bench: a password of some length"  # noqa: S105 - protects nothing
SEED: Final = "flaxfile==1.7.1"
ARMS: Final = ("ours", "ours-curve", "seed", "seed-curve", "zmq", "zmqc", "sendfile", "rsync", "cp")
TICK: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cost:
    """One transfer."""

    seconds: float
    cpu: float
    """Seconds of processor time, both sides."""
    client_peak_mib: float = 0.0
    server_peak_mib: float = 0.0
    sent_mib: float = 0.0
    """What crossed the wire, where that is what counts."""


def seed_interpreter(build: Path) -> Path:
    """The interpreter of an environment that has the predecessor and nothing else; made once."""
    folder = build / "flaxfile-1.7.1"
    python = folder / "bin" / "python"
    if not (folder / "made").exists():
        venv.create(folder, clear=True, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", SEED, "pyzmq==27.*"], check=True)
        (folder / "made").touch()
    return python


def free_port() -> int:
    """A port that nobody has now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def wait_for(port: int, process: subprocess.Popen[Any], timeout: float = 30.0) -> None:
    """Until somebody listens."""
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.02)
    raise RuntimeError(f"nobody listens on {port}")


def cpu_of(pid: int) -> float:
    """Seconds of processor time of a process and of its children that ended."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return sum(int(value) for value in fields[11:15]) / TICK


def peak_of(pid: int) -> float:
    """Most memory a process had, in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0.0


@dataclass(slots=True)
class Arm:
    """One of the rivals; used as a context."""

    name: str
    folder: Path
    """Where its server keeps its files."""
    seed_python: Path | None = None
    port: int = 0
    _server: subprocess.Popen[Any] | None = None
    _client: subprocess.Popen[str] | None = None

    @property
    def password(self) -> str | None:
        """What both sides know."""
        return PASSWORD if self.name.endswith("-curve") else None

    @property
    def store(self) -> Path:
        """The folder under which a key is a file."""
        return self.folder / "zmq_streaming_storage" if self.name.startswith("seed") else self.folder

    @property
    def environment(self) -> dict[str, str]:
        """Of both sides."""
        found = {**os.environ, "PYTHONPATH": "" if self.seed_python else str(SRC)}
        found.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package has its bytecode
        found["FLAXFILE_PASSWORD"] = self.password or ""
        found["FLAXFILE_CONFIG" if not self.seed_python else "UNUSED"] = str(self.folder / "flaxfile.toml")
        return found

    @property
    def python(self) -> str:
        """The interpreter of both sides."""
        return str(self.seed_python or sys.executable)

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in (self._client, self._server):
            if process is not None:
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(10)
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self) -> None:
        if self.name == "cp":
            return
        if self.name in {"zmq", "zmqc", "sendfile"}:
            self._server = self._popen(
                [self.python, str(HERE / "raw.py"), self.name, str(self.folder)], pipe=True
            )
            assert self._server.stdout is not None
            self.port = int(self._server.stdout.readline())
        else:
            self.port = free_port()
            if self.name == "rsync":
                (self.folder / "rsyncd.conf").write_text(
                    f"use chroot = no\nuid = {os.getuid()}\ngid = {os.getgid()}\n"
                    f"[files]\npath = {self.folder}\nread only = no\n"
                )
                rsync = shutil.which("rsync") or "rsync"
                config = f"--config={self.folder / 'rsyncd.conf'}"
                command = [
                    rsync,
                    "--daemon",
                    "--no-detach",
                    f"--port={self.port}",
                    "--address=127.0.0.1",
                    config,
                ]
            else:
                (self.folder / "flaxfile.toml").write_text(
                    '[client]\ndefault_server = "here"\n'
                    f'[servers.here]\nhost = "127.0.0.1"\nport = {self.port}\n'
                )
                module = "flaxfile.cli" if self.seed_python else "flaxfile"
                start = f"import sys; from {module} import main; sys.exit(main())" if self.seed_python else ""
                command = [self.python, *(["-c", start] if start else ["-m", module]), "serve"]
                command += ["--host", "127.0.0.1", "--port", str(self.port)]
                if not self.seed_python:
                    command += ["--storage", str(self.folder)]
            self._server = self._popen(command)
            wait_for(self.port, self._server)
        if self.name != "rsync":
            self._client = subprocess.Popen(
                [self.python, str(HERE / "client.py")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=(self.folder / "client.log").open("wb"),
                text=True,
                env=self.environment,
                cwd=self.folder,
            )

    def _popen(self, command: list[str], *, pipe: bool = False) -> subprocess.Popen[Any]:
        log = self.folder / "server.log"
        with log.open("wb") as file:
            return subprocess.Popen(
                command,
                stdout=subprocess.PIPE if pipe else file,
                stderr=file,
                env=self.environment,
                cwd=self.folder,
            )

    def can(self, verb: str) -> bool:
        """Whether it does that."""
        return verb == "down" or self.name != "sendfile"

    def transfer(self, verb: str, path: Path, key: str) -> Cost:
        """One file up or down."""
        server_before = cpu_of(self._server.pid) if self._server else 0.0
        if self.name in {"rsync", "cp"}:
            seconds, cpu = self._by_command(verb, path, key)
            peak = 0.0
        else:
            answer = self._ask({"arm": self.name, "verb": verb, "path": str(path), "key": key})
            seconds, cpu, peak = answer["seconds"], answer["cpu"], answer["peak_kib"] / 1024
        server = cpu_of(self._server.pid) - server_before if self._server else 0.0
        return Cost(seconds, cpu + server, peak, peak_of(self._server.pid) if self._server else 0.0)

    def _ask(self, task: dict[str, Any]) -> dict[str, Any]:
        client = self._client
        assert client is not None
        assert client.stdin is not None
        assert client.stdout is not None
        client.stdin.write(json.dumps({**task, "port": self.port, "password": self.password}) + "\n")
        client.stdin.flush()
        answer = json.loads(client.stdout.readline() or '{"error": "the client ended"}')
        if "error" in answer:
            raise RuntimeError(f"{self.name}: {answer['error']}")
        return dict(answer)

    def _by_command(self, verb: str, path: Path, key: str) -> tuple[float, float]:
        there = str(self.folder / key) if self.name == "cp" else f"rsync://127.0.0.1:{self.port}/files/{key}"
        words = [str(path), there] if verb == "up" else [there, str(path)]
        if self.name == "cp":
            # Without this it would share the blocks, where a file system can.
            return self.command(["cp", "--reflink=never", *words])
        return self.command(["rsync", "--whole-file", "--inplace", *words])

    def command(self, words: list[str], cwd: Path | None = None) -> tuple[float, float]:
        """Seconds and processor seconds of a program."""
        before = os.times()
        began = time.perf_counter()
        done = subprocess.run(words, cwd=cwd, env=self.environment, capture_output=True, check=False)
        seconds = time.perf_counter() - began
        after = os.times()
        if done.returncode:
            raise RuntimeError(f"{words}: {done.stdout.decode()[-500:]}{done.stderr.decode()[-500:]}")
        cpu = after.children_user + after.children_system - before.children_user - before.children_system
        return seconds, cpu

    def flaxfile(self, *words: str, cwd: Path) -> tuple[float, float]:
        """The command line of this arm."""
        if self.seed_python:
            # The predecessor looks for its settings in the working folder alone.
            shutil.copy(self.folder / "flaxfile.toml", cwd / "flaxfile.toml")
            return self.command([str(self.seed_python.with_name("flaxfile")), *words], cwd)
        program = shutil.which("flaxfile", path=str(Path(sys.executable).parent))
        return self.command([*([program] if program else [sys.executable, "-m", "flaxfile"]), *words], cwd)


@contextlib.contextmanager
def make_arms(names: list[str], folder: Path, build: Path) -> Iterator[dict[str, Arm]]:
    """All of them, with their servers running."""
    with contextlib.ExitStack() as stack:
        arms = {}
        for name in names:
            python = seed_interpreter(build) if name.startswith("seed") else None
            arms[name] = stack.enter_context(Arm(name, folder / name, python))
        yield arms
