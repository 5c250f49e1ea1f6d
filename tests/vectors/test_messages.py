"""Messages: properties, batches, ids, compressed bodies."""

from __future__ import annotations

import hashlib
import ipaddress

from pyrocketmq._native.batch import decode_batch_body, encode_batch_records
from pyrocketmq._native.ids import (
    decode_offset_message_id,
    encode_offset_message_id,
    parse_unique_id,
)
from pyrocketmq._native.properties import decode_properties, encode_properties, join_properties
from pyrocketmq.compression import (
    CompressionKind,
    compress,
    compression_flag,
    compression_kind,
    decompress,
)

from .loader import Case, body_of, cases

KINDS: dict[str, CompressionKind] = {"LZ4": "lz4", "ZSTD": "zstd", "ZLIB": "zlib"}


def address(ip_hex: str) -> bytes:
    return bytes.fromhex(ip_hex)


@cases("properties")
def test_properties_are_written_and_read_as_java_does(case: Case) -> None:
    assert decode_properties(case["encoded"]) == case["decoded"]
    assert decode_properties(case["encoded"].encode()) == case["decoded"]
    if "properties" in case:
        pairs = [(name, value) for name, value in case["properties"]]
        assert join_properties(pairs) == case["encoded"]
        if all(value != "" for _, value in pairs):  # empty values do not survive, so sending refuses them
            assert encode_properties(pairs) == case["encoded"]


@cases("batch_body")
def test_batch_bodies_are_written_and_read_as_java_does(case: Case) -> None:
    records = [
        (
            message["flag"],
            join_properties([(name, value) for name, value in message["properties"] or []]),
            body,
        )
        for message in case["messages"]
        for body in [body_of(message)]
    ]
    encoded = encode_batch_records(records)
    assert encoded.hex() == case["body_hex"]
    decoded = decode_batch_body(encoded)
    expected = [(flag, decode_properties(text), body) for flag, text, body in records]
    assert [tuple(record) for record in decoded] == expected


@cases("message_id")
def test_message_ids_are_written_and_read_as_java_does(case: Case) -> None:
    if case["type"] == "offset":
        host = case["host"]
        assert encode_offset_message_id(address(host["ip_hex"]), host["port"], case["offset"]) == case["id"]
        decoded = decode_offset_message_id(case["id"])
        back = case["decoded_host"]
        assert ip_bytes(decoded.ip) == address(back["ip_hex"])
        assert (decoded.port, decoded.offset) == (back["port"], case["decoded_offset"])
    else:
        parts = parse_unique_id(case["id"])
        assert ip_bytes(parts.ip) == address(case["decoded_ip_hex"]) == address(case["ip_hex"])
        assert parts.pid == case["decoded_pid"] & 0xFFFF
        assert parts.loader_hash == case["loader_hash"]
        assert parts.millis_since_month_start == case["millis_since_month_start"]
        assert parts.counter == case["counter"] & 0xFFFF


def ip_bytes(text: str) -> bytes:
    return ipaddress.ip_address(text).packed


@cases("compression")
def test_bodies_packed_by_java_are_unpacked(case: Case) -> None:
    kind = KINDS[case["type"]]
    assert compression_kind(case["sys_flag_bits"]) == kind
    assert compression_flag(kind) == case["sys_flag_bits"]
    assert case["type_value"] << 8 | 1 == case["sys_flag_bits"]
    plain = decompress(bytes.fromhex(case["compressed_hex"]), kind)
    assert len(plain) == case["plain_len"]
    assert hashlib.sha256(plain).hexdigest() == case["plain_sha256"]
    if case.get("plain_hex") is not None:
        assert plain.hex() == case["plain_hex"]
    assert decompress(compress(plain, kind), kind) == plain
