"""Transactions of blocking code: the local part runs in the thread that calls, checks in their own."""

from __future__ import annotations

import contextlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from pyrocketmq._native.stored import MessageExt
from pyrocketmq.errors import ConfigurationError
from pyrocketmq.model import Message
from pyrocketmq.producer.transaction import (
    Commit,
    LocalTransactionState,
    Rollback,
    SimpleTransactionListener,
    TransactionListener,
    create_transaction_message,
)
from pyrocketmq.producer.transaction_producer import TransactionProducer
from pyrocketmq.remote.engine import engine
from pyrocketmq.testing import LocalRocketMQ

FIRST_CHECK = 6.5


def bodies(rocketmq: LocalRocketMQ, topic: str, at_least: int = 0) -> list[bytes]:
    return [message.body for message in rocketmq.messages(topic, at_least)]


def test_the_quick_start_commits_and_rolls_back(rocketmq: LocalRocketMQ, topic: str, group: str) -> None:
    paid: set[str] = set()
    tp = TransactionProducer(group, rocketmq.addr, check=lambda m: Commit if m.keys in paid else Rollback)
    with tp:
        with tp.transaction(topic, b"42", keys="42") as tx:
            paid.add("42")
        with pytest.raises(ValueError, match="no money"), tp.transaction(topic, b"43", keys="43"):
            raise ValueError("no money")

    assert tx.result.is_commit
    assert bodies(rocketmq, topic) == [b"42"]


@pytest.mark.parametrize("seconds", [0, -1])
def test_a_timeout_in_which_no_send_can_end_begins_no_transaction(
    rocketmq: LocalRocketMQ, topic: str, group: str, seconds: float
) -> None:
    with (
        TransactionProducer(group, rocketmq.addr, check=lambda _: Commit) as producer,
        pytest.raises(ConfigurationError, match="it must be > 0"),
        producer.transaction(topic, b"42", timeout=seconds),
    ):
        pytest.fail("the block was entered")

    rocketmq.advance(FIRST_CHECK)
    assert bodies(rocketmq, topic) == []


def test_a_check_runs_in_a_thread_of_its_own_and_may_use_the_producer(
    rocketmq: LocalRocketMQ, topic: str, group: str
) -> None:
    threads: list[threading.Thread] = []
    other = f"{topic}-log"

    def check(message: MessageExt) -> LocalTransactionState:
        threads.append(threading.current_thread())
        producer.send(other, message.body)
        return Commit

    with TransactionProducer(group, rocketmq.addr, check=check, topics=[topic]) as producer:
        with producer.transaction(topic, b"42") as tx:
            tx.leave_open()
        rocketmq.advance(FIRST_CHECK)
        assert bodies(rocketmq, topic, 1) == [b"42"]

    assert bodies(rocketmq, other) == [b"42"]
    assert threads[0] not in (threading.current_thread(), engine()._thread)


def test_an_asynchronous_check_runs_on_the_engine_thread(
    rocketmq: LocalRocketMQ, topic: str, group: str
) -> None:
    threads: list[bool] = []

    async def check(_: MessageExt) -> LocalTransactionState:
        threads.append(engine().is_current_thread)
        return Commit

    with TransactionProducer(group, rocketmq.addr, check=check) as producer:
        with producer.transaction(topic, b"42") as tx:
            tx.leave_open()
        rocketmq.advance(FIRST_CHECK)
        assert bodies(rocketmq, topic, 1) == [b"42"]
    assert threads == [True]


class Listener(TransactionListener):
    """Notes its thread."""

    def __init__(self) -> None:
        self.thread: threading.Thread | None = None

    def execute_local_transaction(
        self,
        message: Message,  # noqa: ARG002
        transaction_id: str,  # noqa: ARG002
        arg: object = None,
    ) -> LocalTransactionState:
        self.thread = threading.current_thread()
        if isinstance(arg, Exception):
            raise arg
        return Commit

    def check_local_transaction(
        self,
        message: MessageExt,  # noqa: ARG002
        transaction_id: str,  # noqa: ARG002
    ) -> LocalTransactionState:
        return Rollback


def test_a_listener_does_the_local_part_in_the_thread_that_calls(
    rocketmq: LocalRocketMQ, topic: str, group: str
) -> None:
    listener = Listener()
    with TransactionProducer(group, rocketmq.addr, listener=listener) as producer:
        done = producer.send_message_in_transaction(create_transaction_message(topic, "done", "tx-1"))
        failed = producer.send_message_in_transaction(Message(topic, b"failed"), ValueError("no money"))

    assert (done.is_commit, done.transaction_id) == (True, "tx-1")
    assert isinstance(failed.local_error, ValueError)
    assert bodies(rocketmq, topic) == [b"done"]
    assert listener.thread is threading.current_thread()


def test_an_asynchronous_listener_works_too(rocketmq: LocalRocketMQ, topic: str, group: str) -> None:
    class Asynchronous(SimpleTransactionListener):
        async def execute_local_transaction(  # type: ignore[override]
            self, message: Message, transaction_id: str, arg: object = None
        ) -> LocalTransactionState:
            return super().execute_local_transaction(message, transaction_id, arg)

    with TransactionProducer(group, rocketmq.addr, listener=Asynchronous()) as producer:
        result = producer.send_message_in_transaction(Message(topic, b"42"))

    assert result.is_commit
    assert bodies(rocketmq, topic) == [b"42"]


def test_many_threads_share_one_producer(rocketmq: LocalRocketMQ, topic: str, group: str) -> None:
    def transact(number: int) -> None:
        with producer.transaction(topic, str(number), keys=str(number)) as tx:
            if number % 3 == 0:
                tx.rollback()

    with (
        TransactionProducer(group, rocketmq.addr, check=lambda _: Rollback) as producer,
        ThreadPoolExecutor(8) as pool,
    ):
        list(pool.map(transact, range(60)))
        assert producer.transactions() == []

    assert {int(body) for body in bodies(rocketmq, topic)} == {n for n in range(60) if n % 3}


def test_a_transaction_may_be_begun_and_ended_without_a_block(
    rocketmq: LocalRocketMQ, topic: str, group: str
) -> None:
    with TransactionProducer(group, rocketmq.addr, check=lambda _: Rollback) as producer:
        begun = producer.begin_transaction(Message(topic, b"42"))
        assert [one.unique_id for one in producer.transactions()] == [begun.result.msg_id]

        assert producer.end_transaction(begun, Commit)

    assert bodies(rocketmq, topic) == [b"42"]


def test_a_child_made_by_fork_has_transactions_of_its_own(
    rocketmq: LocalRocketMQ, topic: str, group: str
) -> None:
    """Both go on, and each is asked for itself."""
    with (
        TransactionProducer(group, rocketmq.addr, check=lambda _: Commit) as producer,
        producer.transaction(topic, b"parent"),
    ):
        pid = os.fork()
        if pid == 0:
            with contextlib.suppress(BaseException):
                with producer.transaction(topic, b"child"):
                    pass
                os._exit(0)
            os._exit(1)
        assert os.waitpid(pid, 0)[1] == 0
        assert bodies(rocketmq, topic, 1) == [b"child"]

    assert bodies(rocketmq, topic) == [b"child", b"parent"]
