"""The transfers of an engine: which chunks of what each of them moves, and how far it is.

For the thread of the engine alone. It does no networking.
"""

from typing_extensions import Buffer, disjoint_base

__all__ = [
    "ROLE_RECV_ACK",
    "ROLE_RECV_DRIVE",
    "ROLE_SEND_ASKED",
    "ROLE_SEND_DRIVE",
    "Transfers",
]

ROLE_SEND_DRIVE: int
ROLE_RECV_ACK: int
ROLE_RECV_DRIVE: int
ROLE_SEND_ASKED: int

@disjoint_base
class Transfers:
    """What an engine moves; made by the engine."""

    def __contains__(self, transfer: int, /) -> bool: ...
    def add(
        self,
        transfer: int,
        role: int,
        size: int,
        chunk: int,
        window: int,
        *,
        fd: int = -1,
        memory: Buffer | None = None,
        base: int = 0,
        map_fd: int = -1,
        granted: int = 0,
    ) -> None:
        """Add a transfer of ``size`` bytes at ``base`` of a file or a buffer; it rests until `start`."""

    def add_route(self, transfer: int, socket: int, peer: bytes) -> bool:
        """Let a peer's connection take part; False when there are too many already."""

    def preset(self, transfer: int, first: int, hashes: bytes) -> None:
        """Mark chunks from ``first`` on as held already, with their hashes; before `start`."""

    def start(self, transfer: int) -> None:
        """Let a transfer move; one that has nothing to move is complete at once."""

    def set_window(self, transfer: int, window: int) -> None:
        """Change how many bytes of a transfer may be on their way."""

    def hashes(self, transfer: int) -> bytes:
        """Return the hashes of all chunks; those of chunks that were not moved yet are zero."""

    def missing(self, transfer: int, limit: int = 1024) -> list[tuple[int, int]]:
        """Return ranges (first chunk, number) of what was not moved yet, at most ``limit`` of them."""

    def first_missing(self, transfer: int, first: int = 0) -> int:
        """Return the first chunk, from ``first`` on, that was not moved yet; the number of chunks if there is
        none.
        """

    def progress(self, transfer: int) -> tuple[int, int, int, float]:
        """Return bytes held, payload bytes on the wire, bytes on their way, seconds since the last
        movement.
        """

    def remove(self, transfer: int) -> None:
        """Take a transfer out, its journal written; its files may be closed then. An unknown id is fine."""
