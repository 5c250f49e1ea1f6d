"""What a server gives at most. Values only."""

from __future__ import annotations

from flaxfile.errors import UsageError
from flaxfile.protocol.messages import MIN_CHUNK

__all__ = ["Limits"]


class Limits:
    """What a server gives at most.

    Args:
        memory: bytes of all chunks on their way, in and out.
        max_upload: bytes of one file.
        max_clients: clients at a time.
    """

    def __init__(self, memory: int, max_upload: int, max_clients: int) -> None:
        if memory < 8 * MIN_CHUNK:
            raise UsageError(f"memory is {memory} bytes; at least {8 * MIN_CHUNK} are needed")
        self.memory = memory
        # Chunks that come wait with libzmq, those that go in buffers of the engine.
        self.each_way = memory // 2
        self.max_upload = max_upload
        self.max_clients = max_clients
