"""Sockets of the libzmq that pyzmq has, for programs that need no more of pyzmq than its library.

Its functions are called by the addresses that `bind` is given. A context and its sockets are for one thread
at a time; it must not know what is sent.
"""

from collections.abc import Sequence
from typing import Self, final

__all__ = ["BINDINGS", "Context", "Socket", "bind"]

BINDINGS: tuple[str, ...]

def bind(addresses: Sequence[int]) -> None:
    """Set the addresses of the functions that `BINDINGS` names, in that order; once, before the first
    context.
    """

@final
class Context:
    """What sockets share: so many threads that move bytes."""

    def __new__(cls, io_threads: int = 1) -> Self: ...
    def socket(self, kind: int) -> Socket:
        """Open a socket of a kind that libzmq numbers; it waits for nothing when it is closed."""

    def term(self) -> None:
        """End; every socket must have been closed."""

@final
class Socket:
    """A socket that `Context.socket` opened."""

    @property
    def underlying(self) -> int:
        """The address of libzmq's socket."""

    def set(self, option: int, value: int | bytes) -> None:
        """Set an option that libzmq numbers: a number, or bytes."""

    def set_wide(self, option: int, value: int) -> None:
        """Set an option that has 64 bits."""

    def connect(self, endpoint: str) -> None:
        """Connect to, say, ``tcp://127.0.0.1:25555``, now or as soon as somebody is there."""

    def monitor(self, events: int) -> Socket:
        """Have events reported; what comes out of the socket that this returns tells of them."""

    def receive(self) -> list[bytes] | None:
        """The frames of one message that has come; None when there is none."""

    def close(self) -> None:
        """Close; once more does nothing."""
