"""Segments of the log, and the test whether a record in one is still what was written.

Each record is followed by the CRC32C of its bytes (big-endian) and holds its own position. This module must not know
about queues as objects or about files.
"""

cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc
from libc.stdint cimport int32_t, int64_t, uint8_t

from pyrocketmq._native.bytesio cimport load_be32, load_be64
from pyrocketmq._native.crc cimport crc32c_of
from pyrocketmq._native.logqueue cimport Entry

__all__ = ["Segment"]


@cython.final
cdef class Segment:
    """A stretch of the log."""

    def __cinit__(self):
        self.data = NULL
        self.mapped = False

    def __dealloc__(self):
        self.let_go()

    cdef void let_go(self) noexcept:
        if self.mapped:
            PyBuffer_Release(&self.view)
        else:
            PyMem_RawFree(self.data)
        self.data = NULL
        self.mapped = False
        self.used = 0

    def __len__(self):
        return self.used

    def __repr__(self):
        return f"Segment(base={self.base}, {self.used:,} bytes{', mapped' if self.mapped else ''})"


cdef Segment new_segment(int64_t base, Py_ssize_t capacity, uint8_t *block):
    """An empty segment in a block of memory, which is taken over, or a new one if it is NULL."""
    cdef Segment segment = Segment.__new__(Segment)
    segment.data = <uint8_t *>PyMem_RawMalloc(capacity or 1) if block is NULL else block
    if segment.data is NULL:
        raise MemoryError(f"no memory for a log segment of {capacity:,} bytes")
    segment.base = base
    segment.capacity = capacity
    return segment


cdef Segment mapped_segment(int64_t base, object data, Py_ssize_t header_bytes):
    cdef Segment segment = Segment.__new__(Segment)
    PyObject_GetBuffer(data, &segment.view, PyBUF_SIMPLE)
    segment.mapped = True
    segment.base = base
    segment.data = <uint8_t *>segment.view.buf
    segment.used = segment.capacity = segment.view.len
    segment.header_bytes = header_bytes
    return segment


# hot: begin
cdef bint is_intact(Segment segment, const uint8_t *at, const Entry *entry, int64_t offset, int32_t queue) noexcept:
    if at + entry.size + CRC_BYTES > segment.data + segment.used:
        return False
    if <int32_t>load_be32(at) != entry.size or <int64_t>load_be64(at + 28) != entry.position:
        return False
    if <int64_t>load_be64(at + 20) != offset or <int32_t>load_be32(at + 12) != queue:
        return False
    return crc32c_of(at, entry.size, 0) == load_be32(at + entry.size)
# hot: end
