"""The messages chosen for an answer, in place."""

from libc.stdint cimport int64_t, uint8_t

cdef enum:
    FEW_PIECES = 32  # what a usual answer has

# What a cut found; the numbers are those of the class CutStatus.
cdef enum:
    CUT_FOUND = 0
    CUT_NO_MATCH = 1
    CUT_AT_END = 2
    CUT_TOO_SMALL = 3
    CUT_TOO_LARGE = 4
    CUT_EMPTY = 5


cdef struct Piece:
    const uint8_t *at
    Py_ssize_t size


# The messages of one answer in place: valid until the log is next changed. It points into itself: do not copy it.
cdef struct Selection:
    int status
    int64_t next_offset
    int64_t min_offset
    int64_t max_offset
    Py_ssize_t count
    Py_ssize_t total  # bytes of all pieces
    Py_ssize_t room
    Piece *pieces
    Piece few[FEW_PIECES]


cdef void begin_selection(Selection *selection) noexcept nogil
cdef void end_selection(Selection *selection) noexcept nogil

# Writes `total` bytes, the records back to back.
cdef void copy_selection(const Selection *selection, uint8_t *to) noexcept nogil


cdef class Cut:
    cdef int status_
    cdef readonly bytes data
    cdef readonly Py_ssize_t count
    cdef readonly int64_t next_offset
    cdef readonly int64_t min_offset
    cdef readonly int64_t max_offset

cdef int more_pieces(Selection *selection) except -1
