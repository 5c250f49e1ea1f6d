"""One lane: blocking requests on a socket of the caller, with the GIL given back; no answer gets mixed up."""

from __future__ import annotations

import signal
import socket
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from pyrocketmq._native.batch import decode_batch_body
from pyrocketmq._native.command import RemotingCommand
from pyrocketmq._native.frame import encode_frame
from pyrocketmq._native.lane import Lane
from pyrocketmq._native.message import Message
from pyrocketmq._native.parcel import pack
from pyrocketmq._native.sending import SendEncoder
from pyrocketmq.errors import (
    ConfigurationError,
    ConnectionClosedError,
    DeserializationError,
    ProtocolError,
    RpcTimeoutError,
    SerializationError,
    TransportStateError,
)
from pyrocketmq.transport import TransportConfig
from pyrocketmq.transport.dial import dial_blocking
from tests.engine.conftest import started
from tests.engine.server import Answer, Client, Server, echo, serving
from tests.memory import kept_by

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no lanes")


@contextmanager
def lane_to(answer: Answer = echo, **options: object) -> Iterator[tuple[Lane, Server]]:
    """A lane to a server that answers in some way."""
    with serving(answer) as server:
        sock = dial_blocking(TransportConfig.from_address(server.address))
        lane = Lane(sock, address=server.address, **options)  # type: ignore[arg-type]
        try:
            yield lane, server
        finally:
            lane.close()


def frame(opaque: int, code: int = 0, flag: int = 1, body: bytes | None = None) -> bytes:
    return encode_frame(RemotingCommand(code, 0, 513, opaque, flag, None, None, body))


def silent(_: Client, __: RemotingCommand) -> None:
    """Answer nothing."""


def test_request_gets_its_answer() -> None:
    with lane_to() as (lane, server):
        for number in range(3):
            body = f"body {number}".encode()
            answer = lane.request(RemotingCommand(7, body=body), 10)
            assert (0, body) == (answer.code, answer.body)
        assert 3 == lane.requests == len(server.requests)
        assert lane.is_open
        assert "idle, 3 requests" in repr(lane)


@pytest.mark.parametrize("codec", ["json", "binary"])
def test_header_is_written_in_the_codec_of_the_lane(codec: str) -> None:
    with lane_to(codec=codec) as (lane, server):
        lane.request(RemotingCommand(7, ext_fields={"a": "b"}), 10)

        assert {"a": "b"} == server.requests[0].ext_fields


def test_code_that_the_binary_header_cannot_hold_is_written_as_json() -> None:
    with lane_to(codec="binary") as (lane, _):
        assert lane.request(RemotingCommand(200050, body=b"pop"), 5).code == 0


def test_lane_that_spins_gets_the_same_answers() -> None:
    with lane_to(spin=0.002) as (lane, _):
        for number in range(50):
            body = str(number).encode()
            assert body == lane.request(RemotingCommand(7, body=body), 10).body


def test_long_bodies_go_both_ways() -> None:
    body = bytes(range(256)) * 20_000
    with lane_to() as (lane, _):
        for _ in range(3):
            assert body == lane.request(RemotingCommand(7, body=body), 10).body


def test_answer_in_single_bytes_is_put_together() -> None:
    def slowly(client: Client, request: RemotingCommand) -> None:
        client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in frame(request.opaque, body=b"pieces"):
            client.write(bytes([byte]))

    with lane_to(slowly) as (lane, _):
        assert b"pieces" == lane.request(RemotingCommand(7), 10).body


def test_foreign_answers_are_dropped_and_counted() -> None:
    def noisy(client: Client, request: RemotingCommand) -> None:
        others = b"".join(frame(request.opaque + number, body=b"not yours") for number in (-1, 1, 7))
        client.write(others + frame(request.opaque, body=b"yours") + frame(request.opaque - 5))

    with lane_to(noisy) as (lane, _):
        for _ in range(20):
            assert b"yours" == lane.request(RemotingCommand(7), 10).body
        # What came behind an answer is counted when the next one is looked for.
        assert 20 * 4 - 1 == lane.foreign_answers


def test_request_of_the_server_is_answered_with_code_3_and_does_not_disturb() -> None:
    refused: list[RemotingCommand] = []
    got = threading.Event()

    def asks(client: Client, request: RemotingCommand) -> None:
        if request.is_response:
            refused.append(request)
            got.set()
            return
        client.write(frame(900, code=40, flag=0) + frame(901, code=40, flag=2))
        client.answer(request, body=b"answer")

    with lane_to(asks) as (lane, _):
        assert b"answer" == lane.request(RemotingCommand(7), 10).body
        assert got.wait(10)
        assert [(3, 900)] == [(answer.code, answer.opaque) for answer in refused]
        assert 2 == lane.requests_in


def test_request_of_the_server_behind_an_answer_is_answered_with_the_next_call() -> None:
    def asks(client: Client, request: RemotingCommand) -> None:
        if not request.is_response:
            client.write(frame(request.opaque) + frame(900, code=40, flag=0))

    with lane_to(asks) as (lane, server):
        lane.request(RemotingCommand(7), 10)
        lane.request(RemotingCommand(8), 10)

        assert [7, 8] == [request.code for request in server.requests if not request.is_response][:2]
        assert lane.requests_in >= 1


# ---- ends ----


def test_answer_that_does_not_come_in_time_closes_the_lane() -> None:
    with lane_to(silent) as (lane, server):
        with pytest.raises(RpcTimeoutError, match=r"no answer from .* within 0\.02 s") as caught:
            lane.request(RemotingCommand(7), 0.02)

        assert caught.value.maybe_sent
        assert not lane.is_open
        assert server.clients[0].has_ended.wait(10)
        with pytest.raises(ConnectionClosedError, match="this side closed it") as closed:
            lane.request(RemotingCommand(7), 1)
        assert not closed.value.maybe_sent


def test_server_that_takes_nothing_ends_with_a_time_out() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        lane = Lane(ours, address="nobody")
        with pytest.raises(RpcTimeoutError, match="did not take the request"):
            lane.request(RemotingCommand(7, body=bytes(16_000_000)), 0.03)
        assert not lane.is_open


def test_peer_that_closes_during_a_request_is_an_error_that_may_have_been_sent() -> None:
    with lane_to(lambda client, _: client.close()) as (lane, _):
        with pytest.raises(ConnectionClosedError, match="the peer closed it|is lost") as caught:
            lane.request(RemotingCommand(7), 10)
        assert caught.value.maybe_sent
        assert not lane.is_open


def test_peer_that_closes_inside_a_frame_is_said_to() -> None:
    def cuts(client: Client, request: RemotingCommand) -> None:
        client.write(frame(request.opaque, body=b"x" * 100)[:50])
        client.close()

    with (
        lane_to(cuts) as (lane, _),
        pytest.raises(ConnectionClosedError, match=r"in the middle of a frame, 50 bytes|is lost"),
    ):
        lane.request(RemotingCommand(7), 10)


def test_lane_that_the_server_closed_while_it_rested_sends_nothing() -> None:
    with lane_to() as (lane, server):
        lane.request(RemotingCommand(7), 10)
        server.clients[0].close()
        assert server.clients[0].has_ended.wait(10)
        threading.Event().wait(0.1)  # until it is not taken to be alive any more

        assert not lane.is_usable
        with pytest.raises(ConnectionClosedError) as caught:
            lane.request(RemotingCommand(8), 10)
        assert not caught.value.maybe_sent


def test_broken_framing_closes_the_lane() -> None:
    with lane_to(lambda client, _: client.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as (lane, _):
        with pytest.raises(ProtocolError) as caught:
            lane.request(RemotingCommand(7), 10)
        assert caught.value.maybe_sent
        assert not lane.is_open


def test_answer_that_cannot_be_read_closes_the_lane() -> None:
    bad = (12).to_bytes(4, "big") + (8).to_bytes(4, "big") + b"no json!"
    with lane_to(lambda client, _: client.write(bad)) as (lane, _):
        with pytest.raises(DeserializationError) as caught:
            lane.request(RemotingCommand(7), 10)
        assert caught.value.maybe_sent
        assert not lane.is_open


def test_closing_from_another_thread_ends_a_request() -> None:
    asked = threading.Event()
    with lane_to(lambda *_: asked.set()) as (lane, server), ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lane.request, RemotingCommand(7), 10.0)
        assert asked.wait(10)
        assert "busy" in repr(lane)

        lane.close()

        error = waiting.exception(10)
        assert isinstance(error, ConnectionClosedError)
        assert "this side closed it" in str(error)
        assert server.clients[0].has_ended.wait(10)


def test_second_thread_on_the_same_lane_is_refused() -> None:
    asked, go_on = threading.Event(), threading.Event()

    def waits(client: Client, request: RemotingCommand) -> None:
        asked.set()
        assert go_on.wait(10)
        client.answer(request)

    with lane_to(waits) as (lane, _), ThreadPoolExecutor(1) as pool:
        first = pool.submit(lane.request, RemotingCommand(7), 10.0)
        assert asked.wait(10)
        with pytest.raises(TransportStateError, match="one request at a time"):
            lane.request(RemotingCommand(8), 1)
        assert 0.0 == lane.idle_for
        assert not lane.close_if_idle(0)
        go_on.set()
        assert 0 == first.result(10).code
        assert lane.is_open


def test_idle_lane_is_closed_after_its_time_only() -> None:
    with lane_to() as (lane, server):
        lane.request(RemotingCommand(7), 10)
        assert not lane.close_if_idle(60)
        threading.Event().wait(0.02)
        assert lane.close_if_idle(0.001)
        assert server.clients[0].has_ended.wait(10)
        lane.close()  # does nothing


@pytest.mark.parametrize(
    ("command", "error", "text"),
    [
        (RemotingCommand(7, 0, 0, 1, 1), SerializationError, "this is an answer"),
        (RemotingCommand(7, 0, 0, 1, 2), SerializationError, "nobody waits"),
        (RemotingCommand(7, body=bytes(3000)), SerializationError, "max_frame_bytes is 2,000"),
    ],
)
def test_request_that_cannot_be_sent_is_refused_and_the_lane_stays(
    command: RemotingCommand, error: type[Exception], text: str
) -> None:
    with lane_to(max_frame_bytes=2000) as (lane, server):
        with pytest.raises(error, match=text):
            lane.request(command, 10)
        assert 0 == lane.request(RemotingCommand(9), 10).code
        assert [9] == [request.code for request in server.requests]


def test_wrong_time_outs_are_refused() -> None:
    with lane_to() as (lane, _):
        for timeout in (0, -1, float("nan"), 1e9):
            with pytest.raises(ConfigurationError, match="timeout is"):
                lane.request(RemotingCommand(7), timeout)
        assert lane.is_open


# ---- threads and signals ----


def test_other_threads_run_while_a_request_waits() -> None:
    ticks = 0
    asked, enough = threading.Event(), threading.Event()

    def tick() -> None:
        nonlocal ticks
        assert asked.wait(10)
        while ticks < 1000:
            ticks += 1
        enough.set()

    def waits(client: Client, request: RemotingCommand) -> None:
        asked.set()
        assert enough.wait(10)
        client.answer(request)

    # The server is a thread as well: with the GIL held it could not answer, and the other one could not tick.
    with lane_to(waits, spin=0.0005) as (lane, server):
        server.start(tick)
        assert 0 == lane.request(RemotingCommand(7), 10).code
    assert 1000 == ticks


def test_ctrl_c_ends_a_request_that_waits() -> None:
    program = """
        import signal, sys
        from pyrocketmq._native.command import RemotingCommand
        from pyrocketmq._native.lane import Lane
        from pyrocketmq.transport import TransportConfig
        from pyrocketmq.transport.dial import dial_blocking

        # A shell that starts this in the background may have it ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        lane = Lane(dial_blocking(TransportConfig.from_address(sys.argv[1])), address=sys.argv[1])
        try:
            lane.request(RemotingCommand(7), 60)
        except KeyboardInterrupt:
            print("interrupted", lane.is_open)
    """
    asked = threading.Event()
    with serving(lambda *_: asked.set()) as server, started(program, server.address) as process:
        assert asked.wait(20)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)

    assert ("interrupted False\n", "") == (out, err)


def test_signal_that_does_not_raise_lets_the_request_go_on() -> None:
    program = """
        import signal, sys
        from pyrocketmq._native.command import RemotingCommand
        from pyrocketmq._native.lane import Lane
        from pyrocketmq.transport import TransportConfig
        from pyrocketmq.transport.dial import dial_blocking

        signal.signal(signal.SIGUSR1, lambda *_: print("signal", flush=True))
        lane = Lane(dial_blocking(TransportConfig.from_address(sys.argv[1])), address=sys.argv[1])
        print(lane.request(RemotingCommand(7), 60).code)
    """
    asked, go_on = threading.Event(), threading.Event()

    def waits(client: Client, request: RemotingCommand) -> None:
        asked.set()
        assert go_on.wait(20)
        client.answer(request)

    with serving(waits) as server, started(program, server.address) as process:
        assert process.stdout is not None
        assert asked.wait(20)
        process.send_signal(signal.SIGUSR1)
        assert "signal\n" == process.stdout.readline()
        go_on.set()
        out, err = process.communicate(timeout=20)

    assert ("0\n", "") == (out, err)


# ---- sends ----

SENT = {"msgId": "0A0000010000002A0000000000000001", "queueId": "3", "queueOffset": "7"}


def stores(client: Client, request: RemotingCommand) -> None:
    """Answer as a broker that has stored a message."""
    client.write(encode_frame(RemotingCommand(0, 0, 513, request.opaque, 1, None, SENT, None)))


def test_message_is_sent_from_its_fields_and_the_result_has_its_id() -> None:
    encoder = SendEncoder("group", "broker-a")
    message = Message("orders", b"body", tags="red")
    with lane_to(stores) as (lane, server):
        result = lane.send_message(encoder, message, 3, 10)

        assert (0, 3, 7) == (result.code, result.queue_id, result.queue_offset)
        assert result.msg_id == message.get_property("UNIQ_KEY")
        fields = server.requests[0].ext_fields or {}
        assert (310, "orders", "3", b"body") == (
            server.requests[0].code,
            fields["b"],
            fields["e"],
            server.requests[0].body,
        )


def test_message_with_an_id_of_its_own_keeps_it() -> None:
    message = Message("orders", b"body")
    message.set_property("UNIQ_KEY", "mine")
    with lane_to(stores) as (lane, _):
        assert "mine" == lane.send_message(SendEncoder("group"), message, 0, 10).msg_id


def stores_in_silence(client: Client, request: RemotingCommand) -> None:
    if not request.is_oneway:
        stores(client, request)


def test_a_batch_is_sent_where_it_lies_and_its_messages_have_results() -> None:
    messages = [Message("orders", b"1"), Message("orders", b"2")]
    [parcel] = pack(messages, "orders", 1000)
    with lane_to(stores) as (lane, server):
        result = lane.send_parcel(SendEncoder("group"), parcel, 3, 10)
        assert result is not None
        parcel.settle(result)
        ids = [message.get_property("UNIQ_KEY") for message in messages]
        assert ids == [getattr(parcel.result(index), "msg_id", None) for index in range(2)]
        [request] = server.requests
        assert (320, "3") == (request.code, (request.ext_fields or {})["e"])
        assert [b"1", b"2"] == [record.body for record in decode_batch_body(request.body or b"")]


def test_a_batch_that_the_lane_cannot_send_is_left_to_others() -> None:
    [parcel] = pack([Message("orders", b"1")], "t" * 2000, 1000)  # no room for such a header
    with lane_to(stores) as (lane, server):
        assert lane.send_parcel(SendEncoder("group"), parcel, 0, 10) is None
        assert lane.is_open
        assert [] == server.requests


def test_a_batch_without_an_answer_can_be_sent_again() -> None:
    [parcel] = pack([Message("orders", b"1")], "orders", 1000)
    with lane_to(silent) as (lane, _), pytest.raises(RpcTimeoutError):
        lane.send_parcel(SendEncoder("group"), parcel, 0, 0.02)
    with lane_to(stores) as (lane, server):
        assert lane.send_parcel(SendEncoder("group"), parcel, 0, 10) is not None
        assert 1 == len(server.requests)


def test_refused_send_has_code_and_remark() -> None:
    def refuses(client: Client, request: RemotingCommand) -> None:
        client.write(
            encode_frame(RemotingCommand(14, 0, 513, request.opaque, 1, "[TIMEOUT_CLEAN_QUEUE]\u20ac"))
        )

    with lane_to(refuses) as (lane, _):
        result = lane.send_message(SendEncoder("group"), Message("orders", b"body"), 0, 10)
        assert (14, "[TIMEOUT_CLEAN_QUEUE]\u20ac") == (result.code, result.remark)
        assert lane.is_open


def test_message_that_cannot_be_sent_leaves_the_lane_open() -> None:
    with lane_to(stores) as (lane, server):
        with pytest.raises(ValueError, match="over"):
            lane.send_message(SendEncoder("group", max_message_bytes=10), Message("orders", bytes(11)), 0, 10)
        assert lane.is_open
        assert [] == server.requests


def test_requests_leave_memory_level() -> None:
    encoder = SendEncoder("group")

    def calls() -> None:
        for _ in range(300):
            lane.request(RemotingCommand(7, body=b"x" * 100), 10)
            lane.send_message(encoder, Message("orders", b"body"), 0, 10)
        server.clients[0].requests.clear()

    with lane_to(stores) as (lane, server):
        kept = kept_by(calls)

    assert kept < 16_384
