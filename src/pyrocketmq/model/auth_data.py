"""Users and access rules of auth 2.0 (5.3 and later)."""

from __future__ import annotations

from pyrocketmq.model._declared import wire
from pyrocketmq.model.json_body import JsonBody

__all__ = ["AclInfo", "PolicyEntryInfo", "PolicyInfo", "UserInfo"]


class UserInfo(JsonBody):
    """One user; the repr hides the password. ``user_type`` is Super or Normal."""

    username: str | None = None
    password: str | None = wire(default=None, secret=True)
    user_type: str | None = None
    user_status: str | None = None


class PolicyEntryInfo(JsonBody):
    """One rule: who may do what with a resource such as ``Topic:orders``, from where."""

    resource: str | None = None
    actions: list[str] = wire(default_factory=list[str])
    source_ips: list[str] = wire(default_factory=list[str])
    decision: str | None = None


class PolicyInfo(JsonBody):
    """Rules of one type, Custom or Default."""

    policy_type: str | None = None
    entries: list[PolicyEntryInfo] = wire(default_factory=list[PolicyEntryInfo])


class AclInfo(JsonBody):
    """All rules of one subject such as ``User:alice``."""

    subject: str | None = None
    policies: list[PolicyInfo] = wire(default_factory=list[PolicyInfo])
