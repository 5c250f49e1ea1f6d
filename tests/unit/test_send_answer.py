"""The answer to a send: read from the bytes when plain, by the general decoder when not, alike."""

from __future__ import annotations

from typing import Literal

import pytest

from pyrocketmq._native.answer import SendResult, SendStatus, decode_send_answer
from pyrocketmq._native.command import RemotingCommand
from pyrocketmq._native.frame import encode_frame
from pyrocketmq.errors import DeserializationError

FIELDS = {
    "queueId": "3",
    "transactionId": "7F0000010001000000000000006300AA",
    "MSG_REGION": "DefaultRegion",
    "msgId": "7F00000100002A9F00000000000000C0",
    "TRACE_ON": "true",
    "queueOffset": "512",
}


def json_frame(header: str) -> bytes:
    text = header.encode()
    return (len(text) + 4).to_bytes(4, "big") + len(text).to_bytes(4, "big") + text


@pytest.mark.parametrize("codec", ["json", "binary"])
def test_the_fields_of_an_answer_are_read(codec: Literal["json", "binary"]) -> None:
    frame = encode_frame(RemotingCommand(0, opaque=-7, flag=1, ext_fields=FIELDS), codec)
    result = decode_send_answer(frame)

    assert (result.code, result.opaque, result.ok, result.status) == (0, -7, True, SendStatus.SEND_OK)
    assert (result.queue_id, result.queue_offset) == (3, 512)
    assert result.offset_msg_id == result.msg_id == FIELDS["msgId"]
    assert result.transaction_id == FIELDS["transactionId"]
    assert result.region_id == "DefaultRegion"
    assert result.recall_handle is None
    assert result.remark is None


@pytest.mark.parametrize("codec", ["json", "binary"])
@pytest.mark.parametrize("note", ["plain", "only the general decoder reads \u00e9"])
def test_a_broker_may_want_a_send_not_traced(codec: Literal["json", "binary"], note: str) -> None:
    fields = FIELDS | {"note": note}
    traced = encode_frame(RemotingCommand(0, flag=1, ext_fields=fields), codec)
    untraced = encode_frame(RemotingCommand(0, flag=1, ext_fields=fields | {"TRACE_ON": "false"}), codec)

    assert decode_send_answer(traced).trace_on
    assert not decode_send_answer(untraced).trace_on
    assert SendResult().trace_on


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (10, SendStatus.FLUSH_DISK_TIMEOUT),
        (11, SendStatus.SLAVE_NOT_AVAILABLE),
        (12, SendStatus.FLUSH_SLAVE_TIMEOUT),
        (2, None),
        (14, None),
    ],
)
def test_only_success_is_ok_and_a_refusal_has_no_status(code: int, status: SendStatus | None) -> None:
    result = decode_send_answer(encode_frame(RemotingCommand(code, flag=1, remark="busy", ext_fields=FIELDS)))

    assert result.status is status
    assert not result.ok
    assert result.remark == "busy"


def test_the_plain_form_and_any_other_form_give_equal_results() -> None:
    plain = (
        '{"code":0,"extFields":{"queueId":"3","msgId":"ABC","queueOffset":"9","transactionId":"T"},"flag":1,'
        '"language":"JAVA","opaque":5,"remark":"FOUND","serializeTypeCurrentRPC":"JSON","version":513}'
    )
    others = [
        plain.replace(":", " : ").replace(",", " ,\t"),
        plain.replace('"ABC"', '"\\u0041BC"'),
        plain.replace('"opaque":5', '"opaque":"5"'),
        plain.replace('"3"', "3"),
        plain.replace('"version"', '"unknown":{"a":[1,2]},"version"'),
        plain.replace('"extFields"', '"extFields":{"queueId":"8"},"extFields"'),
        plain.replace('"9"', '"8","queueOffset":"9"'),
    ]
    expected = decode_send_answer(json_frame(plain))

    assert expected.queue_offset == 9
    for other in others:
        assert decode_send_answer(json_frame(other)) == expected, other


def test_fields_whose_names_begin_or_end_like_those_of_an_answer_are_others() -> None:
    names = ("queueId", "msgId", "queueOffset", "MSG_REGION", "transactionId")
    strangers = {f"{name}s": "x" for name in names} | {name[:-1]: "y" for name in names}
    frame = encode_frame(RemotingCommand(0, opaque=5, flag=1, ext_fields=strangers | {"TRACE_ON": "truer"}))
    result = decode_send_answer(frame)

    assert (result.queue_id, result.queue_offset) == (-1, -1)
    assert (result.offset_msg_id, result.region_id, result.transaction_id) == (None, None, None)
    with_fields = encode_frame(RemotingCommand(0, opaque=5, flag=1, ext_fields=strangers | FIELDS))
    plain = encode_frame(RemotingCommand(0, opaque=5, flag=1, ext_fields=FIELDS))
    assert decode_send_answer(with_fields) == decode_send_answer(plain)
    assert decode_send_answer(with_fields).region_id == "DefaultRegion"


def test_a_remark_of_any_language_is_read() -> None:
    result = decode_send_answer(encode_frame(RemotingCommand(1, flag=1, remark='say "caf\u00e9"\n')))

    assert result.remark == 'say "caf\u00e9"\n'
    assert (result.queue_id, result.queue_offset, result.offset_msg_id) == (-1, -1, None)


def test_an_answer_without_a_transaction_id_falls_back_to_the_message_id() -> None:
    """A 4.9 broker sends none."""
    result = decode_send_answer(encode_frame(RemotingCommand(0, flag=1, ext_fields={"msgId": "M"})))
    assert result.transaction_id == "M"
    result.msg_id = "mine"
    assert (result.msg_id, result.transaction_id, result.offset_msg_id) == ("mine", "mine", "M")


@pytest.mark.parametrize("value", ["", "x", "1.5", "-", "99999999999", "\u0661"])
def test_a_queue_id_that_is_no_number_is_refused(value: str) -> None:
    with pytest.raises(DeserializationError, match="queueId of a send answer"):
        decode_send_answer(encode_frame(RemotingCommand(0, flag=1, ext_fields={"queueId": value})))


def test_every_cut_of_an_answer_is_noticed() -> None:
    codecs: tuple[Literal["json", "binary"], ...] = ("json", "binary")
    for codec in codecs:
        frame = encode_frame(RemotingCommand(0, flag=1, ext_fields=FIELDS), codec)
        for size in range(len(frame)):
            with pytest.raises(DeserializationError):
                decode_send_answer(frame[:size])


def test_a_result_can_be_made_and_compared() -> None:
    made = SendResult(
        SendStatus.SEND_OK, "id-1", "queue", 7, "tx", offset_msg_id="off", queue_id=2, attempts=3
    )

    assert (made.msg_id, made.message_queue, made.queue_offset, made.transaction_id) == (
        "id-1",
        "queue",
        7,
        "tx",
    )
    assert (made.offset_msg_id, made.queue_id, made.attempts, made.ok) == ("off", 2, 3, True)
    assert made == SendResult(
        SendStatus.SEND_OK, "id-1", "queue", 7, "tx", offset_msg_id="off", queue_id=2, attempts=3
    )
    assert made != SendResult(SendStatus.SEND_OK, "id-2", "queue", 7)
    assert repr(made) == "SendResult(SEND_OK, msg_id='id-1', queue_id=2, queue_offset=7)"
