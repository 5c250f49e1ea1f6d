"""The send command: one message, lines, JSON lines, what fails, and its end by a signal."""

from __future__ import annotations

import io
import json
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pyrocketmq.testing import LocalRocketMQ

from .conftest import Ended, Run
from .programs import start


@pytest.fixture(scope="module")
def server() -> Iterator[LocalRocketMQ]:
    with LocalRocketMQ() as started:
        yield started


@pytest.fixture
def rocketmq(server: LocalRocketMQ) -> LocalRocketMQ:
    for topic in server.topics():
        server.delete_topic(topic)
    server.create_topic("shop")
    return server


Send = Callable[..., Ended]


@pytest.fixture
def send(run: Run, rocketmq: LocalRocketMQ, monkeypatch: pytest.MonkeyPatch) -> Send:
    """Runs the command against the server, with some standard input."""

    def send_to_server(*words: str, given: bytes = b"") -> Ended:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
        return run("send", *words, "--nameserver", rocketmq.addr)

    return send_to_server


def events(ended: Ended) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ended.out.splitlines()]


class TestOne:
    def test_a_message_has_all_that_the_options_say(self, send: Send, rocketmq: LocalRocketMQ) -> None:
        options = ("--tag", "new", "--key", "a", "--key", "b", "--property", "till=7", "--order-key", "k")
        ended = send("shop", "one flat white", *options, "--json")

        (message,) = rocketmq.messages("shop")
        assert 0 == ended.code
        assert (b"one flat white", "new", "a b") == (message.body, message.tags, message.keys)
        assert ("7", "k") == (message.get_property("till"), message.get_property("SHARDING_KEY"))
        place = (message.topic, message.msg_id, message.queue_id, message.queue_offset, "broker-a", "SEND_OK")
        names = ("topic", "msg_id", "queue_id", "queue_offset", "broker", "status")
        assert place == tuple(ended.value[name] for name in names)

    def test_people_are_told_where_it_is(self, send: Send, rocketmq: LocalRocketMQ) -> None:
        ended = send("shop", "caf\u00e9")

        (message,) = rocketmq.messages("shop")
        assert f"sent as {message.msg_id} to shop, queue {message.queue_id} of broker-a" in ended.out
        assert "caf\u00e9" == message.body.decode()

    @pytest.mark.parametrize("delay", ["10s", "12s"])
    def test_a_delayed_one_comes_later(self, send: Send, rocketmq: LocalRocketMQ, delay: str) -> None:
        assert 0 == send("shop", "later", "--delay", delay).code
        assert [] == rocketmq.messages("shop")
        rocketmq.advance(13)
        assert [b"later"] == [message.body for message in rocketmq.messages("shop", 1)]

    def test_all_of_the_input_may_be_one(self, send: Send, rocketmq: LocalRocketMQ) -> None:
        assert 0 == send("shop", "--whole", given=b"one\ntwo\n").code
        assert [b"one\ntwo\n"] == [message.body for message in rocketmq.messages("shop")]

    def test_one_that_is_stored_and_not_confirmed_is_done_in_part(
        self, send: Send, rocketmq: LocalRocketMQ
    ) -> None:
        fields = {"msgId": "7F0000010000B37B0000000000000000", "queueId": "0", "queueOffset": "5"}
        with rocketmq.answer("send", "FLUSH_SLAVE_TIMEOUT", fields=fields, times=1):
            ended = send("shop", "x")

        assert (4, True) == (ended.code, "FLUSH_SLAVE_TIMEOUT" in ended.out)

    @pytest.mark.parametrize(
        ("words", "code", "reason"),
        [
            (("shop", "x", "--file", "-"), 2, "two sources"),
            (("shop", "x", "--whole"), 2, "two sources"),
            (("shop", "x", "--delay", "0s"), 2, "--delay is 0"),
            (("shop", "x", "--delay", "soon"), 2, "delay"),
            (("shop", "x", "--rate", "fast"), 2, "rate"),
            (("shop", "x", "--property", "color"), 2, "NAME=VALUE"),
            (("shop", "x", "--queue", "3"), 2, "BROKER:N"),
            (("shop", "x", "--queue", "broker-a:-1"), 2, "BROKER:N"),
            (("shop", "x", "--queue", "broker-a:4"), 1, "it has broker-a:0, broker-a:1"),
            (("shop", "-", "--queue", "broker-z:0"), 1, "no queue 0 on 'broker-z'"),
            (("shop", ""), 1, "empty"),
            (("shop", "--whole"), 1, "empty"),
            (("a b", "x"), 1, "topic"),
            (("shop", "x", "--tag", ""), 1, "tags"),
            (("shop", "x", "--group", "a b"), 2, "group"),
            (("shop", "x", "--timeout", "0"), 2, "timeout"),
            (("shop", "x", "--timeout", "0.001"), 2, "--timeout is 0.001 s"),
            (("shop", "--file", "no.jsonl"), 2, "cannot be read"),
            (("shop", "--file", "."), 2, "cannot be read"),
            (("shop", "-", "--tag", "\x01"), 1, "tags"),
        ],
    )
    def test_what_cannot_be_sent_is_refused_with_the_reason(
        self, send: Send, rocketmq: LocalRocketMQ, words: tuple[str, ...], code: int, reason: str
    ) -> None:
        ended = send(*words)

        assert (code, "") == (ended.code, ended.out)
        assert reason in ended.err
        assert [] == rocketmq.messages("shop")

    def test_no_server_is_told_apart_from_a_refusal(self, run: Run, dead_address: str) -> None:
        ended = run("send", "shop", "x", "--nameserver", dead_address, "--timeout", "1")

        assert 3 == ended.code
        assert dead_address in ended.err

    def test_a_refusal_of_the_broker_is_shown_as_it_says_it(
        self, send: Send, rocketmq: LocalRocketMQ
    ) -> None:
        with rocketmq.fail("send", "MESSAGE_ILLEGAL", "too salty", times=1):
            ended = send("shop", "x")

        assert (1, True) == (ended.code, "too salty" in ended.err)


class TestLines:
    def test_every_line_of_a_pipe_is_a_message(self, send: Send, rocketmq: LocalRocketMQ) -> None:
        lines = [f"line {number}" for number in range(2_000)]

        ended = send("shop", "--tag", "new", given="\n\n".join(lines).encode())

        assert 0 == ended.code
        assert "2,000 sent" in ended.out
        messages = rocketmq.messages("shop")
        assert sorted(lines) == sorted(message.body.decode() for message in messages)
        assert {"new"} == {message.tags for message in messages}

    def test_lines_of_one_order_key_keep_their_order(self, send: Send, rocketmq: LocalRocketMQ) -> None:
        lines = [f"{number}" for number in range(2_000)]

        assert 0 == send("shop", "-", "--order-key", "till-1", given="\n".join(lines).encode()).code

        messages = rocketmq.messages("shop")
        assert 1 == len({message.queue_id for message in messages})
        assert lines == [message.body.decode() for message in messages]

    def test_a_queue_may_be_chosen(self, send: Send, rocketmq: LocalRocketMQ) -> None:
        assert 0 == send("shop", "one", "--queue", "broker-a:2").code
        assert 0 == send("shop", "--queue", "broker-a:2", given=b"two\nthree\n").code

        assert {2} == {message.queue_id for message in rocketmq.messages("shop", 3)}

    def test_json_lines_say_what_became_of_each(self, send: Send, rocketmq: LocalRocketMQ) -> None:
        ended = send("shop", "--json", given=b"one\ntwo\n")

        *sent, done = events(ended)
        stored = {message.msg_id for message in rocketmq.messages("shop")}
        assert [("sent", 1), ("sent", 2)] == sorted((each["event"], each["line"]) for each in sent)
        assert stored == {each["msg_id"] for each in sent}
        assert ("done", 2, 0, 0) == (done["event"], done["sent"], done["failed"], done["unknown"])

    def test_a_file_of_objects_says_more_of_each(
        self, send: Send, rocketmq: LocalRocketMQ, tmp_path: Path
    ) -> None:
        path = tmp_path / "orders.jsonl"
        values: list[dict[str, object]] = [
            {"body": "a", "keys": ["k1"], "topic": "other"},
            {"body": {"base64": "/w=="}, "properties": {"x": "y"}},
        ]
        path.write_text("\n".join(map(json.dumps, values)))

        assert 0 == send("shop", "--file", str(path)).code

        (other,), (shop,) = rocketmq.messages("other"), rocketmq.messages("shop")
        assert ("k1", b"a") == (other.keys, other.body)
        assert (b"\xff", "y") == (shop.body, shop.get_property("x"))

    def test_a_line_that_fails_is_named_and_the_others_go_on(
        self, send: Send, rocketmq: LocalRocketMQ
    ) -> None:
        ended = send("shop", "--file", "-", given=b'{"body": "a"}\n{"color": 1}\n{"body": "b"}\n')

        assert 4 == ended.code
        assert "line 2:" in ended.err
        assert "2 sent" in ended.out
        assert "1 failed" in ended.out
        assert [b"a", b"b"] == sorted(message.body for message in rocketmq.messages("shop"))

    def test_nothing_but_failures_is_no_success_and_no_flood(self, send: Send) -> None:
        ended = send("shop", "--file", "-", given=b"{}\n" * 1_000)

        assert 1 == ended.code
        assert 25 > len(ended.err.splitlines())
        assert "only counted" in ended.err

    def test_a_message_that_the_broker_refuses_is_named_too(
        self, send: Send, rocketmq: LocalRocketMQ
    ) -> None:
        with rocketmq.fail("send", "MESSAGE_ILLEGAL", "too salty"):
            ended = send("shop", "--json", given=b"one\ntwo\n")

        *failed, done = events(ended)
        assert 1 == ended.code
        assert [1, 2] == sorted(each["line"] for each in failed)
        assert all("too salty" in each["error"]["what"] for each in failed)
        assert (0, 2) == (done["sent"], done["failed"])

    def test_no_lines_are_done_at_once(self, send: Send) -> None:
        ended = send("shop", given=b"\n\n")

        assert (0, True) == (ended.code, "0 sent" in ended.out)

    def test_a_rate_is_kept(self, send: Send) -> None:
        ended = send("shop", "--rate", "200/s", "--json", given=b"x\n" * 41)

        assert events(ended)[-1]["seconds"] >= 0.2


class TestProgram:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_signal_ends_it_when_what_it_has_read_is_sent(
        self, rocketmq: LocalRocketMQ, number: signal.Signals
    ) -> None:
        with start("send", "shop", "--json", "--nameserver", rocketmq.addr, reads=True) as program:
            assert program.stdin is not None
            assert program.stdout is not None
            program.stdin.write("one\ntwo\nthree\n")
            program.stdin.flush()
            told = [json.loads(program.stdout.readline()) for _ in range(3)]
            program.send_signal(number)
            out, err = program.communicate(timeout=20)

        assert 130 == program.returncode
        assert {1, 2, 3} == {each["line"] for each in told}
        assert 3 == json.loads(out)["sent"]
        assert "stopping" in err
        assert "Traceback" not in err
        assert 3 == len(rocketmq.messages("shop"))
