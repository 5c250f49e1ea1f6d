from libc.stdint cimport int32_t, int64_t, uint8_t

cdef struct Slice:
    int32_t at  # offset into the frame
    int32_t size  # -1: not there


cdef struct SendAnswer:
    int32_t code
    int32_t opaque
    int32_t flag
    int32_t queue_id
    int64_t queue_offset
    Slice msg_id
    Slice transaction_id
    Slice region_id
    Slice recall_handle
    Slice remark


cdef class SendResult:
    cdef bytes source  # what the slices point into
    cdef SendAnswer answer
    cdef str _msg_id
    cdef bint has_unique_id
    cdef uint8_t unique_id_bytes[16]
    cdef str _offset_msg_id
    cdef str _transaction_id
    cdef str _region_id
    cdef str _recall_handle
    cdef str _remark
    cdef public object message_queue
    cdef public int attempts

    cdef str text_at(self, const Slice *slice)


# 0: read; 1: not in the plain form, so the general decoder must judge it.
cdef bint read_send_answer(const uint8_t *frame, Py_ssize_t size, SendAnswer *answer) noexcept nogil
cdef SendResult make_send_result(bytes frame, const SendAnswer *answer)
