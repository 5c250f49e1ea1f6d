"""Answers libzmq's questions about new connections (ZAP) in the server's own thread, by what the judge
says.
"""

from __future__ import annotations

import collections
import contextlib
import logging
import time
from typing import TYPE_CHECKING, Final

import zmq

if TYPE_CHECKING:
    from flaxfile.security.zap import Authenticator, Permission

__all__ = ["DOMAIN", "ZapHandler"]

logger = logging.getLogger(__name__)

DOMAIN: Final = b"flaxfile"
ENDPOINT: Final = "inproc://zeromq.zap.01"
LOG_EVERY: Final = 10.0
"""Seconds between two log lines about the same address."""


class ZapHandler:
    """The other end of libzmq's questions.

    Args:
        context: of the server; made before its socket is bound.
        judge: who is asked.
    """

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], judge: Authenticator) -> None:
        self.socket = context.socket(zmq.REP)
        self.socket.linger = 0
        self.socket.bind(ENDPOINT)
        self._judge = judge
        self._known: dict[str, tuple[bytes, Permission]] = {}
        self._logged: dict[str, tuple[float, int]] = {}
        self.counters: collections.Counter[str] = collections.Counter()

    def answer(self) -> None:
        """Answer all questions that are there."""
        with contextlib.suppress(zmq.Again):
            while True:
                self.socket.send_multipart(self._answer(self.socket.recv_multipart(zmq.NOBLOCK)))

    def _answer(self, question: list[bytes]) -> list[bytes]:
        version, number = [*question, b"", b""][:2]
        if len(question) < 7 or question[2] != DOMAIN or question[5] != b"CURVE":
            return [version, number, b"400", b"CURVE is wanted", b"", b""]
        address, key = question[3].decode("utf-8", "replace"), question[6]
        permission = self._judge.permit(key)
        if permission is None:
            self.counters["refused_keys"] += 1
            self._log(address)
            return [version, number, b"400", b"this key is not permitted", b"", b""]
        self.counters["accepted_keys"] += 1
        # Two keys may have one name: each must keep its own rights.
        user = f"{permission.name}#{key.hex()[:16]}"
        self._known[user] = (key, permission)
        return [version, number, b"200", b"OK", user.encode(), b""]

    def _log(self, address: str) -> None:
        now = time.monotonic()
        last, count = self._logged.get(address, (0.0, 0))
        if now - last < LOG_EVERY:
            self._logged[address] = (last, count + 1)
            return
        if len(self._logged) > 1000:
            self._logged.clear()
        self._logged[address] = (now, 0)
        logger.warning("a key from %s is not permitted (%d more since the last line)", address, count)

    def permission(self, user: str) -> Permission | None:
        """What the owner of this User-Id may do."""
        known = self._known.get(user)
        return known[1] if known is not None else None

    def still(self, user: str, permission: Permission) -> bool:
        """Whether a key has the same rights as when it came."""
        known = self._known.get(user)
        return known is not None and self._judge.permit(known[0]) == permission
