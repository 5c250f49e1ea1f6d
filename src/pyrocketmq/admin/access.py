"""Users and rules of auth 2.0 (5.3 and later), on all brokers of a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq.admin.calls import AdminCalls
from pyrocketmq.admin.results import AclRule, AclRules, User
from pyrocketmq.errors import AdminError
from pyrocketmq.model.auth_data import AclInfo, PolicyEntryInfo, PolicyInfo, UserInfo

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyrocketmq.broker.client import BrokerClient

__all__ = ["AccessAdmin"]

CUSTOM = "Custom"
"""The type of rules that are written by people."""


class AccessAdmin(AdminCalls):
    """Operations on users and rules. Each broker keeps its own: a change goes to all of them, slaves too.

    A broker without authentication refuses, and says that it has none.
    """

    async def create_user(
        self,
        username: str,
        password: str,
        *,
        user_type: str = "Normal",
        cluster: str | None = None,
        broker: str | None = None,
    ) -> None:
        """Create a user; ``user_type`` is Normal or Super, whom no rule binds."""
        await self._each(
            await self._members(cluster, broker),
            lambda client: client.create_user(username, password, user_type=user_type),
        )

    async def update_user(
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
        await self._each(
            await self._members(cluster, broker),
            lambda client: client.update_user(
                username, password=password, user_type=user_type, user_status=status
            ),
        )

    async def delete_user(
        self, username: str, *, cluster: str | None = None, broker: str | None = None
    ) -> None:
        """Delete a user; does nothing when there is none."""
        await self._each(await self._members(cluster, broker), lambda client: client.delete_user(username))

    async def get_user(
        self, username: str, *, cluster: str | None = None, broker: str | None = None
    ) -> User | None:
        """One user as the first broker that knows it has it; None if none does."""
        found = await self._each(
            await self._readers(cluster, broker), lambda client: client.get_user(username)
        )
        return next((_user(user) for _, user in found if user is not None), None)

    async def list_users(
        self, name_filter: str | None = None, *, cluster: str | None = None, broker: str | None = None
    ) -> list[User]:
        """The users whose names contain a text, or all, sorted; those of different brokers together."""
        found = await self._each(
            await self._readers(cluster, broker), lambda client: client.list_users(name_filter)
        )
        users = {user.username: _user(user) for _, part in reversed(found) for user in part}
        return [users[name] for name in sorted(users, key=str)]

    async def copy_users(
        self, from_broker: str, to_broker: str, *, usernames: Iterable[str] | None = None
    ) -> list[str]:
        """Copy users, all or those named, with their passwords; gives their names.

        Raises:
            AdminError: the broker does not give passwords away.
        """
        source, target = await self._two(from_broker, to_broker)
        wanted = None if usernames is None else set(usernames)
        copied: list[str] = []
        for user in await source.list_users():
            name = user.username or ""
            if wanted is not None and name not in wanted:
                continue
            if not user.password:
                raise AdminError(
                    f"broker {source.address} does not give the password of user {name!r} away",
                    advice="create the user on the other broker with its password",
                )
            if await target.get_user(name) is None:
                await target.create_user(name, user.password, user_type=user.user_type or "Normal")
            else:
                await target.update_user(name, password=user.password, user_type=user.user_type)
            copied.append(name)
        return copied

    async def create_acl(
        self,
        subject: str,
        rules: Iterable[AclRule],
        *,
        cluster: str | None = None,
        broker: str | None = None,
    ) -> None:
        """Create the rules of a subject such as ``User:alice``."""
        policies = _policies(rules)
        await self._each(
            await self._members(cluster, broker), lambda client: client.create_acl(subject, policies)
        )

    async def update_acl(
        self,
        subject: str,
        rules: Iterable[AclRule],
        *,
        cluster: str | None = None,
        broker: str | None = None,
    ) -> None:
        """Add rules to a subject, or change those for the same resources."""
        policies = _policies(rules)
        await self._each(
            await self._members(cluster, broker), lambda client: client.update_acl(subject, policies)
        )

    async def delete_acl(
        self,
        subject: str,
        *,
        resource: str | None = None,
        cluster: str | None = None,
        broker: str | None = None,
    ) -> None:
        """Delete the rules of a subject, or the one for a resource."""
        await self._each(
            await self._members(cluster, broker),
            lambda client: client.delete_acl(
                subject, policy_type=CUSTOM if resource else None, resource=resource
            ),
        )

    async def get_acl(
        self, subject: str, *, cluster: str | None = None, broker: str | None = None
    ) -> AclRules | None:
        """The rules of a subject as the first broker that knows it has them; None if none does."""
        found = await self._each(await self._readers(cluster, broker), lambda client: client.get_acl(subject))
        return next((_rules(info) for _, info in found if info is not None), None)

    async def list_acls(
        self,
        subject_filter: str | None = None,
        resource_filter: str | None = None,
        *,
        cluster: str | None = None,
        broker: str | None = None,
    ) -> list[AclRules]:
        """The rules whose subjects and resources contain a text, or all, by subject."""
        found = await self._each(
            await self._readers(cluster, broker),
            lambda client: client.list_acls(subject_filter, resource_filter),
        )
        infos = {info.subject: info for _, part in reversed(found) for info in part}
        return [_rules(infos[subject]) for subject in sorted(infos, key=str)]

    async def copy_acls(
        self, from_broker: str, to_broker: str, *, subjects: Iterable[str] | None = None
    ) -> list[str]:
        """Copy the rules of all subjects or of those named; gives the subjects."""
        source, target = await self._two(from_broker, to_broker)
        wanted = None if subjects is None else set(subjects)
        copied: list[str] = []
        for info in await source.list_acls():
            subject = info.subject or ""
            if wanted is not None and subject not in wanted:
                continue
            if await target.get_acl(subject) is None:
                await target.create_acl(subject, info.policies)
            else:
                await target.update_acl(subject, info.policies)
            copied.append(subject)
        return copied

    async def _two(self, first: str, second: str) -> tuple[BrokerClient, BrokerClient]:
        (source,) = await self._masters(broker=first)
        (target,) = await self._masters(broker=second)
        return source, target


def _user(info: UserInfo) -> User:
    return User(info.username or "", info.user_type, info.user_status)


def _policies(rules: Iterable[AclRule]) -> list[PolicyInfo]:
    entries = [
        PolicyEntryInfo(rule.resource, list(rule.actions), list(rule.source_ips), rule.decision)
        for rule in rules
    ]
    return [PolicyInfo(CUSTOM, entries)]


def _rules(info: AclInfo) -> AclRules:
    rules = [
        AclRule(entry.resource or "", list(entry.actions), entry.decision or "", list(entry.source_ips))
        for policy in info.policies
        for entry in policy.entries
    ]
    return AclRules(info.subject or "", rules)
