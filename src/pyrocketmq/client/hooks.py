"""Hooks around sends: what may look at every send of a client, and add properties before it is written.

Knows messages and results; nothing of routes, retries or connections. A hook that raises is logged and
counted and changes nothing of the send.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import StrEnum
from time import monotonic, time_ns
from typing import TYPE_CHECKING, Final

from pyrocketmq.logging.repeats import RepeatedFaults

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pyrocketmq._native.answer import SendResult
    from pyrocketmq._native.message import Message
    from pyrocketmq._native.stored import MessageExt
    from pyrocketmq.client.stats import ClientStats

__all__ = ["TIMER_PROPERTIES", "EndContext", "SendContext", "SendHook", "SendHooks", "SendKind"]

logger = logging.getLogger(__name__)

_repeats: Final = RepeatedFaults(logger)


TIMER_PROPERTIES: Final = ("TIMER_DELAY_SEC", "TIMER_DELAY_MS", "TIMER_DELIVER_MS")
"""The properties that delay a message until some time."""


class SendKind(StrEnum):
    """Which call a send comes from."""

    SEND = "send"
    ONEWAY = "oneway"
    BATCH = "batch"
    SUBMIT = "submit"
    HALF = "half"
    REQUEST = "request"


class SendContext:
    """One send as its hooks see it: all tries of one message, or of one batch, together.

    Args:
        group: the producer group.
        messages: what is sent, at least one; several are sent as one batch.
        kind: which call it comes from.
        client_id: id of the client.
        namespace: the client's namespace.
    """

    __slots__ = (
        "address",
        "begun",
        "begun_ms",
        "broker_name",
        "client_id",
        "error",
        "group",
        "kind",
        "messages",
        "namespace",
        "result",
        "results",
        "seconds",
        "values",
    )

    def __init__(
        self,
        group: str,
        messages: Sequence[Message],
        kind: SendKind = SendKind.SEND,
        *,
        client_id: str = "",
        namespace: str = "",
    ) -> None:
        self.group = group
        self.messages = messages
        self.kind = kind
        self.client_id = client_id
        self.namespace = namespace
        self.begun = monotonic()
        self.begun_ms = time_ns() // 1_000_000
        self.address: str | None = None
        """The broker of the last try as ``host:port``, once it is known."""
        self.broker_name: str | None = None
        """Its name, once it is known."""
        self.result: SendResult | None = None
        """What came of it; None before, for a one-way send, and when it failed."""
        self.results: Sequence[SendResult] = ()
        """What came of each message, where that is known; otherwise ``result`` is about all of them."""
        self.error: BaseException | None = None
        """Why it failed."""
        self.seconds = 0.0
        """How long it took in all; set after the send."""
        self.values: dict[object, object] = {}
        """A place for what hooks keep from before to after; each uses a key of its own, such as itself."""

    @property
    def message(self) -> Message:
        """The message, or the first one of a batch."""
        return self.messages[0]

    @property
    def topic(self) -> str:
        """Where it goes."""
        return self.messages[0].topic

    @property
    def is_batch(self) -> bool:
        """True when several messages are sent at once."""
        return len(self.messages) > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class EndContext:
    """The end of a transaction as hooks see it."""

    group: str
    """The producer group."""
    message: Message | MessageExt
    """The half message; as the broker has stored it where this answers a check."""
    transaction_id: str
    state: str
    """COMMIT_MESSAGE, ROLLBACK_MESSAGE or UNKNOW."""
    from_check: bool
    """True when this answers a check of the broker."""
    address: str
    """The broker as ``host:port``."""
    confirmed: bool
    """Whether the broker has answered that it is done; never for UNKNOW, which nobody answers."""


class SendHook:
    """Called around every send of a client; derive from it and override what is needed.

    ``before_send`` runs in the thread and context that called the send, ``after_send`` where its answer is
    seen, for a blocking client on the engine thread at times. Neither may block. One that raises is logged
    and counted, and the send goes on.
    """

    def before_send(self, context: SendContext) -> None:
        """Look at the messages, or add properties to them, before they are written."""

    def after_send(self, context: SendContext) -> None:
        """Look at what came of it: ``context.result`` or ``context.error``; a one-way send has neither."""

    def after_end_transaction(self, context: EndContext) -> None:
        """Look at a transaction whose end was told to the broker."""


class SendHooks:
    """The hooks of one client, called in their order.

    Senders ask ``active`` first, which is all that a client without hooks pays, then::

        context = hooks.begin(SendContext(group, [message]))
        ...                                     # the send, with all its tries
        hooks.end(context, result)              # or hooks.end(context, error=error)

    Args:
        hooks: the first ones.
        stats: where failures of hooks are counted.
    """

    def __init__(self, hooks: Iterable[SendHook] = (), stats: ClientStats | None = None) -> None:
        self._hooks = tuple(hooks)
        self._stats = stats
        self.active = bool(self._hooks)
        """Whether there is any hook."""

    def add(self, hook: SendHook) -> None:
        """Call a hook from the next send on."""
        self._hooks = (*self._hooks, hook)
        self.active = True

    def remove(self, hook: SendHook) -> None:
        """Call a hook no more; one that is not there is fine."""
        self._hooks = tuple(other for other in self._hooks if other is not hook)
        self.active = bool(self._hooks)

    def begin(self, context: SendContext) -> SendContext:
        """Call all hooks before a send; gives the context back, for ``end``."""
        for hook in self._hooks:
            try:
                hook.before_send(context)
            except Exception as error:  # noqa: BLE001 - a hook is the user's code, and sends go on without it
                self._failed(hook, "before a send", error)
        return context

    def end(
        self,
        context: SendContext,
        result: SendResult | None = None,
        *,
        results: Sequence[SendResult] = (),
        error: BaseException | None = None,
    ) -> None:
        """Call all hooks after a send; of a batch there may be a result for each of its messages."""
        context.result = result
        context.results = results
        context.error = error
        context.seconds = monotonic() - context.begun
        if result is not None:
            context.broker_name = getattr(result.message_queue, "broker_name", None)
        elif context.address is None:
            context.address = getattr(error, "address", None)
        for hook in self._hooks:
            try:
                hook.after_send(context)
            except Exception as failure:  # noqa: BLE001 - as in begin
                self._failed(hook, "after a send", failure)

    def ended(self, context: EndContext) -> None:
        """Call all hooks after the end of a transaction."""
        for hook in self._hooks:
            try:
                hook.after_end_transaction(context)
            except Exception as failure:  # noqa: BLE001 - as in begin
                self._failed(hook, "after the end of a transaction", failure)

    def _failed(self, hook: SendHook, when: str, error: Exception) -> None:
        if self._stats is not None:
            self._stats.hook_failures += 1
        _repeats.log(
            (type(hook), when),
            logging.ERROR,
            "the hook %s failed %s: %s: %s",
            type(hook).__name__,
            when,
            type(error).__name__,
            error,
        )
