"""Access control as ACL 1.0 of 4.9 does it: who signed a request, and whether its account may do that.

Where 4.9 looks away, this does not: batches, replies and the pop family are checked like single sends and
pulls. A refusal has the code NO_PERMISSION of 5.x and the remark of 4.9. Must not know how requests are
carried out.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from typing import TYPE_CHECKING, Final, TypeAlias

from pyrocketmq.errors import DeserializationError, SerializationError
from pyrocketmq.model.acl import ACCESS_KEY, SIGNATURE, signed_content
from pyrocketmq.model.enums import RequestCode, ResponseCode
from pyrocketmq.model.heart_beat import HeartbeatData
from pyrocketmq.model.names import RETRY_PREFIX
from pyrocketmq.model.pop import BatchAckMessageRequestBody
from pyrocketmq.server.access_rules import Right

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyrocketmq._native.command import RemotingCommand
    from pyrocketmq.server.access_rules import AccessRules, Account
    from pyrocketmq.server.call import Answer, Call, Handler

    Need: TypeAlias = tuple[str, bool, Right]

__all__ = ["AccessControl", "AccessDeniedError", "needs_of"]

TRACE_TOPIC: Final = "RMQ_SYS_TRACE_TOPIC"

ADMIN_CODES: Final = frozenset((
    RequestCode.UPDATE_AND_CREATE_TOPIC,
    RequestCode.UPDATE_AND_CREATE_TOPIC_LIST,
    RequestCode.UPDATE_BROKER_CONFIG,
    RequestCode.DELETE_TOPIC_IN_BROKER,
    RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP,
    RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST,
    RequestCode.DELETE_SUBSCRIPTIONGROUP,
))  # fmt: skip
"""Requests that only an admin may make."""

_TOPIC_AND_GROUP: Final = frozenset((
    RequestCode.PULL_MESSAGE,
    RequestCode.LITE_PULL_MESSAGE,
    RequestCode.PEEK_MESSAGE,
    RequestCode.POP_MESSAGE,
    RequestCode.ACK_MESSAGE,
    RequestCode.CHANGE_MESSAGE_INVISIBLETIME,
    RequestCode.NOTIFICATION,
    RequestCode.UPDATE_CONSUMER_OFFSET,
))  # fmt: skip
_GROUP_FIELD: Final[Mapping[int, str]] = {
    RequestCode.CONSUMER_SEND_MSG_BACK: "group",
    RequestCode.UNREGISTER_CLIENT: "consumerGroup",
    RequestCode.GET_CONSUMER_LIST_BY_GROUP: "consumerGroup",
}
_SENDS: Final[Mapping[int, str]] = {
    RequestCode.SEND_MESSAGE: "topic",
    RequestCode.SEND_REPLY_MESSAGE: "topic",
    RequestCode.SEND_MESSAGE_V2: "b",
    RequestCode.SEND_BATCH_MESSAGE: "b",
    RequestCode.SEND_REPLY_MESSAGE_V2: "b",
}


class AccessDeniedError(Exception):
    """A request that must not be carried out; the text is for the remark of the answer."""


def needs_of(request: RemotingCommand) -> Iterator[Need]:
    """What an account must be allowed to: (name, whether it is a group, right).

    A retry topic stands for its group: who may consume as the group may send there and read it.

    Raises:
        AccessDeniedError: the body does not say what the request is about.
    """
    fields = request.ext_fields or {}
    code = request.code
    if code in _SENDS:
        yield from _topic(fields.get(_SENDS[code]), Right.PUB)
    elif code in _TOPIC_AND_GROUP:
        group = fields.get("consumerGroup")
        yield from _topic(fields.get("topic"), Right.SUB, group)
        yield from _group(group)
    elif code in _GROUP_FIELD:
        yield from _group(fields.get(_GROUP_FIELD[code]))
    elif code == RequestCode.QUERY_MESSAGE:
        yield from _topic(fields.get("topic"), Right.SUB)
    else:
        try:
            yield from _needs_of_body(request)
        except DeserializationError as error:
            raise AccessDeniedError(f"the body cannot be read: {error.what}") from error


def _needs_of_body(request: RemotingCommand) -> Iterator[Need]:
    if request.code == RequestCode.HEART_BEAT and request.body:
        for consumer in HeartbeatData.decode(request.body).consumer_data_set:
            yield from _group(consumer.group_name)
            for subscription in consumer.subscription_data_set:
                yield from _topic(subscription.topic, Right.SUB, consumer.group_name)
    elif request.code == RequestCode.BATCH_ACK_MESSAGE:
        for ack in BatchAckMessageRequestBody.decode(request.body).acks:
            yield from _topic(ack.topic, Right.SUB, ack.consumer_group)
            yield from _group(ack.consumer_group)


def _topic(topic: str | None, right: Right, group: str | None = None) -> Iterator[Need]:
    if topic is None:
        return
    if not topic.startswith(RETRY_PREFIX):
        yield topic, False, right
        return
    owner = topic.removeprefix(RETRY_PREFIX)
    if group is not None and owner.startswith((f"{group}_", f"{group}+")):
        owner = group  # the retry topic of a pop consumer has the topic behind the group
    yield owner, True, Right.SUB


def _group(group: str | None) -> Iterator[Need]:
    if group is not None:
        yield group, True, Right.SUB


class AccessControl:
    """Checks the requests to a broker.

    Args:
        rules: the accounts.
    """

    def __init__(self, rules: AccessRules) -> None:
        self.rules = rules

    def intercept(self, call: Call, following: Handler) -> Answer:
        """Carry a request out by ``following``, or refuse it."""
        try:
            self.check(call.request, call.peer.rpartition(":")[0].strip("[]"))
        except AccessDeniedError as denied:
            return call.answer(
                ResponseCode.NO_PERMISSION, f"org.apache.rocketmq.acl.common.AclException: {denied}"
            )
        return following(call)

    def check(self, request: RemotingCommand, host: str) -> None:
        """Return if a request from an address may be carried out.

        Raises:
            AccessDeniedError: it may not; the text is that of 4.9.
        """
        if self.rules.needs_none(host):
            return
        fields = request.ext_fields or {}
        access_key = fields.get(ACCESS_KEY)
        if access_key is None:
            raise AccessDeniedError("No accessKey is configured")
        account = self.rules.account_of(access_key)
        if account is None:
            raise AccessDeniedError(f"No acl config for {access_key}")
        if account.white_remote_address.matches(host):
            return
        if not _is_signed_by(account, request):
            raise AccessDeniedError(f"Check signature failed for accessKey={access_key}")
        _check_rights(account, request)


def _is_signed_by(account: Account, request: RemotingCommand) -> bool:
    fields = request.ext_fields or {}
    given = fields.get(SIGNATURE)
    if given is None:
        return False
    # The binary header codec has null for an empty value.
    present = {name: value or "" for name, value in fields.items()}
    try:
        content = signed_content(present, request.body, version=request.version)
    except SerializationError:
        return False
    wanted = b64encode(hmac.digest(account.secret_key.encode(), content, "sha1"))
    return hmac.compare_digest(wanted, given.encode("utf-8", "replace"))


def _check_rights(account: Account, request: RemotingCommand) -> None:
    needs = list(needs_of(request))
    if (TRACE_TOPIC, False, Right.PUB) in needs:
        return  # everybody may trace
    if request.code in ADMIN_CODES and not account.admin:
        raise AccessDeniedError(
            f"Need admin permission for request code={request.code},"
            f" but accessKey={account.access_key} is not"
        )
    if account.is_unbounded:
        return
    for name, is_group, right in needs:
        if not account.right_to(name, is_group=is_group) & right:
            kind = "group" if is_group else "topic"
            raise AccessDeniedError(f"No default permission for {kind}:{name}")
