"""Sends to brokers that check signatures: the quick way signs as well, and what is refused is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pyrocketmq.errors import AclError, RocketMQError
from pyrocketmq.model import AclCredentials, Message
from pyrocketmq.producer import AsyncProducer, Producer
from pyrocketmq.server import ServerConfig
from pyrocketmq.server.access_rules import AccessRules, Account, Right
from pyrocketmq.testing import LocalRocketMQ

KEYS = AclCredentials("app-key", "app-secret")


@pytest.fixture(scope="module")
def secured() -> Iterator[LocalRocketMQ]:
    account = Account(
        access_key="app-key",
        secret_key="app-secret",  # noqa: S106 - of this test
        default_topic_perm=Right.PUB | Right.SUB,
        default_group_perm=Right.SUB,
    )
    rules = AccessRules.of([account])
    with LocalRocketMQ(ServerConfig(acl=rules)) as rocketmq:
        yield rocketmq


@pytest.mark.parametrize("codec", ["json", "binary"])
@pytest.mark.parametrize("settings", [{}, {"namespace_v2": "north"}, {"namespace": "north"}], ids=str)
async def test_signed_sends_take_the_quick_way_in_every_grade(
    secured: LocalRocketMQ, codec: str, settings: dict[str, Any]
) -> None:
    topic = f"shop-{codec}{''.join(settings)}"
    wire_topic = f"north%{topic}" if "namespace" in settings else topic
    secured.create_topic(wire_topic)
    sender = AsyncProducer("orders", secured.addr, credentials=KEYS, header_codec=codec, **settings)

    def refuse(*args: Any) -> Any:
        raise AssertionError(f"took the general way: {args}")

    async with sender:
        sender._sends.table.general = sender._sends.table.take_over = refuse
        for number in range(3):
            body = b"%d" % number
            assert (await sender.send(Message(topic, body, "tag", properties={"a": "\u00e9"}))).ok
        await sender.send_oneway(topic, b"3")
        await sender.send_batch(Message(topic, b"4"), Message(topic, b"5"))
        await sender.submit(topic, b"6")
        await sender.submit(topic, b"7")
        await sender.flush()
    assert {b"%d" % number for number in range(8)} == {one.body for one in secured.messages(wire_topic, 8)}


def test_a_blocking_producer_signs_on_the_connections_of_its_threads(secured: LocalRocketMQ) -> None:
    secured.create_topic("blocking")
    with Producer("orders", secured.addr, credentials=lambda: KEYS) as sender:
        for number in range(3):
            assert sender.send("blocking", b"%d" % number).ok
        sender.send_oneway("blocking", b"3")
    assert 4 == len(secured.messages("blocking", 4))


async def test_keys_that_become_wrong_are_told_by_the_next_send(secured: LocalRocketMQ) -> None:
    secured.create_topic("changing")
    keys = [KEYS]
    async with AsyncProducer("orders", secured.addr, credentials=lambda: keys[0]) as sender:
        assert (await sender.send("changing", b"x")).ok
        keys[0] = AclCredentials("app-key", "wrong")
        with pytest.raises(AclError):
            await sender.send("changing", b"y")
        keys[0] = KEYS
        assert (await sender.send("changing", b"z")).ok


async def test_without_keys_nothing_is_stored(secured: LocalRocketMQ) -> None:
    with pytest.raises(RocketMQError):
        async with AsyncProducer("orders", secured.addr) as sender:
            await sender.send("blocking", b"x")
