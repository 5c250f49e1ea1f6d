"""The header of a request, read in place: numbers, and where its ext fields lie."""

from libc.stdint cimport int32_t, int64_t, uint8_t

from pyrocketmq._native.frame cimport FrameView
from pyrocketmq._native.text cimport Text

cdef enum:
    MOST_FIELDS = 40


cdef struct Field:
    Text name
    Text value  # as it stands in the frame
    bint escaped  # the value has JSON escapes


cdef struct RequestHead:
    int32_t code
    int32_t opaque
    int32_t flag
    int count
    Field fields[MOST_FIELDS]


# The code of a request that writes it first, or uses the binary codec; -1 for others.
cdef int32_t code_at_once(const FrameView *view) noexcept nogil

# False when the header is not in the plain form, so that the general decoder has to judge it.
cdef bint read_request(const FrameView *view, RequestHead *head) noexcept nogil

cdef bint field_number(const Field *field, int64_t low, int64_t high, int64_t *number) noexcept nogil

# Writes the value of a field without its escapes, which never takes more room than the field; -1 if the general
# decoder has to judge an escape, or if what it stands for is not ASCII.
cdef Py_ssize_t put_unescaped(const Field *field, uint8_t *to) noexcept nogil
