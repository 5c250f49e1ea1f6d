"""Finds messages of a queue by a key, by looking at the properties of each.

There is no index of keys: a message costs a fraction of a microsecond to look at, so nothing has to be kept in memory
or written for each. This module must not know how a search is divided over queues and time.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.string cimport memchr, memcmp

from pyrocketmq._native.bytesio cimport Cursor
from pyrocketmq._native.log cimport RecordLog
from pyrocketmq._native.logqueue cimport Entry, LogQueue
from pyrocketmq._native.properties cimport find_property
from pyrocketmq._native.record cimport NO_FAULT, Record, read_record
from pyrocketmq._native.text cimport Text

__all__ = ["find_offsets"]

cdef enum:
    KEY_SEPARATOR = 0x20


# hot: begin
cdef bint is_among(const Text *keys, const char *key, Py_ssize_t size) noexcept nogil:
    """True when a key is one of those that stand in a property with blanks between them."""
    cdef const char *at = keys.at
    cdef Py_ssize_t left = keys.size
    cdef const char *blank
    cdef Py_ssize_t length
    while left >= size:
        blank = <const char *>memchr(at, KEY_SEPARATOR, left)
        length = left if blank is NULL else blank - at
        if length == size and memcmp(at, key, size) == 0:
            return True
        if blank is NULL:
            break
        at = blank + 1
        left -= length + 1
    return False


cdef bint has_key(const uint8_t *at, int32_t bytes_, const char *key, Py_ssize_t size, int kinds) noexcept nogil:
    cdef Cursor cursor = Cursor(at, bytes_)
    cdef Record record
    cdef Text value
    if read_record(&cursor, &record) != NO_FAULT or record.properties_size <= size:
        return False
    if kinds & 1 and find_property(record.properties, record.properties_size, "UNIQ_KEY", 8, &value):
        if value.size == size and memcmp(value.at, key, size) == 0:
            return True
    if kinds & 2 and find_property(record.properties, record.properties_size, "KEYS", 4, &value):
        return is_among(&value, key, size)
    return False
# hot: end


def find_offsets(
    RecordLog log not None,
    LogQueue queue not None,
    bytes key not None,
    int64_t first,
    int64_t end,
    *,
    bint unique=True,
    bint keys=True,
    Py_ssize_t most=64,
):
    """The offsets of the messages with a key from ``first`` up to ``end``, newest first, ``most`` at most."""
    cdef const char *text = PyBytes_AS_STRING(key)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(key)
    cdef int kinds = <int>unique + 2 * <int>keys
    cdef int64_t stop = queue.first if queue.first > first else first
    cdef int64_t offset = queue.visible_end()
    cdef Entry *entry
    cdef const uint8_t *at
    cdef list found = []
    if end < offset:
        offset = end
    while offset > stop and len(found) < most:
        offset -= 1
        entry = queue.entry_at(offset)
        if entry.size == 0:
            continue
        at = log.fetch(queue, offset, entry)
        if at is not NULL and has_key(at, entry.size, text, size, kinds):
            found.append(offset)
    return found
