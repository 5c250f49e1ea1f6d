"""Requests that a broker hands on to a client, and answers with what the client says."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pyrocketmq._native.stored import decode_messages_strict
from pyrocketmq.model import (
    ConsumerRunningInfo,
    LanguageCode,
    Message,
    MessageQueue,
    RemotingCommand,
    RequestCode,
    SubscriptionData,
)
from pyrocketmq.model import RemotingRequestFactory as Requests
from pyrocketmq.model.client_data import ConsumeMessageDirectlyResult
from pyrocketmq.model.result_data import GetConsumerStatusBody, ResetOffsetBody
from tests.servers import Server, Wire

from .conftest import QUEUES
from .reading import fields, join, read_queue

MEMBER = "member@1"


@pytest.fixture
def member(connect: Callable[[], Wire], topic: str, group: str) -> Wire:
    """A connection of the only member of the group."""
    wire = connect()
    join(wire, MEMBER, group, SubscriptionData.build(topic))
    return wire


def pushed(server: Server, member: Wire, code: int) -> RemotingCommand:
    return server.until(lambda: member.push_of(code), f"request {code} reaches the member")


@pytest.mark.parametrize("codec", ["json", "binary"])
def test_a_running_consumer_is_asked_about_itself(
    server: Server, broker: Wire, member: Wire, group: str
) -> None:
    asked = Requests.create_get_consumer_running_info_request(group, MEMBER, jstack_enable=True)
    broker.hold(asked)

    request = pushed(server, member, RequestCode.GET_CONSUMER_RUNNING_INFO)
    info = ConsumerRunningInfo(properties={"PROP_CLIENT_VERSION": "mine"}, jstack="threads")
    member.respond(request, body=info.encode(), remark="here")

    answer = broker.answer(asked.opaque).command
    assert not request.is_oneway
    assert fields(request)["clientId"] == MEMBER
    assert fields(request)["consumerGroup"] == group
    assert fields(request)["jstackEnable"] == "true"
    assert (answer.code, answer.remark, answer.language) == (0, "here", LanguageCode.PYTHON)
    assert ConsumerRunningInfo.decode(answer.body) == info


def test_the_refusal_of_a_consumer_is_handed_on(
    server: Server, broker: Wire, member: Wire, group: str
) -> None:
    asked = Requests.create_get_consumer_running_info_request(group, MEMBER)
    broker.hold(asked)

    member.respond(pushed(server, member, RequestCode.GET_CONSUMER_RUNNING_INFO), 1, remark="not now")

    answer = broker.answer(asked.opaque).command
    assert (answer.code, answer.remark) == (1, "not now")


def test_a_consumer_that_is_not_there_cannot_be_asked(broker: Wire, group: str) -> None:
    answer = broker.ask(Requests.create_get_consumer_running_info_request(group, "nobody@1")).command

    assert answer.code == 1
    assert group in (answer.remark or "")
    assert "nobody@1" in (answer.remark or "")


@pytest.mark.parametrize("codec", ["json", "binary"])
def test_a_message_is_consumed_directly(
    server: Server, broker: Wire, member: Wire, topic: str, group: str
) -> None:
    broker.send(Message(topic, "consume me", "new"))
    (message,) = read_queue(server, broker, topic, 0, 1)
    asked = Requests.create_consume_message_directly_request(
        group, MEMBER, msg_id=message.offset_msg_id, broker_name=server.broker_name, topic=topic
    )
    broker.hold(asked)

    request = pushed(server, member, RequestCode.CONSUME_MESSAGE_DIRECTLY)
    result = ConsumeMessageDirectlyResult(consume_result="CR_SUCCESS", spent_time_mills=3)
    member.respond(request, body=result.encode())

    assert fields(request)["msgId"] == message.offset_msg_id
    assert fields(request)["brokerName"] == server.broker_name
    (handed,) = decode_messages_strict(request.body or b"")
    assert (handed.topic, handed.body, handed.queue_offset) == (topic, b"consume me", 0)
    answer = broker.answer(asked.opaque).command
    assert ConsumeMessageDirectlyResult.decode(answer.body) == result


def test_offsets_of_a_consumer_are_asked_for(
    server: Server, broker: Wire, member: Wire, topic: str, group: str
) -> None:
    asked = Requests.create_get_consumer_status_request(group, topic)
    broker.hold(asked)

    request = pushed(server, member, RequestCode.GET_CONSUMER_STATUS_FROM_CLIENT)
    queue = MessageQueue(topic, server.broker_name, 2)
    member.respond(request, body=GetConsumerStatusBody({queue: 17}).encode())

    table = GetConsumerStatusBody.decode(broker.answer(asked.opaque).command.body).consumer_table
    assert table == {MEMBER: {queue: 17}}


@pytest.mark.where("resets-by-telling-members")
def test_a_reset_is_told_to_the_members(
    server: Server, broker: Wire, member: Wire, topic: str, group: str
) -> None:
    broker.send(Message(topic, "x"))
    read_queue(server, broker, topic, 0, 1)
    for queue_id in range(QUEUES):  # a queue without an offset makes it refuse
        broker.call(Requests.create_update_consumer_offset_request(group, topic, queue_id, 0))

    broker.call(Requests.create_reset_offset_request(group, topic, -1))

    request = pushed(server, member, RequestCode.RESET_CONSUMER_CLIENT_OFFSET)
    assert request.is_oneway
    assert fields(request)["group"] == group
    assert b"offsetTable" in (request.body or b"")


@pytest.mark.unless("resets-by-telling-members")
def test_a_reset_with_members_is_kept_by_the_server(
    server: Server, broker: Wire, member: Wire, topic: str, group: str
) -> None:
    for _ in range(2):
        broker.send(Message(topic, "x"))
    read_queue(server, broker, topic, 0, 2)
    broker.call(Requests.create_update_consumer_offset_request(group, topic, 0, 2))

    table = ResetOffsetBody.decode(
        broker.call(Requests.create_reset_offset_request(group, topic, queue_id=0, offset=1)).body
    ).offset_table

    assert table == {MessageQueue(topic, server.broker_name, 0): 1}
    member.collect(0.1)
    assert member.push_of(RequestCode.RESET_CONSUMER_CLIENT_OFFSET) is None
    pull = Requests.create_pull_message_request(group, topic, 0, 2, 32)
    assert (member.ask(pull).command.code, member.ask(pull).command.code) == (21, 19)
