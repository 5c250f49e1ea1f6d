"""Name server, sends and pulls, as one client sees them."""

from __future__ import annotations

import json

from pyrocketmq._native.batch import encode_batch_records
from pyrocketmq._native.command import RemotingCommand
from pyrocketmq.server import EmbeddedServer, ServerConfig
from tests.server.client import Client, Pulled, pull_header, send_header


async def test_a_sent_message_is_pulled_with_all_it_had(client: Client) -> None:
    sent = await client.send("T", b"hello", queue_id=2, properties="TAGS\x01a\x02WAIT\x01true\x02u\x01v\x02")
    pulled = await client.pull("T", 2)

    assert (0, "FOUND") == (pulled.code, pulled.remark)
    (message,) = pulled.messages
    assert b"hello" == message.body
    assert (2, 0) == (message.queue_id, message.queue_offset)
    assert sent.msg_id == message.offset_msg_id
    assert sent.transaction_id == message.unique_id
    properties = dict(message.properties)
    assert {"TAGS", "u", "WAIT", "MSG_REGION", "TRACE_ON", "CLUSTER", "UNIQ_KEY"} == set(properties)
    assert 1_700_000_000_123 == message.born_timestamp
    assert (1, 0, 1) == (
        pulled.header.next_begin_offset,
        pulled.header.min_offset,
        pulled.header.max_offset,
    )


async def test_a_batch_is_stored_message_by_message(client: Client) -> None:
    body = encode_batch_records([(0, f"UNIQ_KEY\x01{n:032X}\x02", b"m%d" % n) for n in range(3)])
    answer = await client.ask(320, send_header("T", batch=True), body)

    assert 0 == answer.code
    assert answer.ext_fields is not None
    ids = answer.ext_fields["msgId"].split(",")
    pulled = await client.pull("T")
    assert [b"m0", b"m1", b"m2"] == pulled.bodies
    assert ids == [message.offset_msg_id for message in pulled.messages]
    assert [f"{n:032X}" for n in range(3)] == [message.unique_id for message in pulled.messages]


async def test_oneway_sends_are_stored_and_not_answered(client: Client) -> None:
    ext = send_header("T").to_ext_fields()
    client.connection.oneway(RemotingCommand(310, ext_fields=ext, body=b"x"))
    await client.send("T", b"y")

    assert [b"x", b"y"] == (await client.pull("T")).bodies
    assert 0 == client.connection.stats().late_answers


async def test_routes_name_the_brokers_in_compact_json(server: EmbeddedServer, client: Client) -> None:
    await client.send("T")
    async with Client(server.addr) as nameserver:
        answer = await nameserver.ask(105, {"topic": "T"})
        unknown = await nameserver.ask(105, {"topic": "Nobody"})
        old = await nameserver.ask(105, {"topic": "TBW102"}, version=300)

    assert answer.body is not None
    assert b" " not in answer.body
    route = json.loads(answer.body)
    assert {"0": server.brokers[0].address} == route["brokerDatas"][0]["brokerAddrs"]
    assert (4, 6) == (route["queueDatas"][0]["writeQueueNums"], route["queueDatas"][0]["perm"])
    assert {} == route["filterServerTable"]
    assert 17 == unknown.code
    assert (unknown.remark or "").startswith("No topic route info in name server for the topic: Nobody")
    assert old.body is not None
    assert b'{0:"' in old.body


async def test_several_brokers_share_a_loop_and_a_name_server() -> None:
    async with EmbeddedServer(ServerConfig(brokers=2)) as server:
        for broker in server.brokers:
            async with Client(broker.address) as client:
                await client.send("T", broker.name.encode())
                assert [broker.name.encode()] == (await client.pull("T")).bodies
        async with Client(server.addr) as nameserver:
            route = json.loads((await nameserver.ask(105, {"topic": "T"})).body or b"")
            cluster = (await nameserver.ask(106)).body or b""
            topics = json.loads((await nameserver.ask(206)).body or b"")["topicList"]
    assert ["broker-a", "broker-b"] == [data["brokerName"] for data in route["queueDatas"]]
    assert b'"DefaultCluster":["broker-a","broker-b"]' in cluster
    assert {"T", "TBW102", "DefaultCluster", "broker-a"} <= set(topics)


async def test_a_held_pull_is_answered_when_a_message_comes(client: Client) -> None:
    await client.send("T", b"first")
    held = client.begin(
        11, pull_header("T", offset=1, sys_flag=6, suspend_timeout_millis=15_000, subscription="b")
    )
    await client.send("T", b"for others", properties="TAGS\x01a\x02")
    await client.send("T", b"second", properties="TAGS\x01b\x02")

    pulled = Pulled(await held)
    assert [b"second"] == pulled.bodies
    assert 3 == pulled.header.next_begin_offset


async def test_a_held_pull_ends_with_the_clock(server: EmbeddedServer, client: Client) -> None:
    await client.send("T")
    held = client.begin(11, pull_header("T", offset=1, sys_flag=6, suspend_timeout_millis=15_000))
    await client.pull("T")
    server.advance(14.9)
    await client.pull("T")
    assert not held.done()
    server.advance(0.1)
    assert 19 == (await held).code


async def test_held_pulls_of_a_lost_connection_are_forgotten(server: EmbeddedServer, client: Client) -> None:
    await client.send("T")
    async with Client(server.brokers[0].address) as other:
        waiting = other.begin(11, pull_header("T", offset=1, sys_flag=6, suspend_timeout_millis=9))
        await other.ask(30, {"topic": "T", "queueId": "0"})
    waiting.exception()
    await client.send("T")
    assert server.timers.next_due() is not None
    assert {} == server.brokers[0].pulling._held


async def test_unknown_codes_and_failing_handlers_are_answered(
    server: EmbeddedServer, client: Client
) -> None:
    def fail(_: object) -> None:
        raise ValueError("broken")

    server.brokers[0].dispatcher.add({9999: fail})
    unknown = await client.ask(4711)
    failed = await client.ask(9999)
    assert (3, " request type 4711 not supported") == (unknown.code, unknown.remark)
    assert (1, "ValueError: broken") == (failed.code, failed.remark)
