# Written by tools/make_sync.py from the asynchronous class; do not change it by hand.
"""SyncUserCalls: operations of a broker that block their thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq.broker.blocking.calls import SyncBrokerCalls
from pyrocketmq.broker.users import UserCalls

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyrocketmq.model.auth_data import AclInfo, PolicyInfo, UserInfo

__all__ = ["SyncUserCalls"]


class SyncUserCalls(SyncBrokerCalls):
    """The blocking twin of UserCalls, for any number of threads."""

    def create_user(
        self, username: str, password: str, *, user_type: str = "Normal", timeout: float | None = None
    ) -> None:
        """Create a user; ``user_type`` is Normal or Super, whom no rule binds."""
        self._call(UserCalls.create_user, username, password, user_type=user_type, timeout=timeout)

    def update_user(
        self,
        username: str,
        *,
        password: str | None = None,
        user_type: str | None = None,
        user_status: str | None = None,
        timeout: float | None = None,
    ) -> None:
        """Change what is given: password, type, or status (``enable`` or ``disable``)."""
        self._call(
            UserCalls.update_user,
            username,
            password=password,
            user_type=user_type,
            user_status=user_status,
            timeout=timeout,
        )

    def delete_user(self, username: str, *, timeout: float | None = None) -> None:
        """Delete a user."""
        self._call(UserCalls.delete_user, username, timeout=timeout)

    def get_user(self, username: str, *, timeout: float | None = None) -> UserInfo | None:
        """One user, None if there is none."""
        return self._call(UserCalls.get_user, username, timeout=timeout)

    def list_users(self, name_filter: str | None = None, *, timeout: float | None = None) -> list[UserInfo]:
        """The users whose names contain a text, or all."""
        return self._call(UserCalls.list_users, name_filter, timeout=timeout)

    def create_acl(
        self, subject: str, policies: Iterable[PolicyInfo], *, timeout: float | None = None
    ) -> None:
        """Create the rules of a subject such as ``User:alice``."""
        self._call(UserCalls.create_acl, subject, policies, timeout=timeout)

    def update_acl(
        self, subject: str, policies: Iterable[PolicyInfo], *, timeout: float | None = None
    ) -> None:
        """Add rules to a subject, or change those for the same resources."""
        self._call(UserCalls.update_acl, subject, policies, timeout=timeout)

    def delete_acl(
        self,
        subject: str,
        *,
        policy_type: str | None = None,
        resource: str | None = None,
        timeout: float | None = None,
    ) -> None:
        """Delete the rules of a subject, or those of one type or for one resource."""
        self._call(UserCalls.delete_acl, subject, policy_type=policy_type, resource=resource, timeout=timeout)

    def get_acl(self, subject: str, *, timeout: float | None = None) -> AclInfo | None:
        """The rules of a subject, None if there are none."""
        return self._call(UserCalls.get_acl, subject, timeout=timeout)

    def list_acls(
        self,
        subject_filter: str | None = None,
        resource_filter: str | None = None,
        *,
        timeout: float | None = None,
    ) -> list[AclInfo]:
        """The rules whose subjects and resources contain a text, or all."""
        return self._call(UserCalls.list_acls, subject_filter, resource_filter, timeout=timeout)
