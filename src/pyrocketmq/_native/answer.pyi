from enum import IntEnum
from typing import ClassVar

from typing_extensions import disjoint_base

__all__ = ["SendResult", "SendStatus", "decode_send_answer"]

class SendStatus(IntEnum):
    """What a broker did with a message it stored; only SEND_OK means that every copy was confirmed."""

    SEND_OK = 0
    FLUSH_DISK_TIMEOUT = 1
    FLUSH_SLAVE_TIMEOUT = 2
    SLAVE_NOT_AVAILABLE = 3

@disjoint_base
class SendResult:
    """What became of one send.

    Its texts are decoded when they are asked for. ``ok`` is true only for SEND_OK; the three other
    statuses mean that the broker has stored the message and could not confirm a flush or a copy in time.
    """

    __hash__: ClassVar[None]  # type: ignore[assignment]

    message_queue: object
    """The queue that the message went to, as the caller of the send knows it."""
    attempts: int
    """How many tries the send took."""

    def __init__(
        self,
        status: SendStatus | int = ...,
        msg_id: str | None = None,
        message_queue: object = None,
        queue_offset: int = -1,
        transaction_id: str | None = None,
        *,
        offset_msg_id: str | None = None,
        region_id: str | None = None,
        queue_id: int | None = None,
        attempts: int = 1,
    ) -> None: ...
    @property
    def code(self) -> int:
        """The response code as it came; 0 is success."""
    @property
    def opaque(self) -> int:
        """The number of the request that this answers."""
    @property
    def status(self) -> SendStatus | None:
        """The status of a stored message, or None when the broker refused it."""
    @property
    def ok(self) -> bool:
        """True when the message is stored and every configured copy was confirmed."""
    @property
    def queue_id(self) -> int: ...
    @property
    def queue_offset(self) -> int:
        """The message's place in its queue; of a batch, the place of its first message."""
    @property
    def msg_id(self) -> str | None:
        """The client's message id, or the broker's where the client gave none."""
    @msg_id.setter
    def msg_id(self, value: str | None) -> None: ...
    @property
    def offset_msg_id(self) -> str | None:
        """The broker's id: its address and the place in its log; of a batch, one for each message."""
    @property
    def transaction_id(self) -> str | None:
        """The id a transaction goes by; a 4.9 broker sends none, then it is the client's message id."""
    @property
    def region_id(self) -> str | None: ...
    @property
    def trace_on(self) -> bool:
        """False when the broker does not want this send traced."""
    @property
    def recall_handle(self) -> str | None:
        """What a timed message can be recalled with; None for every other message."""
    @property
    def remark(self) -> str | None:
        """The broker's own words; it may say something on success too."""
    def __eq__(self, other: object, /) -> bool: ...

def decode_send_answer(data: bytes | bytearray | memoryview) -> SendResult:
    """The result in one whole frame that answers a send.

    Raises:
        DeserializationError: the frame cannot be read, or its queueId or queueOffset is no number.
    """

def rebuild_send_result(
    code: int,
    msg_id: str | None,
    offset_msg_id: str | None,
    message_queue: object,
    queue_id: int,
    queue_offset: int,
    transaction_id: str | None,
    region_id: str | None,
    recall_handle: str | None,
    remark: str | None,
    attempts: int,
) -> SendResult:
    """What pickle calls to make a result again."""
