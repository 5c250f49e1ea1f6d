"""Creators of requests about users and access lists, 5.3 and later.

A broker without an authentication provider answers them with code 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq.model.enums import RequestCode
from pyrocketmq.model.headers.admin import (
    CreateAclRequestHeader,
    CreateUserRequestHeader,
    DeleteAclRequestHeader,
    DeleteUserRequestHeader,
    GetAclRequestHeader,
    GetUserRequestHeader,
    ListAclsRequestHeader,
    ListUsersRequestHeader,
    UpdateAclRequestHeader,
    UpdateUserRequestHeader,
)
from pyrocketmq.model.requests.making import make_request

if TYPE_CHECKING:
    from pyrocketmq._native.command import RemotingCommand
    from pyrocketmq.model.requests.making import RequestBody

__all__ = ["AuthRequests"]


class AuthRequests:
    """Requests that manage users (body: UserInfo) and access lists (body: AclInfo).

    The subject of an access list is ``User:name``.
    """

    @staticmethod
    def create_auth_create_user_request(username: str, body: RequestBody) -> RemotingCommand:
        """AUTH_CREATE_USER: create a user."""
        return make_request(RequestCode.AUTH_CREATE_USER, CreateUserRequestHeader(username=username), body)

    @staticmethod
    def create_auth_update_user_request(username: str, body: RequestBody) -> RemotingCommand:
        """AUTH_UPDATE_USER: change a user."""
        return make_request(RequestCode.AUTH_UPDATE_USER, UpdateUserRequestHeader(username=username), body)

    @staticmethod
    def create_auth_delete_user_request(username: str) -> RemotingCommand:
        """AUTH_DELETE_USER: delete a user."""
        return make_request(RequestCode.AUTH_DELETE_USER, DeleteUserRequestHeader(username=username))

    @staticmethod
    def create_auth_get_user_request(username: str) -> RemotingCommand:
        """AUTH_GET_USER: one user."""
        return make_request(RequestCode.AUTH_GET_USER, GetUserRequestHeader(username=username))

    @staticmethod
    def create_auth_list_user_request(name_filter: str | None = None) -> RemotingCommand:
        """AUTH_LIST_USER: the users whose names contain a text, or all."""
        return make_request(RequestCode.AUTH_LIST_USER, ListUsersRequestHeader(filter=name_filter))

    @staticmethod
    def create_auth_create_acl_request(subject: str, body: RequestBody) -> RemotingCommand:
        """AUTH_CREATE_ACL: create an access list."""
        return make_request(RequestCode.AUTH_CREATE_ACL, CreateAclRequestHeader(subject=subject), body)

    @staticmethod
    def create_auth_update_acl_request(subject: str, body: RequestBody) -> RemotingCommand:
        """AUTH_UPDATE_ACL: change an access list."""
        return make_request(RequestCode.AUTH_UPDATE_ACL, UpdateAclRequestHeader(subject=subject), body)

    @staticmethod
    def create_auth_delete_acl_request(
        subject: str, *, policy_type: str | None = None, resource: str | None = None
    ) -> RemotingCommand:
        """AUTH_DELETE_ACL: delete an access list, or its policies of one type or for one resource."""
        header = DeleteAclRequestHeader(subject=subject, policy_type=policy_type, resource=resource)
        return make_request(RequestCode.AUTH_DELETE_ACL, header)

    @staticmethod
    def create_auth_get_acl_request(subject: str) -> RemotingCommand:
        """AUTH_GET_ACL: the access list of a subject."""
        return make_request(RequestCode.AUTH_GET_ACL, GetAclRequestHeader(subject=subject))

    @staticmethod
    def create_auth_list_acl_request(
        subject_filter: str | None = None, resource_filter: str | None = None
    ) -> RemotingCommand:
        """AUTH_LIST_ACL: the access lists whose subjects and resources contain a text, or all."""
        header = ListAclsRequestHeader(subject_filter=subject_filter, resource_filter=resource_filter)
        return make_request(RequestCode.AUTH_LIST_ACL, header)
