"""The transaction producer: what real brokers make of its half messages, and what it says when they ask."""

from __future__ import annotations

import pytest

from pyrocketmq._native.stored import MessageExt
from pyrocketmq.model import Message
from pyrocketmq.model import RemotingRequestFactory as Requests
from pyrocketmq.producer import TransactionProducer
from pyrocketmq.producer.transaction import (
    Commit,
    LocalTransactionState,
    Rollback,
    create_simple_transaction_listener,
    create_transaction_message,
)
from pyrocketmq.remote.credentials import Credentials
from pyrocketmq.transport import TlsConfig
from tests.servers import Security, Server, Wire

from .clients import new_name
from .conftest import QUEUES
from .reading import pull


def bodies(broker: Wire, topic: str) -> list[bytes]:
    """All messages of a topic, queue by queue."""
    return [message.body for queue_id in range(QUEUES) for message in pull(broker, topic, queue_id).messages]


def test_a_block_commits_and_rolls_back(server: Server, broker: Wire, topic: str, group: str) -> None:
    with TransactionProducer(group, server.name_server, check=lambda _: Rollback) as producer:
        with producer.transaction(topic, b"committed", tags="new", keys="k", timeout=10.0) as committed:
            assert bodies(broker, topic) == []
        with (
            pytest.raises(ValueError, match="no money"),
            producer.transaction(topic, b"dropped", timeout=10.0) as dropped,
        ):
            raise ValueError("no money")
        found = server.until(lambda: bodies(broker, topic), "the committed message appears")

    assert found == [b"committed"]
    assert (committed.result.confirmed, dropped.result.confirmed) == (True, True)


def test_a_listener_commits(server: Server, broker: Wire, topic: str, group: str) -> None:
    listener = create_simple_transaction_listener(commit=True)
    with TransactionProducer(group, server.name_server, listener=listener) as producer:
        result = producer.send_message_in_transaction(
            create_transaction_message(topic, "committed", "tx-1"), timeout=10.0
        )
        found = server.until(lambda: bodies(broker, topic), "the committed message appears")

    assert (result.is_commit, result.confirmed, result.transaction_id) == (True, True, "tx-1")
    assert found == [b"committed"]


@pytest.mark.parametrize(("answer", "expected"), [(Commit, [b"left"]), (Rollback, [])])
def test_a_restarted_producer_answers_for_the_one_before_it_has_sent_anything(
    server: Server,
    broker: Wire,
    topic: str,
    group: str,
    answer: LocalTransactionState,
    expected: list[bytes],
) -> None:
    asked: list[tuple[str | None, str]] = []

    def check(message: MessageExt) -> LocalTransactionState:
        asked.append((message.keys, message.topic))
        return answer

    with TransactionProducer(group, server.name_server, check=lambda _: Rollback) as first:
        first.begin_transaction(Message(topic, b"left", keys="k"), timeout=10.0)
    with TransactionProducer(group, server.name_server, check=check, topics=[topic]) as second:
        server.until(lambda: asked, "the second producer is asked", within=90.0)
        ended = "committed" if answer is Commit else "rolled_back"
        server.until(lambda: second.stats()[ended], "the broker confirms")

        if expected:
            server.until(lambda: bodies(broker, topic), "the committed message appears")
        server.passes(3.0)
        assert bodies(broker, topic) == expected
    assert asked[0] == ("k", topic)


def test_a_check_that_raises_is_asked_again(server: Server, broker: Wire, topic: str, group: str) -> None:
    asked: list[str] = []

    def check(message: MessageExt) -> LocalTransactionState:
        asked.append(message.get_property("TRANSACTION_CHECK_TIMES", ""))
        if len(asked) == 1:
            raise ConnectionError("the database is away")
        return Commit

    with TransactionProducer(group, server.name_server, check=check) as producer:
        with producer.transaction(topic, b"left", timeout=10.0) as transaction:
            transaction.leave_open()
        found = server.until(lambda: bodies(broker, topic), "the message appears", within=150.0)

    assert found == [b"left"]
    assert asked == ["1", "2"]


def test_a_transaction_that_goes_on_is_committed_once_although_the_broker_asks(
    server: Server, broker: Wire, topic: str, group: str
) -> None:
    asked: list[str] = []

    def check(message: MessageExt) -> LocalTransactionState:
        asked.append(message.msg_id)
        return Rollback

    with TransactionProducer(group, server.name_server, check=check) as producer:
        with producer.transaction(topic, b"slow", timeout=10.0) as transaction:
            server.until(lambda: transaction.metadata.checks, "the broker asks", within=90.0)
        assert transaction.result.confirmed
        server.until(lambda: bodies(broker, topic), "the committed message appears")
        server.passes(server.check_seconds + 3.0)

        assert bodies(broker, topic) == [b"slow"]
    assert asked == []


def test_a_client_with_keys_and_tls_commits_and_is_asked(secured: Server, keys: Security) -> None:
    topic, group = new_name("topic"), new_name("group")
    with Wire(secured.broker, credentials=keys.admin) as admin:
        admin.call(Requests.create_create_topic_request(topic, QUEUES, QUEUES))
    credentials = Credentials(keys.app.access_key, keys.app.secret_key)
    asked: list[str | None] = []

    def check(message: MessageExt) -> LocalTransactionState:
        asked.append(message.keys)
        return Commit

    with TransactionProducer(
        group,
        secured.name_server,
        check=check,
        credentials=credentials,
        tls=TlsConfig(ca_file=str(keys.ca_file)),
    ) as producer:
        with producer.transaction(topic, b"decided", timeout=20.0):
            pass
        with producer.transaction(topic, b"asked", keys="k", timeout=20.0) as left:
            left.leave_open()
        secured.until(lambda: asked, "the producer is asked", within=90.0)
        secured.until(lambda: producer.stats()["committed"] == 2, "the broker confirms both")

    with Wire(secured.broker, credentials=keys.app) as reader:
        secured.until(lambda: len(bodies(reader, topic)) == 2, "both messages appear")
        found = bodies(reader, topic)
    assert sorted(found) == [b"asked", b"decided"]
    assert asked == ["k"]
