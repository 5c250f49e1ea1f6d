"""What the native core needs for one message: made, encoded, decoded; no server, one thread."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from pyrocketmq._native.answer import decode_send_answer
from pyrocketmq._native.batch import decode_batch_body, encode_batch_body
from pyrocketmq._native.bytesio import WriteBuffer
from pyrocketmq._native.command import RemotingCommand
from pyrocketmq._native.frame import encode_frame
from pyrocketmq._native.message import Message
from pyrocketmq._native.record import encode_message
from pyrocketmq._native.sending import SendEncoder
from pyrocketmq._native.stored import decode_messages

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyrocketmq._native.stored import MessageExt

__all__ = ["codec_works", "time_work"]

MESSAGES: Final = 100
"""How many messages one call of a work handles."""

_TOPIC: Final = "bench"
_LEAST_SECONDS: Final = 0.02


def codec_works(size: int) -> Mapping[str, Callable[[], object]]:
    """The works by name, for bodies of so many bytes; each call handles ``MESSAGES``."""
    body = b"x" * size
    messages = [Message(_TOPIC, body) for _ in range(MESSAGES)]
    batch = encode_batch_body(messages)
    stored = b"".join(
        encode_message(_TOPIC, body, properties={"KEYS": f"key-{number}", "TAGS": "bench"})
        for number in range(MESSAGES)
    )
    answers = {
        name: encode_frame(_answer(), "binary" if name == "binary" else "json") for name in ("json", "binary")
    }
    keys = [f"key-{number}" for number in range(MESSAGES)]
    works: dict[str, Callable[[], object]] = {
        "make a message": lambda: [Message(_TOPIC, body) for _ in keys],
        "make one with tag and key": lambda: [Message(_TOPIC, body, "bench", key) for key in keys],
        "send frame, JSON header": _encoding("json", messages),
        "send frame, binary header": _encoding("binary", messages),
        "made and framed, JSON header": _making("json", body),
        "made and framed, binary header": _making("binary", body),
        "answer, JSON header": lambda: [decode_send_answer(answers["json"]).msg_id for _ in keys],
        "answer, binary header": lambda: [decode_send_answer(answers["binary"]).msg_id for _ in keys],
        f"batch of {MESSAGES}": lambda: encode_batch_body(messages),
        f"batch of {MESSAGES}, read": lambda: decode_batch_body(batch),
        f"pull answer of {MESSAGES}, read": lambda: [_looked_at(each) for each in decode_messages(stored)],
    }
    return works


def _answer() -> RemotingCommand:
    fields = {"msgId": "7F0000010000B37B0000000000000000", "queueId": "3", "queueOffset": "123456"}
    return RemotingCommand(0, 1, 513, 0, 1, None, fields, None)


def _looked_at(message: MessageExt) -> object:
    return message.body, message.keys, message.tags


def _encoding(codec: str, messages: list[Message]) -> Callable[[], object]:
    encoder = SendEncoder("bench", codec=codec)
    buffer = WriteBuffer()

    def encode() -> object:
        buffer.clear()
        for opaque, message in enumerate(messages):
            encoder.put(buffer, message, 0, opaque)
        return len(buffer)

    return encode


def _making(codec: str, body: bytes) -> Callable[[], object]:
    """New messages, so that each of them gets its unique id here."""
    encoder = SendEncoder("bench", codec=codec)
    buffer = WriteBuffer()

    def encode() -> object:
        buffer.clear()
        for opaque in range(MESSAGES):
            encoder.put(buffer, Message(_TOPIC, body), 0, opaque)
        return len(buffer)

    return encode


def time_work(work: Callable[[], object]) -> dict[str, float]:
    """The figures of one run of a work, long enough for the clock."""
    calls = 1
    while True:
        began = time.perf_counter()
        for _ in range(calls):
            work()
        seconds = time.perf_counter() - began
        if seconds >= _LEAST_SECONDS:
            break
        calls = max(calls * 2, int(calls * _LEAST_SECONDS / max(seconds, 1e-6)))
    messages = calls * MESSAGES
    return {"per_second": messages / seconds, "ns": seconds / messages * 1e9}
