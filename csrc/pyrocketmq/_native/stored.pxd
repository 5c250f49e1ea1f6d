from libc.stdint cimport int64_t

from pyrocketmq._native.record cimport Record


cdef class MessageExt:
    # All strings and bytes below are caches, None until they are asked for; the record points into _data.
    cdef Record record
    cdef bytes _data
    cdef bytes _batch_body  # where body and properties lie, for a message out of an inner batch
    cdef str _broker_name
    cdef str _topic
    cdef bytes _body
    cdef str _msg_id
    cdef dict _pairs  # all properties; only the read-only view below leaves this object
    cdef object _properties
    cdef int64_t _queue_offset
    cdef Py_ssize_t _max_body_bytes
    cdef bint _unwrapped  # comes out of an inner batch

    cdef str find(self, str key)
    cdef bytes stored_body(self)


# All messages of `data`. Where a record cannot be read the walk ends; strict raises DeserializationError.
cdef list read_messages(
    bytes data, str broker_name, int64_t offset_delta, Py_ssize_t max_body_bytes, bint expand, bint strict
)
