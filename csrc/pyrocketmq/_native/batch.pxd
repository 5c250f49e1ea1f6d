from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t

from pyrocketmq._native.bytesio cimport Output, copy, store_be16, store_be32, store_be64
from pyrocketmq._native.message cimport Message, properties_bytes, put_properties

cdef enum:
    # total size, magic, CRC, flag, body length and properties length of one record
    BATCH_RECORD_OVERHEAD = 22

cdef Py_ssize_t batch_bytes(list messages) except -1
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


cdef inline uint8_t *put_batch_message(uint8_t *at, Message message) noexcept:
    """Write one message as a record; the caller has checked it and made room."""
    cdef Py_ssize_t body_size = PyBytes_GET_SIZE(message._body)
    cdef Py_ssize_t properties_size = properties_bytes(message)
    store_be32(at, <uint32_t>(BATCH_RECORD_OVERHEAD + body_size + properties_size))
    store_be64(at + 4, 0)  # magic and CRC
    store_be32(at + 12, <uint32_t>message._flag)
    store_be32(at + 16, <uint32_t>body_size)
    copy(at + 20, PyBytes_AS_STRING(message._body), body_size)
    at += 20 + body_size
    store_be16(at, <uint16_t>properties_size)
    return put_properties(at + 2, message)
