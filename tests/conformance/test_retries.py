"""Messages that consumers give back: they come again later, and at last go to the dead letters."""

from __future__ import annotations

import pytest

from pyrocketmq._native.stored import MessageExt
from pyrocketmq.model import Message
from pyrocketmq.model import RemotingRequestFactory as Requests
from pyrocketmq.model.group_data import SubscriptionGroupConfig
from tests.servers import Server, Wire

from .reading import join, pull, read_queue, route_of


def stored(server: Server, broker: Wire, topic: str) -> MessageExt:
    message = Message(topic, "again", "new", "key-1", flag=5, properties={"mine": "yes"})
    broker.send(message)
    return read_queue(server, broker, topic, 0, 1)[0]


def give_back(broker: Wire, group: str, message: MessageExt, level: int, most: int | None = None) -> None:
    broker.call(
        Requests.create_consumer_send_msg_back_request(
            group,
            message.commit_log_offset,
            level,
            origin_msg_id=message.unique_id,
            origin_topic=message.topic,
            max_reconsume_times=most,
        )
    )


@pytest.mark.parametrize("codec", ["json", "binary"])
def test_a_message_given_back_comes_to_the_retry_topic(
    server: Server, broker: Wire, topic: str, group: str
) -> None:
    message = stored(server, broker, topic)

    give_back(broker, group, message, 1)

    retry = f"%RETRY%{group}"
    (again,) = read_queue(server, broker, retry, 0, 1)
    assert (again.body, again.tags, again.keys, again.flag) == (b"again", "new", "key-1", 5)
    assert again.reconsume_times == 1
    assert (again.topic, again.real_topic) == (retry, topic)
    assert again.unique_id == message.unique_id
    assert again.get_property("mine") == "yes"
    assert again.get_property("RETRY_TOPIC") == topic
    assert again.get_property("ORIGIN_MESSAGE_ID") == message.offset_msg_id
    assert again.born_timestamp == message.born_timestamp
    assert again.born_host == message.born_host


def test_a_message_given_back_does_not_come_before_its_time(
    server: Server, broker: Wire, topic: str, group: str
) -> None:
    message = stored(server, broker, topic)
    given_ms = server.now_ms()

    give_back(broker, group, message, 2)

    server.passes(3.0)
    assert pull(broker, f"%RETRY%{group}").max_offset == 0
    (again,) = read_queue(server, broker, f"%RETRY%{group}", 0, 1)
    assert again.store_timestamp - given_ms >= 5_000


def test_a_message_given_back_twice_keeps_its_origin(
    server: Server, broker: Wire, topic: str, group: str
) -> None:
    message = stored(server, broker, topic)
    retry = f"%RETRY%{group}"
    give_back(broker, group, message, 1)
    (once,) = read_queue(server, broker, retry, 0, 1)

    give_back(broker, group, once, 1)

    (twice,) = read_queue(server, broker, retry, 0, 1, begin=1)
    assert twice.reconsume_times == 2
    assert twice.get_property("RETRY_TOPIC") == topic
    assert twice.get_property("ORIGIN_MESSAGE_ID") == message.offset_msg_id


@pytest.mark.parametrize("how", ["by its level", "by the tries of the request", "by the tries of the group"])
def test_a_message_nobody_can_use_goes_to_the_dead_letters(
    server: Server, broker: Wire, topic: str, group: str, how: str
) -> None:
    message = stored(server, broker, topic)
    if how == "by the tries of the group":
        settings = SubscriptionGroupConfig(group, retry_max_times=0)
        broker.call(Requests.create_create_subscription_group_request(settings))
    level = -1 if how == "by its level" else 0
    most = 0 if how == "by the tries of the request" else None

    give_back(broker, group, message, level, most)

    dead = f"%DLQ%{group}"
    (letter,) = read_queue(server, broker, dead, 0, 1)
    assert (letter.body, letter.tags, letter.topic) == (b"again", "new", dead)
    assert letter.unique_id == message.unique_id
    assert letter.get_property("RETRY_TOPIC") == topic
    assert letter.get_property("ORIGIN_MESSAGE_ID") == message.offset_msg_id
    assert letter.reconsume_times == 1


def test_the_last_try_is_followed_by_the_dead_letters(
    server: Server, broker: Wire, topic: str, group: str
) -> None:
    message = stored(server, broker, topic)
    give_back(broker, group, message, 1, 1)
    (again,) = read_queue(server, broker, f"%RETRY%{group}", 0, 1)

    give_back(broker, group, again, 1, 1)

    (letter,) = read_queue(server, broker, f"%DLQ%{group}", 0, 1)
    assert letter.reconsume_times == 2
    assert letter.real_topic in (topic, f"%DLQ%{group}")


def test_the_dead_letters_have_a_route(
    server: Server, broker: Wire, name_server: Wire, topic: str, group: str
) -> None:
    give_back(broker, group, stored(server, broker, topic), -1)

    (queues,) = route_of(server, name_server, f"%DLQ%{group}").queue_datas

    assert (queues.read_queue_nums, queues.write_queue_nums) == (1, 1)
    assert queues.perm == 6


def test_a_place_without_a_message_cannot_be_given_back(
    server: Server, broker: Wire, topic: str, group: str
) -> None:
    message = stored(server, broker, topic)
    for place in (message.commit_log_offset + 1, 10_000_000_000):
        command = Requests.create_consumer_send_msg_back_request(group, place, 1, origin_topic=topic)
        assert broker.ask(command).command.code == 1


@pytest.mark.parametrize("codec", ["json", "binary"])
def test_a_client_may_send_to_the_retry_topic_itself(
    server: Server, broker: Wire, topic: str, group: str
) -> None:
    """What clients do when giving back fails."""
    retry = f"%RETRY%{group}"
    join(broker, "member", group)
    command = Requests.create_send_message_v2_request(
        "CLIENT_INNER_PRODUCER",
        retry,
        b"again",
        properties={"RETRY_TOPIC": topic, "DELAY": "1", "ORIGIN_MESSAGE_ID": "0" * 32},
        reconsume_times=1,
        max_reconsume_times=3,
    )

    broker.call(command)

    (again,) = read_queue(server, broker, retry, 0, 1)
    assert (again.body, again.reconsume_times) == (b"again", 1)
    assert again.get_property("RETRY_TOPIC") == topic


def test_a_retry_after_the_last_try_is_stored_as_a_dead_letter(
    server: Server, broker: Wire, topic: str, group: str
) -> None:
    join(broker, "member", group)
    command = Requests.create_send_message_v2_request(
        "CLIENT_INNER_PRODUCER",
        f"%RETRY%{group}",
        b"again",
        properties={"RETRY_TOPIC": topic, "DELAY": "1"},
        reconsume_times=4,
        max_reconsume_times=3,
    )

    broker.call(command)

    (letter,) = read_queue(server, broker, f"%DLQ%{group}", 0, 1)
    assert letter.body == b"again"
