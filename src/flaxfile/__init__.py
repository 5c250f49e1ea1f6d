"""FlaxFile: file transfer and directory sync over ZeroMQ, on one TCP port.

Every name is imported when it is first used: a command that moves one small file waits for no other.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flaxfile.adaptive import calculate_adaptive_concurrency
    from flaxfile.client.async_client import AsyncClient
    from flaxfile.client.client import Client
    from flaxfile.compat import FlaxFileServer, MultiSocketFlaxFileClient, MultiSocketFlaxFileClientSync
    from flaxfile.errors import FlaxError
    from flaxfile.model import Entry
    from flaxfile.result import TransferResult
    from flaxfile.security.crypto import Identity
    from flaxfile.server.server import Server
    from flaxfile.sync.report import SyncReport

__all__ = [
    "AsyncClient",
    "Client",
    "Entry",
    "FlaxError",
    "FlaxFileServer",
    "Identity",
    "MultiSocketFlaxFileClient",
    "MultiSocketFlaxFileClientSync",
    "Server",
    "SyncReport",
    "TransferResult",
    "__version__",
    "calculate_adaptive_concurrency",
]

__version__ = "2.0.0"

_PLACES = {
    "AsyncClient": "flaxfile.client.async_client",
    "Client": "flaxfile.client.client",
    "Entry": "flaxfile.model",
    "FlaxError": "flaxfile.errors",
    "FlaxFileServer": "flaxfile.compat",
    "Identity": "flaxfile.security.crypto",
    "MultiSocketFlaxFileClient": "flaxfile.compat",
    "MultiSocketFlaxFileClientSync": "flaxfile.compat",
    "Server": "flaxfile.server.server",
    "SyncReport": "flaxfile.sync.report",
    "TransferResult": "flaxfile.result",
    "calculate_adaptive_concurrency": "flaxfile.adaptive",
}


def __getattr__(name: str) -> Any:
    place = _PLACES.get(name)
    if place is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = importlib.import_module(place)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == __name__:
            raise
        from flaxfile.errors import MissingExtraError  # noqa: PLC0415 - only then

        raise MissingExtraError(
            f"flaxfile.{name} needs the package {error.name}, which is not installed"
        ) from error
    value = globals()[name] = getattr(module, name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
