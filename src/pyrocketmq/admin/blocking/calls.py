# Written by tools/make_sync.py from the asynchronous class; do not change it by hand.
"""SyncAdminCalls: administration that blocks its thread."""

from __future__ import annotations

from pyrocketmq.remote.face import SyncFace

__all__ = ["SyncAdminCalls"]


class SyncAdminCalls(SyncFace):
    """The blocking twin of AdminCalls, for any number of threads."""
