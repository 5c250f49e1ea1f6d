"""The transfers of a server that are under way: their numbers, their shares of the memory, their ends.

Knows nothing of what is asked for; `uploads` and `downloads` do. Everything happens in the reactor's thread.
"""

from __future__ import annotations

import abc
import errno
import secrets
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from flaxfile.causes import cause_error
from flaxfile.digests import PIECE
from flaxfile.errors import LimitError, ProtocolError
from flaxfile.paths import check_key
from flaxfile.protocol.header import Header
from flaxfile.protocol.messages import FLAG_KEEP, MAX_CHUNK, MIN_CHUNK, Type

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flaxfile._core.engine import Engine
    from flaxfile.digests import RunningHash
    from flaxfile.server.service import Service
    from flaxfile.server.sessions import Session

__all__ = ["WINDOW", "Transfer", "TransferRequests", "Transfers"]

WINDOW: Final = 64 << 20
HASHED_AT_ONCE: Final = 64 << 20
"""Bytes of a transfer that are hashed before others get their turn."""
FULL_DISK: Final = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})


@dataclass(slots=True, eq=False, kw_only=True)
class Transfer(abc.ABC):
    """An upload or a download."""

    session: Session
    peer: bytes
    """The connection it was opened on."""
    key: str
    token: str = ""
    """What the client calls it on whatever connection; downloads have no such name."""
    content: RunningHash | None = None
    """The hash of all bytes, where the chunks' hashes are not enough."""
    is_hashed_now: bool = False

    @abc.abstractmethod
    def readable(self, engine: Engine, number: int) -> int:
        """How many bytes, from the first one on, can be hashed by now."""

    @abc.abstractmethod
    def put_away(self, *, keep: bool) -> None:
        """Close its files; ``keep`` what has arrived for the next try."""


_T = TypeVar("_T", bound=Transfer)


class Transfers:
    """All transfers of a server.

    Args:
        service: whose engine moves them.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._all: dict[int, Transfer] = {}
        self._named: dict[str, int] = {}
        self._opening = 0

    def __len__(self) -> int:
        return len(self._all) + self._opening

    def __iter__(self) -> Iterator[Transfer]:
        return iter(list(self._all.values()))

    def find(self, number: int, session: Session, kind: type[_T]) -> _T | None:
        """A client's transfer by its number."""
        transfer = self._all.get(number)
        return transfer if isinstance(transfer, kind) and transfer.session is session else None

    def named(self, token: str) -> int | None:
        """The number of a transfer by the client's name for it."""
        return self._named.get(token)

    # ---- memory ----

    def share(self, more: int = 0) -> int:
        """Bytes that each transfer may have on its way, with so many more of them."""
        return self._service.limits.each_way // max(1, len(self) + more)

    def chunk(self, asked: int) -> int:
        """The chunk a new transfer gets: what is asked for, less when memory is short."""
        if not 1 <= asked <= MAX_CHUNK:
            raise ProtocolError(f"a chunk of {asked} bytes; at most {MAX_CHUNK} are possible")
        share = self.share(more=1)
        if share < 2 * MIN_CHUNK:
            raise LimitError("all memory that this server may use is taken", retry_after=1.0)
        chunk = max(asked, MIN_CHUNK)
        while 2 * chunk > share:
            chunk = max(MIN_CHUNK, chunk // 2)
        return chunk

    def _spread(self) -> None:
        self._service.reactor.engine.set_share(max(2 * MIN_CHUNK, self.share()))

    def _fewer(self) -> None:
        """There is more memory for those that go on, or none that anybody needs."""
        self._spread()
        if not self._all:
            self._service.reactor.engine.trim()

    # ---- the beginning ----

    def check_open(self, session: Session, key: str) -> None:
        """Raise if a client may not begin a transfer of this key now."""
        if self._service.closing:
            raise LimitError("the server is going down", retry_after=5.0)
        check_key(key)
        session.check_key(key)
        session.check_room()

    def opening(self, session: Session) -> None:
        """Count a transfer that is being prepared: it takes room already."""
        session.opening += 1
        self._opening += 1

    def opened(self, session: Session) -> None:
        """It is prepared, or will not be."""
        session.opening -= 1
        self._opening -= 1
        self._spread()

    def begin(self, transfer: Transfer, add: Callable[[Engine, int], None]) -> int:
        """Give a transfer a number, have it added to the engine, and put it on all connections of its
        client.
        """
        session, engine = transfer.session, self._service.reactor.engine
        if not session.peers:
            raise ProtocolError("the client has gone meanwhile")
        number = self._new_number()
        try:
            add(engine, number)
            for peer in session.peers:
                engine.add_route(number, 0, peer)
        except BaseException:
            engine.remove(number)
            raise
        self._all[number] = transfer
        session.transfers.add(number)
        if transfer.token:
            self._named[transfer.token] = number
        self._spread()
        return number

    def _new_number(self) -> int:
        while True:
            number = secrets.randbits(63)
            if number and number not in self._all:
                return number

    def hash_along(self) -> None:
        """Have hashed in the pool what is there of each transfer, so that little is left for its end."""
        engine = self._service.reactor.engine
        for number, transfer in self._all.items():
            content = transfer.content
            if content is None or transfer.is_hashed_now:
                continue
            upto = min(transfer.readable(engine, number), content.done + HASHED_AT_ONCE)
            if upto - content.done >= PIECE:
                transfer.is_hashed_now = True
                self._service.jobs.aside(partial(_hash, transfer, content, upto))

    # ---- the end ----

    def remove(self, number: int) -> Transfer:
        """Take a transfer out of the engine and forget it; its files are the caller's now."""
        transfer = self._all.pop(number)
        transfer.session.transfers.discard(number)
        self._named.pop(transfer.token, None)
        self._service.reactor.engine.remove(number)
        self._service.reactor.post(self._fewer)
        return transfer

    def give_up(self, number: int, *, keep: bool) -> None:
        """End a transfer that is not complete."""
        self.remove(number).put_away(keep=keep)

    def on_event(self, number: int, cause: int) -> None:
        """The engine has all chunks of a transfer (0), or cannot go on with it."""
        transfer = self._all.get(number)
        if transfer is None or cause == 0:
            return
        self.give_up(number, keep=cause not in FULL_DISK)
        error = cause_error(cause, repr(transfer.key))
        self._service.refuse(transfer.peer, Header(Type.ERROR, transfer=number), error)

    def abort(self, session: Session, head: Header) -> None:
        """A client gives a transfer up."""
        transfer = self._all.get(head.transfer)
        if transfer is not None and transfer.session is session:
            self.give_up(head.transfer, keep=bool(head.flags & FLAG_KEEP))

    def end_session(self, session: Session) -> None:
        """A client is gone."""
        for number in list(session.transfers):
            self.give_up(number, keep=True)

    def close(self) -> None:
        """The server ends: parts stay."""
        for number in list(self._all):
            self.give_up(number, keep=True)


class TransferRequests:
    """Answers what is asked about one kind of transfers.

    Args:
        service: answers and runs the work.
        transfers: where they are while they move.
    """

    def __init__(self, service: Service, transfers: Transfers) -> None:
        self._service = service
        self._transfers = transfers


def _hash(transfer: Transfer, content: RunningHash, upto: int) -> None:
    """Work for the pool; what cannot be read fails once more when all of it is needed."""
    try:
        content.advance(upto)
    finally:
        transfer.is_hashed_now = False
