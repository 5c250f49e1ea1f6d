"""Whole numbers as text, where peers write them plainly: digits, perhaps after a minus sign."""

from __future__ import annotations

from typing import Final

__all__ = ["parse_decimal"]

_MAX_CHARACTERS: Final = 20  # 64 bits with a sign; longer ones would cost quadratic time to convert


def parse_decimal(text: str) -> int | None:
    """The number that a text is; None for every other text, also for blanks, a plus sign and 21 digits."""
    digits = text[1:] if text[:1] == "-" else text
    if len(text) > _MAX_CHARACTERS or not (digits.isascii() and digits.isdigit()):
        return None
    return int(text)
