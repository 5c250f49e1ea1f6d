"""What the released clients send, as our decoder reads it from the broker."""

from __future__ import annotations

import contextlib
import uuid

import pytest

from pyrocketmq._native.stored import MessageExt
from pyrocketmq.model import MessageSysFlag
from pyrocketmq.model import RemotingRequestFactory as Requests
from pyrocketmq.model.trace import TraceContext, decode_traces
from tests.conformance.reading import offset, pull, route_of
from tests.servers import Server, Wire

from .conftest import QUEUES, Named
from .programs import Event, Program


def stored(server: Server, broker: Wire, topic: str, count: int, within: float = 20.0) -> list[MessageExt]:
    """All messages of a topic, once it has so many, queue by queue."""
    ends = [Requests.create_get_max_offset_request(topic, number) for number in range(QUEUES)]
    server.until(lambda: sum(offset(broker, end) for end in ends) >= count, f"{count} messages", within)
    found = [message for number in range(QUEUES) for message in pull(broker, topic, number).messages]
    assert len(found) == count
    return found


def sent(events: list[Event]) -> list[Event]:
    return [event for event in events if event["event"] == "sent"]


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_single_sends(
    server: Server, broker: Wire, client: Program, topic: str, group: str, mode: str
) -> None:
    events = client.do(
        "produce",
        topic=topic,
        group=group,
        mode=mode,
        count=12,
        body="h\u00e9llo ",
        tags="new",
        keys="k1 k2",
        p__mine="yes",
    )

    found = stored(server, broker, topic, 12)
    results = {event["msgId"]: event for event in sent(events)}
    assert {message.body.decode() for message in found} == {f"h\u00e9llo {number}" for number in range(12)}
    assert {message.queue_id for message in found} == set(range(QUEUES))
    for message in found:
        assert (message.tags, message.keys, message.get_property("mine")) == ("new", "k1 k2", "yes")
        result = results[message.unique_id or ""]
        assert result["status"] == "SEND_OK"
        assert (result["queueId"], result["queueOffset"]) == (message.queue_id, message.queue_offset)
        assert result["offsetMsgId"] == message.offset_msg_id


def test_one_way_sends(server: Server, broker: Wire, client: Program, topic: str, group: str) -> None:
    client.do("produce", topic=topic, group=group, mode="oneway", count=20, body="x")

    found = stored(server, broker, topic, 20)

    assert {message.body.decode() for message in found} == {f"x{number}" for number in range(20)}


def test_a_batch(server: Server, broker: Wire, client: Program, topic: str, group: str) -> None:
    events = client.do("produce", topic=topic, group=group, mode="batch", count=10, body="x", tags="new")

    found = stored(server, broker, topic, 10)
    (result,) = sent(events)
    assert [message.body.decode() for message in found] == [f"x{number}" for number in range(10)]
    assert {message.tags for message in found} == {"new"}
    assert result["status"] == "SEND_OK"
    assert result["offsetMsgId"].split(",") == [message.offset_msg_id for message in found]


def test_ordered_sends(server: Server, broker: Wire, client: Program, topic: str, group: str) -> None:
    client.do("produce", topic=topic, group=group, mode="ordered", count=15, body="", key="order-")

    found = stored(server, broker, topic, 15)

    for key in range(3):
        mine = [message for message in found if int(message.body) % 3 == key]
        assert len({message.queue_id for message in mine}) == 1
        assert [int(message.body) for message in mine] == [3 * number + key for number in range(5)]


def test_a_large_body_comes_compressed(
    server: Server, broker: Wire, client: Program, topic: str, group: str
) -> None:
    client.do("produce", topic=topic, group=group, body="big", size=20_000)

    (message,) = stored(server, broker, topic, 1)

    assert message.body == b"big0".ljust(20_000, b"\0")
    assert message.raw_sys_flag & MessageSysFlag.COMPRESSED
    assert message.body_size < 1_000


def test_a_delayed_message(server: Server, broker: Wire, client: Program, topic: str, group: str) -> None:
    client.do("produce", topic=topic, group=group, body="later", level=1)

    (message,) = stored(server, broker, topic, 1)

    assert message.body == b"later0"
    assert message.store_timestamp - message.born_timestamp >= 1_000


@pytest.mark.parametrize("name", ["java-5.5.0", "go"])
def test_a_timer_message(
    server: Server, broker: Wire, programs: Named, topic: str, group: str, name: str
) -> None:
    """The Java client of 4.9 has no timer."""
    programs(name).do("produce", topic=topic, group=group, body="timed", delaySeconds=2)

    (message,) = stored(server, broker, topic, 1)

    assert message.body == b"timed0"
    assert message.store_timestamp - message.born_timestamp >= 1_000


def test_a_topic_is_made_by_the_first_send(server: Server, broker: Wire, client: Program, group: str) -> None:
    name = f"new-{uuid.uuid4().hex}"

    client.do("produce", topic=name, group=group, count=4, body="x")

    with Wire(server.name_server) as name_server:
        (queues,) = route_of(server, name_server, name).queue_datas
    assert (queues.write_queue_nums, queues.perm) == (4, 6)
    assert len(stored(server, broker, name, 4)) == 4


def test_a_transaction_that_commits(
    server: Server, broker: Wire, client: Program, topic: str, group: str
) -> None:
    client.do("transact", topic=topic, group=group, body="half", tags="new", decision="COMMIT_MESSAGE")

    (message,) = stored(server, broker, topic, 1)

    assert (message.body, message.tags) == (b"half0", "new")
    assert message.raw_sys_flag & MessageSysFlag.TRANSACTION_MASK == MessageSysFlag.TRANSACTION_COMMIT


def test_a_transaction_that_rolls_back(
    server: Server, broker: Wire, client: Program, topic: str, group: str
) -> None:
    client.do("transact", topic=topic, group=group, body="half", decision="ROLLBACK_MESSAGE")

    server.passes(3.0)

    assert all(pull(broker, topic, number).max_offset == 0 for number in range(QUEUES))


@pytest.mark.parametrize("answer", ["COMMIT_MESSAGE", "ROLLBACK_MESSAGE"])
def test_a_transaction_that_is_checked(
    server: Server, broker: Wire, client: Program, topic: str, group: str, answer: str
) -> None:
    events = client.do("transact", topic=topic, group=group, body="half", decision="UNKNOW", answer=answer)

    (checked,) = [event["message"] for event in events if event["event"] == "checked"]
    assert (checked["topic"], checked["body"]) == (topic, "half0")
    if answer == "COMMIT_MESSAGE":
        (message,) = stored(server, broker, topic, 1)
        assert message.body == b"half0"
        assert message.unique_id == checked["properties"]["UNIQ_KEY"]
    else:
        server.passes(2.0)
        assert all(pull(broker, topic, number).max_offset == 0 for number in range(QUEUES))


@pytest.mark.parametrize("name", ["java-5.5.0", "java-4.9.7"])
def test_a_trace(server: Server, broker: Wire, programs: Named, topic: str, group: str, name: str) -> None:
    def traced() -> list[TraceContext]:
        found = []
        for number in range(1, -1, -1):
            command = Requests.create_get_max_offset_request("RMQ_SYS_TRACE_TOPIC", number)
            for place in range(offset(broker, command)):
                for message in pull(broker, "RMQ_SYS_TRACE_TOPIC", number, place, 1).messages:
                    found += decode_traces(message.body.decode())
        return [one for one in found if one.group_name == group]

    ids: list[object] = []
    while not traced() and len(ids) < 3:
        events = programs(name).do("produce", topic=topic, group=group, body="it", tags="new", trace="yes")
        ids += [result["msgId"] for result in sent(events)]
        # A client gives a trace up that it could not send in time, as happens on a busy machine.
        with contextlib.suppress(AssertionError):
            server.until(traced, "the trace is stored", 10.0)

    context = server.until(traced, "a trace is stored")[0]
    (bean,) = context.beans
    assert context.trace_type == "Pub"
    assert (bean.topic, bean.tags) == (topic, "new")
    assert bean.msg_id in ids
    assert bean.store_host == server.broker
