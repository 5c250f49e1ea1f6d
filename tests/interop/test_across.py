"""From one released client to another, through our server: messages, and requests with their replies."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from pyrocketmq.model import Message, RemotingCommand, RequestCode
from pyrocketmq.model import RemotingRequestFactory as Requests
from tests.conformance.reading import fields, produce_as, read_queue
from tests.servers import Server, Wire

from .conftest import Named, Starting
from .programs import Program

PAIRS = [("java-5.5.0", "go"), ("go", "java-4.9.7"), ("java-4.9.7", "java-5.5.0"), ("go", "java-5.5.0")]


@pytest.mark.parametrize(("sender", "receiver"), PAIRS)
@pytest.mark.parametrize("mode", ["sync", "batch", "ordered"])
def test_messages_of_one_client_are_consumed_by_another(
    programs: Named, topic: str, group: str, sender: str, receiver: str, mode: str, consuming: Starting
) -> None:
    consumer = consuming(programs(receiver), topic=topic, group=group, tags="new")

    programs(sender).do(
        "produce",
        topic=topic,
        group=f"{group}-p",
        mode=mode,
        count=6,
        body="h\u00e9llo ",
        tags="new",
        keys="k1 k2",
        key="order-",
        p__mine="\u4e3b",
    )

    messages = consumer.messages(6)
    assert sorted(message["body"] for message in messages) == [f"h\u00e9llo {number}" for number in range(6)]
    assert {message["keys"].strip() for message in messages} == {"k1 k2"}
    assert {message["properties"]["mine"] for message in messages} == {"\u4e3b"}


@pytest.mark.parametrize(("sender", "receiver"), PAIRS)
def test_a_transaction_of_one_client_is_consumed_by_another(
    programs: Named, topic: str, group: str, sender: str, receiver: str, consuming: Starting
) -> None:
    consumer = consuming(programs(receiver), topic=topic, group=group)
    for decision in ("ROLLBACK_MESSAGE", "COMMIT_MESSAGE"):
        programs(sender).do("transact", topic=topic, group=f"{group}-p", body=decision, decision=decision)

    (message,) = consumer.messages(1)

    assert message["body"] == "COMMIT_MESSAGE0"


@pytest.mark.parametrize(("asking", "answering"), [*PAIRS, ("java-5.5.0", "java-5.5.0"), ("go", "go")])
def test_a_request_is_answered(
    programs: Named, topic: str, group: str, asking: str, answering: str, consuming: Starting
) -> None:
    consuming(programs(answering), "reply", topic=topic, group=group)

    task = programs(asking).start("request", topic=topic, group=f"{group}-p", body="question ")

    (replied,) = task.some("replied")
    assert replied["body"] == "reply to question 0"


@pytest.fixture
def asking(server: Server, group: str) -> Iterator[Wire]:
    """Our connection, which asks under the name ``asking-<group>``."""
    with Wire(server.broker) as wire:
        produce_as(wire, f"asking-{group}", group)
        yield wire


def test_our_request_is_answered_by_a_released_client(
    server: Server, client: Program, topic: str, group: str, asking: Wire, consuming: Starting
) -> None:
    consuming(client, "reply", topic=topic, group=f"{group}-c")
    correlation = uuid.uuid4().hex
    properties = {"CORRELATION_ID": correlation, "REPLY_TO_CLIENT": f"asking-{group}", "TTL": "15000"}

    asking.send(Message(topic, "question", properties=properties))

    push = server.until(lambda: asking.push_of(RequestCode.PUSH_REPLY_MESSAGE_TO_CLIENT), "a reply comes")
    asking.respond(push)
    assert push.body == b"reply to question"
    assert f"CORRELATION_ID\x01{correlation}" in fields(push)["properties"]


def test_a_request_of_a_released_client_is_answered_by_us(
    server: Server, broker: Wire, client: Program, topic: str, group: str
) -> None:
    task = client.start("request", topic=topic, group=group, body="question ")

    def question() -> list[str]:
        return [f"{queue}" for queue in range(4) if broker.ask(pull_of(topic, queue)).command.code == 0]

    (queue,) = server.until(question, "the request is stored")
    (message,) = read_queue(server, broker, topic, int(queue), 1)
    asked = message.properties
    reply = {name: asked[name] for name in ("CORRELATION_ID", "REPLY_TO_CLIENT", "TTL")}
    command = Requests.create_send_reply_message_v2_request(
        group,
        f"{asked['CLUSTER']}_REPLY_TOPIC",
        "our answer",
        properties=reply | {"MSG_TYPE": "reply", "UNIQ_KEY": uuid.uuid4().hex.upper()},
    )

    def taken() -> bool:
        # The Go client makes itself known to the broker only while it waits.
        return broker.ask(command).command.code == 0

    assert server.until(taken, "the reply is taken")
    (replied,) = [event for event in task.end() if event["event"] == "replied"]
    assert replied["body"] == "our answer"


def pull_of(topic: str, queue_id: int) -> RemotingCommand:
    return Requests.create_pull_message_request("readers", topic, queue_id, 0, 32)
