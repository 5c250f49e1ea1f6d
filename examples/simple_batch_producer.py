"""Send messages that come together as batches: split as brokers need it, each with a result of its own.

Needs a server: `pyrocketmq serve` is one, and NAMESRV_ADDR names another.
"""

from __future__ import annotations

import os

from pyrocketmq import Message, Producer
from pyrocketmq.errors import BatchSendError

ADDRESS = os.environ.get("NAMESRV_ADDR", "localhost:9876")


def main() -> None:
    with Producer("till", ADDRESS) as producer:
        receipts = [Message("receipts", f"receipt {n}", keys=f"receipt-{n}") for n in range(5_000)]
        photos = [Message("photos", bytes(100_000), keys=f"photo-{n}") for n in range(100)]  # 10 MB
        try:
            for batch in (receipts, photos):
                results = producer.send_batch(batch)
                print(f"{batch[0].topic}: {len(results):,} stored, the last one as {results[-1].msg_id}")
        except BatchSendError as error:  # parts may have been stored: it has the result of each message
            print(error)


if __name__ == "__main__":
    main()
