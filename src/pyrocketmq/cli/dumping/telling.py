"""Says what a frame is: names for codes and letters, fields, a summary of the body. Secrets stay out.

Works on one decoded command at a time, and does no I/O.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from pyrocketmq._native.batch import decode_batch_body
from pyrocketmq._native.command import LANGUAGE_NAMES
from pyrocketmq._native.properties import decode_properties
from pyrocketmq._native.stored import decode_messages
from pyrocketmq.errors import RocketMQError
from pyrocketmq.logging.masking import MASK, is_secret_name, mask_secrets
from pyrocketmq.model import HEADERS, RequestCode, ResponseCode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyrocketmq.model import RemotingCommand

__all__ = ["code_name", "release_of", "tell_body", "tell_fields", "tell_frame", "text_of"]

_LETTER_CODES: Final = {
    RequestCode.SEND_MESSAGE_V2,
    RequestCode.SEND_BATCH_MESSAGE,
    RequestCode.SEND_REPLY_MESSAGE_V2,
}
_SENDS: Final = {*_LETTER_CODES, RequestCode.SEND_MESSAGE, RequestCode.SEND_REPLY_MESSAGE}
_STORED_IN_REQUEST: Final = {RequestCode.CHECK_TRANSACTION_STATE, RequestCode.CONSUME_MESSAGE_DIRECTLY}
_STORED_IN_ANSWER: Final = {
    RequestCode.PULL_MESSAGE,
    RequestCode.LITE_PULL_MESSAGE,
    RequestCode.POP_MESSAGE,
    RequestCode.PEEK_MESSAGE,
    RequestCode.QUERY_MESSAGE,
    RequestCode.VIEW_MESSAGE_BY_ID,
}
_LONG_NAMES: Final = {field.name: field.wire for field in HEADERS["SendMessageRequestHeader"].FIELDS}
_LETTERS: Final = {
    field.wire: _LONG_NAMES.get(field.name, "brokerName" if field.name == "broker_name" else field.wire)
    for field in HEADERS["SendMessageRequestHeaderV2"].FIELDS
}
_MESSAGES_SHOWN: Final = 3


def code_name(code: int, *, is_request: bool) -> str:
    """``SEND_MESSAGE_V2(310)``; a code nobody knows is shown as a number alone."""
    try:
        return f"{(RequestCode if is_request else ResponseCode)(code).name}({code})"
    except ValueError:
        return f"code({code})"


def release_of(version: int) -> str:
    """The RocketMQ release of a version number: 513 is 5.5.0; the odd numbers are snapshots."""
    if version < 213:
        return f"version {version}"
    major, rest = divmod(version - 213, 200)
    minor, patch = divmod(rest, 20)
    if patch % 2:  # the number of a snapshot is the one below its release
        return release_of(version + 1) + "-SNAPSHOT"
    return f"{4 + major}.{minor}.{patch // 2}"


def tell_frame(
    command: RemotingCommand, size: int, codec: int, *, request_code: int | None, body_chars: int
) -> dict[str, object]:
    """All of a frame that is worth knowing, as JSON values.

    Args:
        command: the decoded frame.
        size: bytes of the frame.
        codec: its codec byte, 0 for JSON.
        request_code: the code of the request that this answers; None if that is not known.
        body_chars: how much of a body is shown.
    """
    is_request = command.is_request
    code = command.code if is_request else request_code
    told: dict[str, object] = {
        "kind": ("one-way " if command.is_oneway else "") + ("request" if is_request else "answer"),
        "code": command.code,
        "name": code_name(command.code, is_request=is_request),
        "opaque": command.opaque,
        "flag": command.flag,
        "language": None if command.language is None else LANGUAGE_NAMES[command.language],
        "release": release_of(command.version),
        "codec": "json" if codec == 0 else "binary",
        "bytes": size,
    }
    if command.remark:
        told["remark"] = mask_secrets(command.remark)
    told["fields"] = tell_fields(command, code)
    body = command.body
    if body:
        told["body_bytes"] = len(body)
        if body_chars:
            told["body"] = tell_body(command, code, body, body_chars)
    return told


def tell_fields(command: RemotingCommand, code: int | None) -> dict[str, object]:
    """The ext fields with readable names, the properties of a message taken apart."""
    letters = command.is_request and code in _LETTER_CODES
    told: dict[str, object] = {}
    for name, value in cast("Mapping[str, str | None]", command.ext_fields or {}).items():
        shown = f"{_LETTERS[name]}({name})" if letters and name in _LETTERS else name
        if is_secret_name(name):
            told[shown] = MASK
        elif value and (name == "properties" or (letters and name == "i")):
            told[shown] = _masked(decode_properties(str(value)))
        else:
            told[shown] = None if value is None else mask_secrets(value)
    return told


def tell_body(command: RemotingCommand, code: int | None, body: bytes, chars: int) -> str:
    """What a body holds, in a line or a few."""
    try:
        if command.is_request:
            if code in _SENDS and _is_batch(command, code):
                return _tell_batch(body, chars)
            if code in _STORED_IN_REQUEST:
                return _tell_messages(body, chars)
        elif code in _STORED_IN_ANSWER:
            return _tell_messages(body, chars)
    except RocketMQError as error:
        return f"not what it should be: {error.what}; {text_of(body, chars)}"
    return text_of(body, chars)


def _is_batch(command: RemotingCommand, code: int | None) -> bool:
    fields = command.ext_fields or {}
    name = "m" if code in _LETTER_CODES else "batch"
    return code == RequestCode.SEND_BATCH_MESSAGE or fields.get(name) == "true"


def _tell_batch(body: bytes, chars: int) -> str:
    records = decode_batch_body(body)
    lines = [
        f"{text_of(record.body, chars)} {_flat(_masked(record.properties))}".rstrip()
        for record in records[:_MESSAGES_SHOWN]
    ]
    return _listed("batch of ", "message", lines, len(records))


def _tell_messages(body: bytes, chars: int) -> str:
    messages = decode_messages(body, expand=False)
    lines = [
        f"{message.topic} queue {message.queue_id} offset {message.queue_offset}"
        f" id {message.msg_id}: {text_of(message.raw_body, chars)} {_flat(_masked(message.properties))}"
        for message in messages[:_MESSAGES_SHOWN]
    ]
    return _listed("", "stored message", lines, len(messages))


def _listed(before: str, kind: str, lines: list[str], count: int) -> str:
    if count > len(lines):
        lines = [*lines, f"and {count - len(lines):,} more"]
    head = f"{before}{count:,} {kind}{'' if count == 1 else 's'}:"
    return "\n".join([head, *(f"  {line}" for line in lines)])


def _masked(properties: Mapping[str, str]) -> dict[str, str]:
    return {name: MASK if is_secret_name(name) else mask_secrets(value) for name, value in properties.items()}


def _flat(properties: Mapping[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in properties.items())


def text_of(body: bytes, chars: int) -> str:
    """The beginning of a body as text if it is text, else as hex, never with a secret in it."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return _cut(body[:chars].hex(" "), chars, len(body) > chars // 3)
    # Masked as a whole: a cut in the middle could leave the end of a secret.
    text = mask_secrets(text[: 64 * 1024]).replace("\n", "\\n").replace("\r", "\\r")
    shown = "".join(character if character.isprintable() else "\ufffd" for character in text)
    return _cut(shown, chars, len(shown) > chars)


def _cut(text: str, chars: int, more: bool) -> str:
    return text[:chars] + ("..." if more else "")
