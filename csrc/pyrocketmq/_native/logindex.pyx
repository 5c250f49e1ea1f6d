"""Fills a log from files: by the index that was written when a segment was complete, or by reading its records.

An index file: `PRMQIDX1`, i64 base, i64 end, i64 last store time, u32 number of groups; each group is u16 length and
UTF-8 of a topic, i32 queue id, i64 first queue offset, u32 number of entries, and the entries (i64 position, i64 store
time, i32 record size, 0 for a hole, i32 tags code); at the end the CRC32C of all before. Big-endian. This module must
not know where the bytes come from.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t
from libc.string cimport memchr, memcmp

from pyrocketmq._native.bytesio cimport (
    Cursor,
    Output,
    has,
    load_be32,
    load_be64,
    put_bytes,
    put_i16,
    put_i32,
    put_i64,
    release,
    reserve,
    store_be32,
    take,
    take_i16,
    take_i32,
    take_i64,
    written,
)
from pyrocketmq._native.crc cimport crc32c_of
from pyrocketmq._native.log cimport RecordLog
from pyrocketmq._native.logqueue cimport ENTRY_BYTES, LONGEST_GAP, Entry, LogQueue, can_be_offset, tags_code_in
from pyrocketmq._native.logsegment cimport CRC_BYTES, Segment
from pyrocketmq._native.record cimport NO_FAULT, RECORD_LEAST_BYTES, Record, read_record

__all__ = ["load_index", "make_index", "scan_segment"]

cdef enum:
    INDEX_HEAD_BYTES = 36
    GROUP_HEAD_BYTES = 16  # without the length of the topic and the topic

cdef const char *INDEX_MAGIC = "PRMQIDX1"


# ---- reading records ----

cdef bint record_at(Segment segment, Py_ssize_t at, Record *record) noexcept:
    """True when an intact record begins here."""
    cdef Cursor cursor = Cursor(segment.data + at, segment.used - at)
    # The position is looked at first, because it is what bytes that are no record hardly ever have.
    if cursor.left < RECORD_LEAST_BYTES + CRC_BYTES:
        return False
    if <int64_t>load_be64(cursor.at + 28) != segment.base + at:
        return False
    if read_record(&cursor, record) != NO_FAULT or not has(&cursor, CRC_BYTES):
        return False
    return crc32c_of(record.start, record.store_size, 0) == load_be32(cursor.at)


cdef Py_ssize_t next_record(Segment segment, Py_ssize_t at, Record *record) noexcept:
    """Where the next intact record begins, or the end of the segment."""
    cdef const uint8_t *found
    while segment.used - at >= RECORD_LEAST_BYTES + CRC_BYTES:
        # Both magic numbers begin with DA A3 20, four bytes behind the beginning of a record.
        found = <const uint8_t *>memchr(segment.data + at + 4, 0xDA, segment.used - at - 4)
        if found is NULL:
            break
        at = (found - segment.data) - 4
        if record_at(segment, at, record):
            return at
        at += 1
    return segment.used


cdef bint index_record(LogQueue queue, const Record *record) except -1:
    """Put a record that was read from a file into the index; false when it cannot belong there."""
    cdef int64_t gap
    if record.queue_offset < queue.next or not can_be_offset(record.queue_offset):
        return False
    gap = record.queue_offset - queue.next
    if gap and queue.first == queue.next:
        queue.forget_all(record.queue_offset)
    elif gap > LONGEST_GAP:
        return False
    elif gap:
        queue.push_holes(gap, record.commit_log_offset, record.store_timestamp)
    queue.make_room(1)
    queue.push(
        record.commit_log_offset,
        record.store_size,
        tags_code_in(record.properties, record.properties_size),
        record.store_timestamp,
    )
    return True


def scan_segment(RecordLog log not None, Segment segment not None):
    """Index the records of the newest segment by reading them: (end, damage).

    ``end`` is the position behind the last intact record. Damage is a list of (position, bytes) in front of it:
    stretches that are no records although intact ones follow.
    """
    cdef Py_ssize_t at = segment.header_bytes
    cdef Py_ssize_t end = at
    cdef Py_ssize_t later
    cdef LogQueue queue = None
    cdef Record record
    cdef list damage = []
    while at < segment.used:
        if not record_at(segment, at, &record):
            later = next_record(segment, at + 1, &record)
            if later == segment.used:
                break
            damage.append((segment.base + at, later - at))
            at = later
        if (
            queue is None
            or queue.queue_id != record.queue_id
            or PyBytes_GET_SIZE(queue.topic_bytes) != record.topic_size
            or memcmp(PyBytes_AS_STRING(queue.topic_bytes), record.topic, record.topic_size) != 0
        ):
            topic = PyBytes_FromStringAndSize(record.topic, record.topic_size)
            if record.commit_log_offset < log.ignored.get(topic, 0):
                at += record.store_size + CRC_BYTES
                end = at
                continue
            queue = log.find_or_make(topic, record.queue_id)
        if index_record(queue, &record):
            segment.last_store_time = record.store_timestamp
        else:
            damage.append((segment.base + at, record.store_size + CRC_BYTES))
        at += record.store_size + CRC_BYTES
        end = at
    return segment.base + end, damage


# ---- index files ----

def make_index(RecordLog log not None, Segment segment not None):
    """The index file of the newest segment, for when no more is appended to it."""
    cdef Output output = Output(NULL, NULL, NULL)
    cdef LogQueue queue
    cdef int64_t offset
    cdef int64_t first
    cdef Entry *entry
    cdef uint32_t groups = 0
    try:
        reserve(&output, INDEX_HEAD_BYTES)
        put_bytes(&output, INDEX_MAGIC, 8)
        put_i64(&output, segment.base)
        put_i64(&output, segment.base + segment.used)
        put_i64(&output, segment.last_store_time)
        put_i32(&output, 0)
        for queues in log.topics_.values():
            for found in (<dict>queues).values():
                queue = <LogQueue>found
                first = queue.lower_bound(segment.base)
                if first == queue.next:
                    continue
                groups += 1
                reserve(
                    &output,
                    2 + PyBytes_GET_SIZE(queue.topic_bytes) + GROUP_HEAD_BYTES + (queue.next - first) * ENTRY_BYTES,
                )
                put_i16(&output, <short>PyBytes_GET_SIZE(queue.topic_bytes))
                put_bytes(&output, PyBytes_AS_STRING(queue.topic_bytes), PyBytes_GET_SIZE(queue.topic_bytes))
                put_i32(&output, queue.queue_id)
                put_i64(&output, first)
                put_i32(&output, <int32_t>(queue.next - first))
                for offset in range(first, queue.next):
                    entry = queue.entry_at(offset)
                    put_i64(&output, entry.position)
                    put_i64(&output, entry.store_time)
                    put_i32(&output, entry.size)
                    put_i32(&output, entry.tags_code)
        store_be32(output.start + INDEX_HEAD_BYTES - 4, groups)
        reserve(&output, CRC_BYTES)
        put_i32(&output, <int32_t>crc32c_of(output.start, written(&output), 0))
        return PyBytes_FromStringAndSize(<char *>output.start, written(&output))
    finally:
        release(&output)


def load_index(RecordLog log not None, Segment segment not None, bytes data not None):
    """Index the newest segment by its index file; false, and nothing done, when the file does not fit."""
    cdef Cursor cursor
    cdef int64_t last_store_time
    if PyBytes_GET_SIZE(data) < INDEX_HEAD_BYTES + CRC_BYTES:
        return False
    cursor.at = <const uint8_t *>PyBytes_AS_STRING(data)
    cursor.left = PyBytes_GET_SIZE(data) - CRC_BYTES
    if crc32c_of(cursor.at, cursor.left, 0) != load_be32(cursor.at + cursor.left):
        return False
    if memcmp(take(&cursor, 8), INDEX_MAGIC, 8) != 0:
        return False
    if take_i64(&cursor) != segment.base or take_i64(&cursor) != segment.base + segment.used:
        return False
    last_store_time = take_i64(&cursor)
    # Twice the same walk, so that a file that does not fit leaves nothing behind.
    if not walk_groups(log, segment, cursor, False):
        return False
    walk_groups(log, segment, cursor, True)
    segment.last_store_time = last_store_time
    return True


cdef bint walk_groups(RecordLog log, Segment segment, Cursor cursor, bint apply) except -1:
    cdef uint32_t _group
    cdef uint32_t groups = <uint32_t>take_i32(&cursor)
    cdef Py_ssize_t topic_bytes
    cdef bytes topic
    for _group in range(groups):
        if not has(&cursor, 2):
            return False
        topic_bytes = <uint16_t>take_i16(&cursor)
        if not has(&cursor, topic_bytes + GROUP_HEAD_BYTES):
            return False
        topic = PyBytes_FromStringAndSize(<const char *>take(&cursor, topic_bytes), topic_bytes)
        if not walk_entries(log, segment, &cursor, topic, apply):
            return False
    return cursor.left == 0


cdef bint walk_entries(RecordLog log, Segment segment, Cursor *cursor, bytes topic, bint apply) except -1:
    cdef int32_t queue_id = take_i32(cursor)
    cdef int64_t first = take_i64(cursor)
    cdef int64_t count = <uint32_t>take_i32(cursor)
    cdef int64_t low = segment.base + segment.header_bytes
    cdef int64_t high = segment.base + segment.used - CRC_BYTES
    cdef int64_t position, store_time
    cdef int64_t skipped = 0
    cdef int64_t ignored = log.ignored.get(topic, 0)
    cdef int32_t size
    cdef LogQueue queue = log.find(PyBytes_AS_STRING(topic), PyBytes_GET_SIZE(topic), queue_id)
    if not can_be_offset(first) or count == 0 or not has(cursor, count * ENTRY_BYTES):
        return False
    while skipped < count and <int64_t>load_be64(cursor.at + skipped * ENTRY_BYTES) < ignored:
        skipped += 1
    if not apply:
        if skipped < count and queue is not None and queue.first < queue.next:
            if not 0 <= first + skipped - queue.next <= LONGEST_GAP:
                return False
        while count:
            position = take_i64(cursor)
            take(cursor, 8)
            size = take_i32(cursor)
            take(cursor, 4)
            count -= 1
            if position < low or size < 0 or position + size > high or 0 < size < RECORD_LEAST_BYTES:
                return False
            low = position + (size + CRC_BYTES if size else 0)
        return True
    take(cursor, skipped * ENTRY_BYTES)
    first += skipped
    count -= skipped
    if count == 0:
        return True
    queue = log.find_or_make(topic, queue_id)
    if queue.first == queue.next:
        queue.forget_all(first)
    elif first > queue.next:
        queue.push_holes(first - queue.next, <int64_t>load_be64(cursor.at), <int64_t>load_be64(cursor.at + 8))
    queue.make_room(count)
    while count:
        position = take_i64(cursor)
        store_time = take_i64(cursor)
        size = take_i32(cursor)
        queue.push(position, size, take_i32(cursor), store_time)
        count -= 1
    return True
