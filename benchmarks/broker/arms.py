"""The brokers that are measured, each in processes of its own on one core, and the load on them."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pyrocketmq.model import RemotingRequestFactory as Requests
from pyrocketmq.model.headers import GetMaxOffsetResponseHeader
from pyrocketmq.remote import create_sync_remote

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HERE: Final = Path(__file__).parent
LAUNCHER: Final = HERE.parents[1] / "tools" / "rocketmq" / "rocketmq-server"
RAWLOAD: Final = HERE.parent / "nullbroker" / "rawload" / "rawload.c"
QUEUES: Final = 8
CLIENT_CORE: Final = 0
BROKER_CORE: Final = 1
REAL: Final = "5.5.0"
PATIENCE: Final = ("waitTimeMillsInSendQueue=10000", "osPageCacheBusyTimeOutMills=10000")
"""So that the real broker does not refuse what it cannot take at once."""
ARRIVAL_SECONDS: Final = 5.0

ARMS: Final = ("memory", "disk", "real")


class Arm:
    """One running broker.

    Args:
        name: memory, disk or real.
        address: where it is.
        pid: the process whose time is counted.
    """

    def __init__(self, name: str, address: str, pid: int) -> None:
        self.name = name
        self.address = address
        self.pid = pid

    def cpu_seconds(self) -> float:
        """What its process has used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def make_topic(self, topic: str) -> None:
        """Make a topic with the queues that the load goes to."""
        with create_sync_remote(self.address) as remote:
            answer = remote.invoke(Requests.create_create_topic_request(topic, QUEUES, QUEUES))
        if answer.code != 0:
            raise RuntimeError(f"{self.name} makes no topic: {answer.remark}")

    def stored(self, topic: str) -> int:
        """How many messages the queues of a topic have had."""
        total = 0
        with create_sync_remote(self.address) as remote:
            for queue_id in range(QUEUES):
                answer = remote.invoke(Requests.create_get_max_offset_request(topic, queue_id))
                total += GetMaxOffsetResponseHeader.from_ext_fields(answer.ext_fields).offset
        return total

    def stored_at_last(self, topic: str, hoped: int) -> int:
        """The same, when what is on its way has arrived; a real broker tells of its queues a little later."""
        end = time.monotonic() + ARRIVAL_SECONDS
        found = self.stored(topic)
        while found < hoped and time.monotonic() < end:
            time.sleep(0.05)
            found = self.stored(topic)
        return found

    def load(self, generator: Path, *options: str) -> dict[str, Any]:
        """Run the generator on the other core; what it has counted."""
        port = self.address.rpartition(":")[2]
        command = ["taskset", "-c", str(CLIENT_CORE), str(generator), "-p", port, *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        if done.returncode:
            raise RuntimeError(f"the load on {self.name} failed: {done.stderr.strip()}")
        found: dict[str, Any] = json.loads(done.stdout)
        return found


@contextmanager
def build_generator(folder: Path) -> Iterator[Path]:
    """Compile the load generator."""
    target = folder / "rawload"
    compiler = os.environ.get("CC", "cc").split()
    subprocess.run([*compiler, "-O2", "-Wall", "-o", str(target), str(RAWLOAD)], check=True)
    yield target


@contextmanager
def running(name: str, folder: Path) -> Iterator[Arm]:
    """Start a broker, and stop it at the end."""
    with real(folder) if name == "real" else embedded(name, folder if name == "disk" else None) as arm:
        yield arm


@contextmanager
def embedded(name: str, folder: Path | None) -> Iterator[Arm]:
    command = ["taskset", "-c", str(BROKER_CORE), sys.executable, "-m", "benchmarks.broker.serve"]
    if folder is not None:
        command.append(str(folder))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield Arm(name, process.stdout.readline().strip(), process.pid)
        finally:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


@contextmanager
def real(folder: Path) -> Iterator[Arm]:
    with launched(folder, BROKER_CORE, PATIENCE) as (arm, _):
        yield arm


@contextmanager
def launched(
    folder: Path, processor: int | None = None, settings: Sequence[str] = ()
) -> Iterator[tuple[Arm, str]]:
    """A real broker, on one processor or all, with some settings changed; and its name server's address."""
    place = ["--dir", str(folder)]
    options = [
        "--version",
        REAL,
        "--heap",
        "2g",
        "--direct",
        "1g",
        "--namesrv-port",
        "0",
        "--broker-port",
        "0",
    ]
    for setting in settings:
        options += ["--conf", setting]
    pin = [] if processor is None else ["taskset", "-c", str(processor)]
    up = [*pin, sys.executable, str(LAUNCHER), "up", *place, *options]
    facts = json.loads(subprocess.run(up, capture_output=True, text=True, check=True).stdout)
    try:
        ((name, address),) = facts["brokers"].items()
        yield Arm("real", address, facts["procs"][name]["pid"]), facts["namesrv_addr"]
    finally:
        down = [sys.executable, str(LAUNCHER), "down", *place, "--now", "--wipe"]
        subprocess.run(down, capture_output=True, check=False)


PLAIN_WRITE: Final = """
import os, sys, time
file, block, written = os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY), os.urandom(1 << 18), 0
begin = time.perf_counter()
while written < 1 << 27 or (time.perf_counter() - begin < 0.3 and written < 1 << 29):
    written += os.write(file, block)
print(written / (time.perf_counter() - begin))
os.close(file)
"""


def plain_write_rate(folder: Path) -> float:
    """Bytes a second that a new file takes, without any sync, from the core of the brokers."""
    # The files stay until the end: memory of a file that is gone would be used again, and that is quicker.
    file = folder / f"plain-{time.monotonic_ns()}"
    command = ["taskset", "-c", str(BROKER_CORE), sys.executable, "-c", PLAIN_WRITE, str(file)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def settle() -> None:
    """Give what the last load left behind a moment."""
    time.sleep(0.2)
