"""The direct lane: one request at a time on a socket of its own, sent and awaited by the thread that calls.

The GIL is given back once per call, for sending and waiting together. It knows neither how a socket is opened nor when
a lane is used; POSIX and plain TCP only.
"""

cimport cython
from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.errno cimport EAGAIN, EINTR, errno
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.string cimport memcpy

from pyrocketmq._native.answer cimport SendAnswer, SendResult, make_send_result, read_send_answer
from pyrocketmq._native.bytesio cimport Output, load_be32, release, written
from pyrocketmq._native.command cimport RemotingCommand, take_opaque
from pyrocketmq._native.frame cimport FrameReader, FrameView, codec_for, decode_view, write_frame
from pyrocketmq._native.message cimport NO_ID, RAW_ID, Message
from pyrocketmq._native.monotonic cimport coarse_monotonic, monotonic
from pyrocketmq._native.outgoing cimport ANSWER_FLAG, codec_number, refuse_flag
from pyrocketmq._native.parcel cimport Parcel
from pyrocketmq._native.sending cimport ONEWAY_FLAG, SendEncoder, SendFields, fill_fields
from pyrocketmq._native.text cimport utf8_of

import os

from pyrocketmq._native.answer import decode_send_answer
from pyrocketmq.errors import (
    ConfigurationError,
    ConnectionClosedError,
    DeserializationError,
    ProtocolError,
    RpcTimeoutError,
    SerializationError,
    TransportStateError,
)

__all__ = ["LANES_WORK", "Lane"]

cdef extern from "Python.h":
    int PyErr_CheckSignals() except -1

cdef extern from *:
    """
    #include <errno.h>
    #include <stddef.h>
    #if defined(_WIN32)
    #define PRMQ_LANES 0
    static int prmq_lane_prepare(int fd, int milliseconds) { return -1; }
    static ptrdiff_t prmq_lane_send(int fd, const void *data, size_t size) { return -1; }
    static ptrdiff_t prmq_lane_receive(int fd, void *data, size_t size, int block) { return -1; }
    static int prmq_lane_wait(int fd, int writable, int milliseconds) { return -1; }
    static int prmq_lane_is_alive(int fd) { return 0; }
    static void prmq_lane_shut(int fd) {}
    static int prmq_process_id(void) { return 0; }
    #else
    #include <fcntl.h>
    #include <poll.h>
    #include <sys/socket.h>
    #include <sys/time.h>
    #include <unistd.h>
    #define PRMQ_LANES 1
    #if defined(MSG_NOSIGNAL)
    #define PRMQ_NO_SIGNAL MSG_NOSIGNAL
    #else
    #define PRMQ_NO_SIGNAL 0
    #endif
    /* Reading blocks, for so long at a time; writing is asked not to, call by call. */
    static int prmq_lane_prepare(int fd, int milliseconds) {
        struct timeval limit;
        int flags = fcntl(fd, F_GETFL);
        limit.tv_sec = milliseconds / 1000;
        limit.tv_usec = milliseconds % 1000 * 1000;
    #if defined(SO_NOSIGPIPE)
        int one = 1;
        if (setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &one, sizeof one) != 0) return -1;
    #endif
        if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) != 0) return -1;
        return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    }
    static ptrdiff_t prmq_lane_send(int fd, const void *data, size_t size) {
        return send(fd, data, size, MSG_DONTWAIT | PRMQ_NO_SIGNAL);
    }
    static ptrdiff_t prmq_lane_receive(int fd, void *data, size_t size, int block) {
        return recv(fd, data, size, block ? 0 : MSG_DONTWAIT);
    }
    static int prmq_lane_wait(int fd, int writable, int milliseconds) {
        struct pollfd waited = {fd, writable ? POLLOUT : POLLIN, 0};
        return poll(&waited, 1, milliseconds);
    }
    static int prmq_lane_is_alive(int fd) {
        char byte;
        ptrdiff_t seen = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        return seen > 0 || (seen < 0 && errno == EAGAIN);
    }
    static void prmq_lane_shut(int fd) { shutdown(fd, SHUT_RDWR); }
    static int prmq_process_id(void) { return (int)getpid(); }
    #endif
    #if defined(__x86_64__) || defined(__i386__)
    #define prmq_relax() __builtin_ia32_pause()
    #else
    #define prmq_relax() ((void)0)
    #endif
    """
    const bint PRMQ_LANES
    int lane_prepare "prmq_lane_prepare"(int fd, int milliseconds)
    Py_ssize_t lane_send "prmq_lane_send"(int fd, const void *data, size_t size) nogil
    Py_ssize_t lane_receive "prmq_lane_receive"(int fd, void *data, size_t size, bint block) nogil
    int lane_wait "prmq_lane_wait"(int fd, bint writable, int milliseconds) nogil
    bint lane_is_alive "prmq_lane_is_alive"(int fd)
    void lane_shut "prmq_lane_shut"(int fd)
    int process_id "prmq_process_id"()
    void relax "prmq_relax"() nogil

cdef enum:
    WORDS_BYTES = 8
    REQUEST_CODE_NOT_SUPPORTED = 3
    READ_BYTES = 16384
    MOST_READ_BYTES = 262144
    KEPT_OUTPUT_BYTES = 1048576
    # How long the thread sleeps before it looks at signals; Ctrl-C is promised within 200 ms.
    SLICE_MS = 100

cdef double FRESH_SECONDS = 0.05  # one that was used so lately is taken to be alive

LANES_WORK = bool(PRMQ_LANES)

cdef enum Step:
    SENT  # all that was written
    FRAME  # a whole one is there, or one that cannot be
    LOOK  # at signals and the deadline, and go on
    SPACE  # is needed for more bytes
    CLOSED  # by the peer
    FAILED  # see errno


@cython.final
cdef class Lane:
    """One request at a time over a connected socket, which the lane owns from now on."""

    cdef object __weakref__
    cdef object sock
    cdef FrameReader reader
    cdef Output out
    cdef readonly str address
    cdef double spin
    cdef double last_used
    cdef Py_ssize_t max_frame_bytes
    cdef const uint8_t *data  # what is sent: the output, or the frame of a parcel
    cdef Py_ssize_t size
    cdef Py_ssize_t sent  # bytes of it that left
    cdef int fd
    cdef int pid  # of the process that may use it
    cdef int codec
    cdef bint is_busy
    cdef bint is_ended  # closed by this side
    cdef readonly uint64_t requests
    cdef readonly uint64_t foreign_answers
    cdef readonly uint64_t requests_in

    def __cinit__(
        self, sock not None, *, str address not None, str codec not None="json",
        Py_ssize_t max_frame_bytes=16777216, double spin=0.0,
    ):
        if not PRMQ_LANES:
            raise ConfigurationError(
                "there are no direct lanes on this system", field="direct_lane", advice="leave direct_lane off"
            )
        self.reader = FrameReader(max_frame_bytes)
        self.codec = codec_number(codec)
        self.address = address
        self.max_frame_bytes = max_frame_bytes
        self.spin = spin
        self.sock = sock
        self.fd = sock.fileno()
        self.pid = process_id()
        if lane_prepare(self.fd, SLICE_MS):
            raise self.lost(f"it cannot be set up ({os.strerror(errno)})", False)
        self.last_used = coarse_monotonic()

    def __del__(self):
        # The thread that it belonged to has ended.
        self.drop()

    def __dealloc__(self):
        release(&self.out)

    def __repr__(self):
        state = "closed" if self.sock is None else "busy" if self.is_busy else "idle"
        return f"<Lane to {self.address}, {state}, {self.requests:,} requests>"

    @property
    def is_open(self):
        """True while requests can be made."""
        return self.sock is not None and not self.is_ended

    @property
    def is_usable(self):
        """True when a request can be made now; after a rest this looks whether the server has closed it."""
        return self.is_ready()

    cdef bint is_ready(self) noexcept:
        if self.sock is None or self.is_ended or process_id() != self.pid:
            return False
        return self.is_busy or coarse_monotonic() - self.last_used <= FRESH_SECONDS or lane_is_alive(self.fd)

    @property
    def idle_for(self):
        """Seconds since the last use; 0 in the middle of one."""
        return 0.0 if self.is_busy else coarse_monotonic() - self.last_used

    # ---- requests ----

    def request(self, RemotingCommand command not None, double timeout):
        """Send a request and wait for its answer."""
        cdef double end = self.begin(timeout)
        try:
            if command._flag & (ANSWER_FLAG | ONEWAY_FLAG):
                refuse_flag(command._flag)
            write_frame(&self.out, command, codec_for(command, self.codec))
            self.set_data(self.out.start, written(&self.out))
            return self.answer_to(command._opaque, end, timeout, False)
        finally:
            self.finish()

    def send_message(
        self,
        SendEncoder encoder not None,
        Message message not None,
        int32_t queue_id,
        double timeout,
        *,
        int64_t born_ms=0,
        int32_t sys_flag=0,
        bytes body=None,
        str topic=None,
    ):
        """Send a message straight from its fields and wait for what became of it."""
        cdef double end = self.begin(timeout)
        cdef SendFields fields
        cdef SendResult result
        try:
            fill_fields(&fields, queue_id, take_opaque(), sys_flag, 0, born_ms)
            if topic is not None:
                utf8_of(topic, &fields.topic)
            encoder.put_message(&self.out, message, &fields, body)
            self.set_data(self.out.start, written(&self.out))
            result = self.answer_to(fields.opaque, end, timeout, True)
        finally:
            self.finish()
        if message.unique_id_state == RAW_ID:
            result.has_unique_id = True
            memcpy(result.unique_id_bytes, message.unique_id_bytes, 16)
        elif message.unique_id_state != NO_ID:
            result._msg_id = message.get_property("UNIQ_KEY")
        return result

    def send_parcel(self, SendEncoder encoder not None, Parcel parcel not None, int32_t queue_id, double timeout):
        """Send a parcel where it lies and wait for what became of it; None when it has to go another way."""
        cdef double end
        cdef SendFields fields
        if not parcel.can_leave(encoder):
            return None
        end = self.begin(timeout)
        parcel.views += 1  # its bytes stay where they are
        try:
            fill_fields(&fields, queue_id, take_opaque())
            parcel.put_frame(encoder, &fields)
            self.set_data(parcel.frame, parcel.frame_size)
            return self.answer_to(fields.opaque, end, timeout, True)
        finally:
            parcel.views -= 1
            self.finish()

    # ---- the end ----

    def close(self):
        """Close the socket; a request that another thread waits for ends with ConnectionClosedError."""
        self.is_ended = True
        if self.is_busy:
            # Its thread has the descriptor in hand, so that thread closes it.
            lane_shut(self.fd)
        else:
            self.drop()

    def close_if_idle(self, double seconds):
        """Close a lane that was not used for so long; says whether it is closed now."""
        if self.sock is not None and not self.is_busy and coarse_monotonic() - self.last_used >= seconds:
            self.close()
        return self.sock is None

    cdef int drop(self) except -1:
        sock, self.sock = self.sock, None
        self.fd = -1
        if sock is not None:
            sock.close()
        return 0

    # ---- one request ----

    cdef double begin(self, double timeout) except? -1:
        """Take the lane, or raise; gives when the time is over."""
        if self.is_busy:
            raise TransportStateError(
                f"the lane to {self.address} is in use, it takes one request at a time",
                advice="use a lane of its own for each thread",
                address=self.address,
            )
        if self.sock is None or self.is_ended:
            raise self.lost("this side closed it", False)
        if not 0 < timeout <= 1e7:
            raise ConfigurationError(
                f"timeout is {timeout:g} s, it must be > 0 and at most 10,000,000",
                field="timeout",
                advice="give the seconds that are left for this request",
            )
        if not self.is_ready():
            self.drop()
            raise self.lost("the peer closed it, or it belongs to the parent of this process", False)
        self.is_busy = True
        self.out.at = self.out.start
        self.size = self.sent = 0
        self.requests += 1
        return monotonic() + timeout

    cdef int finish(self) except -1:
        self.is_busy = False
        self.last_used = coarse_monotonic()
        if self.out.end - self.out.start > KEPT_OUTPUT_BYTES:
            release(&self.out)
        if self.is_ended:
            self.drop()
        return 0

    cdef int set_data(self, const uint8_t *data, Py_ssize_t size) except -1:
        """Say which frame is sent next; refuses one that is too large."""
        if size - 4 > self.max_frame_bytes:
            raise SerializationError(
                f"the frame has {size:,} bytes, max_frame_bytes is {self.max_frame_bytes:,}",
                field="body",
                advice="split the body; a broker closes the connection over frames that are larger than it takes",
            )
        self.data = data
        self.size = size
        self.sent = 0
        return 0

    cdef object answer_to(self, int32_t opaque, double end, double timeout, bint is_send):
        """Send what is written and wait for its answer; after an error the lane is closed.

        Whoever used it next would read the answer of this request, should it still come.
        """
        try:
            return self.find_answer(opaque, end, timeout, is_send)
        except (DeserializationError, ProtocolError) as error:
            error.maybe_sent = True
            self.is_ended = True
            raise
        except BaseException:
            self.is_ended = True
            raise

    cdef object find_answer(self, int32_t opaque, double end, double timeout, bint is_send):
        cdef FrameView view
        cdef SendAnswer answer
        cdef RemotingCommand command
        cdef const uint8_t *frame
        cdef Py_ssize_t size
        while True:
            # What came after an earlier answer is looked at after sending: it must not delay the request.
            if self.sent < self.size or not self.reader.cut(&view):
                self.next_frame(end, timeout)
                continue
            frame = view.header - WORDS_BYTES
            size = WORDS_BYTES + view.header_size
            if is_send and not read_send_answer(frame, size + view.body_size, &answer):
                if answer.flag & ANSWER_FLAG and answer.opaque == opaque:
                    return make_send_result(PyBytes_FromStringAndSize(<const char *>frame, size), &answer)
            command = decode_view(&view)
            if not command._flag & ANSWER_FLAG:
                self.refuse(command, view.codec)
            elif command._opaque != opaque:
                self.foreign_answers += 1
            elif is_send:
                return decode_send_answer(PyBytes_FromStringAndSize(<const char *>frame, size + view.body_size))
            else:
                return command

    cdef int refuse(self, RemotingCommand request, int codec) except -1:
        """Tell a server that asks something that this is not the connection for it."""
        cdef RemotingCommand answer
        self.requests_in += 1
        if request._flag & ONEWAY_FLAG:
            return 0
        answer = RemotingCommand(
            REQUEST_CODE_NOT_SUPPORTED,
            remark=f"request code {request._code} is not served here",
            opaque=request._opaque,
        )
        answer._flag = ANSWER_FLAG
        self.out.at = self.out.start
        write_frame(&self.out, answer, codec)
        return self.set_data(self.out.start, written(&self.out))

    cdef int next_frame(self, double end, double timeout) except -1:
        """Send what is left to send, and wait until a whole frame is there."""
        cdef FrameReader reader = self.reader
        cdef double spin_until = monotonic() + self.spin if self.spin > 0 else 0
        cdef Step step = SPACE
        while True:
            if step == SPACE:
                reader.get_space(wanted(reader))
            with nogil:
                step = exchange(self, reader, end, spin_until)
            if step == FRAME:
                return 0
            if step == LOOK:
                PyErr_CheckSignals()
                if monotonic() >= end:
                    raise self.late(timeout)
            elif step == CLOSED:
                raise self.lost("this side closed it" if self.is_ended else ended(reader), True)
            elif step == FAILED:
                raise self.lost(f"it is lost ({os.strerror(errno)})", True)

    cdef object late(self, double timeout):
        cdef bint whole = self.sent == self.size
        return RpcTimeoutError(
            f"no answer from {self.address} within {timeout:g} s"
            if whole
            else f"{self.address} did not take the request within {timeout:g} s",
            likely="the server is overloaded or stopped, or the network drops packets",
            advice="raise the time-out, or look at the load of the server",
            address=self.address,
        )

    cdef object lost(self, str what, bint maybe_sent):
        return ConnectionClosedError(
            f"the lane to {self.address} is closed: {what}",
            advice="try again, on a new connection",
            address=self.address,
            maybe_sent=maybe_sent and self.sent > 0,
        )


# hot: begin
cdef bint has_frame(FrameReader reader) noexcept nogil:
    """A whole frame is there, or a length that cannot be true, which `cut` will say."""
    cdef Py_ssize_t left = reader.end - reader.at
    cdef Py_ssize_t length
    if left < 4:
        return False
    length = <int32_t>load_be32(reader.at)
    return length < 4 or length > reader.max_frame_bytes or length <= left - 4


cdef Step push(Lane lane, double end) noexcept nogil:
    """Send until all is sent, or there is a need to look around."""
    cdef Py_ssize_t count
    while lane.sent < lane.size:
        count = lane_send(lane.fd, lane.data + lane.sent, lane.size - lane.sent)
        if count >= 0:
            lane.sent += count
        elif errno == EAGAIN:
            return FAILED if lane_wait(lane.fd, True, slice_ms(end)) < 0 and errno != EINTR else LOOK
        else:
            return LOOK if errno == EINTR else FAILED
    return SENT


cdef Step exchange(Lane lane, FrameReader reader, double end, double spin_until) noexcept nogil:
    """Send, then receive until there is a frame, a need to look around, or an end."""
    cdef Py_ssize_t count
    cdef double left
    cdef bint block
    cdef Step step = push(lane, end)
    if step != SENT:
        return step
    while not has_frame(reader):
        if reader.end == reader.limit:
            return SPACE
        block = False
        if spin_until == 0 or monotonic() >= spin_until:
            left = end - monotonic()
            # Near the deadline a poll is exact, where a blocking read sleeps for a whole slice.
            block = left * 1000 >= SLICE_MS
            if not block and lane_wait(lane.fd, False, slice_ms(end)) <= 0:
                return LOOK
        count = lane_receive(lane.fd, reader.end, reader.limit - reader.end, block)
        if count > 0:
            reader.end += count
        elif count == 0:
            return CLOSED
        elif errno != EAGAIN and errno != EINTR:
            return FAILED
        elif block or errno == EINTR:
            return LOOK
        else:
            relax()
    return FRAME


cdef int slice_ms(double end) noexcept nogil:
    cdef double left = (end - monotonic()) * 1000
    if left <= 0:
        return 0
    return SLICE_MS if left > SLICE_MS else <int>left + 1
# hot: end


cdef Py_ssize_t wanted(FrameReader reader) noexcept:
    """Room for the rest of the frame that has begun, within reason: its length is only what the peer says."""
    cdef Py_ssize_t left = reader.end - reader.at
    if left < 4 or has_frame(reader):
        return READ_BYTES
    return max(READ_BYTES, min(<Py_ssize_t>load_be32(reader.at) + 4 - left, MOST_READ_BYTES))


cdef str ended(FrameReader reader):
    if reader.buffered:
        return f"the peer closed it in the middle of a frame, {reader.buffered:,} bytes of it had come"
    return "the peer closed it"
