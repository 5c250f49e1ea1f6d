"""Users and rules of auth 2.0 (5.3 and later)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq.broker.calls import BrokerCalls
from pyrocketmq.errors import NotFoundError
from pyrocketmq.model.auth_data import AclInfo, UserInfo
from pyrocketmq.model.factory import RemotingRequestFactory as Requests

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyrocketmq.model.auth_data import PolicyInfo

__all__ = ["UserCalls"]


class UserCalls(BrokerCalls):
    """Users and rules. A broker without an authentication provider answers with a BrokerError."""

    async def create_user(
        self,
        username: str,
        password: str,
        *,
        user_type: str = "Normal",
        timeout: float | None = None,
    ) -> None:
        """Create a user; ``user_type`` is Normal or Super, whom no rule binds."""
        body = UserInfo(username, password, user_type)
        await self._call(Requests.create_auth_create_user_request(username, body), timeout)

    async def update_user(
        self,
        username: str,
        *,
        password: str | None = None,
        user_type: str | None = None,
        user_status: str | None = None,
        timeout: float | None = None,
    ) -> None:
        """Change what is given: password, type, or status (``enable`` or ``disable``)."""
        body = UserInfo(username, password, user_type, user_status)
        await self._call(Requests.create_auth_update_user_request(username, body), timeout)

    async def delete_user(self, username: str, *, timeout: float | None = None) -> None:
        """Delete a user."""
        await self._call(Requests.create_auth_delete_user_request(username), timeout)

    async def get_user(self, username: str, *, timeout: float | None = None) -> UserInfo | None:
        """One user, None if there is none."""
        answer = await self._call(Requests.create_auth_get_user_request(username), timeout)
        return UserInfo.decode(answer.body) if answer.body else None

    async def list_users(
        self, name_filter: str | None = None, *, timeout: float | None = None
    ) -> list[UserInfo]:
        """The users whose names contain a text, or all."""
        answer = await self._call(Requests.create_auth_list_user_request(name_filter), timeout)
        return UserInfo.decode_list(answer.body)

    async def create_acl(
        self, subject: str, policies: Iterable[PolicyInfo], *, timeout: float | None = None
    ) -> None:
        """Create the rules of a subject such as ``User:alice``."""
        body = AclInfo(subject, list(policies))
        await self._call(Requests.create_auth_create_acl_request(subject, body), timeout)

    async def update_acl(
        self, subject: str, policies: Iterable[PolicyInfo], *, timeout: float | None = None
    ) -> None:
        """Add rules to a subject, or change those for the same resources."""
        body = AclInfo(subject, list(policies))
        await self._call(Requests.create_auth_update_acl_request(subject, body), timeout)

    async def delete_acl(
        self,
        subject: str,
        *,
        policy_type: str | None = None,
        resource: str | None = None,
        timeout: float | None = None,
    ) -> None:
        """Delete the rules of a subject, or those of one type or for one resource."""
        request = Requests.create_auth_delete_acl_request(subject, policy_type=policy_type, resource=resource)
        await self._call(request, timeout)

    async def get_acl(self, subject: str, *, timeout: float | None = None) -> AclInfo | None:
        """The rules of a subject, None if there are none."""
        try:
            answer = await self._call(Requests.create_auth_get_acl_request(subject), timeout)
        except NotFoundError:
            return None
        return AclInfo.decode(answer.body) if answer.body else None

    async def list_acls(
        self,
        subject_filter: str | None = None,
        resource_filter: str | None = None,
        *,
        timeout: float | None = None,
    ) -> list[AclInfo]:
        """The rules whose subjects and resources contain a text, or all."""
        request = Requests.create_auth_list_acl_request(subject_filter, resource_filter)
        return AclInfo.decode_list((await self._call(request, timeout)).body)
