"""Sends a hundred thousand messages through the core and back without a network, and reports what was proved.

Every message goes four ways: as a send frame in both header codecs, cut out of a stream again, inside a batch
body, and as a stored message of a pull answer. What comes back is compared with what went in by code that
knows nothing of the formats.
"""

from __future__ import annotations

import random
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zlib import crc32

from pyrocketmq import Message
from pyrocketmq._native.batch import decode_batch_body, encode_batch_body
from pyrocketmq._native.bytesio import WriteBuffer
from pyrocketmq._native.frame import FrameReader
from pyrocketmq._native.properties import decode_properties
from pyrocketmq._native.record import encode_message
from pyrocketmq._native.sending import SendEncoder
from pyrocketmq._native.stored import decode_messages

if TYPE_CHECKING:
    from collections.abc import Mapping

MESSAGES = 100_000
BURST = 1_000
BATCH = 100
PULL = 32
BODY_BYTES = 100
TOPIC = "orders"
HOST = (bytes([127, 0, 0, 1]), 10911)
TAGS = ("espresso", "ristretto", "cafe au lait", "caf\u00e9 cr\u00e8me \u2615")

Row = tuple[bytes, str, str, str]
"""What is compared of a message: body, tags, keys, and the property ``shop``."""


@dataclass
class Way:
    """What one way cost, and the checksum of what came back."""

    name: str
    count: int = 0
    wire_bytes: int = 0
    encode_s: float = 0.0
    decode_s: float = 0.0
    checksum: int = 0

    def arrived(self, rows: list[Row]) -> None:
        """Count what came back of one burst."""
        self.count += len(rows)
        self.checksum = checksum_of(rows, self.checksum)


def rows_of(first: int, count: int) -> list[Row]:
    """Messages that all differ, from their numbers alone."""
    return [
        (b"%0*d" % (BODY_BYTES, n), TAGS[n & 3], f"order-{n}", f"{n % 97}")
        for n in range(first, first + count)
    ]


def checksum_of(rows: list[Row], so_far: int) -> int:
    bodies, *texts = zip(*rows, strict=True)
    so_far = crc32(b"".join(bodies), so_far)
    for column in texts:
        so_far = crc32("\n".join(column).encode(), so_far)
    return so_far


def row_of(body: bytes | None, properties: Mapping[str, str]) -> Row:
    return (body or b"", properties["TAGS"], properties["KEYS"], properties["shop"])


def frames(way: Way, messages: list[Message], encoder: SendEncoder, reader: FrameReader) -> None:
    """Frames of sends, fed to the reader in two pieces that are cut at a random place."""
    buffer = WriteBuffer()
    begin = time.process_time()
    for opaque, message in enumerate(messages):
        encoder.put(buffer, message, opaque & 7, opaque)
    wire = buffer.take()
    way.encode_s += time.process_time() - begin
    way.wire_bytes += len(wire)

    cut = random.randrange(len(wire))  # noqa: S311 - any place will do
    begin = time.process_time()
    reader.feed(wire[:cut])
    commands = reader.read_all()
    reader.feed(wire[cut:])
    commands += reader.read_all()
    fields = [command.ext_fields or {} for command in commands]
    way.decode_s += time.process_time() - begin
    way.arrived([row_of(c.body, decode_properties(f["i"])) for c, f in zip(commands, fields, strict=True)])
    if [command.opaque for command in commands] != list(range(len(messages))):
        sys.exit("the frames came back in another order")


def batches(way: Way, messages: list[Message]) -> None:
    """Batch bodies of 100 messages."""
    rows: list[Row] = []
    for first in range(0, len(messages), BATCH):
        begin = time.process_time()
        body = encode_batch_body(messages[first : first + BATCH])
        middle = time.process_time()
        records = decode_batch_body(body)
        way.decode_s += time.process_time() - middle
        way.encode_s += middle - begin
        way.wire_bytes += len(body)
        rows += [row_of(record.body, record.properties) for record in records]
    way.arrived(rows)


def pulls(way: Way, rows: list[Row]) -> None:
    """Pull answers of 32 stored messages, of which all parts are looked at."""
    back: list[Row] = []
    for first in range(0, len(rows), PULL):
        chunk = rows[first : first + PULL]
        properties = [{"TAGS": tags, "KEYS": keys, "shop": shop} for _, tags, keys, shop in chunk]
        begin = time.process_time()
        records = [
            encode_message(TOPIC, row[0], properties=p, born_host=HOST, store_host=HOST)
            for row, p in zip(chunk, properties, strict=True)
        ]
        answer = b"".join(records)
        middle = time.process_time()
        back += [
            (m.body, m.tags or "", m.keys or "", m.get_property("shop", "")) for m in decode_messages(answer)
        ]
        way.decode_s += time.process_time() - middle
        way.encode_s += middle - begin
        way.wire_bytes += len(answer)
    way.arrived(back)


def report(ways: list[Way], target: int, seconds: float) -> int:
    print(f"{'way':<22}{'messages':>11}{'MB':>7}{'encode':>12}{'decode':>12}{'checksum':>11}")
    wrong: list[str] = []
    for way in ways:
        encode = f"{way.encode_s / MESSAGES * 1e9:,.0f} ns"
        decode = f"{way.decode_s / MESSAGES * 1e9:,.0f} ns"
        size = f"{way.wire_bytes / 1e6:,.0f}"
        print(f"{way.name:<22}{way.count:>11,}{size:>7}{encode:>12}{decode:>12}   {way.checksum:08x}")
        if way.count != MESSAGES or way.checksum != target:
            wrong.append(f"{way.name}: expected {MESSAGES:,} messages and checksum {target:08x}")
    if wrong:
        print("\nNOT proved.", *wrong, sep="\n")
        return 1
    print(
        f"\nProved: {MESSAGES:,} messages came back from each of {len(ways)} ways with the body, tags, keys"
        f"\nand property they went in with; the input has the checksum {target:08x} too."
        f"\nIt took {seconds:.1f} s. Times are CPU per message, calls from Python included;"
        " `make bench` compares\nthem with plain Python."
    )
    return 0


def main() -> int:
    ways = [
        Way("frames, JSON header"),
        Way("frames, binary header"),
        Way(f"batches of {BATCH}"),
        Way(f"pulls of {PULL}"),
    ]
    json, binary, batch, pull = ways
    target = 0
    json_encoder, binary_encoder = SendEncoder("demo"), SendEncoder("demo", codec="binary")
    json_reader, binary_reader = FrameReader(), FrameReader()
    begin = time.perf_counter()
    for first in range(0, MESSAGES, BURST):
        rows = rows_of(first, BURST)
        messages = [
            Message(TOPIC, body, tags, keys, properties={"shop": shop}) for body, tags, keys, shop in rows
        ]
        frames(json, messages, json_encoder, json_reader)
        frames(binary, messages, binary_encoder, binary_reader)
        batches(batch, messages)
        pulls(pull, rows)
        target = checksum_of(rows, target)
        if sys.stdout.isatty():
            print(
                f"\r{first + BURST:>9,} of {MESSAGES:,} messages, {len(ways)} ways each", end="", flush=True
            )
    if sys.stdout.isatty():
        print("\r\033[K", end="")
    return report(ways, target, time.perf_counter() - begin)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        sys.exit(130)
