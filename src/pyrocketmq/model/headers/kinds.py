"""The types a header field can have: for each its check, and how it becomes text and is read from text."""

from __future__ import annotations

import re
from math import copysign, isinf, isnan
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from pyrocketmq.model.enums import BoundaryType

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["F64", "I32", "I64", "KINDS", "Kind"]

I32: TypeAlias = int
"""A whole number of 32 bits on the wire."""
I64: TypeAlias = int
"""A whole number of 64 bits on the wire."""
F64: TypeAlias = float
"""A floating-point number, written as Java prints a double."""

_WHOLE_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,20}")


class Kind(NamedTuple):
    """A wire type: its name in declarations, what errors call it, its check, its two directions.

    ``decode`` raises ValueError for a text of another kind.
    """

    name: str
    expected: str
    accepts: Callable[[Any], bool]
    encode: Callable[[Any], str]
    decode: Callable[[str], Any]


def _int_kind(bits: int) -> Kind:
    lowest, highest = -(1 << (bits - 1)), (1 << (bits - 1)) - 1

    def accepts(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest

    def decode(text: str) -> int:
        if not _WHOLE_NUMBER.fullmatch(text) or not lowest <= (value := int(text)) <= highest:
            raise ValueError(text)
        return value

    # int.__repr__, because str() of an enum member may be its name.
    return Kind(f"I{bits}", f"an int from {lowest} to {highest}", accepts, int.__repr__, decode)


def _is_bool(value: object) -> bool:
    return isinstance(value, bool)


def _encode_bool(value: bool) -> str:
    return "true" if value else "false"


def _decode_bool(text: str) -> bool:
    # Java takes every text but "true" for false.
    return text.lower() == "true"


def _is_float(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _encode_float(value: float) -> str:
    """The text of a double as Java prints it: ``1.5``, ``100.0``, ``1.0E10``."""
    number = float(value)
    if isnan(number):
        return "NaN"
    sign = "-" if copysign(1.0, number) < 0 else ""
    size = abs(number)
    if isinf(size):
        return f"{sign}Infinity"
    if size == 0.0 or 1e-3 <= size < 1e7:
        return sign + repr(size)
    digits = repr(size).partition("e")[0].replace(".", "").strip("0")
    exponent = int(f"{size:.16e}".partition("e")[2])
    return f"{sign}{digits[0]}.{digits[1:] or '0'}E{exponent}"


def _is_boundary(value: object) -> bool:
    return isinstance(value, BoundaryType)


def _decode_boundary(text: str) -> BoundaryType:
    # Java takes every text but "upper" for the lower boundary.
    return BoundaryType.UPPER if text.upper() == "UPPER" else BoundaryType.LOWER


def _is_text(value: object) -> bool:
    return isinstance(value, str)


KINDS: Final[dict[str, Kind]] = {
    kind.name: kind
    for kind in (
        Kind("str", "a str", _is_text, str.__str__, str),
        _int_kind(32),
        _int_kind(64),
        Kind("bool", "a bool", _is_bool, _encode_bool, _decode_bool),
        Kind("F64", "a float", _is_float, _encode_float, float),
        Kind("BoundaryType", "a BoundaryType", _is_boundary, str.__str__, _decode_boundary),
    )
}
