"""The short way of plain sends into the log of the embedded broker."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

from pyrocketmq._native.bytesio cimport Output
from pyrocketmq._native.channel cimport RequestChannel, RequestTaker
from pyrocketmq._native.frame cimport FrameView
from pyrocketmq._native.log cimport RecordLog
from pyrocketmq._native.logqueue cimport LogQueue
from pyrocketmq._native.text cimport Text

cdef enum:
    ID_ROOM = 64  # of a unique id kept for an answer; those of clients have 32 or 56 characters


cdef struct Taken:
    # One message that was appended and is answered when it is stored safely.
    int32_t channel  # place in the channels of its turn
    int32_t opaque
    int32_t codec
    int32_t queue_id
    int64_t queue_offset
    int64_t position
    int32_t id_size
    bint is_oneway
    uint8_t id[ID_ROOM]


cdef class Turn:
    cdef Taken *taken
    cdef Py_ssize_t room
    cdef readonly Py_ssize_t count
    cdef readonly list queues
    cdef list channels
    cdef LogQueue last_queue
    cdef bytes store_host
    cdef bytes json_begin
    cdef bytes binary_begin

    cdef Taken *add(self, RequestChannel channel, LogQueue queue) except NULL
    cdef int put_answer(self, RequestChannel channel, const Taken *message) except -1
    cdef uint8_t *put_binary(self, uint8_t *start, const Taken *message, const uint8_t *offset) noexcept
    cdef int finish(self) except -1


cdef class Intake(RequestTaker):
    cdef RecordLog log
    cdef object on_begin
    cdef readonly Py_ssize_t max_body_bytes
    cdef dict topics  # topic as UTF-8 -> its queues by number
    cdef bytes last_topic
    cdef list last_queues
    cdef bytes extra
    cdef tuple special
    cdef uint32_t special_sizes  # bit n: there is a special name of n bytes
    cdef bytes json_begin
    cdef bytes binary_begin
    cdef Turn turn
    cdef int64_t now_ms
    cdef Output header_space
    cdef Output properties_space
    cdef set general_only
    cdef readonly int64_t taken

    cdef list queues_of(self, const Text *topic)
    cdef bint is_special(self, const Text *name) noexcept
    cdef int put_properties(self, const Text *given, Text *unique_id) except -1
    cdef int begin_turn(self) except -1
