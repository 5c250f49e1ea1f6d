"""Sync of a folder with a part of the store: plan first, copies next, deletes last."""

from __future__ import annotations

from flaxfile.sync.comparing import compare
from flaxfile.sync.options import SyncOptions
from flaxfile.sync.pulling import pull
from flaxfile.sync.pushing import push
from flaxfile.sync.report import Action, Difference, Failure, SyncReport

__all__ = ["Action", "Difference", "Failure", "SyncOptions", "SyncReport", "compare", "pull", "push"]
