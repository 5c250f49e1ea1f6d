"""What plain sends and pulls ask for, and their answers."""

from libc.stdint cimport int32_t, int64_t, uint8_t

from pyrocketmq._native.bytesio cimport Output
from pyrocketmq._native.logcut cimport Selection
from pyrocketmq._native.logqueue cimport LogQueue
from pyrocketmq._native.request cimport Field, RequestHead
from pyrocketmq._native.text cimport Text

cdef enum:
    SEND_MESSAGE = 10
    SEND_MESSAGE_V2 = 310
    SEND_BATCH_MESSAGE = 320
    PULL_MESSAGE = 11
    LITE_PULL_MESSAGE = 361

    ONEWAY_FLAG = 2
    PULL_COMMITS = 1  # bit of a pull's sysFlag


cdef struct SendRequest:
    Text topic
    const Field *properties  # NULL for none
    int32_t queue_id
    int32_t sys_flag
    int32_t flag
    int32_t reconsume_times
    int64_t born_timestamp
    bint batch


cdef struct PullRequest:
    Text group
    Text topic
    Text subscription  # NULL for none, as the expression type
    Text expression_type
    int32_t queue_id
    int32_t sys_flag
    int64_t offset
    int64_t commit_offset
    int64_t sub_version
    int64_t max_messages
    int64_t max_bytes


# False when something is missing, odd or unusual, so that the general way has to judge it.
cdef bint read_send(const RequestHead *head, SendRequest *send) noexcept nogil
cdef bint read_pull(const RequestHead *head, PullRequest *pull) noexcept nogil

# Look through properties text: false when a message with it takes another way than into its queue. The unique key is
# set if there is one.
cdef bint is_usual(const Text *properties, Text *unique_key) noexcept nogil

# Room for the answer to a send of `count` messages, with a unique key of `key_size` bytes.
cdef Py_ssize_t send_answer_room(Py_ssize_t count, Py_ssize_t key_size) noexcept nogil

# Write the whole frame of the answer to a send: of the messages from `offset` on, which are in the queue by now. The
# host is that of the broker, as it lies in records; the key is empty for none.
cdef void put_send_answer(
    Output *output, int codec, int32_t opaque, LogQueue queue, int64_t offset, Py_ssize_t count,
    const uint8_t *host, Py_ssize_t host_size, const Text *key,
) noexcept nogil

# Write the whole frame of the answer to a pull that found messages; room is made here.
cdef int put_pull_answer(Output *output, int codec, int32_t opaque, const Selection *selection) except -1
