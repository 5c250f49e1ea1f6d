"""Numbers as Java reads and orders them, for texts that come from message properties.

The ways of Integer.valueOf, Long.valueOf and Double.valueOf decide whether a property takes part in a
comparison at all, so ``float()`` and ``int()`` of Python will not do.
"""

from __future__ import annotations

import math
import re
from typing import Final, TypeAlias

__all__ = [
    "INT_MAX",
    "LONG_MAX",
    "DoubleOrder",
    "double_order",
    "double_order_of_text",
    "int_of_text",
    "long_of_text",
]

INT_MAX: Final = (1 << 31) - 1
LONG_MAX: Final = (1 << 63) - 1

DoubleOrder: TypeAlias = tuple[bool, float, float]
"""Orders like Double.compareTo: NaN is equal to itself and above all, -0.0 is below 0.0."""

# String.trim() of Java.
_BLANKS: Final = "".join(map(chr, range(0x21)))
# Digits of any script count, as in Character.digit.
_WHOLE: Final = re.compile(r"[+-]?\d+")
_DOUBLE: Final = re.compile(
    r"(?P<sign>[+-]?)(?:(?P<word>NaN|Infinity)"
    r"|(?P<hex>0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)[pP][+-]?[0-9]+)[fFdD]?"
    r"|(?P<plain>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)[fFdD]?)"
)


def int_of_text(text: str) -> int:
    """The number of an Integer in text.

    Raises:
        ValueError: the text is no whole number, or does not fit 32 bits.
    """
    return _whole(text, INT_MAX)


def long_of_text(text: str) -> int:
    """The number of a Long in text.

    Raises:
        ValueError: the text is no whole number, or does not fit 64 bits.
    """
    return _whole(text, LONG_MAX)


def double_order_of_text(text: str) -> DoubleOrder:
    """The order of a Double in text.

    Raises:
        ValueError: the text is no number.
    """
    match = _DOUBLE.fullmatch(text.strip(_BLANKS))
    if match is None:
        raise ValueError("no number")
    if match["word"]:
        number = math.nan if match["word"] == "NaN" else math.inf
    elif match["hex"]:
        try:
            number = float.fromhex(match["hex"])
        except OverflowError:
            number = math.inf
    else:
        number = float(match["plain"])
    return double_order(-number if match["sign"] == "-" else number)


def double_order(number: float) -> DoubleOrder:
    """The order of a number."""
    if math.isnan(number):
        return (True, 0.0, 0.0)
    return (False, number, math.copysign(1.0, number))


def _whole(text: str, limit: int) -> int:
    if _WHOLE.fullmatch(text) is None:
        raise ValueError("no whole number")
    number = int(text)
    if not -limit - 1 <= number <= limit:
        raise ValueError("beyond the bits of the type")
    return number
