"""Messages from options, lines and JSON objects, and the lines of a stream. Knows no connection."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final, TypeGuard

from pyrocketmq._native.message import Message
from pyrocketmq.cli.values import duration
from pyrocketmq.errors import InvalidMessageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Draft", "Line", "read_lines", "set_delay"]

MAX_LINE_BYTES: Final = 32 << 20
"""A longer line is no message: a body has 4 MiB at most, as JSON a few times as much."""

_LEVELS: Final = (1, 5, 10, 30, *range(60, 601, 60), 1200, 1800, 3600, 7200)
"""The delays in seconds that brokers of every release know; others need the timer of 5.x."""

_FIELDS: Final = ("topic", "body", "tags", "keys", "order_key", "delay", "flag", "properties")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a stream, without its end; ``too_long`` when only its beginning is here."""

    number: int
    data: bytes
    too_long: bool = False


def read_lines(stream: IO[bytes], limit: int = MAX_LINE_BYTES) -> Iterator[Line]:
    """The lines of a stream, as soon as each is there; empty ones are passed over."""
    number = 0
    while data := stream.readline(limit + 1):
        number += 1
        too_long = len(data) > limit and not data.endswith(b"\n")
        part = data
        while too_long and part and not part.endswith(b"\n"):
            part = stream.readline(limit + 1)
        data = data.removesuffix(b"\n").removesuffix(b"\r")
        if data:
            yield Line(number, data, too_long)


@dataclass(frozen=True, slots=True)
class Draft:
    """What the options say of every message."""

    topic: str
    tags: str | None = None
    keys: tuple[str, ...] = ()
    order_key: str | None = None
    delay: float | None = None
    properties: tuple[tuple[str, str], ...] = ()

    def message(self, body: bytes | str) -> Message:
        """The message with a body.

        Raises:
            InvalidMessageError: a part of it cannot be sent.
        """
        return self._made(self.topic, body, self.tags, list(self.keys) or None, {})

    def message_of_line(self, line: Line) -> Message:
        """The message whose body is a line.

        Raises:
            InvalidMessageError: it is too long.
        """
        _refuse_long(line)
        return self.message(line.data)

    def message_of_json(self, line: Line) -> Message:
        """The message that a JSON object describes; what it leaves out is as the options say.

        Raises:
            InvalidMessageError: it is no such object, or a part of it cannot be sent.
        """
        import orjson  # noqa: PLC0415 - only for files of JSON lines

        _refuse_long(line)
        try:
            value: object = orjson.loads(line.data)
        except orjson.JSONDecodeError as error:
            raise InvalidMessageError(
                f"it is no JSON: {error}", advice='write {"body": "..."} in each line'
            ) from error
        if not _is_object(value):
            raise InvalidMessageError(
                "it is no JSON object", field="body", advice='write {"body": "..."} in each line'
            )
        unknown = sorted(set(value) - set(_FIELDS))
        if unknown:
            raise InvalidMessageError(
                f"it has a member {unknown[0]!r}, which means nothing here",
                field=unknown[0],
                advice=f"known are {', '.join(_FIELDS)}",
            )
        topic, tags = _text(value, "topic"), _text(value, "tags")
        message = self._made(
            self.topic if topic is None else topic,
            _body_of(value),
            self.tags if tags is None else tags,
            _keys_of(value) or list(self.keys) or None,
            _properties_of(value),
        )
        order_key = _text(value, "order_key")
        if order_key is not None:
            message.sharding_key = order_key
        delay = value.get("delay")
        if delay is not None:
            set_delay(message, _seconds_of(delay))
        flag = value.get("flag", 0)
        if not isinstance(flag, int) or isinstance(flag, bool):
            raise InvalidMessageError("flag is no whole number", field="flag", advice="leave it out")
        message.flag = flag
        return message

    def _made(
        self,
        topic: str,
        body: bytes | str,
        tags: str | None,
        keys: str | list[str] | None,
        properties: Mapping[str, str],
    ) -> Message:
        message = Message(topic, body, tags, keys, properties={**dict(self.properties), **properties} or None)
        if not message.body:
            raise InvalidMessageError("the body is empty, and brokers refuse that", field="body")
        if self.order_key is not None:
            message.sharding_key = self.order_key
        if self.delay is not None:
            set_delay(message, self.delay)
        return message


def set_delay(message: Message, seconds: float) -> None:
    """Have it delivered later: by a delay level where one fits, else by the timer of brokers of 5.x."""
    if seconds in _LEVELS:
        message.set_property("TIMER_DELAY_MS", None)
        message.delay_level = _LEVELS.index(int(seconds)) + 1
    else:
        message.delay_level = 0
        message.set_property("TIMER_DELAY_MS", str(round(seconds * 1000)))


def _refuse_long(line: Line) -> None:
    if line.too_long:
        raise InvalidMessageError(
            f"it is longer than {len(line.data) - 1:,} bytes", field="body", advice="end lines with a newline"
        )


def _is_object(value: object) -> TypeGuard[dict[str, object]]:
    return isinstance(value, dict)


def _is_list(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list)


def _text(value: Mapping[str, object], name: str) -> str | None:
    found = value.get(name)
    if found is None or isinstance(found, str):
        return found
    raise InvalidMessageError(f"{name} is no text", field=name, advice=f'write "{name}": "..."')


def _body_of(value: Mapping[str, object]) -> bytes | str:
    body = value.get("body")
    if isinstance(body, str):
        return body
    if _is_object(body) and isinstance(text := body.get("base64"), str) and len(body) == 1:
        try:
            return base64.b64decode(text, validate=True)
        except binascii.Error as error:
            raise InvalidMessageError(f"its body is no base64: {error}", field="body") from error
    raise InvalidMessageError(
        "it has no body" if body is None else "its body is no text",
        field="body",
        advice='write "body": "text", or "body": {"base64": "..."} for bytes',
    )


def _keys_of(value: Mapping[str, object]) -> str | list[str] | None:
    keys = value.get("keys")
    if keys is None or isinstance(keys, str):
        return keys
    texts = [key for key in keys if isinstance(key, str)] if _is_list(keys) else []
    if not _is_list(keys) or len(texts) != len(keys):
        raise InvalidMessageError("keys is neither text nor a list of text", field="keys")
    return texts


def _properties_of(value: Mapping[str, object]) -> dict[str, str]:
    properties = value.get("properties")
    if properties is None:
        return {}
    if _is_object(properties):
        texts = {name: text for name, text in properties.items() if isinstance(text, str)}
        if len(texts) == len(properties):
            return texts
    raise InvalidMessageError("properties is no object of texts", field="properties")


def _seconds_of(delay: object) -> float:
    try:
        seconds = duration(delay) if isinstance(delay, str) else None
    except ValueError:
        seconds = None
    if isinstance(delay, int | float) and not isinstance(delay, bool):
        seconds = float(delay)
    if seconds is None or not 0 < seconds < 1e9:
        raise InvalidMessageError(
            f"delay {delay!r} is no time", field="delay", advice='write "10s", "5m", or seconds as a number'
        )
    return seconds
