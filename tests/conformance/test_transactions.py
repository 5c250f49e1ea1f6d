"""Half messages: invisible until their producer commits, asked about when it does not say."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import NamedTuple

import pytest

from pyrocketmq._native.answer import SendResult
from pyrocketmq._native.ids import decode_offset_message_id
from pyrocketmq._native.stored import decode_messages_strict
from pyrocketmq.model import Message, MessageSysFlag, RemotingCommand, RequestCode
from pyrocketmq.model import RemotingRequestFactory as Requests
from tests.servers import Server, Wire

from .conftest import Differs
from .reading import fields, produce_as, pull, read_queue

CHECK = RequestCode.CHECK_TRANSACTION_STATE
COMMIT = MessageSysFlag.TRANSACTION_COMMIT
NUMBERS = ("tranStateTableOffset", "commitLogOffset")
ROLLBACK = MessageSysFlag.TRANSACTION_ROLLBACK


class Half(NamedTuple):
    """A half message, and where the broker keeps it."""

    message: Message
    result: SendResult
    group: str

    @property
    def place(self) -> int:
        assert self.result.offset_msg_id is not None
        return decode_offset_message_id(self.result.offset_msg_id).offset

    def end(self, decision: int, **changes: object) -> RemotingCommand:
        arguments = {
            "producer_group": self.group,
            "tran_state_table_offset": self.result.queue_offset,
            "commit_log_offset": self.place,
        } | changes
        return Requests.create_end_transaction_request(
            **arguments,  # type: ignore[arg-type]
            commit_or_rollback=decision,
            msg_id=self.result.msg_id or "",
            transaction_id=self.result.transaction_id or "",
        )


def begin(broker: Wire, topic: str, group: str, body: str = "half", queue_id: int = 1) -> Half:
    properties = {"TRAN_MSG": "true", "PGROUP": group, "mine": "yes"}
    message = Message(topic, body, "new", "key", properties=properties)
    result = broker.send(message, queue_id, sys_flag=MessageSysFlag.TRANSACTION_PREPARED)
    assert result.ok
    return Half(message, result, group)


@pytest.mark.parametrize("codec", ["json", "binary"])
def test_a_half_message_appears_once_it_is_committed(
    server: Server, broker: Wire, topic: str, group: str, differs: Differs
) -> None:
    half = begin(broker, topic, group)
    assert pull(broker, topic, 1).max_offset == 0

    broker.call(half.end(COMMIT))

    (read,) = read_queue(server, broker, topic, 1, 1)
    assert (read.topic, read.queue_id, read.body) == (topic, 1, b"half")
    assert (read.tags, read.keys, read.get_property("mine")) == ("new", "key", "yes")
    assert read.unique_id == half.message.unique_id
    assert read.prepared_transaction_offset == half.place
    assert read.raw_sys_flag & MessageSysFlag.TRANSACTION_MASK == COMMIT
    assert read.get_property("TRAN_MSG") == "true"
    kept = topic if differs("committed-messages-keep-their-real-topic") else None
    assert read.get_property("REAL_TOPIC") == kept


def test_a_half_message_that_is_rolled_back_never_appears(
    server: Server, broker: Wire, topic: str, group: str
) -> None:
    half = begin(broker, topic, group)

    broker.call(half.end(ROLLBACK))

    server.passes(3.0)
    assert pull(broker, topic, 1).max_offset == 0


def test_an_open_decision_is_not_answered(broker: Wire, topic: str, group: str) -> None:
    half = begin(broker, topic, group)
    command = half.end(0)
    broker.hold(command)

    broker.call(Requests.create_get_max_offset_request(topic, 0))

    assert broker.arrived(command.opaque) is None
    broker.call(half.end(ROLLBACK))


def test_a_commit_may_come_one_way(server: Server, broker: Wire, topic: str, group: str) -> None:
    half = begin(broker, topic, group)

    broker.tell(half.end(COMMIT))

    assert len(read_queue(server, broker, topic, 1, 1)) == 1


def test_decisions_about_something_else_are_refused(broker: Wire, topic: str, group: str) -> None:
    half = begin(broker, topic, group)
    for changes, words in (
        ({"producer_group": "others"}, "producer group wrong"),
        ({"tran_state_table_offset": half.result.queue_offset + 1}, "transaction state table offset wrong"),
        ({"commit_log_offset": half.place + 1_000_000}, "Find prepared transaction message failed"),
    ):
        answer = broker.ask(half.end(COMMIT, **changes)).command
        assert answer.code == 1, changes
        assert words in (answer.remark or "")
    broker.call(half.end(ROLLBACK))


def test_a_commit_that_is_repeated(
    server: Server, broker: Wire, topic: str, group: str, differs: Differs
) -> None:
    half = begin(broker, topic, group)

    broker.call(half.end(COMMIT))
    broker.call(half.end(COMMIT))

    count = 1 if differs("a-decision-counts-once") else 2
    assert len(read_queue(server, broker, topic, 1, count)) == count
    server.passes(3.0)
    assert pull(broker, topic, 1).max_offset == count


def test_a_commit_after_a_rollback(
    server: Server, broker: Wire, topic: str, group: str, differs: Differs
) -> None:
    half = begin(broker, topic, group)
    broker.call(half.end(ROLLBACK))

    answer = broker.ask(half.end(COMMIT)).command

    once = differs("a-decision-counts-once")
    assert answer.code == (604 if once else 0)
    server.passes(3.0)
    assert pull(broker, topic, 1).max_offset == (0 if once else 1)


def test_half_messages_of_one_queue_are_independent(
    server: Server, broker: Wire, topic: str, group: str
) -> None:
    first, second, third = [begin(broker, topic, group, text) for text in ("first", "second", "third")]

    for half, decision in ((third, COMMIT), (second, ROLLBACK), (first, COMMIT)):
        broker.call(half.end(decision))

    read = read_queue(server, broker, topic, 1, 2)
    assert [message.body for message in read] == [b"third", b"first"]


@pytest.mark.parametrize("codec", ["json", "binary"])
def test_a_producer_that_did_not_decide_is_asked(
    server: Server, broker: Wire, connect: Callable[[], Wire], topic: str, group: str
) -> None:
    producer = connect()
    produce_as(producer, f"client-{uuid.uuid4().hex}", group)
    half = begin(producer, topic, group)

    check = server.until(lambda: producer.push_of(CHECK), "the producer is asked", within=60.0)

    told = fields(check)
    assert check.is_oneway
    assert told["msgId"] == half.message.unique_id
    assert told["transactionId"] == half.message.unique_id
    (asked,) = decode_messages_strict(check.body or b"")
    assert (asked.topic, asked.queue_id, asked.body) == (topic, 1, b"half")
    assert asked.unique_id == half.message.unique_id
    assert asked.get_property("PGROUP") == group
    answer = Requests.create_end_transaction_request(
        group,
        int(told["tranStateTableOffset"]),
        int(told["commitLogOffset"]),
        COMMIT,
        msg_id=told["msgId"],
        transaction_id=told["transactionId"],
        from_transaction_check=True,
    )
    producer.tell(answer)
    (read,) = read_queue(server, broker, topic, 1, 1)
    assert read.unique_id == half.message.unique_id


def test_another_member_of_the_group_is_asked_when_the_sender_is_gone(
    server: Server, connect: Callable[[], Wire], topic: str, group: str
) -> None:
    sender, other = connect(), connect()
    produce_as(sender, f"client-{uuid.uuid4().hex}", group)
    half = begin(sender, topic, group)
    sender.close()
    produce_as(other, f"client-{uuid.uuid4().hex}", group)

    check = server.until(lambda: other.push_of(CHECK), "the other is asked", within=60.0)

    assert fields(check)["msgId"] == half.message.unique_id
    # A check stores the half message anew, and only its own numbers hold.
    table_offset, log_offset = [int(fields(check)[name]) for name in NUMBERS]
    other.tell(
        Requests.create_end_transaction_request(
            group, table_offset, log_offset, ROLLBACK, fields(check)["msgId"], from_transaction_check=True
        )
    )


def test_a_half_message_is_not_asked_about_for_ever(
    server: Server, connect: Callable[[], Wire], topic: str, group: str
) -> None:
    producer = connect()
    produce_as(producer, f"client-{uuid.uuid4().hex}", group)
    begin(producer, topic, group)

    counts = []
    for _ in range(server.check_max):
        check = server.until(lambda: producer.push_of(CHECK), "the producer is asked again", within=60.0)
        (asked,) = decode_messages_strict(check.body or b"")
        counts.append(asked.get_property("TRANSACTION_CHECK_TIMES"))
    server.passes(2 * server.check_seconds + 1.0)

    assert counts == [str(number + 1) for number in range(server.check_max)]
    assert producer.push_of(CHECK) is None
    assert pull(producer, topic, 1).max_offset == 0
