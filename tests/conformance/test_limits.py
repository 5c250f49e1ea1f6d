"""What a broker refuses to store, and with which code."""

from __future__ import annotations

import uuid

import pytest

from pyrocketmq._native.answer import decode_send_answer
from pyrocketmq.model import Message, Perm
from pyrocketmq.model import RemotingRequestFactory as Requests
from tests.servers import Server, Wire

from .conftest import QUEUES, Differs
from .reading import READERS, read_queue, route_of


def refused(broker: Wire, topic: str, body: bytes = b"x", queue_id: int = 0) -> tuple[int, str]:
    """Code and remark of a send that is not stored."""
    command = Requests.create_send_message_v2_request("producers", topic, body, queue_id)
    answer = broker.ask(command)
    result = decode_send_answer(answer.raw)
    assert (result.status, result.ok) == (None, False)
    assert result.remark == answer.command.remark
    return result.code, answer.command.remark or ""


def test_a_body_over_4_mib_is_refused(broker: Wire, topic: str) -> None:
    code, _ = refused(broker, topic, bytes(4 * 1024 * 1024 + 1))

    assert code == 13


def test_a_frame_over_16_mib_closes_the_connection(broker: Wire, topic: str) -> None:
    command = Requests.create_send_message_v2_request("producers", topic, bytes(17 * 1024 * 1024))

    with pytest.raises((EOFError, ConnectionError)):
        broker.ask(command)


def test_properties_over_the_limit_are_refused(broker: Wire, topic: str, differs: Differs) -> None:
    """The limit of 32767 bytes counts what the broker adds."""
    for length, taken in ((32_500, True), (32_706, differs("adds-only-the-cluster")), (32_767, False)):
        text = "a\x01" + "b" * (length - 3) + "\x02"
        command = Requests.create_send_message_v2_request("producers", topic, b"x", properties=text)
        code = broker.ask(command).command.code
        assert code == (0 if taken else 13), length


def test_an_empty_body_is_refused(broker: Wire, topic: str, differs: Differs) -> None:
    command = Requests.create_send_message_v2_request("producers", topic, b"")

    code = broker.ask(command).command.code

    assert code == (0 if differs("stores-empty-bodies") else 1)


@pytest.mark.parametrize("queue_id", [QUEUES, 99])
def test_a_queue_that_is_not_there_is_refused(
    broker: Wire, topic: str, queue_id: int, differs: Differs
) -> None:
    code, remark = refused(broker, topic, queue_id=queue_id)

    assert code == (1 if differs("bad-parameters-are-system-errors") else 29)
    assert str(queue_id) in remark


@pytest.mark.parametrize("name", ["a b", "a.b", "t" * 128, "\u540d"])
def test_a_topic_name_out_of_bounds_is_refused(broker: Wire, name: str, differs: Differs) -> None:
    code, _ = refused(broker, name)

    assert code == (1 if differs("bad-parameters-are-system-errors") else 29)


def test_a_topic_name_of_127_characters_is_taken(broker: Wire) -> None:
    name = uuid.uuid4().hex + "t" * 95

    assert broker.send(Message(name, "x")).ok


@pytest.mark.parametrize(
    "topic", ["SCHEDULE_TOPIC_XXXX", "RMQ_SYS_TRANS_HALF_TOPIC", "RMQ_SYS_TRANS_OP_HALF_TOPIC"]
)
def test_topics_of_the_broker_take_no_messages(broker: Wire, topic: str) -> None:
    code, _ = refused(broker, topic)

    assert code == 16


def test_the_right_to_write_is_left_to_the_clients(server: Server, broker: Wire, topic: str) -> None:
    """They see it in the route; the broker stores what comes all the same."""
    broker.call(Requests.create_create_topic_request(topic, QUEUES, QUEUES, Perm.READ))
    assert broker.send(Message(topic, "x")).ok
    assert [item.body for item in read_queue(server, broker, topic, 0, 1)] == [b"x"]


def test_a_topic_that_may_not_be_read_refuses_pulls(broker: Wire, topic: str) -> None:
    broker.call(Requests.create_create_topic_request(topic, QUEUES, QUEUES, Perm.WRITE))
    broker.send(Message(topic, "for nobody"))

    answer = broker.ask(Requests.create_pull_message_request(READERS, topic, 0, 0, 1)).command

    assert answer.code == 16


def test_an_unknown_topic_is_made_from_the_template(server: Server, broker: Wire, name_server: Wire) -> None:
    """With as many queues as the sender asks for, and the template has."""
    for asked, made in ((2, 2), (64, 8)):
        name = f"new-{uuid.uuid4().hex}"
        broker.call(
            Requests.create_send_message_v2_request(
                "producers", name, b"x", 0, default_topic_queue_nums=asked
            )
        )
        (queues,) = route_of(server, name_server, name).queue_datas
        assert (queues.write_queue_nums, queues.read_queue_nums, queues.perm) == (made, made, 6)


def test_a_topic_without_a_template_is_not_made(broker: Wire) -> None:
    name = f"new-{uuid.uuid4().hex}"
    command = Requests.create_send_message_v2_request("producers", name, b"x", default_topic="no-template")

    assert broker.ask(command).command.code == 17


def test_an_unknown_request_is_answered_with_code_3(broker: Wire) -> None:
    command = Requests.create_get_broker_config_request()
    command.code = 29_999

    answer = broker.ask(command).command

    assert answer.code == 3
    assert "29999" in (answer.remark or "")


@pytest.mark.parametrize("data", [bytes.fromhex("00000010 07000004 7b7d7b7d 00000000 00000000")])
def test_a_header_of_an_unknown_codec_closes_the_connection(broker: Wire, data: bytes) -> None:
    broker.write(data)

    with pytest.raises((EOFError, ConnectionError)):
        broker.read()
