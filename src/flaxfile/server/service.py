"""What a server answers: takes every message that the engine does not deal with, asks the store, replies.

Runs in the reactor's thread; whatever touches the disk is a job for the pool. Knows nothing of threads' and
sockets' making.
"""

from __future__ import annotations

import collections
import logging
import time
from typing import TYPE_CHECKING, Final, cast

from flaxfile.digests import is_available
from flaxfile.errors import (
    AuthError,
    ConnectError,
    FlaxError,
    LimitError,
    ProtocolError,
)
from flaxfile.protocol.header import VERSION, Header, decode_header, seal, verify
from flaxfile.protocol.messages import (
    CAPABILITIES,
    MAX_CHUNK,
    MAX_SOCKETS,
    Type,
    decode_payload,
    encode_payload,
    field,
)
from flaxfile.server.downloads import DownloadRequests
from flaxfile.server.files import FileRequests
from flaxfile.server.jobs import Jobs
from flaxfile.server.sessions import Session, Sessions
from flaxfile.server.transfers import Transfers
from flaxfile.server.uploads import UploadRequests

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from flaxfile.reactor import Message, Reactor
    from flaxfile.security.zap import Authenticator, Permission
    from flaxfile.server.handshakes import Handshakes
    from flaxfile.server.limits import Limits
    from flaxfile.server.zap import ZapHandler
    from flaxfile.store.store import Store

__all__ = ["Service"]

logger = logging.getLogger(__name__)

TOLD_VERSION_1: Final = (b"", b"ERROR", b"needs flaxfile >= 2")
JUDGE_AGAIN: Final = 5.0
"""Seconds between two questions whether the clients' keys are still permitted."""
HOUR: Final = 3600.0


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
        self.jobs = Jobs(pool, lambda call: self.reactor.post(call), self.refuse)  # noqa: PLW0108 - set later
        self.transfers = Transfers(self)
        self.uploads = UploadRequests(self, self.transfers)
        downloads, self._files = DownloadRequests(self, self.transfers), FileRequests(self)
        self._requests = self.uploads.requests | downloads.requests | self._files.requests
        self._zap = zap
        self._handshakes = handshakes
        self._plain: Permission | None = authenticator.permit(b"") if zap is None else None
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
        for peer, head in self.jobs.long_ones(now):
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
            self.jobs.aside(self.store.parts.sweep)

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
            "jobs": len(self.jobs),
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
