"""Send answers: the fast way reads what the general way reads, and refuses what it refuses."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from pyrocketmq._native.answer import SendResult, decode_send_answer
from tests.properties import FEWER_EXAMPLES

from .agreement import Refusal, outcome
from .codec import answers as reference
from .codec.command import LANGUAGES, Command
from .codec.frames import encode_frame
from .odd_json import odd_headers
from .strategies import INT16, INT32, INT64, damaged, ext_fields, text

codecs = st.sampled_from(["json", "binary"])
number_texts = st.one_of(
    INT32.map(str),
    INT64.map(str),
    st.integers().map(str),
    st.sampled_from(
        ["", "-", "-0", "00", "+1", " 1", "1 ", "0x1", "1.0", "\u0661", "9" * 18, "9" * 19, "-" + "9" * 19]
    ),
)
id_texts = st.text("0123456789ABCDEF,", max_size=60) | text
answer_fields = st.fixed_dictionaries(
    {},
    optional={
        "msgId": id_texts,
        "queueId": number_texts,
        "queueOffset": number_texts,
        "transactionId": id_texts,
        "MSG_REGION": text,
        "recallHandle": text,
    },
)
fields = st.builds(lambda known, other: {**known, **other}, answer_fields, ext_fields) | answer_fields
answers = st.builds(
    Command,
    code=st.sampled_from([0, 1, 10, 11, 12, 17]) | INT16,
    language=st.integers(0, len(LANGUAGES) - 1) | st.none(),
    version=INT16,
    opaque=INT32,
    flag=st.just(1) | INT32,
    remark=st.none() | text,
    ext_fields=st.none() | fields,
    body=st.none() | st.binary(max_size=8),
)
whole_answers = st.builds(encode_frame, answers, codecs)


def read_natively(frame: bytes) -> reference.SendAnswer | Refusal:
    found = outcome(lambda: decode_send_answer(frame))
    if isinstance(found, Refusal):
        return found
    return reference.SendAnswer(
        found.code, found.opaque, found.queue_id, found.queue_offset, found.offset_msg_id,
        own_transaction_id(found), found.region_id, found.recall_handle, found.remark,
    )  # fmt: skip


def own_transaction_id(found: SendResult) -> str | None:
    """The id that came, not the message id that stands in for a missing one."""
    marker = "no transaction id came"
    found.msg_id = marker
    return None if found.transaction_id == marker else found.transaction_id


def assert_read_alike(frame: bytes, *, compare_fields: bool = True) -> None:
    expected = outcome(lambda: reference.decode_send_answer(frame))
    found = read_natively(frame)
    if (
        isinstance(expected, reference.SendAnswer)
        and not isinstance(found, Refusal)
        and expected.opaque is None
    ):
        found = replace(found, opaque=None)
    if isinstance(expected, Refusal) and isinstance(found, Refusal) and not compare_fields:
        expected, found = expected._replace(field=None), found._replace(field=None)
    assert expected == found


@FEWER_EXAMPLES
@given(whole_answers)
def test_answers_are_read_alike(frame: bytes) -> None:
    assert_read_alike(frame)


@FEWER_EXAMPLES
@given(whole_answers, st.data())
def test_damaged_answers_are_read_alike(frame: bytes, data: st.DataObject) -> None:
    size = int.from_bytes(frame[5:8], "big")
    header = data.draw(damaged(st.just(frame[8 : 8 + size])))
    rest = frame[4:5] + len(header).to_bytes(3, "big") + header + frame[8 + size :]
    assert_read_alike(len(rest).to_bytes(4, "big") + rest, compare_fields=frame[4] == 1)


@FEWER_EXAMPLES
@given(damaged(whole_answers))
def test_answers_of_a_wrong_length_are_read_alike(frame: bytes) -> None:
    assert_read_alike(frame, compare_fields=frame[4:5] != b"\x00")


@FEWER_EXAMPLES
@given(odd_headers())
def test_odd_json_answers_are_read_alike(header: str) -> None:
    raw = header.encode()
    frame = (4 + len(raw)).to_bytes(4, "big") + len(raw).to_bytes(4, "big") + raw
    assert_read_alike(frame, compare_fields=False)
