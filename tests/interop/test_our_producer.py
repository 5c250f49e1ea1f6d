"""What our producers send is consumed and answered by the released clients, and read by their tools."""

from __future__ import annotations

import pytest

from pyrocketmq.model import Message
from pyrocketmq.producer import Producer, TransactionProducer
from pyrocketmq.producer.transaction import Commit, Rollback
from tests.servers import Server

from .conftest import Named, Starting
from .programs import Program


def test_only_committed_transactions_are_consumed(
    server: Server, client: Program, topic: str, group: str, consuming: Starting
) -> None:
    consumer = consuming(client, topic=topic, group=group)
    with TransactionProducer(f"{group}-p", server.name_server, check=lambda _: Rollback) as producer:
        for number in range(6):
            with producer.transaction(topic, f"{number}", tags="new", keys=f"k{number}") as tx:
                if number % 2:
                    tx.rollback()

    messages = consumer.messages(3)
    consumer.stop()

    assert sorted(message["body"] for message in messages) == ["0", "2", "4"]
    assert {message["tags"] for message in messages} == {"new"}


def test_a_transaction_that_was_left_open_is_consumed_after_the_check(
    server: Server, programs: Named, topic: str, group: str, consuming: Starting
) -> None:
    consumer = consuming(programs("java-5.5.0"), topic=topic, group=group)
    with TransactionProducer(f"{group}-p", server.name_server, check=lambda _: Rollback) as first:
        first.begin_transaction(Message(topic, b"left", keys="k"))

    check = {"k": Commit}
    with TransactionProducer(
        f"{group}-p", server.name_server, check=lambda message: check[message.keys or ""], topics=[topic]
    ):
        (message,) = consumer.messages(1)

    assert (message["body"], message["keys"].strip()) == ("left", "k")


def test_a_request_is_answered_by_a_released_client(
    server: Server, client: Program, topic: str, group: str, consuming: Starting
) -> None:
    consuming(client, "reply", topic=topic, group=f"{group}-c")
    with Producer(group, server.name_server) as producer:
        replies = [producer.request(Message(topic, f"question {number}"), 30.0) for number in range(3)]

    assert [reply.body for reply in replies] == [
        f"reply to question {number}".encode() for number in range(3)
    ]


@pytest.mark.parametrize("tool", ["java-5.5.0", "java-4.9.7"])
def test_mqadmin_reads_our_traces(server: Server, programs: Named, topic: str, group: str, tool: str) -> None:
    with Producer(group, server.name_server, trace=True) as producer:
        sent = producer.send(topic, b"traced", tags="new", keys="k")

    (printed,) = [
        event
        for event in programs(tool).do("admin", command=f"queryMsgTraceById -i {sent.msg_id}")
        if event["event"] == "printed"
    ]

    assert group in printed["text"]
    assert "Pub" in printed["text"]
    assert "success" in printed["text"]
