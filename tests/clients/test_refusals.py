"""What a broker's refusal becomes: the class says what to do, the text says who refused what and why."""

from __future__ import annotations

import pickle

import pytest

from pyrocketmq.broker.answers import refusal
from pyrocketmq.errors import BrokerError
from pyrocketmq.model import RequestCode, ResponseCode
from pyrocketmq.model.enums import SendStatus

ANSWERS = [
    # code, words as seen on a real broker, class, retryable
    (1, "java.lang.NullPointerException", "BrokerError", True),
    (1, "no consumer for this group, g", "ClientOfflineError", True),
    (1, "The Consumer <g> <c> not online", "ClientOfflineError", True),
    (1, "the producer group[g] not exist", "ClientOfflineError", True),
    (1, "push reply message fail, channel of <c> not found.", "ClientOfflineError", True),
    (1, "THe consumer group <g> not exist", "GroupNotFoundError", False),
    (1, "can not find message by the offset, 77", "NotFoundError", False),
    (1, "The stats <TOPIC_PUT_NUMS> <t> not exist", "NotFoundError", False),
    (1, "Find prepared transaction message failed", "NotFoundError", False),
    (1, "The producer group wrong", "InvalidRequestError", False),
    (1, "queueId[9] is illegal, topic:[T1]", "InvalidRequestError", False),
    (1, "The specified topic contains illegal characters", "InvalidRequestError", False),
    (1, "The topic[TBW102] is conflict with system topic.", "InvalidRequestError", False),
    (1, "org.apache.rocketmq.acl.common.AclException: No accessKey is configured", "AclError", False),
    (2, "[TIMEOUT_CLEAN_QUEUE]broker busy", "BrokerBusyError", True),
    (3, " request type 361 not supported", "UnsupportedRequestError", False),
    (13, "the message body size over max value", "InvalidRequestError", False),
    (14, "the broker is closing", "BrokerUnavailableError", True),
    (16, "the broker[b] sending message is forbidden", "NoPermissionError", False),
    (16, "User:a has no permission to access Topic:t from 127.0.0.1", "AclError", False),
    (16, "check signature failed.", "AclError", False),
    (16, "username cannot be null.", "AclError", False),
    (16, "User:nobody is not found.", "AclError", False),
    (16, "The subject is not exist.", "NotFoundError", False),
    (16, "The subject of User:nobody is not exist.", "NotFoundError", False),
    (16, "The user is not exist", "NotFoundError", False),
    (17, "topic[t] not exist", "TopicNotFoundError", False),
    (22, None, "NotFoundError", False),
    (23, "parse failed", "InvalidRequestError", False),
    (24, None, "SubscriptionNotReadyError", True),
    (25, None, "SubscriptionNotReadyError", True),
    (26, "subscription group [g] does not exist", "GroupNotFoundError", False),
    (29, "queueId[9] is illegal", "InvalidRequestError", False),
    (206, "the consumer group[g] not online", "ClientOfflineError", True),
    (208, None, "NotFoundError", False),
    (215, None, "BrokerBusyError", True),
    (604, "recall handle is invalid", "InvalidRequestError", False),
    (1500, None, "BrokerUnavailableError", True),
    (3001, None, "NotFoundError", False),
    (9999, "who knows", "BrokerError", False),
]


@pytest.mark.parametrize(("code", "remark", "name", "retryable"), ANSWERS)
async def test_each_refusal_has_the_class_that_says_what_to_do(
    code: int, remark: str | None, name: str, retryable: bool
) -> None:
    error = refusal(code, remark, request_code=RequestCode.PULL_MESSAGE)

    assert (name, retryable) == (type(error).__name__, error.retryable)
    assert isinstance(error, BrokerError)


async def test_the_text_has_everything_that_is_known() -> None:
    error = refusal(
        ResponseCode.SYSTEM_BUSY,
        "[OVERLOAD]",
        request_code=RequestCode.SEND_MESSAGE_V2,
        fields={"a": "senders", "b": "orders"},
        address="10.0.0.1:10911",
    )

    assert (
        "[B502] broker 10.0.0.1:10911 answered SYSTEM_BUSY (2) to SEND_MESSAGE_V2"
        " for topic 'orders', group 'senders': [OVERLOAD]\n"
        "  Try:    try again after a moment, or use another broker"
    ) == str(error)
    assert ("orders", "senders", 2, "SYSTEM_BUSY", "[OVERLOAD]") == (
        error.topic,
        error.group,
        error.response_code,
        error.code_name,
        error.remark,
    )


async def test_codes_that_nobody_knows_are_shown_as_numbers() -> None:
    error = refusal(4711, None, request_code=815)

    assert "CODE_4711 (4711) to CODE_815" in str(error)


async def test_a_refusal_survives_pickling_with_its_fields() -> None:
    error = refusal(2, "busy", request_code=10, fields={"topic": "t"}, address="a:1")

    copy = pickle.loads(pickle.dumps(error))

    assert str(error) == str(copy)
    assert (type(error), "t", "a:1", True) == (type(copy), copy.topic, copy.address, copy.retryable)


async def test_codes_of_stored_messages_are_no_refusals() -> None:
    """The table must not turn a message that is stored into an error."""
    from pyrocketmq.broker.answers import _BY_CODE  # noqa: PLC0415

    stored = {ResponseCode[status.name] for status in SendStatus if status.name != "SEND_OK"}

    assert not stored & set(_BY_CODE)
