"""Sends a signal to a program under load at a random moment, and looks at what comes of it."""

from __future__ import annotations

import random
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field

from pyrocketmq.testing import LocalRocketMQ

from .conftest import LIMIT_S, bodies, started

WAYS = ("threads", "submit", "await")
SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass
class Rounds:
    """What many rounds found."""

    rounds: int = 0
    answered: int = 0
    wrong: list[str] = field(default_factory=list)
    slowest_s: float = 0.0


def one_round(
    rocketmq: LocalRocketMQ, way: str, number: signal.Signals, after_s: float
) -> tuple[int, float, list[str]]:
    """How many sends the program was told of, how long it took to end, and what was wrong."""
    rocketmq.delete_topic("orders")
    lines: list[str] = []
    with started("-m", "tests.processes.signalled", way, rocketmq.addr) as program:
        assert program.stdout is not None
        lines.append(program.stdout.readline())  # it is sending by now
        reader = threading.Thread(target=lambda: lines.extend(program.stdout or ()))
        reader.start()
        time.sleep(after_s)
        program.send_signal(number)
        began = time.monotonic()
        try:
            program.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            return len(lines), LIMIT_S, [f"{way} {number.name}: still there"]
        took = time.monotonic() - began
        reader.join(LIMIT_S)
        err = program.stderr.read() if program.stderr else ""
    told = {line.strip() for line in lines}
    stored = bodies(rocketmq, "orders")
    wrong: list[str] = []
    if program.returncode != 130:
        wrong.append(f"exit code {program.returncode}")
    if err:
        wrong.append(f"it said {err.splitlines()[-1]!r}")
    if lost := told - set(stored):
        wrong.append(f"{len(lost)} answered and not stored")
    twice = [body for body, count in stored.items() if count > 1 and body != "x"]
    if twice:
        wrong.append(f"{len(twice)} stored twice")
    return len(told), took, [f"{way} {number.name}: {what}" for what in wrong]


def run_rounds(rocketmq: LocalRocketMQ, count: int, seed: int, most_s: float) -> Rounds:
    """Rounds of all ways and both signals in turn."""
    rng = random.Random(seed)
    found = Rounds()
    for turn in range(count):
        way, number = WAYS[turn % len(WAYS)], SIGNALS[turn % len(SIGNALS)]
        told, took, wrong = one_round(rocketmq, way, number, rng.random() * most_s)
        found.rounds += 1
        found.answered += told
        found.slowest_s = max(found.slowest_s, took)
        found.wrong += wrong
    return found
