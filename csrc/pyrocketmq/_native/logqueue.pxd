"""The index of one queue: where each of its messages lies in the log."""

from libc.stdint cimport int32_t, int64_t, uint8_t

cdef enum:
    CHUNK_BITS = 8
    CHUNK = 1 << CHUNK_BITS  # entries in one block of memory
    ENTRY_BYTES = 24  # of one entry in an index file
    LONGEST_GAP = 1 << 20  # of lost messages in a queue; more of them cannot be true


cdef struct Entry:
    int64_t position  # in the log; that of the next record for a hole
    int64_t store_time
    int32_t size  # of the record; 0 for a hole: a message that was lost to damage
    int32_t tags_code


cdef class Horizon:
    """How far readers may look: what lies behind is not stored safely yet."""

    cdef int64_t visible


cdef class LogQueue:
    cdef Horizon horizon
    cdef readonly str topic
    cdef bytes topic_bytes
    cdef readonly int32_t queue_id
    cdef readonly bint dropped
    cdef Entry **chunks
    cdef Py_ssize_t chunk_count
    cdef Py_ssize_t chunk_room
    cdef int64_t origin  # the queue offset of the first entry of the first chunk
    cdef int64_t first
    cdef int64_t next

    cdef Entry *entry_at(self, int64_t offset) noexcept nogil
    cdef int make_room(self, int64_t count) except -1
    cdef void push(self, int64_t position, int32_t size, int32_t tags_code, int64_t store_time) noexcept nogil
    cdef int push_holes(self, int64_t count, int64_t position, int64_t store_time) except -1
    cdef int64_t lower_bound(self, int64_t position) noexcept nogil
    cdef int64_t visible_end(self) noexcept nogil
    cdef void forget_before(self, int64_t position) noexcept nogil
    cdef void forget_from(self, int64_t position) noexcept nogil
    cdef void forget_all(self, int64_t next_offset) noexcept nogil


cdef inline bint can_be_offset(int64_t offset) noexcept nogil:
    """False for what no queue reaches, so that sums of offsets cannot wrap."""
    return 0 <= offset < <int64_t>1 << 62


cdef class TagCodes:
    """The hash codes of the tags of a subscription."""

    cdef int32_t *codes
    cdef Py_ssize_t count

    cdef bint has(self, int32_t code) noexcept nogil


# Java's hash of the TAGS property in a properties text; 0 when there is none.
cdef int32_t tags_code_in(const char *properties, Py_ssize_t size) noexcept nogil
