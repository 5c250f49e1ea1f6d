"""What a pull answer is made of: the records chosen, in place, and the facts that a client is told with them.

This module must not know how the records were chosen.
"""

cimport cython
from cpython.mem cimport PyMem_RawFree, PyMem_RawRealloc
from libc.stdint cimport uint8_t
from libc.string cimport memcpy

from pyrocketmq._native.bytesio cimport copy

from enum import IntEnum

__all__ = ["Cut", "CutStatus"]


class CutStatus(IntEnum):
    """What a cut found."""

    FOUND = CUT_FOUND
    NO_MATCH = CUT_NO_MATCH
    AT_END = CUT_AT_END
    TOO_SMALL = CUT_TOO_SMALL
    TOO_LARGE = CUT_TOO_LARGE
    EMPTY = CUT_EMPTY


cdef tuple STATUSES = tuple(CutStatus)


@cython.final
cdef class Cut:
    """The messages of one answer and what a client has to be told with them."""

    @property
    def status(self):
        return STATUSES[self.status_]

    def __repr__(self):
        return (
            f"Cut({self.status.name}, count={self.count}, next_offset={self.next_offset}, "
            f"min_offset={self.min_offset}, max_offset={self.max_offset}, data=<{len(self.data):,} bytes>)"
        )


cdef void begin_selection(Selection *selection) noexcept nogil:
    selection.status = CUT_EMPTY
    selection.count = selection.total = 0
    selection.next_offset = selection.min_offset = selection.max_offset = 0
    selection.pieces = selection.few
    selection.room = FEW_PIECES


cdef void end_selection(Selection *selection) noexcept nogil:
    if selection.pieces != selection.few:
        PyMem_RawFree(selection.pieces)
        selection.pieces = selection.few


# hot: begin
cdef void copy_selection(const Selection *selection, uint8_t *to) noexcept nogil:
    cdef Py_ssize_t index
    for index in range(selection.count):
        copy(to, selection.pieces[index].at, selection.pieces[index].size)
        to += selection.pieces[index].size
# hot: end


cdef int more_pieces(Selection *selection) except -1:
    cdef Py_ssize_t room = selection.room * 4
    cdef bint first = selection.pieces == selection.few
    cdef void *block = PyMem_RawRealloc(NULL if first else selection.pieces, room * sizeof(Piece))
    if block is NULL:
        raise MemoryError("no memory for an answer")
    if first:
        memcpy(block, selection.few, sizeof(selection.few))
    selection.pieces = <Piece *>block
    selection.room = room
    return 0
