"""One session with a server: its connections, the requests that wait for answers, the transfers that run.

A link that is lost stays lost; whoever needs the server makes another one. Runs in its reactor's thread,
results are futures. Knows nothing of files and of retries.
"""

from __future__ import annotations

import contextlib
import itertools
import time
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

import zmq
from zmq.utils.monitor import parse_monitor_message

from flaxfile.adaptive import BEHIND_A_TUNNEL, FAR, WindowControl, distance
from flaxfile.causes import cause_error
from flaxfile.errors import ConnectError, FlaxError, ProtocolError, StalledError, from_wire
from flaxfile.protocol.header import VERSION, Header, seal, verify
from flaxfile.protocol.messages import MAX_MESSAGE, Type, decode_payload, encode_payload
from flaxfile.reactor import Message, Reactor
from flaxfile.security.monitor import HandshakeJudge

if TYPE_CHECKING:
    from collections.abc import Callable

    from flaxfile._core.engine import Engine
    from flaxfile.security import Identity

__all__ = ["Answer", "Link", "Moving"]

_T = TypeVar("_T")

PING_AFTER: Final = 1.0
"""Seconds of silence after which the server is asked whether it is there."""
LOST_AFTER: Final = 8.0
KEEP_ALIVE: Final = 15.0
PATIENCE: Final = 2.0
"""Seconds for which a server that refuses connections is tried: it may be starting."""
LOOK_EVERY: Final = 0.25
EVENTS: Final = (
    zmq.Event.CONNECTED
    | zmq.Event.CLOSED
    | zmq.Event.DISCONNECTED
    | zmq.Event.HANDSHAKE_SUCCEEDED
    | zmq.Event.HANDSHAKE_FAILED_AUTH
    | zmq.Event.HANDSHAKE_FAILED_PROTOCOL
    | zmq.Event.HANDSHAKE_FAILED_NO_DETAIL
)


def _give(future: Future[_T], value: _T) -> None:
    """Set a result; whoever waited may have been cancelled this very moment."""
    with contextlib.suppress(InvalidStateError):
        future.set_result(value)


def _deny(future: Future[Any], error: FlaxError) -> None:
    with contextlib.suppress(InvalidStateError):
        future.set_exception(error)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered with."""

    head: Header
    payload: bytes

    def json(self) -> dict[str, Any]:
        """The payload of a control message."""
        return decode_payload(self.payload)


@dataclass(slots=True, eq=False)
class _Request:
    future: Future[Answer]
    heard: float


@dataclass(slots=True, eq=False)
class Moving:
    """A transfer of this link, as its last look saw it."""

    number: int
    future: Future[None]
    what: str
    control: WindowControl
    done_bytes: int = 0
    wire_bytes: int = 0
    still_for: float = 0.0
    ended: bool = field(default=False)


class Link:
    """A session.

    Args:
        host: of the server.
        port: of the server.
        identity: keys, None for a plain connection.
        memory: bytes of buffers for sending.
        connect_timeout: seconds until the first answer.
        idle_timeout: seconds that a request or a transfer may stand still.
        rate: bytes a second of all transfers, 0 for no limit.
    """

    def __init__(
        self,
        host: str,
        port: int,
        identity: Identity | None,
        *,
        memory: int,
        connect_timeout: float,
        idle_timeout: float,
        rate: int = 0,
    ) -> None:
        self.address = f"{host}:{port}"
        self._host = host
        self._endpoint = f"tcp://[{host.strip('[]')}]:{port}" if ":" in host else f"tcp://{self.address}"
        self._identity = identity
        self._idle_timeout = idle_timeout
        self._connect_timeout = connect_timeout
        self._rate = rate
        self._judge = HandshakeJudge(self.address, encrypted=identity is not None)
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context(io_threads=1 if identity is None else 2)
        self._begun = self._heard = self._pinged = self._looked = time.monotonic()
        self._refused = False
        self._reached = False
        self._numbers = itertools.count(1)
        self._requests: dict[int, _Request] = {}
        self._moving: dict[int, Moving] = {}
        self._hello: dict[int, int] = {}  # request: socket
        self._session = ""
        self._failure: FlaxError | None = None
        self._when_grown: list[Future[None]] = []
        self._monitors: list[zmq.Socket[bytes]] = []
        self.sockets = 0
        self.round_trip = 0.0
        self.least_round_trip = 0.0
        self.welcome: dict[str, Any] = {}
        self.connected: Future[None] = Future()
        self.encrypted = identity is not None
        self.reactor = Reactor(
            [], self, memory=memory, name=f"flaxfile-{self.address}", context=self._context
        )
        self.reactor.start()
        self.reactor.post(self._first)

    # ---- beginning and end ----

    @property
    def distance(self) -> float:
        """The round trip in seconds, as far as plans go by it."""
        return distance(self._host, self.least_round_trip)

    @property
    def alive(self) -> bool:
        """Whether it can be used."""
        return self._failure is None

    def _first(self) -> None:
        if self._rate:
            self.reactor.engine.set_rate(self._rate)
        self._connect()

    def _connect(self) -> None:
        dealer = self._context.socket(zmq.DEALER)
        dealer.sndhwm = 0
        dealer.rcvhwm = 0
        dealer.maxmsgsize = MAX_MESSAGE
        dealer.linger = 0
        dealer.heartbeat_ivl = 2000
        dealer.heartbeat_timeout = 6000
        dealer.handshake_ivl = 10000
        dealer.reconnect_ivl = 100
        dealer.ipv6 = "[" in self._endpoint
        if self._identity is not None:
            dealer.curve_serverkey = self._identity.server_public
            dealer.curve_publickey = self._identity.client_public
            dealer.curve_secretkey = self._identity.client_secret
        monitor = dealer.get_monitor_socket(EVENTS)
        self._monitors.append(monitor)
        number = self.reactor.attach(dealer, monitor)
        try:
            dealer.connect(self._endpoint)
        except zmq.ZMQError as error:
            raise ConnectError(
                f"{self.address} is no address to connect to: {error.strerror}", retryable=False
            ) from error
        request = next(self._numbers)
        self._hello[request] = number
        hello: dict[str, object] = {"versions": [VERSION], "client": "flaxfile 2", "session": self._session}
        self._send(Header(Type.HELLO, request=request), encode_payload(hello), number)

    def grow(self, sockets: int) -> Future[None]:
        """Have at least so many connections."""
        done: Future[None] = Future()

        def add() -> None:
            missing = min(sockets, int(self.welcome.get("max_sockets", 1))) - self.sockets - len(self._hello)
            try:
                for _ in range(missing):
                    self._connect()
            except FlaxError as error:
                _deny(done, error)
            else:
                self._wait_sockets(done)

        self._post(add, done)
        return done

    def _wait_sockets(self, done: Future[None]) -> None:
        if self._hello:
            self._when_grown.append(done)
        else:
            _give(done, None)

    def close(self) -> Future[None]:
        """Say goodbye and end; done when nothing is left of the link."""

        def goodbye() -> None:
            if self._session:
                self._send(Header(Type.ABORT))
            self._fail(ConnectError(f"the connection to {self.address} was closed by this side"))

        self.reactor.post(goodbye)
        return self.reactor.finished

    def _fail(self, error: FlaxError) -> None:
        if self._failure is None:
            self._failure = error
        self.reactor.stop()

    def on_end(self, cause: BaseException | None) -> None:
        """All that waits gets the reason."""
        if self._failure is None and isinstance(cause, FlaxError):
            self._failure = cause
        if self._failure is None:
            self._failure = ProtocolError(
                f"the connection to {self.address} ended: {cause!r}", retryable=True
            )
        waiting: list[Future[Any]] = [self.connected, *self._when_grown]
        waiting += [request.future for request in self._requests.values()]
        waiting += [moving.future for moving in self._moving.values()]
        self._requests.clear()
        self._moving.clear()
        for future in waiting:
            if not future.done():
                _deny(future, self._failure)

    def _post(self, call: Callable[[], None], waits: Future[Any]) -> None:
        """Have a call made in the thread; whoever waits for it learns when that cannot be."""

        def guarded() -> None:
            if self._failure is not None:
                if not waits.done():
                    _deny(waits, self._failure)
                return
            try:
                call()
            except BaseException as fault:
                # It ends the link; nobody may wait for what never comes.
                if not waits.done():
                    _deny(waits, ProtocolError(f"the connection to {self.address} failed inside: {fault!r}"))
                raise

        if not self.reactor.post(guarded) and not waits.done():
            _deny(waits, self._failure or ConnectError(f"the connection to {self.address} is closed"))

    # ---- requests ----

    def request(
        self,
        kind: Type,
        payload: dict[str, object] | bytes,
        *,
        transfer: int = 0,
        flags: int = 0,
        offset: int = 0,
    ) -> Future[Answer]:
        """Ask; the future has the answer or the error."""
        future: Future[Answer] = Future()
        data = payload if isinstance(payload, bytes) else encode_payload(payload)

        def ask() -> None:
            number = next(self._numbers)
            self._requests[number] = _Request(future, time.monotonic())
            self._send(Header(kind, flags, number, transfer, offset), data)

        self._post(ask, future)
        return future

    def tell(self, kind: Type, *, transfer: int = 0, flags: int = 0) -> None:
        """Say something that has no answer."""
        self.reactor.post(lambda: self._send(Header(kind, flags, 0, transfer)))

    def _send(self, header: Header, payload: bytes = b"", socket: int = 0) -> None:
        self.reactor.engine.send(socket, b"", seal(header, payload), payload)

    # ---- transfers ----

    def move(self, number: int, what: str, control: WindowControl, setup: Callable[[Engine], None]) -> Moving:
        """Run a transfer that ``setup`` adds to the engine; its future is done when all has been moved."""
        moving = Moving(number, Future(), what, control)

        def begin() -> None:
            engine = self.reactor.engine
            try:
                setup(engine)
                for socket in range(self.sockets):
                    engine.add_route(number, socket, b"")
                self._moving[number] = moving
                engine.start(number)
            except (ValueError, KeyError, MemoryError, OSError, BufferError) as error:
                self._moving.pop(number, None)
                _deny(moving.future, ProtocolError(f"{what} cannot be moved: {error}"))

        self._post(begin, moving.future)
        return moving

    def finish(self, moving: Moving, *, hashes: bool = False) -> Future[bytes]:
        """Take a transfer out of the engine: when this is done, its file may be closed. Gives the chunks'
        hashes.
        """
        done: Future[bytes] = Future()

        def end() -> None:
            engine = self.reactor.engine
            self._moving.pop(moving.number, None)
            found = b""
            if moving.number in engine:
                self._look(moving)
                found = engine.hashes(moving.number) if hashes else b""
                engine.remove(moving.number)
            if not self._moving:
                engine.trim()
            _give(done, found)

        if not self.reactor.post(end):
            # The thread is ending, maybe within a chunk.
            self.reactor.join()
            _give(done, b"")
        return done

    def _look(self, moving: Moving) -> None:
        moving.done_bytes, moving.wire_bytes, _, moving.still_for = self.reactor.engine.progress(
            moving.number
        )

    # ---- the reactor's calls ----

    def on_message(self, message: Message) -> None:
        """An answer."""
        header, payload = message.header, message.payload
        now = time.monotonic()
        self._heard = now
        if message.strange == 2:
            return  # chunks of a transfer that was given up
        if message.strange == 1 and not self._session:
            self._fail(ProtocolError(f"what answers at {self.address} is no FlaxFile server of version 2"))
            return
        try:
            head = None if message.strange else verify(header, payload)
        except ProtocolError:
            head = None
        if head is None:
            # Whatever it said has to be said again, on new connections.
            self._fail(ConnectError(f"a message from {self.address} was damaged on its way"))
            return
        if head.type == Type.PONG:
            self._pong(head, now)
        elif head.type == Type.ERROR:
            self._error(head, payload)
        elif head.request in self._hello:
            self._welcome(head, payload)
        else:
            request = self._requests.pop(head.request, None)
            if request is not None:
                _give(request.future, Answer(head, payload))

    def _welcome(self, head: Header, payload: bytes) -> None:
        if head.type != Type.WELCOME:
            self._fail(ProtocolError(f"{self.address} answered HELLO with a message of type {head.type}"))
            return
        del self._hello[head.request]
        if not self._session:
            self.welcome = decode_payload(payload)
            self._session = str(self.welcome.get("session", ""))
            # The round trip is known with the answer to this; until then only a far server is told by the
            # time that the handshake took, about four of them.
            self._ping(time.monotonic())
            guess = (time.monotonic() - self._begun) / 4
            self.round_trip = self.least_round_trip = guess if guess > BEHIND_A_TUNNEL else 0.0
            _give(self.connected, None)
        # Connections are numbered as they were made; those behind one that waits wait with it.
        self.sockets = min(self._hello.values(), default=self._count())
        if not self._hello:
            for done in self._when_grown:
                _give(done, None)
            self._when_grown.clear()

    def _count(self) -> int:
        return len(self._monitors)

    def _pong(self, head: Header, now: float) -> None:
        request = self._requests.get(head.request)
        if request is not None and head.offset == 0:
            request.heard = now  # it is still being worked on
            return
        if head.offset:
            self.round_trip = max(0.0, time.monotonic_ns() - head.offset) / 1e9
            self.least_round_trip = min(self.least_round_trip or self.round_trip, self.round_trip)
            if request is not None:
                del self._requests[head.request]
                _give(request.future, Answer(head, b""))

    def _error(self, head: Header, payload: bytes) -> None:
        try:
            wire = decode_payload(payload)
        except ProtocolError:
            wire = {}
        error = from_wire(head.code, wire)
        if wire.get("gone") is True or head.request in self._hello:
            self._fail(error)
            return
        request = self._requests.pop(head.request, None)
        if request is not None:
            _deny(request.future, error)
            return
        moving = self._moving.get(head.transfer)
        if moving is not None and not moving.future.done():
            _deny(moving.future, error)

    def on_transfer(self, transfer: int, cause: int) -> None:
        """A transfer is complete or failed."""
        moving = self._moving.get(transfer)
        if moving is None:
            return
        self._look(moving)
        if moving.future.done():
            return
        if cause == 0:
            _give(moving.future, None)
        else:
            _deny(moving.future, cause_error(cause, moving.what))

    def on_aux(self) -> None:
        """Reports about connections."""
        for monitor in self._monitors:
            with contextlib.suppress(zmq.Again):
                while True:
                    report = parse_monitor_message(monitor.recv_multipart(zmq.NOBLOCK))
                    self._report(int(report["event"]), int(report["value"]))

    def _report(self, event: int, value: int) -> None:
        if event == zmq.Event.CONNECTED:
            self._reached = True
        elif event == zmq.Event.CLOSED:
            self._refused = True
        elif event == zmq.Event.DISCONNECTED and self._session:
            self._fail(ConnectError(f"the connection to {self.address} was lost"))
        try:
            self._judge.hear(event, value)
        except FlaxError as error:
            self._fail(error)

    def on_tick(self, now: float) -> None:
        """Look after what waits."""
        if not self.connected.done():
            # A report that came while nobody looked still names the cause better than the time does.
            self.on_aux()
            if self.connected.done():
                return
            waited = now - self._begun
            if waited > self._connect_timeout or (self._refused and not self._reached and waited > PATIENCE):
                self._fail(self._judge.late(round(waited, 1)))
            return
        busy = bool(self._requests or self._moving or self._hello)
        quiet = now - self._heard
        if busy and quiet > min(LOST_AFTER, self._idle_timeout):
            self._fail(
                StalledError(
                    f"{self.address} has not been heard of for {quiet:.0f} s",
                    hint="is it stopped or cut off?",
                )
            )
            return
        every = LOOK_EVERY if self._moving else PING_AFTER if busy else KEEP_ALIVE
        if now - self._pinged >= every:
            self._ping(now)
        for number, request in list(self._requests.items()):
            if now - request.heard > self._idle_timeout:
                del self._requests[number]
                _deny(
                    request.future,
                    StalledError(f"{self.address} did not answer within {self._idle_timeout:g} s"),
                )
        if now - self._looked >= 0.05:
            self._looked = now
            for moving in list(self._moving.values()):
                self._control(moving, now)

    def _ping(self, now: float) -> None:
        self._pinged = now
        self._send(Header(Type.PING, offset=time.monotonic_ns()))

    def _control(self, moving: Moving, now: float) -> None:
        self._look(moving)
        if not moving.future.done() and moving.still_for > min(self._idle_timeout, LOST_AFTER):
            # The server answers, but a chunk or its acknowledgement went astray.
            _deny(moving.future, StalledError(f"{moving.what} has not moved for {moving.still_for:.0f} s"))
        if self.distance >= FAR:
            before = moving.control.window
            window = moving.control.look(now, moving.done_bytes, self.round_trip, self.least_round_trip)
            if window != before:
                self.reactor.engine.set_window(moving.number, window)
