"""Lines, JSON objects and options become messages, or a reason why not."""

from __future__ import annotations

import io
import json

import pytest

from pyrocketmq.cli.sending.drafts import Draft, Line, read_lines
from pyrocketmq.cli.sending.pace import Pace, rate
from pyrocketmq.errors import InvalidMessageError
from pyrocketmq.model import Message

DRAFT = Draft("shop", "new", ("order-1",), properties=(("source", "till"),))


def of_json(value: object, draft: Draft = DRAFT) -> Message:
    return draft.message_of_json(Line(1, json.dumps(value).encode()))


class TestLines:
    def test_each_line_is_one_and_its_end_is_not_part_of_it(self) -> None:
        lines = list(read_lines(io.BytesIO(b"one\ntwo\r\n\n caf\xc3\xa9 \nlast")))

        assert [(1, b"one"), (2, b"two"), (4, b" caf\xc3\xa9 "), (5, b"last")] == [
            (line.number, line.data) for line in lines
        ]

    def test_a_line_without_end_takes_no_more_memory_than_the_limit(self) -> None:
        lines = list(read_lines(io.BytesIO(b"x" * 1000 + b"\nnext\n" + b"y" * 11), limit=10))

        assert [(1, 11, True), (2, 4, False), (3, 11, True)] == [
            (line.number, len(line.data), line.too_long) for line in lines
        ]

    def test_a_line_as_long_as_the_limit_is_whole(self) -> None:
        (line,) = read_lines(io.BytesIO(b"x" * 10 + b"\n"), limit=10)

        assert (10, False) == (len(line.data), line.too_long)

    def test_a_message_has_the_bytes_of_its_line(self) -> None:
        message = DRAFT.message_of_line(Line(1, b"\xff\x00"))

        assert (b"\xff\x00", "new", "order-1") == (message.body, message.tags, message.keys)
        assert "till" == message.get_property("source")
        with pytest.raises(InvalidMessageError, match="longer than 9 bytes"):
            DRAFT.message_of_line(Line(1, b"x" * 10, too_long=True))


class TestObjects:
    def test_what_an_object_leaves_out_is_as_the_options_say(self) -> None:
        message = of_json({"body": "hello"})

        assert ("shop", b"hello", "new", "order-1") == (
            message.topic,
            message.body,
            message.tags,
            message.keys,
        )

    def test_what_it_says_goes_before_the_options(self) -> None:
        message = of_json(
            {
                "topic": "other",
                "body": {"base64": "/wA="},
                "tags": "paid",
                "keys": ["a", "b"],
                "order_key": "till-1",
                "flag": 7,
                "properties": {"source": "web"},
            }
        )

        assert ("other", b"\xff\x00", "paid", "a b", 7) == (
            message.topic,
            message.body,
            message.tags,
            message.keys,
            message.flag,
        )
        assert ("till-1", "web") == (message.sharding_key, message.get_property("source"))

    def test_a_delay_of_its_own_replaces_that_of_the_options(self) -> None:
        level, timer = Draft("shop", delay=10), Draft("shop", delay=12.5)

        assert (3, None) == delay_of(level.message("x"))
        assert (0, "12500") == delay_of(timer.message("x"))
        assert (0, "1500") == delay_of(of_json({"body": "x", "delay": 1.5}, level))
        assert (5, None) == delay_of(of_json({"body": "x", "delay": "1m"}, timer))
        assert (18, None) == delay_of(of_json({"body": "x", "delay": "2h"}))

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("{", "no JSON"),
            ("[1]", "no JSON object"),
            ("{}", "no body"),
            ('{"body": 7}', "no text"),
            ('{"body": ""}', "empty"),
            ('{"body": {"base64": "%%"}}', "no base64"),
            ('{"body": {"base64": "AA==", "more": 1}}', "no text"),
            ('{"body": "x", "color": "red"}', "'color'"),
            ('{"body": "x", "topic": 7}', "topic is no text"),
            ('{"body": "x", "topic": "a b"}', "topic"),
            ('{"body": "x", "tags": []}', "tags is no text"),
            ('{"body": "x", "keys": [1]}', "keys is neither"),
            ('{"body": "x", "keys": {}}', "keys is neither"),
            ('{"body": "x", "properties": {"a": 1}}', "no object of texts"),
            ('{"body": "x", "properties": []}', "no object of texts"),
            ('{"body": "x", "properties": {"a": "\\u0001"}}', "a"),
            ('{"body": "x", "delay": "soon"}', "no time"),
            ('{"body": "x", "delay": -1}', "no time"),
            ('{"body": "x", "delay": true}', "no time"),
            ('{"body": "x", "flag": "1"}', "no whole number"),
            ('{"body": "x", "flag": 4294967296}', "flag"),
        ],
    )
    def test_one_that_cannot_be_sent_is_refused_with_the_reason(self, text: str, reason: str) -> None:
        with pytest.raises(InvalidMessageError, match=reason):
            DRAFT.message_of_json(Line(1, text.encode()))


def delay_of(message: Message) -> tuple[int, str | None]:
    return message.delay_level, message.get_property("TIMER_DELAY_MS")


class TestPace:
    def test_a_rate_is_a_number_for_a_time(self) -> None:
        assert [1000, 2.5, 5000, 1, 0.5] == [
            rate(text) for text in ("1000", "2.5/s", "5k/s", "60/m", "1800/h")
        ]
        for text in ("0", "-1", "fast", "10/d", "1e3"):
            with pytest.raises(ValueError, match=text):
                rate(text)

    def test_messages_are_due_at_the_rate_and_a_pause_is_not_made_up_by_a_flood(self) -> None:
        now = 100.0
        pace = Pace(100, clock=lambda: now)

        assert [0.0, 0.01, 0.02] == pytest.approx([pace.wait_s() for _ in range(3)])
        now += 60
        waits = [pace.wait_s() for _ in range(20)]
        assert 11 == sum(wait == 0 for wait in waits)
