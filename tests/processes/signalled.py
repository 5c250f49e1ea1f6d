"""Sends until a signal ends it, and says which sends were answered.

python -m tests.processes.signalled WAY ADDRESS

WAY is how it sends: ``threads`` (blocking), ``submit``, or ``await`` (asyncio). A body goes to standard
output when its send is answered. Ctrl-C and SIGTERM raise KeyboardInterrupt, but for asyncio: there Ctrl-C
cancels what `asyncio.run` runs, as the standard library has it, and SIGTERM does the same.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sys
import threading
import time

from pyrocketmq import Message, Producer, RocketMQError
from pyrocketmq.aio import Producer as AsyncProducer
from pyrocketmq.model import SendResult


def told(body: str) -> None:
    """Say that a message was answered; one write, so that lines are whole."""
    os.write(1, f"{body}\n".encode())


def submit(address: str) -> None:
    """One thread that submits until it is interrupted; leaving the context flushes."""

    def answered(message: Message, _: SendResult | None, error: RocketMQError | None) -> None:
        if error is None:
            told(message.body.decode())

    with Producer("till", address, send_timeout=30.0) as producer:
        for number in itertools.count():
            producer.submit(Message("orders", f"{number}"), on_delivery=answered)
            if number % 50 == 0:
                time.sleep(0.001)  # under load, and not more than a test can look at


def threads(address: str) -> None:
    """Eight threads with blocking sends."""
    end = threading.Event()

    def one(producer: Producer, first: int) -> None:
        for number in itertools.count():
            if end.is_set():
                return
            producer.send(Message("orders", f"{first}-{number}"))
            told(f"{first}-{number}")

    with Producer("till", address, send_timeout=30.0) as producer:
        working = [threading.Thread(target=one, args=(producer, first)) for first in range(8)]
        try:
            for thread in working:
                thread.start()
            while True:
                producer.send(Message("orders", "x"))
        finally:
            end.set()
            for thread in working:
                if thread.ident is not None:
                    thread.join()


def awaited(address: str) -> None:
    """A hundred tasks with awaited sends."""

    async def one(producer: AsyncProducer, first: int) -> None:
        for number in itertools.count():
            await producer.send(Message("orders", f"{first}-{number}"))
            told(f"{first}-{number}")

    async def all_of_them() -> None:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        async with AsyncProducer("till", address, send_timeout=30.0) as producer:
            await asyncio.gather(*(one(producer, first) for first in range(100)))

    asyncio.run(all_of_them())


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    way = {"submit": submit, "threads": threads, "await": awaited}[sys.argv[1]]
    try:
        way(sys.argv[2])
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(130)
