"""Pop consumption (5.x): the broker keeps what was taken invisible until it is acknowledged."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pyrocketmq._native.stored import decode_messages_strict
from pyrocketmq.model import Message, RemotingCommand, RequestCode, SubscriptionData
from pyrocketmq.model import RemotingRequestFactory as Requests
from pyrocketmq.model.pop import (
    BatchAck,
    BatchAckMessageRequestBody,
    encode_bits,
    parse_msg_offset_info,
    parse_start_offset_info,
)
from pyrocketmq.model.result_data import (
    QueryAssignmentRequestBody,
    QueryAssignmentResponseBody,
    SetMessageRequestModeRequestBody,
)
from tests.servers import Server, Wire

from .conftest import QUEUES
from .popping import Popper
from .reading import fields, join, read_queue

pops = pytest.mark.unless("no-pop")


@pytest.mark.where("no-pop")
@pytest.mark.parametrize(
    "code",
    [
        RequestCode.POP_MESSAGE,
        RequestCode.ACK_MESSAGE,
        RequestCode.BATCH_ACK_MESSAGE,
        RequestCode.CHANGE_MESSAGE_INVISIBLETIME,
        RequestCode.NOTIFICATION,
        RequestCode.POLLING_INFO,
        RequestCode.PEEK_MESSAGE,
        RequestCode.QUERY_ASSIGNMENT,
        RequestCode.SET_MESSAGE_REQUEST_MODE,
        RequestCode.LITE_PULL_MESSAGE,
    ],
)
def test_a_broker_without_pop_says_so(broker: Wire, code: int) -> None:
    answer = broker.ask(RemotingCommand(code)).command

    assert answer.code == 3
    assert str(int(code)) in (answer.remark or "")


@pytest.fixture
def popper(server: Server, broker: Wire, topic: str, group: str) -> Popper:
    made = Popper(server, broker, topic, group)
    made.pop()  # the first pop of a group decides where it begins
    return made


@pops
def test_popped_messages_come_with_what_acknowledges_them(
    server: Server, broker: Wire, topic: str, popper: Popper
) -> None:
    for number in range(3):
        broker.send(Message(topic, f"{number}", "new", "key"), 2)
    read_queue(server, broker, topic, 2, 3)
    asked_ms = server.now_ms()

    answer = broker.call(popper.request())

    told = fields(answer)
    messages = decode_messages_strict(answer.body or b"")
    assert answer.remark == "FOUND"
    assert [message.body for message in messages] == [b"0", b"1", b"2"]
    assert [message.queue_offset for message in messages] == [0, 1, 2]
    assert {message.topic for message in messages} == {topic}
    assert told["invisibleTime"] == str(popper.invisible_ms)
    assert abs(int(told["popTime"]) - asked_ms) < 5_000
    assert 0 <= int(told["reviveQid"]) <= 7
    assert told["restNum"] == "0"
    assert parse_start_offset_info(told["startOffsetInfo"]) == {"0@2": 0}
    assert parse_msg_offset_info(told["msgOffsetInfo"]) == {"0@2": [0, 1, 2]}


@pops
def test_a_pop_that_finds_nothing_says_so_in_every_field(broker: Wire, popper: Popper) -> None:
    answer = broker.ask(popper.request()).command

    assert answer.code == 210
    told = fields(answer)
    assert (told["startOffsetInfo"], told["msgOffsetInfo"], told["restNum"]) == ("", "", "0")
    assert {"popTime", "invisibleTime", "reviveQid"} <= told.keys()


@pops
def test_a_pop_is_bounded_and_tells_what_is_left(
    server: Server, broker: Wire, topic: str, popper: Popper
) -> None:
    broker.send([Message(topic, f"{number}") for number in range(5)])
    read_queue(server, broker, topic, 0, 5)

    answer = broker.call(popper.request(2))

    assert len(decode_messages_strict(answer.body or b"")) == 2
    assert fields(answer)["restNum"] == "3"
    assert [taken.body for taken in popper.pop()] == [b"2", b"3", b"4"]


@pops
def test_a_popped_message_is_invisible_to_its_group_only(
    server: Server, broker: Wire, topic: str, popper: Popper
) -> None:
    other = Popper(server, broker, topic, f"{popper.group}-other")
    other.pop()
    popper.send_and_pop("x")

    assert popper.pop() == []
    assert [taken.body for taken in other.wait()] == [b"x"]


@pops
def test_an_acknowledged_message_does_not_come_again(server: Server, popper: Popper) -> None:
    popper.invisible_ms = 1_500
    (taken,) = popper.send_and_pop("x")

    assert taken.acknowledge() == 0
    assert taken.acknowledge() == 0

    server.passes(5.0)
    assert popper.pop() == []


@pops
def test_a_message_that_is_not_acknowledged_comes_again(server: Server, popper: Popper) -> None:
    popper.invisible_ms = 2_000
    (kept, lost) = popper.send_and_pop("kept", "lost")
    popped_ms = server.now_ms()
    kept.acknowledge()
    popper.invisible_ms = 20_000

    (again,) = popper.wait()

    assert server.now_ms() - popped_ms >= 1_900
    assert (again.body, again.message.reconsume_times) == (b"lost", 1)
    assert again.message.topic == popper.topic
    assert again.message.unique_id == lost.message.unique_id
    assert again.message.get_property("1ST_POP_TIME") == str(lost.receipt.pop_time)
    assert again.acknowledge() == 0
    assert popper.pop() == []


@pops
def test_the_invisible_time_can_be_made_shorter(server: Server, popper: Popper) -> None:
    (taken,) = popper.send_and_pop("x")
    changed_ms = server.now_ms()

    taken.change(2_000)

    (again,) = popper.wait(within=15.0)
    assert (again.body, again.message.reconsume_times) == (b"x", 1)
    assert 1_900 <= server.now_ms() - changed_ms < 15_000


@pops
def test_the_invisible_time_can_be_made_longer(server: Server, popper: Popper) -> None:
    popper.invisible_ms = 2_000
    (taken,) = popper.send_and_pop("x")
    changed = taken.change(30_000)

    server.passes(5.0)

    assert popper.pop() == []
    assert changed.acknowledge() == 0


@pops
def test_several_messages_are_acknowledged_in_one_request(
    server: Server, broker: Wire, popper: Popper
) -> None:
    popper.invisible_ms = 2_000
    taken = popper.send_and_pop("0", "1", "2", "3")
    receipt = taken[0].receipt
    ack = BatchAck(
        popper.group,
        popper.topic,
        "0",
        receipt.ck_queue_offset,
        receipt.queue_id,
        receipt.revive_queue_id,
        receipt.pop_time,
        receipt.invisible_time,
        encode_bits([0, 1, 3]),
    )

    broker.call(
        Requests.create_batch_ack_message_request(BatchAckMessageRequestBody(server.broker_name, [ack]))
    )

    popper.invisible_ms = 20_000
    assert [again.body for again in popper.wait(4)] == [b"2"]


@pops
def test_an_acknowledgement_outside_of_the_queue_is_refused(broker: Wire, popper: Popper) -> None:
    (taken,) = popper.send_and_pop("x")

    command = Requests.create_ack_message_request(
        popper.group, popper.topic, taken.receipt.queue_id, taken.receipt.encode(), 1000
    )

    assert broker.ask(command).command.code == 208


@pops
def test_a_pop_waits_for_a_message(
    server: Server, broker: Wire, connect: Callable[[], Wire], popper: Popper
) -> None:
    waiting = connect()
    opaque = waiting.hold(popper.request(poll_ms=15_000))
    server.passes(0.2)  # a real broker may not notice what comes between its look and its wait

    broker.send(Message(popper.topic, "here I am"), 3)

    (taken,) = popper.taken(waiting.answer(opaque).command)
    assert taken.body == b"here I am"


@pops
def test_a_pop_that_waits_ends_when_its_time_is_over(
    server: Server, connect: Callable[[], Wire], popper: Popper
) -> None:
    waiting = connect()
    begin_ms = server.now_ms()
    opaque = waiting.hold(popper.request(poll_ms=1_500))

    answer = server.until(lambda: waiting.arrived(opaque), "the wait is over", within=10.0)

    assert answer.command.code == 210
    assert server.now_ms() - begin_ms >= 1_000


@pops
def test_a_pop_filters_by_tag(server: Server, broker: Wire, topic: str, popper: Popper) -> None:
    broker.send([Message(topic, "a", "old"), Message(topic, "b", "new"), Message(topic, "c")])
    read_queue(server, broker, topic, 0, 3)

    assert [taken.body for taken in popper.pop(tags="new")] == [b"b"]
    assert popper.pop() == []  # what was left out counts as read


@pops
def test_an_ordered_pop_waits_for_what_is_before(popper: Popper) -> None:
    popper.order, popper.queue_id = True, 0
    popper.pop()
    popper.send("0", "1", "2")
    first = popper.wait(2)
    assert [taken.body for taken in first] == [b"0", b"1"]
    assert first[0].receipt.is_order

    assert popper.pop() == []
    for taken in first:
        assert taken.acknowledge() == 0

    assert [taken.body for taken in popper.pop()] == [b"2"]


@pops
def test_an_ordered_pop_gives_again_what_was_not_acknowledged(
    server: Server, broker: Wire, popper: Popper
) -> None:
    popper.order, popper.queue_id, popper.invisible_ms = True, 0, 2_000
    popper.pop()
    popper.send("0", "1", "2")
    assert [taken.body for taken in popper.wait(2)] == [b"0", b"1"]
    server.passes(2.1)

    answer = broker.call(popper.request(2))

    assert [message.body for message in decode_messages_strict(answer.body or b"")] == [b"0", b"1"]
    assert "0 qo0%0 1" in fields(answer)["orderCountInfo"].split(";")


@pops
def test_a_notification_says_whether_there_is_something(server: Server, broker: Wire, popper: Popper) -> None:
    def ask() -> dict[str, str]:
        command = Requests.create_notification_request(
            popper.group, popper.topic, poll_time=0, born_time=server.now_ms()
        )
        return fields(broker.call(command))

    nothing = ask()
    broker.send(Message(popper.topic, "x"))
    read_queue(server, broker, popper.topic, 0, 1)
    something = ask()

    assert (nothing["hasMsg"], something["hasMsg"]) == ("false", "true")


@pops
def test_a_notification_waits_for_a_message(
    server: Server, broker: Wire, connect: Callable[[], Wire], popper: Popper
) -> None:
    waiting = connect()
    opaque = waiting.hold(
        Requests.create_notification_request(
            popper.group, popper.topic, poll_time=15_000, born_time=server.now_ms()
        )
    )

    broker.send(Message(popper.topic, "x"))

    assert fields(waiting.answer(opaque).command)["hasMsg"] == "true"


@pops
def test_peeked_messages_stay(server: Server, broker: Wire, popper: Popper) -> None:
    broker.send([Message(popper.topic, "a"), Message(popper.topic, "b")])
    read_queue(server, broker, popper.topic, 0, 2)

    answer = broker.call(Requests.create_peek_message_request(popper.group, popper.topic, 0, 1))

    assert [message.body for message in decode_messages_strict(answer.body or b"")] == [b"a"]
    assert [taken.body for taken in popper.pop()] == [b"a", b"b"]


def assignments(broker: Wire, topic: str, group: str, client_id: str) -> dict[int, str | None]:
    body = QueryAssignmentRequestBody(topic, group, client_id, "AVG", "CLUSTERING")
    answer = broker.call(Requests.create_query_assignment_request(body))
    found = QueryAssignmentResponseBody.decode(answer.body).message_queue_assignments
    return {item.message_queue.queue_id: item.mode for item in found if item.message_queue is not None}


@pops
def test_the_broker_divides_the_queues(connect: Callable[[], Wire], topic: str, group: str) -> None:
    first, second = connect(), connect()
    join(first, "a", group, SubscriptionData.build(topic))
    join(second, "b", group, SubscriptionData.build(topic))

    shares = [assignments(wire, topic, group, name) for wire, name in ((first, "a"), (second, "b"))]

    assert shares == [{0: "PULL", 1: "PULL"}, {2: "PULL", 3: "PULL"}]


@pops
def test_the_broker_gives_every_queue_to_those_that_pop(
    connect: Callable[[], Wire], topic: str, group: str
) -> None:
    wire = connect()
    join(wire, "a", group, SubscriptionData.build(topic), consume_type="CONSUME_POP")
    body = SetMessageRequestModeRequestBody(topic, group, "POP", 0)
    wire.call(Requests.create_set_message_request_mode_request(body))

    shares = assignments(wire, topic, group, "a")

    assert set(shares.values()) == {"POP"}
    assert shares.keys() in ({-1}, set(range(QUEUES)))
