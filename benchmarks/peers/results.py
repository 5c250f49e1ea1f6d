"""What was measured: figures of each arm, round by round, the ratios between them, and the file for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import nan
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from orjson import OPT_INDENT_2, dumps, loads

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from .peers import Figures
    from .works import Bound, Figure, Row

FORMAT: Final = 1
SILENT: Final = "no answer in any round"
NAMES: Final[dict[Figure, str]] = {
    "rate": "messages/s",
    "p50_us": "p50",
    "p99_us": "p99",
    "cpu_us": "CPU per message",
    "over_mb": "MiB over the buffer",
    "lost": "messages lost",
}


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of the rounds, and the ends."""

    middle: float
    least: float
    most: float

    @classmethod
    def over(cls, values: Sequence[float]) -> Spread:
        """Of so many rounds."""
        return cls(median(values), min(values), max(values))


@dataclass(frozen=True, slots=True)
class Found:
    """What one of our faces reached of one bound.

    Attributes:
        ratios: of the rounds in which everybody who is compared has answered.
    """

    arm: str
    bound: Bound
    ratios: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """The median of the rounds; what is not compared with anybody has to be kept in every round.

        Without any round it is not a number, which keeps no bound.
        """
        if not self.ratios:
            return nan
        return median(self.ratios) if self.bound.against else max(self.ratios)

    @property
    def is_kept(self) -> bool:
        """Within the bound as it is."""
        return self.bound.keeps(self.ratio)

    @property
    def told(self) -> str:
        """In words: what of whom was asked, what was reached."""
        bound = self.bound
        name = NAMES[bound.figure]
        whose = f" x {' or '.join(bound.against)}" if bound.against else ""
        asked = f"{'>=' if bound.is_least else '<='} {bound.value:g}"
        reached = f"{self.ratio:.2f}{whose}" if self.ratios else f"?{whose}: {SILENT}"
        return f"{name} {reached}, {asked} asked"


@dataclass(frozen=True, slots=True)
class Result:
    """All rounds of one row.

    Attributes:
        arms: the figures of each, round by round; None where it failed.
        facts: what the machine was doing.
        notes: who failed, when.
    """

    row: Row
    arms: dict[str, list[Figures | None]]
    facts: dict[str, str]
    notes: list[str] = field(default_factory=list[str])

    @property
    def silent(self) -> list[str]:
        """The arms that failed in every round."""
        return [arm for arm in self.arms if not self.rounds_of(arm)]

    def rounds_of(self, arm: str) -> list[Figures]:
        """Those that it answered in."""
        return [figures for figures in self.arms[arm] if figures is not None]

    def spread(self, arm: str, figure: str) -> Spread:
        """One figure of one arm over the rounds that it answered in."""
        return Spread.over([figures[figure] for figures in self.rounds_of(arm)])

    def has(self, arm: str, figure: str) -> bool:
        """Whether an arm took part and has such a figure."""
        return arm in self.arms and arm not in self.silent and not self._lacks(arm, figure)

    def _lacks(self, arm: str, figure: str) -> bool:
        """Whether this is a figure that an arm does not give; of one that failed nobody knows."""
        return any(figure not in figures for figures in self.rounds_of(arm))

    @property
    def found(self) -> list[Found]:
        """What each of ours reached of each bound that can be told with the arms that took part.

        One that took part and failed in every round leaves its bounds without a ratio, as missed.
        """
        return [
            Found(arm, bound, self._ratios(arm, bound))
            for bound in self.row.asked
            for arm in self.row.ours
            if all(
                name in self.arms and not self._lacks(name, bound.figure) for name in (arm, *bound.against)
            )
        ]

    def _ratios(self, arm: str, bound: Bound) -> tuple[float, ...]:
        ratios: list[float] = []
        for found in zip(*(self.arms[name] for name in (arm, *bound.against)), strict=True):
            answered = [figures[bound.figure] for figures in found if figures is not None]
            if len(answered) == len(found):
                mine, *theirs = answered
                best = bound.best(theirs) if theirs else 1.0
                if best:  # processor time is counted in steps of 10 ms, and a very short run may show none
                    ratios.append(mine / best)
        return tuple(ratios)


def read(file: Path, rows: tuple[Row, ...]) -> list[Result]:
    """The results in a file, of rows that there still are."""
    if not file.exists():
        return []
    known = {row.name: row for row in rows}
    kept: list[dict[str, Any]] = loads(file.read_bytes())["rows"]
    return [
        Result(known[each["name"]], each["arms"], each["facts"], each.get("notes", []))
        for each in kept
        if each["name"] in known
    ]


def write(file: Path, results: list[Result], rows: tuple[Row, ...]) -> list[Result]:
    """Put results beside those of other rows in a file; gives all, in the order of the rows."""
    found = {result.row.name: result for result in [*read(file, rows), *results]}
    ordered = [found[row.name] for row in rows if row.name in found]
    kept = [
        {
            "name": result.row.name,
            "facts": result.facts,
            "bounds": [
                {
                    "arm": each.arm,
                    "figure": each.bound.figure,
                    "against": list(each.bound.against),
                    "asked": each.bound.value,
                    "reached": each.ratio,
                    "kept": each.is_kept,
                }
                for each in result.found
            ],
            "arms": result.arms,
            **({"notes": result.notes} if result.notes else {}),
        }
        for result in ordered
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    whole = file.with_suffix(".new")  # whoever interrupts does not leave half a file
    whole.write_bytes(dumps({"format": FORMAT, "rows": kept}, option=OPT_INDENT_2) + b"\n")
    whole.replace(file)
    return ordered
