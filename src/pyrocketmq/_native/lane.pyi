import socket
from typing import Final, Literal, Self, final

from pyrocketmq._native.answer import SendResult
from pyrocketmq._native.command import RemotingCommand
from pyrocketmq._native.message import Message
from pyrocketmq._native.parcel import Parcel
from pyrocketmq._native.sending import SendEncoder

__all__ = ["LANES_WORK", "Lane"]

LANES_WORK: Final[bool]
"""False where there are no lanes: on Windows."""

@final
class Lane:
    """One request at a time over a connected socket, which the lane owns from now on.

    The thread that calls sends the request and waits for the answer itself, with the GIL given back once for
    both. Ctrl-C is noticed within 0.2 s. After any error but a refusal to send the lane is closed: its next
    user could get the answer of this request. An answer with another number is dropped and counted. A
    request of the server is answered with code 3: what servers ask goes to connections that sent heartbeats,
    and a lane sends none.

    Args:
        sock: a connected TCP socket, not encrypted.
        address: the peer, for error texts.
        codec: how the headers of requests are written.
        max_frame_bytes: larger frames are neither sent nor taken.
        spin: seconds to look for the answer without sleeping, which saves waking up and costs a processor.
    """

    def __new__(
        cls,
        sock: socket.socket,
        *,
        address: str,
        codec: Literal["json", "binary"] = "json",
        max_frame_bytes: int = 16777216,
        spin: float = 0.0,
    ) -> Self: ...
    @property
    def address(self) -> str: ...
    @property
    def is_open(self) -> bool:
        """True while requests can be made."""
    @property
    def is_usable(self) -> bool:
        """True when a request can be made now; after a rest this looks whether the server has closed it."""
    @property
    def idle_for(self) -> float:
        """Seconds since the last use; 0 in the middle of one."""
    @property
    def requests(self) -> int: ...
    @property
    def foreign_answers(self) -> int: ...
    @property
    def requests_in(self) -> int: ...
    def request(self, command: RemotingCommand, timeout: float) -> RemotingCommand:
        """Send a request and wait for its answer.

        Args:
            command: a request, with neither bit 0 nor bit 1 in its flag.
            timeout: seconds for sending it and for the answer.

        Raises:
            RpcTimeoutError: no answer came in time.
            ConnectionClosedError: the connection is lost; ``maybe_sent`` says whether anything had left.
            SerializationError: the command cannot be sent; nothing was.
            ProtocolError: the peer broke the framing.
            DeserializationError: a frame that came cannot be read.
            TransportStateError: another thread is in the middle of a request.
        """
    def send_message(
        self,
        encoder: SendEncoder,
        message: Message,
        queue_id: int,
        timeout: float,
        *,
        born_ms: int = 0,
        sys_flag: int = 0,
        body: bytes | None = None,
        topic: str | None = None,
    ) -> SendResult:
        """Send a message straight from its fields and wait for what became of it.

        A topic given here goes over the wire in place of the message's.

        Raises as ``request`` and as ``SendEncoder.put``.
        """
    def send_parcel(
        self, encoder: SendEncoder, parcel: Parcel, queue_id: int, timeout: float
    ) -> SendResult | None:
        """Send a batch and wait for what became of it.

        Returns:
            The answer to the request, or None when nothing was done, for the reasons of ``Parcel.send``.

        Raises as ``request``.
        """
    def close(self) -> None:
        """Close the socket; a request that another thread waits for ends with ConnectionClosedError."""
    def close_if_idle(self, seconds: float) -> bool:
        """Close a lane that was not used for so long; says whether it is closed now."""
