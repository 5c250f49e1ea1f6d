"""Pop strings that are damaged, and bit sets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrocketmq.errors import DeserializationError, SerializationError
from pyrocketmq.model.pop import (
    MAX_BIT,
    BatchAck,
    PopReceipt,
    decode_bits,
    encode_bits,
    parse_msg_offset_info,
    parse_order_count_info,
    parse_start_offset_info,
    retry_mark,
)
from tests.properties import FEWER_EXAMPLES

RECEIPT = PopReceipt(5, 1718000000000, 60000, 3, "0", "b", 2)


def test_a_receipt_may_be_without_an_offset() -> None:
    assert RECEIPT.encode() == "5 1718000000000 60000 3 0 b 2"
    assert PopReceipt.decode(RECEIPT.encode()) == RECEIPT


def test_retry_topics_have_marks() -> None:
    assert [retry_mark(topic) for topic in ("T", "%RETRY%g_T", "%RETRY%g+T")] == ["0", "1", "2"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1 2 3",
        "1 2 3 4 0 b 5 6 7",
        "x 2 3 4 0 b 5",
        "1 2 3 4 9 b 5",
        "1 2 3 4 0 b x",
        "1 2 3 4 0 b 5 " + "9" * 99,
    ],
)
def test_what_is_no_receipt_is_refused(text: str) -> None:
    with pytest.raises(DeserializationError) as caught:
        PopReceipt.decode(text)
    assert caught.value.field == "extraInfo"


@pytest.mark.parametrize("name", ["", "a b"])
def test_a_broker_name_that_would_shift_the_parts_is_refused(name: str) -> None:
    with pytest.raises(SerializationError):
        PopReceipt(1, 2, 3, 4, "0", name, 5).encode()


def test_empty_information_is_no_information() -> None:
    assert parse_start_offset_info("") == {}
    assert parse_msg_offset_info("") == {}
    assert parse_order_count_info("") == {}


@pytest.mark.parametrize("text", [";", "0 0", "0 0 1 2", "0 0 x", "0 0 1;0 0 2", "0 0 1;", "0 0 1,"])
def test_damaged_information_is_refused(text: str) -> None:
    for field, parse in (
        ("startOffsetInfo", parse_start_offset_info),
        ("msgOffsetInfo", parse_msg_offset_info),
        ("orderCountInfo", parse_order_count_info),
    ):
        with pytest.raises(DeserializationError) as caught:
            parse(text)
        assert caught.value.field == field


@FEWER_EXAMPLES
@given(st.sets(st.integers(0, 3000)))
def test_bits_survive_the_way(bits: set[int]) -> None:
    assert decode_bits(encode_bits(bits)) == sorted(bits)


@pytest.mark.parametrize("bit", [-1, MAX_BIT + 1])
def test_a_bit_out_of_range_is_refused(bit: int) -> None:
    with pytest.raises(SerializationError):
        encode_bits([bit])


def test_the_largest_bit_is_read_again() -> None:
    assert decode_bits(encode_bits([MAX_BIT])) == [MAX_BIT]


@pytest.mark.parametrize("text", ["!", "ig=", "\u4e3b", "A" * 200_000])
def test_what_is_no_bit_set_is_refused(text: str) -> None:
    with pytest.raises(DeserializationError):
        decode_bits(text)


def test_an_ack_knows_its_offsets() -> None:
    assert BatchAck(start_offset=100, bits=encode_bits([1, 7])).offsets == [101, 107]
    assert BatchAck().offsets == []
