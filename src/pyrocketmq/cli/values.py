"""Numbers, durations and sizes as people write them, for ``type=`` of arguments. Knows no command."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import time
from typing import Final

__all__ = ["count", "duration", "moment", "pair", "permission", "port", "positive_count", "size"]

_TIMES: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "": 1.0}
_PERMISSIONS: Final = {"rw": 6, "wr": 6, "6": 6, "r": 4, "4": 4, "w": 2, "2": 2, "none": 0, "0": 0}
_SIZES: Final = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def port(text: str) -> int:
    """A TCP port; 0 takes a free one."""
    value = int(text)
    if not 0 <= value <= 65535:
        raise ValueError(text)
    return value


def count(text: str) -> int:
    """A whole number from 0."""
    value = int(text)
    if value < 0:
        raise ValueError(text)
    return value


def positive_count(text: str) -> int:
    """A whole number from 1."""
    value = int(text)
    if value < 1:
        raise ValueError(text)
    return value


def duration(text: str) -> float:
    """Seconds, or a number with ms, s, m, h or d."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?(ms|s|m|h|d|)", text.strip().lower())
    if match is None:
        raise ValueError(text)
    return float(match[1]) * _TIMES[match[2]]


def size(text: str) -> int:
    """Bytes, or a number with k, m, g or t."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?([kmgt]?)(?:i?b)?", text.strip().lower())
    if match is None:
        raise ValueError(text)
    return round(float(match[1]) * _SIZES[match[2]])


def moment(text: str) -> int:
    """A moment in ms since 1970: ``now``, ``2h`` for two hours ago, an ISO date and time, or the ms."""
    text = text.strip()
    if text.lower() == "now":
        return time.time_ns() // 1_000_000
    if text.isascii() and text.isdigit() and len(text) >= 12:
        return int(text)
    with contextlib.suppress(ValueError):
        return round(dt.datetime.fromisoformat(text).timestamp() * 1000)
    return time.time_ns() // 1_000_000 - round(duration(text) * 1000)


def permission(text: str) -> int:
    """Who may use a topic: ``rw``, ``r``, ``w``, ``none``, or the number 0, 2, 4 or 6."""
    found = _PERMISSIONS.get(text.strip().lower())
    if found is None:
        raise ValueError(text)
    return found


def pair(text: str) -> tuple[str, str]:
    """``NAME=VALUE``."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise ValueError(text)
    return name.strip(), value.strip()


# argparse names the function when it refuses a value.
positive_count.__name__ = "count"
pair.__name__ = "NAME=VALUE"
