"""What a send answer says: the few header fields a producer needs."""

from __future__ import annotations

from dataclasses import dataclass

from .frames import decode_frame


@dataclass(frozen=True)
class SendAnswer:
    code: int
    opaque: int | None
    msg_id: str | None
    queue_id: str | None
    queue_offset: str | None
    transaction_id: str | None
    remark: str | None


def decode_send_answer(frame: bytes) -> SendAnswer:
    command = decode_frame(frame)
    fields = command.ext_fields or {}
    return SendAnswer(
        command.code, command.opaque, fields.get("msgId"), fields.get("queueId"),
        fields.get("queueOffset"), fields.get("transactionId"), command.remark,
    )  # fmt: skip
