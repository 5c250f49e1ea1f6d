"""Send one message at a time with the least delay: a socket of the calling thread, which may spin.

Needs a server: `pyrocketmq serve` is one, and NAMESRV_ADDR names another.
"""

from __future__ import annotations

import os
import time

from pyrocketmq import Message, Producer

ADDRESS = os.environ.get("NAMESRV_ADDR", "localhost:9876")
SENDS = 5_000


def measure(title: str, spin: float = 0.0) -> None:
    with Producer("till", ADDRESS, spin=spin) as producer:
        producer.send("orders", "finds the route and connects")
        times: list[float] = []
        for number in range(SENDS):
            message = Message("orders", f"cup {number}")
            began = time.perf_counter()
            producer.send(message)
            times.append((time.perf_counter() - began) * 1e6)
    times.sort()
    p50, p99 = times[SENDS // 2], times[SENDS * 99 // 100]
    print(f"{title:<28} p50 {p50:7.1f} us   p99 {p99:7.1f} us")


def main() -> None:
    measure("as it is")
    measure("spins up to 100 us", spin=0.0001)  # keeps a processor busy, saves waking the thread up


if __name__ == "__main__":
    main()
