"""The operations of a broker against a scripted one: what is asked, and what odd answers become."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from pyrocketmq._native.record import encode_message
from pyrocketmq.broker import BrokerClient
from pyrocketmq.errors import (
    BrokerBusyError,
    DeserializationError,
    InvalidRequestError,
    MessageTooLargeError,
    NotFoundError,
    RpcTimeoutError,
    UnsupportedRequestError,
)
from pyrocketmq.model import (
    HeartbeatData,
    Message,
    MessageQueue,
    PullStatus,
    RemotingCommand,
    RequestCode,
    ResponseCode,
    SendStatus,
    encode_batch,
)
from pyrocketmq.model.pop import BatchAckMessageRequestBody, PopReceipt
from pyrocketmq.model.pop_results import PopStatus
from pyrocketmq.nameserver import NameServerClient
from pyrocketmq.remote import PRODUCTION_CONFIG, AsyncRemote
from tests.transport.peers import until

from .scripted import Scripted, reply, scripted

SENT = {"msgId": "7F00000100002A9F0000000000000001", "queueId": "1", "queueOffset": "7"}
OFFSETS = {"suggestWhichBrokerId": "0", "nextBeginOffset": "5", "minOffset": "0", "maxOffset": "9"}


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Scripted]:
    async with scripted() as made:
        yield made


@pytest_asyncio.fixture
async def client(server: Scripted) -> AsyncIterator[BrokerClient]:
    async with BrokerClient("127.0.0.1", server.port, broker_name="broker-a") as made:
        yield made


def stored(topic: str, offset: int, *, queue_id: int = 0, **properties: str) -> bytes:
    return encode_message(
        topic=topic, queue_id=queue_id, queue_offset=offset, body=b"x", properties=properties
    )


# ---- sending ----


async def test_a_send_names_message_group_and_queue_and_gives_where_it_went(
    server: Scripted, client: BrokerClient
) -> None:
    server.answer(RequestCode.SEND_MESSAGE_V2, reply(fields=SENT, transactionId="T"))
    message = Message("orders", b"body", "TagA", "k1")

    result = await client.send_message(message, 1, producer_group="senders")

    assert {"a": "senders", "b": "orders", "e": "1", "n": "broker-a", "m": "false"}.items() <= (
        server.fields.items()
    )
    assert b"body" == server.last.body
    assert message.unique_id is not None
    assert message.unique_id in server.fields["i"]
    assert message.unique_id == result.msg_id
    assert (SENT["msgId"], 7, "T") == (result.offset_msg_id, result.queue_offset, result.transaction_id)
    assert MessageQueue("orders", "broker-a", 1) == result.message_queue


async def test_the_long_header_says_the_same_as_the_short_one(server: Scripted, client: BrokerClient) -> None:
    server.answer(RequestCode.SEND_MESSAGE_V2, reply(fields=SENT))
    server.answer(RequestCode.SEND_MESSAGE, reply(fields=SENT))
    message = Message("orders", b"body", "TagA", flag=5)
    await client.send_message(message, 3, producer_group="g", sys_flag=4)
    short = server.fields
    await client.send_message_long(message, 3, producer_group="g", sys_flag=4)
    long = server.fields

    pairs = {
        "a": "producerGroup",
        "b": "topic",
        "e": "queueId",
        "f": "sysFlag",
        "h": "flag",
        "i": "properties",
    }
    assert all(short[letter] == long[name] for letter, name in pairs.items())
    assert "broker-a" == long["bname"]


async def test_a_batch_goes_out_as_one_request_and_has_all_ids(
    server: Scripted, client: BrokerClient
) -> None:
    server.answer(RequestCode.SEND_BATCH_MESSAGE, reply(fields=SENT))
    messages = [Message("orders", f"{i}") for i in range(3)]

    result = await client.send_batch(messages, 1)
    assert 1 == len(server.requests)
    assert ",".join(str(message.unique_id) for message in messages) == result.msg_id

    await client.send_message(encode_batch(*messages), 1)
    assert ("true", RequestCode.SEND_BATCH_MESSAGE) == (server.fields["m"], server.last.code)


async def test_a_stored_message_whose_copy_is_not_confirmed_is_a_result_and_no_error(
    server: Scripted, client: BrokerClient
) -> None:
    server.answer(RequestCode.SEND_MESSAGE_V2, reply(ResponseCode.SLAVE_NOT_AVAILABLE, fields=SENT))

    result = await client.send_message(Message("orders", b"x"))

    assert SendStatus.SLAVE_NOT_AVAILABLE is result.status
    assert not result.ok


async def test_a_refused_send_is_an_error_with_topic_and_group(
    server: Scripted, client: BrokerClient
) -> None:
    server.answer(RequestCode.SEND_MESSAGE_V2, reply(ResponseCode.SYSTEM_BUSY, remark="[OVERLOAD]"))

    with pytest.raises(BrokerBusyError) as caught:
        await client.send_message(Message("orders", b"x"), producer_group="senders")

    assert ("orders", "senders", server.address) == (
        caught.value.topic,
        caught.value.group,
        caught.value.address,
    )


async def test_a_message_over_the_limit_is_refused_before_anything_is_sent(
    server: Scripted, client: BrokerClient
) -> None:
    with pytest.raises(MessageTooLargeError):
        await client.send_message(Message("orders", bytes(4 * 1024 * 1024 + 1)))

    assert [] == server.requests


async def test_oneway_requests_are_marked_so_that_nobody_answers(
    server: Scripted, client: BrokerClient
) -> None:
    await client.send_oneway(Message("orders", b"x"))
    await client.update_consumer_offset_oneway("g", "orders", 0, 5)
    await client.end_transaction("g", 1, 2, 0, msg_id="id")
    await until(lambda: len(server.requests) == 3)

    assert [2, 2, 2] == [request.flag for request in server.requests]


async def test_the_end_of_a_transaction_waits_for_the_broker(server: Scripted, client: BrokerClient) -> None:
    server.answer(RequestCode.END_TRANSACTION, reply(1, remark="The producer group wrong"))

    with pytest.raises(InvalidRequestError):
        await client.end_transaction("g", 1, 2, 8, msg_id="id")

    assert {"commitOrRollback": "8", "tranStateTableOffset": "1", "commitLogOffset": "2"}.items() <= (
        server.fields.items()
    )


# ---- reading ----


async def test_a_pull_gives_messages_marked_with_their_broker(server: Scripted, client: BrokerClient) -> None:
    body = stored("orders", 3) + stored("orders", 4)
    server.answer(RequestCode.PULL_MESSAGE, reply(body=body, fields=OFFSETS))

    result = await client.pull_message("g", "orders", 0, 3, 32)

    assert (PullStatus.FOUND, 5) == (result.status, result.next_begin_offset)
    assert [("broker-a", 3), ("broker-a", 4)] == [(m.broker_name, m.queue_offset) for m in result.messages]


@pytest.mark.parametrize(
    ("code", "status"),
    [(19, PullStatus.NO_NEW_MSG), (20, PullStatus.NO_MATCHED_MSG), (21, PullStatus.OFFSET_ILLEGAL)],
)
async def test_a_pull_that_finds_nothing_says_where_to_go_on(
    server: Scripted, client: BrokerClient, code: int, status: PullStatus
) -> None:
    server.answer(RequestCode.PULL_MESSAGE, reply(code, fields=OFFSETS))

    result = await client.pull_message("g", "orders", 0, 3, 32)

    assert (status, 5, []) == (result.status, result.next_begin_offset, result.messages)


async def test_a_held_pull_may_take_longer_than_other_calls(server: Scripted) -> None:
    async def later(request: RemotingCommand) -> RemotingCommand:
        await asyncio.sleep(0.05)
        answer = reply(19, fields=OFFSETS)
        answer.opaque = request.opaque
        return answer

    server.answer(RequestCode.PULL_MESSAGE, later)
    settings = PRODUCTION_CONFIG.copy(timeout=0.02)
    async with BrokerClient("127.0.0.1", server.port, remote_config=settings) as client:
        result = await client.pull_message("g", "orders", 0, 3, hold=0.01)
        assert PullStatus.NO_NEW_MSG is result.status
        assert "10" == server.fields["suspendTimeoutMillis"]
        with pytest.raises(RpcTimeoutError):
            await client.pull_message("g", "orders", 0, 3)


async def test_viewing_a_place_without_message_tells_what_there_is(
    server: Scripted, client: BrokerClient
) -> None:
    server.answer(RequestCode.PULL_MESSAGE, reply(19, fields=OFFSETS))

    with pytest.raises(NotFoundError) as caught:
        await client.view_message("orders", 2, 77)

    assert "queue 2 of topic 'orders'" in str(caught.value)
    assert "offset 77" in str(caught.value)
    assert "from 0 up to 9" in str(caught.value)


async def test_viewing_does_not_take_the_next_message_for_the_wanted_one(
    server: Scripted, client: BrokerClient
) -> None:
    server.answer(RequestCode.PULL_MESSAGE, reply(body=stored("orders", 5), fields=OFFSETS))

    assert 5 == (await client.view_message("orders", 0, 5)).queue_offset
    with pytest.raises(NotFoundError):
        await client.view_message("orders", 0, 4)


async def test_a_message_id_is_asked_for_by_its_place_in_the_log(
    server: Scripted, client: BrokerClient
) -> None:
    server.answer(RequestCode.VIEW_MESSAGE_BY_ID, reply(body=stored("orders", 5)))

    assert "orders" == (await client.get_message_by_id("7F00000100002A9F000000000000002A")).topic
    assert "42" == server.fields["offset"]
    with pytest.raises(DeserializationError):
        await client.get_message_by_id("no id")


async def test_messages_found_by_a_colliding_hash_are_left_out(
    server: Scripted, client: BrokerClient
) -> None:
    body = stored("orders", 1, KEYS="a b", UNIQ_KEY="U1") + stored("orders", 2, KEYS="ab", UNIQ_KEY="U2")
    server.answer(RequestCode.QUERY_MESSAGE, reply(body=body))

    assert [1] == [message.queue_offset for message in await client.query_message("orders", "b")]
    assert "_UNIQUE_KEY_QUERY" not in server.fields
    found = await client.query_message_by_unique_key("orders", "U2")
    assert [2] == [message.queue_offset for message in found]
    assert "true" == server.fields["_UNIQUE_KEY_QUERY"]
    server.answer(RequestCode.QUERY_MESSAGE, reply(ResponseCode.QUERY_NOT_FOUND))
    assert [] == await client.query_message("orders", "b")


# ---- pop ----

POPPED = {
    "popTime": "1000",
    "invisibleTime": "60000",
    "reviveQid": "3",
    "restNum": "4",
    "startOffsetInfo": "0 0 10;0 1 20",
    "msgOffsetInfo": "0 0 10,12;0 1 20",
}


async def test_each_popped_message_has_the_receipt_of_its_place(
    server: Scripted, client: BrokerClient
) -> None:
    body = stored("orders", 12) + stored("orders", 10) + stored("orders", 20, queue_id=1)
    server.answer(RequestCode.POP_MESSAGE, reply(body=body, fields=POPPED))

    result = await client.pop_message("g", "orders", invisible_time=1.5, hold=2.0)

    assert ("1500", "2000", "-1") == tuple(server.fields[n] for n in ("invisibleTime", "pollTime", "queueId"))
    assert (PopStatus.FOUND, 4) == (result.status, result.rest_num)
    assert [
        "10 1000 60000 3 0 broker-a 0 12",
        "10 1000 60000 3 0 broker-a 0 10",
        "20 1000 60000 3 0 broker-a 1 20",
    ] == [popped.receipt.encode() for popped in result.messages]


async def test_a_retried_message_keeps_the_receipt_that_the_broker_gave_it(
    server: Scripted, client: BrokerClient
) -> None:
    given = "7 900 60000 2 1 broker-a 0"
    server.answer(RequestCode.POP_MESSAGE, reply(body=stored("orders", 7, POP_CK=given), fields=POPPED))
    server.answer(RequestCode.ACK_MESSAGE, reply())

    (popped,) = (await client.pop_message("g", "orders")).messages
    await client.ack_message("g", "orders", popped.receipt)

    assert f"{given} 7" == server.fields["extraInfo"]
    assert ("%RETRY%g_orders", "0", "7") == tuple(server.fields[n] for n in ("topic", "queueId", "offset"))


async def test_ordered_messages_tell_how_often_they_were_handed_out(
    server: Scripted, client: BrokerClient
) -> None:
    fields = {**POPPED, "orderCountInfo": "0 qo0%10 2;0 0 5"}
    server.answer(
        RequestCode.POP_MESSAGE, reply(body=stored("orders", 10) + stored("orders", 12), fields=fields)
    )

    result = await client.pop_message("g", "orders", order=True)

    assert [2, 5] == [popped.attempts for popped in result.messages]


@pytest.mark.parametrize(
    ("code", "status"),
    [(19, PopStatus.NO_NEW_MSG), (210, PopStatus.NO_NEW_MSG), (209, PopStatus.POLLING_FULL)],
)
async def test_a_pop_without_messages_is_no_error(
    server: Scripted, client: BrokerClient, code: int, status: PopStatus
) -> None:
    server.answer(RequestCode.POP_MESSAGE, reply(code))

    result = await client.pop_message("g", "orders")

    assert (status, []) == (result.status, result.messages)


async def test_info_strings_that_lack_a_message_are_reported(server: Scripted, client: BrokerClient) -> None:
    server.answer(RequestCode.POP_MESSAGE, reply(body=stored("orders", 1, queue_id=9), fields=POPPED))

    with pytest.raises(DeserializationError, match="0@9"):
        await client.pop_message("g", "orders")


async def test_a_new_invisible_time_gives_a_new_receipt(server: Scripted, client: BrokerClient) -> None:
    fields = {"popTime": "2000", "invisibleTime": "10000", "reviveQid": "5"}
    server.answer(RequestCode.CHANGE_MESSAGE_INVISIBLETIME, reply(fields=fields))

    receipt = await client.change_invisible_time("g", "orders", "10 1000 60000 3 0 broker-a 0 12", 10.0)

    assert "10000" == server.fields["invisibleTime"]
    assert "12 2000 10000 5 0 broker-a 0 12" == receipt.encode()


async def test_acknowledgements_of_one_pop_travel_together(server: Scripted, client: BrokerClient) -> None:
    server.answer(RequestCode.BATCH_ACK_MESSAGE, reply())
    receipts = [
        PopReceipt(10, 1000, 60000, 3, "0", "broker-a", queue, 10 + i) for queue in (0, 1) for i in (2, 0)
    ]

    await client.batch_ack_message("g", "orders", receipts)
    body = BatchAckMessageRequestBody.decode(server.last.body)

    assert "broker-a" == body.broker_name
    assert [(0, [10, 12]), (1, [10, 12])] == [(ack.queue_id, ack.offsets) for ack in body.acks]
    await client.batch_ack_message("g", "orders", [])
    assert 1 == len(server.requests)


async def test_an_old_broker_is_named_when_it_does_not_know_pop(
    server: Scripted, client: BrokerClient
) -> None:
    with pytest.raises(UnsupportedRequestError) as caught:
        await client.pop_message("g", "orders")

    assert "POP_MESSAGE" in str(caught.value)
    assert server.address in str(caught.value)


# ---- groups, offsets, settings ----


async def test_a_group_without_members_is_an_empty_list(server: Scripted, client: BrokerClient) -> None:
    code = RequestCode.GET_CONSUMER_LIST_BY_GROUP
    server.answer(code, reply(1, remark="no consumer for this group, g"))
    assert [] == await client.get_consumers_by_group("g")
    server.answer(code, reply(body='{"consumerIdList":["a","b"]}'))
    assert ["a", "b"] == await client.get_consumers_by_group("g")


async def test_an_offset_that_was_never_stored_is_none(server: Scripted, client: BrokerClient) -> None:
    server.answer(RequestCode.QUERY_CONSUMER_OFFSET, reply(ResponseCode.QUERY_NOT_FOUND))
    assert await client.query_consumer_offset("g", "orders", 0) is None
    server.answer(RequestCode.QUERY_CONSUMER_OFFSET, reply(offset="0"))
    assert 0 == await client.query_consumer_offset("g", "orders", 0)


async def test_locks_that_others_hold_are_missing_from_the_result(
    server: Scripted, client: BrokerClient
) -> None:
    held = '{"lockOKMQSet":[{"brokerName":"broker-a","queueId":1,"topic":"orders"}]}'
    server.answer(RequestCode.LOCK_BATCH_MQ, reply(body=held))
    queues = [MessageQueue("orders", "broker-a", i) for i in range(2)]

    assert {queues[1]} == await client.lock_batch_mq("g", "c", queues)


async def test_absent_users_and_rules_are_none(server: Scripted, client: BrokerClient) -> None:
    server.answer(RequestCode.AUTH_GET_USER, reply())
    server.answer(RequestCode.AUTH_GET_ACL, reply(16, remark="The subject is not exist."))

    assert await client.get_user("nobody") is None
    assert await client.get_acl("User:nobody") is None


async def test_the_version_of_the_broker_comes_with_a_heartbeat(
    server: Scripted, client: BrokerClient
) -> None:
    answer = reply()
    answer.version = 407
    server.answer(RequestCode.HEART_BEAT, answer)

    assert 407 == await client.heartbeat(HeartbeatData("c"))


async def test_the_broker_asks_back_on_the_same_connection(server: Scripted, client: BrokerClient) -> None:
    client.on_request(
        RequestCode.GET_CONSUMER_RUNNING_INFO,
        lambda request: RemotingCommand(0, opaque=request.opaque, body="info"),
    )
    server.answer(RequestCode.HEART_BEAT, reply())
    await client.heartbeat(HeartbeatData("c"))

    asked = server.connections[0].request(RemotingCommand(RequestCode.GET_CONSUMER_RUNNING_INFO), 2.0)

    assert b"info" == (await asked).body


async def test_a_client_over_a_shared_connection_does_not_close_it(server: Scripted) -> None:
    server.answer(RequestCode.GET_MAX_OFFSET, reply(offset="3"))
    async with AsyncRemote(server.address) as remote:
        client = BrokerClient.over(remote, broker_name="broker-a")
        assert 3 == await client.get_max_offset("orders", 0)
        await client.close()

        assert remote.transport.is_connected
        assert 1 == len(server.connections)


async def test_a_client_connects_on_first_use_and_again_after_close(server: Scripted) -> None:
    server.answer(RequestCode.GET_MAX_OFFSET, reply(offset="3"))
    client = BrokerClient("127.0.0.1", server.port)
    assert not client.is_connected
    await client.get_max_offset("orders", 0)
    assert client.is_connected
    await client.close()
    assert not client.is_connected
    await client.get_max_offset("orders", 0)
    await client.close()

    assert 2 == len(server.connections)


async def test_a_with_block_that_cannot_connect_leaves_nothing_that_goes_on_trying() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # taken, and nothing listens
        with pytest.raises(ConnectionError):
            async with BrokerClient("127.0.0.1", unused.getsockname()[1]):
                pass
        with pytest.raises(ConnectionError):
            async with NameServerClient("127.0.0.1", unused.getsockname()[1]):
                pass
