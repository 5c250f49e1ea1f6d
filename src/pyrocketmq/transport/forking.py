"""Keeps a forked child from touching its parent's connections; knows nothing of what they are used for."""

from __future__ import annotations

import contextlib
import os
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

__all__ = ["let_go", "track"]

_sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()


def track(sock: socket.socket) -> None:
    """Remember a socket, so that a child made by fork lets it go."""
    _sockets.add(sock)


def let_go() -> None:
    """Close this process's part of all sockets from before the fork, without sending a byte.

    The numbers of the descriptors stay taken, by the null device: transports and event loops of the parent
    still hold them, and what these do later must hit neither the parent's connection nor a new file here.
    """
    inherited = list(_sockets)
    _sockets.clear()
    null = os.open(os.devnull, os.O_RDWR)
    try:
        for sock in inherited:
            number = sock.fileno()
            if number >= 0:
                with contextlib.suppress(OSError):
                    os.dup2(null, number, inheritable=False)
    finally:
        os.close(null)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=let_go)
