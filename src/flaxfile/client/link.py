"""One session with a server: how it begins, what is said in it, how it ends.

A link that is lost stays lost; whoever needs the server makes another one. Runs in its reactor's thread,
results are futures. Knows nothing of files and of retries.
"""

from __future__ import annotations

import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Final

from flaxfile.adaptive import BEHIND_A_TUNNEL, FAR, WindowControl, distance
from flaxfile.client.asking import Answer, Questions
from flaxfile.client.dialing import Dialer
from flaxfile.client.futures import deny, give
from flaxfile.client.moving import Movements, Moving
from flaxfile.errors import ConnectError, FlaxError, ProtocolError, StalledError, from_wire
from flaxfile.protocol.header import VERSION, Header, seal, verify
from flaxfile.protocol.messages import Type, decode_payload, encode_payload
from flaxfile.reactor import Message, Reactor

if TYPE_CHECKING:
    from collections.abc import Callable

    from flaxfile._core.engine import Engine
    from flaxfile.security.crypto import Identity

__all__ = ["Link"]

PING_AFTER: Final = 1.0
"""Seconds of silence after which the server is asked whether it is there."""
LOST_AFTER: Final = 8.0
KEEP_ALIVE: Final = 15.0
LOOK_EVERY: Final = 0.25
"""Seconds between two questions of how long the way is, while something is moved."""


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
        self._host = host
        self._dialer = Dialer(host, port, identity)
        self.address = self._dialer.address
        self.encrypted = identity is not None
        self._lost_after = min(LOST_AFTER, idle_timeout)
        self._connect_timeout = connect_timeout
        self._idle_timeout = idle_timeout
        self._rate = rate
        self._begun = self._dialed = self._heard = self._pinged = time.monotonic()
        self._hello: dict[int, int] = {}  # request: socket
        self._session = ""
        self._failure: FlaxError | None = None
        self._when_grown: list[Future[None]] = []
        self.sockets = 0
        self.round_trip = 0.0
        self.least_round_trip = 0.0
        self.welcome: dict[str, Any] = {}
        self.connected: Future[None] = Future()
        self.reactor = Reactor(
            [], self, memory=memory, name=f"flaxfile-{self.address}", context=self._dialer.context
        )
        self._questions = Questions(self.address, idle_timeout)
        self._movements = Movements(self.reactor.engine, self._lost_after)
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
        self._dialed = time.monotonic()
        number = self._dialer.dial(self.reactor)
        request = self._questions.new_number()
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
                deny(done, error)
            else:
                self._wait_sockets(done)

        self._post(add, done)
        return done

    def _wait_sockets(self, done: Future[None]) -> None:
        if self._hello:
            self._when_grown.append(done)
        else:
            give(done, None)

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
        for future in (self.connected, *self._when_grown):
            deny(future, self._failure)
        self._questions.end(self._failure)
        self._movements.end(self._failure)

    def _post(self, call: Callable[[], None], waits: Future[Any]) -> None:
        """Have a call made in the thread; whoever waits for it learns when that cannot be."""

        def guarded() -> None:
            if self._failure is not None:
                deny(waits, self._failure)
                return
            try:
                call()
            except BaseException as fault:
                # It ends the link; nobody may wait for what never comes.
                deny(waits, ProtocolError(f"the connection to {self.address} failed inside: {fault!r}"))
                raise

        if not self.reactor.post(guarded):
            deny(waits, self._failure or ConnectError(f"the connection to {self.address} is closed"))

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
            self._send(Header(kind, flags, self._questions.add(future), transfer, offset), data)

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
        moving = Moving(number, what, control)
        self._post(lambda: self._movements.begin(moving, setup, self.sockets), moving.future)
        return moving

    def finish(self, moving: Moving, *, hashes: bool = False) -> Future[bytes]:
        """Take a transfer out of the engine: when this is done, its file may be closed. Gives the chunks'
        hashes.
        """
        done: Future[bytes] = Future()

        def end() -> None:
            give(done, self._movements.finish(moving, hashes=hashes))

        if not self.reactor.post(end):
            # The thread is ending, maybe within a chunk.
            self.reactor.join()
            give(done, b"")
        return done

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
            self._questions.answer(head.request, Answer(head, payload))

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
            give(self.connected, None)
        # Connections are numbered as they were made; those behind one that waits wait with it.
        self.sockets = min(self._hello.values(), default=len(self._dialer))
        if not self._hello:
            for done in self._when_grown:
                give(done, None)
            self._when_grown.clear()

    def _pong(self, head: Header, now: float) -> None:
        if head.offset == 0:
            self._questions.go_on(head.request, now)
            return
        self.round_trip = max(0.0, time.monotonic_ns() - head.offset) / 1e9
        self.least_round_trip = min(self.least_round_trip or self.round_trip, self.round_trip)
        self._questions.answer(head.request, Answer(head, b""))

    def _error(self, head: Header, payload: bytes) -> None:
        try:
            wire = decode_payload(payload)
        except ProtocolError:
            wire = {}
        error = from_wire(head.code, wire)
        if wire.get("gone") is True or head.request in self._hello:
            self._fail(error)
            return
        if not self._questions.refuse(head.request, error):
            self._movements.refuse(head.transfer, error)

    def on_transfer(self, transfer: int, cause: int) -> None:
        """A transfer is complete or failed."""
        self._movements.on_event(transfer, cause)

    def on_aux(self) -> None:
        """Reports about connections."""
        error = self._dialer.hear(in_session=bool(self._session))
        if error is not None:
            self._fail(error)

    def on_tick(self, now: float) -> None:
        """Look after what waits."""
        if not self.connected.done():
            # A report that came while nobody looked still names the cause better than the time does.
            self.on_aux()
            if self.connected.done():
                return
            late = self._dialer.late(now - self._begun, self._connect_timeout)
            if late is not None:
                self._fail(late)
            return
        if self._hello and now - self._dialed > self._idle_timeout:
            self._fail(
                ConnectError(
                    f"{self.address} takes {self.sockets} of the {len(self._dialer)} connections that were "
                    f"asked for (waited {self._idle_timeout:g} s)",
                    hint="what is in between may allow fewer: --connections N",
                )
            )
            return
        busy = bool(self._questions or self._movements or self._hello)
        if not busy:
            # Nobody has to say anything: what is asked next has all of its time.
            self._heard = now
        quiet = now - self._heard
        if busy and quiet > self._lost_after:
            self._fail(
                StalledError(
                    f"{self.address} has not been heard of for {quiet:.0f} s",
                    hint="is it stopped or cut off?",
                )
            )
            return
        every = LOOK_EVERY if self._movements else PING_AFTER if busy else KEEP_ALIVE
        if now - self._pinged >= every:
            self._ping(now)
        self._questions.look_after(now)
        self._movements.look_after(now, self.round_trip, self.least_round_trip, far=self.distance >= FAR)

    def _ping(self, now: float) -> None:
        self._pinged = now
        self._send(Header(Type.PING, offset=time.monotonic_ns()))
