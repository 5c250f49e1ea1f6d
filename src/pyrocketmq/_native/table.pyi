import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Self, final

from pyrocketmq._native.answer import SendResult
from pyrocketmq._native.connection import Connection
from pyrocketmq._native.message import Message
from pyrocketmq._native.room import Room
from pyrocketmq._native.sendcall import SendCall
from pyrocketmq._native.sender import OnewayMark
from pyrocketmq._native.sending import SendEncoder
from pyrocketmq.errors import RocketMQError

__all__ = ["SendLink", "SendTable", "SendTarget", "SendTargets"]

@final
class SendLink:
    """One broker as sends see it.

    Args:
        name: the broker's name.
        address: its address, for whoever asks.
        encoder: writes the frames.
        max_in_flight: sends of this table that may wait for its answers; more take the general way.
    """

    address: str
    owner: Any
    """What it is made of, for those who use that in other ways."""
    rests_until: float
    """Until when others are preferred, on the monotonic clock; 0 when nothing is held against it."""
    max_in_flight: int

    def __new__(
        cls, name: str, address: str, encoder: SendEncoder, max_in_flight: int = 1073741824
    ) -> Self: ...
    @property
    def name(self) -> str: ...
    @property
    def encoder(self) -> SendEncoder: ...
    @property
    def connection(self) -> Connection | None:
        """The connection that sends are written to, or None."""
    @connection.setter
    def connection(self, value: Connection | None) -> None: ...
    @property
    def in_flight(self) -> int: ...
    @property
    def unconfirmed(self) -> int:
        """One-way sends that no marked one has confirmed yet."""
    oneway_limit: int
    """How many of them there may be, as far as the broker keeps up: see ``pace``."""
    def is_oneway_full(self, window: int) -> bool:
        """True while one-way sends have to wait for a confirmation that is on its way."""
    def pace(self, seconds: float, window: int) -> None:
        """Take note of how long a confirmation took.

        Brokers drop one-way messages that have waited for 0.2 s, so fewer are sent ahead before it takes that
        long.
        """
    def wait_for_mark(self, future: asyncio.Future[None]) -> None:
        """Have a future resolved when one-way sends are confirmed again."""

@final
class SendTarget:
    """One queue that sends may go to.

    Args:
        link: its broker.
        queue_id: its number there.
        queue: the queue.
        is_only: there is no other broker to try.
        topic: the topic as the broker knows it, where messages have another name for it.
        shown: the queue as results name it.
    """

    def __new__(
        cls,
        link: SendLink,
        queue_id: int,
        queue: object,
        is_only: bool = False,
        *,
        topic: str | None = None,
        shown: object = None,
    ) -> Self: ...
    @property
    def is_only(self) -> bool:
        """True when there is no other broker to try."""
    @property
    def link(self) -> SendLink: ...
    @property
    def queue_id(self) -> int: ...
    @property
    def queue(self) -> Any: ...
    @property
    def shown(self) -> Any:
        """The queue as the results of sends name it."""
    @property
    def topic(self) -> str | None:
        """The topic as the broker knows it; None where messages have it so."""

@final
class SendTargets:
    """The queues of one topic, taken in turn.

    Args:
        route: what they were made of, for those who look whether it still is the one.
        targets: the queues in their order.
        valid_until: on the monotonic clock; after that the general way looks at the route again.
        start: which one is first.
    """

    valid_until: float

    def __new__(
        cls, route: object, targets: Iterable[SendTarget], valid_until: float, start: int = 0
    ) -> Self: ...
    @property
    def route(self) -> object: ...
    @property
    def targets(self) -> tuple[SendTarget, ...]: ...

@final
class SendTable(Room):
    """What the sends of one group share: queues by topic, limits, counters, and who does what is not quick.

    Args:
        general: ``general(message, options, timeout, begun)`` is a coroutine that sends a message.
        general_oneway: ``general_oneway(message, options)``, likewise for a one-way send.
        renew: ``renew(topic)`` looks at the route of a topic, which may give it queues.
        warm_up: ``warm_up(topic)`` begins to get queues and connections for a topic that has none, and gives
            the time on the monotonic clock until which it calls ``warmed``; 0 when that makes no sense now.
        try_again: ``try_again(call, error)`` tells whether a send goes on at once on another broker, after a
            try that ended with an error.
        take_over: ``take_over(call, outcome)`` ends a call whose last try gave a refusal or an error; without
            an outcome it could not be written, or not in time.
        take_over_oneway: ``take_over_oneway(mark, outcome)``, likewise for a one-way send that was to be
            confirmed.
        refuse: ``refuse(timeout, count)`` gives the error for so many calls that waited for room in vain.
        on_latency: ``on_latency(link, seconds)`` hears of slow answers, and of any from a link with a rest.
    """

    is_plain: bool
    """Whether there is a quick way at all."""
    is_closed: bool
    """Whether new sends take the general way; those that wait go on."""
    takes_not_ok: bool
    """Whether a message that is stored and not confirmed ends its send."""
    timeout: float
    """Seconds of a send that names none."""
    retries: int
    """Tries after the first; each may take a fair part of the time that is left."""
    least_share: float
    """Seconds the first try may take at least."""
    slow_after: float
    """Answers that take longer are told to ``on_latency``."""
    compress_over: int
    """Larger bodies take the general way."""
    oneway_window: int
    """One-way sends to a broker that may be unconfirmed; 0 confirms none."""
    general: Callable[[Message, dict[str, Any] | None, float, float], Coroutine[Any, Any, SendResult]]
    general_oneway: Callable[[Message, dict[str, Any] | None], Coroutine[Any, Any, None]]
    renew: Callable[[str], object]
    warm_up: Callable[[str], float]
    try_again: Callable[[SendCall, RocketMQError], bool]
    take_over: Callable[[SendCall, SendResult | RocketMQError | None], object]
    take_over_oneway: Callable[[OnewayMark, SendResult | RocketMQError], object]
    on_latency: Callable[[SendLink, float], object]

    def __new__(
        cls,
        *,
        general: Callable[[Message, dict[str, Any] | None, float, float], Coroutine[Any, Any, SendResult]],
        general_oneway: Callable[[Message, dict[str, Any] | None], Coroutine[Any, Any, None]],
        renew: Callable[[str], object],
        warm_up: Callable[[str], float],
        try_again: Callable[[SendCall, RocketMQError], bool],
        take_over: Callable[[SendCall, SendResult | RocketMQError | None], object],
        take_over_oneway: Callable[[OnewayMark, SendResult | RocketMQError], object],
        refuse: Callable[[float, int], RocketMQError],
        on_latency: Callable[[SendLink, float], object],
    ) -> Self: ...
    @property
    def sent(self) -> int: ...
    @property
    def sent_bytes(self) -> int: ...
    @property
    def not_confirmed(self) -> int: ...
    @property
    def oneway(self) -> int: ...
    def put(self, topic: str, targets: SendTargets) -> None:
        """Send messages of a topic to these queues from now on."""
    def get(self, topic: str) -> SendTargets | None:
        """The queues of a topic, or None."""
    def clear(self) -> None:
        """Forget all queues: every send takes the general way until there are some again."""
    def reset(self) -> None:
        """Forget the sends under way as well, which will never end in this process."""
    def pick(self, message: Message) -> SendTarget | None:
        """The next queue for a message, or None when the general way has to be taken."""
    def share_of(self, target: SendTarget, left: float) -> float:
        """Seconds that a first try may take, of those that are left for all tries."""
    @property
    def waiting(self) -> int:
        """How many sends wait for room, or for the first queues of their topic."""
    def end_waiting(self, error: RocketMQError) -> None:
        """End the sends that wait."""
    def warmed(self, topic: str, is_ready: bool) -> None:
        """Let those go on that wait for the first queues of a topic: the quick way if there are some now."""
    def count(self, result: SendResult, size: int) -> None:
        """Count a message that a broker has stored."""
