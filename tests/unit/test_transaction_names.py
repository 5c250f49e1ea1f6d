"""What transactions are spoken of with: states, results, listeners, messages."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from pyrocketmq.errors import ConfigurationError
from pyrocketmq.model import MessageSysFlag
from pyrocketmq.model.message_queue import MessageQueue
from pyrocketmq.model.message_results import SendMessageResult
from pyrocketmq.producer import AsyncTransactionProducer, ProducerConfig, TransactionProducer
from pyrocketmq.producer.transaction import (
    Commit,
    LocalTransactionState,
    Rollback,
    SendStatus,
    SimpleTransactionListener,
    TransactionListener,
    TransactionSendResult,
    Unknown,
    create_simple_transaction_listener,
    create_transaction_message,
    create_transaction_send_result,
    transaction_id_of,
)
from pyrocketmq.producer.transactions import Transaction, check_function


def test_the_states_have_the_numbers_of_the_wire() -> None:
    assert Commit.wire_code == MessageSysFlag.TRANSACTION_COMMIT
    assert Rollback.wire_code == MessageSysFlag.TRANSACTION_ROLLBACK
    assert Unknown.wire_code == 0


def test_unknown_may_be_spelled_correctly() -> None:
    assert LocalTransactionState["UNKNOWN"] is LocalTransactionState["UNKNOW"] is Unknown


@pytest.mark.parametrize(("commit", "state"), [(True, Commit), (False, Rollback)])
def test_a_simple_listener_always_says_the_same(commit: bool, state: LocalTransactionState) -> None:
    listener = create_simple_transaction_listener(commit=commit)
    message = create_transaction_message("T", "body", "tx-1")

    assert isinstance(listener, SimpleTransactionListener)
    assert listener.execute_local_transaction(message, "tx-1") is state
    assert listener.execute_local_transaction(message, "tx-1", arg="order") is state
    assert listener.check_local_transaction(message, "tx-1") is state  # type: ignore[arg-type]


def test_a_listener_has_to_say_both_things() -> None:
    class Half(TransactionListener):
        def execute_local_transaction(self, *_: object) -> LocalTransactionState:
            return Commit

    with pytest.raises(TypeError, match="check_local_transaction"):
        Half()  # type: ignore[abstract]


def test_a_result_tells_how_the_transaction_ended() -> None:
    queue = MessageQueue("T", "broker-a", 1)
    result = create_transaction_send_result(SendStatus.SEND_OK, "id", queue, 7, "tx-1", Rollback)

    assert isinstance(result, SendMessageResult)
    assert (result.is_commit, result.is_rollback) == (False, True)
    assert (result.ok, result.msg_id, result.transaction_id) == (True, "id", "tx-1")
    assert (result.message_queue, result.queue_id, result.queue_offset) == (queue, 1, 7)
    assert "local_state=ROLLBACK_MESSAGE" in repr(result)


def test_a_result_keeps_what_the_broker_said() -> None:
    sent = SendMessageResult(
        SendStatus.FLUSH_DISK_TIMEOUT, "id", None, 7, offset_msg_id="place", region_id="r", attempts=2
    )

    result = TransactionSendResult.of(sent, "tx-1")

    assert result.status is SendStatus.FLUSH_DISK_TIMEOUT
    assert (result.offset_msg_id, result.region_id, result.attempts) == ("place", "r", 2)
    assert (result.local_state, result.confirmed) == (Unknown, False)


def test_a_message_of_a_transaction_carries_the_id_of_the_program() -> None:
    message = create_transaction_message("T", "body", "tx-1", tags="new", keys=["k1", "k2"])

    assert (message.body, message.tags, message.keys) == (b"body", "new", "k1 k2")
    assert transaction_id_of(message) == "tx-1"


@pytest.mark.parametrize(
    ("raised", "state"), [(None, Commit), (ValueError, Rollback), (KeyboardInterrupt, Unknown)]
)
def test_how_a_block_is_left_decides(
    raised: type[BaseException] | None, state: LocalTransactionState
) -> None:
    message = create_transaction_message("T", "body", "tx-1")
    transaction = Transaction(message, TransactionSendResult(), None)  # type: ignore[arg-type]

    assert transaction.decision(raised) is state


def test_what_was_said_inside_of_the_block_counts_more() -> None:
    message = create_transaction_message("T", "body", "tx-1")
    transaction = Transaction(message, TransactionSendResult(), None)  # type: ignore[arg-type]

    transaction.commit()
    assert transaction.decision(ValueError) is Commit
    transaction.rollback()
    assert transaction.decision(None) is Rollback
    transaction.leave_open()
    assert transaction.decision(None) is Unknown


def test_somebody_has_to_answer_checks() -> None:
    listener = SimpleTransactionListener()
    with pytest.raises(ConfigurationError, match="one of check and listener"):
        check_function(None, None)
    with pytest.raises(ConfigurationError, match="one of check and listener"):
        check_function(lambda _: Commit, listener)
    assert check_function(None, listener) == listener.check_local_transaction


@pytest.mark.parametrize(
    "name",
    [
        "transaction",
        "send_message_in_transaction",
        "transactions",
        "begin_transaction",
        "end_transaction",
        "request",
    ],
)
def test_both_producers_take_the_same_arguments(name: str) -> None:
    blocking = inspect.signature(getattr(TransactionProducer, name))
    asynchronous = inspect.signature(getattr(AsyncTransactionProducer, name))

    assert str(blocking.parameters) == str(asynchronous.parameters)


def test_settings_of_transactions_go_through_those_of_producers() -> None:
    plain = ProducerConfig(producer_group="pay", namesrv_addr="localhost:9876", send_timeout=7.0)

    producer = TransactionProducer(
        config=plain, check=lambda _: Commit, topics=["a", "b"], end_timeout=1.0, retries=5
    )

    config = producer.config
    assert (config.producer_group, config.send_timeout, config.retries) == ("pay", 7.0, 5)
    assert (config.topics, config.end_timeout, config.check_timeout) == (("a", "b"), 1.0, 30.0)


@pytest.mark.parametrize(
    "bad",
    [
        {"topics": "shop"},
        {"topics": [""]},
        {"end_timeout": 0.0},
        {"check_timeout": -1.0},
        {"checks_at_once": 0},
        {"transaction_timeout": 0.0},
    ],
)
def test_settings_that_cannot_work_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        TransactionProducer("pay", "localhost:9876", check=lambda _: Commit, **bad)
    assert caught.value.field in bad
