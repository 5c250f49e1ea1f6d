"""A message counts the bytes of its properties when they are set; encoders write without another look."""

from __future__ import annotations

import copy
import pickle
from enum import StrEnum

from hypothesis import given
from hypothesis import strategies as st

from pyrocketmq._native.batch import decode_batch_body, encode_batch_body
from pyrocketmq._native.bytesio import WriteBuffer
from pyrocketmq._native.frame import decode_frame
from pyrocketmq._native.message import Message
from pyrocketmq._native.properties import decode_properties
from pyrocketmq._native.sending import SendEncoder
from tests.properties import FEWER_EXAMPLES

names = st.sampled_from(
    ["TAGS", "KEYS", "UNIQ_KEY", "a", "trace", "\u540d\u524d", 'quo"te', "back\\slash", "tab\tname"]
)
pieces = st.sampled_from(
    [
        "v",
        "1234567",
        "12345678",
        "123456789",
        '"',
        "\\",
        "\n",
        "\x1f",
        "\x7f",
        "\u00e9",
        "\u8ba2",
        "\U0001f600",
    ]
)
values = st.none() | st.lists(pieces, min_size=1, max_size=6).map("".join)


def properties_in_frame(message: Message, codec: str) -> dict[str, str]:
    buffer = WriteBuffer()
    SendEncoder("group", "broker-a", codec).put(buffer, message, 1, 2)
    frame = buffer.take()
    fields = decode_frame(frame).ext_fields
    assert fields is not None
    return decode_properties(fields["i"])


@FEWER_EXAMPLES
@given(st.lists(st.tuples(names, values), max_size=12), st.sampled_from(["json", "binary"]))
def test_any_order_of_setting_and_removing_gives_the_properties_that_are_left(
    changes: list[tuple[str, str | None]], codec: str
) -> None:
    message = Message("orders", b"body")
    expected: dict[str, str] = {}
    for name, value in changes:
        message.set_property(name, value)
        if value is None:
            expected.pop(name, None)
        else:
            expected[name] = value
        (entry,) = decode_batch_body(encode_batch_body([message]))
        assert entry.properties == expected

    found = properties_in_frame(message, codec)
    assert found == expected | {"UNIQ_KEY": found["UNIQ_KEY"]}


@FEWER_EXAMPLES
@given(st.dictionaries(names, values.filter(bool), max_size=6))
def test_copies_and_pickles_are_encoded_like_the_message_they_come_from(properties: dict[str, str]) -> None:
    message = Message("orders", b"body", properties=properties)
    properties_in_frame(message, "json")  # from here on it has a unique id in raw form
    body = encode_batch_body([message])

    twin = copy.copy(message)
    assert encode_batch_body([twin]) == body
    assert properties_in_frame(twin, "json") == dict(message.properties)
    (entry,) = decode_batch_body(encode_batch_body([pickle.loads(pickle.dumps(message))]))
    assert entry.properties == dict(message.properties)


def test_a_str_subclass_is_taken_for_its_characters() -> None:
    class Shouting(str):
        __slots__ = ()

        def __str__(self) -> str:
            return self.upper() + '"!'

    class Tag(StrEnum):
        PAID = 'pa"id'

    properties = {Shouting("name"): Shouting("word"), "tag": Tag.PAID}
    message = Message(Shouting("orders"), b"body", Tag.PAID, [Shouting("k1"), "k2"], properties=properties)
    assert message.topic == "orders"
    expected = {"TAGS": 'pa"id', "KEYS": "k1 k2", "name": "word", "tag": 'pa"id'}
    assert {type(text) for pair in message.properties.items() for text in pair} == {str}
    (entry,) = decode_batch_body(encode_batch_body([message]))
    assert entry.properties == expected
    found = properties_in_frame(message, "json")
    assert found == expected | {"UNIQ_KEY": found["UNIQ_KEY"]}
