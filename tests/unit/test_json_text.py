"""JSON as fastjson writes it, and text that is no JSON at all."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrocketmq.errors import DeserializationError, SerializationError
from pyrocketmq.model.json_text import MAX_DEPTH, KeyedMap, dumps, loads
from tests.properties import FEWER_EXAMPLES


def test_integer_keys_are_read() -> None:
    assert loads('{0:"a", -1 : "b"}') == KeyedMap([(0, "a"), (-1, "b")])


def test_object_keys_are_read() -> None:
    text = '{"t":{{"brokerName":"b","queueId":3,"topic":"T"}:696}}'
    assert loads(text) == {"t": KeyedMap([({"brokerName": "b", "queueId": 3, "topic": "T"}, 696)])}


def test_an_object_in_an_odd_text_is_a_dict_when_its_keys_are_text() -> None:
    assert loads("{'a':{'b':1},\"c\":{}}") == {"a": {"b": 1}, "c": {}}


def test_the_last_of_equal_members_wins() -> None:
    assert loads("{'a':1,'a':2}") == loads('{"a":1,"a":2}') == {"a": 2}


@pytest.mark.parametrize("data", [b"{0:1}", bytearray(b"{0:1}"), memoryview(b"{0:1}"), "{0:1}"])
def test_every_kind_of_buffer_is_read(data: bytes | bytearray | memoryview | str) -> None:
    assert loads(data) == KeyedMap([(0, 1)])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r"""['\'\"\\\/\b\f\n\r\t\u0041']""", ["'\"\\/\b\f\n\r\tA"]),
        (r"""['\ud83d\ude00']""", ["\U0001f600"]),
        ("['a\U0001f600b']", ["a\U0001f600b"]),
        (
            "['', true, false, null, 0, -7, 1.5, -2e3, 1E+2]",
            ["", True, False, None, 0, -7, 1.5, -2000.0, 100.0],
        ),
        (" \t\r\n['x' , [ ] , { } ] \n", ["x", [], {}]),
    ],
)
def test_values_of_all_kinds_are_read(text: str, value: object) -> None:
    assert loads(text) == value


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", "a value, found the end at character 0 of 0"),
        ("{", "a key"),
        ("{'a'}", "':', found '}' at character 4"),
        ("{'a':1", "',', found the end"),
        ("{'a':1,}", "a key"),
        ("{a:1}", "a key"),
        ("{1.5:1}", "a key"),
        ("{[]:1}", "a key"),
        ("['a' 1]", "','"),
        ("['a']x", "nothing more"),
        ("['a", "the end of the string"),
        ("['a\nb']", "the end of the string"),
        (r"['\x']", "a known escape"),
        (r"['\u12']", "four hexadecimal digits"),
        (r"['\ud800']", "both halves of a surrogate pair"),
        (r"['\udc00\ud800']", "both halves of a surrogate pair"),
        ("['', -]", "a number"),
        ("['', +1]", "a value"),
        ("['', 01]", "','"),
        ("['', tru]", "a value"),
        ("['', NaN]", "a value"),
        ("{0:" + "1" * 21 + "}", "an integer of at most 64 bits"),
        ("{\u0661:1}", "a key"),
    ],
)
def test_what_is_no_json_is_refused_with_its_place(text: str, wanted: str) -> None:
    with pytest.raises(DeserializationError) as caught:
        loads(text)
    assert wanted in caught.value.what


def test_text_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(DeserializationError, match="byte 0xff at offset 2"):
        loads(b'["\xff"]')


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ("{0:", "}"), ("{", ":0}")])
def test_nesting_is_bounded(opening: str, closing: str) -> None:
    depth = MAX_DEPTH - 1
    middle = "{1:2}" if opening == "{" else "{0:0}"
    assert loads(opening * depth + middle + closing * depth)
    with pytest.raises(DeserializationError, match=f"at most {MAX_DEPTH} levels"):
        loads(opening * 100_000 + middle + closing * 100_000)


@pytest.mark.parametrize(
    "text",
    [
        "{0:[" + "1," * 200_000,
        "['" + "\\n" * 200_000,
        "['" + "a" * 400_000,
        "{0:'x'," * 60_000,
        "[" + "'" * 400_000,
        " " * 400_000,
        "{0:" + "9" * 400_000,
        "['\\u" + "0" * 400_000,
    ],
)
def test_hostile_text_takes_linear_time(text: str) -> None:
    started = time.perf_counter()
    with pytest.raises(DeserializationError):
        loads(text)
    assert time.perf_counter() - started < 5


@given(st.text(alphabet="{}[]:,'\"\\/u0123456789abcdefnrtlse-+.E \x00\ud800\U0001f600", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(DeserializationError):
        loads(text)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with suppress(DeserializationError):
        loads(data)


def json_values() -> st.SearchStrategy[object]:
    text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
    number = st.integers(-(2**63), 2**63 - 1)
    leaf = st.none() | st.booleans() | number | text | st.floats(allow_nan=False, allow_infinity=False)
    keys = number | st.dictionaries(text, number | text, max_size=3)
    return st.recursive(
        leaf,
        lambda item: (
            st.lists(item, max_size=3)
            | st.dictionaries(text, item, max_size=3)
            | st.lists(st.tuples(keys, item), min_size=1, max_size=3).map(KeyedMap)
        ),
        max_leaves=12,
    )


@FEWER_EXAMPLES
@given(json_values())
def test_what_is_written_is_read_again(value: object) -> None:
    assert loads(dumps(value, raw_integer_keys=True)) == value


def test_integer_keys_are_quoted_unless_asked_otherwise() -> None:
    value = {"brokerAddrs": KeyedMap([(0, "10.0.0.1:10911")])}
    assert dumps(value) == b'{"brokerAddrs":{"0":"10.0.0.1:10911"}}'
    assert dumps(value, raw_integer_keys=True) == b'{"brokerAddrs":{0:"10.0.0.1:10911"}}'


def test_object_keys_are_always_written_as_objects() -> None:
    value = KeyedMap([({"queueId": 3}, KeyedMap([(1, 2)]))])
    assert dumps(value) == b'{{"queueId":3}:{"1":2}}'


@pytest.mark.parametrize("value", ["\ud800", 2**65, {1, 2}, KeyedMap([(0, "\udfff")])])
def test_what_has_no_json_form_is_refused(value: object) -> None:
    with pytest.raises(SerializationError, match="cannot be written as JSON"):
        dumps(value)


def test_a_keyed_map_shows_and_compares_its_pairs() -> None:
    pairs = KeyedMap([(0, "a")])
    assert repr(pairs) == "KeyedMap([(0, 'a')])"
    assert list(pairs) == [(0, "a")]
    assert len(pairs) == 1
    assert pairs != {0: "a"}
