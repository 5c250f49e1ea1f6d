"""Measures one row: all arms in turns, round by round.

An arm of a rival that fails is ended, noted and started anew at its next turn, as what others have measured
does not depend on it; one of ours that fails ends the run. This knows nothing of reports and command lines.
"""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from .peers import GROUP, ArmError
from .results import Result
from .works import JAVA, RAW, peer_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from .peers import Figures, Peer
    from .target import Target
    from .works import Row

FIRST: Final = 1_000
WARM_UP: Final = 1.0


class Starter(Protocol):
    """Has the programs of the peers."""

    def start(self, name: str, target: Target) -> Peer:
        """A peer that sends to a target."""
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """How long a row is measured.

    Attributes:
        seconds: of one run, about.
        scale: how much of the fixed count of a row that has one.
        warm_up: seconds of Java's warm-up; the others have one second, or as little.
        settle: seconds for what a client that was ended had sent to arrive.
    """

    rounds: int
    seconds: float
    scale: float
    warm_up: float
    settle: float = 0.5


class Arm:
    """One arm of a row: its peer, and how many messages a run of it has.

    Args:
        name: which.
        row: of this.
        peers: where its peer is had from.
        target: where it sends.
        plan: for how long.
    """

    def __init__(self, name: str, row: Row, peers: Starter, target: Target, plan: Plan) -> None:
        self.name = name
        self._work = row.work_of(name)
        self._peers = peers
        self._target = target
        self._seconds = plan.seconds
        self._fixed = int(row.count * plan.scale)
        self._warm_up = plan.warm_up if peer_of(name) == JAVA else min(WARM_UP, plan.warm_up)
        self._peer: Peer | None = None
        self._count = 0

    @property
    def is_ready(self) -> bool:
        """Its peer runs, and is warm."""
        return self._peer is not None and self._count > 0

    def start(self) -> None:
        """Start its peer, cold."""
        self._peer = self._peers.start(peer_of(self.name), self._target)

    def close(self) -> None:
        """End its peer, if there is one."""
        if self._peer is not None:
            self._peer.close()
        self._peer, self._count = None, 0

    def warm_up(self) -> None:
        """Run for a while, which also tells how many messages a run should have."""
        if self._fixed:
            self._run(max(1, self._fixed // 20))
            self._count = self._fixed
            return
        count, spent, took = self._whole(FIRST), 0.0, 0.0
        while spent < self._warm_up or took < self._seconds / 4:
            figures, _ = self._run(count)
            rate = figures["rate"]  # as the client sees it: a broker that is cold may refuse nearly all
            took = figures["count"] / rate
            spent += took
            count = self._whole(min(rate * self._seconds, count * 10))
        self._count = count

    def measure(self) -> Figures:
        """One run that counts, as the server has seen it."""
        return self._run(self._count)[1]

    def _run(self, count: int) -> tuple[Figures, Figures]:
        assert self._peer is not None
        self._target.begin()
        told = self._peer.measure(self._work, count)
        return told, self._target.confirm(self.name, told)

    def _whole(self, count: float) -> int:
        unit = self._work.batch * (GROUP if self.name == RAW else 1)
        return max(1, round(count / unit)) * unit


class Rounds:
    """All arms of a row in turns; what slows the machine down slows all of a round.

    Args:
        row: which.
        arms: who of it takes part.
        peers: where their programs are had from.
        target: where they send.
        plan: for how long.
        tell: is told what is being done.
    """

    def __init__(
        self,
        row: Row,
        arms: list[str],
        peers: Starter,
        target: Target,
        plan: Plan,
        *,
        tell: Callable[[str], None],
    ) -> None:
        self._row = row
        self._arms = [Arm(name, row, peers, target, plan) for name in arms]
        self._plan = plan
        self._tell = tell
        self._notes: list[str] = []

    def run(self, keep: Callable[[Result], None], conditions: Callable[[int], dict[str, str]]) -> Result:
        """Measure; what there is after each round is handed over, so that an interrupted run leaves that."""
        found: dict[str, list[Figures | None]] = {arm.name: [] for arm in self._arms}
        result = Result(self._row, found, conditions(0), self._notes)
        with ExitStack() as stack:
            for arm in self._arms:
                stack.callback(arm.close)
                self._warmed_up(arm, "the warm-up")
            for number in range(1, self._plan.rounds + 1):
                # Each round begins with another arm, so that none has the same one before it every time.
                turn = (number - 1) % len(self._arms)
                figures = {arm.name: self._turn(arm, number) for arm in self._arms[turn:] + self._arms[:turn]}
                for name, each in figures.items():
                    found[name].append(each)
                result = Result(self._row, found, conditions(number), self._notes)
                keep(result)
        return result

    def _turn(self, arm: Arm, number: int) -> Figures | None:
        if not arm.is_ready and not self._warmed_up(arm, f"the warm-up before round {number}"):
            return None
        self._tell(f"{self._row.name}: round {number}/{self._plan.rounds}, {arm.name}")
        try:
            return arm.measure()
        except ArmError as error:
            self._ended(arm, error, f"round {number}")
            return None

    def _warmed_up(self, arm: Arm, when: str) -> bool:
        self._tell(f"{self._row.name}: {arm.name} warms up")
        arm.start()
        try:
            arm.warm_up()
        except ArmError as error:
            self._ended(arm, error, when)
            return False
        return True

    def _ended(self, arm: Arm, error: ArmError, when: str) -> None:
        """Ours has to work; a rival that does not is as if it had not taken part."""
        if arm.name in self._row.ours:
            raise error
        arm.close()
        self._notes.append(f"{arm.name}: {error.reason} in {when} of row {self._row.name}")
        self._tell("")
        print(f"{self._notes[-1]}: {error}", file=sys.stderr, flush=True)
        time.sleep(self._plan.settle)  # what it has sent is still on its way, and must not count for the next
