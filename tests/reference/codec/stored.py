"""Stored messages, as brokers send them in pull, view and query answers."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

from .batches import decode_batch
from .ids import OffsetId, encode_offset_id
from .properties import decode_properties
from .reading import Reader
from .refusal import RefusedError
from .unpacking import decompress, kind_of

MAGIC_V1 = -626843481
MAGIC_V2 = -626843477
COMPRESSED = 0x1
BORN_HOST_IPV6 = 0x10
STORE_HOST_IPV6 = 0x20
NEED_UNWRAP = 0x40
INNER_BATCH = 0x80
LEAST_BYTES = 91  # of a record with IPv4 hosts and nothing in its texts and body


@dataclass(frozen=True)
class Host:
    address: bytes
    port: int


@dataclass(frozen=True)
class StoredMessage:
    store_size: int
    body_crc: int
    queue_id: int
    flag: int
    queue_offset: int
    commit_log_offset: int
    raw_sys_flag: int
    born_timestamp: int
    born_host: Host
    store_timestamp: int
    store_host: Host
    reconsume_times: int
    prepared_transaction_offset: int
    stored_body: bytes
    raw_topic: bytes
    raw_properties: bytes

    @property
    def sys_flag(self) -> int:
        return self.raw_sys_flag & ~COMPRESSED

    @property
    def topic(self) -> str:
        return _text(self.raw_topic)

    @property
    def properties_text(self) -> str:
        return _text(self.raw_properties)

    @property
    def properties(self) -> dict[str, str]:
        return decode_properties(self.properties_text)

    @property
    def body(self) -> bytes:
        if self.raw_sys_flag & COMPRESSED and self.stored_body:
            return decompress(self.stored_body, kind_of(self.raw_sys_flag))
        return self.stored_body

    @property
    def offset_msg_id(self) -> str:
        return encode_offset_id(
            OffsetId(self.store_host.address, self.store_host.port, self.commit_log_offset)
        )

    @property
    def msg_id(self) -> str:
        return self.properties.get("UNIQ_KEY") or self.offset_msg_id


def _text(raw: bytes) -> str:
    """Java puts U+FFFD where bytes are no UTF-8."""
    return raw.decode("utf-8", "replace")


def _host(reader: Reader, is_ipv6: bool) -> Host:
    address = reader.take(16 if is_ipv6 else 4, "hosts")
    return Host(address, reader.i32("hosts"))


def read_record(reader: Reader) -> StoredMessage:
    """Read one record from what is left; refused when it is not one."""
    if reader.left < LEAST_BYTES:
        raise RefusedError("deserialization", "size", f"{reader.left} left")
    record = Reader(reader.data[reader.at :])
    size = record.i32("size")
    magic = record.i32("magic")
    if magic not in (MAGIC_V1, MAGIC_V2):
        raise RefusedError("deserialization", "magic", hex(magic & 0xFFFFFFFF))
    if size < LEAST_BYTES or size > reader.left:
        raise RefusedError("deserialization", "size", f"{size} bytes, {reader.left} left")
    record = Reader(reader.data[reader.at + 8 : reader.at + size])
    crc = record.i32("crc")
    queue_id = record.i32("queue_id")
    flag = record.i32("flag")
    queue_offset = record.i64("queue_offset")
    commit_log_offset = record.i64("commit_log_offset")
    sys_flag = record.i32("sys_flag")
    born_timestamp = record.i64("hosts")
    born_host = _host(record, bool(sys_flag & BORN_HOST_IPV6))
    store_timestamp = record.i64("hosts")
    store_host = _host(record, bool(sys_flag & STORE_HOST_IPV6))
    reconsume_times = record.i32("hosts")
    prepared_transaction_offset = record.i64("hosts")
    body_size = record.i32("hosts")
    body = record.take(body_size, "body")
    topic_size = record.u8("topic") if magic == MAGIC_V1 else record.i16("topic")
    topic = record.take(topic_size, "topic")
    properties = record.take(record.i16("properties"), "properties")
    reader.take(size, "size")
    return StoredMessage(
        size, crc, queue_id, flag, queue_offset, commit_log_offset, sys_flag, born_timestamp, born_host,
        store_timestamp, store_host, reconsume_times, prepared_transaction_offset, body, topic, properties,
    )  # fmt: skip


def decode_all(data: bytes) -> list[StoredMessage]:
    """Read records up to the end of the data; the first that cannot be read refuses all."""
    reader = Reader(data)
    found = []
    while reader.left:
        found.append(read_record(reader))
    return found


def decode_messages(data: bytes) -> list[StoredMessage]:
    """Read records until one cannot be read; keep what came before it."""
    reader = Reader(data)
    found = []
    while reader.left:
        try:
            found.append(read_record(reader))
        except RefusedError:
            break
    return found


def expand_inner_batch(message: StoredMessage) -> list[StoredMessage]:
    """The messages inside, with rising queue offsets, if both batch bits are set; else the message itself.

    Their CRC and size are their own: none, and that of a record that holds just this message.
    """
    both = NEED_UNWRAP | INNER_BATCH
    if message.raw_sys_flag & both != both:
        return [message]
    found = []
    for rank, entry in enumerate(decode_batch(message.body)):
        inner = replace(
            message,
            body_crc=0,
            flag=entry.flag,
            raw_sys_flag=message.sys_flag,
            stored_body=entry.body,
            raw_properties=entry.raw_properties,
            queue_offset=signed64(message.queue_offset + rank),
        )
        found.append(replace(inner, store_size=len(encode_message(inner))))
    return found


def decode_and_expand(data: bytes, offset_delta: int = 0) -> list[StoredMessage]:
    """What a consumer gets: inner batches opened, those that cannot be opened as they are."""
    found = []
    for stored in decode_messages(data):
        message = replace(stored, queue_offset=signed64(stored.queue_offset + offset_delta))
        try:
            found += expand_inner_batch(message)
        except RefusedError:
            found.append(message)
    return found


def signed64(number: int) -> int:
    return (number + 2**63) % 2**64 - 2**63


def encode_message(message: StoredMessage) -> bytes:
    """Write one record, V2 when the topic is longer than 127 bytes; the size is computed, not taken."""
    is_long = len(message.raw_topic) > 127
    numbers = struct.pack(
        ">iiiiqqi",
        MAGIC_V2 if is_long else MAGIC_V1,
        message.body_crc,
        message.queue_id,
        message.flag,
        message.queue_offset,
        message.commit_log_offset,
        message.raw_sys_flag,
    )
    rest = (
        numbers
        + struct.pack(">q", message.born_timestamp)
        + message.born_host.address
        + struct.pack(">i", message.born_host.port)
        + struct.pack(">q", message.store_timestamp)
        + message.store_host.address
        + struct.pack(">i", message.store_host.port)
        + struct.pack(">iq", message.reconsume_times, message.prepared_transaction_offset)
        + struct.pack(">i", len(message.stored_body))
        + message.stored_body
        + struct.pack(">h" if is_long else ">B", len(message.raw_topic))
        + message.raw_topic
        + struct.pack(">h", len(message.raw_properties))
        + message.raw_properties
    )
    return struct.pack(">i", 4 + len(rest)) + rest
