"""What is measured: one kind of work for all peers, and the rows with what is asked of ours in each."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Kind = Literal["awaited", "submit", "submit-told", "batch", "oneway", "sync", "one", "threads", "memory"]
Figure = Literal["rate", "p50_us", "p99_us", "cpu_us", "over_mb", "lost"]

LOOP: Final = "ours"
THREAD: Final = "ours, thread"
JAVA: Final = "Java"
GO: Final = "Go"
RAW: Final = "raw C"
CPP: Final = "C++"
CPP_KINDS: Final = ("oneway", "sync", "one", "threads")
"""What the C++ client takes part in, if it is asked for; its batches are none to a broker."""
RIVALS: Final = (JAVA, GO)
MORE_IS_BETTER: Final = ("rate",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One kind of sending, the same for every peer that can do it.

    Attributes:
        size: bytes of a body.
        batch: messages of an explicit batch.
        in_flight: tasks, or calls that wait for an answer, at once.
        threads: threads or goroutines that send one after the other.
        spin: whether our lane looks for its answer for a while before it sleeps.
    """

    kind: Kind
    size: int = 100
    batch: int = 1
    in_flight: int = 1
    threads: int = 1
    spin: bool = False

    def words(self, count: int, topic: str) -> str:
        """The line that a program is told."""
        return (
            f"{self.kind} count={count} topic={topic} size={self.size} batch={self.batch} "
            f"inflight={self.in_flight} threads={self.threads} spin={int(self.spin)}"
        )


@dataclass(frozen=True, slots=True)
class Bound:
    """What is asked: ours by the best of some others in the same round, or ours alone.

    Attributes:
        figure: rates have to be at least so many times theirs, all others at most.
        value: how many times; with nobody to compare with, the figure itself.
    """

    figure: Figure
    value: float
    against: tuple[str, ...] = ()

    @property
    def is_least(self) -> bool:
        """More is better."""
        return self.figure in MORE_IS_BETTER

    def keeps(self, found: float, relax: float = 1.0) -> bool:
        """Whether what was found is within the bound, which ``relax`` below 1 widens."""
        return found >= self.value * relax if self.is_least else found <= self.value / relax

    def best(self, figures: list[float]) -> float:
        """The best of what the others reached in one round."""
        return max(figures) if self.is_least else min(figures)


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison.

    Attributes:
        ours: which of our faces take part; the bounds hold for each.
        bounds: what is asked beside the processor time, which has to be below that of Java and Go.
        works: what some arms do instead; an arm is named after its peer, with more after a comma.
        count: messages of a round; without it as many as take a second.
    """

    name: str
    work: Work
    figure: Figure
    ours: tuple[str, ...]
    others: tuple[str, ...]
    bounds: tuple[Bound, ...]
    works: Mapping[str, Work] = field(default_factory=dict[str, Work])
    count: int = 0

    @property
    def asked(self) -> tuple[Bound, ...]:
        """All bounds."""
        rivals = [name for name in self.others if peer_of(name) in RIVALS]
        return self.bounds + tuple(Bound("cpu_us", 1.0, (name,)) for name in rivals)

    @property
    def arms(self) -> tuple[str, ...]:
        """Everybody who takes part."""
        return self.ours + self.others

    def arms_of(self, peers: Sequence[str], also: Sequence[str]) -> list[str]:
        """Those of some peers, or of all if none are named, and the C++ client where it can take part."""
        found = [arm for arm in self.arms if not peers or peer_of(arm) in peers]
        return found + [name for name in also if self.work.kind in CPP_KINDS]

    def work_of(self, arm: str) -> Work:
        """What an arm does."""
        return self.works.get(arm, self.work)


def peer_of(arm: str) -> str:
    """Whose arm it is; our two faces are two peers."""
    return arm if arm in (LOOP, THREAD) else arm.partition(",")[0]


def rate(value: float, *against: str) -> Bound:
    """So many times as quick as the best of these."""
    return Bound("rate", value, against)


SINGLES: Final = Work(kind="awaited", in_flight=1024)
"""What the raw generator does where ours makes batches: the ratio shows what batches are worth."""


def with_kib(*rows: Row) -> tuple[Row, ...]:
    """The rows, and each once more with bodies of 1 KiB, where ours has to be ahead of Java and Go."""
    found: list[Row] = []
    for row in rows:
        rivals = tuple(name for name in RIVALS if name in row.others)
        larger = replace(
            row,
            name=f"{row.name}, 1 KiB",
            work=replace(row.work, size=1024),
            bounds=(Bound(row.figure, 1.0, rivals),),
            works={name: replace(work, size=1024) for name, work in row.works.items()},
        )
        found += [row, larger]
    return tuple(found)


def batch_row(size: int, in_flight: int) -> Row:
    """Explicit batches."""
    bounds = (rate(2.0, *RIVALS), rate(2.0, RAW)) if size == 1000 else (rate(2.0, *RIVALS),)
    return Row(
        f"batches of {size:,}, {in_flight} in flight",
        Work(kind="batch", batch=size, in_flight=in_flight),
        "rate",
        (LOOP, THREAD) if in_flight == 1 else (LOOP,),
        (JAVA, GO, RAW),
        bounds,
        {RAW: SINGLES},
    )


def thread_row(threads: int) -> Row:
    """Blocking sends from several threads."""
    work = Work(kind="threads", threads=threads)
    return Row(f"sync, {threads} threads", work, "rate", (THREAD,), RIVALS, (rate(3.0, GO),))


SYNC: Final = Work(kind="sync")
SINK_ROWS: Final = (
    *with_kib(
        Row(
            "awaited, 1,024 in flight",
            SINGLES,
            "rate",
            (LOOP,),
            (JAVA, GO, RAW),
            (rate(0.30, RAW), rate(7.0, JAVA), rate(28.0, GO)),
        ),
        Row(
            "submit",
            Work(kind="submit", in_flight=1024),
            "rate",
            (LOOP, THREAD),
            (JAVA, RAW),
            (rate(2.4, RAW), rate(4.0, JAVA)),
            {RAW: SINGLES},
        ),
        Row(
            "submit, on_delivery",
            Work(kind="submit-told", in_flight=1024),
            "rate",
            (LOOP, THREAD),
            (JAVA, RAW),
            (rate(1.0, RAW),),
            {RAW: SINGLES},
        ),
        batch_row(100, 1),
        batch_row(100, 8),
        batch_row(1000, 1),
        batch_row(1000, 8),
        Row(
            "one-way",
            Work(kind="oneway"),
            "rate",
            (LOOP,),
            (JAVA, GO, RAW),
            (rate(10.0, JAVA), rate(30.0, GO)),
        ),
        Row(
            "one-way, one thread",
            Work(kind="oneway"),
            "rate",
            (THREAD,),
            (JAVA, GO, RAW),
            (rate(1.0, JAVA), rate(1.0, GO)),
        ),
        Row(
            "sync, one thread",
            SYNC,
            "p50_us",
            (THREAD,),
            (JAVA, GO, RAW),
            (Bound("p50_us", 1.0, (JAVA,)), Bound("p50_us", 1.3, (RAW,)), Bound("p99_us", 1.5, (RAW,))),
        ),
        Row(
            "sync, one thread that spins",
            replace(SYNC, spin=True),
            "p50_us",
            (THREAD,),
            (JAVA, GO, RAW),
            (Bound("p50_us", 0.8, (RAW,)),),
        ),
        Row(
            "awaited, one at a time",
            Work(kind="one"),
            "p50_us",
            (LOOP,),
            (JAVA, GO, RAW),
            (Bound("p50_us", 1.35, (RAW,)),),
        ),
        thread_row(8),
        thread_row(64),
    ),
    Row(
        "memory, 10 M submitted to a slow sink",
        Work(kind="memory"),
        "over_mb",
        (LOOP, THREAD),
        (),
        (Bound("over_mb", 20.0),),
        count=10_000_000,
    ),
)
BATCHES: Final = (f"{JAVA}, batches", f"{GO}, batches")
NOTHING_LOST: Final = Bound("lost", 0.0)
HUNDREDS: Final = Work(kind="batch", batch=100, in_flight=32)
REAL_ROWS: Final = (
    Row(
        "awaited, 1,024 in flight",
        SINGLES,
        "rate",
        (LOOP,),
        (JAVA, GO, RAW),
        (rate(2.0, JAVA), rate(0.7, RAW), NOTHING_LOST),
    ),
    Row(
        "submit",
        Work(kind="submit", in_flight=1024),
        "rate",
        (LOOP,),
        (JAVA, *BATCHES, RAW),
        (rate(1.5, JAVA, *BATCHES), rate(0.7, RAW), NOTHING_LOST),
        dict.fromkeys(BATCHES, HUNDREDS) | {RAW: replace(HUNDREDS, in_flight=256)},
    ),
    Row(
        "sync, one thread",
        SYNC,
        "p50_us",
        (THREAD,),
        (JAVA, GO, RAW),
        (Bound("p50_us", 1.0, (JAVA,)), Bound("p50_us", 1.0, (GO,))),
    ),
    Row("one-way", Work(kind="oneway"), "rate", (LOOP,), (JAVA, GO, RAW), (NOTHING_LOST,)),
)
