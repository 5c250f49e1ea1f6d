"""Messages that consumers give back: retries and dead letters."""

from __future__ import annotations

import pytest

from pyrocketmq.model.group_data import SubscriptionGroupConfig
from pyrocketmq.model.message_ext import MessageExt
from pyrocketmq.model.message_queue import MessageQueue
from pyrocketmq.model.result_data import LockBatchRequestBody
from pyrocketmq.server import EmbeddedServer, ServerConfig
from tests.server.client import Client, send_header
from tests.server.heartbeats import join

RETRY = "%RETRY%cg"
DEAD = "%DLQ%cg"


async def give_back(client: Client, message: MessageExt, level: int = 0, **fields: str) -> int:
    """Send a message back; the code of the answer."""
    answer = await client.ask(
        36,
        {"offset": str(message.commit_log_offset), "group": "cg", "delayLevel": str(level), **fields},
    )
    return answer.code


async def read(client: Client, topic: str) -> list[MessageExt]:
    """All messages of queue 0; none if there is no such topic."""
    answer = await client.pull(topic)
    return answer.messages


async def sent(client: Client, topic: str = "T") -> MessageExt:
    """A message as a consumer has it."""
    await client.send(topic, b"work", properties="UNIQ_KEY\x01U1\x02TAGS\x01t\x02")
    (message,) = (await client.pull(topic)).messages
    return message


async def test_a_message_given_back_comes_again_with_its_history(
    server: EmbeddedServer, client: Client
) -> None:
    await join(client)
    message = await sent(client)

    assert 0 == await give_back(client, message, 1)
    server.advance(1)
    (again,) = await read(client, RETRY)

    properties = dict(again.properties)
    assert (b"work", 1, "U1", "t") == (again.body, again.reconsume_times, again.unique_id, again.tags)
    assert ("T", message.offset_msg_id) == (properties["RETRY_TOPIC"], properties["ORIGIN_MESSAGE_ID"])
    assert (RETRY, "0", "false") == (properties["REAL_TOPIC"], properties["REAL_QID"], properties["WAIT"])
    assert "T" == again.real_topic
    assert message.born_timestamp == again.born_timestamp

    assert 0 == await give_back(client, again, 1)
    server.advance(1)
    third = (await read(client, RETRY))[1]
    assert (2, "T") == (third.reconsume_times, third.properties["RETRY_TOPIC"])
    assert message.offset_msg_id == third.properties["ORIGIN_MESSAGE_ID"]


async def test_the_broker_lets_each_retry_wait_longer(server: EmbeddedServer, client: Client) -> None:
    await join(client)
    message = await sent(client)
    for count, seconds in enumerate((10, 30, 60), 1):
        assert 0 == await give_back(client, message)
        server.advance(seconds - 0.001)
        assert count - 1 == len(await read(client, RETRY))
        server.advance(0.001)
        message = (await read(client, RETRY))[-1]
        assert count == message.reconsume_times


async def test_the_last_retry_ends_among_the_dead_letters(server: EmbeddedServer, client: Client) -> None:
    await client.ask(200, body=SubscriptionGroupConfig("cg", retry_max_times=1).encode())
    await join(client)
    message = await sent(client)
    assert 0 == await give_back(client, message, 1)
    server.advance(1)
    (again,) = await read(client, RETRY)

    assert 0 == await give_back(client, again)

    (dead,) = await read(client, DEAD)
    assert (b"work", 2, "0") == (dead.body, dead.reconsume_times, dead.properties["DELAY"])
    assert ("T", message.offset_msg_id) == (
        dead.properties["RETRY_TOPIC"],
        dead.properties["ORIGIN_MESSAGE_ID"],
    )


@pytest.mark.parametrize(("level", "fields"), [(-1, {}), (3, {"maxReconsumeTimes": "0"})])
async def test_a_consumer_may_give_a_message_up(client: Client, level: int, fields: dict[str, str]) -> None:
    await join(client)
    message = await sent(client)

    assert 0 == await give_back(client, message, level, **fields)

    assert [b"work"] == [dead.body for dead in await read(client, DEAD)]


async def test_a_place_where_no_message_begins_is_refused(client: Client) -> None:
    await join(client)
    message = await sent(client)
    offset = message.commit_log_offset + 1

    answer = await client.ask(36, {"offset": str(offset), "group": "cg", "delayLevel": "0"})

    assert (1, f"look message by offset failed, {offset}") == (answer.code, answer.remark)


async def test_an_unknown_group_gives_nothing_back_where_groups_are_not_made() -> None:
    config = ServerConfig(auto_create_groups=False)
    async with EmbeddedServer(config) as server, Client(server.brokers[0].address) as client:
        await client.send("T")
        answer = await client.ask(36, {"offset": "0", "group": "cg", "delayLevel": "0"})

    assert 26 == answer.code


async def test_a_group_may_have_several_retry_queues(server: EmbeddedServer, client: Client) -> None:
    await join(client)
    await client.ask(200, body=SubscriptionGroupConfig("cg", retry_queue_nums=3).encode())
    message = await sent(client)
    for _ in range(60):
        assert 0 == await give_back(client, message, 1)
    server.advance(1)

    topic = server.brokers[0].topics.get(RETRY)
    assert topic is not None
    assert (3, 3) == (topic.read_queues, topic.write_queues)
    counts = [len((await client.pull(RETRY, queue_id)).messages) for queue_id in range(3)]
    assert 60 == sum(counts)
    assert 0 < min(counts)


async def test_a_group_without_retry_queues_drops_what_it_gives_back(
    server: EmbeddedServer, client: Client
) -> None:
    await client.ask(200, body=SubscriptionGroupConfig("cg", retry_queue_nums=0).encode())
    message = await sent(client)

    assert 0 == await give_back(client, message, 1)
    server.advance(1)

    assert RETRY not in server.brokers[0].store.log.topics()


async def test_retries_that_consumers_send_themselves_end_among_the_dead_letters_too(
    server: EmbeddedServer, client: Client
) -> None:
    """Java and Go do so when giving back fails, and for consumers in order."""
    await join(client)

    async def send_retry(body: bytes, tries: int) -> None:
        header = send_header(
            RETRY, 0, "DELAY\x011\x02RETRY_TOPIC\x01T\x02", reconsume_times=tries, max_reconsume_times=16
        )
        assert 0 == (await client.ask(310, header, body)).code

    await send_retry(b"again", 16)
    await send_retry(b"too often", 17)
    queues = [MessageQueue("T", "broker-a", 0)]
    await client.ask(41, body=LockBatchRequestBody("cg", "me", queues).encode())
    await send_retry(b"in order", 1)
    server.advance(1)

    assert [b"again"] == [message.body for message in await read(client, RETRY)]
    dead = await read(client, DEAD)
    assert [(b"too often", 17), (b"in order", 1)] == [(one.body, one.reconsume_times) for one in dead]
    assert {"-1"} == {one.properties["DELAY"] for one in dead}
