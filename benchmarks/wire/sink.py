"""The counting sink and the raw generator of benchmarks/nullbroker, each on its own processor."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

NULLBROKER: Final = Path(__file__).parents[1] / "nullbroker"
START_SECONDS: Final = 10.0


class Processors(NamedTuple):
    """Where the client and the sink run; None where they cannot be told."""

    client: int | None
    sink: int | None


def processors() -> Processors:
    """Two different ones; a machine with one shows nothing about either side."""
    if not hasattr(os, "sched_getaffinity"):
        return Processors(None, None)
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2:
        raise SystemExit("these figures need two processors: one for the client, one for the sink")
    return Processors(usable[0], usable[1])


def pinned(processor: int | None, *command: str) -> list[str]:
    """A command that runs on one processor."""
    if processor is None or shutil.which("taskset") is None:
        return list(command)
    return ["taskset", "-c", str(processor), *command]


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class Sink:
    """A running sink."""

    def __init__(self, port: int, stats_port: int) -> None:
        self.port = port
        self._stats = f"http://127.0.0.1:{stats_port}"

    def stats(self) -> dict[str, Any]:
        """What it has counted since `reset`."""
        with urllib.request.urlopen(f"{self._stats}/stats", timeout=5) as answer:  # noqa: S310
            found: dict[str, Any] = json.load(answer)
        return found

    def reset(self) -> None:
        """Set its counters to zero."""
        request = urllib.request.Request(f"{self._stats}/reset", method="POST")  # noqa: S310
        urllib.request.urlopen(request, timeout=5).close()  # noqa: S310


@contextmanager
def running_sink(processor: int | None, *more: str) -> Iterator[Sink]:
    """A sink of its own for this run, on free ports, with more options if need be."""
    script = ["sh", str(NULLBROKER / "run")]
    program = subprocess.run([*script, "path"], check=True, capture_output=True, text=True).stdout.strip()
    port, stats_port = free_port(), free_port()
    options = ["-listen", f"127.0.0.1:{port}", "-stats", f"127.0.0.1:{stats_port}", *more]
    process = subprocess.Popen(
        pinned(processor, program, *options), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    sink = Sink(port, stats_port)
    try:
        wait_for(sink, process)
        yield sink
    finally:
        process.terminate()
        process.wait()


def wait_for(sink: Sink, process: subprocess.Popen[bytes]) -> None:
    """Wait until the sink answers."""
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            sink.stats()
        except OSError as error:
            if process.poll() is not None or time.monotonic() > end:
                raise SystemExit("the sink does not start: try benchmarks/nullbroker/run by hand") from error
            time.sleep(0.05)
        else:
            return


def run_raw(sink: Sink, processor: int | None, *options: str) -> dict[str, Any]:
    """One run of the C generator; gives what it prints."""
    command = ["sh", str(NULLBROKER / "run"), "load", "-p", str(sink.port), *options]
    done = subprocess.run(pinned(processor, *command), check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found
