"""Request and reply: the broker hands a reply to the client that asked."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest

from pyrocketmq.model import RemotingCommand, RequestCode
from pyrocketmq.model import RemotingRequestFactory as Requests
from tests.servers import Server, Wire

from .reading import fields, produce_as, read_queue

PUSH = RequestCode.PUSH_REPLY_MESSAGE_TO_CLIENT
REPLY_TOPIC = "DefaultCluster_REPLY_TOPIC"


def reply(client_id: str, body: str = "answer", *, old: bool = False) -> RemotingCommand:
    properties = {
        "MSG_TYPE": "reply",
        "CORRELATION_ID": "17",
        "REPLY_TO_CLIENT": client_id,
        "TTL": "3000",
        "UNIQ_KEY": uuid.uuid4().hex.upper(),
    }
    if old:
        return Requests.create_send_reply_message_request(
            "repliers", REPLY_TOPIC, body, properties=properties
        )
    return Requests.create_send_reply_message_v2_request("repliers", REPLY_TOPIC, body, properties=properties)


@pytest.mark.parametrize("codec", ["json", "binary"])
@pytest.mark.parametrize("old", [False, True])
def test_a_reply_is_pushed_to_the_client_that_asked(
    server: Server, broker: Wire, connect: Callable[[], Wire], group: str, old: bool
) -> None:
    asking = connect()
    client_id = f"asking@{group}"
    produce_as(asking, client_id, group)
    command = reply(client_id, old=old)
    broker.hold(command)

    push = server.until(lambda: asking.push_of(PUSH), "the reply reaches the client")
    asking.respond(push)

    assert not push.is_oneway
    assert push.body == b"answer"
    assert "CORRELATION_ID\x0117" in fields(push)["properties"]
    assert fields(push)["topic"] == REPLY_TOPIC
    assert fields(push)["bornHost"].rpartition(":")[2] == broker.address.rpartition(":")[2]
    answer = broker.answer(command.opaque).command
    assert (answer.code, fields(answer)["queueId"]) == (0, "0")


def test_a_reply_to_a_client_that_is_not_there_is_refused(broker: Wire, group: str) -> None:
    answer = broker.ask(reply(f"nobody@{group}")).command

    assert answer.code == 1
    assert f"channel of <nobody@{group}> not found" in (answer.remark or "")


def test_a_reply_that_the_client_refuses_is_refused(
    server: Server, broker: Wire, connect: Callable[[], Wire], group: str
) -> None:
    asking = connect()
    produce_as(asking, f"asking@{group}", group)
    command = reply(f"asking@{group}")
    broker.hold(command)

    push = server.until(lambda: asking.push_of(PUSH), "the reply reaches the client")
    asking.respond(push, 1, remark="too late")

    assert broker.answer(command.opaque).command.code == 1


def test_a_reply_that_the_client_does_not_answer_is_refused(
    server: Server, broker: Wire, connect: Callable[[], Wire], group: str
) -> None:
    asking = connect()
    produce_as(asking, f"asking@{group}", group)
    command = reply(f"asking@{group}")
    broker.hold(command)
    server.until(lambda: asking.push_of(PUSH), "the reply reaches the client")

    answer = server.until(lambda: broker.arrived(command.opaque), "the broker gives up", within=20.0)

    assert answer.command.code == 1


def test_a_reply_is_stored_like_a_message(
    server: Server, broker: Wire, connect: Callable[[], Wire], group: str
) -> None:
    asking = connect()
    produce_as(asking, f"asking@{group}", group)
    command = reply(f"asking@{group}", f"stored {group}")
    broker.hold(command)
    asking.respond(server.until(lambda: asking.push_of(PUSH), "the reply reaches the client"))
    answer = broker.answer(command.opaque).command

    place = int(fields(answer)["queueOffset"])
    (stored,) = read_queue(server, broker, REPLY_TOPIC, 0, 1, begin=place)

    assert stored.body == f"stored {group}".encode()
    assert stored.get_property("CORRELATION_ID") == "17"
