"""The engine against a model: whatever is lost, doubled, reordered or damaged, it holds what the model
holds.
"""

from __future__ import annotations

import os
import socket
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import zmq
from hypothesis import given, settings
from hypothesis import strategies as st

from flaxfile import libzmq
from flaxfile._core import engine as core
from flaxfile._core import transfers
from flaxfile._core.hashing import xxh3_64
from flaxfile.protocol.chunkmap import chunk_count, encode_description, parse_journal
from flaxfile.protocol.header import Header, decode_header, encode_header
from flaxfile.protocol.messages import FLAG_HOLE, Type

CHUNK = 100
NUMBER = 7


class Bench:
    """An engine with one socket, and the other end of it."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]]) -> None:
        libzmq.bind()
        self.near, self.far = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
        self.near.bind("inproc://engine")
        self.far.connect("inproc://engine")
        self.far.rcvtimeo = 0
        self.wake, self.woken = socket.socketpair()
        self.wake.settimeout(0)
        router = False
        self.engine = core.Engine(
            [self.near.underlying], router, self.wake.fileno(), self.woken.fileno(), 1 << 20
        )

    def close(self) -> None:
        self.engine.close()
        for item in (self.near, self.far):
            item.close(0)
        self.wake.close()
        self.woken.close()

    def send(self, kind: int, payload: bytes | None = None, **fields: int) -> None:
        header = Header(kind, transfer=NUMBER, **fields)
        check = xxh3_64(encode_header(header)) & 0xFFFFFFFF
        frames = [encode_header(header._replace(request=check))]
        self.far.send_multipart(frames if payload is None else [*frames, payload])

    def data(self, content: bytes, index: int, action: str) -> str:
        """Send a chunk in some way; which one it came to be."""
        offset = index * CHUNK
        piece = content[offset : offset + CHUNK]
        right = xxh3_64(piece)
        if action == "outside" or not piece:
            self.send(Type.DATA, b"x" * CHUNK, offset=offset + 1, length=CHUNK, hash=xxh3_64(b"x" * CHUNK))
            return "outside"
        if action == "good":
            self.send(Type.DATA, piece, offset=offset, length=len(piece), hash=right)
        elif action == "hole":
            zeros = xxh3_64(bytes(len(piece)))
            self.send(Type.DATA, offset=offset, length=len(piece), flags=FLAG_HOLE, hash=zeros)
        elif action == "header":
            header = Header(Type.DATA, transfer=NUMBER, offset=offset, length=len(piece), hash=right)
            self.far.send_multipart([encode_header(header._replace(request=12345)), piece])
        elif action == "short":
            self.send(Type.DATA, piece[:-1], offset=offset, length=len(piece), hash=right)
        else:
            damaged = bytes([piece[0] ^ 1]) + piece[1:]
            self.send(Type.DATA, damaged, offset=offset, length=len(piece), hash=right)
        return action

    def received(self) -> Iterator[tuple[Header, bytes]]:
        while True:
            try:
                header, *payload = self.far.recv_multipart()
            except zmq.Again:
                return
            yield decode_header(header), payload[0] if payload else b""

    def run(self) -> list[tuple[int, int]]:
        """Let the engine work until it waits; transfers that ended, with their causes."""
        ended: list[tuple[int, int]] = []
        quiet = 0
        # The first quiet step may have received, those after it send what was to be answered, eight chunks
        # in each; tests have twelve.
        while quiet < 4:
            step = self.engine.step(0)
            quiet = quiet + 1 if step[0] == core.STEP_TIMEOUT else 0
            if step[0] == core.STEP_TRANSFER:
                ended.append((step[1], step[2]))
        return ended


@contextmanager
def bench() -> Iterator[Bench]:
    with zmq.Context() as context:
        made = Bench(context)
        try:
            yield made
        finally:
            made.close()


SIZES = st.integers(0, 12 * CHUNK)
ACTIONS = st.sampled_from(["good", "good", "good", "damaged", "short", "hole", "header", "outside"])


@settings(max_examples=60)
@given(size=SIZES, steps=st.lists(st.tuples(st.integers(0, 12), ACTIONS), max_size=60))
def test_a_receiver_holds_what_arrived_unharmed(size: int, steps: list[tuple[int, str]]) -> None:
    content = os.urandom(size)
    chunks = chunk_count(size, CHUNK)
    held: dict[int, str] = {}
    acknowledged: set[int] = set()
    refused = 0
    with tempfile.TemporaryFile() as file, tempfile.TemporaryFile() as journal, bench() as made:
        journal.write(encode_description({}))
        journal.flush()
        os.truncate(file.fileno(), size)
        made.engine.add(
            NUMBER,
            transfers.ROLE_RECV_ACK,
            size,
            CHUNK,
            10 * CHUNK,
            fd=file.fileno(),
            map_fd=journal.fileno(),
        )
        made.engine.add_route(NUMBER, 0, b"")
        made.engine.start(NUMBER)
        ended = made.run()
        for index, action in steps:
            kind = made.data(content, index, action)
            if index not in held and kind in {"good", "hole"}:
                held[index] = kind
            refused += kind == "short" or (kind == "damaged" and index not in held)
            ended += made.run()
        for header, payload in made.received():
            if header.type == Type.ACK:
                offsets = struct.unpack(f"<{len(payload) // 8}Q", payload)
                acknowledged |= {offset // CHUNK for offset in offsets}
            else:
                assert Type.NAK == header.type
                refused -= 1
        ranges = made.engine.missing(NUMBER)
        missing = {index for first, count in ranges for index in range(first, first + count)}
        made.engine.remove(NUMBER)
        journal.seek(0)
        parsed = parse_journal(journal.read())
        file.seek(0)
        stored = file.read()

    assert set(held) == acknowledged
    assert 0 == refused
    assert set(range(chunks)) - set(held) == missing
    assert ([(NUMBER, 0)] if set(held) == set(range(chunks)) else []) == ended
    assert parsed is not None
    assert set(held) == set(parsed[1])
    for index in range(chunks):
        piece = content[index * CHUNK : (index + 1) * CHUNK]
        expected = piece if held.get(index) == "good" else bytes(len(piece))
        assert expected == stored[index * CHUNK : (index + 1) * CHUNK]


@settings(max_examples=60)
@given(
    size=SIZES,
    window=st.integers(CHUNK, 5 * CHUNK),
    answers=st.lists(st.sampled_from(["ack", "ack", "ack", "nak", "keep", "twice"]), max_size=80),
)
def test_a_sender_stays_within_its_window_and_ends_when_all_is_acknowledged(
    size: int, window: int, answers: list[str]
) -> None:
    content = os.urandom(size)
    waiting: list[int] = []
    acknowledged: set[int] = set()
    tries = dict.fromkeys(range(chunk_count(size, CHUNK)), 0)
    with bench() as made:
        made.engine.add(NUMBER, transfers.ROLE_SEND_DRIVE, size, CHUNK, window, memory=content)
        made.engine.add_route(NUMBER, 0, b"")
        made.engine.start(NUMBER)
        ended = made.run()
        for answer in [*answers, *["ack"] * 40]:
            for header, payload in made.received():
                index = header.offset // CHUNK
                assert content[header.offset : header.offset + CHUNK] == payload
                assert xxh3_64(payload) == header.hash
                waiting.append(index)
            assert sum(len(content[index * CHUNK :][:CHUNK]) for index in set(waiting)) <= max(window, CHUNK)
            if not waiting or answer == "keep":
                continue
            index = waiting.pop(0)
            if answer == "nak":
                tries[index] += 1
                made.send(Type.NAK, offset=index * CHUNK, code=1)
            else:
                acknowledged.add(index)
                payload = (index * CHUNK).to_bytes(8, "little") * (2 if answer == "twice" else 1)
                made.send(Type.ACK, payload, length=window, hash=xxh3_64(payload))
            ended += made.run()
            if ended:
                break

    if max(tries.values(), default=0) > 3:
        assert [(NUMBER, -1)] == ended
    elif acknowledged == set(tries):
        assert [(NUMBER, 0)] == ended
    else:
        assert [] == ended


def test_a_sender_sends_what_was_granted_until_an_acknowledgement_says_more() -> None:
    content = os.urandom(8 * CHUNK)
    with bench() as made:
        made.engine.add(
            NUMBER,
            transfers.ROLE_SEND_DRIVE,
            len(content),
            CHUNK,
            6 * CHUNK,
            memory=content,
            granted=2 * CHUNK,
        )
        made.engine.add_route(NUMBER, 0, b"")
        made.engine.start(NUMBER)
        made.run()
        first = [header.offset // CHUNK for header, _ in made.received()]
        acknowledged = struct.pack("<2Q", 0, CHUNK)
        made.send(Type.ACK, acknowledged, length=64 * CHUNK, hash=xxh3_64(acknowledged))
        made.run()
        second = [header.offset // CHUNK for header, _ in made.received()]

    assert [0, 1] == first
    assert [2, 3, 4, 5, 6, 7] == second


def test_a_receiver_asks_again_for_what_was_damaged_and_gives_up_in_the_end() -> None:
    content = os.urandom(3 * CHUNK)
    target = bytearray(len(content))
    asked: list[int] = []
    with bench() as made:
        made.engine.add(NUMBER, transfers.ROLE_RECV_DRIVE, len(content), CHUNK, 4 * CHUNK, memory=target)
        made.engine.add_route(NUMBER, 0, b"")
        made.engine.start(NUMBER)
        ended = made.run()
        for _ in range(20):
            for header, _ in made.received():
                assert Type.CREDIT == header.type
                first = header.offset // CHUNK
                for index in range(first, first + header.length):
                    asked.append(index)
                    piece = content[index * CHUNK :][:CHUNK]
                    sent = piece if index != 1 else bytes(CHUNK)
                    made.send(Type.DATA, sent, offset=index * CHUNK, length=CHUNK, hash=xxh3_64(piece))
            ended += made.run()

    assert [(NUMBER, -1)] == ended
    assert 4 == asked.count(1)
    assert content[:CHUNK] == target[:CHUNK]
    assert bytes(CHUNK) == target[CHUNK : 2 * CHUNK]


@settings(max_examples=60)
@given(size=SIZES, held=st.sets(st.integers(0, 11)), window=st.integers(CHUNK, 12 * CHUNK))
def test_a_receiver_asks_for_what_it_does_not_have(size: int, held: set[int], window: int) -> None:
    target, asked = bytearray(size), list[int]()
    wanted = set(range(chunk_count(size, CHUNK))) - held
    with bench() as made:
        made.engine.add(NUMBER, transfers.ROLE_RECV_DRIVE, size, CHUNK, window, memory=target)
        for index in held - set(range(chunk_count(size, CHUNK), 12)):
            made.engine.preset(NUMBER, index, bytes(8))
        made.engine.add_route(NUMBER, 0, b"")
        made.engine.start(NUMBER)
        ended = made.run()
        while not ended:
            more = list[int]()
            for header, payload in made.received():
                if header.type == Type.FETCH:
                    assert header.length * 8 == len(payload)
                    assert xxh3_64(payload) == header.hash
                    more += [offset // CHUNK for (offset,) in struct.iter_unpack("<Q", payload)]
                else:
                    assert Type.CREDIT == header.type
                    more += range(header.offset // CHUNK, header.offset // CHUNK + header.length)
            assert more, "nothing is asked for any more, but chunks are missing"
            for index in more:
                made.data(b"\1" * size, index, "good")
            asked += more
            ended = made.run()

    assert sorted(wanted) == sorted(asked)
    assert [(NUMBER, 0)] == ended


@settings(max_examples=60)
@given(size=SIZES, wanted=st.lists(st.integers(0, 11), unique=True))
def test_a_sender_sends_the_chunks_that_are_fetched(size: int, wanted: list[int]) -> None:
    content = os.urandom(size)
    payload = struct.pack(f"<{len(wanted)}Q", *(index * CHUNK for index in wanted))
    with bench() as made:
        made.engine.add(NUMBER, transfers.ROLE_SEND_ASKED, size, CHUNK, 100 * CHUNK, memory=content)
        made.engine.add_route(NUMBER, 0, b"")
        made.engine.start(NUMBER)
        made.send(Type.FETCH, payload, length=len(wanted), hash=xxh3_64(payload))
        made.send(Type.FETCH, payload, length=len(wanted), hash=xxh3_64(payload) ^ 1)
        made.run()
        got = [(header.offset // CHUNK, piece) for header, piece in made.received()]

    there = [index for index in wanted if index * CHUNK < size]
    assert [(index, content[index * CHUNK : (index + 1) * CHUNK]) for index in there] == got


def test_a_damaged_header_is_told() -> None:
    with bench() as made:
        made.engine.add(NUMBER, transfers.ROLE_RECV_ACK, CHUNK, CHUNK, CHUNK, memory=bytearray(CHUNK))
        made.engine.add_route(NUMBER, 0, b"")
        made.engine.start(NUMBER)
        made.data(bytes(CHUNK), 0, "header")
        step = made.engine.step(1000)

    assert core.STEP_MESSAGE == step[0]
    assert 3 == step[4]


def test_buffers_that_are_given_stay_where_they_are() -> None:
    target = bytearray(1000)
    with bench() as made:
        made.engine.add(NUMBER, transfers.ROLE_RECV_DRIVE, 1000, CHUNK, CHUNK, memory=target)
        with pytest.raises(BufferError):
            target.extend(b"more")
        made.engine.remove(NUMBER)
        target.extend(b"more")
        with pytest.raises((BufferError, TypeError, ValueError)):
            made.engine.add(NUMBER, transfers.ROLE_RECV_DRIVE, 10, CHUNK, CHUNK, memory=b"read only!")
        with pytest.raises(ValueError, match="are not in a buffer"):
            made.engine.add(NUMBER, transfers.ROLE_SEND_DRIVE, 1000, CHUNK, CHUNK, memory=bytes(10))
        with pytest.raises(ValueError, match="out of range"):
            made.engine.add(NUMBER, transfers.ROLE_SEND_DRIVE, 1000, 0, CHUNK, memory=bytes(1000))


def test_a_closed_engine_says_so() -> None:
    with bench() as made:
        made.engine.close()
        with pytest.raises(ValueError, match="closed"):
            made.engine.step(0)
        with pytest.raises(ValueError, match="no socket"):
            made.engine.send(0, b"", bytes(40), None)
