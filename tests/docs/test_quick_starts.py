"""The quick starts of the founding documents run as they are written there, against an embedded broker."""

from __future__ import annotations

import contextlib
import io
import textwrap
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from pyrocketmq.testing import LocalRocketMQ

SEND = """
    from pyrocketmq import Producer
    with Producer("orders", "localhost:9876") as p:
        r = p.send("shop", b"hello", tags="new", keys="order-1")
        print(r.msg_id, r.queue_id, r.queue_offset)
"""
SEND_ASYNCIO = """
    import asyncio
    from pyrocketmq.aio import Producer
    async def main():
        async with Producer("orders", "localhost:9876") as p:
            await asyncio.gather(*(p.send("shop", f"{i}") for i in range(10_000)))
    asyncio.run(main())
"""
BATCHES = """
    p.send_batch(*[Message("shop", b"x") for _ in range(1000)])      # split as needed
    with Producer("orders", addr, linger=0.005, batch_bytes=65_536) as p:
        for _ in range(1_000_000): p.submit("shop", b"x")
        p.flush()
"""
TRANSACTION = """
    from pyrocketmq import TransactionProducer, Commit, Rollback, Unknown
    tp = TransactionProducer("pay", addr, check=lambda m: Commit if paid(m.keys) else Unknown)
    with tp, tp.transaction("pay", b"42", keys="42") as tx:
        db.execute(...)         # leaving = commit, exception = rollback
"""
TEST = """
    def test_order(rocketmq):                 # pytest fixture: broker in memory
        place_order(rocketmq.addr)
        assert rocketmq.messages("shop")[0].keys == "order-1"
        rocketmq.fail("SEND_MESSAGE", code="SYSTEM_BUSY", times=2)
"""


@pytest.fixture(scope="module")
def server() -> Iterator[LocalRocketMQ]:
    with LocalRocketMQ() as started:
        yield started


@pytest.fixture
def rocketmq(server: LocalRocketMQ) -> LocalRocketMQ:
    for topic in server.topics():
        server.delete_topic(topic)
    server.create_topic("shop")
    return server


def run(source: str, rocketmq: LocalRocketMQ, **names: object) -> tuple[str, dict[str, object]]:
    """What a block prints, and its names afterwards."""
    namespace: dict[str, object] = {"__name__": "__main__", "addr": rocketmq.addr, **names}
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(textwrap.dedent(source).replace("localhost:9876", rocketmq.addr), namespace)  # noqa: S102
    return printed.getvalue(), namespace


def test_send(rocketmq: LocalRocketMQ) -> None:
    printed, _ = run(SEND, rocketmq)

    (message,) = rocketmq.messages("shop")
    assert f"{message.msg_id} {message.queue_id} {message.queue_offset}\n" == printed
    assert (b"hello", "new", "order-1") == (message.body, message.tags, message.keys)


def test_send_with_asyncio(rocketmq: LocalRocketMQ) -> None:
    run(SEND_ASYNCIO, rocketmq)

    assert {b"%d" % n for n in range(10_000)} == {message.body for message in rocketmq.messages("shop")}


def test_batches(rocketmq: LocalRocketMQ) -> None:
    from pyrocketmq import Message, Producer  # noqa: PLC0415 - as in a program

    with Producer("orders", rocketmq.addr) as p:
        run(BATCHES.replace("1_000_000", "20_000"), rocketmq, p=p, Message=Message, Producer=Producer)

    assert 21_000 == len({message.unique_id for message in rocketmq.messages("shop")})


@pytest.mark.parametrize("done", [True, False])
def test_transaction(rocketmq: LocalRocketMQ, done: bool) -> None:
    def execute(_: object) -> None:
        if not done:
            raise KeyError("no such account")

    names = {"paid": lambda _: done, "db": SimpleNamespace(execute=execute)}
    with contextlib.nullcontext() if done else pytest.raises(KeyError):
        run(TRANSACTION, rocketmq, **names)

    assert [b"42"] * done == [message.body for message in rocketmq.messages("pay", int(done))]


def test_testing_without_a_server(rocketmq: LocalRocketMQ) -> None:
    def place_order(_: str) -> None:
        run(SEND, rocketmq)

    _, names = run(TEST, rocketmq, place_order=place_order)
    test_order = names["test_order"]
    assert callable(test_order)
    test_order(rocketmq)
    place_order(rocketmq.addr)  # two answers of SYSTEM_BUSY are not noticed
    assert 2 == len(rocketmq.messages("shop"))
