from collections.abc import Callable
from typing import Protocol, final, type_check_only

from pyrocketmq._native.bytesio import WriteBuffer
from pyrocketmq._native.message import Message

__all__ = ["SendEncoder"]

@type_check_only
class _Credentials(Protocol):
    @property
    def access_key(self) -> str: ...
    @property
    def secret_key(self) -> str: ...
    @property
    def security_token(self) -> str | None: ...

@final
class SendEncoder:
    """Writes the send frames of one producer group to one broker.

    Args:
        producer_group: 1 to 120 characters.
        broker_name: the broker the frames go to; left out of the frames when empty, as the Go client does.
        codec: ``"json"`` (what every server takes) or ``"binary"``.
        default_topic: the topic whose settings a broker copies when it creates the topic by itself.
        default_topic_queues: how many queues such a topic gets at most.
        max_message_bytes: larger bodies are refused before sending; a broker's own limit is 4 MiB as shipped.
        fields: further header fields, the same in each frame; their names come after "n".
        credentials: who signs, or a function that is asked for each frame.

    Raises:
        ConfigurationError: an argument cannot be used.
    """

    def __new__(
        cls,
        producer_group: str,
        broker_name: str = "",
        codec: str = "json",
        default_topic: str = "TBW102",
        default_topic_queues: int = 4,
        max_message_bytes: int = 4194304,
        fields: dict[str, str] | None = None,
        credentials: _Credentials | Callable[[], _Credentials] | None = None,
    ) -> SendEncoder: ...
    @property
    def is_signed(self) -> bool:
        """True when its frames have a signature."""
    @property
    def producer_group(self) -> str: ...
    @property
    def broker_name(self) -> str: ...
    @property
    def codec(self) -> str: ...
    @property
    def max_message_bytes(self) -> int: ...
    def put(
        self,
        buffer: WriteBuffer,
        message: Message,
        queue_id: int,
        opaque: int,
        born_ms: int = 0,
        *,
        sys_flag: int = 0,
        oneway: bool = False,
        body: bytes | None = None,
    ) -> None:
        """Append the frame of one message, or of a message made by ``encode_batch``.

        Args:
            buffer: where the frame goes.
            message: it gets its unique id here, if it has none.
            queue_id: the queue; negative lets the broker pick one.
            opaque: the number that the answer will carry.
            born_ms: milliseconds since 1970; 0 reads the clock.
            sys_flag: compression and transaction bits.
            oneway: the broker is told not to answer.
            body: sent in place of the message's own body, which keeps its compressed form out of the message.

        Raises:
            InvalidMessageError: the body is empty.
            MessageTooLargeError: the body or the properties are over the limit.
            SerializationError: the header or the frame is over the limit. Nothing is written on an error.
        """
    def put_batch(
        self,
        buffer: WriteBuffer,
        messages: list[Message],
        queue_id: int,
        opaque: int,
        born_ms: int = 0,
        *,
        oneway: bool = False,
    ) -> None:
        """Append one frame with a batch of messages of one topic.

        Raises:
            InvalidMessageError: no messages, mixed topics, an empty body, or one that cannot be in a batch.
            MessageTooLargeError: a message, or all together, are over the limit; nothing is written.
        """
