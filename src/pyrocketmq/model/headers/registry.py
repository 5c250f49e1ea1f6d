"""Finds a header class by its name, for tools that read frames or vectors."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from pyrocketmq.model.headers import admin, controller, groups, nameserver, pop, pulling, routing, sending

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyrocketmq.model.headers.base import Header

__all__ = ["HEADERS"]

HEADERS: Mapping[str, type[Header]] = MappingProxyType(
    {
        name: getattr(module, name)
        for module in (admin, controller, groups, nameserver, pop, pulling, routing, sending)
        for name in module.__all__
    }
)
"""Every header class by its name."""
