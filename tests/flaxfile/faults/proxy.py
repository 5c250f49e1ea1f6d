"""A TCP proxy between a client and a server that cuts, damages, swallows and delays what passes."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
from types import TracebackType
from typing import Self

PIECE = 64 * 1024


class Proxy:
    """Passes bytes on both ways, each connection on two threads.

    Args:
        port: of the server.
        seed: of what happens at random.
    """

    def __init__(self, port: int, seed: int = 1) -> None:
        self._target = port
        self._random = random.Random(seed)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._sockets: list[socket.socket] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self.damage = 0.0
        """Probability that one byte of a piece is changed."""
        self.swallow = 0.0
        """Probability that a piece does not arrive."""
        self.delay = 0.0
        """Seconds that each piece waits."""
        self.cut = 0.0
        """Probability that a piece ends the connection."""
        self.spare = 4096
        """Bytes of each direction that pass unharmed, so that connections come to be at all."""
        self.most = 1 << 30
        """Connections that are passed on; those beyond are taken, and that is all."""
        self.passed = 0
        self.harmed = 0

    def __enter__(self) -> Self:
        self._accepting.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join(10)  # a connection that it has just taken is cut, too
        self.cut_all()
        for thread in self._threads:
            thread.join(10)

    def cut_all(self) -> None:
        """End all connections that there are now."""
        with self._lock:
            sockets, self._sockets = self._sockets, []
        for item in sockets:
            with contextlib.suppress(OSError):  # ended already
                item.shutdown(socket.SHUT_RDWR)
            item.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if len(self._threads) >= 2 * self.most:
                with self._lock:
                    self._sockets.append(near)
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                near.close()
                continue
            with self._lock:
                self._sockets += [near, far]
            for source, target in ((near, far), (far, near)):
                thread = threading.Thread(target=self._pass, args=(source, target), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        passed = 0
        try:
            while piece := bytearray(source.recv(PIECE)):
                passed += len(piece)
                self.passed += len(piece)
                if passed > self.spare:
                    if self.delay:
                        time.sleep(self.delay)
                    chance = self._random.random()
                    if chance < self.cut:
                        self.harmed += 1
                        break
                    if chance < self.cut + self.swallow:
                        self.harmed += 1
                        continue
                    if self._random.random() < self.damage:
                        self.harmed += 1
                        piece[self._random.randrange(len(piece))] ^= 1 << self._random.randrange(8)
                target.sendall(piece)
        except OSError:
            pass  # the other direction has ended it
        for item in (source, target):
            with contextlib.suppress(OSError):  # ended already
                item.shutdown(socket.SHUT_RDWR)
