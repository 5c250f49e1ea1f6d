"""Errors of a whole send, with the tries and the time behind it. They do not decide what is tried again."""

from __future__ import annotations

from typing import Any, NamedTuple

from .base import RocketMQError
from .servers import ServerError
from .transport import BackPressureError, ConnectionError, RpcTimeoutError  # noqa: A004


class SendTry(NamedTuple):
    """One try of a send that failed."""

    broker: str
    """Name of the broker."""
    address: str
    """Its address, as ``host:port``."""
    queue_id: int
    seconds: float
    """How long the try took."""
    error: RocketMQError
    """Why it failed."""

    @property
    def maybe_sent(self) -> bool:
        """True when the broker may have stored the message all the same."""
        return self.error.maybe_sent

    @property
    def outcome(self) -> str:
        """How it ended, in a few words."""
        error = self.error
        if isinstance(error, RpcTimeoutError):
            return f"did not answer within {self.seconds:.1f} s"
        if isinstance(error, ServerError):
            return f"answered {error.code_name}"
        if isinstance(error, BackPressureError):
            return f"took no more data for {self.seconds:.1f} s"
        if isinstance(error, ConnectionError):
            return "lost the connection" if error.maybe_sent else "could not be reached"
        return f"failed ({type(error).__name__})"


class SendParts(NamedTuple):
    """Where the time of a send went, in seconds."""

    queued: float = 0.0
    """Waiting in this client for room, or for an ordered send in front."""
    network: float = 0.0
    """Finding routes and making connections."""
    broker: float = 0.0
    """From a request's leaving to its answer, or to the end of its wait."""


class SendError(RocketMQError):
    """A message was not sent, or no broker confirmed it: every try that made sense failed.

    Args:
        topic: the topic of the message.
        tries: the tries, in their order.
        planned: how many tries were planned.
        elapsed: seconds that the send took.
        timeout: seconds that it might take.
        msg_id: the client's id of the message, by which a stored copy is found.
        keys: the keys of the message.
        parts: where the time went.
        last: what failed besides the tries, for example a missing route.
    """

    code = "S300"

    def __init__(
        self,
        what: str = "",
        *,
        topic: str = "",
        tries: tuple[SendTry, ...] = (),
        planned: int = 1,
        elapsed: float = 0.0,
        timeout: float = 0.0,
        msg_id: str | None = None,
        keys: str | None = None,
        parts: SendParts | None = None,
        last: RocketMQError | None = None,
        field: str | None = None,
        likely: str | None = None,
        advice: str | None = None,
    ) -> None:
        self.topic = topic
        self.tries = tries
        self.planned = planned
        self.elapsed = elapsed
        self.timeout = timeout
        self.msg_id = msg_id
        self.keys = keys
        self.parts = parts or SendParts()
        self.last = last
        self.maybe_sent = any(one.maybe_sent for one in tries)
        final = last or (tries[-1].error if tries else None)
        self.retryable = self.maybe_sent or (final is not None and final.retryable)
        super().__init__(
            what or self._describe(), field=field, likely=likely, advice=advice or self._advise()
        )

    @property
    def broker(self) -> str | None:
        """Name of the broker that was tried last."""
        return self.tries[-1].broker if self.tries else None

    @property
    def address(self) -> str | None:
        """Its address."""
        return self.tries[-1].address if self.tries else None

    @property
    def attempts(self) -> int:
        """How many tries there were."""
        return len(self.tries)

    def _describe(self) -> str:
        said = [
            f"{one.broker} ({one.address}) {one.outcome}" + (f", {count} times" if count > 1 else "")
            for one, count in _in_rows(self.tries)
        ]
        if self.last is not None:
            said.append(self.last.what)
        parts = self.parts
        text = f'topic "{self.topic}" after {self.elapsed:.1f} s of {self.timeout:g} s: '
        text += "; then ".join(said) or "no broker was tried"
        text += f". {self.attempts} tries (queued {parts.queued:.1f} s, network {parts.network:.1f} s, "
        text += f"broker {parts.broker:.1f} s)."
        if self.maybe_sent:
            number = next(at for at, one in enumerate(self.tries, 1) if one.maybe_sent)
            text += f"\n  Try {number} may have been stored: msg_id {self.msg_id}"
            text += f"; keys {self.keys}" if self.keys else ""
        else:
            text += "\n  Nothing was stored"
        return f"{text}. retryable={self.retryable} maybe_sent={self.maybe_sent}"

    def _advise(self) -> str | None:
        final = self.last or (self.tries[-1].error if self.tries else None)
        if self.maybe_sent:
            return "send it again if consumers can drop copies (same msg_id), or look for the msg_id"
        return final.advice if final is not None else None


def _in_rows(tries: tuple[SendTry, ...]) -> list[tuple[SendTry, int]]:
    """Tries that ended alike one after the other, as one with their number."""
    rows: list[tuple[SendTry, int]] = []
    for one in tries:
        if rows:
            last, count = rows[-1]
            if (last.broker, last.address, type(last.error)) == (one.broker, one.address, type(one.error)):
                rows[-1] = (one, count + 1)
                continue
        rows.append((one, 1))
    return rows


class SendTimeoutError(SendError, TimeoutError):
    """A message was not sent within its time-out; ``tries`` has what happened meanwhile."""

    code = "S301"


class BatchSendError(RocketMQError):
    """A part of a batch was not sent, or no broker confirmed it; the rest is stored.

    Args:
        topic: the topic of the messages.
        results: for each message, in their order, its SendResult or why it has none.
    """

    code = "S302"

    def __init__(
        self,
        what: str = "",
        *,
        topic: str = "",
        results: tuple[Any, ...] = (),
        field: str | None = None,
        likely: str | None = None,
        advice: str | None = None,
    ) -> None:
        self.topic = topic
        self.results = results
        errors = self.errors
        self.maybe_sent = any(error.maybe_sent for error in errors.values())
        self.retryable = bool(errors) and all(error.retryable for error in errors.values())
        first = next(iter(errors.values()), None)
        if not what:
            what = f'topic "{topic}": {len(errors):,} of {len(results):,} messages were not sent'
            if first is not None:
                what += f", the first because: {first.what}"
        advice = advice or "look at results, and send again those that have an error there"
        super().__init__(what, field=field, likely=likely, advice=advice)

    @property
    def errors(self) -> dict[int, RocketMQError]:
        """The errors, by the place of their message."""
        return {at: one for at, one in enumerate(self.results) if isinstance(one, RocketMQError)}


class Undelivered(NamedTuple):
    """A submitted message that was not delivered."""

    message: Any
    """The Message, with its unique id; made again from what was to be sent."""
    error: RocketMQError
    """Why it was not delivered; ``error.maybe_sent`` says whether it may be stored all the same."""


class UndeliveredError(RocketMQError):
    """Submitted messages without a callback were not delivered.

    Args:
        count: how many.
        failures: the first of them, at most a thousand.
    """

    code = "S303"

    def __init__(
        self,
        what: str = "",
        *,
        count: int = 0,
        failures: tuple[Undelivered, ...] = (),
        field: str | None = None,
        likely: str | None = None,
        advice: str | None = None,
    ) -> None:
        self.count = count
        self.failures = failures
        self.maybe_sent = any(failure.error.maybe_sent for failure in failures)
        self.retryable = bool(failures) and all(failure.error.retryable for failure in failures)
        if not what:
            what = f"{count:,} submitted messages were not delivered"
            if failures:
                what += f", the first because: {failures[0].error.what}"
        advice = advice or "submit the messages in failures again, or give submit an on_delivery callback"
        super().__init__(what, field=field, likely=likely, advice=advice)

    def joined(self, other: UndeliveredError) -> UndeliveredError:
        """One error for both."""
        return UndeliveredError(count=self.count + other.count, failures=self.failures + other.failures)


class ReplyTimeoutError(RocketMQError, TimeoutError):
    """No reply came to a request in time; the request itself is stored, and may be answered later."""

    code = "S310"
    retryable = True
    maybe_sent = True


class HalfMessageError(RocketMQError):
    """A transaction did not begin: the broker could not confirm a flush or copy of its half message.

    Nothing was done locally, and the half message is rolled back.
    """

    code = "S320"
    retryable = True
