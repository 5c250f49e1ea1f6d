from libc.stdint cimport int32_t, int64_t, uint64_t

from pyrocketmq._native.bytesio cimport Output, written
from pyrocketmq._native.command cimport RemotingCommand

cdef enum:
    ANSWER_FLAG = 1
    # Enough for one call of the transport; more at once gains nothing and holds memory.
    FLUSH_BYTES = 262144
    # What one callback of the event loop hands over at most; large frames leave in several turns.
    TURN_BYTES = 1048576
    # Bodies from this size on are not copied: the transport gets the objects themselves.
    BLOCK_BYTES = 65536


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
    cdef object blocks  # deque of bytes and memoryviews, which leave before what is in `out`
    cdef Py_ssize_t block_bytes  # in them, and not given to the transport yet
    cdef Py_ssize_t block_at  # what it has of the first one
    cdef Py_ssize_t given  # to the transport since a flush was scheduled, or in the last one
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
    # Have memory that does not change follow what was written. It is not copied.
    cdef int put_block(self, object block, Py_ssize_t size) except -1
    cdef int seal(self) except -1
    cdef object give_away(self)
    # Forget what was written since `waiting_bytes` said this, if nothing has left since.
    cdef int take_back(self, Py_ssize_t start) except -1
    cdef int check_size(self, Py_ssize_t size) except -1
    cdef int frame_written(self, bint alone) except -1
    cdef int flush_now(self) except -1
    cdef int flush_blocks(self, Py_ssize_t most) except -1
    cdef int flush_everything(self) except -1
    cdef int give_transport(self, object data) except -1
    cdef int wake_drainers(self) except -1


# What was written and the transport does not have yet.
cdef inline Py_ssize_t waiting_bytes(FrameWriter writer) noexcept:
    return writer.block_bytes + written(&writer.out)


cdef int codec_number(str codec) except -1

# Raise for a flag that is not that of a request which is answered.
cdef int refuse_flag(int32_t flag) except -1
