"""The kinds of messages, their flags and limits, and the JSON that control messages carry. No I/O."""

from __future__ import annotations

import enum
import json
from typing import Any, Final, TypeVar, cast

from flaxfile.errors import ProtocolError

__all__ = [
    "CAPABILITIES",
    "FLAG_HOLE",
    "FLAG_KEEP",
    "MAX_CHUNK",
    "MAX_CONTROL",
    "MAX_MESSAGE",
    "MAX_PACK",
    "MAX_SIZE",
    "MAX_SOCKETS",
    "MIN_CHUNK",
    "PAGE_LIMIT",
    "Type",
    "decode_payload",
    "encode_payload",
    "field",
    "objects",
    "texts",
]


class Type(enum.IntEnum):
    """What a message is."""

    HELLO = 1
    WELCOME = 2
    PUT_OPEN = 10
    PUT_READY = 11
    DATA = 12
    ACK = 13
    NAK = 14
    PUT_COMMIT = 15
    PUT_DONE = 16
    ABORT = 17
    GET_OPEN = 20
    GET_READY = 21
    CREDIT = 22
    FETCH = 23
    GET_DONE = 24
    GET_SUM = 25
    LIST = 30
    ENTRIES = 31
    STAT = 32
    DELETE = 33
    MOVE = 34
    MKDIR = 35
    OK = 36
    LINK = 37
    PACK_PUT = 40
    PACK_ACK = 41
    PACK_GET = 42
    PACK = 43
    SIG_GET = 50
    SIG = 51
    COPY = 52
    PING = 60
    PONG = 61
    ERROR = 63


FLAG_HOLE: Final = 1
"""DATA without payload: the chunk is zeros."""
FLAG_KEEP: Final = 2
"""ABORT: keep the part for a resume."""

MIN_CHUNK: Final = 64 * 1024
MAX_CHUNK: Final = 4 * 1024 * 1024
MAX_CONTROL: Final = 1024 * 1024
MAX_PACK: Final = 3 * 1024 * 1024
"""Bytes of the files in one PACK message."""
MAX_MESSAGE: Final = MAX_CHUNK + 64 * 1024
"""Frame size that both sides tell libzmq to refuse beyond."""
MAX_SOCKETS: Final = 16
MAX_SIZE: Final = 1 << 60
PAGE_LIMIT: Final = 1000
"""Entries in one answer to LIST."""
CAPABILITIES: Final = ("resume", "pack", "delta", "links")

_T = TypeVar("_T")


def encode_payload(payload: dict[str, object]) -> bytes:
    """A control payload. Names that are no UTF-8 travel as escaped surrogates, so plain ASCII it is."""
    data = json.dumps(payload, separators=(",", ":")).encode("ascii")
    if len(data) > MAX_CONTROL:
        raise ProtocolError(f"a control message of {len(data)} bytes; at most {MAX_CONTROL} are allowed")
    return data


def decode_payload(data: bytes) -> dict[str, object]:
    """The object that a control message carries."""
    if len(data) > MAX_CONTROL:
        raise ProtocolError(f"a control message of {len(data)} bytes; at most {MAX_CONTROL} are allowed")
    if not data:
        return {}
    try:
        payload = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("a control message is no JSON") from error
    if not isinstance(payload, dict):
        raise ProtocolError("a control message is no JSON object")
    return cast("dict[str, object]", payload)


def field(payload: dict[str, object], name: str, kind: type[_T], default: _T | None = None) -> _T:
    """A field of a payload, of the kind it has to have; ``default`` when it is not there."""
    value = payload.get(name)
    if value is None and default is not None:
        return default
    # True is an int for Python, but not for the peer that wrote it.
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ProtocolError(f"the field {name!r} of a message is {value!r}, not {kind.__name__}")
    return value


def objects(payload: dict[str, object], name: str) -> list[dict[str, Any]]:
    """A field that is a list of objects."""
    items = cast("list[object]", field(payload, name, list))
    if not all(isinstance(item, dict) for item in items):
        raise ProtocolError(f"the field {name!r} of a message has something that is no object")
    return cast("list[dict[str, Any]]", items)


def texts(payload: dict[str, object], name: str) -> list[str]:
    """A field that is a list of texts."""
    items = cast("list[object]", field(payload, name, list))
    if not all(isinstance(item, str) for item in items):
        raise ProtocolError(f"the field {name!r} of a message has something that is no text")
    return cast("list[str]", items)
