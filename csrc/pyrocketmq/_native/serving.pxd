"""The short way of plain sends and pulls through a broker."""

from libc.stdint cimport int32_t, int64_t

from pyrocketmq._native.bytesio cimport Output
from pyrocketmq._native.channel cimport RequestChannel, RequestTaker
from pyrocketmq._native.exchange cimport SendRequest
from pyrocketmq._native.frame cimport FrameView
from pyrocketmq._native.log cimport RecordLog
from pyrocketmq._native.logqueue cimport LogQueue
from pyrocketmq._native.record cimport Record
from pyrocketmq._native.request cimport RequestHead
from pyrocketmq._native.text cimport Text


cdef class ServedQueue:
    cdef LogQueue queue
    cdef int64_t turn  # the last one in which it got messages


cdef class ServedTopic:
    """A topic that is served on the short way, as far as it matters there."""

    cdef bytes name
    cdef int32_t send_queues  # queue ids of sends are below this; 0 if there are none on the short way
    cdef int32_t read_queues
    cdef list queues  # ServedQueue by queue id


cdef class Part:
    """What one connection is to be answered at the end of a turn."""

    cdef RequestChannel channel
    cdef Output answers
    cdef Output numbers  # opaque and codec of each
    cdef int64_t turn


cdef class Turn:
    """The messages that one turn of the loop stores, and their answers."""

    cdef Serving serving
    cdef list parts
    cdef list touched

    cdef int answer(self, Part part, object error) except -1


cdef class Serving(RequestTaker):
    cdef RecordLog log
    cdef dict topics
    cdef ServedTopic recent
    cdef object clock
    cdef set general_only
    cdef object when_committed
    cdef object told
    cdef object refusal
    cdef object chosen
    cdef object committed_offset
    cdef bytes added
    cdef Py_ssize_t max_message_bytes
    cdef Py_ssize_t max_pull_bytes
    cdef Py_ssize_t max_pull_messages
    cdef Turn turn
    cdef int64_t turn_number
    cdef Output properties
    cdef readonly int64_t sends
    cdef readonly int64_t batches
    cdef readonly int64_t pulls

    cdef int64_t now(self) except? -1
    cdef ServedTopic find(self, const Text *name)
    cdef ServedQueue queue_of(self, ServedTopic topic, int32_t queue_id)
    cdef Part part_of(self, RequestChannel channel)
    cdef int take_send(self, RequestChannel channel, const FrameView *view, const RequestHead *head) except -1
    cdef int append(self, ServedQueue queue, Record *record, const SendRequest *send, const FrameView *view) except -1
    cdef int join(self, const SendRequest *send, Text *text, Text *unique_key) except -1
    cdef int take_pull(self, RequestChannel channel, const FrameView *view, const RequestHead *head) except -1
