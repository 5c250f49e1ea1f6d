"""The sockets of a client: what they report, and what they say when they cannot be used."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from flaxfile import libzmq
from flaxfile._core import sockets

PAIR = 0


@pytest.fixture
def context() -> Iterator[sockets.Context]:
    libzmq.bind()
    made = sockets.Context()
    yield made
    made.term()


def test_a_message_that_has_not_come_is_none(context: sockets.Context) -> None:
    socket = context.socket(PAIR)
    assert socket.receive() is None
    socket.close()


def test_a_monitor_reports_what_became_of_a_connection(context: sockets.Context) -> None:
    socket = context.socket(libzmq.DEALER)
    reports = socket.monitor(libzmq.CLOSED)
    socket.connect("tcp://127.0.0.1:1")
    report = None
    until = time.monotonic() + 10
    while time.monotonic() < until:
        report = reports.receive()
        if report is not None:
            break
        time.sleep(0.002)
    assert report is not None
    assert libzmq.parse_report(report)[0] == libzmq.CLOSED
    socket.close()
    reports.close()


def test_what_libzmq_refuses_says_what_was_tried(context: sockets.Context) -> None:
    socket = context.socket(libzmq.DEALER)
    with pytest.raises(OSError, match="connecting to nowhere: Invalid argument"):
        socket.connect("nowhere")
    with pytest.raises(OSError, match="setting the option 48: Invalid argument"):
        socket.set(libzmq.CURVE_PUBLICKEY, b"short")
    socket.close()


def test_a_closed_socket_and_an_ended_context_are_refused() -> None:
    libzmq.bind()
    context = sockets.Context()
    socket = context.socket(PAIR)
    socket.close()
    socket.close()
    with pytest.raises(ValueError, match="the socket is closed"):
        socket.receive()
    context.term()
    context.term()
    with pytest.raises(ValueError, match="the context has ended"):
        context.socket(PAIR)


def test_addresses_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="addresses are needed"):
        sockets.bind([1])
    with pytest.raises(ValueError, match="no address"):
        sockets.bind([0] * len(sockets.BINDINGS))
