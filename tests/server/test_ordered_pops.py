"""Ordered popping: a queue waits for what it gave."""

from __future__ import annotations

from pyrocketmq.server import EmbeddedServer
from tests.server.client import Client
from tests.server.popping import GROUP, TOPIC, Popped, ack, change, fill, pop, pop_fields


async def stored_offset(client: Client) -> int:
    fields = {"consumerGroup": GROUP, "topic": TOPIC, "queueId": "0"}
    return int(((await client.ask(14, fields)).ext_fields or {})["offset"])


async def test_a_queue_gives_nothing_more_before_all_is_acknowledged(client: Client) -> None:
    await fill(client, queues=1)
    first = await pop(client, most=2, order=True)
    codes = [(await pop(client, most=2, order=True)).code]
    for message in first.messages:
        await ack(client, first, message)
        codes.append((await pop(client, most=2, order=True)).code)

    assert ([b"m0", b"m1"], 999, {"0@0": 0}) == (first.bodies, first.header.revive_qid, first.counts)
    assert [210, 210, 0] == codes


async def test_other_queues_go_on_meanwhile(client: Client) -> None:
    await fill(client, queues=2)
    bodies = [(await pop(client, most=2, order=True)).bodies for _ in range(3)]

    assert [[b"m0", b"m2"], [b"m1", b"m3"], []] == sorted(bodies, key=lambda found: found or [b"z"])


async def test_what_is_not_acknowledged_in_time_comes_again_from_there_with_its_count(
    server: EmbeddedServer, client: Client
) -> None:
    await fill(client, queues=1)
    first = await pop(client, most=2, order=True, invisible_ms=3_000)
    await ack(client, first, first.messages[0])
    offset = await stored_offset(client)
    server.advance(3.1)
    second = await pop(client, most=2, order=True, invisible_ms=3_000)
    server.advance(3.1)
    third = await pop(client, most=2, order=True, invisible_ms=3_000)
    late = await ack(client, second, second.messages[0])

    assert 1 == offset
    assert [b"m1", b"m2"] == second.bodies == third.bodies
    assert {"0@qo0%1": 1, "0@0": 0} == second.counts
    assert {"0@qo0%1": 2, "0@qo0%2": 1, "0@0": 1} == third.counts
    assert 0 == late.code
    assert 1 == await stored_offset(client)


async def test_the_same_attempt_gets_the_same_messages_uncounted(client: Client) -> None:
    await fill(client, queues=1)
    first = await pop(client, most=2, order=True, attemptId="a")
    same = await pop(client, most=2, order=True, attemptId="a")
    other = await pop(client, most=2, order=True, attemptId="b")

    assert first.bodies == same.bodies
    assert {"0@0": 0} == same.counts
    assert 210 == other.code


async def test_a_queue_comes_back_sooner_when_all_its_messages_do(
    server: EmbeddedServer, client: Client
) -> None:
    await fill(client, queues=1)
    popped = await pop(client, most=2, order=True, invisible_ms=30_000)
    server.advance(1)
    answers = [await change(client, popped, message, 500) for message in popped.messages]
    before = await pop(client, order=True)
    server.advance(0.6)
    after = await pop(client, most=2, order=True)

    assert [{"popTime": str(popped.header.pop_time), "invisibleTime": "1500", "reviveQid": "999"}] * 2 == [
        answer.ext_fields for answer in answers
    ]
    assert (210, [b"m0", b"m1"]) == (before.code, after.bodies)


async def test_a_held_pop_is_answered_when_the_queue_is_free_again(
    server: EmbeddedServer, client: Client
) -> None:
    await fill(client, 3, queues=1)
    first = await pop(client, most=2, order=True, invisible_ms=30_000)
    waiting = client.begin(200050, pop_fields(order=True, poll_ms=15_000, invisible_ms=3_000))
    for message in first.messages:
        await ack(client, first, message)
    second = Popped(await waiting)
    waiting = client.begin(200050, pop_fields(order=True, poll_ms=15_000))
    await stored_offset(client)
    server.advance(3.1)

    assert [b"m2"] == second.bodies
    assert [b"m2"] == Popped(await waiting).bodies
