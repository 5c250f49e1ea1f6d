"""What a server answers: takes every message that the engine does not deal with, asks the store, replies.

Runs in the reactor's thread; whatever touches the disk runs in a pool and comes back as a posted call. Knows
nothing of threads' and sockets' making.
"""

from __future__ import annotations

import collections
import contextlib
import logging
import time
from typing import TYPE_CHECKING, Final, TypeVar, cast

from flaxfile.digests import is_available
from flaxfile.errors import (
    AuthError,
    ConnectError,
    FlaxError,
    LimitError,
    ProtocolError,
    UsageError,
)
from flaxfile.protocol.header import VERSION, Header, decode_header, seal, verify
from flaxfile.protocol.messages import (
    CAPABILITIES,
    MAX_CHUNK,
    MAX_SOCKETS,
    MIN_CHUNK,
    Type,
    decode_payload,
    encode_payload,
    field,
)
from flaxfile.server.downloads import DownloadRequests
from flaxfile.server.files import FileRequests
from flaxfile.server.sessions import Session, Sessions
from flaxfile.server.transfers import Transfers
from flaxfile.server.uploads import UploadRequests

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from flaxfile.reactor import Message, Reactor
    from flaxfile.security.zap import Authenticator, Permission
    from flaxfile.server.handshakes import Handshakes
    from flaxfile.server.zap import ZapHandler
    from flaxfile.store.store import Store

__all__ = ["Limits", "Service"]

logger = logging.getLogger(__name__)

_T = TypeVar("_T")

TOLD_VERSION_1: Final = (b"", b"ERROR", b"needs flaxfile >= 2")
STILL_AFTER: Final = 1.0
"""Seconds of work on a request after which, and then each time, its client is told that it goes on."""
JUDGE_AGAIN: Final = 5.0
"""Seconds between two questions whether the clients' keys are still permitted."""
HOUR: Final = 3600.0
MAX_JOBS: Final = 4096


class Limits:
    """What a server gives at most.

    Args:
        memory: bytes of all chunks on their way, in and out.
        max_upload: bytes of one file.
        max_clients: clients at a time.
    """

    def __init__(self, memory: int, max_upload: int, max_clients: int) -> None:
        if memory < 8 * MIN_CHUNK:
            raise UsageError(f"memory is {memory} bytes; at least {8 * MIN_CHUNK} are needed")
        self.memory = memory
        # Chunks that come wait with libzmq, those that go in buffers of the engine.
        self.each_way = memory // 2
        self.max_upload = max_upload
        self.max_clients = max_clients


class Service:
    """The handler of a server's reactor.

    Args:
        store: where files are.
        pool: where work on the disk is done.
        authenticator: judge of clients.
        limits: what is given at most.
        zap: asked by libzmq about new connections; None for a plain server.
        handshakes: counts those that failed before anybody was asked.
    """

    def __init__(
        self,
        store: Store,
        pool: Executor,
        authenticator: Authenticator,
        limits: Limits,
        *,
        zap: ZapHandler | None,
        handshakes: Handshakes,
    ) -> None:
        self.store = store
        self.limits = limits
        self.counters: collections.Counter[str] = collections.Counter()
        self.sessions = Sessions(limits.max_clients)
        self.transfers = Transfers(self)
        self.uploads = UploadRequests(self, self.transfers)
        downloads, self._files = DownloadRequests(self, self.transfers), FileRequests(self)
        self._requests = self.uploads.requests | downloads.requests | self._files.requests
        self._pool = pool
        self._zap = zap
        self._handshakes = handshakes
        self._plain: Permission | None = authenticator.permit(b"") if zap is None else None
        self._jobs: dict[int, tuple[bytes, Header, float]] = {}
        self._next_job = 0
        self._judged = self._swept = 0.0
        self._told: dict[bytes, float] = {}
        self.closing = False
        self.ended: Callable[[BaseException | None], None] | None = None
        self.reactor: Reactor

    # ---- the reactor's calls ----

    def on_message(self, message: Message) -> None:
        """Answer one message."""
        _, peer, user, strange, header, payload = message
        now = time.monotonic()
        if strange == 1 and self.sessions.find(peer, user, now) is None:
            self._not_ours(peer, now)
            return
        if strange == 2:
            self._no_such_transfer(peer, user, decode_header(header), now)
            return
        try:
            head = None if strange else verify(header, payload)
        except ProtocolError:
            head = None
        if head is None:
            self._damaged(peer, now)
            return
        try:
            self._dispatch(peer, user, head, payload, now)
        except FlaxError as error:
            self.refuse(peer, head, error)
        except Exception:
            logger.exception("a message of type %d", head.type)
            self.refuse(peer, head, ProtocolError("the server failed inside; its log says why"))

    def on_transfer(self, transfer: int, cause: int) -> None:
        """A transfer stopped, or has all of its chunks."""
        self.transfers.on_event(transfer, cause)

    def on_aux(self) -> None:
        """New connections ask to be let in, or were not."""
        self._handshakes.read()
        if self._zap is not None:
            self._zap.answer()

    def on_tick(self, now: float) -> None:
        """Housekeeping."""
        for number, (peer, head, told) in list(self._jobs.items()):
            if now - told > STILL_AFTER:
                self._jobs[number] = (peer, head, now)
                self._send(peer, Header(Type.PONG, request=head.request, transfer=head.transfer))
        if not self.closing:
            self.transfers.hash_along()
        for session in self.sessions.idle(now):
            self.end_session(session)
        if now - self._judged > JUDGE_AGAIN:
            self._judged = now
            self._told.clear()
            self._judge_again()
            for session in self.sessions:
                if now - session.seen > JUDGE_AGAIN and self.is_gone(session):
                    self.end_session(session)
        if now - self._swept > HOUR and not self.closing:
            self._swept = now
            self._pool.submit(self.store.parts.sweep)

    def on_end(self, cause: BaseException | None) -> None:
        """The reactor is done: what is there of each upload stays for the next try."""
        self.transfers.close()
        if self.ended is not None:
            self.ended(cause)

    # ---- answering ----

    def reply(
        self, peer: bytes, head: Header, kind: Type, payload: dict[str, object], *, transfer: int = 0
    ) -> None:
        """Answer a request."""
        self._send(
            peer,
            Header(kind, request=head.request, transfer=transfer or head.transfer),
            encode_payload(payload),
        )

    def reply_bytes(self, peer: bytes, head: Header, kind: Type, payload: bytes) -> None:
        """Answer a request with a payload that is no JSON."""
        self._send(peer, Header(kind, request=head.request, transfer=head.transfer), payload)

    def refuse(self, peer: bytes, head: Header, error: FlaxError) -> None:
        """Answer a request with an error."""
        self.counters[f"errors_{error.name.lower()}"] += 1
        answer = Header(Type.ERROR, request=head.request, transfer=head.transfer, code=error.code)
        self._send(peer, answer, encode_payload(error.to_wire()))

    def _send(self, peer: bytes, header: Header, payload: bytes = b"") -> None:
        self.reactor.engine.send(0, peer, seal(header, payload), payload)

    def run(
        self,
        peer: bytes,
        head: Header,
        work: Callable[[Callable[[], None]], _T],
        done: Callable[[_T], None],
        settled: Callable[[], None] = lambda: None,
    ) -> None:
        """Have work done in the pool, then ``done`` with its result here; an error becomes the answer.

        ``work`` gets a function it may call now and then; it does nothing but to be there. ``settled`` is
        called once when the work is over, before ``done`` or the answer. When this raises, nothing was begun
        and nothing is called; when it returns, nothing was called yet.
        """
        if len(self._jobs) >= MAX_JOBS:
            raise LimitError("the server has too much to do", retry_after=1.0)
        self._next_job += 1
        number = self._next_job

        def finish(result: _T) -> None:
            self._jobs.pop(number)
            settled()
            try:
                done(result)
            except Exception as fault:  # noqa: BLE001 - told to the client, and logged if it is no refusal
                refuse(fault)

        def fail(error: BaseException) -> None:
            self._jobs.pop(number)
            settled()
            refuse(error)

        def refuse(error: BaseException) -> None:
            if not isinstance(error, FlaxError):
                logger.error("a request of type %d", head.type, exc_info=error)
                error = ProtocolError("the server failed inside; its log says why")
            self.refuse(peer, head, error)

        def job() -> None:
            try:
                result = work(lambda: None)
            except BaseException as error:  # noqa: BLE001 - handed over to the reactor's thread
                caught = error
                self.reactor.post(lambda: fail(caught))
            else:
                self.reactor.post(lambda: finish(result))

        try:
            self._pool.submit(job)
        except RuntimeError as error:
            # The pool takes nothing any more: what was begun before is all that is still done.
            raise LimitError("the server is going down", retry_after=5.0) from error
        self._jobs[number] = (peer, head, time.monotonic())

    def aside(self, work: Callable[[], None]) -> None:
        """Have something done in the pool that nobody waits for; not when the server ends."""
        with contextlib.suppress(RuntimeError):
            self._pool.submit(work)

    # ---- requests ----

    def _dispatch(self, peer: bytes, user: str, head: Header, payload: bytes, now: float) -> None:
        if head.type == Type.HELLO:
            self._hello(peer, user, head, decode_payload(payload), now)
            return
        session = self.sessions.find(peer, user, now)
        if session is None:
            raise _gone()
        if head.type == Type.PING:
            self._send(peer, Header(Type.PONG, request=head.request, offset=head.offset))
        elif head.type == Type.ABORT:
            if head.transfer == 0:
                self.end_session(session)
            else:
                self.transfers.abort(session, head)
        elif head.type in self._requests:
            self._requests[Type(head.type)](session, peer, head, decode_payload(payload))
        elif head.type == Type.PACK_PUT:
            self._files.pack_put(session, peer, head, payload)
        elif head.type == Type.COPY:
            self.uploads.copy(session, peer, head, payload)
        elif head.type != Type.PONG:
            raise ProtocolError(f"messages of type {head.type} are not known here")

    def _hello(self, peer: bytes, user: str, head: Header, payload: dict[str, object], now: float) -> None:
        if self.closing:
            raise LimitError("the server is going down", retry_after=5.0)
        versions = cast("list[object]", field(payload, "versions", list))
        if VERSION not in versions:
            raise ProtocolError(f"this server speaks protocol {VERSION}, the client {versions}")
        text = field(payload, "session", str, "")
        try:
            token = bytes.fromhex(text) if text else None
        except ValueError:
            raise ProtocolError("a session is named by hexadecimal digits") from None
        permission = self._plain if self._zap is None else self._zap.permission(user)
        if permission is None:
            raise AuthError("this key is not permitted")
        session = self.sessions.hello(peer, user, permission, token, now)
        for number in session.transfers:
            self.reactor.engine.add_route(number, 0, peer)
        answer: dict[str, object] = {
            "version": VERSION,
            "session": session.token.hex(),
            "max_chunk": MAX_CHUNK,
            "max_window": self.limits.memory // 2,
            "max_sockets": MAX_SOCKETS,
            "capabilities": [*CAPABILITIES, *(["blake3"] if is_available("blake3") else [])],
            "read_only": permission.read_only,
        }
        self.reply(peer, head, Type.WELCOME, answer)

    def end_session(self, session: Session) -> None:
        """A client is gone: its uploads wait for it as parts."""
        self.transfers.end_session(session)
        self.sessions.end(session)

    def is_gone(self, session: Session) -> bool:
        """Whether no connection of a client is there any more, found out by sending what asks nothing."""
        data = seal(Header(Type.PONG))
        return not any(self.reactor.engine.send(0, peer, data, b"") for peer in list(session.peers))

    def _judge_again(self) -> None:
        if self._zap is not None:
            for session in self.sessions:
                if not self._zap.still(session.user, session.permission):
                    logger.info("the key of %s is not permitted any more", session.permission.name)
                    self.end_session(session)

    # ---- what is no request ----

    def _tells(self, peer: bytes, now: float) -> bool:
        """Whether this peer may be told about something it did not ask, which happens at a bounded rate."""
        if now - self._told.get(peer, 0.0) < 0.1 or len(self._told) > 10000:
            return False
        self._told[peer] = now
        return True

    def _not_ours(self, peer: bytes, now: float) -> None:
        self.counters["version_1_peers"] += 1
        if self._tells(peer, now):
            self.reactor.engine.send_raw(0, (peer, *TOLD_VERSION_1))

    def _damaged(self, peer: bytes, now: float) -> None:
        # Nobody knows what it was about: its client has to begin again with what is missing.
        self.counters["bad_messages"] += 1
        if self._tells(peer, now):
            self.refuse(
                peer, Header(Type.ERROR), _GoneError("a message to the server was damaged on its way")
            )

    def _no_such_transfer(self, peer: bytes, user: str, head: Header, now: float) -> None:
        # Chunks of a transfer that has just ended are no fault.
        known = self.sessions.find(peer, user, now)
        if self._tells(peer, now):
            error = _gone() if known is None else ConnectError("the server does not have this transfer")
            self.refuse(peer, head._replace(request=0), error)

    def stats(self) -> dict[str, int]:
        """What is there and what was counted."""
        return {
            "clients": len(self.sessions),
            "transfers": len(self.transfers),
            "jobs": len(self._jobs),
            "failed_handshakes": self._handshakes.failed,
            **self.reactor.engine.counters(),
            **self.counters,
            **({} if self._zap is None else self._zap.counters),
        }


class _GoneError(ConnectError):
    """The client has to begin a new session."""

    def to_wire(self) -> dict[str, object]:
        return {**super().to_wire(), "gone": True}


def _gone() -> FlaxError:
    return _GoneError(
        "the server does not know this session: it was started again, or heard nothing for too long"
    )
