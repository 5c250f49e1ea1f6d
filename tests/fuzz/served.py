"""What an embedded broker does natively with what its connections receive, as a decoder of any bytes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from pyrocketmq._native.batch import encode_batch_records
from pyrocketmq._native.command import RemotingCommand
from pyrocketmq._native.connection import Connection
from pyrocketmq._native.frame import encode_frame
from pyrocketmq._native.log import RecordLog
from pyrocketmq._native.serving import Serving
from pyrocketmq.errors import StoreError, StoreFullError

__all__ = ["SERVED_SPARE", "serve", "served_frames"]

LOG_BYTES = 64 * 1024
SERVED_SPARE = 1024 * 1024  # the log, the buffers of a connection, and what they begin with

ID = "7F00000100001111222233334444ABCD"


class Loop:
    """As much of an event loop as a connection asks for."""

    def __init__(self) -> None:
        self.soon: list[Callable[[], object]] = []

    def call_soon(self, callback: Callable[[], object]) -> None:
        self.soon.append(callback)

    def create_future(self) -> object:
        return object()


class Socket:
    """A transport that takes everything."""

    def __init__(self) -> None:
        self.taken = 0

    def write(self, data: bytes) -> None:
        self.taken += len(data)

    def get_extra_info(self, _: str) -> tuple[str, int]:
        return "127.0.0.1", 4711

    def set_write_buffer_limits(self, **_: int) -> None: ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def abort(self) -> None: ...

    def close(self) -> None: ...


def send_ext(**changes: str) -> dict[str, str]:
    properties = f"TAGS\x01a\x02KEYS\x01k1\x02WAIT\x01true\x02UNIQ_KEY\x01{ID}\x02"
    ext = {"a": "pg", "b": "T", "c": "TBW102", "d": "4", "e": "1", "f": "0", "g": "1700000000123", "h": "0"}
    return {**ext, "i": properties, "j": "0", "k": "false", "m": "false", **changes}


def served_frames() -> list[bytes]:
    """Sends, batches and pulls that are served, in both codecs, alone and several at once."""
    batch = encode_batch_records([(0, f"UNIQ_KEY\x01{number:032X}\x02", b"body") for number in range(3)])
    pull = {
        "consumerGroup": "cg", "topic": "T", "queueId": "1", "queueOffset": "0", "maxMsgNums": "32",
        "sysFlag": "5", "commitOffset": "1", "suspendTimeoutMillis": "0", "subscription": "*",
        "subVersion": "0", "expressionType": "TAG",
    }  # fmt: skip
    requests = [
        RemotingCommand(310, 0, 513, 1, 0, None, send_ext(), b"body"),
        RemotingCommand(310, 0, 513, 2, 2, None, send_ext(i=""), b"body"),
        RemotingCommand(310, 0, 513, 3, 0, None, send_ext(m="true"), batch),
        RemotingCommand(320, 0, 513, 4, 0, None, send_ext(m="true", i=""), batch),
        RemotingCommand(11, 0, 513, 5, 0, None, pull),
        RemotingCommand(11, 0, 513, 6, 0, None, {**pull, "subscription": "a || b"}),
    ]
    found: list[bytes] = []
    for codec in ("json", "binary"):
        made = [encode_frame(request, codec) for request in requests]
        found += [*made, b"".join(made)]
    return found


def serve(data: bytes) -> object:
    """Give the bytes to a connection of a broker with a little log, then commit what came of it."""
    loop, socket = Loop(), Socket()
    waiting: list[Callable[[StoreError | None], object]] = []
    log = RecordLog(("127.0.0.1", 10911), _full)
    log.visible = (1 << 63) - 1
    log.begin_segment(0, LOG_BYTES)
    for _ in range(2):
        log.append(log.queue("T", 1), b"stored", b"TAGS\x01a\x02", store_timestamp=1)
    serving = Serving(
        log,
        b"CLUSTER\x01c\x02",
        general_only=set(),
        when_committed=waiting.append,
        told=lambda *_: None,
        refusal=lambda error: RemotingCommand(14, 0, remark=error.what),
        chosen=lambda *_: (None, None),
        committed_offset=lambda *_: None,
        max_message_bytes=4096,
    )
    serving.serve_topic("T", 4, 4)
    connection = Connection(lambda *_: None, holds_reading=True, taker=serving)
    fake: Any = loop
    transport: Any = socket
    # A line for each bad frame would be kept by the test runner.
    logger = logging.getLogger("pyrocketmq.connection")
    logger.disabled = True
    asyncio._set_running_loop(fake)
    try:
        connection.connection_made(transport)
        _receive(connection, data)
        serving.end_turn()
        for number, callback in enumerate(waiting):
            callback(StoreFullError("the disk is full") if len(data) % 8 == number else None)
        for flush in loop.soon:
            flush()
        connection.connection_lost(None)
    finally:
        logger.disabled = False
        asyncio._set_running_loop(None)
    return serving.sends, serving.batches, serving.pulls, socket.taken


def _receive(connection: Connection, data: bytes) -> None:
    while data and connection.is_open:
        space = connection.get_buffer(-1)
        count = min(len(space), len(data))
        space[:count] = data[:count]
        del space
        connection.buffer_updated(count)
        data = data[count:]


def _full(need: int) -> None:
    raise StoreFullError(f"{need} bytes are too many for the log of a test")
