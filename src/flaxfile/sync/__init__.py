"""Sync of a folder with a part of the store: plan first, copies next, deletes last.

Every name is imported when it is first used: what finds nothing to do waits for no event loop.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flaxfile.sync.comparing import compare
    from flaxfile.sync.options import SyncOptions
    from flaxfile.sync.pulling import pull
    from flaxfile.sync.pushing import push
    from flaxfile.sync.report import Action, Difference, Failure, SyncReport

__all__ = ["Action", "Difference", "Failure", "SyncOptions", "SyncReport", "compare", "pull", "push"]

_PLACES = {
    "Action": "report",
    "Difference": "report",
    "Failure": "report",
    "SyncOptions": "options",
    "SyncReport": "report",
    "compare": "comparing",
    "pull": "pulling",
    "push": "pushing",
}


def __getattr__(name: str) -> Any:
    place = _PLACES.get(name)
    if place is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"{__name__}.{place}"), name)
    return value
