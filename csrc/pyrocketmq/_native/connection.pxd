from libc.stdint cimport uint8_t

from pyrocketmq._native.channel cimport RequestChannel, RequestTaker
from pyrocketmq._native.command cimport RemotingCommand
from pyrocketmq._native.frame cimport FrameReader, FrameView


cdef class ReadSpace:
    cdef FrameReader reader
    cdef Py_ssize_t views


cdef class Connection(RequestChannel):
    cdef object __weakref__
    cdef object handler
    cdef object on_made
    cdef object on_lost
    cdef object on_frame
    cdef RequestTaker taker
    cdef FrameReader reader
    cdef ReadSpace read_space
    cdef list closers
    cdef set tasks
    cdef Py_ssize_t read_bytes
    cdef bint is_lost
    cdef bint said_bad_frame
    cdef uint8_t first[16]  # bytes that the peer sent, to tell what it is
    cdef Py_ssize_t first_size

    cdef int change_block(self) except -1
    cdef int keep_first(self, Py_ssize_t nbytes) except -1
    cdef object closed_error(self, str what, object cause)
    cdef int process(self) except -1
    cdef int give_frame(self, const FrameView *view) except -1
    cdef int take_frame(self, const FrameView *view) except -1
    cdef int take_send_answer(self, const FrameView *view) except -1
    cdef int take_answer(self, RemotingCommand command, const FrameView *view) except -1
    cdef int take_request(self, RemotingCommand command, int codec) except -1
    cdef int answer(self, RemotingCommand request, object result, int codec) except -1
    cdef int resolve(self, object future, object result) except -1
    cdef int note_bad_frame(self, object error) except -1
