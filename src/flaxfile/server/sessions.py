"""Who is connected: sessions, the connections that belong to each, and what each may do. No I/O."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from flaxfile.errors import AuthError, LimitError, ProtocolError
from flaxfile.protocol.messages import MAX_SOCKETS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flaxfile.protocol.header import Header
    from flaxfile.security.zap import Permission

    # What answers a request: whose, the connection it came on, its header and its payload.
    Handler = Callable[["Session", bytes, Header, dict[str, object]], None]

__all__ = ["IDLE", "MAX_TRANSFERS", "Session", "Sessions"]

IDLE: Final = 90.0
"""Seconds without a message after which a session is over; clients send one every 15."""
MAX_TRANSFERS: Final = 64
"""Transfers of one client at a time."""


@dataclass(slots=True, eq=False)
class Session:
    """One client, with all of its connections."""

    token: bytes
    user: str
    permission: Permission
    seen: float
    peers: set[bytes] = field(default_factory=set[bytes])
    transfers: set[int] = field(default_factory=set[int])
    opening: int = 0
    """Transfers that are being prepared."""

    @property
    def owner(self) -> str:
        """Whose parts are whose."""
        return self.permission.name

    def check_write(self) -> None:
        """Raise if this client may only read."""
        if self.permission.read_only:
            raise AuthError(f"{self.permission.name!r} may only read here")

    def check_key(self, key: str) -> None:
        """Raise if a key is not for this client."""
        if not self.permission.covers(key):
            raise AuthError(f"{self.permission.name!r} may only use keys below {self.permission.prefix!r}")

    def check_room(self) -> None:
        """Raise if this client has as many transfers as one may have."""
        if len(self.transfers) + self.opening >= MAX_TRANSFERS:
            raise LimitError(f"a client may have {MAX_TRANSFERS} transfers at a time", retry_after=1.0)


class Sessions:
    """All clients.

    Args:
        most: how many there may be.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._by_token: dict[bytes, Session] = {}
        self._by_peer: dict[bytes, Session] = {}

    def __len__(self) -> int:
        return len(self._by_token)

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._by_token.values()))

    def find(self, peer: bytes, user: str, now: float) -> Session | None:
        """The session of a connection; it has been heard of now."""
        session = self._by_peer.get(peer)
        if session is None or session.user != user:
            return None
        session.seen = now
        return session

    def hello(
        self, peer: bytes, user: str, permission: Permission, token: bytes | None, now: float
    ) -> Session:
        """Begin a session, or join one by its token."""
        if token is None:
            if len(self._by_token) >= self._most:
                raise LimitError(f"the server has {self._most} clients already", retry_after=5.0)
            session = Session(secrets.token_bytes(16), user, permission, now)
            self._by_token[session.token] = session
        else:
            joined = self._by_token.get(token)
            # The same answer for a token of another client: it must not be known which exist.
            if joined is None or joined.user != user:
                raise ProtocolError("there is no session to join", retryable=True)
            session = joined
            if len(session.peers) >= MAX_SOCKETS:
                raise LimitError(f"a client may have {MAX_SOCKETS} connections")
        self.leave(peer)
        session.peers.add(peer)
        session.seen = now
        self._by_peer[peer] = session
        return session

    def leave(self, peer: bytes) -> None:
        """Forget a connection."""
        session = self._by_peer.pop(peer, None)
        if session is not None:
            session.peers.discard(peer)

    def end(self, session: Session) -> None:
        """Forget a client."""
        self._by_token.pop(session.token, None)
        for peer in session.peers:
            self._by_peer.pop(peer, None)
        session.peers.clear()

    def idle(self, now: float) -> list[Session]:
        """Those that have been quiet for too long."""
        return [session for session in self._by_token.values() if now - session.seen > IDLE]
