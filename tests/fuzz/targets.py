"""What gets damaged input: a target for each decoder, with inputs to start from and a share of the cases."""

from __future__ import annotations

import socket
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyrocketmq import compression
from pyrocketmq._native.answer import decode_send_answer
from pyrocketmq._native.batch import decode_batch_body
from pyrocketmq._native.command import RemotingCommand
from pyrocketmq._native.frame import FrameReader, decode_frame, encode_frame, frame_info
from pyrocketmq._native.ids import decode_offset_message_id, parse_unique_id
from pyrocketmq._native.lane import LANES_WORK, Lane
from pyrocketmq._native.properties import decode_properties
from pyrocketmq._native.stored import MessageExt, decode_messages
from pyrocketmq.errors import DecompressionError, ProtocolError, RocketMQError
from pyrocketmq.model import json_text, pop, recall, trace
from pyrocketmq.model.headers.registry import HEADERS
from pyrocketmq.model.heart_beat import HeartbeatData
from pyrocketmq.model.route import TopicRouteData

from .mutation import true_record_size, true_total_length
from .seeds import cases, frames, hex_inputs, text_inputs
from .served import SERVED_SPARE, serve, served_frames

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_UNPACKED_BYTES = 64 * 1024  # of the compressed bodies of fuzz input, so that a bomb shows


@dataclass(frozen=True)
class Target:
    """``decode`` takes any bytes and gives a result or a RocketMQError.

    Attributes:
        share: parts of all cases that this target gets.
        repair: makes the outer length of damaged input true again.
        growth: how many bytes of memory a byte of input may cost.
        spare: bytes of memory that do not depend on the input.
    """

    name: str
    seeds: list[bytes]
    decode: Callable[[bytes], object]
    share: int
    repair: Callable[[bytearray], None] | None = None
    growth: int = 64
    spare: int = 32 * 1024


def as_text(data: bytes) -> str:
    """Any bytes as some str; what is no UTF-8 becomes lone surrogates."""
    return data.decode("utf-8", "surrogateescape")


def decode_whole_frame(data: bytes) -> object:
    """The lengths, the command, and the ext fields, which are decoded on demand."""
    frame_info(data)
    command = decode_frame(data)
    return command.ext_fields


def read_split_stream(data: bytes) -> object:
    """The input twice, in pieces whose size depends on it, up to a length that cannot be true."""
    reader = FrameReader(len(data) + 64)
    stream = data + data
    step = 1 + zlib.crc32(data) % (len(data) + 1)
    found = []
    for at in range(0, len(stream), step):
        reader.feed(stream[at : at + step])
        while True:
            try:
                commands = reader.read_all()
            except ProtocolError:
                raise
            except RocketMQError:
                continue
            if not commands:
                break
            found += commands
    return found


def read_send_answer(data: bytes) -> object:
    """The result and its texts, which are decoded on demand."""
    found = decode_send_answer(data)
    return repr(found), found.transaction_id, found.region_id, found.recall_handle, found.remark, found.status


def send_answers() -> list[bytes]:
    """Answers of both codecs; the vectors have requests mostly."""
    fields = {
        "msgId": "7F00000100002A9F0000000000001000",
        "queueId": "3",
        "queueOffset": "123456789",
        "transactionId": "7F000001000100000004000000630000",
        "MSG_REGION": "DefaultRegion",
        "TRACE_ON": "true",
        "recallHandle": "djEgVG9waWMw",
    }
    made = []
    for code, remark in ((0, None), (10, "not set any response code"), (1, "caf\u00e9")):
        command = RemotingCommand(code, 0, 513, 77, 1, remark, fields)
        made += [encode_frame(command, "json"), encode_frame(command, "binary")]
    return made


def ask_on_lane(data: bytes) -> object:
    """The input as what a server sends before it closes."""
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.settimeout(0)
        theirs.send(data)
        theirs.shutdown(socket.SHUT_WR)
        lane = Lane(ours, address="fuzz")
        try:
            answer = lane.request(RemotingCommand(7, opaque=77), 30)
            return answer.ext_fields
        finally:
            lane.close()


LAZY = [name for name, part in vars(MessageExt).items() if hasattr(part, "__get__") and not callable(part)]


def read_messages(data: bytes) -> object:
    """The messages of an answer, every attribute of each."""
    found: list[object] = []
    for message in decode_messages(data, broker_name="broker", max_body_bytes=MAX_UNPACKED_BYTES):
        for name in LAZY:
            try:
                getattr(message, name)
            except DecompressionError:
                found.append(name)
        found += [
            message.check_crc(),
            message.get_property("TAGS"),
            repr(message),
            message.detach() == message,
        ]
    return found


def typed_header_frames() -> list[bytes]:
    return hex_inputs("binary_frame_hex", "typed_header", "typed_header_498") + frames()


HEADER_CLASSES = sorted(HEADERS.values(), key=lambda header: header.__name__)


def read_typed_header(data: bytes) -> object:
    """The ext fields of a frame as a header that depends on the input."""
    command = decode_frame(data)
    header = HEADER_CLASSES[zlib.crc32(data) % len(HEADER_CLASSES)]
    return header.from_ext_fields(command.ext_fields, check_required=len(data) % 2 == 0)


def unpacker(kind: compression.CompressionKind) -> Callable[[bytes], object]:
    return lambda data: compression.decompress(data, kind, MAX_UNPACKED_BYTES)


def packed_inputs(name: str) -> list[bytes]:
    return [bytes.fromhex(case["compressed_hex"]) for case in cases("compression") if case["type"] == name]


def lane_targets() -> list[Target]:
    """Nothing on Windows, which has no lanes."""
    seeds = send_answers() + frames()
    return [Target("lane", seeds, ask_on_lane, 4, true_total_length, spare=600 * 1024)] if LANES_WORK else []


def targets() -> list[Target]:

    records = hex_inputs("buffer_hex", "stored_message", "stored_message_498")
    ids = [case["id"].encode() for case in cases("message_id")]
    json_bodies = text_inputs("java_text", "json_body", "json_body_498", "route", "route_498", "heartbeat")
    routes = text_inputs("java_text", "route", "route_498") + text_inputs("standard_json", "route")
    beats = text_inputs("java_text", "heartbeat", "heartbeat_498")
    texts = text_inputs("encoded", "properties")
    return [
        Target("frame", frames(), decode_whole_frame, 24, true_total_length),
        Target("stream", frames(), read_split_stream, 8, true_total_length),
        Target("typed_header", typed_header_frames(), read_typed_header, 4, true_total_length),
        Target("send_answer", send_answers() + frames(), read_send_answer, 14, true_total_length),
        *lane_targets(),
        Target("served", served_frames(), serve, 6, true_total_length, spare=SERVED_SPARE),
        Target("stored", records, read_messages, 16, true_record_size, growth=200, spare=600 * 1024),
        Target("batch", hex_inputs("body_hex", "batch_body"), decode_batch_body, 12, true_record_size),
        Target("properties", texts, decode_properties, 6),
        Target("properties_text", texts, lambda data: decode_properties(as_text(data)), 2),
        Target("offset_id", ids, lambda data: decode_offset_message_id(as_text(data)), 2),
        Target("unique_id", ids, lambda data: parse_unique_id(as_text(data)), 2),
        Target("json_text", json_bodies, json_text.loads, 4, growth=400),
        Target(
            "recall_handle",
            text_inputs("handle", "recall_handle"),
            lambda data: recall.RecallHandle.decode(as_text(data)),
            1,
        ),
        Target("route", routes, TopicRouteData.decode, 2, growth=400),
        Target("heartbeat", beats, HeartbeatData.decode, 2, growth=400),
        Target(
            "pop_receipt",
            text_inputs("encoded", "pop"),
            lambda data: pop.PopReceipt.decode(as_text(data)),
            1,
        ),
        Target(
            "pop_offsets",
            text_inputs("startOffsetInfo", "pop"),
            lambda data: pop.parse_start_offset_info(as_text(data)),
            1,
        ),
        Target(
            "pop_message_offsets",
            text_inputs("msgOffsetInfo", "pop"),
            lambda data: pop.parse_msg_offset_info(as_text(data)),
            1,
            growth=400,
        ),
        Target(
            "pop_bits", [b"ig==", b"EhAAEA=="], lambda data: pop.decode_bits(as_text(data)), 1, growth=400
        ),
        Target("trace", text_inputs("encoded", "trace"), lambda data: trace.decode_traces(as_text(data)), 1),
        Target("zlib", packed_inputs("ZLIB"), unpacker("zlib"), 2, spare=600 * 1024),
        Target("lz4", packed_inputs("LZ4"), unpacker("lz4"), 2, spare=600 * 1024),
        Target("zstd", packed_inputs("ZSTD"), unpacker("zstd"), 2, spare=600 * 1024),
    ]
