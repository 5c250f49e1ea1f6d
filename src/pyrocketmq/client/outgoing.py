"""What a send's options make of its message: delay properties, a compressed body, where it has to go.

Everything a client can know before sending is checked here or by the encoder. Knows no routes.
"""

from __future__ import annotations

import copy
import functools
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from pyrocketmq.client.packers import run_apart
from pyrocketmq.compression import CompressionKind, compress, compression_flag
from pyrocketmq.errors import ConfigurationError, InvalidMessageError, MessageTooLargeError
from pyrocketmq.model.message_queue import MessageQueue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyrocketmq._native.message import Message
    from pyrocketmq.client.selectors import AsyncQueueSelector, QueueSelector

__all__ = ["MAX_DELAY_S", "Outgoing", "Packing", "check_size", "outgoing"]

MAX_DELAY_S: Final = 10 * 365 * 86_400
"""Timers beyond this are mistakes of units; brokers as shipped take three days."""

_OFF_LOOP_BYTES: Final = 64 * 1024  # to compress more than this would hold the event loop for milliseconds
_HARD_LEVEL: Final = 9  # levels above it, which zstd and lz4 have, take up to 50 ms for as many bytes

TIMERS: Final = ("delay_level", "delay", "delay_ms", "deliver_at")


@dataclass(slots=True)
class Outgoing:
    """A message on its way.

    Args:
        message: with everything that its options asked for.
        queue: where it has to go, if that was said.
        selector: who picks its queue, if somebody was named.
        ordered: at most one of its queue may be under way.
        sys_flag: bits of the header.
        body: what is sent in place of the message's body.
    """

    message: Message
    queue: MessageQueue | None = None
    selector: QueueSelector | AsyncQueueSelector | None = None
    ordered: bool = False
    sys_flag: int = 0
    body: bytes | None = None

    @property
    def stays(self) -> bool:
        """True when retries have to go to the same queue."""
        return self.ordered or self.queue is not None or self.selector is not None

    @property
    def size(self) -> int:
        """Bytes of the body as it is sent."""
        return len(self.message.body if self.body is None else self.body)


@dataclass(frozen=True, slots=True)
class Packing:
    """When and how bodies are compressed."""

    kind: CompressionKind | None = "zlib"
    over: int = 4096
    level: int | None = None

    def wants(self, out: Outgoing) -> bool:
        """True for a body that is to be compressed."""
        message = out.message
        return self.kind is not None and len(message.body) >= self.over and not message.batch

    def pack(self, out: Outgoing) -> None:
        """Compress the body, on this thread."""
        assert self.kind is not None  # noqa: S101 - what ``wants`` has seen
        body = compress(out.message.body, self.kind, self.level)
        if len(body) < len(out.message.body):
            out.body = body
            out.sys_flag |= compression_flag(self.kind)

    async def pack_later(self, out: Outgoing) -> None:
        """Compress the body, on another thread when that takes long."""
        if len(out.message.body) < _OFF_LOOP_BYTES and (self.level or 0) <= _HARD_LEVEL:
            self.pack(out)
        else:
            await run_apart(functools.partial(self.pack, out))


def outgoing(message: Message, options: Mapping[str, Any] | None, sys_flag: int = 0) -> Outgoing:
    """The message with its options.

    Raises:
        ConfigurationError: the options contradict each other, or one of them cannot be used.
        InvalidMessageError: a value may not stand in a message.
    """
    keyed = bool(message.sharding_key)
    if not options:
        return Outgoing(message, ordered=keyed, sys_flag=sys_flag)
    queue, selector = options.get("queue"), options.get("selector")
    ordered = options.get("ordered")
    sharding_key = options.get("sharding_key")
    if queue is not None:
        _check_queue(queue, message, selector)
    if selector is not None and not hasattr(selector, "select"):
        raise ConfigurationError(
            f"selector is of type {type(selector).__name__}, it must have a method select",
            field="selector",
            advice="derive it from QueueSelector or AsyncQueueSelector",
        )
    changes = _timer(options)
    if sharding_key is not None:
        changes["SHARDING_KEY"] = sharding_key
    if changes:
        message = copy.copy(message)  # the caller's may be sent again, without them
        for name, value in changes.items():
            message.set_property(name, value)
    is_ordered = bool(ordered) if ordered is not None else keyed or sharding_key is not None
    return Outgoing(message, queue, selector, is_ordered, sys_flag)


def check_size(out: Outgoing, most: int) -> None:
    """Refuse a body over the limit before anything is asked for it.

    Raises:
        MessageTooLargeError: it is.
        InvalidMessageError: there is no body.
    """
    message = out.message
    if not message.body:
        raise InvalidMessageError(
            f'the body is empty. Topic "{message.topic}".',
            field="body",
            advice="brokers refuse messages without a body; send at least one byte",
        )
    if out.size > most:
        keys = f", keys {message.keys}" if message.keys else ""
        raise MessageTooLargeError(
            f'body of {out.size:,} bytes is over max_message_bytes {most:,}. Topic "{message.topic}"{keys}.',
            field="body",
            advice="compress it, send it in parts, or raise max_message_bytes here and maxMessageSize on"
            " the broker",
        )


def _check_queue(queue: object, message: Message, selector: object) -> None:
    if not isinstance(queue, MessageQueue):
        raise ConfigurationError(
            f"queue is of type {type(queue).__name__}, it must be a MessageQueue",
            field="queue",
            advice='give MessageQueue("topic", "broker-a", 0), or a queue of an earlier result',
        )
    if queue.topic != message.topic:
        raise ConfigurationError(
            f"queue is one of topic {queue.topic!r}, the message goes to {message.topic!r}",
            field="queue",
            advice="give a queue of the message's topic",
        )
    if selector is not None:
        raise ConfigurationError(
            "both a queue and a selector are given",
            field="selector",
            advice="give one of them",
        )


def _timer(options: Mapping[str, Any]) -> dict[str, str]:
    given = {name: options[name] for name in TIMERS if options.get(name) is not None}
    if len(given) > 1:
        raise ConfigurationError(
            f"{' and '.join(given)} are given, a message has one time",
            field=next(iter(given)),
            advice="give one of delay_level, delay, delay_ms, deliver_at",
        )
    if not given:
        return {}
    [(name, value)] = given.items()
    if name == "delay_level":
        _check_number(name, value, 1, 18, "a level", whole=True)
        return {"DELAY": str(value)}
    if name == "delay":
        _check_number(name, value, 0, MAX_DELAY_S, "seconds")
        return {"TIMER_DELAY_MS": str(round(value * 1000))}
    if name == "delay_ms":
        _check_number(name, value, 0, MAX_DELAY_S * 1000, "milliseconds", whole=True)
        return {"TIMER_DELAY_MS": str(value)}
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ConfigurationError(
                f"deliver_at is {value.isoformat()} without a time zone",
                field="deliver_at",
                advice="give a zone, for example datetime.now(timezone.utc) + timedelta(minutes=5)",
            )
        value = round(value.timestamp() * 1000)
    _check_number(name, value, 0, 2**53, "milliseconds since 1970", whole=True)
    return {"TIMER_DELIVER_MS": str(value)}


def _check_number(name: str, value: Any, least: int, most: int, unit: str, *, whole: bool = False) -> None:
    kinds = (int,) if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value <= most:
        raise ConfigurationError(
            f"{name} is {value!r}, it must be {unit} from {least:,} to {most:,}",
            field=name,
            advice="look at the unit: delay has seconds, delay_ms and deliver_at milliseconds",
        )
