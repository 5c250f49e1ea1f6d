"""The parts of a record that come from outside, and why they are refused."""

from libc.stdint cimport int32_t, int64_t

from pyrocketmq._native.bytesio cimport Cursor
from pyrocketmq._native.logqueue cimport LogQueue
from pyrocketmq._native.record cimport Record

cdef int fill(
    Record *record,
    bytes born_host,
    int64_t store_timestamp,
    int64_t born_timestamp,
    int32_t flag,
    int32_t sys_flag,
    int32_t reconsume_times,
    int64_t prepared_transaction_offset,
) except -1

# The flag, body and properties of the next message of a batch body that has `whole` bytes.
cdef int take_batch_record(Cursor *cursor, Record *record, Py_ssize_t whole) except -1

cdef int refuse_body(Py_ssize_t body, Py_ssize_t properties) except -1
cdef int refuse_change() except -1
cdef int refuse_dropped(LogQueue queue) except -1
cdef int refuse_properties(Py_ssize_t size) except -1
