from libc.stdint cimport INT16_MAX, INT16_MIN, uint8_t

from pyrocketmq._native.bytesio cimport Output
from pyrocketmq._native.command cimport RemotingCommand

cdef enum:
    JSON_CODEC = 0
    BINARY_CODEC = 1


# How to write a request: the binary header cannot hold the codes of pop, which are over 16 bits.
cdef inline int codec_for(RemotingCommand command, int codec) noexcept:
    if codec == BINARY_CODEC and not INT16_MIN <= command._code <= INT16_MAX:
        return JSON_CODEC
    return codec


cdef struct FrameView:
    # One whole frame in place: its header, not looked at yet, and its body.
    const uint8_t *header
    Py_ssize_t header_size
    const uint8_t *body
    Py_ssize_t body_size
    int codec  # the type byte as received


# Append the frame of a command; after an error the output is as before.
cdef int write_frame(Output *output, RemotingCommand command, int codec) except -1

# Append all of it but its body, which has to follow, and make room for so many bytes more.
cdef int write_frame_head(Output *output, RemotingCommand command, int codec, Py_ssize_t further) except -1

cdef Py_ssize_t body_size_of(RemotingCommand command) noexcept

cdef RemotingCommand decode_view(const FrameView *view)


cdef class FrameReader:
    """Unread bytes are at[0:end - at]; the block is start[0:limit - start]."""

    cdef uint8_t *start
    cdef uint8_t *at
    cdef uint8_t *end
    cdef uint8_t *limit
    cdef readonly Py_ssize_t max_frame_bytes
    cdef str broken  # why the stream cannot be followed any more

    # At least `count` writable bytes behind what is buffered, valid until the next call.
    # `commit` what was filled.
    cdef uint8_t *get_space(self, Py_ssize_t count) except NULL
    cdef Py_ssize_t space(self) noexcept
    cdef int commit(self, Py_ssize_t count) except -1

    # Step over the next whole frame: 1 with the view set, valid until the next get_space; 0 when it is not
    # there yet.
    # A DeserializationError stands for one frame that was stepped over; a ProtocolError comes back for ever.
    cdef int cut(self, FrameView *view) except -2
    cdef int raise_broken(self) except -2
    cdef int resize(self, Py_ssize_t size, Py_ssize_t unread, Py_ssize_t count) except -1
