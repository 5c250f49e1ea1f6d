"""encode_batch: one message out of several, with the refusals that keep a batch storable."""

from __future__ import annotations

import pytest

from pyrocketmq._native.batch import decode_batch_body
from pyrocketmq.errors import InvalidMessageError
from pyrocketmq.model.message import Message, encode_batch


def test_a_batch_holds_its_messages_in_order() -> None:
    batch = encode_batch(Message("t", b"one", tags="a"), Message("t", "two", keys="k"))

    assert batch.batch is True
    assert batch.topic == "t"
    records = decode_batch_body(batch.body)
    assert [record.body for record in records] == [b"one", b"two"]
    assert records[0].properties["TAGS"] == "a"
    assert records[1].properties["KEYS"] == "k"


def test_a_batch_of_one_is_a_batch() -> None:
    assert len(decode_batch_body(encode_batch(Message("t", b"x")).body)) == 1


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        (Message("other", b"x"), "topic"),
        (Message("t", b"x", properties={"DELAY": "3"}), "delay"),
        (Message("t", b"x", properties={"TIMER_DELAY_MS": "3"}), "timer"),
        (Message("t", b"x", properties={"TRAN_MSG": "true"}), "transaction"),
        (Message("t", b"x", properties={"WAIT": "false"}), "WAIT"),
    ],
)
def test_a_message_that_does_not_fit_the_batch_is_refused_with_the_reason(
    second: Message, reason: str
) -> None:
    with pytest.raises(InvalidMessageError, match=reason):
        encode_batch(Message("t", b"x"), second)


def test_retry_topics_and_empty_calls_and_batches_of_batches_are_refused() -> None:
    retry = Message("%RETRY%g", b"x")
    with pytest.raises(InvalidMessageError, match="retry topic"):
        encode_batch(retry)
    with pytest.raises(InvalidMessageError):
        encode_batch()
    with pytest.raises(InvalidMessageError, match="itself a batch"):
        encode_batch(encode_batch(Message("t", b"x")))
