"""Faults of a server that runs on another thread: the same calls, carried out over there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pyrocketmq.server import EmbeddedServer, Fault, FaultRule
    from pyrocketmq.testing.server_thread import ServerThread

__all__ = ["LocalFault", "LocalFaults"]


class LocalFault:
    """A rule at work; a context manager that ends it."""

    def __init__(self, fault: Fault, thread: ServerThread) -> None:
        self._fault = fault
        self._thread = thread

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def __repr__(self) -> str:
        return repr(self._fault)

    @property
    def rule(self) -> FaultRule:
        """What it does."""
        return self._fault.rule

    @property
    def seen(self) -> int:
        """How many requests it matched."""
        return self._fault.seen

    @property
    def hits(self) -> int:
        """How many of these it hit."""
        return self._fault.hits

    @property
    def is_spent(self) -> bool:
        """True when it has hit as many requests as it was to."""
        return self._fault.is_spent

    def remove(self) -> None:
        """End it; doing so twice is fine."""
        if self._thread.is_running:
            self._thread.call(self._fault.remove)


class LocalFaults:
    """What goes wrong on purpose: rules for requests of clients."""

    def __init__(self, server: EmbeddedServer, thread: ServerThread) -> None:
        self._faults = server.faults
        self._thread = thread

    @property
    def rules(self) -> list[LocalFault]:
        """All rules that were added and not removed, spent ones too."""
        return [LocalFault(fault, self._thread) for fault in self._faults.rules]

    @property
    def hits(self) -> int:
        """How many requests the rules have hit so far."""
        return self._faults.hits

    def add(self, rule: FaultRule | str) -> LocalFault:
        """Put a rule to work, such as ``"send:delay=200ms:p=0.1"``.

        Raises:
            ConfigurationError: the text is no rule.
        """
        return LocalFault(self._thread.call(lambda: self._faults.add(rule)), self._thread)

    def fail(
        self,
        request: str | int,
        code: str | int = 1,
        remark: str | None = None,
        *,
        times: int | None = None,
        topic: str | None = None,
        probability: float = 1.0,
    ) -> LocalFault:
        """Have requests answered with an error.

        Args:
            request: a family such as ``send``, a name such as ``PULL_MESSAGE``, a number, or ``*``.
            code: the response code, by name or number; 1 is SYSTEM_ERROR.
            remark: the text of the answer.
            times: how many requests are hit; None: all.
            topic: only requests that name this topic.
            probability: the part of the matching requests that is hit.

        Raises:
            ConfigurationError: there is no such request or code, or a number is out of its range.
        """
        fault = self._thread.call(
            lambda: self._faults.fail(
                request, code, remark, times=times, topic=topic, probability=probability
            )
        )
        return LocalFault(fault, self._thread)

    def seed(self, seed: int) -> None:
        """Make the choices of rules with a probability the same in each run."""
        self._thread.call(lambda: self._faults.seed(seed))

    def clear(self) -> None:
        """End all rules."""
        self._thread.call(self._faults.clear)
