"""Transactions of asynchronous code: what consumers get, and what a broker that asks is told."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from pyrocketmq._native.stored import MessageExt
from pyrocketmq.broker import BrokerClient
from pyrocketmq.client.hooks import EndContext, SendContext, SendHook, SendKind
from pyrocketmq.errors import ConfigurationError, HalfMessageError, InvalidMessageError
from pyrocketmq.model import Message, MessageSysFlag
from pyrocketmq.producer.transaction import (
    Commit,
    LocalTransactionState,
    Rollback,
    TransactionListener,
    Unknown,
    create_transaction_message,
)
from pyrocketmq.producer.transaction_producer import AsyncTransactionProducer
from pyrocketmq.testing import LocalRocketMQ
from pyrocketmq.transport.utils import parse_address

FIRST_CHECK = 6.5
NEXT_CHECK = 31.0


class Asked:
    """A check that notes what it was asked, and answers as it is told."""

    def __init__(self, answer: LocalTransactionState = Unknown) -> None:
        self.answer = answer
        self.keys: list[str | None] = []
        self.threads: list[threading.Thread] = []

    def __call__(self, message: MessageExt) -> LocalTransactionState:
        self.keys.append(message.keys)
        self.threads.append(threading.current_thread())
        return self.answer


def bodies(rocketmq: LocalRocketMQ, topic: str) -> list[bytes]:
    return [message.body for message in rocketmq.messages(topic)]


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30.0):
        while not holds():  # noqa: ASYNC110 - what others do, without an event
            await asyncio.sleep(0.002)


async def arrived(rocketmq: LocalRocketMQ, topic: str, count: int) -> list[bytes]:
    """The bodies in a topic once there are so many; the loop goes on meanwhile, as the producer is on it."""
    await until(lambda: len(rocketmq.messages(topic)) >= count)
    return bodies(rocketmq, topic)


def heartbeats(producer: AsyncTransactionProducer) -> int:
    sent: int = producer.stats()["heartbeats"]["sent"]  # type: ignore[index]
    return sent


async def leave_open(rocketmq: LocalRocketMQ, topic: str, group: str, key: str) -> None:
    """What a producer leaves behind that dies between a half message and its end."""
    host, port = parse_address(rocketmq.broker_addrs[0])
    message = Message(topic, b"left", keys=key, properties={"TRAN_MSG": "true", "PGROUP": group})
    async with BrokerClient(host, port) as broker:
        await broker.send_message(
            message, 0, producer_group=group, sys_flag=MessageSysFlag.TRANSACTION_PREPARED
        )


# ---- blocks ----


async def test_consumers_get_the_message_when_the_block_is_left(
    rocketmq: LocalRocketMQ, topic: str, group: str
) -> None:
    async with AsyncTransactionProducer(group, rocketmq.addr, check=Asked()) as producer:
        async with producer.transaction(topic, b"42", keys="k", tags="new") as tx:
            assert rocketmq.messages(topic) == []
            assert [one.transaction_id for one in producer.transactions()] == [tx.transaction_id]
        (message,) = rocketmq.messages(topic)

    assert (message.body, message.keys, message.tags) == (b"42", "k", "new")
    assert message.unique_id == tx.result.msg_id == tx.transaction_id
    assert (tx.result.is_commit, tx.result.confirmed) == (True, True)
    assert producer.transactions() == []


async def test_a_block_left_by_an_exception_rolls_back(
    rocketmq: LocalRocketMQ, topic: str, group: str
) -> None:
    check = Asked()
    async with AsyncTransactionProducer(group, rocketmq.addr, check=check) as producer:
        with pytest.raises(ValueError, match="no money"):
            async with producer.transaction(topic, b"42") as tx:
                raise ValueError("no money")
        rocketmq.advance(FIRST_CHECK)

        assert producer.stats()["rolled_back"] == 1
    assert (tx.result.is_rollback, tx.result.confirmed) == (True, True)
    assert rocketmq.messages(topic) == []
    assert check.keys == []


async def test_the_same_message_may_be_sent_once_more_without_a_transaction(
    rocketmq: LocalRocketMQ, topic: str, group: str
) -> None:
    message = Message(topic, b"42")
    async with AsyncTransactionProducer(group, rocketmq.addr, check=Asked()) as producer:
        async with producer.transaction(message):
            pass
        await producer.send(message)

    assert bodies(rocketmq, topic) == [b"42", b"42"]
    assert message.get_property("TRAN_MSG") is None


async def test_a_cancelled_block_is_decided_by_the_check(
    rocketmq: LocalRocketMQ, topic: str, group: str
) -> None:
    check = Asked(Commit)
    async with AsyncTransactionProducer(group, rocketmq.addr, check=check) as producer:
        entered = asyncio.Event()

        async def work() -> None:
            async with producer.transaction(topic, b"42", keys="k"):
                entered.set()
                await asyncio.sleep(60.0)

        task = asyncio.create_task(work())
        await entered.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        rocketmq.advance(FIRST_CHECK)
        await until(lambda: bool(check.keys))

        assert await arrived(rocketmq, topic, 1) == [b"42"]


async def test_a_block_may_be_left_open(rocketmq: LocalRocketMQ, topic: str, group: str) -> None:
    check = Asked(Rollback)
    async with AsyncTransactionProducer(group, rocketmq.addr, check=check) as producer:
        async with producer.transaction(topic, b"42", keys="k") as tx:
            tx.leave_open()
        assert producer.stats()["left_open"] == 1
        rocketmq.advance(FIRST_CHECK)
        await until(lambda: producer.stats()["rolled_back"] == 1)

    assert check.keys == ["k"]
    assert rocketmq.messages(topic) == []


# ---- checks ----


async def test_a_producer_that_has_sent_nothing_is_asked_about_what_an_earlier_one_left(
    rocketmq: LocalRocketMQ, topic: str, group: str
) -> None:
    await leave_open(rocketmq, topic, group, "k")
    check = Asked(Commit)
    async with AsyncTransactionProducer(group, rocketmq.addr, check=check, topics=[topic]):
        rocketmq.advance(FIRST_CHECK)
        await until(lambda: bool(check.keys))

        assert await arrived(rocketmq, topic, 1) == [b"left"]
    assert check.keys == ["k"]
    assert check.threads[0] is not threading.current_thread()


async def test_an_asynchronous_check_runs_on_the_loop(
    rocketmq: LocalRocketMQ, topic: str, group: str
) -> None:
    await leave_open(rocketmq, topic, group, "k")
    threads: list[threading.Thread] = []

    async def check(message: MessageExt) -> LocalTransactionState:
        await asyncio.sleep(0)
        threads.append(threading.current_thread())
        return Commit if message.keys == "k" else Rollback

    async with AsyncTransactionProducer(group, rocketmq.addr, check=check, topics=[topic]):
        rocketmq.advance(FIRST_CHECK)
        await until(lambda: bool(threads))

        assert await arrived(rocketmq, topic, 1) == [b"left"]
    assert threads == [threading.current_thread()]


@pytest.mark.parametrize("answer", [ValueError("database is away"), None, True, Unknown])
async def test_a_check_that_decides_nothing_is_asked_again(
    rocketmq: LocalRocketMQ, topic: str, group: str, answer: object
) -> None:
    await leave_open(rocketmq, topic, group, "k")
    times: list[int] = []

    def check(_: MessageExt) -> LocalTransactionState:
        times.append(1)
        if len(times) > 1:
            return Commit
        if isinstance(answer, Exception):
            raise answer
        return answer  # type: ignore[return-value]

    async with AsyncTransactionProducer(group, rocketmq.addr, check=check, topics=[topic]) as producer:
        rocketmq.advance(FIRST_CHECK)
        await until(lambda: producer.stats()["left_open"] == 1)
        assert rocketmq.messages(topic) == []
        assert producer.stats()["check_failures"] == (0 if answer is Unknown else 1)

        rocketmq.advance(NEXT_CHECK)
        assert await arrived(rocketmq, topic, 1) == [b"left"]


async def test_a_check_that_hangs_holds_up_neither_the_loop_nor_other_checks(
    rocketmq: LocalRocketMQ, topic: str, group: str
) -> None:
    for key in ("hangs", "works"):
        await leave_open(rocketmq, topic, group, key)
    go_on = threading.Event()

    def check(message: MessageExt) -> LocalTransactionState:
        if message.keys == "hangs":
            go_on.wait(10.0)
        return Commit

    async with AsyncTransactionProducer(
        group, rocketmq.addr, check=check, topics=[topic], check_timeout=0.3, checks_at_once=1
    ) as producer:
        rocketmq.advance(FIRST_CHECK)
        await until(lambda: len(rocketmq.messages(topic)) == 1)
        assert producer.stats()["check_failures"] == 1

        go_on.set()
        await until(lambda: producer._transactions.checks.hung == 0)
        rocketmq.advance(NEXT_CHECK)
        await until(lambda: len(rocketmq.messages(topic)) == 2)


async def test_a_transaction_that_goes_on_is_not_decided_by_the_check(
    rocketmq: LocalRocketMQ, topic: str, group: str
) -> None:
    check = Asked(Rollback)
    async with AsyncTransactionProducer(group, rocketmq.addr, check=check) as producer:
        async with producer.transaction(topic, b"42") as tx:
            rocketmq.advance(FIRST_CHECK)
            await until(lambda: tx.metadata.checks == 1)
        assert tx.result.confirmed

        rocketmq.advance(NEXT_CHECK)
        assert bodies(rocketmq, topic) == [b"42"]
        assert producer.stats()["checks"] == 1
    assert check.keys == []


async def test_a_local_part_beyond_its_time_is_asked_about(
    rocketmq: LocalRocketMQ, topic: str, group: str
) -> None:
    check = Asked()
    async with AsyncTransactionProducer(
        group, rocketmq.addr, check=check, transaction_timeout=0.001
    ) as producer:
        async with producer.transaction(topic, b"42", keys="k"):
            await asyncio.sleep(0.002)
            rocketmq.advance(FIRST_CHECK)
            await until(lambda: producer.stats()["left_open"] == 1)

        assert bodies(rocketmq, topic) == [b"42"]
    assert check.keys == ["k"]


async def test_checks_go_on_after_the_connection_was_lost(
    rocketmq: LocalRocketMQ, topic: str, group: str
) -> None:
    check = Asked(Commit)
    async with AsyncTransactionProducer(group, rocketmq.addr, check=check, topics=[topic]) as producer:
        before = heartbeats(producer)
        rocketmq.disconnect()
        await leave_open(rocketmq, topic, group, "k")
        await until(lambda: heartbeats(producer) > before)
        rocketmq.advance(FIRST_CHECK)
        await until(lambda: bool(check.keys))

        assert await arrived(rocketmq, topic, 1) == [b"left"]


async def test_a_topic_that_is_made_later_is_announced_then(
    rocketmq: LocalRocketMQ, group: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyrocketmq.producer.transactions.ANNOUNCE_AGAIN_S", 0.01)
    topic = f"later-{group}"
    check = Asked(Commit)
    async with AsyncTransactionProducer(
        group, rocketmq.addr, check=check, topics=[topic], create_topics=False
    ) as producer:
        rocketmq.create_topic(topic)
        await leave_open(rocketmq, topic, group, "k")
        await until(lambda: heartbeats(producer) > 0)
        rocketmq.advance(FIRST_CHECK)
        await until(lambda: bool(check.keys))

        assert await arrived(rocketmq, topic, 1) == [b"left"]


async def test_the_first_check_may_be_asked_for_later(
    rocketmq: LocalRocketMQ, topic: str, group: str
) -> None:
    check = Asked(Commit)
    async with AsyncTransactionProducer(group, rocketmq.addr, check=check) as producer:
        async with producer.transaction(topic, b"42", check_after=20.0) as tx:
            tx.leave_open()
        rocketmq.advance(FIRST_CHECK)
        assert producer.stats()["checks"] == 0

        rocketmq.advance(14.0)
        await until(lambda: bool(check.keys))
        assert await arrived(rocketmq, topic, 1) == [b"42"]


# ---- ends ----


async def test_an_end_that_the_broker_is_too_busy_for_is_told_again(
    rocketmq: LocalRocketMQ, topic: str, group: str
) -> None:
    async with AsyncTransactionProducer(group, rocketmq.addr, check=Asked()) as producer:
        async with producer.transaction(topic, b"42") as tx:
            rocketmq.fail("END_TRANSACTION", code="SYSTEM_BUSY", times=2)
        assert producer.stats()["end_retries"] == 2

    assert tx.result.confirmed
    assert bodies(rocketmq, topic) == [b"42"]


async def test_an_end_whose_connection_is_lost_is_told_again(
    rocketmq: LocalRocketMQ, topic: str, group: str
) -> None:
    async with (
        AsyncTransactionProducer(group, rocketmq.addr, check=Asked()) as producer,
        producer.transaction(topic, b"42") as tx,
    ):
        rocketmq.disconnect()

    assert tx.result.confirmed
    assert bodies(rocketmq, topic) == [b"42"]


async def test_what_was_decided_is_told_at_the_check_when_the_end_did_not_arrive(
    rocketmq: LocalRocketMQ, topic: str, group: str
) -> None:
    check = Asked(Rollback)
    async with AsyncTransactionProducer(group, rocketmq.addr, check=check, end_timeout=0.4) as producer:
        async with producer.transaction(topic, b"42") as tx:
            fault = rocketmq.fail("END_TRANSACTION", code="SYSTEM_BUSY")
        assert (tx.result.is_commit, tx.result.confirmed) == (True, False)
        assert producer.stats()["end_failures"] == 1
        fault.remove()

        rocketmq.advance(FIRST_CHECK)
        assert await arrived(rocketmq, topic, 1) == [b"42"]
        await until(lambda: tx.metadata.confirmed)
    assert check.keys == []


async def test_a_message_that_the_broker_does_not_confirm_begins_no_transaction(
    rocketmq: LocalRocketMQ, topic: str, group: str
) -> None:
    fields = {"msgId": "7F00000100002A9F0000000000000000", "queueId": "0", "queueOffset": "0"}
    with rocketmq.answer("send", "FLUSH_DISK_TIMEOUT", fields=fields, topic=topic):
        async with AsyncTransactionProducer(
            group, rocketmq.addr, check=Asked(), end_timeout=0.05
        ) as producer:
            with pytest.raises(HalfMessageError, match="FLUSH_DISK_TIMEOUT"):
                async with producer.transaction(topic, b"42"):
                    pytest.fail("the local part was begun")
            assert producer.transactions() == []


@pytest.mark.parametrize(
    "properties",
    [{"DELAY": "3"}, {"TIMER_DELAY_SEC": "3"}, {"TIMER_DELAY_MS": "3"}, {"TIMER_DELIVER_MS": "3"}],
)
async def test_a_delayed_message_is_refused_before_it_is_sent(
    rocketmq: LocalRocketMQ, topic: str, group: str, properties: dict[str, str]
) -> None:
    async with AsyncTransactionProducer(group, rocketmq.addr, check=Asked()) as producer:
        with pytest.raises(InvalidMessageError) as caught:
            async with producer.transaction(Message(topic, b"42", properties=properties)):
                pytest.fail("the local part was begun")
    assert caught.value.field in properties


@pytest.mark.parametrize("check_after", [0.0, -1.0, 1e9])
async def test_a_time_that_cannot_be_told_is_refused(
    rocketmq: LocalRocketMQ, topic: str, group: str, check_after: float
) -> None:
    async with AsyncTransactionProducer(group, rocketmq.addr, check=Asked()) as producer:
        with pytest.raises(ConfigurationError, match="check_after"):
            await producer.begin_transaction(Message(topic, b"42"), check_after=check_after)


# ---- listeners ----


class Plain(TransactionListener):
    """Does what the argument says."""

    def __init__(self) -> None:
        self.executed: list[tuple[bytes, str]] = []
        self.checked: list[str] = []

    def execute_local_transaction(
        self, message: Message, transaction_id: str, arg: object = None
    ) -> LocalTransactionState:
        self.executed.append((message.body, transaction_id))
        if isinstance(arg, Exception):
            raise arg
        return arg  # type: ignore[return-value]

    def check_local_transaction(
        self,
        message: MessageExt,  # noqa: ARG002
        transaction_id: str,
    ) -> LocalTransactionState:
        self.checked.append(transaction_id)
        return Commit


class Asynchronous(Plain):
    """The same on the loop."""

    async def execute_local_transaction(  # type: ignore[override]
        self, message: Message, transaction_id: str, arg: object = None
    ) -> LocalTransactionState:
        await asyncio.sleep(0)
        return super().execute_local_transaction(message, transaction_id, arg)

    async def check_local_transaction(  # type: ignore[override]
        self, message: MessageExt, transaction_id: str
    ) -> LocalTransactionState:
        await asyncio.sleep(0)
        return super().check_local_transaction(message, transaction_id)


@pytest.mark.parametrize("kind", [Plain, Asynchronous])
async def test_a_listener_does_the_local_part_and_decides(
    rocketmq: LocalRocketMQ, topic: str, group: str, kind: type[Plain]
) -> None:
    listener = kind()
    async with AsyncTransactionProducer(group, rocketmq.addr, listener=listener) as producer:
        done = await producer.send_message_in_transaction(
            create_transaction_message(topic, "done", "tx-1"), Commit
        )
        dropped = await producer.send_message_in_transaction(Message(topic, b"dropped"), Rollback)

    assert (done.is_commit, done.confirmed, done.transaction_id) == (True, True, "tx-1")
    assert (dropped.is_rollback, dropped.confirmed) == (True, True)
    assert dropped.transaction_id == dropped.msg_id
    assert bodies(rocketmq, topic) == [b"done"]
    assert listener.executed == [(b"done", "tx-1"), (b"dropped", dropped.transaction_id)]


@pytest.mark.parametrize("kind", [Plain, Asynchronous])
@pytest.mark.parametrize("arg", [ValueError("no money"), "committed", None])
async def test_a_listener_that_fails_leaves_the_transaction_to_its_check(
    rocketmq: LocalRocketMQ, topic: str, group: str, kind: type[Plain], arg: object
) -> None:
    listener = kind()
    async with AsyncTransactionProducer(group, rocketmq.addr, listener=listener) as producer:
        result = await producer.send_message_in_transaction(
            create_transaction_message(topic, "left", "tx-1"), arg
        )
        assert (result.local_state, result.confirmed) == (Unknown, False)
        assert isinstance(result.local_error, ValueError if isinstance(arg, ValueError) else TypeError)

        rocketmq.advance(FIRST_CHECK)
        assert await arrived(rocketmq, topic, 1) == [b"left"]
    assert listener.checked == ["tx-1"]


async def test_a_producer_with_a_check_has_nobody_to_do_the_local_part(
    rocketmq: LocalRocketMQ, topic: str, group: str
) -> None:
    async with AsyncTransactionProducer(group, rocketmq.addr, check=Asked()) as producer:
        with pytest.raises(ConfigurationError, match="no listener"):
            await producer.send_message_in_transaction(Message(topic, b"42"))
    assert rocketmq.messages(topic) == []


# ---- around ----


async def test_transactions_work_inside_of_a_namespace(
    rocketmq: LocalRocketMQ, topic: str, group: str
) -> None:
    rocketmq.create_topic(f"ns%{topic}")
    check = Asked(Commit)
    async with AsyncTransactionProducer(
        group, rocketmq.addr, check=check, namespace="ns", topics=[topic]
    ) as producer:
        async with producer.transaction(topic, b"decided"):
            pass
        async with producer.transaction(topic, b"asked", keys="k") as tx:
            tx.leave_open()
        rocketmq.advance(FIRST_CHECK)
        await until(lambda: bool(check.keys))

        assert sorted(await arrived(rocketmq, f"ns%{topic}", 2)) == [b"asked", b"decided"]


async def test_hooks_see_the_half_message_and_its_end(
    rocketmq: LocalRocketMQ, topic: str, group: str
) -> None:
    seen: list[object] = []

    class Seeing(SendHook):
        def after_send(self, context: SendContext) -> None:
            seen.append((context.kind, context.topic))

        def after_end_transaction(self, context: EndContext) -> None:
            seen.append((context.state, context.from_check, context.confirmed))

    async with AsyncTransactionProducer(group, rocketmq.addr, check=Asked(Rollback)) as producer:
        producer.add_hook(Seeing())
        async with producer.transaction(topic, b"1"):
            pass
        async with producer.transaction(topic, b"2") as tx:
            tx.leave_open()
        rocketmq.advance(FIRST_CHECK)
        await until(lambda: len(seen) == 5)

    assert seen == [
        (SendKind.HALF, topic),
        ("COMMIT_MESSAGE", False, True),
        (SendKind.HALF, topic),
        ("UNKNOW", False, False),
        ("ROLLBACK_MESSAGE", True, True),
    ]


async def test_an_end_after_shutdown_is_left_to_a_check(
    rocketmq: LocalRocketMQ, topic: str, group: str
) -> None:
    async with AsyncTransactionProducer(group, rocketmq.addr, check=Asked()) as producer:
        begun = await producer.begin_transaction(Message(topic, b"42", keys="k"))

    assert not await producer.end_transaction(begun, Commit)
    check = Asked(Commit)
    async with AsyncTransactionProducer(group, rocketmq.addr, check=check, topics=[topic]):
        rocketmq.advance(FIRST_CHECK)
        assert await arrived(rocketmq, topic, 1) == [b"42"]
    assert check.keys == ["k"]
