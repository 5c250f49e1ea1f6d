"""Send a million messages as fast as they can be made: batches by queue, size and time, made natively.

Needs a server: `pyrocketmq serve` is one, and NAMESRV_ADDR names another.
"""

from __future__ import annotations

import os
import time

from pyrocketmq import Producer

ADDRESS = os.environ.get("NAMESRV_ADDR", "localhost:9876")
READINGS = int(os.environ.get("READINGS", "1000000"))


def main() -> None:
    # A batch leaves when it is big enough, or 5 ms after its first message.
    with Producer("meters", ADDRESS, linger=0.005) as producer:
        began = time.perf_counter()
        for number in range(READINGS):
            producer.submit("readings", b"%d" % number)  # waits when the broker is slower than this loop
        producer.flush()  # returns when all of them are answered, and raises if one was not delivered
        seconds = time.perf_counter() - began
        print(f"{READINGS:,} readings stored in {seconds:.2f} s, {READINGS / seconds:,.0f}/s")


if __name__ == "__main__":
    main()
