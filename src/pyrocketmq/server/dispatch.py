"""From a request to its handler, and from what that gives or raises to an answer."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeAlias

from pyrocketmq._native.command import RemotingCommand
from pyrocketmq.model.enums import ResponseCode
from pyrocketmq.server.call import Call, Refused, make_answer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from pyrocketmq._native.connection import Connection
    from pyrocketmq.server.call import Answer, Handler

    Interceptor: TypeAlias = Callable[[Call, Handler], Answer]

__all__ = ["Dispatcher"]

logger = logging.getLogger(__name__)


class Dispatcher:
    """The handler of all connections of one server: called with a connection and a request.

    Args:
        general_only: gets a word while there are interceptors; see the package's docstring.
    """

    def __init__(self, general_only: set[str] | None = None) -> None:
        self._handlers: dict[int, Handler] = {}
        self._interceptors: list[Interceptor] = []
        self._general_only: set[str] = set() if general_only is None else general_only
        self._first: Handler = self._handle

    def add(self, handlers: Mapping[int, Handler]) -> None:
        """Serve more request codes; none may be served twice."""
        for code, handler in handlers.items():
            if code in self._handlers:
                raise ValueError(f"request code {code} has a handler already")
            self._handlers[code] = handler

    def intercept(self, interceptor: Interceptor, *, outermost: bool = False) -> Callable[[], None]:
        """Put a function around all handlers; the result takes it away again.

        It is called with the call and with what comes next, and gives an answer as a handler does: it may
        look at what ``next(call)`` gives, put it off, change it, or not call it at all. The first one added
        is the outermost, unless a later one wants to be that.
        """
        self._interceptors.insert(0 if outermost else len(self._interceptors), interceptor)
        self._chain()

        def remove() -> None:
            if interceptor in self._interceptors:
                self._interceptors.remove(interceptor)
                self._chain()

        return remove

    def _chain(self) -> None:
        first: Handler = self._handle
        for interceptor in reversed(self._interceptors):
            first = _around(interceptor, first)
        self._first = first
        if self._interceptors:
            self._general_only.add("interceptors")
        else:
            self._general_only.discard("interceptors")

    def __call__(self, connection: Connection, request: RemotingCommand) -> Answer:
        """Serve one request of a connection."""
        call = Call(connection, request)
        try:
            answer = self._first(call)
        except Exception as error:  # noqa: BLE001 - whatever a handler does, its peer gets an answer
            return self._answer_to_error(call, error)
        if answer is None or isinstance(answer, RemotingCommand):
            return answer
        return self._finish(call, answer)

    async def _finish(self, call: Call, answer: Awaitable[RemotingCommand | None]) -> RemotingCommand | None:
        try:
            return await answer
        except Exception as error:  # noqa: BLE001 - as above
            return self._answer_to_error(call, error)

    def _handle(self, call: Call) -> Answer:
        handler = self._handlers.get(call.code)
        if handler is None:
            raise Refused(ResponseCode.REQUEST_CODE_NOT_SUPPORTED, f" request type {call.code} not supported")
        return handler(call)

    def _answer_to_error(self, call: Call, error: Exception) -> RemotingCommand:
        if isinstance(error, Refused):
            return error.answer()
        logger.error("request code %d of %s failed", call.code, call.peer, exc_info=error)
        return make_answer(ResponseCode.SYSTEM_ERROR, f"{type(error).__name__}: {error}")


def _around(interceptor: Interceptor, following: Handler) -> Handler:
    return lambda call: interceptor(call, following)
