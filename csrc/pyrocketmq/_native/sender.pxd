from pyrocketmq._native.channel cimport SendOwner
from pyrocketmq._native.message cimport Message
from pyrocketmq._native.table cimport SendTable, SendTarget


cdef class OnewayMark(SendOwner):
    cdef SendTable table
    cdef readonly SendTarget target
    cdef readonly Message message
    cdef Py_ssize_t covers

    cdef int end(self, object outcome) except -1


cdef class Sender:
    cdef SendTable _table
