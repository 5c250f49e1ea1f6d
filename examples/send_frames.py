"""Write the frames of a thousand sends, and read them out of a stream that arrives in pieces."""

from __future__ import annotations

from pyrocketmq import Message
from pyrocketmq._native.bytesio import WriteBuffer
from pyrocketmq._native.frame import FrameReader
from pyrocketmq._native.properties import decode_properties
from pyrocketmq._native.sending import SendEncoder
from pyrocketmq.model import RemotingCommand, RequestCode

PIECE_BYTES = 1460


def main() -> None:
    encoder = SendEncoder("shop", broker_name="broker-a")
    buffer = WriteBuffer()
    for number in range(1000):
        message = Message("orders", f"cup {number}", tags="drinks", keys=f"order-{number}")
        encoder.put(buffer, message, queue_id=number % 4, opaque=number)
    stream = buffer.take()
    print(f"{len(stream):,} bytes for 1,000 sends")

    reader = FrameReader()
    received: list[RemotingCommand] = []
    for start in range(0, len(stream), PIECE_BYTES):
        reader.feed(stream[start : start + PIECE_BYTES])
        received += reader.read_all()

    last = received[-1]
    fields = last.ext_fields or {}
    print(f"{len(received):,} frames, the last one is {RequestCode(last.code).name} number {last.opaque}")
    print(f"to {fields['b']}, keys {decode_properties(fields['i'])['KEYS']}, body {last.body!r}")


if __name__ == "__main__":
    main()
