"""Send frames written straight from messages are the frames of the general way, byte for byte."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from pyrocketmq._native.bytesio import WriteBuffer
from pyrocketmq._native.frame import decode_frame, encode_frame
from pyrocketmq._native.message import Message
from pyrocketmq._native.sending import SendEncoder
from tests.properties import FEWER_EXAMPLES

from .agreement import Refusal, outcome
from .codec.messages import Outgoing
from .codec.sends import Send, batch_frame, send_frame
from .strategies import INT32, property_text, text
from .test_batches_agree import any_messages, good_messages, native_message

Codec = Literal["json", "binary"]
codecs = st.sampled_from(["json", "binary"])
born = st.integers(1, 2**62)
sends = st.builds(
    Send,
    group=st.text(st.characters(codec="utf-8"), min_size=1, max_size=20),
    broker=text,
    queue_id=INT32,
    opaque=INT32,
    born_ms=born,
    sys_flag=INT32,
    oneway=st.booleans(),
)
# Bytes below 0x20 take six characters in a JSON header, so these come near every limit.
large_text = st.builds(
    lambda letter, times: letter * times,
    st.sampled_from(["\x03", "a", "\u00e9", '"']),
    st.integers(10_000, 33_000),
)
large_messages = st.builds(
    Outgoing, st.just("orders"), st.binary(max_size=3), properties=st.dictionaries(property_text, large_text)
)


def with_id(parts: Outgoing, message: Message) -> Outgoing:
    """The message as its encoder left it: a unique id stands behind KEYS and TAGS."""
    if parts.properties.get("UNIQ_KEY") is not None or message.unique_id is None:
        return parts
    others = {name: value for name, value in parts.properties.items() if name != "UNIQ_KEY"}
    return replace(parts, properties={"UNIQ_KEY": message.unique_id, **others})


def assert_general_way_agrees(frame: bytes, codec: Codec) -> None:
    assert frame == encode_frame(decode_frame(frame), codec)


@FEWER_EXAMPLES
@given(sends, good_messages | large_messages | any_messages, codecs, st.integers(1, 250))
def test_one_message_agrees(send: Send, parts: Outgoing, codec: Codec, limit: int) -> None:
    message = outcome(lambda: native_message(parts))
    if not isinstance(message, Message):
        return  # what makes a message is compared elsewhere
    encoder = SendEncoder(send.group, send.broker, codec, max_message_bytes=limit)
    buffer = WriteBuffer()
    found = outcome(
        lambda: encoder.put(
            buffer, message, send.queue_id, send.opaque,
            born_ms=send.born_ms, sys_flag=send.sys_flag, oneway=send.oneway,
        )
    )  # fmt: skip
    expected = outcome(lambda: send_frame(send, with_id(parts, message), codec, limit))
    assert expected == (found if isinstance(found, Refusal) else bytes(buffer))
    if isinstance(found, Refusal):
        assert 0 == len(buffer)
    elif codec == "json":
        assert_general_way_agrees(bytes(buffer), codec)


@FEWER_EXAMPLES
@given(sends, st.lists(good_messages | any_messages, max_size=4), codecs, st.integers(1, 600))
def test_one_batch_agrees(send: Send, batch: list[Outgoing], codec: Codec, limit: int) -> None:
    messages = outcome(lambda: [native_message(parts) for parts in batch])
    if isinstance(messages, Refusal):
        return
    send = replace(send, sys_flag=0)
    encoder = SendEncoder(send.group, send.broker, codec, max_message_bytes=limit)
    buffer = WriteBuffer()
    found = outcome(
        lambda: encoder.put_batch(
            buffer, messages, send.queue_id, send.opaque, born_ms=send.born_ms, oneway=send.oneway
        )
    )
    sent = [with_id(parts, message) for parts, message in zip(batch, messages, strict=True)]
    expected = outcome(lambda: batch_frame(send, sent, codec, limit))
    assert expected == (found if isinstance(found, Refusal) else bytes(buffer))
    if isinstance(found, Refusal):
        assert 0 == len(buffer)


@FEWER_EXAMPLES
@given(sends, st.lists(good_messages, min_size=1, max_size=5), codecs)
def test_frames_of_one_buffer_follow_each_other(send: Send, batch: list[Outgoing], codec: Codec) -> None:
    encoder = SendEncoder(send.group, send.broker, codec)
    buffer = WriteBuffer()
    expected = b""
    for number, parts in enumerate(batch):
        message = native_message(parts)
        encoder.put(buffer, message, send.queue_id, number, born_ms=send.born_ms)
        this = replace(send, opaque=number, sys_flag=0, oneway=False)
        expected += send_frame(this, with_id(parts, message), codec)
    assert expected == buffer.take()
