"""The dump shows every frame of both directions, changes only what --follow asks for, and keeps secrets."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrocketmq._native.frame import encode_frame
from pyrocketmq.cli.dump import text_of_event
from pyrocketmq.cli.dumping.cutting import StreamCutter
from pyrocketmq.cli.dumping.telling import release_of, tell_frame
from pyrocketmq.model import Message, RemotingCommand, RequestCode, TopicRouteData, encode_batch
from pyrocketmq.model import RemotingRequestFactory as Requests
from pyrocketmq.transport import TcpTransport
from tests.properties import FEWER_EXAMPLES

from .conftest import Run
from .programs import Program
from .stage import PlayedBroker, Stage, answer, name_server

pytestmark = pytest.mark.timeout(30)  # the program is waited for


class Dump(Program):
    """A dump that listens."""

    def __init__(self, *words: str) -> None:
        super().__init__("dump", *words)
        self.address: str = self.until("listen")["listen"]


@pytest.fixture
def dump() -> Iterator[Callable[..., Dump]]:
    made: list[Dump] = []

    def make(*words: str) -> Dump:
        made.append(Dump(*words))
        return made[-1]

    yield make
    for each in made:
        each.stop()


def ask(address: str, request: RemotingCommand) -> RemotingCommand:
    with TcpTransport(address) as transport:
        transport.output(request)
        return transport.recv_command(timeout=10)


def test_both_directions_are_shown_and_nothing_is_changed(dump: Callable[..., Dump], stage: Stage) -> None:
    target = stage.play(name_server({"broker-a": "10.0.0.1:10911"}, {"shop": 4}))
    proxy = dump(target)

    reply = ask(proxy.address, Requests.create_get_route_info_request("shop"))

    assert ["10.0.0.1:10911"] == [each.master_addr for each in TopicRouteData.decode(reply.body).broker_datas]
    request = proxy.until("frame")
    assert ("->", "request", "GET_ROUTEINFO_BY_TOPIC(105)") == (
        request["direction"],
        request["kind"],
        request["name"],
    )
    assert {"topic": "shop"} == request["fields"]
    back = proxy.until("frame")
    assert ("<-", "SUCCESS(0)", 105) == (back["direction"], back["name"], back["answers"])
    assert back["ms"] >= 0
    assert '"brokerName":"broker-a"' in back["body"]


def test_with_follow_the_brokers_are_reached_through_the_proxy_too(
    dump: Callable[..., Dump], stage: Stage
) -> None:
    broker = stage.play(PlayedBroker().answers())
    proxy = dump(stage.play(name_server({"broker-a": broker}, {"shop": 4})), "--follow")

    reply = ask(proxy.address, Requests.create_get_route_info_request("shop"))
    (place,) = (each.master_addr for each in TopicRouteData.decode(reply.body).broker_datas)
    assert place is not None
    assert place != broker
    assert b"brokerName=broker-a" in (ask(place, Requests.create_get_broker_config_request()).body or b"")

    told = proxy.until("follow")
    assert (broker, place) == (told["server"], told["listen"])
    assert "GET_BROKER_CONFIG(26)" == proxy.until("frame", direction="->", code=26)["name"]


def test_the_file_has_the_same_lines(dump: Callable[..., Dump], stage: Stage, tmp_path: Path) -> None:
    file = tmp_path / "report.jsonl"
    proxy = dump(stage.play(name_server({}, {})), "--write", str(file))
    ask(proxy.address, Requests.create_get_broker_cluster_info_request())
    proxy.until("close")

    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert ["listen", "open", "frame", "frame", "close"] == [line["event"] for line in lines]


def test_a_server_that_is_not_there_is_told_for_each_client(
    dump: Callable[..., Dump], dead_address: str
) -> None:
    proxy = dump(dead_address)
    host, _, port = proxy.address.rpartition(":")
    with socket.create_connection((host, int(port)), 10) as client:
        assert b"" == client.recv(1)

    assert dead_address == proxy.until("refused")["server"]


def test_a_client_that_speaks_tls_is_told_apart(dump: Callable[..., Dump], stage: Stage) -> None:
    proxy = dump(stage.play({}))
    host, _, port = proxy.address.rpartition(":")
    with socket.create_connection((host, int(port)), 10) as client:
        client.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc")
        client.recv(1)

    assert "use --tls" in proxy.until("no-frames", direction="->")["what"]


def test_wrong_arguments_are_refused_before_anything_listens(run: Run, tmp_path: Path) -> None:
    for words, part in (
        (("a:1;b:2",), "one is dumped at a time"),
        (("a:1", "--port", "70000"), "--port"),
        (("a:1", "--body", "-1"), "--body"),
        (("a:1", "--write", str(tmp_path)), "--write"),
        (("a:1", "--write", str(tmp_path / "no" / "file")), "--write"),
        (("a:1", "--tls-ca", str(tmp_path / "no.pem")), "ca_file"),
        (("a:1", "--address-map", "b:2"), "has no '='"),
    ):
        ended = run("dump", *words)
        assert (2, True) == (ended.code, part in ended.err), (words, ended.err)


def test_a_port_that_is_taken_is_said_so(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = run("dump", "a:1", "--port", str(taken.getsockname()[1]))

    assert 1 == ended.code
    assert "another program listens on this port" in ended.err


def tell(command: RemotingCommand, request_code: int | None = None, chars: int = 200) -> dict[str, Any]:
    frame = encode_frame(command)
    return dict(tell_frame(command, len(frame), frame[4], request_code=request_code, body_chars=chars))


class TestTelling:
    def test_letters_have_their_names_and_properties_are_taken_apart(self) -> None:
        fields = {"a": "group", "b": "shop", "e": "3", "i": "TAGS\x01new\x02KEYS\x01k1\x02", "n": "broker-a"}

        told = tell(RemotingCommand(RequestCode.SEND_MESSAGE_V2, ext_fields=fields, body=b"hello"))

        assert {
            "producerGroup(a)": "group",
            "topic(b)": "shop",
            "queueId(e)": "3",
            "properties(i)": {"TAGS": "new", "KEYS": "k1"},
            "brokerName(n)": "broker-a",
        } == told["fields"]
        assert ("hello", 5) == (told["body"], told["body_bytes"])

    def test_secrets_are_masked_wherever_they_stand(self) -> None:
        fields = {
            "AccessKey": "the-access",
            "Signature": "the-signature",
            "SecurityToken": "the-token",
            "i": "password\x01the-password\x02",
        }
        user = RemotingCommand(
            3001, ext_fields={"username": "u"}, body=b'{"password":"the-password","username":"u"}'
        )
        told = [
            tell(RemotingCommand(310, ext_fields=fields, body=b"x", remark="secretKey=the-secret")),
            tell(user),
        ]

        shown = json.dumps(told)
        assert "the-" not in shown
        assert 5 == shown.count("***") - shown.count('\\"***')

    def test_a_batch_shows_its_messages(self) -> None:
        batch = encode_batch(*(Message("shop", f"body {number}", tags="t") for number in range(5)))

        told = tell(RemotingCommand(320, ext_fields={"b": "shop", "m": "true"}, body=batch.body))

        assert told["body"].startswith("batch of 5 messages:\n  body 0 ")
        assert "TAGS=t" in told["body"]
        assert told["body"].endswith("and 2 more")

    def test_a_body_that_is_not_what_it_should_be_is_shown_as_it_is(self) -> None:
        told = tell(RemotingCommand(320, ext_fields={"b": "shop"}, body=b"\x00\x00"))

        assert "not what it should be" in told["body"]

    def test_binary_bodies_are_hex_and_long_ones_are_cut(self) -> None:
        assert "ff 00 01" == tell(RemotingCommand(10, body=b"\xff\x00\x01"))["body"]
        assert "xxxxx..." == tell(RemotingCommand(10, body=b"x" * 50), chars=5)["body"]
        assert "body" not in tell(RemotingCommand(10, body=b"x"), chars=0)

    def test_unknown_codes_and_languages_do_not_matter(self) -> None:
        told = tell(RemotingCommand(-77, None, 0, 1, 1))

        assert ("code(-77)", None, "version 0") == (told["name"], told["language"], told["release"])

    @pytest.mark.parametrize(
        ("version", "release"),
        [(317, "4.5.2"), (399, "4.9.3"), (401, "4.9.4"), (413, "5.0.0"), (475, "5.3.1"), (513, "5.5.0")],
    )
    def test_releases_have_their_names(self, version: int, release: str) -> None:
        assert release == release_of(version)

    def test_a_line_for_people_has_all_of_it(self) -> None:
        event = {
            "event": "frame",
            "time": 0.5,
            "connection": 3,
            "direction": "<-",
            **tell(answer(17, remark="No topic\x1b[2J"), 105),
            "ms": 1.25,
        }

        text = text_of_event(event)

        assert ".500 #3 <- answer 0 TOPIC_NOT_EXIST(17) after 1.2 ms (JAVA 5.5.0, json, " in text
        assert "\n      remark: No topic\\x1b[2J" in text


@FEWER_EXAMPLES
@given(
    frames=st.lists(st.binary(max_size=40), max_size=5),
    tail=st.binary(max_size=30),
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=20),
)
def test_the_pieces_of_a_stream_put_together_are_the_stream(
    frames: list[bytes], tail: bytes, sizes: list[int]
) -> None:
    stream = b"".join(encode_frame(RemotingCommand(10, opaque=1, body=body)) for body in frames) + tail
    cutter = StreamCutter()
    pieces = []
    place = 0
    while place < len(stream):
        size = sizes[place % len(sizes)]
        pieces += cutter.feed(stream[place : place + size])
        place += size
    pieces += cutter.end()

    assert stream == b"".join(piece.data for piece in pieces)
    assert len(frames) <= sum(piece.is_frame for piece in pieces) <= len(frames) + 1
