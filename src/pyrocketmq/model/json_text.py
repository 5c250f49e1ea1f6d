"""JSON text as Java's fastjson writes it: the standard, plus objects whose keys are integers or objects.

Servers send ``{0:"10.0.0.1:10911"}`` and ``{{"brokerName":"b","queueId":3,"topic":"T"}:696}`` for maps whose
Java key is not a string. Standard text goes through orjson; what orjson refuses is read again by the small
parser here, which also takes single quotes. Nothing in this module knows what the text means.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import orjson

from pyrocketmq.errors import DeserializationError, SerializationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["MAX_DEPTH", "KeyedMap", "dumps", "loads"]

MAX_DEPTH: Final = 64
"""Nesting the tolerant parser follows; the deepest body of a server has 6."""

_MAX_INTEGER_DIGITS: Final = 20  # 64 bits with a sign; longer ones would cost quadratic time to convert


class KeyedMap:
    """A JSON object with keys that are not strings: its pairs, in their order.

    Args:
        pairs: (key, value) where a key is an int, a str or a JSON object as a dict.
    """

    __slots__ = ("pairs",)

    def __init__(self, pairs: Iterable[tuple[Any, Any]]) -> None:
        self.pairs = list(pairs)

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        return iter(self.pairs)

    def __len__(self) -> int:
        return len(self.pairs)

    def __eq__(self, other: object) -> bool:
        return self.pairs == other.pairs if isinstance(other, KeyedMap) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"KeyedMap({self.pairs!r})"


def loads(data: bytes | bytearray | memoryview | str) -> Any:
    """Read one JSON text; an object with other than string keys becomes a KeyedMap.

    Raises:
        DeserializationError: it is not JSON, not even Java's.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return _Reader(_as_text(data)).whole()


def dumps(value: Any, *, raw_integer_keys: bool = False) -> bytes:
    """Write compact JSON.

    Args:
        value: JSON values and KeyedMaps. Object keys are written as objects, the only form Java reads.
        raw_integer_keys: write integer keys without quotes, as servers do for clients older than 4.9.4.

    Raises:
        SerializationError: the value cannot be written, for example because of a lone surrogate.
    """

    def write_other(other: Any) -> orjson.Fragment:
        if not isinstance(other, KeyedMap):
            raise TypeError(f"{type(other).__name__} has no JSON form")
        return orjson.Fragment(b"{" + b",".join([write_pair(k, v) for k, v in other.pairs]) + b"}")

    def write_pair(key: Any, item: Any) -> bytes:
        text = orjson.dumps(key, default=write_other)
        if isinstance(key, int) and not raw_integer_keys:
            text = b'"' + text + b'"'
        return text + b":" + orjson.dumps(item, default=write_other)

    try:
        return orjson.dumps(value, default=write_other)
    except (TypeError, RecursionError) as error:  # JSONEncodeError is a TypeError
        raise SerializationError(
            f"a value cannot be written as JSON: {error.__cause__ or error}",
            advice="Use text without lone surrogates, integers of 64 bits, and JSON types only.",
        ) from error


def _as_text(data: bytes | bytearray | memoryview | str) -> str:
    if isinstance(data, str):
        return data
    try:
        return bytes(data).decode("utf-8")
    except UnicodeDecodeError as error:
        raise DeserializationError(
            f"the JSON text is not UTF-8: byte 0x{error.object[error.start]:02x} at offset {error.start}",
            field="body",
            likely="the sender writes text in another encoding, or this is no JSON body at all",
            advice="Look at the code of the answer first: only some answers have a JSON body.",
        ) from error


_SPACE: Final = re.compile(r"[ \t\r\n]*")
_NUMBER: Final = re.compile(r"(-?(?:0|[1-9][0-9]*))(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_SPECIAL: Final = {'"': re.compile(r'["\\\x00-\x1f]'), "'": re.compile(r"['\\\x00-\x1f]")}
_HEX4: Final = re.compile(r"[0-9a-fA-F]{4}")
_LITERALS: Final = {"t": ("true", True), "f": ("false", False), "n": ("null", None)}
_ESCAPES: Final = {
    '"': '"', "'": "'", "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t",
}  # fmt: skip


class _Reader:
    """One pass over the text; every step consumes something, so the time is linear."""

    __slots__ = ("at", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def whole(self) -> Any:
        value = self.value(0)
        if self.peek():
            raise self.error("nothing more after the value")
        return value

    def error(self, wanted: str) -> DeserializationError:
        found = repr(self.text[self.at]) if self.at < len(self.text) else "the end"
        return DeserializationError(
            f"not JSON: wanted {wanted}, found {found} at character {self.at} of {len(self.text)}",
            field="body",
            advice="Look at the code of the answer first: only some answers have a JSON body.",
        )

    def peek(self) -> str:
        """Skip blanks; the next character, or "" at the end."""
        match = _SPACE.match(self.text, self.at)
        if match is not None:
            self.at = match.end()
        return self.text[self.at : self.at + 1]

    def take(self, wanted: str) -> None:
        if self.peek() != wanted:
            raise self.error(repr(wanted))
        self.at += 1

    def value(self, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise self.error(f"at most {MAX_DEPTH} levels")
        first = self.peek()
        if first == "{":
            return self.object(depth)
        if first == "[":
            return self.array(depth)
        if first in _SPECIAL:
            return self.string(first)
        if first in _LITERALS:
            word, value = _LITERALS[first]
            if self.text.startswith(word, self.at):
                self.at += len(word)
                return value
        elif first and first in "-0123456789":
            return self.number()
        raise self.error("a value")

    def object(self, depth: int) -> dict[str, Any] | KeyedMap:
        self.at += 1
        pairs: list[tuple[Any, Any]] = []
        standard = True
        if self.peek() == "}":
            self.at += 1
            return {}
        while True:
            key = self.key(depth + 1)
            standard = standard and isinstance(key, str)
            self.take(":")
            pairs.append((key, self.value(depth + 1)))
            if self.peek() == "}":
                self.at += 1
                return dict(pairs) if standard else KeyedMap(pairs)
            self.take(",")

    def key(self, depth: int) -> Any:
        first = self.peek()
        if first in _SPECIAL:
            return self.string(first)
        if first == "{":
            if depth > MAX_DEPTH:
                raise self.error(f"at most {MAX_DEPTH} levels")
            return self.object(depth)
        if first and first in "-0123456789":
            key = self.number()
            if isinstance(key, int):
                return key
        raise self.error("a key: a string, an integer or an object")

    def array(self, depth: int) -> list[Any]:
        self.at += 1
        items: list[Any] = []
        if self.peek() == "]":
            self.at += 1
            return items
        while True:
            items.append(self.value(depth + 1))
            if self.peek() == "]":
                self.at += 1
                return items
            self.take(",")

    def number(self) -> int | float:
        match = _NUMBER.match(self.text, self.at)
        if match is None:
            raise self.error("a number")
        if match.lastindex == 1:
            if match.end() - self.at > _MAX_INTEGER_DIGITS:
                raise self.error("an integer of at most 64 bits")
            value: int | float = int(match[0])
        else:
            value = float(match[0])
        self.at = match.end()
        return value

    def string(self, quote: str) -> str:
        special = _SPECIAL[quote]
        self.at += 1
        pieces: list[str] = []
        escaped_surrogates = False
        while True:
            match = special.search(self.text, self.at)
            end = len(self.text) if match is None else match.start()
            pieces.append(self.text[self.at : end])
            self.at = end
            stop = self.text[self.at : self.at + 1]
            if stop == quote:
                self.at += 1
                break
            if stop != "\\":
                raise self.error("the end of the string")
            piece = self.escape()
            escaped_surrogates = escaped_surrogates or "\ud800" <= piece <= "\udfff"
            pieces.append(piece)
        text = "".join(pieces)
        return self.join_surrogates(text) if escaped_surrogates else text

    def escape(self) -> str:
        kind = self.text[self.at + 1 : self.at + 2]
        if kind == "u":
            match = _HEX4.match(self.text, self.at + 2)
            if match is None:
                raise self.error("four hexadecimal digits after \\u")
            self.at = match.end()
            return chr(int(match[0], 16))
        if kind not in _ESCAPES:
            raise self.error("a known escape after the backslash")
        self.at += 2
        return _ESCAPES[kind]

    def join_surrogates(self, text: str) -> str:
        try:
            return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
        except UnicodeDecodeError:
            raise self.error("both halves of a surrogate pair in the string before") from None
