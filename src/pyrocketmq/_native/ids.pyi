from typing import NamedTuple, final

__all__ = [
    "OffsetMessageId",
    "UniqueIdParts",
    "UniqueIds",
    "decode_offset_message_id",
    "encode_offset_message_id",
    "next_unique_id",
    "parse_unique_id",
]

class OffsetMessageId(NamedTuple):
    """The parts of an offset message id: host address, host port, commit-log offset."""

    ip: str
    port: int
    offset: int

class UniqueIdParts(NamedTuple):
    """The parts of a unique id; ``pid`` and ``counter`` are their lowest 16 bits."""

    ip: str
    pid: int
    loader_hash: int
    millis_since_month_start: int
    counter: int

def encode_offset_message_id(address: str | bytes, port: int, offset: int) -> str:
    """The offset message id of a message that the broker at ``address`` stored at ``offset``.

    The address is text, or its 4 or 16 bytes.
    """

def decode_offset_message_id(msg_id: str) -> OffsetMessageId:
    """The address, port and commit-log offset that the offset message id ``msg_id`` holds."""

def parse_unique_id(unique_id: str) -> UniqueIdParts:
    """The parts of a unique id of 32 or 56 hex digits, whichever client made it."""

def next_unique_id() -> str:
    """A message id that no other call in this process or its children returns."""

@final
class UniqueIds:
    """A source of unique message ids: 32 upper-case hex digits in the layout of the Java client.

    Address (4 bytes), process id (2), a random number (4; Java puts the hash of a class loader there),
    milliseconds since the month began in local time (4), counter (2). Time and counter form one number that
    only grows, so more than 65,536 ids in a millisecond borrow from the next one. After a fork and at the
    turn of the month the random number changes.

    Args:
        ip: the 4 address bytes to put first. None takes the address of the default route, found without any
            network traffic, and 4 random bytes where there is none.
    """

    def __new__(cls, ip: bytes | None = None) -> UniqueIds: ...
    def next(self) -> str:
        """The next id."""
    def next_at(self, now_ms: int) -> str:
        """The next id for a clock that shows ``now_ms`` milliseconds since 1970 (UTC)."""
