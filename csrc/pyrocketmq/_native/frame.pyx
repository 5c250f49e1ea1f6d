"""Frames: length word, codec byte and header length, header, body; written whole and cut from a stream.

Every frame is decoded by its own codec byte. A bad frame costs that frame only, since the length says where
the next one starts; only a length that cannot be true ends the stream. Knows nothing of sockets and requests.
"""

cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Malloc, PyMem_RawFree, PyMem_RawMalloc
from libc.stdint cimport INT32_MAX, int32_t, uint8_t, uint32_t
from libc.string cimport memcpy, memmove

from pyrocketmq._native.bytesio cimport Output, load_be32, reserve, store_be32
from pyrocketmq._native.command cimport RemotingCommand
from pyrocketmq._native.header_binary cimport binary_header_room, put_binary_header, read_binary_header
from pyrocketmq._native.header_json cimport json_header_room, put_json_header, read_json_header

from pyrocketmq.errors import ConfigurationError, DeserializationError, ProtocolError, SerializationError

__all__ = ["BROKER_MAX_FRAME_BYTES", "FrameReader", "decode_frame", "encode_frame", "frame_info"]

cdef extern from "Python.h":
    const Py_ssize_t PY_SSIZE_T_MAX

cdef enum:
    WORDS_BYTES = 8  # the length word and the word with codec and header length
    HEADER_LENGTH_MASK = 0xFFFFFF
    SCRATCH_BYTES = 4096
    FIRST_BLOCK_BYTES = 4096
    KEPT_BLOCK_BYTES = 1048576  # a larger block is given back once everything in it was read

BROKER_MAX_FRAME_BYTES = 16 * 1024 * 1024  # what brokers of 5.5.0 take


# ---- writing ----

cdef inline Py_ssize_t header_room(RemotingCommand command, int codec) except -1:
    return json_header_room(command) if codec == JSON_CODEC else binary_header_room(command)


cdef inline uint8_t *put_header(uint8_t *at, RemotingCommand command, int codec) noexcept:
    return put_json_header(at, command) if codec == JSON_CODEC else put_binary_header(at, command)


cdef Py_ssize_t body_size_of(RemotingCommand command) noexcept:
    return 0 if command._body is None else PyBytes_GET_SIZE(command._body)


cdef int check_sizes(Py_ssize_t header_size, Py_ssize_t body_size) except -1:
    if header_size > HEADER_LENGTH_MASK:
        raise SerializationError(
            f"the header has {header_size:,} bytes, a frame holds at most {HEADER_LENGTH_MASK:,}",
            field="header",
            advice="move long ext fields into the body",
        )
    if body_size > INT32_MAX - 4 - header_size:
        raise SerializationError(
            f"the body has {body_size:,} bytes, a frame with a header of {header_size:,} bytes holds "
            f"at most {INT32_MAX - 4 - header_size:,}",
            field="body",
            advice="split the body",
        )
    return 0


cdef inline void put_words(
    uint8_t *at, int codec, Py_ssize_t header_size, Py_ssize_t body_size
) noexcept nogil:
    store_be32(at, <uint32_t>(4 + header_size + body_size))
    store_be32(at + 4, (<uint32_t>codec << 24) | <uint32_t>header_size)


cdef int write_frame(Output *output, RemotingCommand command, int codec) except -1:
    cdef Py_ssize_t body_size = body_size_of(command)
    write_frame_head(output, command, codec, body_size)
    if body_size:
        memcpy(output.at, PyBytes_AS_STRING(command._body), body_size)
        output.at += body_size
    return 0


cdef int write_frame_head(Output *output, RemotingCommand command, int codec, Py_ssize_t further) except -1:
    cdef Py_ssize_t room = header_room(command, codec)
    cdef Py_ssize_t body_size = body_size_of(command)
    cdef Py_ssize_t header_size
    cdef uint8_t *header
    if body_size > INT32_MAX - room:
        check_sizes(0, body_size)
    reserve(output, WORDS_BYTES + room + further)
    header = output.at + WORDS_BYTES
    header_size = put_header(header, command, codec) - header
    check_sizes(header_size, body_size)
    put_words(output.at, codec, header_size, body_size)
    output.at = header + header_size
    return 0


cdef bytes frame_of(RemotingCommand command, int codec, uint8_t *header, Py_ssize_t header_size):
    cdef Py_ssize_t body_size = body_size_of(command)
    cdef bytes frame
    cdef uint8_t *at
    check_sizes(header_size, body_size)
    frame = PyBytes_FromStringAndSize(NULL, WORDS_BYTES + header_size + body_size)
    at = <uint8_t *>PyBytes_AS_STRING(frame)
    put_words(at, codec, header_size, body_size)
    memcpy(at + WORDS_BYTES, header, header_size)
    if body_size:
        memcpy(at + WORDS_BYTES + header_size, PyBytes_AS_STRING(command._body), body_size)
    return frame


cdef int codec_of(str codec) except -1:
    if codec == "json":
        return JSON_CODEC
    if codec == "binary":
        return BINARY_CODEC
    raise ConfigurationError(
        f"codec is {codec!r}, known are 'json' and 'binary'",
        field="codec",
        advice="use 'json', every server takes it",
    )


def encode_frame(RemotingCommand command not None, str codec not None="json"):
    """The whole frame of a command, length word included."""
    cdef int kind = codec_of(codec)
    cdef Py_ssize_t room = header_room(command, kind)
    cdef uint8_t scratch[SCRATCH_BYTES]
    cdef uint8_t *header
    if room <= SCRATCH_BYTES:
        return frame_of(command, kind, scratch, put_header(scratch, command, kind) - scratch)
    header = <uint8_t *>PyMem_Malloc(room)
    if header is NULL:
        raise MemoryError(f"cannot make room for a header of up to {room:,} bytes")
    try:
        return frame_of(command, kind, header, put_header(header, command, kind) - header)
    finally:
        PyMem_Free(header)


# ---- reading one frame ----

cdef int refuse_header_length(Py_ssize_t header_size, Py_ssize_t length) except -2:
    raise DeserializationError(
        f"a frame of {length + 4:,} bytes claims a header of {header_size:,}, {length - 4:,} are left for it",
        field="header_length",
        likely="the frame was damaged, or its sender does not speak the RocketMQ protocol",
    )


cdef inline int view_frame(const uint8_t *at, Py_ssize_t length, FrameView *view) except -2:
    """Set the view on a frame whose length word is true and at least 4."""
    cdef uint32_t word = load_be32(at + 4)
    cdef Py_ssize_t header_size = <Py_ssize_t>(word & HEADER_LENGTH_MASK)
    if header_size > length - 4:
        return refuse_header_length(header_size, length)
    view.codec = <int>(word >> 24)
    view.header = at + WORDS_BYTES
    view.header_size = header_size
    view.body = view.header + header_size
    view.body_size = length - 4 - header_size
    return 1


cdef RemotingCommand decode_view(const FrameView *view):
    """The command of a frame, which keeps nothing of the frame's memory."""
    cdef RemotingCommand command = RemotingCommand.__new__(RemotingCommand)
    if view.codec == JSON_CODEC:
        read_json_header(view.header, view.header_size, command)
    elif view.codec == BINARY_CODEC:
        read_binary_header(view.header, view.header_size, command)
    else:
        raise DeserializationError(
            f"the codec byte of the frame is {view.codec}, "
            f"known are {JSON_CODEC} (JSON) and {BINARY_CODEC} (binary)",
            field="codec",
            likely="the sender uses a codec that no RocketMQ release has",
        )
    if view.body_size:
        command._body = PyBytes_FromStringAndSize(<const char *>view.body, view.body_size)
    return command


cdef RemotingCommand decode_whole(const uint8_t *at, Py_ssize_t size):
    cdef FrameView view
    cdef Py_ssize_t length
    if size < WORDS_BYTES:
        raise DeserializationError(
            f"{size:,} bytes are no frame, which has {WORDS_BYTES} at least",
            field="length",
            advice="give exactly one frame, or use a FrameReader for a stream",
        )
    length = <int32_t>load_be32(at)
    if length != size - 4:
        raise DeserializationError(
            f"the frame claims {length:,} bytes after its length word, {size - 4:,} are there",
            field="length",
            advice="give exactly one frame, or use a FrameReader for a stream",
        )
    view_frame(at, length, &view)
    return decode_view(&view)


def decode_frame(data):
    """The command of exactly one whole frame, length word included."""
    cdef Py_buffer view
    if type(data) is bytes:
        return decode_whole(<const uint8_t *>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    try:
        return decode_whole(<const uint8_t *>view.buf, view.len)
    finally:
        PyBuffer_Release(&view)


def frame_info(data):
    """Total length of a frame with its length word, and length of its header, from its first 8 bytes."""
    cdef Py_buffer view
    cdef FrameView frame
    cdef Py_ssize_t length
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    try:
        if view.len < WORDS_BYTES:
            raise DeserializationError(
                f"{view.len:,} bytes do not show the lengths of a frame, the first {WORDS_BYTES} do",
                field="length",
                advice="wait for more bytes",
            )
        length = <int32_t>load_be32(view.buf)
        if length < 4:
            raise DeserializationError(
                f"the frame claims {length:,} bytes after its length word, it has 4 at least",
                field="length",
                likely="the frame was damaged, or its sender does not speak the RocketMQ protocol",
            )
        frame.header_size = 0
        view_frame(<const uint8_t *>view.buf, length, &frame)
        return length + 4, frame.header_size
    finally:
        PyBuffer_Release(&view)


# ---- reading a stream ----

@cython.final
cdef class FrameReader:
    """Cuts a stream of bytes, fed in pieces of any size, into commands.

    It holds what was fed and not read yet, in one block of at most about twice that size.
    """

    def __cinit__(self, Py_ssize_t max_frame_bytes=BROKER_MAX_FRAME_BYTES):
        self.start = self.at = self.end = self.limit = NULL
        if not 4 <= max_frame_bytes <= INT32_MAX:
            raise ConfigurationError(
                f"max_frame_bytes is {max_frame_bytes:,}, it must be 4 to {INT32_MAX:,}",
                field="max_frame_bytes",
                advice=f"brokers take {BROKER_MAX_FRAME_BYTES:,}",
            )
        self.max_frame_bytes = max_frame_bytes

    def __dealloc__(self):
        PyMem_RawFree(self.start)

    @property
    def buffered(self):
        """Bytes that were fed and not read yet."""
        return self.end - self.at

    def feed(self, data):
        """Add received bytes; they are copied."""
        cdef Py_buffer view
        if self.broken is not None:
            self.raise_broken()
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            if view.len:
                memcpy(self.get_space(view.len), view.buf, view.len)
                self.end += view.len
        finally:
            PyBuffer_Release(&view)

    def next_frame(self):
        """The next command, or None when it has not arrived whole."""
        cdef FrameView view
        return decode_view(&view) if self.cut(&view) else None

    def next_bytes(self):
        """The next frame as it is, length word included, or None when it has not arrived whole."""
        cdef FrameView view
        if not self.cut(&view):
            return None
        return PyBytes_FromStringAndSize(
            <const char *>view.header - WORDS_BYTES, WORDS_BYTES + view.header_size + view.body_size
        )

    def read_all(self):
        """All commands that have arrived whole, up to the first frame that cannot be read.

        An error is raised when it is first in line, so no command before it is lost: call again after one.
        """
        cdef FrameView view
        cdef Py_ssize_t place
        cdef list commands = []
        while True:
            place = self.at - self.start
            try:
                if not self.cut(&view):
                    return commands
                commands.append(decode_view(&view))
            except Exception:
                if not commands:
                    raise
                self.at = self.start + place
                return commands

    def __iter__(self):
        return self

    def __next__(self):
        cdef FrameView view
        if not self.cut(&view):
            raise StopIteration
        return decode_view(&view)

    cdef uint8_t *get_space(self, Py_ssize_t count) except NULL:
        cdef Py_ssize_t unread = self.end - self.at
        cdef Py_ssize_t size = self.limit - self.start
        if unread == 0:
            self.at = self.end = self.start
            if size > KEPT_BLOCK_BYTES and count <= KEPT_BLOCK_BYTES:
                PyMem_RawFree(self.start)
                self.start = self.at = self.end = self.limit = NULL
                size = 0
        if self.start is not NULL and self.limit - self.end >= count:
            return self.end
        # Moving costs at most what was read since the last move, so all moves together stay linear.
        if size - unread >= count and self.at - self.start >= unread:
            memmove(self.start, self.at, unread)
        else:
            self.resize(size, unread, count)
        self.at = self.start
        self.end = self.start + unread
        return self.end

    cdef int resize(self, Py_ssize_t size, Py_ssize_t unread, Py_ssize_t count) except -1:
        """Take a new block with room for `count` bytes behind the unread ones."""
        cdef uint8_t *block
        if size < FIRST_BLOCK_BYTES:
            size = FIRST_BLOCK_BYTES
        while size - unread < count:
            if size > PY_SSIZE_T_MAX // 2:
                raise MemoryError(f"cannot make room for {count:,} more bytes")
            size *= 2
        block = <uint8_t *>PyMem_RawMalloc(size)
        if block is NULL:
            raise MemoryError(f"cannot make room for {count:,} more bytes")
        if unread:
            memcpy(block, self.at, unread)
        PyMem_RawFree(self.start)
        self.start = block
        self.limit = block + size
        return 0

    cdef Py_ssize_t space(self) noexcept:
        return self.limit - self.end

    cdef int commit(self, Py_ssize_t count) except -1:
        if not 0 <= count <= self.limit - self.end:
            raise ValueError(f"{count:,} bytes committed, {self.limit - self.end:,} were free")
        self.end += count
        return 0

    cdef int cut(self, FrameView *view) except -2:
        cdef const uint8_t *at = self.at
        cdef Py_ssize_t left = self.end - self.at
        cdef Py_ssize_t length
        if self.broken is not None:
            return self.raise_broken()
        if left < 4:
            return 0
        length = <int32_t>load_be32(at)
        if length < 4 or length > self.max_frame_bytes:
            self.broken = (
                f"a frame claims {length:,} bytes after its length word, "
                f"4 to {self.max_frame_bytes:,} are possible"
            )
            return self.raise_broken()
        if length > left - 4:
            return 0
        self.at += 4 + length
        return view_frame(at, length, view)

    cdef int raise_broken(self) except -2:
        raise ProtocolError(
            self.broken,
            field="length",
            likely="the peer is no RocketMQ server, wants TLS on this port, or sends longer frames",
            advice="close the connection; raise max_frame_bytes if frames of this size are meant",
        )
