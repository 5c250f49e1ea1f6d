"""The command of a send, built field by field: SEND_MESSAGE_V2 with its one-letter names, or a batch."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .batches import MAX_BODY_BYTES
from .command import LANGUAGES, Command
from .frames import Codec, encode_frame
from .messages import Outgoing, encode_batch_of, properties_text
from .refusal import RefusedError

SEND_MESSAGE_V2 = 310
SEND_BATCH_MESSAGE = 320
VERSION = 513
ONE_WAY = 2
MAX_HEADER_BYTES = 65536
MAX_FRAME_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Send:
    group: str
    broker: str
    queue_id: int
    opaque: int
    born_ms: int
    sys_flag: int
    oneway: bool


def send_command(send: Send, message: Outgoing, *, batch_body: bytes | None = None) -> Command:
    is_batch = batch_body is not None
    fields: dict[str | None, str | None] = {
        "a": send.group,
        "b": message.topic,
        "c": "TBW102",
        "d": "4",
        "e": str(send.queue_id),
        "f": str(send.sys_flag),
        "g": str(send.born_ms),
        "h": "0" if is_batch else str(message.flag),
        "i": "" if is_batch else properties_text(message),
        "j": "0",
        "k": "false",
        "m": "true" if is_batch else "false",
    }
    if send.broker:
        fields["n"] = send.broker
    return Command(
        code=SEND_BATCH_MESSAGE if is_batch else SEND_MESSAGE_V2,
        language=LANGUAGES.index("PYTHON"),
        version=VERSION,
        opaque=send.opaque,
        flag=ONE_WAY if send.oneway else 0,
        remark=None,
        ext_fields=fields,
        body=batch_body if is_batch else message.body,
    )


def _frame_of(command: Command, codec: Codec) -> bytes:
    fields = command.ext_fields or {}
    if codec == "binary" and not fields["i"]:
        # Java reads an empty value of this codec as null, so it is not worth its seven bytes.
        command = replace(command, ext_fields={name: fields[name] for name in fields if name != "i"})
    frame = encode_frame(command, codec)
    if int.from_bytes(frame[5:8], "big") > MAX_HEADER_BYTES:
        raise RefusedError("serialization", "properties", "header over 65,536 bytes")
    if len(frame) > MAX_FRAME_BYTES:
        raise RefusedError("serialization", "frame", "over 16 MiB")
    return frame


def send_frame(send: Send, message: Outgoing, codec: Codec, max_bytes: int = MAX_BODY_BYTES) -> bytes:
    if not message.body:
        raise RefusedError("invalid_message", "body", "empty")
    if len(message.body) > max_bytes:
        raise RefusedError("too_large", "body", str(len(message.body)))
    return _frame_of(send_command(send, message), codec)


def batch_frame(send: Send, messages: list[Outgoing], codec: Codec, max_bytes: int = MAX_BODY_BYTES) -> bytes:
    body = encode_batch_of(messages)
    if len(body) > max_bytes:
        raise RefusedError("too_large", "messages", str(len(body)))
    return _frame_of(send_command(send, messages[0], batch_body=body), codec)
