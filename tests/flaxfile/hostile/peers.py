"""A peer that says what it wants, header by header."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import zmq

from flaxfile.protocol.header import Header, decode_header, seal, verify
from flaxfile.protocol.messages import Type, encode_payload

__all__ = ["Answer", "answer", "ask", "dealer", "hello"]

Answer = tuple[Header, dict[str, object]]


@contextmanager
def dealer(port: int) -> Iterator[zmq.Socket[bytes]]:
    with zmq.Context() as context, context.socket(zmq.DEALER) as made:
        made.linger = 0
        made.rcvtimeo = 5000
        made.connect(f"tcp://127.0.0.1:{port}")
        yield made


def ask(peer: zmq.Socket[bytes], kind: int, payload: dict[str, object], **fields: int) -> Answer:
    data = encode_payload(payload)
    peer.send_multipart([seal(Header(kind, request=1, **fields), data), data])
    return answer(peer)


def answer(peer: zmq.Socket[bytes]) -> Answer:
    header, *payloads = peer.recv_multipart()
    if header[2] in {Type.NAK, Type.ACK}:
        return decode_header(header), {}
    (payload,) = payloads
    return verify(header, payload), json.loads(payload) if payload else {}


def hello(peer: zmq.Socket[bytes]) -> dict[str, object]:
    head, payload = ask(peer, Type.HELLO, {"versions": [2]})
    assert Type.WELCOME == head.type
    return payload
