"""Sends to brokers that check signatures: the quick way signs as well, and what is refused is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pyrocketmq.errors import AclError, ConfigurationError, RocketMQError, UndeliveredError
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
        sender._sends.deliver_rest = refuse  # type: ignore[method-assign, assignment]
        for number in range(3):
            body = b"%d" % number
            assert (await sender.send(Message(topic, body, "tag", properties={"a": "\u00e9"}))).ok
        await sender.send_oneway(topic, b"3")
        assert (await sender.send_batch(Message(topic, b"4"), Message(topic, b"5"))).ok  # type: ignore[attr-defined]
        sender._batch_sends.send = refuse  # type: ignore[union-attr, method-assign]
        assert (await sender.send_batch(Message(topic, b"8" * 9000), Message(topic, b"9"))).ok  # type: ignore[attr-defined]
        await sender.submit(topic, b"6")
        await sender.submit(topic, b"7")
        await sender.flush()
    stored = {one.body[:1] for one in secured.messages(wire_topic, 10)}
    assert {b"%d" % number for number in range(10)} == stored


def test_a_blocking_producer_signs_on_the_connections_of_its_threads(secured: LocalRocketMQ) -> None:
    secured.create_topic("blocking")
    with Producer("orders", secured.addr, credentials=lambda: KEYS) as sender:
        for number in range(3):
            assert sender.send("blocking", b"%d" % number).ok
        sender.send_oneway("blocking", b"3")
        batch = sender._send_parcel([Message("blocking", b"4"), Message("blocking", b"5")], 3.0)
        assert batch is not None
        assert batch.is_stored
    assert 6 == len(secured.messages("blocking", 6))


async def test_messages_whose_keys_cannot_be_had_are_reported_as_not_delivered(
    secured: LocalRocketMQ,
) -> None:
    secured.create_topic("locked")
    vault = [KEYS]
    async with AsyncProducer("orders", secured.addr, credentials=lambda: vault[0]) as sender:
        await sender.send("locked", b"before")
        vault.clear()
        with pytest.raises(ConfigurationError, match="IndexError"):
            await sender.send("locked", b"x")
        await sender.submit("locked", b"y")
        with pytest.raises(UndeliveredError) as caught:
            await sender.flush(5.0)
        vault.append(KEYS)
    assert isinstance(caught.value.failures[0].error, ConfigurationError)


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
