"""What a send answer says: the few header fields that a producer needs."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .frames import decode_frame
from .refusal import RefusedError


@dataclass(frozen=True)
class SendAnswer:
    code: int
    opaque: int | None
    queue_id: int
    queue_offset: int
    msg_id: str | None
    transaction_id: str | None
    region_id: str | None
    recall_handle: str | None
    remark: str | None


def _number(fields: dict[str | None, str | None], name: str, bits: int) -> int:
    text = fields.get(name)
    if text is None:
        return -1
    if not re.fullmatch(r"-?[0-9]+", text, re.ASCII) or not -(2 ** (bits - 1)) <= int(text) < 2 ** (bits - 1):
        raise RefusedError("deserialization", name, f"{text!r} is no number of {bits} bits")
    return int(text)


def decode_send_answer(frame: bytes) -> SendAnswer:
    command = decode_frame(frame)
    fields = command.ext_fields or {}
    return SendAnswer(
        command.code,
        command.opaque,
        _number(fields, "queueId", 32),
        _number(fields, "queueOffset", 64),
        fields.get("msgId"),
        fields.get("transactionId"),
        fields.get("MSG_REGION"),
        fields.get("recallHandle"),
        command.remark,
    )
