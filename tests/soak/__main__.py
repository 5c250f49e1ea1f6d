"""Runs the long programs one after the other, and repeats what each of them says at its end.

python -m tests.soak [PROGRAM ...]
"""

from __future__ import annotations

import subprocess
import sys

PROGRAMS = (
    "calls",
    "storm",
    "producer_storm",
    "open_close",
    "start_stop",
    "throttled",
    "large_bodies",
    "vanish",
    "outages",
    "outage_log",
    "kill_store",
    "restart_store",
    "kill_flaxfile",
    "flaxfile_limits",
    "many_brokers",
    "kill_producer",
    "kill_one",
    "send_outages",
    "send_vanish",
    "signals",
    "flat",
)


def run(program: str) -> tuple[int, str]:
    """The exit code of a program and its last line; all of its output is passed on."""
    print(f"--- {program}", flush=True)
    last = ""
    command = [sys.executable, "-m", f"tests.soak.{program}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            last = line.strip() or last
    return process.returncode, last


def main() -> int:
    results = {program: run(program) for program in sys.argv[1:] or PROGRAMS}
    print("---")
    for program, (code, last) in results.items():
        print(f"{'passed' if code == 0 else 'FAILED'}  {program}: {last}")
    return 1 if any(code for code, _ in results.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
