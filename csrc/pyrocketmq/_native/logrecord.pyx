"""The parts of a record that come from outside: arguments of an append, records of a batch body; and the refusals.

This module must not know about the log.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.string cimport memset

from pyrocketmq._native.bytesio cimport Cursor, has, take, take_i16, take_i32
from pyrocketmq._native.logqueue cimport LogQueue
from pyrocketmq._native.properties cimport STORED_PROPERTIES_LIMIT
from pyrocketmq._native.record cimport Record, host_of

from pyrocketmq.errors import DeserializationError, MessageTooLargeError, StoreError

__all__ = ["pack_host"]

cdef enum:
    BATCH_FIXED_BYTES = 22  # total size, magic, CRC, flag, body length and properties length of a batch record


def pack_host(host):
    """An (address, port) pair as it lies in a record."""
    return host_of(host, "host")


cdef int refuse_dropped(LogQueue queue) except -1:
    raise StoreError(f"the topic {queue.topic!r} was deleted", field="queue", advice="ask the log for the queue again")


cdef int refuse_change() except -1:
    raise StoreError(
        "the log cannot change while a filter looks at its messages",
        advice="let the filter only decide, and append when the cut is done",
    )


cdef int refuse_body(Py_ssize_t body, Py_ssize_t properties) except -1:
    raise MessageTooLargeError(
        f"a body of {body:,} bytes with properties of {properties:,} cannot be stored", field="body", advice="split it"
    )


cdef int refuse_properties(Py_ssize_t size) except -1:
    raise MessageTooLargeError(
        f"properties of {size:,} bytes are over the limit of {STORED_PROPERTIES_LIMIT:,}",
        field="properties",
        advice="move large values into the body",
    )


cdef int fill(
    Record *record,
    bytes born_host,
    int64_t store_timestamp,
    int64_t born_timestamp,
    int32_t flag,
    int32_t sys_flag,
    int32_t reconsume_times,
    int64_t prepared_transaction_offset,
) except -1:
    if PyBytes_GET_SIZE(born_host) != 8 and PyBytes_GET_SIZE(born_host) != 20:
        raise ValueError(f"born_host has {len(born_host)} bytes, not 8 or 20: make it with pack_host")
    memset(record, 0, sizeof(Record))
    record.born_host = <const uint8_t *>PyBytes_AS_STRING(born_host)
    record.born_address_bytes = <int32_t>PyBytes_GET_SIZE(born_host) - 4
    record.store_timestamp = store_timestamp
    record.born_timestamp = born_timestamp
    record.flag = flag
    record.sys_flag = sys_flag
    record.reconsume_times = reconsume_times
    record.prepared_transaction_offset = prepared_transaction_offset
    return 0


cdef int take_batch_record(Cursor *cursor, Record *record, Py_ssize_t whole) except -1:
    """One record of a batch body: its flag, body and properties."""
    cdef Py_ssize_t offset = whole - cursor.left
    cdef int32_t size
    if not has(cursor, BATCH_FIXED_BYTES):
        refuse_batch(offset)
    size = take_i32(cursor)
    take(cursor, 8)  # magic and CRC, which writers leave 0
    record.flag = take_i32(cursor)
    record.body_size = take_i32(cursor)
    if not has(cursor, record.body_size) or cursor.left - record.body_size < 2:
        refuse_batch(offset)
    record.body = <const char *>take(cursor, record.body_size)
    record.properties_size = take_i16(cursor)
    if not has(cursor, record.properties_size):
        refuse_batch(offset)
    record.properties = <const char *>take(cursor, record.properties_size)
    if size != BATCH_FIXED_BYTES + <int64_t>record.body_size + record.properties_size:
        refuse_batch(offset)
    return 0


cdef int refuse_batch(Py_ssize_t offset) except -1:
    raise DeserializationError(
        f"the batch record at byte {offset} is cut short, or its lengths contradict each other",
        field="batch body",
        advice="look at the flags of the message: only the body of a batch is a batch body",
    )
