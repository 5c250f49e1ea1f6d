"""Sends with the C++ client, through the package ``rocketmq`` of PyPI, what it is told on its standard input.

It runs in an environment that has this package and nothing else, and answers in JSON lines as all peers do.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

TIMEOUT_MS: Final = 60_000
client: Any = import_module("rocketmq.client")  # has no type hints, and is in no other environment


class Run:
    """One line of input.

    Args:
        producer: a producer that was started.
        options: the words of the line.
    """

    def __init__(self, producer: Any, options: dict[str, str]) -> None:
        self.producer = producer
        self.topic = options["topic"]
        self.body = b"x" * int(options["size"])
        self.count = int(options["count"])
        self.threads = int(options["threads"])
        self.failed = 0
        self.times: list[float] = []

    def message(self) -> Any:
        """A new one."""
        found = client.Message(self.topic)
        found.set_body(self.body)
        return found

    def check(self, result: Any) -> None:
        """Count what was not stored."""
        self.failed += result.status != client.SendStatus.OK

    def one_way(self) -> None:
        """The last one is answered, so that the time ends when all have been taken."""
        for _ in range(self.count - 1):
            self.producer.send_oneway(self.message())
        self.check(self.producer.send_sync(self.message()))

    def sync(self) -> None:
        """One after the other, each with its time."""
        for _ in range(self.count):
            begun = time.perf_counter()
            result = self.producer.send_sync(self.message())
            self.times.append(time.perf_counter() - begun)
            self.check(result)
        self.times.sort()

    def many_threads(self) -> None:
        """The same from several threads."""
        share, rest = divmod(self.count, self.threads)

        def work(count: int) -> None:
            for _ in range(count):
                try:
                    self.check(self.producer.send_sync(self.message()))
                except Exception as error:  # noqa: BLE001 - what it raises has no other base
                    print(error, file=sys.stderr)
                    self.failed += 1

        threads = [
            threading.Thread(target=work, args=(share + (number < rest),)) for number in range(self.threads)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def figures(self, kind: str) -> dict[str, float]:
        """Do the work, and tell what it took."""
        works: dict[str, Callable[[], None]] = {
            "oneway": self.one_way,
            "sync": self.sync,
            "one": self.sync,
            "threads": self.many_threads,
        }
        used, begun = time.process_time(), time.perf_counter()
        works[kind]()
        seconds, used = time.perf_counter() - begun, time.process_time() - used
        found = {
            "count": self.count,
            "rate": self.count / seconds,
            "cpu_us": used / self.count * 1e6,
            "failed": self.failed,
        }
        if self.times:
            found["p50_us"] = self.times[len(self.times) // 2] * 1e6
            found["p99_us"] = self.times[len(self.times) * 99 // 100] * 1e6
        return found


def main() -> None:
    producer = client.Producer("bench-group", timeout=TIMEOUT_MS)
    producer.set_namesrv_addr(sys.argv[1])
    producer.start()
    for line in sys.stdin:
        kind, *words = line.split()
        print(json.dumps(Run(producer, dict(word.split("=", 1) for word in words)).figures(kind)), flush=True)
    producer.shutdown()


if __name__ == "__main__":
    main()
