"""Sync of a folder with a part of the store: plan first, copies next, deletes last."""

from __future__ import annotations
