"""Plain sends on their native way: everything about them is as on the general way."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyrocketmq._clock import ManualClock
from pyrocketmq._native.command import RemotingCommand
from pyrocketmq._native.frame import FrameReader, decode_frame, encode_frame
from pyrocketmq.errors import StoreFullError
from pyrocketmq.model.message_ext import MessageExt
from pyrocketmq.server import EmbeddedServer
from pyrocketmq.server.broker import Broker
from pyrocketmq.server.topics import TopicSettings
from pyrocketmq.transport.utils import parse_address
from tests.server.client import Client, send_header

ID = "7F00000100001111222233334444ABCD"
Codec = Literal["json", "binary"]


async def exchange(address: str, *frames: bytes) -> list[bytes]:
    """Write frames as they are, and read an answer for each."""
    reader, writer = await asyncio.open_connection(*parse_address(address))
    try:
        writer.write(b"".join(frames))
        received = FrameReader()
        answers: list[bytes] = []
        while len(answers) < len(frames):
            data = await asyncio.wait_for(reader.read(65536), 5)
            assert data, "the broker closed the connection"
            received.feed(data)
            while (frame := received.next_bytes()) is not None:
                answers.append(frame)
        return answers
    finally:
        writer.close()
        await writer.wait_closed()


def send_frame(
    topic: str = "T", body: bytes = b"body", codec: Codec = "json", opaque: int = 7, **fields: Any
) -> bytes:
    """A send as one frame."""
    properties = str(fields.pop("properties", f"UNIQ_KEY\x01{ID}\x02"))
    flag = fields.pop("wire_flag", 0)
    ext = send_header(topic, properties=properties, **fields).to_ext_fields()
    return encode_frame(RemotingCommand(310, 12, 513, opaque, flag, None, ext, body), codec)


def raw_frame(header: str, body: bytes = b"body") -> bytes:
    """A frame with a JSON header as it is given."""
    text = header.encode()
    return struct.pack(">II", 4 + len(text) + len(body), len(text)) + text + body


def newest(broker: Broker, topic: str = "T", queue_id: int = 0) -> MessageExt:
    """The last message of a queue."""
    queue = broker.store.log.find_queue(topic, queue_id)
    assert queue is not None
    (position,) = queue.positions(queue.max_offset - 1, 1)
    message = broker.messages.read(position)
    assert message is not None
    return message


async def both_ways(server: EmbeddedServer, frame: bytes) -> tuple[bool, list[Any], list[Any]]:
    """Whether the native way took a send, and what came of it on that way and on the general one."""
    broker = server.brokers[0]
    outcomes: list[list[Any]] = []
    before = broker.quick.serving.sends
    taken = 0
    for general in (False, True):
        if general:
            broker.general_only.add("test")
        (answer,) = await exchange(broker.address, frame)
        broker.general_only.discard("test")
        taken = taken or broker.quick.serving.sends - before
        message = newest(broker, "T", 1)
        told = decode_frame(answer)
        ext = dict(told.ext_fields or {})
        place = ext.pop("queueOffset", None), ext.pop("msgId", None)
        if place[0] is not None:
            assert place == (str(message.queue_offset), message.offset_msg_id)
        outcomes.append([
            list(ext.items()), told.code, told.opaque, told.flag, told.language, told.version, answer[4],
            message.raw_body, list(dict(message.properties).items()), message.flag, message.sys_flag,
            message.born_timestamp, message.store_timestamp, message.born_host[0], message.reconsume_times,
        ])  # fmt: skip
    return bool(taken), outcomes[0], outcomes[1]


@pytest.fixture
def broker(server: EmbeddedServer) -> Broker:
    """The only broker of `server`, with a topic T."""
    broker = server.brokers[0]
    broker.topics.put(TopicSettings("T", 4, 4))
    return broker


@pytest.mark.parametrize("codec", ["json", "binary"])
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"properties": f"TAGS\x01a\x02WAIT\x01true\x02UNIQ_KEY\x01{ID}\x02KEYS\x01k 1\x02"},
        {"properties": f"UNIQ_KEY\x01{ID * 2}\x02"[:66]},
        {"sys_flag": 0x301, "flag": -5},
        {"reconsume_times": 1, "max_reconsume_times": 3, "unit_mode": True},
        {"opaque": -(2**31)},
        {"body": b"x" * 100_000},
    ],
)
@pytest.mark.usefixtures("broker")
async def test_both_ways_store_and_answer_the_same(
    server: EmbeddedServer, codec: Codec, fields: dict[str, Any]
) -> None:
    taken, native, general = await both_ways(server, send_frame(codec=codec, queue_id=1, **fields))

    assert taken
    assert general == native


@pytest.mark.parametrize(
    "fields",
    [
        {"properties": f"UNIQ_KEY\x01{ID}\x02DELAY\x011\x02"},
        {"properties": f"UNIQ_KEY\x01{ID}\x02TIMER_DELAY_MS\x0110\x02"},
        {"properties": f"UNIQ_KEY\x01{ID}\x02TRAN_MSG\x01true\x02"},
        {"properties": f"UNIQ_KEY\x01{ID}\x02KEYS\x01\x02"},
        {"properties": "KEYS\x01" + "x" * 32_767 + "\x02"},
        {"properties": f"UNIQ_KEY\x01{ID}\x02KEYS\x01\u00e9\x02"},
        {"sys_flag": 4},
        {"queue_id": 4},
        {"queue_id": -1},
        {"body": b""},
        {"topic": "NotOpen"},
    ],
)
async def test_what_needs_a_decision_is_left_to_the_general_way(
    broker: Broker, fields: dict[str, Any]
) -> None:
    await exchange(broker.address, send_frame(**fields))

    assert 0 == broker.quick.serving.sends


async def test_a_message_without_an_id_gets_one_and_the_answer_names_it(broker: Broker) -> None:
    first, second = await exchange(
        broker.address, send_frame(properties=""), send_frame(properties="", codec="binary")
    )

    assert 2 == broker.quick.serving.sends
    ids = [(decode_frame(answer).ext_fields or {})["transactionId"] for answer in (first, second)]
    assert ids[0] != ids[1]
    assert ids[1] == newest(broker).unique_id


async def test_sends_without_an_answer_are_stored_and_not_answered(broker: Broker) -> None:
    (answer,) = (
        await exchange(broker.address, send_frame(opaque=1, wire_flag=2) + send_frame(opaque=2, body=b"last"))
    )[:1]

    assert 2 == decode_frame(answer).opaque
    assert (b"last", 1) == (newest(broker).body, newest(broker).queue_offset)


async def test_the_native_way_follows_the_topics(server: EmbeddedServer, client: Client) -> None:
    serving = server.brokers[0].quick.serving
    topics = server.brokers[0].topics
    await client.send("New")
    await client.send("New", queue_id=3)
    assert 1 == serving.sends

    topics.put(TopicSettings("New", 2, 2))
    refused = await client.ask(310, send_header("New", 3), b"x")
    assert (29, 1) == (refused.code, serving.sends)

    topics.delete("New")
    await client.send("New")
    await client.send("New")
    assert 2 == serving.sends
    assert b"body" == newest(server.brokers[0], "New").body
    assert 1 == newest(server.brokers[0], "New").queue_offset


async def test_a_held_pull_gets_what_came_the_native_way(broker: Broker, client: Client) -> None:
    async with Client(broker.address) as consumer:
        waiting = asyncio.ensure_future(
            consumer.pull("T", sys_flag=6, suspend_timeout_millis=60_000, offset=0)
        )
        await asyncio.sleep(0)  # the pull is written
        await client.send("T", b"news")
        pulled = await asyncio.wait_for(waiting, 5)

    assert [b"news"] == pulled.bodies


async def test_a_store_that_fails_refuses_every_message_of_the_turn(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full() -> int:
        raise StoreFullError("the disk is full")

    monkeypatch.setattr(broker.store, "commit", full)
    answers = await exchange(
        broker.address,
        send_frame(opaque=1),
        send_frame(opaque=2, codec="binary"),
        send_frame("NotOpen", opaque=3),
    )
    told = {answer.opaque: answer for answer in map(decode_frame, answers)}

    assert [14, 14, 14] == [told[number].code for number in (1, 2, 3)]
    assert "the disk is full" in str(told[1].remark)
    assert told[1].remark == told[3].remark


HEADER_PARTS = {
    "flag": st.sampled_from(['"flag":0', '"flag":2', '"flag":1', '"flag":00', '"flag":-0', '"flag":0.0']),
    "language": st.sampled_from(['"language":"JAVA"', '"language":"GO"', '"language":null', '"language":3']),
    "opaque": st.sampled_from(['"opaque":5', '"opaque":-5', '"opaque":5 ', '"opaque":5e0', '"opaque": 5']),
    "remark": st.sampled_from(['"remark":null', '"remark":""', '"remark":"x"']),
    "version": st.sampled_from(['"version":513', '"version":0', '"version":"1"']),
}
PROPERTIES = st.lists(
    st.sampled_from(
        [
            "TAGS\\u0001a\\u0002",
            "KEYS\\u0001k \\u00e9\\u0002",
            "KEYS\\u0001k\\\\\\u0002",
            "WAIT\\u0001true\\u0002",
            f"UNIQ_KEY\\u0001{ID}\\u0002",
            "UNIQ_KEY\\u0001\\u0002",
            "DELAY\\u00011\\u0002",
            "open\\u0001",
            "\\u0002",
            "a\\u0001b\\u0001c\\u0002",
            "raw\\u0001\u00e9\\u0002",
        ]
    ),
    max_size=4,
).map("".join)


@st.composite
def send_headers(draw: st.DrawFn) -> str:
    """JSON headers of sends in odd and usual forms."""
    fields = {
        "a": "pg", "b": "T", "c": "TBW102", "d": "4", "e": draw(st.sampled_from(["1", "01", "+1", "1 "])),
        "f": draw(st.sampled_from(["0", "1", "8"])), "g": "1700000000123", "h": "0", "i": draw(PROPERTIES),
        "j": draw(st.sampled_from(["0", "1"])), "k": "false", "m": draw(st.sampled_from(["false", "FALSE"])),
        "n": "broker-a", "z": "1",
    }  # fmt: skip
    names = draw(st.permutations([*fields]))[draw(st.integers(0, 3)) :]
    space = draw(st.sampled_from(["", "", "", " "]))
    ext = ",".join(f'"{name}":{space}"{fields[name]}"' for name in names)
    parts = [f'"extFields":{{{ext}}}', *[draw(part) for part in HEADER_PARTS.values()]]
    chosen = draw(st.permutations(parts))[draw(st.integers(0, 2)) :]
    return '{"code":310,' + ",".join(chosen) + "}"


def test_any_header_is_understood_as_on_the_general_way() -> None:
    # One server for all examples: they come and go in a loop of their own.
    loop = asyncio.new_event_loop()
    server = EmbeddedServer(clock=ManualClock())
    loop.run_until_complete(server.start())
    broker = server.brokers[0]
    broker.topics.put(TopicSettings("T", 4, 4))
    loop.run_until_complete(exchange(broker.address, send_frame(queue_id=1)))

    @settings(max_examples=100, suppress_health_check=list(HealthCheck), deadline=None)
    @given(send_headers())
    def check(header: str) -> None:
        # Answered or not: a frame that certainly is answered follows.
        frame = raw_frame(header)
        numbered = '"opaque"' in header  # a frame without a number gets one
        end = send_frame(opaque=99, queue_id=2, sys_flag=2048)  # goes the general way

        async def outcome(*, general: bool) -> list[Any]:
            count = _count(broker)
            if general:
                broker.general_only.add("test")
            answers, closed = await _until(broker.address, frame + end)
            broker.general_only.discard("test")
            stored = newest(broker, "T", 1) if _count(broker) > count else None
            properties = {} if stored is None else dict(stored.properties)
            if properties.get("UNIQ_KEY") != ID:
                properties.pop("UNIQ_KEY", None)
            return [
                closed,
                stored is not None,
                properties,
                None if stored is None else (stored.raw_body, stored.sys_flag, stored.flag),
                [
                    (answer.code, answer.opaque if numbered else 0, answer.flag, len(answer.ext_fields or {}))
                    for answer in answers
                ],
            ]

        native = loop.run_until_complete(outcome(general=False))
        assert loop.run_until_complete(outcome(general=True)) == native

    try:
        check()
    finally:
        loop.run_until_complete(server.close())
        loop.close()


def _count(broker: Broker) -> int:
    queue = broker.store.log.find_queue("T", 1)
    return 0 if queue is None else queue.max_offset


async def _until(address: str, data: bytes) -> tuple[list[RemotingCommand], bool]:
    """What is answered before the answer with the number 99, and whether the end came instead of it."""
    reader, writer = await asyncio.open_connection(*parse_address(address))
    received = FrameReader()
    answers: list[RemotingCommand] = []
    try:
        writer.write(data)
        while not answers or answers[-1].opaque != 99:
            got = await asyncio.wait_for(reader.read(65536), 5)
            if not got:
                return answers, True
            received.feed(got)
            while (frame := received.next_bytes()) is not None:
                answers.append(decode_frame(frame))
        return answers[:-1], False
    except ConnectionResetError:
        return answers, True
    finally:
        writer.close()
        with contextlib.suppress(ConnectionResetError):
            await writer.wait_closed()
