"""Calls both codecs so that tests can compare: equal results, or refusals of one kind for one field."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

from pyrocketmq.errors import (
    ConfigurationError,
    DecompressionError,
    DeserializationError,
    InvalidMessageError,
    MessageTooLargeError,
    ProtocolError,
    RocketMQError,
    SerializationError,
)

from .codec.refusal import Kind, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

KIND_OF: dict[type[RocketMQError], Kind] = {
    SerializationError: "serialization",
    DeserializationError: "deserialization",
    ProtocolError: "protocol",
    InvalidMessageError: "invalid_message",
    MessageTooLargeError: "too_large",
    DecompressionError: "decompression",
    ConfigurationError: "configuration",
}


class Refusal(NamedTuple):
    kind: Kind
    field: str | None


def outcome(call: Callable[[], T]) -> T | Refusal:
    """What ``call`` returns, or how it refuses; any other exception goes through."""
    try:
        return call()
    except RefusedError as expected:
        return Refusal(expected.kind, expected.field)
    except RocketMQError as error:
        refused = error
    assert refused.what
    assert refused.advice or refused.likely, f"a refusal without advice: {refused!r}"
    return Refusal(KIND_OF[type(refused)], refused.field)
