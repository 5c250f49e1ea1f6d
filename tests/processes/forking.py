"""A parent with a thousand sends in flight makes a child that sends as many of its own.

python -m tests.processes.forking METHOD ADDRESS

METHOD is ``os.fork``, or a start method of multiprocessing. A child that is forked goes on with the producer
of its parent, others make one. Prints what each of them has sent.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading

from pyrocketmq import Message, Producer, RocketMQError
from pyrocketmq.model import SendResult

SENDS = 1_000


def child(address: str, producer: Producer | None) -> None:
    """Awaited sends of one thread and, meanwhile, accumulated ones."""
    mine = producer or Producer("till", address, send_timeout=30.0)
    for number in range(SENDS // 2):
        mine.submit(Message("child", f"submitted-{number}"))
    for number in range(SENDS // 2):
        mine.send(Message("child", f"sent-{number}"))
    mine.flush()
    mine.shutdown()
    print("child", SENDS, flush=True)


def main(method: str, address: str) -> None:
    """The parent."""
    delivered: list[Message] = []

    def note(message: Message, _: SendResult | None, error: RocketMQError | None) -> None:
        if error is None:
            delivered.append(message)

    producer = Producer("till", address, linger=0.2, send_timeout=30.0)
    producer.start()
    producer.send(Message("warm", "up"))
    threads = [
        threading.Thread(target=producer.send, args=(Message("parent", f"sent-{n}"),)) for n in range(16)
    ]
    for thread in threads:
        thread.start()
    for number in range(SENDS):
        # Those that wait for their batch to be full are there once more in a forked child.
        producer.submit(Message("parent", f"submitted-{number}"), on_delivery=note)
    if method == "os.fork":
        pid = os.fork()
        if pid == 0:
            child(address, producer)
            sys.exit(0)  # with all the cleaning up of an interpreter that ends
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    else:
        inherited = producer if method == "fork" else None
        context = multiprocessing.get_context(method)
        process = context.Process(target=child, args=(address, inherited))  # type: ignore[attr-defined]
        process.start()
        process.join()
        code = process.exitcode
    producer.flush()
    for thread in threads:
        thread.join()
    producer.shutdown()
    print("parent", len(delivered), "child ended with", code, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
