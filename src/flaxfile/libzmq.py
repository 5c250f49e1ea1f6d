"""Finds the libzmq that pyzmq has, hands its functions to the compiled core, and names its numbers.

A client takes of pyzmq its library alone: importing pyzmq would be a third of the start of a command. Opens
nothing.
"""

from __future__ import annotations

import os
import sys
import threading
from importlib import machinery
from typing import Final

from flaxfile._core import engine, sockets
from flaxfile.errors import MissingExtraError

__all__ = [
    "CLOSED",
    "CONNECTED",
    "CURVE_PUBLICKEY",
    "CURVE_SECRETKEY",
    "CURVE_SERVERKEY",
    "DEALER",
    "DISCONNECTED",
    "HANDSHAKE_FAILED_AUTH",
    "HANDSHAKE_FAILED_NO_DETAIL",
    "HANDSHAKE_FAILED_PROTOCOL",
    "HANDSHAKE_IVL",
    "HANDSHAKE_SUCCEEDED",
    "HEARTBEAT_IVL",
    "HEARTBEAT_TIMEOUT",
    "IPV6",
    "MAXMSGSIZE",
    "RCVHWM",
    "RECONNECT_IVL",
    "SNDHWM",
    "bind",
    "parse_report",
]

# Kinds of sockets, options and events, as zmq.h numbers them.
DEALER: Final = 5
RECONNECT_IVL: Final = 18
MAXMSGSIZE: Final = 22
SNDHWM: Final = 23
RCVHWM: Final = 24
IPV6: Final = 42
CURVE_PUBLICKEY: Final = 48
CURVE_SECRETKEY: Final = 49
CURVE_SERVERKEY: Final = 50
HANDSHAKE_IVL: Final = 66
HEARTBEAT_IVL: Final = 75
HEARTBEAT_TIMEOUT: Final = 77
CONNECTED: Final = 0x0001
CLOSED: Final = 0x0080
DISCONNECTED: Final = 0x0200
HANDSHAKE_FAILED_NO_DETAIL: Final = 0x0800
HANDSHAKE_SUCCEEDED: Final = 0x1000
HANDSHAKE_FAILED_PROTOCOL: Final = 0x2000
HANDSHAKE_FAILED_AUTH: Final = 0x4000


def parse_report(frames: list[bytes]) -> tuple[int, int]:
    """Event and value of a message of a monitor."""
    return int.from_bytes(frames[0][:2], sys.byteorder), int.from_bytes(frames[0][2:6], sys.byteorder)


def _without_import() -> list[str]:
    """Where the compiled part of pyzmq stands, which is bound to its libzmq, without importing pyzmq."""
    if sys.platform == "win32" or sys.modules.get("zmq", "unknown") != "unknown":
        return []
    spec = machinery.PathFinder.find_spec("zmq")
    folders = list(spec.submodule_search_locations or []) if spec is not None else []
    places = [
        os.path.join(folder, "backend", "cython", "_zmq" + ending)  # noqa: PTH118 - without pathlib
        for folder in folders
        for ending in machinery.EXTENSION_SUFFIXES
    ]
    return [place for place in places if os.path.isfile(place)]  # noqa: PTH113


def _by_import() -> list[str]:
    """The same of the pyzmq that is imported."""
    import zmq  # noqa: PLC0415

    backend = sys.modules.get("zmq.backend.cython._zmq") or sys.modules.get("zmq.backend.cffi")
    found = [str(getattr(backend, "__file__", ""))]
    if sys.platform == "win32":
        from pathlib import Path  # noqa: PLC0415

        # A library does not pass on the names of those it needs there: the bundled one is asked itself.
        found += [
            str(path) for path in sorted((Path(zmq.__file__).parent.parent / "pyzmq.libs").glob("libzmq*"))
        ]
    return [name for name in found if name]


def _take(names: list[str], reasons: list[str]) -> bool:
    """Use the first of these libraries that has all functions."""
    import ctypes  # noqa: PLC0415 - here alone

    for name in names:
        try:
            library = ctypes.CDLL(name)
            addresses = {
                item: ctypes.cast(getattr(library, item), ctypes.c_void_p).value or 0
                for item in (*engine.BINDINGS, *sockets.BINDINGS)
            }
        except (OSError, AttributeError) as error:
            reasons.append(f"{os.path.basename(name)}: {error}")  # noqa: PTH119
            continue
        engine.bind([addresses[item] for item in engine.BINDINGS])
        sockets.bind([addresses[item] for item in sockets.BINDINGS])
        return True
    return False


_binding = threading.Lock()
_bound = False


def bind() -> None:
    """Give the core its functions; after the first time this does nothing."""
    global _bound  # noqa: PLW0603 - the functions of one process
    with _binding:
        if _bound:
            return
        reasons: list[str] = []
        if not _take(_without_import(), reasons) and not _take(_by_import(), reasons):
            import zmq  # noqa: PLC0415

            raise MissingExtraError(
                f"pyzmq {zmq.__version__} does not show the functions of its libzmq ({'; '.join(reasons)})",
                hint="pip install --force-reinstall 'pyzmq>=26.2' (the wheels of PyPI work)",
            )
        _bound = True
