from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Self, TypeAlias, overload

from typing_extensions import disjoint_base

from pyrocketmq._native.answer import SendResult
from pyrocketmq._native.message import Message
from pyrocketmq._native.parcel import Parcel
from pyrocketmq._native.sender import Sender
from pyrocketmq._native.table import SendTable
from pyrocketmq.errors import RocketMQError
from pyrocketmq.model.message_queue import MessageQueue

__all__ = ["AsyncSubmit", "BlockingSubmit", "ready_batch"]

_Body: TypeAlias = bytes | bytearray | memoryview | str
_OnDelivery: TypeAlias = Callable[[Message, SendResult | None, RocketMQError | None], object]
_Properties: TypeAlias = Mapping[str, str] | Iterable[tuple[str, str]]

@disjoint_base
class AsyncSubmit(Sender):
    """What gives an asynchronous producer its ``submit``; it says in ``_accumulate`` where messages go."""

    _accumulator: Any

    def _begin_batch(self, messages: list[Message], timeout: float) -> Parcel | None:
        """Write a batch that is one plain request to a queue at hand; None when it has to go another way."""

    @overload
    def submit(
        self,
        message: Message,
        body: None = None,
        tags: None = None,
        keys: None = None,
        *,
        properties: None = None,
        on_delivery: _OnDelivery | None = None,
        ordered: bool = False,
        queue: MessageQueue | None = None,
        block: bool = True,
    ) -> Awaitable[None]: ...
    @overload
    def submit(
        self,
        message: str,
        body: _Body,
        tags: str | None = None,
        keys: str | Iterable[str] | None = None,
        *,
        properties: _Properties | None = None,
        on_delivery: _OnDelivery | None = None,
        ordered: bool = False,
        queue: MessageQueue | None = None,
        block: bool = True,
    ) -> Awaitable[None]:
        """Take a message into the next batch: ``submit(message)`` or ``submit(topic, body, ...)``.

        The message is encoded before this returns, so it may be changed or used again. What it returns should
        be awaited: that is done at once, unless the buffer is full, then it waits until there is room.
        Messages keep no order, but for those with a sharding key and those that are ``ordered``.

        Args:
            message: a Message, or the topic of one.
            body: the content.
            tags: as of a Message.
            keys: as of a Message.
            properties: as of a Message.
            on_delivery: called on the event loop with the message, its SendResult or None, and the error or
                None. It must not block. Without it ``flush`` and ``shutdown`` raise UndeliveredError.
            ordered: keep the order of messages to one queue: only one request for it is under way at a time.
            queue: where it has to go.
            block: False raises BackPressureError when the buffer is full.

        Raises:
            InvalidMessageError: the message breaks a rule of brokers; it is not sent.
            MessageTooLargeError: it is over a size limit; it is not sent.
            BackPressureError: the buffer is full, and ``block`` is False or what earlier calls returned was
                not awaited; it is not sent.
            ClientClosedError: the producer was shut down; it is not sent.
        """

@disjoint_base
class BlockingSubmit:
    """What gives a blocking producer its ``submit``; it says in ``_accumulate`` where messages go."""

    _accumulator: Any

    def __new__(cls, *args: Any, **kwargs: Any) -> Self: ...
    @overload
    def submit(
        self,
        message: Message,
        body: None = None,
        tags: None = None,
        keys: None = None,
        *,
        properties: None = None,
        on_delivery: _OnDelivery | None = None,
        ordered: bool = False,
        queue: MessageQueue | None = None,
        block: bool = True,
        timeout: float | None = None,
    ) -> None: ...
    @overload
    def submit(
        self,
        message: str,
        body: _Body,
        tags: str | None = None,
        keys: str | Iterable[str] | None = None,
        *,
        properties: _Properties | None = None,
        on_delivery: _OnDelivery | None = None,
        ordered: bool = False,
        queue: MessageQueue | None = None,
        block: bool = True,
        timeout: float | None = None,
    ) -> None:
        """Take a message into the next batch: ``submit(message)`` or ``submit(topic, body, ...)``.

        As ``AsyncProducer.submit``, but that it blocks while the buffer is full, and may be called by any
        number of threads. ``on_delivery`` is called on the engine thread.

        Args:
            message: a Message, or the topic of one.
            body: the content.
            tags: as of a Message.
            keys: as of a Message.
            properties: as of a Message.
            on_delivery: called with the message, its SendResult or None, and the error or None.
            ordered: keep the order of messages to one queue: only one request for it is under way at a time.
            queue: where it has to go.
            block: False raises BackPressureError when the buffer is full.
            timeout: seconds to wait for room; ``send_timeout`` by default.

        Raises:
            BackPressureError: the buffer is full, and no room came in time; the message is not sent.
            InvalidMessageError: the message breaks a rule of brokers; it is not sent.
            MessageTooLargeError: it is over a size limit; it is not sent.
            ClientClosedError: the producer was shut down; it is not sent.
        """

def ready_batch(table: SendTable, messages: list[Message]) -> Parcel | None:
    """A batch that is one plain request, with the queue at hand for it in ``sent``.

    None when there is more to decide.

    Raises:
        InvalidMessageError: several topics, or a message that no batch may hold.
        MessageTooLargeError: a message is over the limit.
    """
