"""From the answer of a name server to the error that it means; knows no connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyrocketmq.errors import NameServerError, RouteNotFoundError
from pyrocketmq.model.enums import RequestCode, ResponseCode

if TYPE_CHECKING:
    from pyrocketmq._native.command import RemotingCommand

__all__ = ["name_server_error"]


def name_server_error(
    request: RemotingCommand, answer: RemotingCommand, address: str | None = None
) -> NameServerError:
    """The error for an answer whose code is not SUCCESS."""
    code = answer.code
    topic = (request.ext_fields or {}).get("topic")
    kind: type[NameServerError] = NameServerError
    likely = advice = None
    retryable = False
    if code == ResponseCode.TOPIC_NOT_EXIST and request.code == RequestCode.GET_ROUTEINFO_BY_TOPIC:
        kind = RouteNotFoundError
        likely = "the topic does not exist, or its broker has not registered it with this name server yet"
        advice = "create the topic, or send to it where brokers create topics by themselves"
    elif code == ResponseCode.REQUEST_CODE_NOT_SUPPORTED:
        likely = "the name server is of an older release, or the address is that of a broker"
        advice = "check the address: name servers usually have port 9876"
    elif code in (ResponseCode.SYSTEM_BUSY, ResponseCode.SERVICE_NOT_AVAILABLE, ResponseCode.GO_AWAY):
        advice = "try again, or ask another name server"
        retryable = True
    elif code == ResponseCode.NO_PERMISSION:
        likely = "the access key is unknown to the name server or lacks the right"
        advice = "check the credentials and the rules of this user"
    return kind(
        response_code=code,
        code_name=_name(ResponseCode, code),
        remark=answer.remark,
        request=_name(RequestCode, request.code),
        address=address,
        topic=topic,
        likely=likely,
        advice=advice,
        retryable=retryable,
    )


def _name(codes: type[RequestCode | ResponseCode], code: int) -> str:
    try:
        return codes(code).name
    except ValueError:
        return f"CODE_{code}"
