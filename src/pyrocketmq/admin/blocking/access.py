# Written by tools/make_sync.py from the asynchronous class; do not change it by hand.
"""SyncAccessAdmin: administration that blocks its thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq.admin.access import AccessAdmin
from pyrocketmq.admin.blocking.calls import SyncAdminCalls

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyrocketmq.admin.results import AclRule, AclRules, User

__all__ = ["SyncAccessAdmin"]


class SyncAccessAdmin(SyncAdminCalls):
    """The blocking twin of AccessAdmin, for any number of threads."""

    def create_user(
        self,
        username: str,
        password: str,
        *,
        user_type: str = "Normal",
        cluster: str | None = None,
        broker: str | None = None,
    ) -> None:
        """Create a user; ``user_type`` is Normal or Super, whom no rule binds."""
        self._call(
            AccessAdmin.create_user, username, password, user_type=user_type, cluster=cluster, broker=broker
        )

    def update_user(
        self,
        username: str,
        *,
        password: str | None = None,
        user_type: str | None = None,
        status: str | None = None,
        cluster: str | None = None,
        broker: str | None = None,
    ) -> None:
        """Change what is given of a user: password, type, or status (``enable`` or ``disable``)."""
        self._call(
            AccessAdmin.update_user,
            username,
            password=password,
            user_type=user_type,
            status=status,
            cluster=cluster,
            broker=broker,
        )

    def delete_user(self, username: str, *, cluster: str | None = None, broker: str | None = None) -> None:
        """Delete a user; does nothing when there is none."""
        self._call(AccessAdmin.delete_user, username, cluster=cluster, broker=broker)

    def get_user(
        self, username: str, *, cluster: str | None = None, broker: str | None = None
    ) -> User | None:
        """One user as the first broker that knows it has it; None if none does."""
        return self._call(AccessAdmin.get_user, username, cluster=cluster, broker=broker)

    def list_users(
        self, name_filter: str | None = None, *, cluster: str | None = None, broker: str | None = None
    ) -> list[User]:
        """The users whose names contain a text, or all, sorted; those of different brokers together."""
        return self._call(AccessAdmin.list_users, name_filter, cluster=cluster, broker=broker)

    def copy_users(
        self, from_broker: str, to_broker: str, *, usernames: Iterable[str] | None = None
    ) -> list[str]:
        """Copy users, all or those named, with their passwords; gives their names.

        Raises:
            AdminError: the broker does not give passwords away.
        """
        return self._call(AccessAdmin.copy_users, from_broker, to_broker, usernames=usernames)

    def create_acl(
        self, subject: str, rules: Iterable[AclRule], *, cluster: str | None = None, broker: str | None = None
    ) -> None:
        """Create the rules of a subject such as ``User:alice``."""
        self._call(AccessAdmin.create_acl, subject, rules, cluster=cluster, broker=broker)

    def update_acl(
        self, subject: str, rules: Iterable[AclRule], *, cluster: str | None = None, broker: str | None = None
    ) -> None:
        """Add rules to a subject, or change those for the same resources."""
        self._call(AccessAdmin.update_acl, subject, rules, cluster=cluster, broker=broker)

    def delete_acl(
        self,
        subject: str,
        *,
        resource: str | None = None,
        cluster: str | None = None,
        broker: str | None = None,
    ) -> None:
        """Delete the rules of a subject, or the one for a resource."""
        self._call(AccessAdmin.delete_acl, subject, resource=resource, cluster=cluster, broker=broker)

    def get_acl(
        self, subject: str, *, cluster: str | None = None, broker: str | None = None
    ) -> AclRules | None:
        """The rules of a subject as the first broker that knows it has them; None if none does."""
        return self._call(AccessAdmin.get_acl, subject, cluster=cluster, broker=broker)

    def list_acls(
        self,
        subject_filter: str | None = None,
        resource_filter: str | None = None,
        *,
        cluster: str | None = None,
        broker: str | None = None,
    ) -> list[AclRules]:
        """The rules whose subjects and resources contain a text, or all, by subject."""
        return self._call(
            AccessAdmin.list_acls, subject_filter, resource_filter, cluster=cluster, broker=broker
        )

    def copy_acls(
        self, from_broker: str, to_broker: str, *, subjects: Iterable[str] | None = None
    ) -> list[str]:
        """Copy the rules of all subjects or of those named; gives the subjects."""
        return self._call(AccessAdmin.copy_acls, from_broker, to_broker, subjects=subjects)
