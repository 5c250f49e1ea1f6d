"""Waits for what a server does in its own time: an index, a registration, a delay.

A broker answers a send when its log has the message; the queue gets its entry a moment later.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from pyrocketmq._native.stored import MessageExt, decode_messages_strict
from pyrocketmq.model import PullMessageResult
from pyrocketmq.model import RemotingRequestFactory as Requests

from .wire import DEADLINE_S, Wire

T = TypeVar("T")

PAUSE_S = 0.05


def until(probe: Callable[[], T | None], what: str) -> T:
    """The first result that is not None and not empty."""
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        found = probe()
        if found:
            return found
        time.sleep(PAUSE_S)
    raise AssertionError(f"not within {DEADLINE_S:.0f} s: {what}")


def read_queue(broker: Wire, topic: str, queue_id: int, count: int, *, begin: int = 0) -> list[MessageExt]:
    """The messages of a queue, once it has this many."""
    command = Requests.create_pull_message_request("readers", topic, queue_id, begin, 32)

    def read() -> list[MessageExt] | None:
        answer = broker.ask(command).command
        messages = decode_messages_strict(answer.body or b"")
        assert messages == PullMessageResult.from_command(answer).messages
        return messages if len(messages) >= count else None

    messages = until(read, f"{count} messages in queue {queue_id}")
    assert len(messages) == count
    return messages
