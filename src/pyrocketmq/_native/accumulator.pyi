import asyncio
from collections import deque
from typing import Any, Self, final

from typing_extensions import disjoint_base

from pyrocketmq._native.message import Message
from pyrocketmq._native.parcel import Parcel, ParcelOwner
from pyrocketmq.errors import BackPressureError

__all__ = ["Accumulator", "Pile"]

@final
class Pile:
    """Where messages for one topic, or for one queue of it, come together."""

    def __new__(cls, topic: str, wire_topic: str, queue: object = None, ordered: bool = False) -> Self: ...
    @property
    def topic(self) -> str:
        """As the messages have it."""
    @property
    def wire_topic(self) -> str:
        """As brokers know it."""
    @property
    def queue(self) -> Any:
        """None for wherever there is room."""
    @property
    def ordered(self) -> bool:
        """At most one of its batches is on its way."""
    @property
    def alone(self) -> bool:
        """Its messages may not be in a batch."""

@disjoint_base
class Accumulator(ParcelOwner):
    """The buffer of submitted messages: encoded as they come, by any thread, into batches.

    A subclass decides what becomes of the batches. It has the methods ``_run`` (the loop should look at
    ``ready`` and ``take_ended``), ``_take_odd``, ``_wire_topic``, ``_wait_for_room``, ``_let_loop_work``,
    ``_callback_failed`` and ``_epoch_ended``.

    Args:
        linger: seconds that a batch waits for more messages.
        batch_bytes: a batch is closed before it gets larger.
        batch_count: a batch is closed when it has so many messages.
        buffer_bytes: bytes of messages that are held at most.
        buffer_messages: messages that are held at most.
        max_message_bytes: larger bodies are refused; a whole batch fits too, as brokers store it.
    """

    def __new__(
        cls,
        *,
        linger: float,
        batch_bytes: int,
        batch_count: int,
        buffer_bytes: int,
        buffer_messages: int,
        max_message_bytes: int,
    ) -> Self: ...
    is_special: bool
    """No message may take the short way, so ``_take_odd`` gets all of them."""

    @property
    def ready(self) -> deque[Parcel]:
        """Closed batches in their order; of an ordered queue only one at a time."""
    @property
    def held_bytes(self) -> int:
        """Bytes of messages that were taken and are not done."""
    @property
    def held_messages(self) -> int:
        """Messages that were taken and are not done."""
    @property
    def taken(self) -> int:
        """Messages that were taken so far."""
    @property
    def is_own_thread(self) -> bool:
        """True on the thread of the event loop."""
    @property
    def is_inherited(self) -> bool:
        """True when it was filled before a fork that led to this process."""
    @property
    def has_room(self) -> bool:
        """Whether a message is taken at once."""
    @property
    def fresh(self) -> int:
        """Bytes of batches that were closed since the loop has looked."""
    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to work on an event loop; called on its thread."""
    def detach(self) -> None:
        """Let go of the event loop: nothing is sent from here any more."""
    def put_into(
        self, topic: str, queue: object, message: Message, on_delivery: Any, *, ordered: bool
    ) -> None:
        """Take a message for one queue, which has batches of its own."""
    def put_plain(self, message: Message, on_delivery: Any) -> None:
        """Take a message for any queue."""
    def wake_up(self) -> None:
        """Have ``_run`` be called on the loop soon; from any thread."""
    def begin_turn(self) -> None:
        """The loop is here: what is closed from now on has to wake it again."""
    def close_due(self) -> None:
        """Close what has waited long enough; the loop calls this."""
    def close_all(self) -> None:
        """Close every open batch now."""
    def take_ended(self) -> list[Parcel]:
        """The parcels whose try has ended since the last call."""
    def give_back_ended(self, parcels: list[Parcel]) -> None:
        """Have ``take_ended`` give these again, in the next turn of the loop."""
    def finish(self, parcel: Parcel) -> None:
        """A parcel is done, well or not: calls who wants to know, and gives back its room."""
    def is_finishing(self, parcel: Parcel) -> bool:
        """True for a parcel that ``finish`` has begun with, and did not get through all callbacks."""
    def without_callback(self, parcel: Parcel) -> int:
        """How many messages of a parcel nobody is called for."""
    def hold(self, size: int) -> int:
        """Count a message that is not in a batch; gives what ``let_go`` wants to have."""
    def let_go(self, size: int, epoch: int) -> None:
        """The message is done."""
    def mark(self) -> int:
        """Close all batches; gives the mark up to which everything is there now."""
    def is_done_to(self, mark: int) -> bool:
        """Whether everything that was there at a mark is done."""
    def room_future(self) -> asyncio.Future[None]:
        """A future of the loop that is done when there is room."""
    def when_room(self, future: Any) -> None:
        """Have something with ``done`` and ``set_result``, as a future, be told when there is room."""
    def refusal(self, what: str) -> BackPressureError:
        """The error for a message that is not taken, with the figures."""
