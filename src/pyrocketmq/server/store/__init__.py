"""The storage of the embedded broker. It must not know about requests, connections, or what topics mean."""

from .files import RealFiles
from .options import FsyncPolicy, StoreOptions
from .state import StateFile
from .store import MemoryState, MessageStore

__all__ = ["FsyncPolicy", "MemoryState", "MessageStore", "RealFiles", "StateFile", "StoreOptions"]
