"""What people write in settings and options: sizes, durations, addresses, and what each setting takes.

Text and numbers in, values out; a `UsageError` says what was meant to stand there. Knows nothing of files.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from flaxfile.errors import UsageError
from flaxfile.model import known_kind

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "CHECKS",
    "DEFAULT_PORT",
    "check_count",
    "check_seconds",
    "check_size",
    "check_text",
    "parse_address",
    "parse_duration",
    "parse_size",
]

DEFAULT_PORT: Final = 25555

_UNITS: Final = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "t": 1000**4}
_BINARY: Final = {"ki": 1 << 10, "mi": 1 << 20, "gi": 1 << 30, "ti": 1 << 40}
_SECONDS: Final = {"ms": 0.001, "": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}


def parse_size(text: str | int) -> int:
    """``32MiB``, ``1.5 GB``, ``500k`` or a plain number, in bytes."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]i?)?b?", str(text).strip().lower())
    if match is None or isinstance(text, bool):
        raise UsageError(
            f"{text!r} is no size", hint="write a number with kB, MB, GB, KiB, MiB or GiB, as in 32MiB"
        )
    return round(float(match[1]) * {**_UNITS, **_BINARY}[match[2] or ""])


def parse_duration(text: str | float) -> float:
    """``24h``, ``90s``, ``500ms`` or a plain number, in seconds."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|)", str(text).strip().lower())
    if match is None or isinstance(text, bool):
        raise UsageError(f"{text!r} is no duration", hint="write a number with ms, s, m, h or d, as in 24h")
    return float(match[1]) * _SECONDS[match[2]]


def parse_address(text: str) -> tuple[str, int]:
    """``host``, ``host:port``, ``[v6]`` or ``[v6]:port``."""
    match = re.fullmatch(r"(?:\[([^\]]+)\]|([^:\[\]/\s]+))(?::(\d{1,5}))?", text)
    bare = re.fullmatch(r"[0-9a-fA-F:]+:[0-9a-fA-F:]*", text) if match is None else None
    if match is None and bare is None:
        raise UsageError(
            f"{text!r} is no address",
            hint="write host, host:port or [IPv6]:port, or a name of the configuration",
        )
    if match is None:
        return text, DEFAULT_PORT
    port = int(match[3]) if match[3] else DEFAULT_PORT
    if port > 65_535:
        raise UsageError(f"{port} in {text!r} is no port", hint="give a number from 0 to 65535")
    return match[1] or match[2], port


def _check_port(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 65_535:
        raise UsageError(f"{value!r} is no port", hint="give a number from 0 to 65535")
    return value


def check_text(value: object) -> str:
    """A setting that is a text."""
    if not isinstance(value, str):
        raise UsageError(f"{value!r} is no text", hint="put it in quotes")
    return value


def check_count(value: object) -> int:
    """A whole number, 0 or more."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise UsageError(f"{value!r} is no count", hint="give a whole number, 0 or more")
    return value


def check_seconds(value: object) -> float:
    """A time to wait, in seconds."""
    if not isinstance(value, (int, float, str)):
        raise UsageError(f"{value!r} is no duration", hint="give seconds, or a text as in 24h")
    seconds = parse_duration(value)
    if seconds <= 0:
        raise UsageError(f"{value!r} is no time to wait", hint="give more than 0 seconds")
    return seconds


def check_size(value: object) -> int:
    """A size, in bytes."""
    if not isinstance(value, (int, str)):
        raise UsageError(f"{value!r} is no size", hint="give bytes, or a text as in 32MiB")
    return parse_size(value)


def _check_durability(value: object) -> str:
    if value not in {"none", "rename", "fsync"}:
        raise UsageError(f"{value!r} is no durability", hint="known are: none, rename, fsync")
    return str(value)


CHECKS: Final[dict[str, Callable[[object], object]]] = {
    "port": _check_port,
    "connect_timeout": check_seconds,
    "idle_timeout": check_seconds,
    "part_ttl": check_seconds,
    "retries": check_count,
    "max_clients": check_count,
    "window": check_size,
    "memory": check_size,
    "max_upload": check_size,
    "durability": _check_durability,
    "hash": known_kind,
}
"""By the name of a setting; all others are texts."""
