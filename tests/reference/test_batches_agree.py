"""Batch bodies: native and reference write, read and refuse alike, from messages and from plain parts."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from pyrocketmq._native import batch as native
from pyrocketmq._native.message import Message
from tests.properties import FEWER_EXAMPLES

from .agreement import Refusal, outcome
from .codec import batches as reference
from .codec.messages import NEVER_IN_A_BATCH, Outgoing, all_properties, encode_batch_of
from .codec.properties import decode_properties
from .strategies import INT32, batch_entries, bodies, damaged, property_text, text, wild_text

topics = st.sampled_from(["orders", "shop-1", "%RETRY%group"])
rough_text = text | wild_text
property_names = property_text | st.sampled_from([*NEVER_IN_A_BATCH, "TAGS", "KEYS", "WAIT", "UNIQ_KEY"])

good_messages = st.builds(
    Outgoing,
    topic=st.just("orders"),
    body=st.binary(min_size=1, max_size=200),
    tags=st.none() | property_text,
    keys=st.none() | property_text | st.lists(property_text, min_size=1, max_size=3),
    flag=INT32,
    properties=st.dictionaries(property_text, property_text, max_size=4),
)
waits = st.dictionaries(st.just("WAIT"), st.sampled_from(["true", "TRUE", "false", "yes", None]))
any_messages = st.builds(
    Outgoing,
    topic=topics | st.text(max_size=3) | st.text("ab%|-_", min_size=120, max_size=130),
    body=bodies,
    tags=st.none() | rough_text,
    keys=st.none() | rough_text | st.lists(rough_text, max_size=3),
    flag=INT32 | st.integers(),
    properties=st.dictionaries(
        property_names | rough_text, st.none() | property_text | rough_text, max_size=4
    ),
)


def native_message(parts: Outgoing) -> Message:
    return Message(
        parts.topic,
        parts.body,
        parts.tags,
        parts.keys,
        flag=parts.flag,
        properties=parts.properties,  # type: ignore[arg-type]
    )


@FEWER_EXAMPLES
@given(any_messages)
def test_messages_are_made_or_refused_alike(parts: Outgoing) -> None:
    expected = outcome(lambda: all_properties(parts))
    assert expected == outcome(lambda: dict(native_message(parts).properties))


@FEWER_EXAMPLES
@given(st.lists(good_messages, min_size=1, max_size=6))
def test_batches_of_good_messages_agree(messages: list[Outgoing]) -> None:
    assert encode_batch_of(messages) == native.encode_batch_body(map(native_message, messages))


@FEWER_EXAMPLES
@given(st.lists(st.builds(replace, good_messages, properties=waits), min_size=1, max_size=3))
def test_batches_of_mixed_wait_are_refused_alike(messages: list[Outgoing]) -> None:
    expected = outcome(lambda: encode_batch_of(messages))
    assert expected == outcome(lambda: native.encode_batch_body(map(native_message, messages)))


@FEWER_EXAMPLES
@given(st.lists(good_messages | any_messages, max_size=4))
def test_batches_of_any_messages_agree(messages: list[Outgoing]) -> None:
    expected = outcome(lambda: encode_batch_of(messages))
    assert expected == outcome(
        lambda: native.encode_batch_body([native_message(parts) for parts in messages])
    )


@FEWER_EXAMPLES
@given(st.lists(batch_entries, max_size=5))
def test_batches_of_plain_parts_agree(entries: list[reference.BatchEntry]) -> None:
    expected = outcome(lambda: reference.encode_batch(entries))
    records = [(entry.flag, entry.properties, entry.body) for entry in entries]
    assert expected == outcome(lambda: native.encode_batch_records(records))
    if not isinstance(expected, Refusal):
        assert records == [
            (record.flag, properties, record.body)
            for record, (_, properties, _) in zip(native.decode_batch_body(expected), records, strict=True)
            if record.properties == decode_properties(properties)
        ]


whole_batches = st.lists(batch_entries, min_size=1, max_size=4).map(reference.encode_batch)


@FEWER_EXAMPLES
@given(damaged(whole_batches) | st.binary(max_size=60))
def test_reading_damaged_batches_agrees(data: bytes) -> None:
    expected = outcome(
        lambda: [
            (entry.flag, decode_properties(entry.properties), entry.body)
            for entry in reference.decode_batch(data)
        ]
    )
    assert expected == outcome(lambda: [tuple(record) for record in native.decode_batch_body(data)])
