"""What was measured: figures of each arm, round by round, the ratios between them, and the file for them."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any, Final

from orjson import OPT_INDENT_2, dumps, loads

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from .peers import Figures
    from .works import Bound, Figure, Row

FORMAT: Final = 1
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
    """The median of the rounds, where the middle half of them lies, and the ends."""

    middle: float
    low: float
    high: float
    least: float
    most: float

    @classmethod
    def over(cls, values: Sequence[float]) -> Spread:
        """Of so many rounds."""
        low, _, high = quantiles(values, n=4, method="inclusive")
        return cls(median(values), low, high, min(values), max(values))


@dataclass(frozen=True, slots=True)
class Found:
    """What one of our faces reached of one bound."""

    arm: str
    bound: Bound
    ratios: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """The median of the rounds; what is not compared with anybody has to be kept in every round."""
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
        return f"{name} {self.ratio:.2f}{whose}, {asked} asked"


@dataclass(frozen=True, slots=True)
class Result:
    """All rounds of one row.

    Attributes:
        arms: the figures of each, round by round.
        facts: what the machine was doing.
    """

    row: Row
    arms: dict[str, list[Figures]]
    facts: dict[str, str]

    def spread(self, arm: str, figure: str) -> Spread:
        """One figure of one arm over the rounds."""
        return Spread.over([figures[figure] for figures in self.arms[arm]])

    def has(self, arm: str, figure: str) -> bool:
        """Whether an arm took part and has such a figure."""
        return arm in self.arms and all(figure in figures for figures in self.arms[arm])

    @property
    def found(self) -> list[Found]:
        """What each of ours reached of each bound that can be told with the arms that took part."""
        return [
            Found(arm, bound, self._ratios(arm, bound))
            for bound in self.row.asked
            for arm in self.row.ours
            if all(self.has(name, bound.figure) for name in (arm, *bound.against))
        ]

    def _ratios(self, arm: str, bound: Bound) -> tuple[float, ...]:
        ours = [figures[bound.figure] for figures in self.arms[arm]]
        if not bound.against:
            return tuple(ours)
        others = zip(*(self.arms[name] for name in bound.against), strict=True)
        best = [bound.best([figures[bound.figure] for figures in found]) for found in others]
        return tuple(mine / theirs for mine, theirs in zip(ours, best, strict=True))


def read(file: Path, rows: tuple[Row, ...]) -> list[Result]:
    """The results in a file, of rows that there still are."""
    if not file.exists():
        return []
    known = {row.name: row for row in rows}
    kept: list[dict[str, Any]] = loads(file.read_bytes())["rows"]
    return [
        Result(known[each["name"]], each["arms"], each["facts"]) for each in kept if each["name"] in known
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
        }
        for result in ordered
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(dumps({"format": FORMAT, "rows": kept}, option=OPT_INDENT_2) + b"\n")
    return ordered
