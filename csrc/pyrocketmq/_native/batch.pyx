"""Batch bodies: several messages of one topic as the body of one SEND_BATCH_MESSAGE.

A record is total size, magic 0, CRC 0, flag, body length, body, properties length, properties; it has no topic and no
queue. Bodies inside a batch are not compressed.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from libc.stdint cimport int32_t, uint8_t

from pyrocketmq._native.bytesio cimport (
    Cursor,
    Output,
    has,
    put_bytes,
    put_i16,
    put_i32,
    release,
    reserve,
    take,
    take_i16,
    take_i32,
    written,
)
from pyrocketmq._native.message cimport properties_bytes
from pyrocketmq._native.properties cimport SENT_PROPERTIES_LIMIT, STORED_PROPERTIES_LIMIT, parse_properties

from typing import NamedTuple

from pyrocketmq.errors import DeserializationError, InvalidMessageError, MessageTooLargeError

cdef extern from "Python.h":
    # Declared without its error value: both are str, and then it cannot fail.
    int compare_text "PyUnicode_Compare"(object left, object right) noexcept

__all__ = [
    "MAX_BODY_BYTES",
    "BatchRecord",
    "decode_batch_body",
    "encode_batch_bodies",
    "encode_batch_body",
    "encode_batch_records",
]

cdef enum:
    STORED_BODY_LIMIT = 4 * 1024 * 1024  # maxMessageSize of a broker as it is shipped

MAX_BODY_BYTES = STORED_BODY_LIMIT

BROKEN_BATCH_ADVICE = "look at the flags of the message: only the body of a batch is a batch body"


class BatchRecord(NamedTuple):
    """One message of a batch body as it stands there."""

    flag: int
    properties: dict
    body: bytes


cdef int refuse_properties_size(Message message, Py_ssize_t size) except -1:
    raise MessageTooLargeError(
        f"properties of {size:,} bytes are over the limit of {SENT_PROPERTIES_LIMIT:,}. {where(message)}",
        field="properties",
        advice="move large values into the body",
    )


cdef str where(Message message):
    keys = f", keys {message._keys}" if message._keys is not None else ""
    return f'Topic "{message._topic}"{keys}.'


cdef int refuse_body(Message message, Py_ssize_t size, Py_ssize_t max_body_bytes) except -1:
    if size == 0:
        raise InvalidMessageError(
            f"body is empty, and brokers refuse an empty body. {where(message)}",
            field="body",
            advice="send at least one byte, or put the information into the body instead of the properties",
        )
    raise MessageTooLargeError(
        f"body of {size:,} bytes is over max_message_bytes {max_body_bytes:,}. {where(message)}",
        field="body",
        advice="compress it, split it, or raise maxMessageSize on the broker and max_message_bytes here",
    )


cdef Py_ssize_t batch_bytes(list messages) except -1:
    """The exact size of the batch body of messages that can be in one batch."""
    cdef Py_ssize_t count = PyList_GET_SIZE(messages)
    cdef Py_ssize_t size = BATCH_RECORD_OVERHEAD * count
    cdef Py_ssize_t index, part
    cdef Message first
    if count == 0:
        raise InvalidMessageError("a batch has no messages", field="messages", advice="pass at least one")
    if not isinstance(messages[0], Message):
        refuse_kind(messages[0], 0)
    first = <Message>messages[0]
    if first._topic.startswith("%RETRY%"):
        raise InvalidMessageError(
            f"messages of the retry topic {first._topic!r} cannot be in a batch", field="topic", advice="send it alone"
        )
    for index in range(count):
        # Borrowed: nothing else runs while the items are looked at, and a refusal takes references of its own.
        part = -1
        if isinstance(<object>PyList_GET_ITEM(messages, index), Message):
            part = fitting_bytes(<Message>PyList_GET_ITEM(messages, index), first)
        if part < 0:
            refuse_in_batch(messages[index], index, first)
        size += part
    return size


cdef inline Py_ssize_t fitting_bytes(Message message, Message first) noexcept:
    """The size of a message's body and properties, or -1 when it cannot be in a batch with the first one."""
    cdef Py_ssize_t body_size = PyBytes_GET_SIZE(message._body)
    cdef Py_ssize_t properties_size = properties_bytes(message)
    if message._topic is not first._topic and compare_text(message._topic, first._topic) != 0:
        return -1
    if message.solo or message._batch or message.unwaited != first.unwaited:
        return -1
    if not 0 < body_size <= STORED_BODY_LIMIT or properties_size > SENT_PROPERTIES_LIMIT:
        return -1
    return body_size + properties_size


cdef int refuse_kind(item, Py_ssize_t index) except -1:
    raise InvalidMessageError(
        f"messages[{index}] must be a Message, not {type(item).__name__}",
        field="messages",
        advice="use encode_batch_bodies for plain bytes",
    )


cdef int refuse_in_batch(item, Py_ssize_t index, Message first) except -1:
    """Say why an item cannot be in a batch with the first message."""
    cdef Message message
    if not isinstance(item, Message):
        refuse_kind(item, index)
    message = <Message>item
    if message._topic != first._topic:
        raise InvalidMessageError(
            f"messages[{index}] has topic {message._topic!r}, the batch has {first._topic!r}",
            field="topic",
            advice="make one batch for each topic",
        )
    if message.solo or message._batch:
        what = "is itself a batch" if message._batch else "has a delay, timer or transaction property"
        raise InvalidMessageError(
            f"messages[{index}] {what} and cannot be in a batch. {where(message)}",
            field="messages",
            advice="send it alone",
        )
    if message.unwaited != first.unwaited:
        raise InvalidMessageError(
            f"messages[{index}] differs from the first in the property WAIT, which the broker reads once for all",
            field="WAIT",
            advice="make one batch for each value",
        )
    check_body(message, message._body, STORED_BODY_LIMIT)
    return refuse_properties_size(message, properties_bytes(message))


cdef int put_batch_record(
    Output *output,
    int32_t flag,
    const void *body,
    Py_ssize_t body_size,
    const void *properties,
    Py_ssize_t properties_size,
) except -1:
    reserve(output, BATCH_RECORD_OVERHEAD + body_size + properties_size)
    put_i32(output, <int32_t>(BATCH_RECORD_OVERHEAD + body_size + properties_size))
    put_i32(output, 0)
    put_i32(output, 0)
    put_i32(output, flag)
    put_i32(output, <int32_t>body_size)
    put_bytes(output, body, body_size)
    put_i16(output, <short>properties_size)
    put_bytes(output, properties, properties_size)
    return 0


def encode_batch_body(messages):
    """The batch body of messages of one topic.

    Raises:
        InvalidMessageError: no messages, mixed topics, an empty body, or one that cannot be in a batch.
        MessageTooLargeError: one body or the properties of one message are over the limit.
    """
    cdef list items = messages if type(messages) is list else list(messages)
    cdef bytes body = PyBytes_FromStringAndSize(NULL, batch_bytes(items))
    cdef Py_ssize_t index
    cdef uint8_t *at = <uint8_t *>PyBytes_AS_STRING(body)
    for index in range(PyList_GET_SIZE(items)):
        at = put_batch_message(at, <Message>PyList_GET_ITEM(items, index))  # borrowed: nothing runs in between
    return body


def encode_batch_bodies(bodies):
    """The batch body of plain byte strings, without flags and properties."""
    cdef Output output = Output(NULL, NULL, NULL)
    cdef bytes content
    try:
        for index, body in enumerate(bodies):
            content = checked_content(body, index)
            if not content:
                raise InvalidMessageError(
                    f"body {index} is empty, and brokers refuse an empty body",
                    field="body",
                    advice="send at least one byte",
                )
            put_batch_record(&output, 0, PyBytes_AS_STRING(content), PyBytes_GET_SIZE(content), b"", 0)
        return batch_of(&output)
    finally:
        release(&output)


cdef bytes checked_content(object body, Py_ssize_t index):
    if not isinstance(body, (bytes, bytearray, memoryview)):
        raise InvalidMessageError(
            f"body {index} must be bytes-like, not {type(body).__name__}", field="body", advice="encode it first"
        )
    content = body if type(body) is bytes else bytes(body)
    if PyBytes_GET_SIZE(<bytes>content) > STORED_BODY_LIMIT:
        raise MessageTooLargeError(
            f"body {index} of {len(content):,} bytes is over the limit of {MAX_BODY_BYTES:,}",
            field="body",
            advice="split it, or compress it and send it alone",
        )
    return content


cdef bytes batch_of(const Output *output):
    if written(output) == 0:
        raise InvalidMessageError("a batch has no messages", field="messages", advice="pass at least one")
    return PyBytes_FromStringAndSize(<char *>output.start, written(output))


def encode_batch_records(records):
    """The batch body of (flag, properties text, body) triples, written as given, for relays and tools.

    The properties text is str or UTF-8 bytes; only lengths are checked.
    """
    cdef Output output = Output(NULL, NULL, NULL)
    cdef bytes text
    cdef bytes content
    try:
        for index, (flag, properties, body) in enumerate(records):
            text = properties.encode() if isinstance(properties, str) else bytes(properties)
            content = checked_content(body, index)
            if len(text) > STORED_PROPERTIES_LIMIT:
                raise MessageTooLargeError(
                    f"properties {index} of {len(text):,} bytes are over the limit of {STORED_PROPERTIES_LIMIT:,}",
                    field="properties",
                    advice="move large values into the body",
                )
            put_batch_record(
                &output, flag, PyBytes_AS_STRING(content), len(content), PyBytes_AS_STRING(text), len(text)
            )
        return batch_of(&output)
    finally:
        release(&output)


def decode_batch_body(data):
    """The messages of a batch body.

    Raises:
        DeserializationError: a record is cut short or its lengths contradict each other.
    """
    cdef Py_buffer view
    cdef Cursor cursor
    cdef list records = []
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    try:
        cursor.at = <const unsigned char *>view.buf
        cursor.left = view.len
        while cursor.left:
            records.append(read_record(&cursor, view.len - cursor.left))
    finally:
        PyBuffer_Release(&view)
    return records


cdef object read_record(Cursor *cursor, Py_ssize_t offset):
    cdef Py_ssize_t size, body_size, properties_size
    cdef const char *body
    cdef int32_t flag
    if not has(cursor, BATCH_RECORD_OVERHEAD):
        raise cut_short(offset, BATCH_RECORD_OVERHEAD, cursor.left)
    size = take_i32(cursor)
    take(cursor, 8)  # magic and CRC, which writers leave 0 and readers ignore
    flag = take_i32(cursor)
    body_size = take_i32(cursor)
    if not has(cursor, body_size) or cursor.left - body_size < 2:
        raise cut_short(offset, body_size, cursor.left - 2)
    body = <const char *>take(cursor, body_size)
    properties_size = take_i16(cursor)
    if not has(cursor, properties_size):
        raise cut_short(offset, properties_size, cursor.left)
    if size != BATCH_RECORD_OVERHEAD + body_size + properties_size:
        raise DeserializationError(
            f"batch record at byte {offset} says {size} bytes, its parts have "
            f"{BATCH_RECORD_OVERHEAD + body_size + properties_size}",
            field="total size",
            advice=BROKEN_BATCH_ADVICE,
        )
    return BatchRecord(
        flag,
        parse_properties(<const char *>take(cursor, properties_size), properties_size),
        PyBytes_FromStringAndSize(body, body_size),
    )


cdef object cut_short(Py_ssize_t offset, Py_ssize_t need, Py_ssize_t left):
    return DeserializationError(
        f"batch record at byte {offset} needs {need} more bytes, {max(left, 0)} are left",
        field="batch body",
        advice=BROKEN_BATCH_ADVICE,
    )
