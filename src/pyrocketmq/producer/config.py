"""ProducerConfig: all settings of a producer, checked when it is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, cast

from pyrocketmq.client.config import ClientConfig
from pyrocketmq.client.outgoing import Packing
from pyrocketmq.client.selectors import AsyncQueueSelector, MessageHashSelector, QueueSelector
from pyrocketmq.client.send import SendSettings
from pyrocketmq.client.settings import check, choice, number, switch, text, whole
from pyrocketmq.client.trace import TRACE_TOPIC
from pyrocketmq.errors import ConfigurationError

__all__ = ["ProducerConfig"]

MAX_GROUP_CHARACTERS: Final = 120
_GROUP_CHARACTERS: Final = frozenset("%|-_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProducerConfig(ClientConfig):
    """Settings of a producer. All durations are seconds, all sizes bytes.

    ``from_env()`` reads them from PYROCKETMQ_PRODUCER_GROUP, PYROCKETMQ_SEND_TIMEOUT and so on.
    """

    producer_group: str = text("DEFAULT_PRODUCER")
    """Group of this producer, 1 to 120 letters, digits and ``% | - _``. Brokers ask any producer of the
    group about transactions that were left open."""
    send_timeout: float = number(3.0, 0.01, 86_400)
    """Seconds one send may take in all: waiting, routes, connecting, every try."""
    retries: int = whole(2, 0, 100, "tries after the first")
    """How often a send is tried again when a try may have been stored, or a broker has failed. What was not
    stored for sure (no connection, a busy broker) is tried until ``send_timeout`` anyway."""
    retry_not_ok: bool = switch(False)  # noqa: FBT003 - the value of the field
    """Send again what is stored and not confirmed (FLUSH_DISK_TIMEOUT and the like): more copies."""
    compress: Literal["zlib", "lz4", "zstd", "none"] = choice("zlib", "zlib", "lz4", "zstd", "none")
    """How large bodies are compressed. lz4 and zstd need their extras; Java reads them since 4.9.4."""
    compress_over: int = whole(4096, 1, 128 * 1024 * 1024, "bytes")
    """Bodies from this size on are compressed."""
    compress_level: int = whole(-1, -1, 22, "(the level, -1 for the default)")
    """Trades time for size; -1 is 5 for zlib, 0 for lz4, 3 for zstd."""
    selector: QueueSelector | AsyncQueueSelector | None = None
    """Who picks the queue of a message without a sharding key; None takes all in turn, which is quickest."""
    key_hash: Literal["go", "java", "xxh3"] = choice("go", "go", "java", "xxh3")
    """How the queue of a sharding key is found: as the Go client does, as Java does, or spread better."""
    max_in_flight: int = whole(16_384, 1, 10_000_000, "sends")
    """Awaited sends that may be under way; further ones wait within their time-out."""
    max_in_flight_bytes: int = whole(64 * 1024 * 1024, 1024, 2**40, "bytes")
    """The same in bytes of their bodies."""
    linger: float = number(0.005, 0.0, 60.0)
    """Seconds that a submitted message waits for others, to leave in one batch with them."""
    batch_bytes: int = whole(128 * 1024, 1, 128 * 1024 * 1024, "bytes")
    """A batch of submitted messages leaves before it gets larger; more makes fewer requests of them."""
    batch_count: int = whole(2048, 1, 65_536, "messages")
    """A batch leaves when it has so many messages."""
    buffer_bytes: int = whole(32 * 1024 * 1024, 1024, 2**40, "bytes")
    """What submitted messages may take until they are answered; then ``submit`` waits."""
    buffer_messages: int = whole(1_000_000, 1, 1_000_000_000, "messages")
    """The same in messages."""
    max_batches_in_flight: int = whole(64, 1, 65_536, "requests")
    """Batches of submitted messages that one broker may have at a time at most. There are fewer while it says
    that it is busy."""
    oneway_window: int = whole(1024, 0, 1_000_000, "sends")
    """One-way sends to a broker that may be unconfirmed; fewer while it answers slowly. Twice in each window
    one of them is answered, and sends wait when that does not come: brokers drop one-way messages that they
    do not get round to within 0.2 s, without a word. 0 turns this off."""
    trace: bool = switch(False)  # noqa: FBT003 - the value of the field
    """Write what becomes of each send into the trace topic, where tools look messages up. Sends take the
    general way then, and never wait for their traces."""
    trace_topic: str = text(TRACE_TOPIC)
    """Where traces go."""
    measure_latency: bool = switch(False)  # noqa: FBT003 - the value of the field
    """Count how long sends take, for ``stats()`` and Prometheus. Sends take the general way then."""
    direct_lane: bool = switch(True)  # noqa: FBT003 - the value of the field
    """Blocking sends use a connection of the calling thread, which halves their time."""
    direct_threads: int = whole(8, 1, 65_536, "threads")
    """While more threads than that send at the same time, they share one connection: their messages travel
    together, which costs less than a connection for each."""

    def _check(self) -> None:
        ClientConfig._check(self)
        group = self.producer_group
        check(bool(group.strip()), "producer_group", group, "the name of a group, for example 'orders'")
        if len(group) > MAX_GROUP_CHARACTERS or not _GROUP_CHARACTERS.issuperset(group):
            raise ConfigurationError(
                f"producer_group has {len(group)} characters: {group[:40]!r}, it must be 1 to "
                f"{MAX_GROUP_CHARACTERS} letters, digits and % | - _",
                field="producer_group",
                advice="name the application, for example 'orders'",
            )
        selector = cast("object", self.selector)
        good = selector is None or isinstance(selector, QueueSelector | AsyncQueueSelector)
        check(good, "selector", selector, "a QueueSelector, an AsyncQueueSelector or None")

    def send_settings(self) -> SendSettings:
        """The part of them that sends need."""
        return SendSettings(
            timeout=self.send_timeout,
            retries=self.retries,
            retry_not_ok=self.retry_not_ok,
            packing=Packing(
                None if self.compress == "none" else self.compress,
                self.compress_over,
                None if self.compress_level < 0 else self.compress_level,
            ),
            selector=self.selector,
            key_selector=MessageHashSelector(self.key_hash),
            max_in_flight=self.max_in_flight,
            max_in_flight_bytes=self.max_in_flight_bytes,
            oneway_window=self.oneway_window,
        )
