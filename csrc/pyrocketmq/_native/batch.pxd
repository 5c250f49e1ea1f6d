from cpython.bytes cimport PyBytes_GET_SIZE
from libc.stdint cimport int32_t, uint8_t

from pyrocketmq._native.bytesio cimport Output
from pyrocketmq._native.message cimport Message

cdef enum:
    # total size, magic, CRC, flag, body length and properties length of one record
    BATCH_RECORD_OVERHEAD = 22

cdef Py_ssize_t batch_bytes(list messages) except -1
cdef uint8_t *put_batch_message(uint8_t *at, Message message) noexcept
cdef int put_batch_record(
    Output *output,
    int32_t flag,
    const void *body,
    Py_ssize_t body_size,
    const void *properties,
    Py_ssize_t properties_size,
) except -1
cdef int refuse_body(Message message, Py_ssize_t size, Py_ssize_t max_body_bytes) except -1
cdef int refuse_properties_size(Message message, Py_ssize_t size) except -1


cdef inline int check_body(Message message, bytes body, Py_ssize_t max_body_bytes) except -1:
    cdef Py_ssize_t size = PyBytes_GET_SIZE(body)
    return 0 if 0 < size <= max_body_bytes else refuse_body(message, size, max_body_bytes)
