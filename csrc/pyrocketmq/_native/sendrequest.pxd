"""A request to send one message, read where it was received: the plain forms that clients write, nothing else."""

from libc.stdint cimport int32_t, int64_t

from pyrocketmq._native.bytesio cimport Output
from pyrocketmq._native.frame cimport FrameView
from pyrocketmq._native.text cimport Text


cdef struct SendRequest:
    int32_t opaque
    int32_t wire_flag  # of the frame: 0, or 2 for a request that is not answered
    int32_t queue_id
    int32_t sys_flag
    int32_t message_flag
    int64_t born_ms
    Text topic
    Text properties  # their text with separators, in the frame or in the scratch output


# True when the frame is such a request (SEND_MESSAGE_V2 of a single message that is no retry). The texts are
# valid until the frame or the scratch output changes. Everything unusual is left to the general decoder.
cdef bint read_send_request(const FrameView *view, SendRequest *request, Output *scratch) except -1
