"""Settings of groups, their offsets, resets and locks."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyrocketmq._clock import ManualClock
from pyrocketmq.model.group_data import (
    SubscriptionGroupConfig,
    SubscriptionGroupList,
    SubscriptionGroupWrapper,
)
from pyrocketmq.model.heart_beat import HeartbeatData
from pyrocketmq.model.message_queue import MessageQueue
from pyrocketmq.model.producer_consumer import ConsumerData, SubscriptionData
from pyrocketmq.model.result_data import (
    ConsumerOffsetSerializeWrapper,
    LockBatchRequestBody,
    LockBatchResponseBody,
    ResetOffsetBody,
)
from pyrocketmq.server import EmbeddedServer, ServerConfig
from tests.server.client import Client, Pulled, pull_header
from tests.server.heartbeats import eventually, join


async def offset(
    client: Client, topic: str = "T", queue_id: int = 0, **fields: str
) -> tuple[int, str | None]:
    """The answer's code and the offset of group cg."""
    answer = await client.ask(14, {"consumerGroup": "cg", "topic": topic, "queueId": str(queue_id), **fields})
    return answer.code, (answer.ext_fields or {}).get("offset")


async def commit(client: Client, value: int, topic: str = "T", group: str = "cg") -> tuple[int, str | None]:
    """Store an offset; the code and remark of the answer."""
    answer = await client.ask(
        15, {"consumerGroup": group, "topic": topic, "queueId": "0", "commitOffset": str(value)}
    )
    return answer.code, answer.remark


# ---- offsets ----


async def test_a_stored_offset_is_given_back_whatever_it_is(client: Client) -> None:
    await client.send("T")
    await join(client)

    assert (0, None) == await commit(client, 500)
    assert (0, "500") == await offset(client)


async def test_a_new_group_begins_with_the_first_message_of_a_young_queue(client: Client) -> None:
    await client.send("T", queue_id=1)

    assert (0, "0") == await offset(client, queue_id=1)
    assert (22, None) == await offset(client, queue_id=1, setZeroIfNotFound="false")
    assert (22, None) == await offset(client, queue_id=0)
    assert (22, None) == await offset(client, "Nowhere")


@pytest.mark.parametrize(("setting", "code"), [("zero", 0), ("not-found", 22)])
async def test_what_new_groups_are_told_can_be_chosen(setting: str, code: int) -> None:
    config = ServerConfig(unknown_offset=setting)  # type: ignore[arg-type]
    async with EmbeddedServer(config) as server, Client(server.brokers[0].address) as client:
        await client.send("T")
        assert [code, code] == [(await offset(client))[0], (await offset(client, queue_id=3))[0]]


async def test_offsets_of_unknown_groups_and_topics_are_refused(client: Client) -> None:
    assert (26, "Group cg not exist!") == await commit(client, 1)
    await join(client)
    assert (17, "Topic Nowhere not exist!") == await commit(client, 1, "Nowhere")


async def test_a_pull_carries_an_offset_to_store(client: Client) -> None:
    await client.send("T")
    await join(client)

    await client.pull("T", sys_flag=5, commit_offset=1)

    assert (0, "1") == await offset(client)


async def test_offsets_outlive_the_members_and_can_be_read_as_a_whole(client: Client) -> None:
    await client.send("T")
    await join(client)
    await commit(client, 1)
    await client.ask(35, {"clientID": "me", "consumerGroup": "cg"})

    body = ConsumerOffsetSerializeWrapper.decode((await client.ask(43)).body)

    assert {"T@cg": {0: 1}} == body.offset_table


async def test_offsets_are_copied_to_another_group(client: Client) -> None:
    await client.send("T")
    await join(client)
    await commit(client, 1)

    await client.ask(314, {"srcGroup": "cg", "destGroup": "other", "topic": "T"})

    answer = await client.ask(14, {"consumerGroup": "other", "topic": "T", "queueId": "0"})
    assert {"offset": "1"} == answer.ext_fields


async def test_offsets_and_settings_survive_a_restart(tmp_path: Path) -> None:
    config = ServerConfig(data=tmp_path)
    async with EmbeddedServer(config) as server, Client(server.brokers[0].address) as client:
        await client.send("T")
        await join(client)
        await commit(client, 7)
        await client.ask(200, body=SubscriptionGroupConfig("kept", retry_max_times=3).encode())

    async with EmbeddedServer(config) as server, Client(server.brokers[0].address) as client:
        assert (0, "7") == await offset(client)
        kept = server.brokers[0].groups.get("kept")
        assert kept is not None
        assert 3 == kept.retry_max_times


async def test_offsets_are_saved_while_the_server_runs(tmp_path: Path, clock: ManualClock) -> None:
    config = ServerConfig(data=tmp_path)
    async with EmbeddedServer(config, clock=clock) as server, Client(server.brokers[0].address) as client:
        broker = server.brokers[0]
        await client.send("T")
        await join(client)
        await commit(client, 7)
        assert {} == broker.state("offsets").load()

        server.advance(5)

        await eventually(lambda: broker.state("offsets").load() == {"T@cg": {"0": 7}})


# ---- resets ----


async def test_a_reset_is_told_by_the_next_pull_and_goes_before_what_members_report(client: Client) -> None:
    for _ in range(3):
        await client.send("T")
    await join(client)
    await commit(client, 3)

    answer = await client.ask(
        222, {"topic": "T", "group": "cg", "queueId": "0", "offset": "1", "timestamp": "0", "isForce": "true"}
    )

    queue = MessageQueue("T", "broker-a", 0)
    assert {queue: 1} == ResetOffsetBody.decode(answer.body).offset_table
    assert (0, "Offset has been previously reset") == await commit(client, 3)
    assert (0, "1") == await offset(client)
    moved = await client.pull("T", 0, 3)
    assert (21, "OFFSET_RESET", 1) == (moved.code, moved.remark, moved.header.next_begin_offset)
    assert 0 == (await client.pull("T", 0, 1)).code
    assert (0, None) == await commit(client, 2)


async def test_a_held_pull_is_told_of_a_reset_at_once(client: Client) -> None:
    await client.send("T")
    await join(client)
    held = client.begin(11, pull_header("T", 0, 1, sys_flag=6, suspend_timeout_millis=15_000))
    await client.ask(38, {"consumerGroup": "cg"})

    await client.ask(222, {"topic": "T", "group": "cg", "timestamp": "0", "isForce": "true"})

    answer = Pulled(await held)
    assert (21, "OFFSET_RESET", 0) == (answer.code, answer.remark, answer.header.next_begin_offset)


async def test_a_reset_by_time_covers_all_queues(
    server: EmbeddedServer, clock: ManualClock, client: Client
) -> None:
    await client.send("T")
    server.advance(10)
    middle = clock.now_ms()
    await client.send("T")
    await client.send("T", queue_id=2)
    await join(client)

    async def reset(timestamp: int) -> list[int]:
        fields = {"topic": "T", "group": "cg", "timestamp": str(timestamp), "isForce": "true"}
        table = ResetOffsetBody.decode((await client.ask(222, fields)).body).offset_table
        return [table[queue] for queue in sorted(table)]

    assert [1, 0, 0, 0] == await reset(middle)
    assert [2, 0, 1, 0] == await reset(-1)


@pytest.mark.parametrize(
    ("fields", "code"),
    [({"group": "nobody"}, 26), ({"topic": "Nowhere"}, 17), ({"queueId": "0", "offset": "50"}, 1)],
)
async def test_a_reset_that_cannot_be_is_refused(client: Client, fields: dict[str, str], code: int) -> None:
    await client.send("T")
    await join(client)

    all_fields = {"topic": "T", "group": "cg", "timestamp": "-1", "isForce": "true", **fields}
    assert code == (await client.ask(222, all_fields)).code


# ---- settings ----


async def test_settings_of_a_group_are_stored_with_defaults_for_the_rest(client: Client) -> None:
    answer = await client.ask(200, body=b'{"groupName":"g","retryMaxTimes":3}')
    stored = SubscriptionGroupConfig.decode((await client.ask(352, {"group": "g"})).body)

    assert 0 == answer.code
    assert (3, 1, True) == (stored.retry_max_times, stored.retry_queue_nums, stored.consume_enable)
    assert stored.group_retry_policy is not None


async def test_settings_of_several_groups_are_stored_together_or_not_at_all(client: Client) -> None:
    def several(*names: str) -> bytes:
        return SubscriptionGroupList(
            [SubscriptionGroupConfig(name, retry_max_times=3) for name in names]
        ).encode()

    assert 29 == (await client.ask(225, body=several("a", "b b"))).code
    assert {"totalGroupNum": "0"} == (await client.ask(201)).ext_fields
    assert 0 == (await client.ask(225, body=several("a", "b"))).code
    assert {"totalGroupNum": "2"} == (await client.ask(201)).ext_fields


@pytest.mark.parametrize("name", ["", "a b", "x" * 121])
async def test_a_group_with_an_impossible_name_is_refused(client: Client, name: str) -> None:
    answer = await client.ask(200, body=SubscriptionGroupConfig(name).encode())

    assert 29 == answer.code


async def test_all_groups_are_listed_in_parts_if_wanted(client: Client) -> None:
    for name in ("a", "b", "c"):
        await client.ask(200, body=SubscriptionGroupConfig(name).encode())

    whole = await client.ask(201)
    part = await client.ask(201, {"groupSeq": "1", "maxGroupNum": "1"})

    assert {"a", "b", "c"} == set(SubscriptionGroupWrapper.decode(whole.body).subscription_group_table)
    assert {"b"} == set(SubscriptionGroupWrapper.decode(part.body).subscription_group_table)
    assert {"totalGroupNum": "3"} == part.ext_fields


@pytest.mark.parametrize("name", ["cleanOffset", "removeOffset"])
async def test_a_deleted_group_takes_its_offsets_along_if_wanted(client: Client, name: str) -> None:
    await client.send("T")
    await join(client)
    await commit(client, 1)

    await client.ask(207, {"groupName": "cg"})
    assert (0, "1") == await offset(client)
    await client.ask(207, {"groupName": "cg", name: "true"})
    assert (0, "0") == await offset(client)
    assert 26 == (await commit(client, 1))[0]


async def test_unknown_groups_may_be_refused() -> None:
    config = ServerConfig(auto_create_groups=False)
    async with EmbeddedServer(config) as server, Client(server.brokers[0].address) as client:
        await client.send("T")
        await join(client)

        assert 26 == (await client.ask(11, pull_header("T"))).code
        assert 26 == (await client.ask(352, {"group": "cg"})).code
        await client.ask(200, body=SubscriptionGroupConfig("cg").encode())
        assert 0 == (await client.pull("T")).code


async def test_a_group_that_may_not_consume_is_refused(client: Client) -> None:
    await client.send("T")
    await client.ask(200, body=SubscriptionGroupConfig("cg", consume_enable=False).encode())

    answer = await client.ask(11, pull_header("T"))

    assert (16, "subscription group no permission, cg") == (answer.code, answer.remark)


async def test_a_group_that_has_to_share_may_not_broadcast(client: Client) -> None:
    await client.send("T")
    settings = SubscriptionGroupConfig("cg", consume_broadcast_enable=False)
    await client.ask(200, body=settings.encode())
    wanted = [SubscriptionData.build("T")]
    for model, code in (("BROADCASTING", 16), ("CLUSTERING", 0)):
        consumer = ConsumerData("cg", message_model=model, subscription_data_set=wanted)
        await client.ask(34, body=HeartbeatData("me", consumer_data_set=[consumer]).encode())

        assert code == (await client.ask(11, pull_header("T", sys_flag=0))).code


# ---- locks ----


async def lock(client: Client, client_id: str, *queue_ids: int) -> list[int]:
    """The queues of T that the client holds now."""
    queues = [MessageQueue("T", "broker-a", queue_id) for queue_id in queue_ids]
    answer = await client.ask(41, body=LockBatchRequestBody("cg", client_id, queues).encode())
    assert 0 == answer.code
    return sorted(queue.queue_id for queue in LockBatchResponseBody.decode(answer.body).lock_ok_mq_set)


async def test_only_free_and_own_queues_are_locked(client: Client) -> None:
    assert [0, 1] == await lock(client, "a", 0, 1)
    assert [2] == await lock(client, "b", 1, 2)
    assert [0, 1] == await lock(client, "a", 0, 1)


async def test_only_the_owner_frees_a_queue(client: Client) -> None:
    queues = [MessageQueue("T", "broker-a", 0)]
    await lock(client, "a", 0)
    await client.ask(42, body=LockBatchRequestBody("cg", "b", queues).encode())
    assert [] == await lock(client, "b", 0)

    await client.ask(42, body=LockBatchRequestBody("cg", "a", queues).encode())
    assert [0] == await lock(client, "b", 0)


async def test_locks_outlive_their_owner_by_a_minute(server: EmbeddedServer, client: Client) -> None:
    async with Client(server.brokers[0].address) as owner:
        await lock(owner, "a", 0)
    server.advance(60)
    assert [] == await lock(client, "b", 0)
    server.advance(0.001)
    assert [0] == await lock(client, "b", 0)


async def test_only_the_pulls_of_a_topic_with_a_reset_leave_the_native_way(
    server: EmbeddedServer, client: Client
) -> None:
    """Otherwise one reset of a group that is away would slow everything down for good."""
    for topic in ("T", "U"):
        await client.send(topic)
        await client.send(topic)
        await client.pull(topic)
    await join(client)
    serving = server.brokers[0].quick.serving

    async def taken() -> tuple[int, int, int]:
        before = serving.sends, serving.pulls
        await client.send("T")
        await client.pull("T", consumer_group="other")
        in_t = serving.pulls - before[1]
        await client.pull("U", consumer_group="other")
        return serving.sends - before[0], in_t, serving.pulls - before[1] - in_t

    assert (1, 1, 1) == await taken()
    fields = {"topic": "T", "group": "cg", "queueId": "0", "offset": "1", "timestamp": "0", "isForce": "true"}
    assert 0 == (await client.ask(222, fields)).code
    assert (1, 0, 1) == await taken()
    assert 21 == (await client.pull("T")).code
    assert (1, 1, 1) == await taken()
