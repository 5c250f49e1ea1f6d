from collections.abc import Iterable
from typing import final

__all__ = [
    "ConsistentHashRing",
    "body_crc",
    "go_hash",
    "java_hash",
    "pick_queue_go",
    "pick_queue_java",
    "pick_queue_xxh3",
    "tags_code",
    "xxh3",
]

def java_hash(text: str) -> int:
    """What ``String.hashCode`` of Java gives for ``text``, a signed 32-bit number."""

def go_hash(text: str) -> int:
    """The FNV-1a hash of the UTF-8 form of ``text`` as an unsigned 32-bit number.

    This is the hash of the Go client's queue selector.
    """

def xxh3(text: str) -> int:
    """The XXH3 hash of the UTF-8 form of ``text`` as an unsigned 64-bit number."""

def pick_queue_java(key: str, queues: int) -> int:
    """The index that the hash selector of Java picks for ``key`` out of ``queues`` queues."""

def pick_queue_go(key: str, queues: int) -> int:
    """The index that the hash selector of Go picks for ``key`` out of ``queues`` queues."""

def pick_queue_xxh3(key: str, queues: int) -> int:
    """An index for ``key`` out of ``queues`` queues by XXH3, where no other client must agree."""

def tags_code(tags: str | None) -> int:
    """The number that brokers keep in the consume queue for ``tags``; none and empty give 0."""

def body_crc(data: bytes | bytearray | memoryview) -> int:
    """The CRC that a stored message carries for the body bytes ``data`` (compressed as stored)."""

@final
class ConsistentHashRing:
    """The ring of the Java allocate strategy CONSISTENT_HASH: each node owns ``virtual_nodes`` points.

    A point of a node is the first four bytes, big-endian, of the MD5 of ``<node>-<number>``. A key belongs to
    the first point at or after its own hash, and to the first point of all when there is none.
    """

    def __init__(self, nodes: Iterable[str], virtual_nodes: int = 10) -> None: ...
    @property
    def virtual_nodes(self) -> int:
        """Points each node owns."""
    def node_for(self, key: str) -> str:
        """The node that owns ``key``."""
