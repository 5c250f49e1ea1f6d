"""Trace records: what clients write into the trace topic about their sends and consumptions.

A message of the trace topic has the records of one context as its body and the ids they are found by as its
keys. When and where traces are sent is decided by the client layer.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from pyrocketmq.errors import DeserializationError, SerializationError
from pyrocketmq.model._declared import Declared, wire

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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


def encode_trace(context: TraceContext) -> tuple[str, set[str]]:
    """The records of a context and the keys they are found by.

    Raises:
        SerializationError: the kind is unknown, a bean is missing, or a value has a separator.
    """
    if context.trace_type not in _FIELDS:
        raise SerializationError(
            f"trace type {context.trace_type!r} is unknown, known are {', '.join(_FIELDS)}",
            field="trace_type",
        )
    per_message = context.trace_type in (TraceType.SUB_BEFORE, TraceType.SUB_AFTER)
    if not context.beans and not per_message:
        raise SerializationError(f"a {context.trace_type} trace needs a message", field="beans")
    records: list[str] = []
    for bean in context.beans if per_message else context.beans[:1]:
        fields = [context.trace_type, *map(_text, _FIELDS[context.trace_type](context, bean))]
        for field in fields:
            if FIELD_SEPARATOR in field or RECORD_END in field:
                raise SerializationError(
                    f"a trace value has a byte 0x01 or 0x02, which separates values: {field[:80]!r}",
                    field="beans",
                    advice="Leave this message out of the trace.",
                )
        records.append(FIELD_SEPARATOR.join(fields) + RECORD_END)
    keys: set[str] = set()
    for bean in context.beans:
        if bean.msg_id is not None:
            keys.add(bean.msg_id)
        if bean.keys and not bean.keys.isspace():
            keys.update(bean.keys.rstrip(" ").split(" "))
    return "".join(records), keys


def _text(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _pub_fields(context: TraceContext, bean: TraceBean) -> Sequence[object]:
    return (
        context.timestamp,
        context.region_id,
        context.group_name,
        bean.topic,
        bean.msg_id,
        bean.tags,
        bean.keys,
        bean.store_host,
        bean.body_length,
        context.cost_time,
        bean.msg_type,
        bean.offset_msg_id,
        context.success,
    )


def _sub_before_fields(context: TraceContext, bean: TraceBean) -> Sequence[object]:
    return (
        context.timestamp,
        context.region_id,
        context.group_name,
        context.request_id,
        bean.msg_id,
        bean.retry_times,
        bean.keys,
    )


def _sub_after_fields(context: TraceContext, bean: TraceBean) -> Sequence[object]:
    fields = (
        context.request_id,
        bean.msg_id,
        context.cost_time,
        context.success,
        bean.keys,
        context.context_code,
    )
    # The separator before the two fields that the cloud channel leaves out stays.
    return (*fields, "") if context.cloud else (*fields, context.timestamp, context.group_name)


def _end_transaction_fields(context: TraceContext, bean: TraceBean) -> Sequence[object]:
    return (
        context.timestamp,
        context.region_id,
        context.group_name,
        bean.topic,
        bean.msg_id,
        bean.tags,
        bean.keys,
        bean.store_host,
        bean.msg_type,
        bean.transaction_id,
        bean.transaction_state,
        bean.from_transaction_check,
    )


def _recall_fields(context: TraceContext, bean: TraceBean) -> Sequence[object]:
    return (
        context.timestamp,
        context.region_id,
        context.group_name,
        bean.topic,
        bean.msg_id,
        context.success,
    )


_FIELDS: Final[dict[str, Callable[[TraceContext, TraceBean], Sequence[object]]]] = {
    "Pub": _pub_fields,
    "SubBefore": _sub_before_fields,
    "SubAfter": _sub_after_fields,
    "EndTransaction": _end_transaction_fields,
    "Recall": _recall_fields,
}


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


_LEAST_FIELDS: Final = {"Pub": 14, "SubBefore": 8, "SubAfter": 7, "EndTransaction": 13, "Recall": 7}


def _decode_record(parts: list[str]) -> TraceContext:
    kind = parts[0]
    least = _LEAST_FIELDS.get(kind)
    if least is None:
        raise DeserializationError(
            f"trace record of unknown kind {kind[:40]!r}, known are {', '.join(_LEAST_FIELDS)}",
            field="body",
            advice="Read only messages of the trace topic; a newer client may write further kinds.",
        )
    if len(parts) < least:
        raise DeserializationError(
            f"{kind} trace record has {len(parts)} fields, wanted {least}",
            field="body",
            advice="Leave this message out: its sender writes traces of another form.",
        )
    context, bean = TraceContext(kind), TraceBean()
    context.beans.append(bean)
    if kind == TraceType.SUB_AFTER:
        _fill_sub_after(parts, context, bean)
        return context
    context.timestamp = _number(parts[1], "time", kind)
    context.region_id, context.group_name = _or_none(parts[2]), _or_none(parts[3])
    if kind == TraceType.SUB_BEFORE:
        context.request_id, bean.msg_id = _or_none(parts[4]), _or_none(parts[5])
        bean.retry_times, bean.keys = _number(parts[6], "retryTimes", kind), _or_none(parts[7])
        return context
    bean.topic, bean.msg_id = _or_none(parts[4]), _or_none(parts[5])
    if kind == TraceType.RECALL:
        context.success = parts[6] == "true"
        return context
    bean.tags, bean.keys, bean.store_host = map(_or_none, parts[6:9])
    if kind == TraceType.PUB:
        bean.body_length, context.cost_time = (
            _number(parts[9], "bodyLength", kind),
            _number(parts[10], "cost", kind),
        )
        bean.msg_type, bean.offset_msg_id = _number(parts[11], "msgType", kind), _or_none(parts[12])
        context.success = parts[13] == "true"
    else:
        bean.msg_type, bean.transaction_id = _number(parts[9], "msgType", kind), _or_none(parts[10])
        bean.transaction_state, bean.from_transaction_check = _or_none(parts[11]), parts[12] == "true"
    return context


def _fill_sub_after(parts: list[str], context: TraceContext, bean: TraceBean) -> None:
    context.request_id, bean.msg_id = _or_none(parts[1]), _or_none(parts[2])
    context.cost_time, context.success = _number(parts[3], "cost", "SubAfter"), parts[4] == "true"
    bean.keys, context.context_code = _or_none(parts[5]), _number(parts[6], "contextCode", "SubAfter")
    if len(parts) > 8:
        context.timestamp, context.group_name = _number(parts[7], "time", "SubAfter"), _or_none(parts[8])
    else:
        context.cloud = True


def _or_none(part: str) -> str | None:
    return None if part == "null" else part


def _number(part: str, field: str, kind: str) -> int:
    digits = part[1:] if part[:1] == "-" else part
    if not (digits.isascii() and digits.isdigit() and len(part) <= 20):
        raise DeserializationError(
            f"{kind} trace record has the {field} {part[:40]!r}, wanted a number",
            field=field,
            advice="Leave this message out: its sender writes traces of another form.",
        )
    return int(part)
