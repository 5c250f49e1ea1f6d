"""The engine of transfers: one thread that moves chunks between files and ZeroMQ sockets without the GIL.

It calls the libzmq that pyzmq has loaded, by the addresses that `bind` is given. It reads, hashes, sends,
receives, verifies, writes and acknowledges; whatever has to be decided comes out of `Engine.step`. It must
not know keys, permissions or retries.
"""

from collections.abc import Sequence
from typing import Any, final

from flaxfile._core.transfers import Transfers

__all__ = [
    "BINDINGS",
    "HEADER_SIZE",
    "STEP_AUX",
    "STEP_ERROR",
    "STEP_MESSAGE",
    "STEP_TIMEOUT",
    "STEP_TRANSFER",
    "STEP_WAKE",
    "Engine",
    "bind",
]

HEADER_SIZE: int
STEP_TIMEOUT: int
STEP_MESSAGE: int
STEP_WAKE: int
STEP_AUX: int
STEP_TRANSFER: int
STEP_ERROR: int
BINDINGS: tuple[str, ...]

def bind(addresses: Sequence[int]) -> None:
    """Set the addresses of the functions that `BINDINGS` names, in that order."""

@final
class Engine(Transfers):
    """Sockets and transfers of one thread; every method but none is for that thread alone.

    Args:
        sockets: addresses of open libzmq sockets; a ROUTER is alone.
        router: whether messages begin with the identity of the peer.
        wake_read: descriptor that is read when somebody wants the thread back; not blocking.
        wake_write: its other end; buffers that come back are announced here.
        memory: bytes that all buffers for sending may have.
    """

    def __new__(
        cls, sockets: Sequence[int], router: bool, wake_read: int, wake_write: int, memory: int
    ) -> Engine: ...
    def close(self) -> None:
        """Forget all transfers and give back the memory; sockets and files belong to the caller."""

    def attach(self, address: int) -> int:
        """Add a socket and return its number."""

    def watch(self, addresses: Sequence[int]) -> None:
        """Set the sockets that are watched for the caller: `STEP_AUX` says that one of them has something."""

    def step(self, timeout_ms: int) -> tuple[Any, ...]:
        """Work until something is for the caller, and return it.

        The first item is one of STEP_TIMEOUT, STEP_WAKE, STEP_AUX (nothing more), STEP_ERROR (errno),
        STEP_TRANSFER (id, cause: 0 when it is complete, an errno, or one of the CAUSE numbers) and
        STEP_MESSAGE (socket, peer, user, strange, header, payload).
        """

    def send(self, socket: int, peer: bytes, header: bytes, payload: bytes | None) -> bool:
        """Send one control message; whether the peer's pipe took it."""

    def send_raw(self, socket: int, frames: Sequence[bytes]) -> None:
        """Send frames as they are; one that libzmq does not take at once ends it."""

    def set_share(self, share: int) -> None:
        """Bound what each transfer may have on its way, whatever its window; 0 lifts it."""

    def set_rate(self, rate: int) -> None:
        """Limit all transfers together to so many bytes a second; 0 lifts it."""

    def trim(self) -> None:
        """Give the memory of buffers that are not in use back to the system."""

    def counters(self) -> dict[str, int]:
        """Return what was counted since the start."""
