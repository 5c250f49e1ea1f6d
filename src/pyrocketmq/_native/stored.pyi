from collections.abc import Mapping
from typing import NoReturn, final, overload

from pyrocketmq._native.record import encode_message

__all__ = ["MessageExt", "decode_messages", "decode_messages_strict", "encode_message"]

@final
class MessageExt:
    """A message as a broker stored it, read-only.

    Messages of one answer share its bytes: nothing is copied or decoded before it is asked for, and a message
    that is kept keeps the whole answer alive. ``detach()`` gives a copy that holds only its own record.

    Broken UTF-8 in the topic and the properties reads as U+FFFD, as in Java. A message without body or
    properties has ``b""`` and an empty mapping.
    """

    def __init__(self, *args: object, **kwargs: object) -> NoReturn: ...
    @property
    def store_size(self) -> int:
        """Bytes of the whole record."""
    @property
    def body_crc(self) -> int:
        """CRC of the stored body; 0 for a message out of an inner batch, whose CRC covers the batch."""
    @property
    def queue_id(self) -> int: ...
    @property
    def flag(self) -> int:
        """The number the sender set for its own use."""
    @property
    def queue_offset(self) -> int:
        """Place in the queue, with the answer's offset delta and the place in an inner batch added."""
    @property
    def commit_log_offset(self) -> int:
        """Place in the broker's commit log (physical offset)."""
    @property
    def sys_flag(self) -> int:
        """The system flag without the bit "compressed", as ``body`` is not; see ``raw_sys_flag``."""
    @property
    def raw_sys_flag(self) -> int:
        """The system flag as it was stored."""
    @property
    def born_timestamp(self) -> int:
        """When the sender made the message, in ms since 1970."""
    @property
    def store_timestamp(self) -> int:
        """When the broker stored the message, in ms since 1970."""
    @property
    def reconsume_times(self) -> int:
        """How often the message was given back by consumers."""
    @property
    def prepared_transaction_offset(self) -> int:
        """Commit-log offset of the half message, for a committed transaction."""
    @property
    def body_size(self) -> int:
        """Bytes of the body as it was stored, without unpacking it."""
    @property
    def born_host(self) -> tuple[str, int]:
        """Address and port of the sender."""
    @property
    def store_host(self) -> tuple[str, int]:
        """Address and port of the broker."""
    @property
    def offset_msg_id(self) -> str:
        """The id made of the broker's address and the commit-log offset."""
    @property
    def unique_id(self) -> str | None:
        """The id the sender gave (property UNIQ_KEY), or None."""
    @property
    def msg_id(self) -> str:
        """The sender's id if there is one, else the offset id."""
    @property
    def transaction_id(self) -> str | None:
        """The id of the message's transaction, which is the sender's id unless it says otherwise."""
    @property
    def broker_name(self) -> str:
        """Name of the broker that was asked; records do not hold it."""
    @property
    def topic(self) -> str:
        """The topic the message was read from, which for a retried message is the group's retry topic."""
    @property
    def real_topic(self) -> str:
        """The topic the message was sent to: RETRY_TOPIC for a message of a retry topic, else ``topic``."""
    @property
    def properties(self) -> Mapping[str, str]:
        """All properties, as a read-only mapping."""
    @overload
    def get_property(self, key: str, default: None = None) -> str | None: ...
    @overload
    def get_property(self, key: str, default: str) -> str:
        """The property's value, or ``default``; the others stay undecoded."""
    @property
    def tags(self) -> str | None:
        """The tag consumers filter by, or None."""
    @property
    def keys(self) -> str | None:
        """The index keys with blanks between them, or None."""
    @property
    def sharding_key(self) -> str | None:
        """The key that chose the queue, as this package and Go or as Java write it, or None."""
    @property
    def delay_level(self) -> int:
        """The delay level 1 to 18, or 0 for none (property DELAY)."""
    @property
    def raw_body(self) -> bytes:
        """The body as it was stored, compressed or not."""
    @property
    def body(self) -> bytes:
        """The body, unpacked when it is first asked for.

        Raises:
            DecompressionError: it is damaged, or larger than the bound that was given to ``decode_messages``.
            MissingExtraError: the package for its kind of compression is not installed.
        """
    def check_crc(self) -> bool:
        """True if the stored body agrees with the CRC of the record.

        A message out of an inner batch has no CRC of its own and passes: check before expanding.
        """
    @property
    def is_inner_batch(self) -> bool:
        """True if the body is a batch of messages that was not expanded."""
    def expand(self) -> list[MessageExt]:
        """The messages of an inner batch with rising queue offsets; just this message if it is none.

        Raises:
            DeserializationError: the body is no batch body.
            DecompressionError: the body cannot be unpacked.
        """
    @property
    def raw_record(self) -> bytes:
        """The stored form of this message alone."""
    def detach(self) -> MessageExt:
        """A copy that does not keep the rest of the answer alive."""
    def __copy__(self) -> MessageExt: ...
    def __deepcopy__(self, memo: dict[int, object]) -> MessageExt: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

def decode_messages(
    data: bytes | bytearray | memoryview,
    *,
    broker_name: str = "",
    offset_delta: int = 0,
    expand: bool = True,
    max_body_bytes: int = 67_108_864,
) -> list[MessageExt]:
    """The messages of a pull, pop, view or query answer.

    As in Java, the list ends before the first record that cannot be read. Bytes are used in place, another
    buffer is copied once. An inner batch is replaced by its messages; one that cannot be opened stays, and
    ``MessageExt.is_inner_batch`` tells.

    Args:
        data: the body of the answer.
        broker_name: the broker that was asked.
        offset_delta: what the answer says must be added to queue offsets (static topics).
        expand: whether inner batches are replaced by their messages.
        max_body_bytes: bound on each body once it is unpacked.
    """

def decode_messages_strict(
    data: bytes | bytearray | memoryview,
    *,
    broker_name: str = "",
    offset_delta: int = 0,
    expand: bool = True,
    max_body_bytes: int = 67_108_864,
) -> list[MessageExt]:
    """The messages of an answer, like ``decode_messages``, but every byte must belong to one.

    Raises:
        DeserializationError: a record cannot be read, with its place and the part at fault.
    """

def rebuild_message_ext(
    record: bytes, queue_offset: int, broker_name: str | None, max_body_bytes: int, unwrapped: bool
) -> MessageExt:
    """What pickle calls to make a message again."""
