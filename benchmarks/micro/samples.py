"""The inputs of the benchmarks: the same for both arms, made once, of realistic kinds and sizes."""

from __future__ import annotations

from typing import Final

from pyrocketmq._native.message import Message

from .baseline import PlainMessage

GROUP: Final = "orders-service"
BROKER: Final = "broker-a"
TOPIC: Final = "orders"
BORN_MS: Final = 1_790_000_000_123
FRAMES_PER_ARM: Final = 32
"""A connection writes out what one turn of the loop has brought: some dozens of frames."""


def unique_id(number: int) -> str:
    """A unique message id as clients make them."""
    return f"7F00000100010A0B0C0D{number:012X}"


def properties_of(number: int) -> dict[str, str]:
    """Keys, tags and one property of the application."""
    return {
        "KEYS": f"order-{47_000 + number}",
        "TAGS": "paid",
        "trace-id": f"4bf92f3577b34da6a3ce929d{number:08x}",
    }


def messages(count: int, body_bytes: int) -> list[Message]:
    """Messages with three properties."""
    return [
        Message(TOPIC, bytes([65 + number % 26]) * body_bytes, properties=properties_of(number))
        for number in range(count)
    ]


def plain_twin(message: Message) -> PlainMessage:
    """The same message for the baseline, with its properties in the same order."""
    twin = PlainMessage(message.topic, message.body)
    twin.flag = message.flag
    twin.properties = dict(message.properties) or None
    return twin
