"""Scripted answers and recorded requests: functions around the handlers of an embedded server.

They are there only while they are used, since a server with one serves nothing the quick way. Runs on the
server's loop, but for the methods that tests call.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyrocketmq.model import RemotingCommand
    from pyrocketmq.server import EmbeddedServer
    from pyrocketmq.server.call import Answer, Call, Handler
    from pyrocketmq.testing.server_thread import ServerThread

__all__ = ["Recording", "Script"]


class _Around(ABC):
    """A function around all handlers of a server; a context manager that takes it away."""

    outermost = False

    def __init__(self, server: EmbeddedServer, thread: ServerThread) -> None:
        self._thread = thread
        self._remove: list[Callable[[], None]] = []
        self._thread.call(lambda: self._attach(server))

    def _attach(self, server: EmbeddedServer) -> None:
        self._remove = [
            dispatcher.intercept(self.intercept, outermost=self.outermost)
            for dispatcher in server.dispatchers
        ]

    @abstractmethod
    def intercept(self, call: Call, following: Handler) -> Answer:
        """Called with each request."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End it; doing so twice is fine."""
        if self._thread.is_running:
            self._thread.call(self._detach)

    def _detach(self) -> None:
        for remove in self._remove:
            remove()
        self._remove.clear()


class Script(_Around):
    """Answers that were written beforehand, in place of what the server would do.

    Attributes:
        hits: how many requests got one.
    """

    def __init__(
        self,
        server: EmbeddedServer,
        thread: ServerThread,
        request: str | int,
        *,
        code: str | int = 0,
        remark: str | None = None,
        fields: Mapping[str, str] | None = None,
        body: bytes | str | None = None,
        times: int | None = None,
        topic: str | None = None,
    ) -> None:
        from pyrocketmq.server import FaultRule  # noqa: PLC0415 - imported with the server

        # A rule for errors has everything that says which requests are meant, and refuses what cannot be.
        self._rule = FaultRule(request, "error", topic=topic, times=times, code=code)
        self._codes = self._rule.codes
        self._remark = remark
        self._fields = None if fields is None else dict(fields)
        self._body = body.encode() if isinstance(body, str) else body
        self.hits = 0
        super().__init__(server, thread)

    def __repr__(self) -> str:
        return f"<Script for {self._rule.request}, {self.hits} answered>"

    def intercept(self, call: Call, following: Handler) -> Answer:
        """Answer as written, or let the server do it."""
        rule = self._rule
        if (
            (self._codes is not None and call.code not in self._codes)
            or (rule.topic is not None and call.fields.get("topic", call.fields.get("b")) != rule.topic)
            or (rule.times is not None and self.hits >= rule.times)
        ):
            return following(call)
        self.hits += 1
        if self.hits == rule.times:
            self._detach()
        return call.answer(rule.response_code, self._remark, self._fields, self._body)


class Recording(_Around):
    """The requests that came while it runs.

    Attributes:
        requests: copies of them, in the order in which they came; those that faults and scripts hit too.
    """

    outermost = True

    def __init__(self, server: EmbeddedServer, thread: ServerThread) -> None:
        self.requests: list[RemotingCommand] = []
        super().__init__(server, thread)

    def intercept(self, call: Call, following: Handler) -> Answer:
        """Keep a copy, and let the server do it."""
        self.requests.append(copy.copy(call.request))
        return following(call)

    def of(self, request: str | int) -> list[RemotingCommand]:
        """The requests of a family such as ``send``, of a name such as ``PULL_MESSAGE``, or of a number.

        Raises:
            ConfigurationError: there is no such request.
        """
        from pyrocketmq.server.fault_rules import codes_of  # noqa: PLC0415 - imported with the server

        codes = codes_of(request)
        return [each for each in list(self.requests) if codes is None or each.code in codes]
