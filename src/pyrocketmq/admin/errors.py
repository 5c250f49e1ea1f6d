"""The error of administration, under the name that its layer gives it."""

from __future__ import annotations

from pyrocketmq.errors import AdminError

__all__ = ["AdminError"]
