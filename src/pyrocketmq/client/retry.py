"""RetryPlan: what a send does after a failed try: where the next one goes, when, and how long it may take.

One plan is one send with one deadline. It does no I/O and reads no clock; both colours of the client ask it.
"""

from __future__ import annotations

import random as _random
from enum import Enum, auto
from typing import TYPE_CHECKING, Final, NamedTuple

from pyrocketmq.errors import (
    AclError,
    BackPressureError,
    BrokerBusyError,
    BrokerError,
    ConnectionError,  # noqa: A004
    DeserializationError,
    NoNameServerError,
    NoPermissionError,
    ProtocolError,
    RocketMQError,
    RpcTimeoutError,
    SendError,
    SendParts,
    SendTimeoutError,
    SendTry,
    TopicNotFoundError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyrocketmq._native.message import Message

__all__ = ["Retry", "RetryPlan", "Verdict", "judge"]

LEAST_SHARE: Final = 0.2
"""Seconds a try gets at least, as long as the deadline leaves so much."""
_LEAST_LEFT: Final = 0.002  # less than this is no time for another try
_FIRST_WAIT: Final = 0.02
_LONGEST_WAIT: Final = 0.4


class Verdict(Enum):
    """What a failed try says about the next one."""

    FREE = auto()
    """Nothing is stored for sure, and it may work in a moment: tried until the deadline."""
    COUNTED = auto()
    """It may work elsewhere, or may have been stored: tried as often as the settings say."""
    ELSEWHERE = auto()
    """This broker will not take it: only tried on brokers that have not said so."""
    FINAL = auto()
    """Another try would fail in the same way."""


def judge(error: RocketMQError) -> Verdict:  # noqa: PLR0911 - one line for each kind, with its reason
    """The one place that decides whether a send is tried again after an error."""
    if isinstance(error, AclError):
        return Verdict.FINAL  # every broker of a cluster has the same rules
    if isinstance(error, NoPermissionError | TopicNotFoundError):
        return Verdict.ELSEWHERE
    if isinstance(error, BrokerBusyError):
        return Verdict.FREE  # refused before it was stored; [TIMEOUT_CLEAN_QUEUE] is one of these
    if isinstance(error, BrokerError | NoNameServerError):
        return Verdict.COUNTED if error.retryable else Verdict.FINAL
    if isinstance(error, RpcTimeoutError):
        return Verdict.COUNTED
    if isinstance(error, ConnectionError):
        if not error.retryable:
            return Verdict.FINAL
        return Verdict.COUNTED if error.maybe_sent else Verdict.FREE
    if isinstance(error, BackPressureError):
        return Verdict.FREE
    if isinstance(error, DeserializationError | ProtocolError):
        # An answer that cannot be read: the message left, and another broker may be in better order.
        return Verdict.COUNTED if error.maybe_sent else Verdict.FINAL
    return Verdict.FINAL


class Retry(NamedTuple):
    """The next step: wait ``after`` seconds, ask for routes anew if ``refresh``, then try again."""

    after: float
    refresh: bool


class RetryPlan:
    """The tries of one send.

    Args:
        begun: when the send was called, on the clock of all other times given here.
        timeout: seconds for all tries together.
        retries: tries after the first, of those that count; see ``Verdict``.
        stays: the send has to stay on its queue, as ordered ones do.
        random: numbers from 0 to 1, for jitter.
    """

    def __init__(
        self,
        begun: float,
        timeout: float,
        retries: int = 2,
        *,
        stays: bool = False,
        random: Callable[[], float] = _random.random,
    ) -> None:
        self.begun = begun
        self.timeout = timeout
        self.deadline = begun + timeout
        self.tries: list[SendTry] = []
        self.queued = 0.0
        """Seconds spent waiting for room to send, before any try."""
        self.connecting = 0.0
        """Seconds spent finding routes and making connections."""
        self._retries = retries
        self._stays = stays
        self._random = random
        self._counted = 0
        self._free = 0
        self._refused: set[str] = set()

    @property
    def maybe_sent(self) -> bool:
        """True when one of the tries may have been stored."""
        return any(one.maybe_sent for one in self.tries)

    @property
    def last_broker(self) -> str | None:
        """The broker of the last try, which the next one leaves alone if there is another."""
        return self.tries[-1].broker if self.tries else None

    def left(self, now: float) -> float:
        """Seconds until the deadline."""
        return self.deadline - now

    def share(self, now: float, *, brokers: int = 2) -> float:
        """Seconds that a try beginning now may take: a fair part of what is left.

        All of it where nothing else could be tried: the next try would wait behind this one, on the same
        connection, and store one more copy.
        """
        left = self.deadline - now
        if self._stays or brokers == 1:
            return max(_LEAST_LEFT, left)
        planned = max(1, self._retries + 1 - self._counted)
        return max(_LEAST_LEFT, min(left, max(LEAST_SHARE, left / planned)))

    def is_refused(self, broker: str) -> bool:
        """True for a broker that has said it will not take this message."""
        return broker in self._refused

    def failed(self, tried: SendTry, now: float, *, brokers: int) -> Retry | None:
        """Take note of a failed try; gives the next step, or None when ``error`` is what is left to say.

        Args:
            tried: the try; its error is set.
            now: the time.
            brokers: how many brokers the topic has.
        """
        self.tries.append(tried)
        verdict = judge(tried.error)
        elsewhere = brokers > 1 and not self._stays
        left = self.deadline - now
        if verdict is Verdict.FINAL or left <= _LEAST_LEFT:
            return None
        if verdict is Verdict.ELSEWHERE:
            self._refused.add(tried.broker)
            if self._stays or len(self._refused) >= brokers:
                return None
        if verdict is Verdict.FREE:
            self._free += 1
        else:
            self._counted += 1
            if self._counted > self._retries:
                return None
        after = 0.0
        rounds = self._free if verdict is Verdict.FREE else self._counted
        # The first time another broker is asked at once; after that, whatever is wrong needs a moment.
        if not tried.maybe_sent and (rounds > 1 or not elsewhere):
            longest = min(_FIRST_WAIT * 2.0 ** min(rounds, 8), _LONGEST_WAIT)
            after = min(longest * (0.5 + self._random() / 2), left / 2)
        return Retry(after, isinstance(tried.error, TopicNotFoundError | NoPermissionError | ConnectionError))

    def error(self, message: Message, now: float, last: RocketMQError | None = None) -> RocketMQError:
        """What to raise: the last error, or one that lists all tries.

        Args:
            message: what was to be sent.
            now: the time.
            last: an error without a try, such as a missing route.
        """
        final = last or self.tries[-1].error
        if len(self.tries) + (last is not None) == 1 and judge(final) is Verdict.FINAL:
            return final
        if last is None and judge(final) is Verdict.ELSEWHERE and not self.maybe_sent:
            return final
        over = self.deadline - now <= _LEAST_LEFT
        kind = SendTimeoutError if over else SendError
        spent = sum(one.seconds for one in self.tries)
        error = kind(
            topic=message.topic,
            tries=tuple(self.tries),
            planned=self._retries + 1,
            elapsed=now - self.begun,
            timeout=self.timeout,
            msg_id=message.unique_id,
            keys=message.keys,
            parts=SendParts(queued=self.queued, network=self.connecting, broker=spent),
            last=last,
        )
        error.__cause__ = final
        return error
