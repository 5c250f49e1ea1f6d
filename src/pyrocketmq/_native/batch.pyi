from collections.abc import Iterable
from typing import Final, NamedTuple

from pyrocketmq._native.message import Message

__all__ = [
    "MAX_BODY_BYTES",
    "BatchRecord",
    "decode_batch_body",
    "encode_batch_bodies",
    "encode_batch_body",
    "encode_batch_records",
]

MAX_BODY_BYTES: Final[int]
"""4 MiB, the maxMessageSize of a broker as it is shipped."""

class BatchRecord(NamedTuple):
    """One message of a batch body as it stands there."""

    flag: int
    properties: dict[str, str]
    body: bytes

def encode_batch_body(messages: Iterable[Message]) -> bytes:
    """The batch body of messages of one topic.

    Raises:
        InvalidMessageError: no messages, mixed topics, an empty body, or one that cannot be in a batch.
        MessageTooLargeError: one body or the properties of one message are over the limit.
    """

def encode_batch_bodies(bodies: Iterable[bytes | bytearray | memoryview]) -> bytes:
    """The batch body of plain byte strings, without flags and properties."""

def encode_batch_records(
    records: Iterable[tuple[int, str | bytes, bytes | bytearray | memoryview]],
) -> bytes:
    """The batch body of (flag, properties text, body) triples, written as given, for relays and tools.

    The properties text is str or UTF-8 bytes; only lengths are checked.
    """

def decode_batch_body(data: bytes | bytearray | memoryview) -> list[BatchRecord]:
    """The messages of a batch body.

    Raises:
        DeserializationError: a record is cut short or its lengths contradict each other.
    """
