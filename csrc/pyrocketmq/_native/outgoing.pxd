from libc.stdint cimport int32_t, int64_t, uint64_t

from pyrocketmq._native.bytesio cimport Output
from pyrocketmq._native.command cimport RemotingCommand

cdef enum:
    ANSWER_FLAG = 1
    # Enough for one call of the transport; more at once gains nothing and holds memory.
    FLUSH_BYTES = 262144


cdef class FrameWriter:
    cdef object loop
    cdef object transport
    cdef object clock
    cdef object create_future
    cdef object call_soon
    cdef object flush_method
    cdef readonly object error  # why the connection ended, or None
    cdef readonly str address
    cdef int codec
    cdef int peer_codec  # of its last request
    cdef Output out
    cdef list drainers
    cdef unsigned long thread
    cdef double base  # what the clock said when the connection was made
    cdef double last_read
    cdef double last_write
    cdef Py_ssize_t max_frame_bytes
    cdef Py_ssize_t write_buffer_bytes
    cdef int64_t written_before  # bytes that left the output buffer
    cdef bint is_made
    cdef bint is_ended  # no requests any more; connection_lost may still be to come
    cdef bint paused  # the transport asked for a pause
    cdef bint flushing  # a flush is scheduled
    cdef bint holds_reading
    cdef bint held  # reading rests until our answers are read
    cdef uint64_t frames_out

    cdef int hold_if_full(self) except -1
    cdef double now(self) except? -1
    cdef int check_use(self, bint bounded) except -1
    cdef int put_command(self, RemotingCommand command, int codec) except -1
    cdef int check_size(self, Py_ssize_t size) except -1
    cdef int frame_written(self, bint alone) except -1
    cdef int flush_now(self) except -1
    cdef int give_transport(self, object data) except -1
    cdef int wake_drainers(self) except -1


cdef int codec_number(str codec) except -1

# Raise for a flag that is not that of a request which is answered.
cdef int refuse_flag(int32_t flag) except -1
