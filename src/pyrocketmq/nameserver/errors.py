"""The errors of name servers, under the name that the founding API gives their module."""

from __future__ import annotations

from pyrocketmq.errors import NameServerError, NoNameServerError, RouteNotFoundError

__all__ = ["NameServerError", "NoNameServerError", "RouteNotFoundError"]
