"""Small questions about one command: is it whole, did it succeed, whose topic is it, what is it in a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyrocketmq._native.command import RemotingCommand, next_opaque
from pyrocketmq.errors import SerializationError
from pyrocketmq.model.enums import RequestCode, ResponseCode
from pyrocketmq.model.headers import HEADERS
from pyrocketmq.model.requests.making import LETTER_CODES
from pyrocketmq.model.serializer import RemotingCommandSerializer

if TYPE_CHECKING:
    from pyrocketmq.model.headers import Header

__all__ = [
    "generate_opaque",
    "get_command_summary",
    "get_topic_from_command",
    "is_success_response",
    "validate_command",
]

_HEADER_BY_CODE: Final[dict[int, type[Header]]] = {
    cls.CODE: cls for cls in HEADERS.values() if cls.CODE is not None
}
for _code, _same_as in (
    (RequestCode.SEND_BATCH_MESSAGE, RequestCode.SEND_MESSAGE_V2),
    (RequestCode.SEND_REPLY_MESSAGE_V2, RequestCode.SEND_MESSAGE_V2),
    (RequestCode.SEND_REPLY_MESSAGE, RequestCode.SEND_MESSAGE),
    (RequestCode.LITE_PULL_MESSAGE, RequestCode.PULL_MESSAGE),
    (RequestCode.RESET_CONSUMER_CLIENT_OFFSET, RequestCode.INVOKE_BROKER_TO_RESET_OFFSET),
    (RequestCode.GET_CONSUMER_STATUS_FROM_CLIENT, RequestCode.INVOKE_BROKER_TO_GET_CONSUMER_STATUS),
):
    _HEADER_BY_CODE[_code] = _HEADER_BY_CODE[_same_as]

_GROUP_FIELDS: Final = ("consumerGroup", "producerGroup", "group", "groupName")
_MAX_REMARK = 60


def validate_command(command: RemotingCommand) -> bool:
    """True for a command that can be sent; everything else raises, so that the reason is not lost.

    A request of a known code must have its required ext fields, of the right types: brokers do not check that
    for their hot requests, and fail with an unrelated text instead.

    Raises:
        SerializationError: it cannot be encoded within the limits, or a required ext field is missing.
        DeserializationError: an ext field is not of its type.
    """
    _require_command(command)
    header = _HEADER_BY_CODE.get(command.code) if command.is_request else None
    if header is not None:
        fields = command.ext_fields or {}
        missing = [field for field in header.FIELDS if field.required and field.wire not in fields]
        if missing:
            names = ", ".join(f"{field.wire} ({field.name})" for field in missing)
            raise SerializationError(
                f"{_code_text(command)} lacks the required ext fields {names}",
                field=missing[0].name,
                advice=f"Fill them in, or make the command from a {header.__name__}.",
            )
        header.from_ext_fields(fields)
    RemotingCommandSerializer.serialize(command)
    return True


def generate_opaque() -> int:
    """The next free request number of this process; numbers wrap after 32 bits."""
    return next_opaque()


def is_success_response(command: RemotingCommand) -> bool:
    """Whether a command is an answer with code SUCCESS; its remark does not count."""
    return command.is_response and command.code == ResponseCode.SUCCESS


def get_topic_from_command(command: RemotingCommand) -> str | None:
    """The topic that a request names in its ext fields, None if it names none."""
    name = "b" if command.is_request and command.code in LETTER_CODES else "topic"
    return (command.ext_fields or {}).get(name)


def get_command_summary(command: RemotingCommand) -> str:
    """A command in one line, for logs: kind, code, opaque, topic, group, sizes. Never its content."""
    fields = command.ext_fields or {}
    kind = "request" if command.is_request else "answer"
    if command.is_oneway:
        kind = f"one-way {kind}"
    parts = [kind, _code_text(command), f"opaque={command.opaque}"]
    topic = get_topic_from_command(command)
    if topic is not None:
        parts.append(f"topic={topic}")
    group = next((fields[name] for name in _GROUP_FIELDS if name in fields), None)
    if group is None and command.is_request and command.code in LETTER_CODES:
        group = fields.get("a")
    if group is not None:
        parts.append(f"group={group}")
    parts.append(f"ext_fields={len(fields)}")
    parts.append(f"body={len(command.body or b''):,} bytes")
    if command.remark:
        shown = command.remark[:_MAX_REMARK]
        parts.append(f"remark={shown!r}" + ("..." if len(command.remark) > _MAX_REMARK else ""))
    return " ".join(parts)


def _require_command(command: object) -> None:
    if not isinstance(command, RemotingCommand):
        raise SerializationError(
            f"command must be a RemotingCommand, got {type(command).__name__}",
            field="command",
            advice="Make one with RemotingRequestFactory or RemotingCommandBuilder.",
        )


def _code_text(command: RemotingCommand) -> str:
    try:
        name = (RequestCode if command.is_request else ResponseCode)(command.code).name
    except ValueError:
        name = "code"
    return f"{name}({command.code})"
