"""The one table from a broker's answer to the error that it means; knows no connection.

The code decides. Where releases differ, or a broker answers SYSTEM_ERROR for everything, its words decide.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from pyrocketmq.errors import (
    AclError,
    BrokerBusyError,
    BrokerError,
    BrokerUnavailableError,
    ClientOfflineError,
    GroupNotFoundError,
    InvalidRequestError,
    NoPermissionError,
    NotFoundError,
    SubscriptionNotReadyError,
    TopicNotFoundError,
    UnsupportedRequestError,
)
from pyrocketmq.model.enums import RequestCode, ResponseCode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyrocketmq._native.command import RemotingCommand

__all__ = ["broker_error", "refusal"]


class _Case(NamedTuple):
    """What an answer means; ``retryable`` None keeps what the class says."""

    kind: type[BrokerError]
    likely: str | None = None
    advice: str | None = None
    retryable: bool | None = None


_TOPIC: Final = _Case(
    TopicNotFoundError,
    "the topic does not exist on this broker, and it is not created by itself",
    "create the topic, or correct its name",
)
_GROUP: Final = _Case(
    GroupNotFoundError,
    "the group does not exist on this broker, and it is not created by itself",
    "create the group, or correct its name",
)
_OFFLINE: Final = _Case(
    ClientOfflineError,
    "no such client is connected to this broker, or it has not sent a heartbeat yet",
    "start it, or ask another broker of the topic",
)
_ACL: Final = _Case(
    AclError,
    "the access key is unknown, the secret is wrong, or the user lacks this right",
    "check access key, secret and the rules of the user",
)
_SUBSCRIPTION: Final = _Case(
    SubscriptionNotReadyError,
    "the heartbeat with this subscription has not arrived yet",
    "send a heartbeat and try again",
)
_BUSY: Final = _Case(BrokerBusyError, None, "try again after a moment, or use another broker")
_CLOSED: Final = _Case(
    BrokerUnavailableError,
    "the broker is shutting down, is a slave, or its disk is full",
    "use another broker, and look at the disk and the role of this one",
)
_ABSENT: Final = _Case(NotFoundError, "it was deleted after its retention time, or never was there")
_NO_ONE: Final = _Case(NotFoundError, None, "create the user or the rule first, or correct the name")
_ARGUMENT: Final = _Case(InvalidRequestError, None, "correct the argument that the text names")
_FAILED: Final = _Case(
    BrokerError, None, "look into the log of the broker at this time", retryable=True
)  # Java's producer tries other brokers after it, too

_OTHER: Final = _Case(BrokerError)

_BY_CODE: Final[dict[int, _Case]] = {
    ResponseCode.SYSTEM_ERROR: _FAILED,
    ResponseCode.SYSTEM_BUSY: _BUSY,
    ResponseCode.REQUEST_CODE_NOT_SUPPORTED: _Case(
        UnsupportedRequestError,
        "the broker is of an older release, or the address is that of a name server or of the VIP port",
        "check the address and the release of the broker",
    ),
    ResponseCode.MESSAGE_ILLEGAL: _Case(
        InvalidRequestError,
        "body over 4 MiB, properties over 32,767 bytes with what the broker adds, or a timer too far ahead",
        "send less, or raise maxMessageSize on the broker",
    ),
    ResponseCode.SERVICE_NOT_AVAILABLE: _CLOSED,
    ResponseCode.VERSION_NOT_SUPPORTED: _Case(UnsupportedRequestError),
    ResponseCode.NO_PERMISSION: _Case(
        NoPermissionError,
        "the topic, the group or the whole broker is read-only, write-only or protected",
        "look at the perm of the topic, and whether the broker's write permission was wiped",
    ),
    ResponseCode.TOPIC_NOT_EXIST: _TOPIC,
    ResponseCode.TOPIC_EXIST_ALREADY: _ARGUMENT,
    ResponseCode.QUERY_NOT_FOUND: _ABSENT,
    ResponseCode.SUBSCRIPTION_PARSE_FAILED: _Case(
        InvalidRequestError, "the filter expression has a fault", "correct the expression"
    ),
    ResponseCode.SUBSCRIPTION_NOT_EXIST: _SUBSCRIPTION,
    ResponseCode.SUBSCRIPTION_NOT_LATEST: _SUBSCRIPTION,
    ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST: _GROUP,
    ResponseCode.FILTER_DATA_NOT_EXIST: _SUBSCRIPTION,
    ResponseCode.FILTER_DATA_NOT_LATEST: _SUBSCRIPTION,
    ResponseCode.INVALID_PARAMETER: _ARGUMENT,
    ResponseCode.NO_BUYER_ID: _FAILED,
    ResponseCode.NOT_IN_CURRENT_UNIT: _FAILED,
    ResponseCode.CONSUMER_NOT_ONLINE: _OFFLINE,
    ResponseCode.CONSUME_MSG_TIMEOUT: _Case(
        ClientOfflineError, "the client took too long over the message", "look at the client, or try again"
    ),
    ResponseCode.NO_MESSAGE: _ABSENT,
    ResponseCode.POLLING_FULL: _BUSY,
    ResponseCode.FLOW_CONTROL: _BUSY,
    ResponseCode.NOT_LEADER_FOR_QUEUE: _CLOSED,
    ResponseCode.ILLEGAL_OPERATION: _ARGUMENT,
    ResponseCode.GO_AWAY: _CLOSED,
    ResponseCode.LMQ_QUOTA_EXCEEDED: _BUSY,
    ResponseCode.LITE_SUBSCRIPTION_QUOTA_EXCEEDED: _BUSY,
    ResponseCode.USER_NOT_EXIST: _NO_ONE,
    ResponseCode.POLICY_NOT_EXIST: _NO_ONE,
}

_NOT_HERE: Final = _Case(
    NotFoundError,
    "the id belongs to another broker, its message was deleted, or it is a sender's id",
    "ask the broker that the id names; look a sender's id up as a unique key",
)

_NO_AUTH: Final = _Case(
    BrokerError,
    "the broker has no provider for authentication or authorization",
    "set authenticationEnabled, authenticationProvider and the like in broker.conf, or use credentials files",
)


def _words(*cases: tuple[str, _Case]) -> tuple[tuple[re.Pattern[str], _Case], ...]:
    return tuple((re.compile(pattern, re.IGNORECASE), case) for pattern, case in cases)


# What these codes mean by the broker's words; all were seen on 5.5.0 or 4.9.7.
_BY_REMARK: Final[dict[int, tuple[tuple[re.Pattern[str], _Case], ...]]] = {
    ResponseCode.SYSTEM_ERROR: _words(
        (r"AclException", _ACL),
        (r"no consumer for this group|not online|the producer group\[.*\] not exist", _OFFLINE),
        (r"channel of <.*> not found", _OFFLINE),
        (r"the consumer group <.*> not exist", _GROUP),
        (
            r"can not find message by the offset|selectMappedBufferResult|look message by offset failed",
            _NOT_HERE,
        ),
        (r"there is no message", _NOT_HERE),
        (r"Find prepared transaction message failed|is not exist!|The stats <.*> <.*> not exist", _ABSENT),
        (r"producer group wrong|table offset wrong|log offset wrong", _ARGUMENT),
        (r"queueId\[.*\] is illegal|the specified topic|conflict with system topic", _ARGUMENT),
        (r"An system error occurred, please try again later", _NO_AUTH),
    ),
    ResponseCode.NO_PERMISSION: _words(
        (r"(subject|user|policy).* is not exist", _NO_ONE),
        (r"AclException|username cannot be null|User:.* is not found", _ACL),
        (r"signature failed|has no permission to", _ACL),
    ),
}


def broker_error(
    request: RemotingCommand, answer: RemotingCommand, address: str | None = None
) -> BrokerError:
    """The error for the answer to a request, when its code is none of success."""
    return refusal(
        answer.code, answer.remark, request_code=request.code, fields=request.ext_fields, address=address
    )


def refusal(
    code: int,
    remark: str | None,
    *,
    request_code: int,
    fields: Mapping[str, str | None] | None = None,
    address: str | None = None,
    topic: str | None = None,
    group: str | None = None,
) -> BrokerError:
    """The error for a code and its remark.

    Args:
        code: the response code, none of success.
        remark: the broker's own words.
        request_code: what was asked.
        fields: ext fields of the request, which name its topic and group.
        address: the broker.
        topic: the topic, if the fields do not have it.
        group: the group, likewise.
    """
    fields = fields or {}
    case = _find(code, remark or "")
    return case.kind(
        response_code=code,
        code_name=_name(ResponseCode, code),
        remark=remark,
        request=_name(RequestCode, request_code),
        address=address,
        topic=topic or fields.get("topic") or fields.get("b"),
        group=group or _group_in(fields),
        likely=case.likely,
        advice=case.advice,
        retryable=case.retryable,
    )


def _find(code: int, remark: str) -> _Case:
    for pattern, case in _BY_REMARK.get(code, ()):
        if pattern.search(remark):
            return case
    return _BY_CODE.get(code, _OTHER)


def _group_in(fields: Mapping[str, str | None]) -> str | None:
    for name in ("consumerGroup", "group", "groupName", "producerGroup", "a"):
        group = fields.get(name)
        if group:
            return group
    return None


def _name(codes: type[RequestCode | ResponseCode], code: int) -> str:
    try:
        return codes(code).name
    except ValueError:
        return f"CODE_{code}"
