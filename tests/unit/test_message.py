"""The message: what it takes, what it refuses, and that it is a normal Python object to its users."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from pyrocketmq._native.batch import encode_batch_body
from pyrocketmq._native.message import Message
from pyrocketmq.errors import InvalidMessageError


def test_a_body_is_bytes_whatever_buffer_or_text_it_came_from() -> None:
    for body in (b"caf\xc3\xa9", bytearray(b"caf\xc3\xa9"), memoryview(b"caf\xc3\xa9"), "caf\u00e9"):
        assert Message("shop", body).body == b"caf\xc3\xa9"


def test_keys_are_one_text_or_several() -> None:
    assert Message("shop", b"x", keys="a b").keys == "a b"
    assert Message("shop", b"x", keys=["a", "b"]).keys == "a b"


def test_tags_and_keys_are_properties_too() -> None:
    message = Message("shop", b"x", "new", "k1", properties={"colour": "red"})

    assert dict(message.properties) == {"TAGS": "new", "KEYS": "k1", "colour": "red"}
    message.set_property("TAGS", "paid")
    assert message.tags == message.get_property("TAGS") == "paid"
    message.tags = None
    assert message.get_property("TAGS", "none") == "none"


def test_properties_are_a_snapshot_that_refuses_changes() -> None:
    snapshot: Any = Message("shop", b"x", properties={"a": "1"}).properties

    with pytest.raises(TypeError):
        snapshot["a"] = "2"


def test_a_property_set_to_none_is_gone() -> None:
    message = Message("shop", b"x", properties={"a": "1"})
    message.set_property("a", None)

    assert message.get_property("a") is None
    assert message == Message("shop", b"x")


@pytest.mark.parametrize("place", ["value", "name", "tags", "keys"])
@pytest.mark.parametrize("separator", ["\x01", "\x02"])
def test_separators_are_refused_wherever_they_would_cut_the_properties(place: str, separator: str) -> None:
    text = f"long enough for a word{separator}end"
    parts: dict[str, Any] = {
        "value": {"properties": {"a": text}},
        "name": {"properties": {text: "a"}},
        "tags": {"tags": text},
        "keys": {"keys": ["fine", text]},
    }
    with pytest.raises(InvalidMessageError, match=f"byte 0x0{ord(separator)} at byte 22") as caught:
        Message("shop", b"x", **parts[place])
    assert "\\x01" in str(caught.value)
    assert caught.value.field is not None


def test_other_control_characters_are_taken() -> None:
    text = "\x00\x03\x1f\x7f tab\t"
    assert Message("shop", b"x", properties={"a": text}).get_property("a") == text


def make_anything(*args: Any, **parts: Any) -> Message:
    """A message of what a checker would refuse."""
    return Message(*args, **parts)


@pytest.mark.parametrize(
    ("make", "field", "words"),
    [
        (lambda: make_anything("", b"x"), "topic", "topic is empty"),
        (lambda: make_anything("a b", b"x"), "topic", "character at byte 1"),
        (lambda: make_anything("caf\u00e9", b"x"), "topic", "character at byte 3"),
        (lambda: make_anything("t" * 128, b"x"), "topic", "128 characters is over the limit of 127"),
        (lambda: make_anything("\ud800", b"x"), "topic", "lone surrogate at character 0"),
        (lambda: make_anything("shop", "\udfff"), "body", "lone surrogate at character 0"),
        (lambda: make_anything("shop", 5), "body", "not int"),
        (lambda: make_anything(5, b"x"), "topic", "not int"),
        (lambda: make_anything("shop", b"x", tags=5), "tags", "not int"),
        (lambda: make_anything("shop", b"x", tags=""), "tags", "tags is empty"),
        (lambda: make_anything("shop", b"x", keys=5), "keys", "not int"),
        (lambda: make_anything("shop", b"x", keys=["a", 5]), "keys", "not int"),
        (lambda: make_anything("shop", b"x", keys=[]), "keys", "keys is empty"),
        (lambda: make_anything("shop", b"x", properties={"a": 5}), "property 'a'", "not int"),
        (lambda: make_anything("shop", b"x", properties={"a": ""}), "property 'a'", "is empty"),
        (lambda: make_anything("shop", b"x", properties={"": "a"}), "a property name", "is empty"),
        (lambda: make_anything("shop", b"x", properties={"a": "\ud800"}), "property 'a'", "lone surrogate"),
        (lambda: make_anything("shop", b"x", flag=2**31), "flag", "32 bits"),
        (lambda: make_anything("shop", b"x", flag="1"), "flag", "32 bits"),
    ],
)
def test_what_no_broker_takes_is_refused_with_the_field_named(make: Any, field: str, words: str) -> None:
    with pytest.raises(InvalidMessageError, match=words) as caught:
        make()
    assert caught.value.field == field
    assert caught.value.advice


@pytest.mark.parametrize("length", [126, 127])
def test_a_topic_may_have_127_characters(length: int) -> None:
    assert Message("t" * length, b"x").topic == "t" * length


def test_a_refused_change_leaves_the_message_as_it_was() -> None:
    message = Message("shop", b"x", "new", "k", properties={"a": "1"})
    before = copy.copy(message)

    changes: list[Callable[[], None]] = [
        lambda: setattr(message, "topic", "no good"),
        lambda: setattr(message, "body", 1.5),
        lambda: setattr(message, "tags", "\x01"),
        lambda: setattr(message, "delay_level", 19),
        lambda: message.set_property("a", ""),
    ]
    for change in changes:
        with pytest.raises(InvalidMessageError):
            change()
    assert message == before


def test_copies_and_pickles_are_equal_and_independent() -> None:
    message = Message("shop", b"x", "new", "k", flag=-7, properties={"a": "1"})
    twins = [copy.copy(message), copy.deepcopy(message), pickle.loads(pickle.dumps(message))]

    assert all(twin == message for twin in twins)
    for twin in twins:
        twin.set_property("a", "2")
    assert message.get_property("a") == "1"


@pytest.mark.parametrize(
    "change",
    [
        {"topic": "other"},
        {"body": b"y"},
        {"tags": "t2"},
        {"keys": "k2"},
        {"flag": 1},
        {"batch": True},
        {"sharding_key": "s"},
    ],
)
def test_messages_differ_in_every_part(change: dict[str, object]) -> None:
    message = Message("shop", b"x", "t", "k")
    twin = copy.copy(message)
    for name, value in change.items():
        setattr(twin, name, value)

    assert twin != message
    assert message != "shop"


def test_the_repr_shows_sizes_and_no_body() -> None:
    text = repr(Message("shop", b"secret" * 1000, "new", "k", flag=3, properties={"a": "1"}))

    assert text == (
        "Message(topic='shop', body=6,000 bytes, tags='new', keys='k', flag=3, properties={'a': '1'})"
    )


def test_a_delay_level_is_a_number_from_0_to_18() -> None:
    message = Message("shop", b"x")
    for level in (1, 18, 0):
        message.delay_level = level
        assert message.delay_level == level
    assert message.get_property("DELAY") is None
    for level in (-1, 19):
        with pytest.raises(InvalidMessageError, match="0 to 18"):
            message.delay_level = level


def test_both_sharding_key_properties_are_read_and_ours_is_written() -> None:
    message = Message("shop", b"x", properties={"__SHARDINGKEY": "java"})
    assert message.sharding_key == "java"
    message.sharding_key = "ours"
    assert message.get_property("SHARDING_KEY") == message.sharding_key == "ours"


def test_a_message_has_no_attributes_of_its_own_and_no_subclass() -> None:
    message: Any = Message("shop", b"x")
    with pytest.raises(AttributeError):
        message.colour = "red"
    with pytest.raises(TypeError):
        type("Mine", (Message,), {})
    with pytest.raises(TypeError):
        hash(message)


def test_the_quick_way_to_make_a_message_refuses_what_the_other_does() -> None:
    for topic in ("shop", b"shop".decode(), "other", "shop"):
        for _ in range(2):
            assert Message(topic, b"x") == Message(topic=topic, body=b"x")
            assert ("shop", "\xe9".encode()) == (Message("shop", "\xe9").topic, Message("shop", "\xe9").body)
        with pytest.raises(InvalidMessageError, match="body must be"):
            Message(topic, 5)  # type: ignore[arg-type]
        with pytest.raises(InvalidMessageError, match="topic"):
            Message(topic + "\n", b"x")
        with pytest.raises(TypeError):
            Message(topic)  # type: ignore[call-arg]


def test_a_message_that_was_not_made_to_the_end_cannot_be_sent() -> None:
    with pytest.raises(InvalidMessageError, match="body is empty"):
        encode_batch_body([Message.__new__(Message)])
