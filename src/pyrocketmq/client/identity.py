"""Names of clients that nobody else has, not even a process of the same number on a host of the same name."""

from __future__ import annotations

import contextlib
import os
import socket
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["local_address", "make_client_id"]

# An address of documentation pages, which belongs to nobody; only the way towards it is looked up.
_SOMEWHERE: Final = ("192.0.2.1", 9)
_HERE: Final = "127.0.0.1"
_RANDOM_BYTES: Final = 8


def make_client_id(unit_name: str = "", *, address: Callable[[], str] | None = None) -> str:
    """A new client id, ``ip@pid#random``, with ``@unit_name`` if there is one.

    The random part is new for each call: containers often share address and process number.

    Args:
        unit_name: the unit of the client.
        address: gives the address; that of this machine by default.
    """
    name = f"{(address or local_address)()}@{os.getpid()}#{os.urandom(_RANDOM_BYTES).hex()}"
    return f"{name}@{unit_name}" if unit_name else name


def local_address() -> str:
    """The address that this machine sends from; that of the loopback when it has no network."""
    # Connecting a datagram socket sends nothing.
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(_SOMEWHERE)
        return str(probe.getsockname()[0])
    return _HERE
