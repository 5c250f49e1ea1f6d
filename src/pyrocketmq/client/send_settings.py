"""SendSettings: what of a client's settings sends look at. Knows neither producers nor their names for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyrocketmq.client.outgoing import Packing
from pyrocketmq.client.selectors import MessageHashSelector, QueueSelector

if TYPE_CHECKING:
    from pyrocketmq.client.selectors import AsyncQueueSelector

__all__ = ["SendSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SendSettings:
    """How messages are sent; durations are seconds, sizes bytes."""

    timeout: float = 3.0
    """For one send in all, retries included."""
    retries: int = 2
    """Tries after the first, of those that may store a second copy or are refused for a while."""
    retry_not_ok: bool = False
    """Whether a message that is stored and not confirmed is sent again."""
    packing: Packing = field(default_factory=Packing)
    """How bodies are compressed."""
    selector: QueueSelector | AsyncQueueSelector | None = None
    """Who picks the queues of messages without a key; None takes them in turn."""
    key_selector: QueueSelector = field(default_factory=MessageHashSelector)
    """Who picks the queues of messages with a sharding key, and of those sent in order."""
    max_in_flight: int = 16_384
    """Sends that may be under way; further ones wait."""
    max_in_flight_bytes: int = 64 * 1024 * 1024
    """The same in bytes of their bodies."""
    oneway_window: int = 1024
    """One-way sends to a broker that may be unconfirmed; 0 confirms none."""
