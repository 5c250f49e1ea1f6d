import asyncio
from asyncio import BufferedProtocol, Future
from collections.abc import Awaitable, Callable
from typing import Literal, NamedTuple, Self

from typing_extensions import Buffer, disjoint_base

from pyrocketmq._native.answer import SendResult
from pyrocketmq._native.channel import RequestTaker
from pyrocketmq._native.command import RemotingCommand
from pyrocketmq._native.message import Message
from pyrocketmq._native.sending import SendEncoder
from pyrocketmq.errors import ConnectionClosedError

__all__ = ["Connection", "ConnectionStats"]

class ConnectionStats(NamedTuple):
    """What a connection has done so far, and what it holds now."""

    frames_in: int
    frames_out: int
    bytes_in: int
    bytes_out: int
    in_flight: int
    resting: int
    late_answers: int
    timeouts: int
    bad_frames: int
    requests_in: int

@disjoint_base
class Connection(BufferedProtocol):
    """The protocol object of one connection; give it to ``loop.create_connection`` or ``loop.create_server``.

    Everything that is written within one turn of the loop leaves in one ``transport.write``; the answers of
    one read are resolved in one go. A request number that timed out or was cancelled rests for a while, and
    its late answer is dropped and counted. To be used by the thread of its event loop only.

    Args:
        handler: called with the connection and each request of the peer; what it returns, or what the
            awaitable it returns gives, is sent as the answer. It must not block. Without a handler requests
            are answered with code 3, as clients do.
        address: the peer, for error texts; its socket address by default.
        codec: how the headers of own requests are written: ``"json"`` or ``"binary"``, which cannot hold
            the codes of pop, so these are JSON all the same.
        max_frame_bytes: larger frames are neither sent nor taken.
        write_buffer_bytes: bytes that may wait for the peer to read; beyond that requests are refused with
            BackPressureError and ``drain`` waits.
        rest_seconds: how long the number of a request that timed out or was cancelled is not used again.
        holds_reading: for servers: a peer that does not read its answers is not read from either, and one
            whose request cannot be read is closed, as it would wait for an answer.
        on_made: called with the connection once it is there.
        on_lost: called with the connection and the reason once it is gone.
        on_timeouts: called with the connection after requests have timed out.
        on_frame: called with the bytes of each whole frame that is no answer to a request of this
            connection; then there is no handler, and nothing is answered.
        taker: is offered every request before the handler, and may serve it natively.
        clock: seconds that never go back, for tests.
        first_opaque: the first number for own requests; those of the process are used by default.
    """

    def __new__(
        cls,
        handler: (
            Callable[
                [Connection, RemotingCommand], RemotingCommand | Awaitable[RemotingCommand | None] | None
            ]
            | None
        ) = None,
        *,
        address: str = "",
        codec: Literal["json", "binary"] = "json",
        max_frame_bytes: int = 16777216,
        write_buffer_bytes: int = 4194304,
        rest_seconds: float = 30.0,
        holds_reading: bool = False,
        on_made: Callable[[Connection], object] | None = None,
        on_lost: Callable[[Connection, ConnectionClosedError], object] | None = None,
        on_frame: Callable[[bytes], object] | None = None,
        taker: RequestTaker | None = None,
        on_timeouts: Callable[[Connection], object] | None = None,
        clock: Callable[[], float] | None = None,
        first_opaque: int | None = None,
    ) -> Self: ...
    @property
    def address(self) -> str: ...
    @property
    def error(self) -> ConnectionClosedError | None:
        """Why the connection ended, None while it has not."""
    @property
    def transport(self) -> asyncio.Transport | None:
        """The transport of the event loop, None before the connection is made and after it is lost."""
    @property
    def is_open(self) -> bool:
        """True while requests can be made."""
    @property
    def in_flight(self) -> int:
        """Requests that wait for their answer."""
    @property
    def is_ready(self) -> bool:
        """True when a request is taken at once: open, and room in the write buffer."""
    @property
    def can_write(self) -> bool:
        """False while the write buffer is full; requests are refused then."""
    @property
    def is_flowing(self) -> bool:
        """False while the transport wants no more data; what is written then waits here."""
    def when_flowing(self, future: Future[None]) -> None:
        """Have a future be done when the transport may have taken something, or the connection has ended."""
    @property
    def buffered_bytes(self) -> int:
        """Bytes that were written and not taken by the transport yet."""
    @property
    def silent_for(self) -> float:
        """Seconds since anything was received, or since the connection was made."""
    @property
    def idle_for(self) -> float:
        """Seconds since anything was received or sent."""
    def stats(self) -> ConnectionStats:
        """Counters since the connection was made."""
    def request(
        self, command: RemotingCommand, timeout: float, *, codec: Literal["json", "binary"] | None = None
    ) -> Future[RemotingCommand]:
        """Write a request; the future gets its answer as a command.

        The command keeps its number unless that is in use on this connection; then it gets a free one.

        Args:
            command: a request, with neither bit 0 nor bit 1 in its flag.
            timeout: seconds until the future ends with RpcTimeoutError, to within 20 ms.
            codec: for this one request.

        Raises:
            ConnectionClosedError: the connection is not open; nothing was sent. Future: it ended before
                the answer came.
            BackPressureError: the write buffer is full; nothing was sent.
            SerializationError: the command cannot be sent; nothing was.
            ConfigurationError: the time-out is not above 0.
            TransportStateError: called from another thread.
        """
    def oneway(self, command: RemotingCommand, *, codec: Literal["json", "binary"] | None = None) -> None:
        """Write a request that the peer must not answer; its flag gets bit 1. Raises as ``request``."""
    def reply(self, command: RemotingCommand, *, codec: Literal["json", "binary"] | None = None) -> None:
        """Write an answer, in the codec of the peer's last request; its flag gets bit 0.

        An answer is never refused for a full buffer, since the peer waits for it.
        """
    def output(self, frame: Buffer) -> None:
        """Write one whole frame as it is; nothing is expected in return."""
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
    ) -> Future[SendResult]:
        """Write the send of a message straight from its fields; the future gets a SendResult.

        Raises as ``request`` and as ``SendEncoder.put``.
        """
    def send_batch(
        self,
        encoder: SendEncoder,
        messages: list[Message],
        queue_id: int,
        timeout: float,
        *,
        born_ms: int = 0,
    ) -> Future[SendResult]:
        """Write the send of a batch; the SendResult's msg_id has the ids of all messages."""
    def send_oneway(
        self,
        encoder: SendEncoder,
        message: Message,
        queue_id: int,
        *,
        born_ms: int = 0,
        sys_flag: int = 0,
        body: bytes | None = None,
    ) -> None:
        """Write the send of a message that the broker must not answer."""
    def flush(self) -> None:
        """Hand everything that was written to the transport now, not at the end of the loop turn."""
    async def drain(self) -> None:
        """Wait until requests are taken again.

        Raises:
            ConnectionClosedError: the connection ended meanwhile.
        """
    def check_deadlines(self) -> None:
        """End the requests whose time is over; the timer of the connection calls this."""
    def hold_reading(self) -> None:
        """Take nothing more from the peer for now."""
    def continue_reading(self) -> None:
        """Go on after ``hold_reading``, first with the frames that are there."""
    def close(self) -> None:
        """Send what is written, then close; requests in flight end with ConnectionClosedError at once."""
    def abort(self, error: ConnectionClosedError | None = None) -> None:
        """Close at once; what is written and not sent is lost. Requests in flight end with the error."""
    async def wait_closed(self, timeout: float | None = None) -> None:
        """Wait until the connection is gone; after ``timeout`` seconds of waiting it is aborted."""
    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the event loop puts what it receives."""
    def buffer_updated(self, nbytes: int) -> None:
        """Called by the event loop with the number of bytes it has received."""
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the event loop, once."""
    def eof_received(self) -> None:
        """Called by the event loop when the peer sends no more; the transport then closes."""
    def pause_writing(self) -> None:
        """Called by the transport when the peer does not take what it has."""
    def resume_writing(self) -> None:
        """Called by the transport when it takes data again."""
