"""Trace records: what clients write into the trace topic about their sends and consumptions.

A message of the trace topic has the records of one context as its body and the ids they are found by as its
keys. When and where traces are sent is decided by the client layer.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pyrocketmq.errors import DeserializationError, SerializationError
from pyrocketmq.model._declared import Declared, wire
from pyrocketmq.model.decimal_text import parse_decimal

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["TraceBean", "TraceContext", "TraceType", "decode_traces", "encode_trace"]

FIELD_SEPARATOR: Final = "\x01"
RECORD_END: Final = "\x02"


class TraceType(StrEnum):
    """The kinds of records."""

    PUB = "Pub"
    SUB_BEFORE = "SubBefore"
    SUB_AFTER = "SubAfter"
    END_TRANSACTION = "EndTransaction"
    RECALL = "Recall"


class TraceBean(Declared):
    """What a record says about one message.

    Args:
        topic: the topic.
        msg_id: the client's id, UNIQ_KEY.
        tags: the tag.
        keys: index keys, a blank between them.
        store_host: address of the broker.
        body_length: bytes.
        msg_type: 0 normal, 1 half, 2 commit, 3 delay, 4 order.
        offset_msg_id: the broker's id.
        retry_times: deliveries before this one.
        transaction_id: of a transaction.
        transaction_state: COMMIT_MESSAGE, ROLLBACK_MESSAGE or UNKNOW.
        from_transaction_check: True when the state answers a check.
    """

    topic: str | None = ""
    msg_id: str | None = ""
    tags: str | None = ""
    keys: str | None = ""
    store_host: str | None = ""
    body_length: int = 0
    msg_type: int = 0
    offset_msg_id: str | None = ""
    retry_times: int = 0
    transaction_id: str | None = None
    transaction_state: str | None = None
    from_transaction_check: bool = False


class TraceContext(Declared):
    """What one send, delivery or transaction end is traced with; one record per bean.

    Args:
        trace_type: the kind of record.
        beans: the messages; a kind other than SubBefore and SubAfter has one.
        timestamp: ms.
        region_id: region of the broker.
        group_name: group of the client.
        cost_time: ms.
        success: whether it went well.
        request_id: joins SubBefore and SubAfter.
        context_code: 0 success, 1 time-out, 2 exception, 3 returned nothing, 4 failed.
        cloud: written for the cloud channel, which leaves two fields of SubAfter out.
    """

    trace_type: str
    beans: list[TraceBean] = wire(default_factory=list[TraceBean])
    timestamp: int = 0
    region_id: str | None = ""
    group_name: str | None = ""
    cost_time: int = 0
    success: bool = True
    request_id: str | None = ""
    context_code: int = 0
    cloud: bool = False


class _Place(NamedTuple):
    """Where one value of a record is kept, and how its text is read."""

    in_bean: bool
    name: str
    read: Callable[[str], Any]


def _or_none(part: str) -> str | None:
    return None if part == "null" else part


def _is_true(part: str) -> bool:
    return part == "true"


def _context(name: str, read: Callable[[str], Any] = _or_none) -> _Place:
    return _Place(in_bean=False, name=name, read=read)


def _bean(name: str, read: Callable[[str], Any] = _or_none) -> _Place:
    return _Place(in_bean=True, name=name, read=read)


_SENDER: Final = (_context("timestamp", parse_decimal), _context("region_id"), _context("group_name"))
_STORED: Final = (_bean("topic"), _bean("msg_id"), _bean("tags"), _bean("keys"), _bean("store_host"))

_RECORDS: Final[dict[str, tuple[_Place, ...]]] = {
    TraceType.PUB: (
        *_SENDER,
        *_STORED,
        _bean("body_length", parse_decimal),
        _context("cost_time", parse_decimal),
        _bean("msg_type", parse_decimal),
        _bean("offset_msg_id"),
        _context("success", _is_true),
    ),
    TraceType.SUB_BEFORE: (
        *_SENDER,
        _context("request_id"),
        _bean("msg_id"),
        _bean("retry_times", parse_decimal),
        _bean("keys"),
    ),
    TraceType.SUB_AFTER: (
        _context("request_id"),
        _bean("msg_id"),
        _context("cost_time", parse_decimal),
        _context("success", _is_true),
        _bean("keys"),
        _context("context_code", parse_decimal),
        _context("timestamp", parse_decimal),
        _context("group_name"),
    ),
    TraceType.END_TRANSACTION: (
        *_SENDER,
        *_STORED,
        _bean("msg_type", parse_decimal),
        _bean("transaction_id"),
        _bean("transaction_state"),
        _bean("from_transaction_check", _is_true),
    ),
    TraceType.RECALL: (*_SENDER, _bean("topic"), _bean("msg_id"), _context("success", _is_true)),
}
"""The values of each kind of record in their order, after the kind itself."""

_ONLY_NOT_CLOUD: Final = 2  # so many values at the end of SubAfter


_FOREIGN_FORM: Final = "Leave this message out: its sender writes traces of another form."


def encode_trace(context: TraceContext) -> tuple[str, set[str]]:
    """The records of a context and the keys they are found by.

    Raises:
        SerializationError: the kind is unknown, a bean is missing, or a value has a separator.
    """
    if context.trace_type not in _RECORDS:
        raise SerializationError(
            f"trace type {context.trace_type!r} is unknown, known are {', '.join(_RECORDS)}",
            field="trace_type",
            advice="Use a member of TraceType.",
        )
    per_message = context.trace_type in (TraceType.SUB_BEFORE, TraceType.SUB_AFTER)
    if not context.beans and not per_message:
        raise SerializationError(
            f"a {context.trace_type} trace has no bean, it needs one",
            field="beans",
            advice="Add a TraceBean with the message's topic and id.",
        )
    beans = context.beans if per_message else context.beans[:1]
    keys: set[str] = set()
    for bean in context.beans:
        if bean.msg_id is not None:
            keys.add(bean.msg_id)
        if bean.keys and not bean.keys.isspace():
            keys.update(bean.keys.rstrip(" ").split(" "))
    return "".join([_encode_record(context, bean) for bean in beans]), keys


def _encode_record(context: TraceContext, bean: TraceBean) -> str:
    places = _RECORDS[context.trace_type]
    if _is_cloud(context):
        places = places[:-_ONLY_NOT_CLOUD]
    parts: list[str] = [context.trace_type]
    for place in places:
        part = _text(getattr(bean if place.in_bean else context, place.name))
        if FIELD_SEPARATOR in part or RECORD_END in part:
            raise SerializationError(
                f"{place.name} of a trace has a byte 0x01 or 0x02, which separates values: {part[:80]!r}",
                field="beans" if place.in_bean else place.name,
                advice="Leave this message out of the trace.",
            )
        parts.append(part)
    if _is_cloud(context):
        parts.append("")  # the separator before the values that are left out stays
    return FIELD_SEPARATOR.join(parts) + RECORD_END


def _is_cloud(context: TraceContext) -> bool:
    return context.cloud and context.trace_type == TraceType.SUB_AFTER


def _text(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def decode_traces(text: str) -> list[TraceContext]:
    """The contexts in the body of a trace message, one per record.

    Raises:
        DeserializationError: a record is unknown, too short, or has a wrong number.
    """
    pieces = text.split(RECORD_END)
    if pieces.pop():
        raise DeserializationError(
            f"the trace ends inside a record of {len(text):,} characters",
            field="body",
            advice="Give the whole body of a message of the trace topic.",
        )
    return [_decode_record(piece.split(FIELD_SEPARATOR)) for piece in pieces]


def _decode_record(parts: list[str]) -> TraceContext:
    kind = parts[0]
    places = _RECORDS.get(kind)
    if places is None:
        raise DeserializationError(
            f"trace record of unknown kind {kind[:40]!r}, known are {', '.join(_RECORDS)}",
            field="body",
            advice="Read only messages of the trace topic; a newer client may write further kinds.",
        )
    context, bean = TraceContext(kind), TraceBean()
    context.beans.append(bean)
    if kind == TraceType.SUB_AFTER and len(parts) <= len(places):
        context.cloud = True
        places = places[:-_ONLY_NOT_CLOUD]
    if len(parts) <= len(places):
        raise DeserializationError(
            f"{kind} trace record has {len(parts)} values, it needs {len(places) + 1}",
            field="body",
            advice=_FOREIGN_FORM,
        )
    for place, part in zip(places, parts[1:], strict=False):
        value = place.read(part)
        if value is None and place.read is parse_decimal:
            raise DeserializationError(
                f"{place.name} of a {kind} trace record is {part[:40]!r}, it must be a whole number",
                field=place.name,
                advice=_FOREIGN_FORM,
            )
        setattr(bean if place.in_bean else context, place.name, value)
    return context
