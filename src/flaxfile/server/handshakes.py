"""Counts the connections that did not come to be, and tells of them now and then.

Who has another password, none, or speaks something else never gets as far as a question to the judge. libzmq
does not tell whose handshake it was, so neither does this.
"""

from __future__ import annotations

import contextlib
import logging
import time
from typing import Final

import zmq
from zmq.utils.monitor import parse_monitor_message

__all__ = ["Handshakes"]

logger = logging.getLogger(__name__)

FAILED: Final = zmq.Event.HANDSHAKE_FAILED_PROTOCOL | zmq.Event.HANDSHAKE_FAILED_NO_DETAIL
LOG_EVERY: Final = 10.0
"""Seconds between two log lines."""


class Handshakes:
    """Reads what the monitor of a server's socket reports.

    Args:
        router: the socket, before it is bound.
    """

    def __init__(self, router: zmq.Socket[bytes]) -> None:
        self.socket: zmq.Socket[bytes] = router.get_monitor_socket(FAILED)
        self.failed = 0
        self._told = 0
        self._told_at = 0.0

    def read(self) -> None:
        """Count all that was reported."""
        with contextlib.suppress(zmq.Again):
            while True:
                report = parse_monitor_message(self.socket.recv_multipart(zmq.NOBLOCK))
                self.failed += bool(int(report["event"]) & FAILED)
        now = time.monotonic()
        if self.failed > self._told and now - self._told_at >= LOG_EVERY:
            logger.warning(
                "%d handshakes failed: another password or key, none, or no FlaxFile",
                self.failed - self._told,
            )
            self._told, self._told_at = self.failed, now
