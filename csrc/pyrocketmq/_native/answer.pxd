from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

# Where a text lies in a frame: offset << 32 | size. One word, as two halves written apart and read together stall.
ctypedef uint64_t Span

cdef enum:
    ABSENT = 0  # no text can start at offset 0, where the length word is


cdef inline Span span_of(Py_ssize_t at, Py_ssize_t size) noexcept nogil:
    return <uint64_t>at << 32 | <uint64_t>size


cdef inline Py_ssize_t span_at(Span span) noexcept nogil:
    return <Py_ssize_t>(span >> 32)


cdef inline Py_ssize_t span_size(Span span) noexcept nogil:
    return <uint32_t>span


cdef struct SendAnswer:
    int32_t code
    int32_t opaque
    int32_t flag
    int32_t queue_id
    int64_t queue_offset
    Span msg_id
    Span transaction_id
    Span region_id
    Span recall_handle
    Span remark


cdef class SendResult:
    cdef bytes source  # what the spans point into
    cdef SendAnswer answer
    cdef str _msg_id
    cdef bint has_unique_id
    cdef uint8_t unique_id_bytes[16]
    cdef str _offset_msg_id
    cdef str _transaction_id
    cdef str _region_id
    cdef str _recall_handle
    cdef str _remark
    cdef bint is_untraced  # where there is no source to look into
    cdef public object message_queue
    cdef public int attempts

    cdef str text_at(self, Span span)


cdef bint read_send_answer(const uint8_t *frame, Py_ssize_t size, SendAnswer *answer) noexcept nogil
cdef SendResult make_send_result(bytes frame, const SendAnswer *answer)
