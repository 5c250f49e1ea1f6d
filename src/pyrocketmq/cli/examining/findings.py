"""Findings of an examination and their weight. Knows no server."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

__all__ = ["Finding", "Findings", "Weight"]


class Weight(IntEnum):
    """How bad a finding is."""

    NOTE = 0
    WARNING = 1
    BROKEN = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a client will run into.

    Args:
        weight: how bad it is.
        place: the server or topic that it is about.
        what: what was seen.
        likely: the probable cause.
        advice: what to do.
    """

    weight: Weight
    place: str
    what: str
    likely: str | None = None
    advice: str | None = None

    def to_value(self) -> dict[str, object]:
        """The finding as JSON values."""
        return {
            "weight": self.weight.name.lower(),
            "place": self.place,
            "what": self.what,
            "likely": self.likely,
            "try": self.advice,
        }


class Findings:
    """All findings of an examination, each kept once."""

    def __init__(self) -> None:
        self._found: dict[Finding, None] = {}

    def add(
        self, weight: Weight, place: str, what: str, *, likely: str | None = None, advice: str | None = None
    ) -> None:
        """Keep a finding."""
        self._found[Finding(weight, place, what, likely, advice)] = None

    def in_order(self) -> list[Finding]:
        """The worst ones first; those of one weight as they were found."""
        return sorted(self._found, key=lambda finding: -finding.weight)

    @property
    def worst(self) -> Weight | None:
        """The weight of the worst finding, None if there is none."""
        return max((finding.weight for finding in self._found), default=None)
