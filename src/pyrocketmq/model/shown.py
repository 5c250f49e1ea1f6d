"""How errors of the model show a wrong value: as its repr, never at full length."""

from __future__ import annotations

from typing import Final

__all__ = ["shown"]

_MAX_CHARACTERS: Final = 80


def shown(value: object) -> str:
    """The repr of a value; of a long one the beginning and the length."""
    text = repr(value)
    return text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]}... ({len(text):,} characters)"
