"""The properties text: what is written, what is read back, and every limit at -1, 0 and +1."""

from __future__ import annotations

import pytest

from pyrocketmq._native.properties import (
    MAX_SENT_PROPERTIES_BYTES,
    decode_properties,
    encode_properties,
    join_properties,
)
from pyrocketmq.errors import InvalidMessageError, MessageTooLargeError


def test_the_text_ends_with_a_separator_and_is_read_back() -> None:
    text = encode_properties({"KEYS": "k1 k2", "colour": "\u8d64"})

    assert text == "KEYS\x01k1 k2\x02colour\x01\u8d64\x02"
    assert (
        decode_properties(text) == decode_properties(text.encode()) == {"KEYS": "k1 k2", "colour": "\u8d64"}
    )


def test_the_text_of_a_4_9_server_lacks_the_last_separator() -> None:
    assert decode_properties("a\x01b\x02c\x01d") == {"a": "b", "c": "d"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("\x02\x02\x02", {}),
        ("a\x01\x02", {}),
        ("\x01b\x02", {}),
        ("ab\x02c\x01d\x02", {"c": "d"}),
        ("a\x01b\x02a\x01c\x02", {"a": "c"}),
        ("a\x01b\x01c\x02", {"a": "b\x01c"}),
    ],
)
def test_broken_pieces_are_passed_over_as_in_java(text: str, expected: dict[str, str]) -> None:
    assert decode_properties(text) == expected


def test_broken_utf8_becomes_a_replacement_character() -> None:
    assert decode_properties(b"a\x01\xff\x02") == {"a": "\ufffd"}


def test_none_is_left_out_and_pairs_keep_their_order() -> None:
    assert encode_properties([("b", "1"), ("a", "2"), ("c", None)]) == "b\x011\x02a\x012\x02"


@pytest.mark.parametrize("excess", [-1, 0, 1])
def test_the_limit_counts_bytes_and_leaves_room_for_what_the_broker_adds(excess: int) -> None:
    value = "\u00e9" * ((MAX_SENT_PROPERTIES_BYTES - 3) // 2 - 1)
    pad = "x" * (MAX_SENT_PROPERTIES_BYTES + excess - len(value.encode()) - 3)
    properties = {"a": value + pad}
    if excess <= 0:
        assert len(encode_properties(properties).encode()) == MAX_SENT_PROPERTIES_BYTES + excess
    else:
        with pytest.raises(MessageTooLargeError, match=r"32,638 bytes are over the limit of 32,637"):
            encode_properties(properties)


@pytest.mark.parametrize("name", ["", "a\x01", "\x02", "\ud800"])
def test_a_bad_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidMessageError, match="a property name"):
        encode_properties({name: "v"})


def test_joining_checks_nothing_so_that_text_comes_out_as_it_was_received() -> None:
    assert join_properties([("a", ""), ("b", "\x01\x02"), ("c", None)]) == "a\x01\x02b\x01\x01\x02\x02"
