"""Picks the filter for the expression type that a subscription names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from pyrocketmq.errors import SubscriptionParseError
from pyrocketmq.server.filters.sql import compile_sql
from pyrocketmq.server.filters.tags import TagFilter

__all__ = ["Predicate", "compile_filter"]

Predicate: TypeAlias = Callable[[Mapping[str, str]], bool]
"""Says from a message's properties whether a subscription takes it."""


def compile_filter(expression_type: str | None, expression: str | None) -> Predicate:
    """The predicate of a subscription; a type that is None or empty means TAG, as on the wire.

    Raises:
        SubscriptionParseError: the type is unknown, or the expression cannot be read.
    """
    if not expression_type or expression_type == "TAG":
        return TagFilter.parse(expression)
    if expression_type == "SQL92":
        return compile_sql(expression or "")
    raise SubscriptionParseError(
        f"the expression type is {expression_type!r}, not TAG or SQL92",
        field="expression_type",
        advice="subscribe with one of the two",
    )
