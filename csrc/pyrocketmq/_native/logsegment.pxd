"""A stretch of the log: a block of memory that is appended to, or a file that was mapped."""

from libc.stdint cimport int32_t, int64_t, uint8_t

from pyrocketmq._native.logqueue cimport Entry

cdef enum:
    CRC_BYTES = 4  # behind each record


cdef class Segment:
    cdef readonly int64_t base  # position of its first byte
    cdef readonly int64_t last_store_time
    cdef uint8_t *data
    cdef Py_ssize_t used
    cdef Py_ssize_t capacity
    cdef Py_ssize_t header_bytes
    cdef bint mapped  # data belongs to `view`, and may have been damaged since it was written
    cdef Py_buffer view

    cdef void let_go(self) noexcept

cdef Segment new_segment(int64_t base, Py_ssize_t capacity, uint8_t *block)
cdef Segment mapped_segment(int64_t base, object data, Py_ssize_t header_bytes)

# True when the bytes of a mapped segment are still the record that the index means.
cdef bint is_intact(Segment segment, const uint8_t *at, const Entry *entry, int64_t offset, int32_t queue) noexcept
