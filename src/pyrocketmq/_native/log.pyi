from collections.abc import Callable
from typing import final

from typing_extensions import Buffer

from pyrocketmq._native.logcut import Cut
from pyrocketmq._native.logqueue import LogQueue, TagCodes
from pyrocketmq._native.logsegment import Segment

__all__ = ["RecordLog"]

@final
class RecordLog:
    """The log and its queues.

    ``on_full(need)`` is called when an append needs ``need`` more bytes than are left, and has to begin a
    segment. ``on_damage(position, topic, queue_id, queue_offset)`` is told once of each message that was
    found damaged.
    """

    on_full: Callable[[int], None] | None
    on_damage: Callable[[int, str, int, int], None] | None

    def __new__(
        cls,
        store_host: tuple[str | bytes, int] = ("127.0.0.1", 10911),
        on_full: Callable[[int], None] | None = None,
        on_damage: Callable[[int, str, int, int], None] | None = None,
    ) -> RecordLog: ...
    @property
    def start(self) -> int:
        """Position of the oldest byte that is still there."""
    @property
    def end(self) -> int: ...
    @property
    def damaged(self) -> int: ...
    @property
    def visible(self) -> int:
        """The position from which on readers see nothing yet."""
    @visible.setter
    def visible(self, position: int) -> None: ...
    @property
    def segments(self) -> tuple[Segment, ...]:
        """The segments, oldest first."""
    @property
    def room(self) -> int:
        """Bytes that can be appended before ``on_full`` is called."""
    @property
    def store_host(self) -> bytes:
        """Address and port of this broker, as they are packed into new records."""
    @store_host.setter
    def store_host(self, host: tuple[str | bytes, int]) -> None: ...
    def begin_segment(
        self, base: int, capacity: int, content: bytes | None = None, header_bytes: int = 0
    ) -> Segment:
        """Begin the segment that takes the appends from now on; it starts with ``content``, header
        included.
        """
    def attach_segment(self, base: int, data: Buffer, header_bytes: int = 0) -> Segment:
        """Add a file of the log that is complete; ``data`` is kept as it is and checked when it is read."""
    def replace_by_map(self, segment: Segment, data: Buffer) -> Segment:
        """Let a complete segment be read from ``data``, which maps its file, and take its memory back."""
    def drop_before(self, base: int) -> int:
        """Forget the segments that begin before ``base``, and what the queues had in them."""
    def take_back(self, position: int) -> None:
        """Forget the records from ``position`` on, which lies in the segment that takes the appends."""
    def bytes_from(self, position: int) -> memoryview:
        """The bytes of the active segment from ``position`` on, in place: valid until the log is next
        changed.
        """
    def queue(self, topic: str, queue_id: int) -> LogQueue:
        """The queue, made when it is first asked for."""
    def find_queue(self, topic: str, queue_id: int) -> LogQueue | None:
        """The queue if there is one, else None."""
    def queues(self) -> list[LogQueue]:
        """All queues."""
    def topics(self) -> list[str]:
        """The topics that have queues."""
    def drop_topic(self, topic: str) -> None:
        """Forget the queues of a topic; a topic of this name starts anew. Its records go with their
        segments.
        """
    @property
    def ignored_topics(self) -> dict[str, int]:
        """Deleted topics, and the position up to which the log may have records of them."""
    def ignore_topic(self, topic: str, position: int) -> None:
        """Say, before the log is read, that records of a topic before this position are those of a deleted
        one.
        """
    def start_queue(self, topic: str, queue_id: int, next_offset: int) -> None:
        """Let a queue go on at an offset that its records, which may be gone, do not show."""
    def append(
        self,
        queue: LogQueue,
        body: bytes,
        properties: bytes = b"",
        *,
        store_timestamp: int,
        born_timestamp: int = 0,
        born_host: bytes | None = None,
        flag: int = 0,
        sys_flag: int = 0,
        reconsume_times: int = 0,
        prepared_transaction_offset: int = 0,
    ) -> tuple[int, int]:
        """Append a message; (queue offset, position) of its record.

        The properties are the text as it is stored. ``born_host`` is from ``pack_host``, the store host if
        None; the host bits of ``sys_flag`` follow from the hosts.
        """
    def append_batch(
        self,
        queue: LogQueue,
        batch: bytes,
        *,
        store_timestamp: int,
        born_timestamp: int = 0,
        born_host: bytes | None = None,
        sys_flag: int = 0,
        reconsume_times: int = 0,
    ) -> tuple[int, int]:
        """Append the messages of a batch body, all or none; (first queue offset, number of messages).

        Where the records lie, ``LogQueue.positions`` tells.

        Raises:
            DeserializationError: the body is no batch body.
        """
    def read_at(self, position: int) -> bytes | None:
        """The record at a position, as an offset message id names it; None if no visible record begins
        there.
        """
    def cut(
        self,
        queue: LogQueue,
        offset: int,
        max_messages: int = 32,
        max_bytes: int = 262144,
        tags: TagCodes | None = None,
        accept: Callable[[dict[str, str]], object] | None = None,
        max_scan: int = 16000,
    ) -> Cut:
        """The messages from ``offset`` on, records back to back: at least one if any matches, whatever its
        size.

        Args:
            queue: where to read.
            offset: the first queue offset to look at.
            max_messages: bound on the messages of the answer.
            max_bytes: bound on its bytes, from the second message on.
            tags: the codes of the tags to keep, None for all.
            accept: a further filter, called with the properties of each message as a dict.
            max_scan: bound on the messages to look at.
        """
