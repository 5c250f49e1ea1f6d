"""Parcels: bodies built message by message are those built at once, and results find their message."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrocketmq._native.batch import decode_batch_body, encode_batch_body
from pyrocketmq._native.message import Message
from pyrocketmq._native.parcel import Parcel, check_message, pack
from pyrocketmq.errors import InvalidMessageError, MessageTooLargeError, RpcTimeoutError
from pyrocketmq.model.message_results import SendMessageResult

MIB = 1024 * 1024

words = st.text(
    st.characters(exclude_characters="\x01\x02", exclude_categories=["Cs"]), min_size=1, max_size=20
)
messages = st.builds(
    Message,
    st.just("shop"),
    st.binary(min_size=1, max_size=300),
    tags=st.none() | words,
    keys=st.none() | words.filter(lambda text: bool(text.strip())),
    flag=st.integers(-(2**31), 2**31 - 1),
    properties=st.dictionaries(words.map(lambda word: "p" + word), words, max_size=3),
)


def body_of(parcel: Parcel) -> bytes:
    made = parcel.message()
    return made.body if made.batch else encode_batch_body([made])


@given(st.lists(messages, min_size=2, max_size=30))
@settings(max_examples=150, deadline=None)
def test_a_parcel_is_the_batch_body_of_its_messages(several: list[Message]) -> None:
    [parcel] = pack(several, "shop", 4 * MIB)

    assert encode_batch_body(several) == body_of(parcel)
    assert len(several) == len(parcel)
    assert parcel.body_bytes == len(body_of(parcel))


@given(st.lists(messages, min_size=1, max_size=40), st.integers(2000, 6000))
@settings(max_examples=150, deadline=None)
def test_messages_are_split_in_order_and_every_part_fits_as_brokers_store_it(
    several: list[Message], limit: int
) -> None:
    parcels = pack(several, "shop", limit)

    records = [record for parcel in parcels for record in decode_batch_body(body_of(parcel))]
    assert [message.body for message in several] == [record.body for record in records]
    assert [message.unique_id for message in several] == [record.properties["UNIQ_KEY"] for record in records]
    for parcel in parcels:
        if len(parcel) > 1:
            # 91 bytes and the topic for each, and what a broker adds to the properties.
            stored = parcel.body_bytes + len(parcel) * (91 - 22 + len("shop") + 130)
            assert parcel.body_bytes <= limit
            assert stored <= limit


def test_each_message_gets_one_id_and_keeps_it() -> None:
    several = [Message("shop", b"x") for _ in range(3)]
    pack(several, "shop", MIB)
    ids = [message.unique_id for message in several]
    pack(several, "shop", MIB)

    assert ids == [message.unique_id for message in several]
    assert 3 == len(set(ids))


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        (Message("other", b"x"), "topic"),
        (Message("shop", b"x", properties={"DELAY": "3"}), "delay"),
        (Message("shop", b"x", properties={"TRAN_MSG": "true"}), "transaction"),
        (Message("shop", b"x", properties={"WAIT": "false"}), "WAIT"),
        (Message("shop", b""), "empty"),
        ("text", "must be a Message"),
    ],
)
def test_what_no_batch_may_hold_is_refused_with_the_reason(second: Message, reason: str) -> None:
    with pytest.raises(InvalidMessageError, match=reason):
        pack([Message("shop", b"x"), second], "shop", MIB)


def test_nothing_and_retry_topics_are_refused() -> None:
    with pytest.raises(InvalidMessageError, match="no messages"):
        pack([], "shop", MIB)
    with pytest.raises(InvalidMessageError, match="retry topic"):
        pack([Message("%RETRY%g", b"x")], "%RETRY%g", MIB)


def test_bodies_over_the_limit_are_refused_and_those_at_it_are_not() -> None:
    assert 1 == len(pack([Message("shop", b"x" * 1000)], "shop", 1000))
    with pytest.raises(MessageTooLargeError, match="max_message_bytes 1,000"):
        pack([Message("shop", b"x" * 1001)], "shop", 1000)
    with pytest.raises(MessageTooLargeError, match="properties"):
        pack([Message("shop", b"x", properties={"a": "b" * 32_700})], "shop", MIB)


def test_the_size_of_a_message_is_that_of_its_record() -> None:
    message = Message("shop", b"hello", "new", "order-1")
    size = check_message(message, MIB)

    assert size == len(encode_batch_body([message]))
    assert message.unique_id is not None


def test_one_message_alone_is_sent_as_itself() -> None:
    message = Message("shop", b"hello", "new", "order-1", flag=7, properties={"a": "b"})
    [parcel] = pack([message], "shop", MIB)

    assert message == parcel.message()


def test_keys_of_order_are_found_when_they_matter() -> None:
    keyed = Message("shop", b"x")
    keyed.sharding_key = "order-1"
    java = Message("shop", b"x", properties={"__SHARDINGKEY": "order-1"})
    plain = Message("shop", b"x", properties={"NOT_SHARDING_KEY": "order-1"})

    assert pack([keyed], "shop", MIB, takes_keys=False) is None
    assert pack([plain, java], "shop", MIB, takes_keys=False) is None
    assert pack([plain], "shop", MIB, takes_keys=False) is not None


# ---- results ----


def answered(ids: str | None, count: int) -> Parcel:
    [parcel] = pack([Message("shop", b"x") for _ in range(count)], "shop", MIB)
    parcel.settle(
        SendMessageResult(queue_id=3, queue_offset=100, offset_msg_id=ids, region_id="r", attempts=2)
    )
    return parcel


def test_each_message_gets_its_own_part_of_the_answer() -> None:
    parcel = answered("AAA,BBB,CCC", 3)
    results = [parcel.result(index) for index in range(3)]

    assert ["AAA", "BBB", "CCC"] == [
        result.offset_msg_id for result in results if isinstance(result, SendMessageResult)
    ]
    assert [100, 101, 102] == [
        result.queue_offset for result in results if isinstance(result, SendMessageResult)
    ]
    assert {(3, "r", 2)} == {
        (result.queue_id, result.region_id, result.attempts)
        for result in results
        if isinstance(result, SendMessageResult)
    }
    assert 3 == len({result.msg_id for result in results if isinstance(result, SendMessageResult)})


@pytest.mark.parametrize("ids", ["AAA", None, "A,B,C,D"])
def test_ids_that_are_not_one_for_each_message_are_left_out(ids: str | None) -> None:
    result = answered(ids, 3).result(1)

    assert isinstance(result, SendMessageResult)
    assert result.offset_msg_id is None
    assert result.msg_id is not None


def test_ids_of_different_lengths_find_their_message() -> None:
    result = answered("A,BBB,CC", 3).result(1)

    assert isinstance(result, SendMessageResult)
    assert "BBB" == result.offset_msg_id


def test_results_can_be_pickled() -> None:
    result = answered("AAA,BBB,CCC", 3).result(1)

    assert result == pickle.loads(pickle.dumps(result))


def test_a_failure_is_the_result_of_every_message() -> None:
    [parcel] = pack([Message("shop", b"x"), Message("shop", b"y")], "shop", MIB)
    error = RpcTimeoutError("no answer")
    parcel.settle(error)

    assert error is parcel.result(0) is parcel.result(1)
    assert (False, False) == (parcel.is_stored, parcel.is_confirmed)
    with pytest.raises(IndexError):
        parcel.result(2)


def test_messages_that_nobody_kept_can_be_made_again() -> None:
    several = [Message("shop", b"%d" % at, tags="t", properties={"a": "b"}) for at in range(5)]
    [parcel] = pack(several, "shop", MIB)

    assert several[:3] == parcel.unheard(3)
    assert copy.copy(several[4]) == parcel.unheard(10)[4]
