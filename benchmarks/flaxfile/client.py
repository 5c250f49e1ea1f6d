"""The client side of an arm: a process that does what its standard input says and answers with times.

One JSON object a line in, one out. It runs under the interpreter of the arm, so it imports nothing of the
project but what the arm measures.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))


def peak_kib() -> int:
    """Most memory this process had; what getrusage says begins with that of the process that started it."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1])
    return 0


def run_ours(task: dict[str, Any]) -> None:
    """The Python API, connection and all."""
    from flaxfile import Client  # noqa: PLC0415 - one arm a process

    with Client("127.0.0.1", task["port"], password=task.get("password")) as client:
        if task["verb"] == "up":
            client.upload(task["path"], task["key"])
        else:
            client.download(task["key"], task["path"])


def run_seed(task: dict[str, Any]) -> None:
    """The same of release 1.7.1."""
    from flaxfile import MultiSocketFlaxFileClientSync  # noqa: PLC0415

    with MultiSocketFlaxFileClientSync("127.0.0.1", task["port"], password=task.get("password")) as client:
        if task["verb"] == "up":
            client.upload_file(task["path"], task["key"], show_progress=False)
        else:
            client.download_file(task["key"], task["path"], show_progress=False)


def run_raw(task: dict[str, Any]) -> None:
    """The ceilings."""
    import raw  # type: ignore[import-not-found]  # noqa: PLC0415 - stands beside this file

    if task["arm"] == "sendfile":
        raw.sendfile_transfer(task["port"], task["path"], task["key"])
    else:
        raw.zmq_transfer(task["port"], task["arm"] == "zmqc", task["verb"], task["path"], task["key"])


RUNS = {"ours": run_ours, "ours-curve": run_ours, "seed": run_seed, "seed-curve": run_seed}


def main() -> None:
    """Answer until the input ends."""
    # What an arm prints is not for whoever reads the answers.
    answers = sys.stdout
    sys.stdout = sys.stderr
    for line in sys.stdin:
        task = json.loads(line)
        run = RUNS.get(task["arm"], run_raw)
        before = time.process_time()
        began = time.perf_counter()
        try:
            run(task)
            answer: dict[str, Any] = {
                "seconds": time.perf_counter() - began,
                "cpu": time.process_time() - before,
                "peak_kib": peak_kib(),
            }
        except Exception as error:  # noqa: BLE001 - the harness says what it was
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
