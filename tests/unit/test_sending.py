"""The fast way of a send: its frames say what the general way would say, and refusals write nothing."""

from __future__ import annotations

from typing import Any

import pytest

from pyrocketmq._native.batch import decode_batch_body, encode_batch_body
from pyrocketmq._native.bytesio import WriteBuffer
from pyrocketmq._native.frame import decode_frame
from pyrocketmq._native.message import Message
from pyrocketmq._native.properties import decode_properties
from pyrocketmq._native.sending import SendEncoder
from pyrocketmq.errors import (
    ConfigurationError,
    InvalidMessageError,
    MessageTooLargeError,
    SerializationError,
)

CODECS = ["json", "binary"]


def fields_of(frame: bytes) -> dict[str, str]:
    return decode_frame(frame).ext_fields or {}


@pytest.fixture
def buffer() -> WriteBuffer:
    return WriteBuffer()


@pytest.mark.parametrize("codec", CODECS)
def test_a_frame_has_all_fields_of_send_message_v2(codec: str, buffer: WriteBuffer) -> None:
    message = Message("shop", b"hello", "new", "k-1", flag=9, properties={"quote": 'a"b\\c\n\u00e9'})
    SendEncoder("orders", "broker-a", codec).put(
        buffer, message, 3, -5, born_ms=1718000000000, sys_flag=0x301
    )
    frame = buffer.take()
    command = decode_frame(frame)
    fields = fields_of(frame)

    assert len(frame) == int.from_bytes(frame[:4], "big") + 4
    assert frame[4] == CODECS.index(codec)
    assert (command.code, command.language, command.version, command.opaque, command.flag) == (
        310,
        3,
        513,
        -5,
        0,
    )
    assert command.body == b"hello"
    assert decode_properties(fields.pop("i")) == dict(message.properties)
    assert fields == {
        "a": "orders",
        "b": "shop",
        "c": "TBW102",
        "d": "4",
        "e": "3",
        "f": "769",
        "g": "1718000000000",
        "h": "9",
        "j": "0",
        "k": "false",
        "m": "false",
        "n": "broker-a",
    }


@pytest.mark.parametrize("codec", CODECS)
def test_a_batch_frame_carries_the_batch_body(codec: str, buffer: WriteBuffer) -> None:
    messages = [Message("shop", f"body-{i}", keys=f"k{i}") for i in range(20)]
    SendEncoder("orders", codec=codec).put_batch(buffer, messages, 0, 1, oneway=True)
    command = decode_frame(buffer.take())

    assert (command.code, command.flag) == (320, 2)
    assert command.ext_fields is not None
    assert command.ext_fields["m"] == "true"
    assert "n" not in command.ext_fields
    assert command.body is not None
    assert [record.body for record in decode_batch_body(command.body)] == [m.body for m in messages]
    assert [record.properties for record in decode_batch_body(command.body)] == [
        dict(m.properties) for m in messages
    ]


@pytest.mark.parametrize("codec", CODECS)
def test_a_batch_made_before_goes_as_a_batch(codec: str, buffer: WriteBuffer) -> None:
    message = Message("shop", encode_batch_body([Message("shop", b"a"), Message("shop", b"b")]))
    message.batch = True
    SendEncoder("orders", codec=codec).put(buffer, message, 0, 1)
    command = decode_frame(buffer.take())

    assert command.code == 320
    assert (command.ext_fields or {})["m"] == "true"
    assert command.body == message.body


def test_each_message_gets_one_unique_id_and_keeps_it(buffer: WriteBuffer) -> None:
    encoder = SendEncoder("orders")
    messages = [Message("shop", b"x") for _ in range(3)]
    encoder.put(buffer, messages[0], 0, 1)
    encoder.put_batch(buffer, messages, 0, 2)
    ids = [message.unique_id for message in messages]
    encoder.put(buffer, messages[0], 0, 3)

    assert len(set(ids)) == 3
    assert all(text is not None and len(text) == 32 and text == text.upper() for text in ids)
    assert [message.unique_id for message in messages] == ids


def test_a_unique_id_of_the_user_is_kept(buffer: WriteBuffer) -> None:
    message = Message("shop", b"x", properties={"UNIQ_KEY": "mine"})
    SendEncoder("orders").put(buffer, message, 0, 1)

    assert decode_properties(fields_of(buffer.take())["i"]) == {"UNIQ_KEY": "mine"}


def test_a_compressed_body_leaves_the_message_untouched(buffer: WriteBuffer) -> None:
    message = Message("shop", b"x" * 100)
    SendEncoder("orders").put(buffer, message, 0, 1, body=b"packed", sys_flag=1)

    assert decode_frame(buffer.take()).body == b"packed"
    assert message.body == b"x" * 100


def test_the_birth_time_is_the_clock_unless_given(buffer: WriteBuffer) -> None:
    encoder = SendEncoder("orders")
    born = []
    for given in (0, 5, 1718000000000, 5):
        encoder.put(buffer, Message("shop", b"x"), 0, 1, born_ms=given)
        born.append(int(fields_of(buffer.take())["g"]))

    assert born[0] > 1_700_000_000_000
    assert born[1:] == [5, 1718000000000, 5]


@pytest.mark.parametrize("value", [0, 9, 10, 99, 100, 12345, 2**31 - 1, -1, -(2**31)])
@pytest.mark.parametrize("codec", CODECS)
def test_numbers_of_every_length_come_out_whole(value: int, codec: str, buffer: WriteBuffer) -> None:
    SendEncoder("orders", codec=codec).put(
        buffer, Message("shop", b"x", flag=value), value, value, sys_flag=value
    )
    frame = buffer.take()

    assert decode_frame(frame).opaque == value
    assert [fields_of(frame)[name] for name in "efh"] == [str(value)] * 3


def refusals() -> list[tuple[Message, type[Exception], str]]:
    return [
        (Message("shop", b"", keys="k1"), InvalidMessageError, r'body is empty.*Topic "shop", keys k1'),
        (
            Message("shop", bytes(1001)),
            MessageTooLargeError,
            r"body of 1,001 bytes is over max_message_bytes 1,000",
        ),
        (
            Message("shop", b"x", properties={"a": "v" * 32_700}),
            MessageTooLargeError,
            r"properties of 32,\d\d\d bytes are over the limit of 32,637",
        ),
    ]


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("number", range(3))
def test_a_refusal_names_the_message_and_writes_nothing(number: int, codec: str, buffer: WriteBuffer) -> None:
    message, error, words = refusals()[number]
    encoder = SendEncoder("orders", codec=codec, max_message_bytes=1000)
    encoder.put(buffer, Message("shop", b"before"), 0, 1)
    size = len(buffer)
    with pytest.raises(error, match=words):
        encoder.put(buffer, message, 0, 2)
    with pytest.raises(error):
        encoder.put_batch(buffer, [Message("shop", b"fine"), message], 0, 2)
    assert len(buffer) == size


def test_escapes_count_against_the_header_and_not_against_the_properties(buffer: WriteBuffer) -> None:
    """20,000 quotes are 40,000 bytes of JSON, which is fine; 72,000 bytes of escapes are not."""
    message = Message("shop", b"x", properties={"fits": '"' * 20_000})
    SendEncoder("orders").put(buffer, message, 0, 1)
    assert decode_properties(fields_of(buffer.take())["i"])["fits"] == '"' * 20_000

    message = Message("shop", b"x", properties={"large": "\x03" * 12_000, "small": "1"})
    with pytest.raises(
        SerializationError, match=r"header of 72,\d\d\d bytes .*largest properties: large"
    ) as caught:
        SendEncoder("orders").put(buffer, message, 0, 1)
    assert 'header_codec="binary"' in str(caught.value)
    assert len(buffer) == 0
    SendEncoder("orders", codec="binary").put(buffer, message, 0, 1)
    assert decode_properties(fields_of(buffer.take())["i"])["large"] == "\x03" * 12_000


@pytest.mark.parametrize("excess", [-1, 0, 1])
@pytest.mark.parametrize("codec", CODECS)
def test_the_properties_limit_is_exact(excess: int, codec: str, buffer: WriteBuffer) -> None:
    message = Message("shop", b"x", properties={"UNIQ_KEY": "u", "a": "v" * (32_637 + excess - 11 - 3)})
    encoder = SendEncoder("orders", codec=codec)
    if excess <= 0:
        encoder.put(buffer, message, 0, 1)
        assert len(fields_of(buffer.take())["i"]) == 32_637 + excess
    else:
        with pytest.raises(MessageTooLargeError, match="32,638 bytes"):
            encoder.put(buffer, message, 0, 1)


def test_a_batch_over_the_limit_is_refused_as_a_whole(buffer: WriteBuffer) -> None:
    encoder = SendEncoder("orders", max_message_bytes=1000)
    with pytest.raises(MessageTooLargeError, match=r"batch of 20 messages has [\d,]+ bytes, over .* 1,000"):
        encoder.put_batch(buffer, [Message("shop", bytes(100)) for _ in range(20)], 0, 1)
    assert len(buffer) == 0


@pytest.mark.parametrize("messages", [[], ["x"], [Message("a", b"x"), Message("b", b"x")]])
def test_what_is_no_batch_is_refused(messages: Any, buffer: WriteBuffer) -> None:
    with pytest.raises(InvalidMessageError):
        SendEncoder("orders").put_batch(buffer, messages, 0, 1)
    assert len(buffer) == 0


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"producer_group": ""}, "producer_group"),
        ({"producer_group": "g" * 121}, "producer_group"),
        ({"producer_group": "g", "codec": "xml"}, "codec"),
        ({"producer_group": "g", "max_message_bytes": 0}, "max_message_bytes"),
        ({"producer_group": "g", "max_message_bytes": 16 * 1024 * 1024 + 1}, "max_message_bytes"),
    ],
)
def test_a_setting_that_cannot_work_is_refused(arguments: Any, field: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        SendEncoder(**arguments)
    assert caught.value.field == field
    assert caught.value.advice


def test_a_buffer_with_a_view_on_it_is_not_moved_away(buffer: WriteBuffer) -> None:
    encoder = SendEncoder("orders")
    encoder.put(buffer, Message("shop", b"x"), 0, 1)
    with memoryview(buffer) as view:  # type: ignore[arg-type, unused-ignore]
        size = len(view)
        for change in (buffer.clear, buffer.take, lambda: encoder.put(buffer, Message("shop", b"x"), 0, 1)):
            with pytest.raises(BufferError, match=r"1 memoryview\(s\)"):
                change()
    assert len(buffer.take()) == size
