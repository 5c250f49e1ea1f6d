"""The reference codec agrees with the bytes of the official artifacts; otherwise it would prove nothing."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from .codec.batches import BatchEntry, decode_batch, encode_batch
from .codec.command import LANGUAGES, Command
from .codec.frames import Codec, decode_frame, encode_frame
from .codec.hashes import body_crc, java_hash, pick_by_go_hash, pick_by_java_hash, tags_code
from .codec.ids import (
    OffsetId,
    UniqueId,
    decode_offset_id,
    decode_unique_id,
    encode_offset_id,
    encode_unique_id,
)
from .codec.properties import decode_properties, join_properties
from .codec.refusal import RefusedError
from .codec.ring import owner_of, queue_text
from .codec.stored import decode_messages
from .codec.unpacking import decompress, kind_of

Case = dict[str, Any]
DATA = Path(os.environ.get("PYROCKETMQ_VECTORS") or Path(__file__).parent.parent / "vectors" / "data")


def cases(*kinds: str) -> pytest.MarkDecorator:
    found = []
    for kind in kinds:
        path = DATA / f"{kind}.json"
        if path.exists():
            read = json.loads(path.read_text("utf-8"))["cases"]
            found += [pytest.param(case, id=f"{kind}-{case['id']}") for case in read]
    return pytest.mark.parametrize("case", found)


def command_of(given: Case, order: list[str] | None) -> Command:
    fields, body = given["extFields"], bytes.fromhex(given.get("body_hex") or "")
    if "repeat" in given:
        repeat = given["repeat"]
        fields = {repeat["ext_key"]: repeat["ext_char"] * repeat["ext_times"]}
        body = repeat["body_char"].encode() * repeat["body_times"]
    if order is not None:
        fields = {name: fields[name] for name in order}
    language = LANGUAGES.index(given["language"])
    return Command(
        given["code"], language, given["version"], given["opaque"], given["flag"], given["remark"],
        fields, body or None,
    )  # fmt: skip


def assert_decoded(command: Command, expected: Case) -> None:
    assert expected["code"] == command.code
    assert expected["version"] == command.version
    assert expected["flag"] == command.flag
    assert expected["opaque"] in ("any", command.opaque)
    assert (expected.get("remark") or None) == (command.remark or None)
    language = None if command.language is None else LANGUAGES[command.language]
    assert expected["language"] == language
    fields = expected["extFields"]
    if fields is not None:
        fields = {None if name == "@null" else name: value for name, value in fields.items()}
    assert fields == command.ext_fields


@cases("remoting_command", "remoting_command_498")
def test_commands_are_written_and_read_as_java_does(case: Case) -> None:
    given = case["input"]
    command = command_of(given, case.get("ext_order"))
    codec: Codec = "json" if given["codec"] == "JSON" else "binary"
    # Java cuts such a code or version; writing another command than the one given is refused here.
    if codec == "binary" and max(command.code, command.version) > 32767:
        with pytest.raises(RefusedError):
            encode_frame(command, codec)
        return
    frame = encode_frame(command, codec)
    if "frame_hex" in case:
        theirs = bytes.fromhex(case["frame_hex"])
        if codec == "binary":
            assert theirs == frame
        java = decode_frame(theirs)
        assert java == decode_frame(frame)
        if "decoded" in case:
            assert_decoded(java, case["decoded"])


@cases("remoting_decode")
def test_odd_frames_are_read_or_refused_as_java_does(case: Case) -> None:
    frame = bytes.fromhex(case["frame_hex"])
    if "error" in case["decoded"]:
        with pytest.raises(RefusedError):
            decode_frame(frame)
    else:
        assert_decoded(decode_frame(frame), case["decoded"])


@cases("captured_frame")
def test_frames_of_real_clients_are_read(case: Case) -> None:
    command = decode_frame(bytes.fromhex(case["frame_hex"]))
    expected = case["decoded"]
    assert expected["code"] == command.code
    assert expected["opaque"] == command.opaque
    assert (expected["extFields"] or {}) == (command.ext_fields or {})
    assert case["body_len"] == len(command.body or b"")


@cases("batch_body")
def test_batch_bodies_are_written_and_read_as_java_does(case: Case) -> None:
    entries = [
        BatchEntry(
            given["flag"],
            bytes.fromhex(given["body_hex"]),
            join_properties([tuple(pair) for pair in given["properties"] or []]),
        )
        for given in case["messages"]
    ]
    body = bytes.fromhex(case["body_hex"])
    assert body == encode_batch(entries)
    assert entries == decode_batch(body)


@cases("properties")
def test_properties_are_written_and_read_as_java_does(case: Case) -> None:
    if "properties" in case:
        assert case["encoded"] == join_properties([tuple(pair) for pair in case["properties"]])
    assert case["decoded"] == decode_properties(case["encoded"])


@cases("stored_message", "stored_message_498")
def test_stored_messages_are_read_as_java_does(case: Case) -> None:
    found = decode_messages(bytes.fromhex(case["buffer_hex"]))
    assert len(case["decoded"]) == len(found)
    for expected, message in zip(case["decoded"], found, strict=True):
        flags = (message.sys_flag, message.raw_sys_flag)
        ours = {
            "topic": message.topic,
            "storeSize": message.store_size,
            "bodyCRC": message.body_crc,
            "queueId": message.queue_id,
            "flag": message.flag,
            "queueOffset": message.queue_offset,
            "commitLogOffset": message.commit_log_offset,
            "sysFlag": expected["sysFlag"] if expected["sysFlag"] in flags else flags,
            "bornTimestamp": message.born_timestamp,
            "bornHost": {"ip_hex": message.born_host.address.hex(), "port": message.born_host.port},
            "storeTimestamp": message.store_timestamp,
            "storeHost": {"ip_hex": message.store_host.address.hex(), "port": message.store_host.port},
            "reconsumeTimes": message.reconsume_times,
            "preparedTransactionOffset": message.prepared_transaction_offset,
            "body_hex": message.body.hex(),
            "properties": message.properties,
            "msgId": message.msg_id,
            "offsetMsgId": message.offset_msg_id,
            "tags": message.properties.get("TAGS"),
            "keys": message.properties.get("KEYS"),
        }
        theirs = {**expected, "body_hex": expected["body_hex"] or ""}
        theirs["properties"] = expected["properties"] or {}
        assert theirs == {name: ours[name] for name in theirs}


@cases("message_id")
def test_message_ids_are_written_and_read_as_java_does(case: Case) -> None:
    if case["type"] == "offset":
        parts = OffsetId(bytes.fromhex(case["host"]["ip_hex"]), case["host"]["port"], case["offset"])
        assert case["id"] == encode_offset_id(parts)
        assert parts == decode_offset_id(case["id"])
    else:
        unique = UniqueId(
            bytes.fromhex(case["ip_hex"]), case["pid"], case["loader_hash"],
            case["millis_since_month_start"], case["counter"],
        )  # fmt: skip
        assert case["id"] == encode_unique_id(unique)
        on_wire = replace(unique, pid=unique.pid & 0xFFFF, counter=unique.counter & 0xFFFF)
        assert on_wire == decode_unique_id(case["id"])


@cases("java_hash")
def test_java_hashes_and_queue_picks(case: Case) -> None:
    assert case["java_hash"] == java_hash(case["text"])
    for queues, expected in case["select_by_hash"].items():
        assert expected == pick_by_java_hash(case["text"], int(queues))


@cases("go_hash")
def test_go_queue_picks(case: Case) -> None:
    for queues, expected in case["go_hash_selector"].items():
        assert expected == pick_by_go_hash(case["text"], int(queues))


@cases("message_queue")
def test_queue_text_has_the_java_hash(case: Case) -> None:
    if "to_string" in case:
        assert case["to_string"] == queue_text(case["topic"], case["brokerName"], case["queueId"])


@cases("tag")
def test_tag_codes(case: Case) -> None:
    if "tags_code" in case:
        assert case["tags_code"] == tags_code(case["tags"])


@cases("crc")
def test_body_crcs(case: Case) -> None:
    assert case["crc"] == body_crc(bytes.fromhex(case["body_hex"]))


@cases("compression")
def test_bodies_packed_by_java_are_unpacked(case: Case) -> None:
    plain = decompress(bytes.fromhex(case["compressed_hex"]), kind_of(case["sys_flag_bits"]))
    assert case["plain_len"] == len(plain)
    assert case["plain_sha256"] == hashlib.sha256(plain).hexdigest()


@cases("allocate")
def test_consistent_hash_allocation(case: Case) -> None:
    if case["strategy"] != "CONSISTENT_HASH":
        return
    nodes = case.get("virtual_nodes", 10)
    for consumer in case["consumers"]:
        ours = [
            [broker, queue_id]
            for broker, queue_id in case["queues"]
            if owner_of(queue_text(case["topic"], broker, queue_id), case["consumers"], nodes) == consumer
        ]
        assert case["result"][consumer] == ours
