"""Faults on purpose: requests that are delayed, lost or refused as rules say, and how many were.

Every dispatch of a server asks the same `Faults`, and only while a rule is active: without one the way of a
request is as if this did not exist. What rules say is in `fault_rules`. Must not know what requests mean.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self, TypeAlias

from pyrocketmq._native.command import RemotingCommand
from pyrocketmq.model.enums import ResponseCode
from pyrocketmq.server.call import make_answer
from pyrocketmq.server.fault_rules import FaultRule

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pyrocketmq._native.connection import Connection
    from pyrocketmq.server.call import Answer, Call, Handler
    from pyrocketmq.server.dispatch import Dispatcher

    Timer: TypeAlias = Callable[[float, Callable[[], object]], object]

__all__ = ["Fault", "Faults"]

GARBAGE: Final = b"\x7f\xff\xff\xff\xff\xff\xff\xff this is no frame \x00\x01\x02\x03"
"""The length of a frame that nobody takes, and more that is none."""
HELD_SECONDS: Final = 0.1
"""How long an answer waits for others to overtake it; a lone one must not be lost."""


class Fault:
    """A rule at work, with what it has done; a context manager that ends it.

    Attributes:
        rule: what it does.
        seen: how many requests it matched.
        hits: how many of these it hit.
    """

    def __init__(self, rule: FaultRule, owner: Faults) -> None:
        self.rule = rule
        self.seen = 0
        self.hits = 0
        self._codes = rule.codes
        self._owner = owner

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def __repr__(self) -> str:
        return f"<Fault {self.rule}, {self.hits} of {self.seen} hit>"

    @property
    def is_spent(self) -> bool:
        """True when it has hit as many requests as it was to."""
        return self.rule.times is not None and self.hits >= self.rule.times

    def remove(self) -> None:
        """End it; doing so twice is fine."""
        self._owner.remove(self)

    def takes(self, request: RemotingCommand, chance: random.Random) -> bool:
        """Count a request, and say whether it is hit."""
        rule = self.rule
        if self._codes is not None and request.code not in self._codes:
            return False
        if rule.topic is not None and rule.topic != topic_of(request):
            return False
        self.seen += 1
        if self.seen <= rule.skip or (rule.probability < 1 and chance.random() >= rule.probability):
            return False
        self.hits += 1
        return True


def topic_of(request: RemotingCommand) -> str | None:
    """The topic that the header of a request names, by its long or its short name."""
    fields = request.ext_fields or {}
    return fields.get("topic", fields.get("b"))


@dataclass
class _Held:
    """An answer that waits for later ones of its connection to overtake it."""

    answer: RemotingCommand
    overtakers: int
    timer: asyncio.TimerHandle | None = field(default=None)


class Faults:
    """The rules of one server.

    Args:
        seed: makes the choices of rules with a probability the same in each run.

    Attributes:
        timer: calls a callback after seconds; the server sets its own, so that delays follow its clock.
    """

    def __init__(self, seed: int | None = None) -> None:
        self.timer: Timer = lambda delay, then: asyncio.get_running_loop().call_later(delay, then)
        self._chance = random.Random(seed)  # noqa: S311 - chance for tests, no secret
        self._faults: list[Fault] = []
        self._active: tuple[Fault, ...] = ()
        self._dispatchers: list[Dispatcher] = []
        self._detach: list[Callable[[], None]] = []
        self._held: dict[Connection, _Held] = {}

    def __repr__(self) -> str:
        return f"<Faults {self._faults}>"

    @property
    def rules(self) -> list[Fault]:
        """All rules that were added and not removed, spent ones too, with their counters."""
        return list(self._faults)

    @property
    def is_active(self) -> bool:
        """True while there is a rule that is not spent."""
        return bool(self._active)

    @property
    def hits(self) -> int:
        """How many requests the rules have hit so far."""
        return sum(fault.hits for fault in self._faults)

    def seed(self, seed: int) -> None:
        """Begin the choices of rules with a probability anew."""
        self._chance.seed(seed)

    def attach(self, dispatcher: Dispatcher) -> None:
        """Hit the requests of a dispatcher, too."""
        self._dispatchers.append(dispatcher)
        if self._active:
            self._detach.append(dispatcher.intercept(self.intercept))

    def detach_all(self) -> None:
        """Let the requests of all dispatchers pass, and forget answers that wait to be overtaken."""
        for detach in self._detach:
            detach()
        self._detach.clear()
        self._dispatchers.clear()
        for connection in list(self._held):
            self._release(connection)

    def add(self, rule: FaultRule | str) -> Fault:
        """Put a rule to work, behind those that are there: the first that takes a request hits it.

        Raises:
            ConfigurationError: the text is no rule.
        """
        fault = Fault(FaultRule.parse(rule) if isinstance(rule, str) else rule, self)
        self._faults.append(fault)
        self._refresh()
        return fault

    def fail(
        self,
        request: str | int,
        code: str | int = ResponseCode.SYSTEM_ERROR.value,
        remark: str | None = None,
        *,
        times: int | None = None,
        topic: str | None = None,
        probability: float = 1.0,
    ) -> Fault:
        """Have requests answered with an error.

        Raises:
            ConfigurationError: there is no such request or code, or a number is out of its range.
        """
        return self.add(
            FaultRule(
                request,
                "error",
                code=code,
                remark=remark,
                times=times,
                topic=topic,
                probability=probability,
            )
        )

    def remove(self, fault: Fault) -> None:
        """End a rule; doing so twice is fine."""
        if fault in self._faults:
            self._faults.remove(fault)
            self._refresh()

    def clear(self) -> None:
        """End all rules."""
        self._faults.clear()
        self._refresh()

    def _refresh(self) -> None:
        before = bool(self._active)
        self._active = tuple([fault for fault in self._faults if not fault.is_spent])
        if self._active and not before:
            self._detach = [dispatcher.intercept(self.intercept) for dispatcher in self._dispatchers]
        elif before and not self._active:
            for detach in self._detach:
                detach()
            self._detach.clear()

    def take(self, request: RemotingCommand) -> FaultRule | None:
        """The rule that hits a request, which is counted; None if it passes."""
        for fault in self._active:
            if fault.takes(request, self._chance):
                if fault.is_spent:
                    self._refresh()
                return fault.rule
        return None

    # ---- carrying out ----

    def intercept(self, call: Call, following: Handler) -> Answer:
        """Carry a request out by ``proceed``, or what a rule wants in its place.

        None stands for no answer, as with handlers.
        """
        rule = self.take(call.request)
        if rule is not None and rule.effect != "reorder" and not rule.after:
            if rule.effect == "delay":
                return self._later(rule, call, following)
            return self._instead(rule, call)
        # Without awaiting anything, so that requests are carried out in the order in which they came.
        answer = following(call)
        if answer is not None and not isinstance(answer, RemotingCommand):
            return self._awaited(rule, call, answer)
        if rule is not None and rule.effect == "delay":
            return self._kept(rule, call, answer)
        return self._finish(rule, call, answer)

    async def _later(self, rule: FaultRule, call: Call, following: Handler) -> RemotingCommand | None:
        await self._delay(rule)
        answer = following(call)
        if answer is not None and not isinstance(answer, RemotingCommand):
            answer = await answer
        return self._pass(call, answer)

    async def _awaited(
        self, rule: FaultRule | None, call: Call, answer: Awaitable[RemotingCommand | None]
    ) -> RemotingCommand | None:
        answered = await answer
        if rule is not None and rule.effect == "delay":
            return await self._kept(rule, call, answered)
        return self._finish(rule, call, answered)

    async def _kept(
        self, rule: FaultRule, call: Call, answer: RemotingCommand | None
    ) -> RemotingCommand | None:
        await self._delay(rule)
        return self._pass(call, answer)

    def _finish(
        self, rule: FaultRule | None, call: Call, answer: RemotingCommand | None
    ) -> RemotingCommand | None:
        """What becomes of the answer of a request that was carried out."""
        if rule is None:
            return self._pass(call, answer)
        if rule.effect == "reorder":
            return self._hold(rule, call, answer)
        return self._instead(rule, call)

    def _instead(self, rule: FaultRule, call: Call) -> RemotingCommand | None:
        """What the client gets in place of the answer."""
        connection = call.connection
        if rule.effect == "error":
            return self._pass(
                call,
                make_answer(rule.response_code, self._remark(rule)),
            )
        if rule.effect == "garbage" and connection.transport is not None:
            connection.flush()
            connection.transport.write(GARBAGE)
        elif rule.effect == "close":
            connection.abort()
        return None

    @staticmethod
    def _remark(rule: FaultRule) -> str:
        return f"[FAULT] {rule}" if rule.remark is None else rule.remark

    async def _delay(self, rule: FaultRule) -> None:
        over = asyncio.Event()
        low, high = rule.seconds
        self.timer(self._chance.uniform(low, high), over.set)
        await over.wait()

    def _hold(self, rule: FaultRule, call: Call, answer: RemotingCommand | None) -> RemotingCommand | None:
        connection = call.connection
        if answer is None or call.request.is_oneway or connection in self._held:
            return self._pass(call, answer)  # one is enough: this answer overtakes that one
        answer.opaque = call.request.opaque
        held = _Held(answer, rule.overtakers)
        held.timer = asyncio.get_running_loop().call_later(HELD_SECONDS, self._release, connection)
        self._held[connection] = held
        return None

    def _pass(self, call: Call, answer: RemotingCommand | None) -> RemotingCommand | None:
        """Let an answer overtake one that waits for it."""
        connection = call.connection
        held = self._held.get(connection)
        if held is None or answer is None or call.request.is_oneway:
            return answer
        held.overtakers -= 1
        if held.overtakers:
            return answer
        if connection.is_open:
            # Written here, because the order of the two is the fault.
            answer.opaque = call.request.opaque
            connection.reply(answer)
        self._release(connection)
        return None

    def _release(self, connection: Connection) -> None:
        held = self._held.pop(connection, None)
        if held is None:
            return
        if held.timer is not None:
            held.timer.cancel()
        if connection.is_open:
            connection.reply(held.answer)
