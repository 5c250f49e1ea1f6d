"""Send messages one after another, with tags and keys, and look at what the broker says of each.

Needs a server: `pyrocketmq serve` is one, and NAMESRV_ADDR names another.
"""

from __future__ import annotations

import os

from pyrocketmq import Message, Producer, RocketMQError

ADDRESS = os.environ.get("NAMESRV_ADDR", "localhost:9876")


def main() -> None:
    with Producer("till", ADDRESS) as producer:
        result = producer.send("orders", "one flat white", tags="drinks", keys="order-1")
        print(result.msg_id, "is in queue", result.queue_id, "at", result.queue_offset)

        message = Message("orders", "two espressi", tags="drinks", keys=["order-2", "table-7"])
        message.set_property("till", "north")
        result = producer.send(message, timeout=1.5)  # seconds for all of it, retries included
        if not result.ok:  # stored, but a copy or the disk was not confirmed in time
            print("not confirmed:", result.status)

        try:
            producer.send("orders", b"")
        except RocketMQError as error:
            print("refused before it was sent:", error.what)

        producer.send_oneway("orders", "nobody waits for this one")


if __name__ == "__main__":
    main()
