"""The log of the embedded broker: records appended to segments, an index for each queue, answers cut from both."""

from libc.stdint cimport int32_t, int64_t, uint8_t

from pyrocketmq._native.logcut cimport Selection
from pyrocketmq._native.logqueue cimport Entry, Horizon, LogQueue, TagCodes
from pyrocketmq._native.logsegment cimport Segment
from pyrocketmq._native.record cimport Record


cdef class RecordLog:
    cdef Horizon horizon
    cdef list segments_  # ascending; the last one takes the appends unless it is mapped
    cdef Segment active
    cdef Segment recent
    cdef dict topics_  # topic as UTF-8 -> queue id -> LogQueue
    cdef dict ignored  # topic as UTF-8 -> position before which its records are those of a deleted topic
    cdef bytes host
    cdef readonly int64_t end
    cdef readonly int64_t damaged
    cdef public object on_full
    cdef public object on_damage
    cdef uint8_t *spare
    cdef Py_ssize_t spare_bytes
    cdef int reading  # callbacks of a cut are under way, so what it found must stay where it is

    # Append one record. The caller fills in the body, the properties, flags, times and born host; the log the rest:
    # store host, queue and its offset, position, topic and body CRC.
    cdef int put(self, LogQueue queue, Record *record) except -1
    # Append the messages of a batch body, all or none. What they share is in `record`.
    cdef int put_batch(
        self,
        LogQueue queue,
        Record *record,
        const uint8_t *batch,
        Py_ssize_t size,
        Py_ssize_t *count,
    ) except -1
    cdef int make_room(self, Py_ssize_t size) except -1
    cdef void reuse(self, Segment segment) noexcept

    # Choose the messages of an answer; end_selection() is due afterwards in any case.
    cdef int select(
        self,
        LogQueue queue,
        int64_t offset,
        Py_ssize_t max_messages,
        Py_ssize_t max_bytes,
        TagCodes codes,
        object accept,
        Py_ssize_t max_scan,
        Selection *out,
    ) except -1

    cdef bint accepts(self, object accept, const uint8_t *at, int32_t size) except -1
    cdef LogQueue find(self, const char *topic, Py_ssize_t size, int32_t queue_id)
    cdef LogQueue find_or_make(self, bytes topic, int32_t queue_id)
    cdef Segment segment_at(self, int64_t position)
    cdef const uint8_t *fetch(self, LogQueue queue, int64_t offset, Entry *entry) except? NULL
    cdef int lose(self, LogQueue queue, int64_t offset, Entry *entry) except -1
    cdef int check_quiet(self) except -1
