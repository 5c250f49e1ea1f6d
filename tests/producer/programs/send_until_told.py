"""Sends until a signal comes, whose handler shuts the producer down; prints how many were acknowledged."""

import signal
import sys

from pyrocketmq import Producer
from pyrocketmq.errors import RocketMQError

producer = Producer("orders", sys.argv[1])
acked = 0
told: list[int] = []


def end(number: int, _: object) -> None:
    told.append(number)
    producer.shutdown(timeout=3.0)


for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, end)
producer.send(sys.argv[2], b"first")
acked += 1
print("sending", flush=True)
while not told:
    try:
        producer.send(sys.argv[2], b"%d" % acked)
    except RocketMQError:
        assert told
        break
    acked += 1
producer.shutdown()
print(acked)
