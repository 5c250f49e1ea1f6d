"""Trace records that cannot be written or read."""

from __future__ import annotations

import pytest

from pyrocketmq.errors import DeserializationError, SerializationError
from pyrocketmq.model.trace import TraceBean, TraceContext, TraceType, decode_traces, encode_trace

MARKS = str.maketrans({" ": "\x01", "|": "\x02"})


@pytest.mark.parametrize("kind", list(TraceType))
@pytest.mark.parametrize("cloud", [False, True])
def test_every_kind_is_read_as_it_was_written(kind: TraceType, cloud: bool) -> None:
    bean = TraceBean(
        "T",
        "id",
        "tag",
        "k1 k2",
        "10.0.0.1:10911",
        7,
        1,
        None,
        2,
        "tx",
        "UNKNOW",
        from_transaction_check=True,
    )
    context = TraceContext(
        kind, [bean], 5, "r", "g", 6, success=False, request_id="req", context_code=3, cloud=cloud
    )
    text, keys = encode_trace(context)
    assert keys == {"id", "k1", "k2"}
    (again,) = decode_traces(text)
    assert encode_trace(again)[0] == text


def test_a_delivery_of_several_messages_gives_a_record_for_each() -> None:
    context = TraceContext(TraceType.SUB_BEFORE, [TraceBean(msg_id="1"), TraceBean(msg_id="2")])
    text, keys = encode_trace(context)
    assert text.count("\x02") == 2
    assert keys == {"1", "2"}


def test_the_cloud_channel_keeps_the_separator_of_what_it_leaves_out() -> None:
    context = TraceContext(
        TraceType.SUB_AFTER, [TraceBean(msg_id="m", keys="k")], 5, "r", "g", request_id="q"
    )
    assert encode_trace(context)[0] == "SubAfter q m 0 true k 0 5 g|".translate(MARKS)
    context.cloud = True
    assert encode_trace(context)[0] == "SubAfter q m 0 true k 0 |".translate(MARKS)


def test_a_message_without_id_and_keys_cannot_be_found() -> None:
    assert encode_trace(TraceContext(TraceType.PUB, [TraceBean(msg_id=None, keys="  ")]))[1] == set()


def test_no_records_are_no_contexts() -> None:
    assert decode_traces("") == []
    assert encode_trace(TraceContext(TraceType.SUB_AFTER)) == ("", set())


@pytest.mark.parametrize(
    ("context", "field"),
    [
        (TraceContext("Other", [TraceBean()]), "trace_type"),
        (TraceContext("Pub"), "beans"),
        (TraceContext("Pub", [TraceBean(topic="a\x01b")]), "beans"),
        (TraceContext("Pub", [TraceBean(keys="a\x02b")]), "beans"),
    ],
)
def test_what_cannot_be_a_record_is_refused(context: TraceContext, field: str) -> None:
    with pytest.raises(SerializationError) as caught:
        encode_trace(context)
    assert caught.value.field == field


@pytest.mark.parametrize(
    "text",
    [
        "Pub",
        "Pub\x02",
        "Other\x011\x02",
        "\x02",
        "SubBefore x r g q m 0 k|".translate(MARKS),
        f"SubBefore 1 r g q m {10**30} k|".translate(MARKS),
        "SubAfter q m \u0661 true k 0|".translate(MARKS),
    ],
)
def test_what_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(DeserializationError):
        decode_traces(text)
