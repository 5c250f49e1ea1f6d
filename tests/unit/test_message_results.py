"""What a pull gives back, for each code a broker answers with."""

from __future__ import annotations

import copy
import pickle

import pytest

from pyrocketmq._native.answer import SendResult
from pyrocketmq._native.command import RemotingCommand
from pyrocketmq.errors import DeserializationError
from pyrocketmq.model.message_ext import MessageExt, encode_message
from pyrocketmq.model.message_results import (
    MessageResults,
    PullMessageResult,
    PullStatus,
    SendMessageResult,
)

OFFSETS = {"nextBeginOffset": "12", "minOffset": "3", "maxOffset": "20", "suggestWhichBrokerId": "1"}
RECORDS = b"".join([encode_message("T", b"abc", queue_offset=offset) for offset in (10, 11)])


def answer(code: int, body: bytes | None = None, **fields: str) -> RemotingCommand:
    return RemotingCommand(code, ext_fields={**OFFSETS, **fields}, body=body, flag=1)


def test_found_messages_are_there_with_their_offsets() -> None:
    result = PullMessageResult.from_command(answer(0, RECORDS), broker_name="b")
    assert result.status is PullStatus.FOUND
    assert (result.next_begin_offset, result.min_offset, result.max_offset) == (12, 3, 20)
    assert result.suggest_which_broker_id == 1
    assert [message.broker_name for message in result.messages] == ["b", "b"]
    assert (result.messages.first_offset, result.messages.last_offset) == (10, 11)
    assert result.messages.body_bytes == 6
    assert repr(result.messages) == "MessageResults(2 messages, offsets 10 to 11)"


def test_the_offset_delta_of_static_topics_is_added() -> None:
    result = PullMessageResult.from_command(answer(0, RECORDS, offsetDelta="100"))
    assert result.messages.first_offset == 110


@pytest.mark.parametrize(
    ("code", "status"),
    [(19, PullStatus.NO_NEW_MSG), (20, PullStatus.NO_MATCHED_MSG), (21, PullStatus.OFFSET_ILLEGAL)],
)
def test_without_messages_the_offsets_still_count(code: int, status: PullStatus) -> None:
    result = PullMessageResult.from_command(answer(code))
    assert result.status is status
    assert result.next_begin_offset == 12
    assert result.messages == []


def test_an_empty_list_has_no_offsets() -> None:
    empty = MessageResults.decode(None)
    assert (empty.first_offset, empty.last_offset, empty.body_bytes) == (None, None, 0)
    assert repr(empty) == "MessageResults([])"


def test_a_refusal_is_no_result() -> None:
    with pytest.raises(DeserializationError) as caught:
        PullMessageResult.from_command(RemotingCommand(24, remark="the consumer's subscription not exist"))
    assert caught.value.field == "code"
    assert "code 24" in caught.value.what
    assert "not exist" in caught.value.what


def test_a_missing_offset_is_named() -> None:
    with pytest.raises(DeserializationError) as caught:
        PullMessageResult.from_command(RemotingCommand(0, ext_fields={"minOffset": "1"}))
    assert caught.value.field == "suggest_which_broker_id"


def test_results_are_copied_and_pickled() -> None:
    result = PullMessageResult.from_command(answer(0, RECORDS))
    assert copy.copy(result) == pickle.loads(pickle.dumps(result)) == result


def test_the_classes_have_their_names_in_the_model_too() -> None:
    assert SendMessageResult is SendResult
    assert isinstance(MessageResults.decode(RECORDS)[0], MessageExt)
