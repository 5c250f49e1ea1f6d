"""Send from many tasks at once: each awaits its own message, and they share one connection.

Needs a server: `pyrocketmq serve` is one, and NAMESRV_ADDR names another.
"""

from __future__ import annotations

import asyncio
import os
import time

from pyrocketmq.aio import Producer

ADDRESS = os.environ.get("NAMESRV_ADDR", "localhost:9876")
ORDERS = 1_000


async def main() -> None:
    async with Producer("till", ADDRESS) as producer:
        began = time.perf_counter()
        results = await asyncio.gather(
            *(producer.send("orders", f"cup {number}", keys=f"order-{number}") for number in range(ORDERS))
        )
        seconds = time.perf_counter() - began
        queues = sorted({result.queue_id for result in results})
        print(f"{len(results):,} stored in queues {queues}, {ORDERS / seconds:,.0f}/s")
        print("all confirmed:", all(result.ok for result in results))


if __name__ == "__main__":
    asyncio.run(main())
