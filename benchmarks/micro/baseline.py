"""The fastest plain Python, orjson and struct that we found for each operation of the native core.

Every shortcut that keeps the result equal is taken: compiled Structs, texts prepared outside the loop, one
join in place of many additions, no checks at all (the native core makes them). Where two ways were near each
other both were timed and the quicker one stayed. Not for use: it trusts its input.
"""

from __future__ import annotations

import time
from functools import lru_cache
from itertools import count
from operator import mul
from struct import Struct
from typing import Final

from orjson import dumps, loads

_words = Struct(">iI").pack
_unpack_words = Struct(">iI").unpack_from
_record_head = Struct(">iiiii").pack
_short = Struct(">h").pack
_BINARY = 1 << 24


class PlainMessage:
    """A message to send. Tags and keys are properties at once, which makes encoding cheapest."""

    __slots__ = ("body", "flag", "properties", "topic")

    def __init__(self, topic: str, body: bytes, tags: str | None = None, keys: str | None = None) -> None:
        self.topic = topic
        self.body = body
        self.flag = 0
        self.properties: dict[str, str] | None = None
        if keys is not None:
            self.properties = {"KEYS": keys}
        if tags is not None:
            if self.properties is None:
                self.properties = {}
            self.properties["TAGS"] = tags


def encode_properties(properties: dict[str, str]) -> str:
    """The properties text."""
    text = ""
    for name, value in properties.items():
        text += f"{name}\x01{value}\x02"
    return text


def decode_properties(text: str) -> dict[str, str]:
    """The properties of a text that ends with its last separator and has no other ones in its values."""
    parts = iter(text.replace("\x02", "\x01").split("\x01"))
    return dict(zip(parts, parts, strict=False))  # the empty piece after the last separator has no partner


class SendFrames:
    """Send frames of one producer group to one broker, from texts prepared once."""

    def __init__(self, group: str, broker: str) -> None:
        self.prefix = f'{{"code":310,"extFields":{{"a":{dumps(group).decode()},"b":"'
        self.middle = '","c":"TBW102","d":"4","e":"'
        self.suffix = (
            f',"j":"0","k":"false","m":"false","n":{dumps(broker).decode()}}},'
            '"flag":0,"language":"PYTHON","opaque":'
        )
        self.binary_prefix = Struct(">hbhiiii").pack
        self.binary_a = self.entry("a", group)
        self.binary_cd = self.entry("c", "TBW102") + self.entry("d", "4")
        self.binary_end = (
            self.entry("j", "0")
            + self.entry("k", "false")
            + self.entry("m", "false")
            + self.entry("n", broker)
        )

    @staticmethod
    def entry(name: str, value: str) -> bytes:
        """One entry of a binary header."""
        content = value.encode()
        return b"\x00\x01" + name.encode() + len(content).to_bytes(4, "big") + content

    def json(self, message: PlainMessage, queue_id: int, opaque: int, born_ms: int) -> bytes:
        """A frame with a JSON header. Filling in a text beats orjson on a dict of the fields by a third."""
        body = message.body
        text = ""
        for name, value in message.properties.items():  # type: ignore[union-attr]
            text += f"{name}\x01{value}\x02"
        head = (
            f'{self.prefix}{message.topic}{self.middle}{queue_id}","f":"0","g":"{born_ms}","h":"{message.flag}","i":'
        ).encode()
        properties = dumps(text)
        tail = f'{self.suffix}{opaque},"version":513}}'.encode()
        size = len(head) + len(properties) + len(tail)
        return b"".join((_words(size + len(body) + 4, size), head, properties, tail, body))

    def json_by_dict(self, message: PlainMessage, queue_id: int, opaque: int, born_ms: int) -> bytes:
        """The same frame by orjson on a dict, the way a client would usually be written."""
        body = message.body
        header = dumps(
            {
                "code": 310,
                "extFields": {
                    "a": "orders-service",
                    "b": message.topic,
                    "c": "TBW102",
                    "d": "4",
                    "e": str(queue_id),
                    "f": "0",
                    "g": str(born_ms),
                    "h": str(message.flag),
                    "i": encode_properties(message.properties),  # type: ignore[arg-type]
                    "j": "0",
                    "k": "false",
                    "m": "false",
                    "n": "broker-a",
                },
                "flag": 0,
                "language": "PYTHON",
                "opaque": opaque,
                "version": 513,
            }
        )
        return _words(len(header) + len(body) + 4, len(header)) + header + body

    def binary(self, message: PlainMessage, queue_id: int, opaque: int, born_ms: int) -> bytes:
        """A frame with a binary header."""
        body = message.body
        text = ""
        for name, value in message.properties.items():  # type: ignore[union-attr]
            text += f"{name}\x01{value}\x02"
        properties = text.encode()
        topic = message.topic.encode()
        queue = b"%d" % queue_id
        born = b"%d" % born_ms
        flag = b"%d" % message.flag
        entries = b"".join(
            (
                self.binary_a,
                b"\x00\x01b",
                len(topic).to_bytes(4, "big"),
                topic,
                self.binary_cd,
                b"\x00\x01e",
                len(queue).to_bytes(4, "big"),
                queue,
                b"\x00\x01f\x00\x00\x00\x010\x00\x01g\x00\x00\x00\x0d",  # today's milliseconds have 13 digits
                born,
                b"\x00\x01h",
                len(flag).to_bytes(4, "big"),
                flag,
                b"\x00\x01i",
                len(properties).to_bytes(4, "big"),
                properties,
                self.binary_end,
            )
        )
        size = 21 + len(entries)
        return b"".join(
            (
                _words(size + len(body) + 4, size | _BINARY),
                self.binary_prefix(310, 3, 513, opaque, 0, 0, len(entries)),
                entries,
                body,
            )
        )


def encode_batch(messages: list[PlainMessage]) -> bytes:
    """A batch body."""
    parts: list[bytes] = []
    for message in messages:
        body = message.body
        size = len(body)
        if message.properties is None:
            parts += (_record_head(22 + size, 0, 0, message.flag, size), body, b"\x00\x00")
            continue
        text = ""
        for name, value in message.properties.items():
            text += f"{name}\x01{value}\x02"
        properties = text.encode()
        parts += (
            _record_head(22 + size + len(properties), 0, 0, message.flag, size),
            body,
            _short(len(properties)),
            properties,
        )
    return b"".join(parts)


def encode_bodies(bodies: list[bytes]) -> bytes:
    """A batch body of plain bytes."""
    parts: list[bytes] = []
    for body in bodies:
        size = len(body)
        parts += (_record_head(22 + size, 0, 0, 0, size), body, b"\x00\x00")
    return b"".join(parts)


class PlainSendResult:
    """What a send answer says."""

    __slots__ = (
        "code",
        "offset_msg_id",
        "opaque",
        "queue_id",
        "queue_offset",
        "region_id",
        "remark",
        "transaction_id",
    )

    def __init__(  # noqa: PLR0917  keywords would cost time
        self,
        code: int,
        opaque: int,
        offset_msg_id: str | None,
        queue_id: int,
        queue_offset: int,
        transaction_id: str | None,
        region_id: str | None,
        remark: str | None,
    ) -> None:
        self.code = code
        self.opaque = opaque
        self.offset_msg_id = offset_msg_id
        self.queue_id = queue_id
        self.queue_offset = queue_offset
        self.transaction_id = transaction_id
        self.region_id = region_id
        self.remark = remark


def decode_send_answer(frame: bytes) -> PlainSendResult:
    """The result in one JSON frame."""
    _, size = _unpack_words(frame)
    header = loads(frame[8 : 8 + size])
    get = header["extFields"].get
    return PlainSendResult(
        header["code"],
        header["opaque"],
        get("msgId"),
        int(get("queueId")),
        int(get("queueOffset")),
        get("transactionId"),
        get("MSG_REGION"),
        header.get("remark"),
    )


# ---- frames ----


class PlainCommand:
    """One request or answer."""

    __slots__ = ("body", "code", "ext_fields", "flag", "language", "opaque", "remark", "version")

    def __init__(  # noqa: PLR0917  keywords would cost time
        self,
        code: int,
        language: str,
        version: int,
        opaque: int,
        flag: int,
        remark: str | None,
        ext_fields: dict[str, str] | None,
        body: bytes | None,
    ) -> None:
        self.code = code
        self.language = language
        self.version = version
        self.opaque = opaque
        self.flag = flag
        self.remark = remark
        self.ext_fields = ext_fields
        self.body = body


def read_frames(data: bytes) -> list[PlainCommand]:
    """All commands of a buffer that ends with a whole frame, JSON headers only."""
    commands: list[PlainCommand] = []
    at = 0
    end = len(data)
    while at < end:
        size, header_size = _unpack_words(data, at)
        start = at + 8
        at += 4 + size
        header = loads(data[start : start + header_size])
        get = header.get
        commands.append(
            PlainCommand(
                header["code"],
                header["language"],
                header["version"],
                header["opaque"],
                header["flag"],
                get("remark"),
                get("extFields"),
                data[start + header_size : at] or None,
            )
        )
    return commands


def encode_command(command: PlainCommand) -> bytes:
    """The frame of a command with a JSON header; ext fields, no remark."""
    header = dumps(
        {
            "code": command.code,
            "extFields": command.ext_fields,
            "flag": command.flag,
            "language": command.language,
            "opaque": command.opaque,
            "version": command.version,
        }
    )
    body = command.body or b""
    return _words(4 + len(header) + len(body), len(header)) + header + body


# ---- stored messages ----

_record = Struct(">iiiiiqqiqIiqIiiqi")
RECORD_SIZE: Final = _record.size
pack_record = _record.pack
_unpack_record = _record.unpack_from


class PlainStored:
    """A stored message with everything decoded."""

    __slots__ = (
        "body",
        "body_crc",
        "born_host",
        "born_timestamp",
        "commit_log_offset",
        "flag",
        "msg_id",
        "prepared_transaction_offset",
        "properties",
        "queue_id",
        "queue_offset",
        "reconsume_times",
        "store_host",
        "store_size",
        "store_timestamp",
        "sys_flag",
        "topic",
    )

    def __init__(  # noqa: PLR0917  keywords would cost time
        self,
        store_size: int,
        body_crc: int,
        queue_id: int,
        flag: int,
        queue_offset: int,
        commit_log_offset: int,
        sys_flag: int,
        born_timestamp: int,
        born_host: tuple[str, int],
        store_timestamp: int,
        store_host: tuple[str, int],
        reconsume_times: int,
        prepared_transaction_offset: int,
        body: bytes,
        topic: str,
        properties: dict[str, str],
        msg_id: str,
    ) -> None:
        self.store_size = store_size
        self.body_crc = body_crc
        self.queue_id = queue_id
        self.flag = flag
        self.queue_offset = queue_offset
        self.commit_log_offset = commit_log_offset
        self.sys_flag = sys_flag
        self.born_timestamp = born_timestamp
        self.born_host = born_host
        self.store_timestamp = store_timestamp
        self.store_host = store_host
        self.reconsume_times = reconsume_times
        self.prepared_transaction_offset = prepared_transaction_offset
        self.body = body
        self.topic = topic
        self.properties = properties
        self.msg_id = msg_id


@lru_cache(256)
def _host(ip: int, port: int) -> tuple[str, int]:
    return f"{ip >> 24}.{ip >> 16 & 255}.{ip >> 8 & 255}.{ip & 255}", port


def decode_stored(data: bytes) -> list[PlainStored]:
    """All messages of a pull answer: plain bodies, IPv4 hosts, short topics, a client's id in each."""
    messages: list[PlainStored] = []
    at = 0
    end = len(data)
    while at < end:
        (
            store_size,
            _,
            body_crc,
            queue_id,
            flag,
            queue_offset,
            commit_log_offset,
            sys_flag,
            born_timestamp,
            born_ip,
            born_port,
            store_timestamp,
            store_ip,
            store_port,
            reconsume_times,
            prepared_transaction_offset,
            body_size,
        ) = _unpack_record(data, at)
        start = at + RECORD_SIZE
        at += store_size
        body = data[start : start + body_size]
        start += body_size + 1
        topic_end = start + data[start - 1]
        parts = iter(data[topic_end + 2 : at].decode().replace("\x02", "\x01").split("\x01"))
        properties = dict(zip(parts, parts, strict=False))
        messages.append(
            PlainStored(
                store_size,
                body_crc,
                queue_id,
                flag,
                queue_offset,
                commit_log_offset,
                sys_flag,
                born_timestamp,
                _host(born_ip, born_port),
                store_timestamp,
                _host(store_ip, store_port),
                reconsume_times,
                prepared_transaction_offset,
                body,
                data[start:topic_end].decode(),
                properties,
                properties["UNIQ_KEY"],
            )
        )
    return messages


# ---- hashes ----

_POWERS: Final = [pow(31, n, 1 << 32) for n in range(255, -1, -1)]


def java_hash_loop(text: str) -> int:
    """The obvious loop, for text of the basic plane."""
    h = 0
    for character in text:
        h = (31 * h + ord(character)) & 0xFFFFFFFF
    return h - 0x100000000 if h & 0x80000000 else h


def java_hash(text: str) -> int:
    """The quickest way found: the sum of units times powers of 31, inside C code; up to 256 UTF-16 units."""
    units = (
        text.encode() if text.isascii() else memoryview(text.encode("utf-16-le", "surrogatepass")).cast("H")
    )
    h = sum(map(mul, units, _POWERS[-len(units) :])) & 0xFFFFFFFF if text else 0
    return h - 0x100000000 if h & 0x80000000 else h


def go_hash(text: str) -> int:
    """FNV-1a of the UTF-8 bytes."""
    h = 2166136261
    for byte in text.encode():
        h = (h ^ byte) * 16777619 & 0xFFFFFFFF
    return h


# ---- ids ----


def encode_offset_message_id(address: str, port: int, offset: int) -> str:
    """The offset message id of an IPv4 broker."""
    a, b, c, d = address.split(".")
    return f"{int(a):02X}{int(b):02X}{int(c):02X}{int(d):02X}{port:08X}{offset:016X}"


class UniqueIds:
    """Unique message ids: a prefix of the process, then one number that only grows."""

    def __init__(self) -> None:
        self.prefix = "7F00000100010A0B0C0D"
        self.counter = count((time.time_ns() // 1_000_000 % 2_678_400_000) << 16)

    def next(self) -> str:
        """The next id: in Java's layout milliseconds and counter are one number, started from the clock."""
        return f"{self.prefix}{next(self.counter):012X}"
