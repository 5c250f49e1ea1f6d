from pyrocketmq._native.handover cimport Ticket
from pyrocketmq._native.room cimport InLine
from pyrocketmq._native.table cimport SendTable, SendTarget

cdef enum State:
    NEW
    BEGUN


cdef class SendCall(InLine):
    cdef SendTable table
    cdef Ticket ticket  # of a thread that waits in place of a future, or None
    cdef SendTarget target
    cdef readonly object options
    cdef object iterator
    cdef Py_ssize_t size
    cdef int state

    cdef object begin(self)
    cdef bint begin_quickly(self) except -1
    cdef int write(self, SendTarget target, double left) except -1
    cdef Py_ssize_t tries(self) noexcept
    cdef bint try_elsewhere(self, object error) except -1
    cdef int hand_over(self, object outcome) except -1
