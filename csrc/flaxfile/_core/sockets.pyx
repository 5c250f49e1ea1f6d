"""Sockets of the libzmq that pyzmq has, for programs that need no more of pyzmq than its library.

Its functions are called by the addresses that `bind` is given. A context and its sockets are for one thread at a time;
it must not know what is sent.
"""

import os

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uintptr_t

__all__ = ["BINDINGS", "Context", "Socket", "bind"]

cdef extern from *:
    """
    #include <errno.h>
    #include <string.h>

    typedef struct { void *room[64 / sizeof(void *)]; } ff_frame; /* as large and as aligned as zmq_msg_t */

    static struct {
        void *(*ctx_new)(void);
        int (*ctx_set)(void *, int, int);
        int (*ctx_term)(void *);
        void *(*socket)(void *, int);
        int (*close)(void *);
        int (*setsockopt)(void *, int, const void *, size_t);
        int (*connect)(void *, const char *);
        int (*socket_monitor)(void *, const char *, int);
        int (*msg_init)(ff_frame *);
        int (*msg_recv)(ff_frame *, void *, int);
        int (*msg_close)(ff_frame *);
        void *(*msg_data)(ff_frame *);
        size_t (*msg_size)(const ff_frame *);
        int (*msg_more)(const ff_frame *);
        int (*zmq_errno)(void);
        const char *(*strerror)(int);
    } ff_zmq;

    static void ff_zmq_bind(int which, void *at) {
        memcpy((char *)&ff_zmq + (size_t)which * sizeof at, &at, sizeof at);
    }
    static int ff_zmq_term(void *context) {
        /* A signal is no reason to leave it half ended. */
        while (ff_zmq.ctx_term(context) != 0) {
            if (ff_zmq.zmq_errno() != EINTR) {
                return ff_zmq.zmq_errno();
            }
        }
        return 0;
    }
    """
    ctypedef struct ff_frame:
        pass

    ctypedef struct ff_functions:
        void *ctx_new() nogil
        int ctx_set(void *context, int option, int value) nogil
        void *socket(void *context, int kind) nogil
        int close(void *socket) nogil
        int setsockopt(void *socket, int option, const void *value, size_t size) nogil
        int connect(void *socket, const char *endpoint) nogil
        int socket_monitor(void *socket, const char *endpoint, int events) nogil
        int msg_init(ff_frame *frame) nogil
        int msg_recv(ff_frame *frame, void *socket, int flags) nogil
        int msg_close(ff_frame *frame) nogil
        void *msg_data(ff_frame *frame) nogil
        size_t msg_size(const ff_frame *frame) nogil
        int msg_more(const ff_frame *frame) nogil
        int zmq_errno() nogil
        const char *strerror(int cause) nogil

    ff_functions ff_zmq
    void ff_zmq_bind(int which, void *at)
    int ff_zmq_term(void *context) nogil
    int EAGAIN

BINDINGS = (
    "zmq_ctx_new",
    "zmq_ctx_set",
    "zmq_ctx_term",
    "zmq_socket",
    "zmq_close",
    "zmq_setsockopt",
    "zmq_connect",
    "zmq_socket_monitor",
    "zmq_msg_init",
    "zmq_msg_recv",
    "zmq_msg_close",
    "zmq_msg_data",
    "zmq_msg_size",
    "zmq_msg_more",
    "zmq_errno",
    "zmq_strerror",
)

cdef enum:
    ZMQ_IO_THREADS = 1
    ZMQ_DONTWAIT = 1
    ZMQ_PAIR = 0
    ZMQ_LINGER = 17

cdef bint bound = False


def bind(addresses not None) -> None:
    """Set the addresses of the functions that `BINDINGS` names, in that order; once, before the first context."""
    global bound
    cdef int which = 0
    cdef uintptr_t at
    if len(addresses) != len(BINDINGS):
        raise ValueError(f"{len(BINDINGS)} addresses are needed, not {len(addresses)}")
    if 0 in addresses:
        raise ValueError("a function has no address")
    for address in addresses:
        at = address
        ff_zmq_bind(which, <void *>at)
        which += 1
    bound = True


cdef object _failure(str doing, int cause=0):
    cause = cause or ff_zmq.zmq_errno()
    return OSError(cause, f"{doing}: {ff_zmq.strerror(cause).decode('ascii', 'replace')}")


cdef class Context:
    """What sockets share: so many threads that move bytes."""

    cdef void *handle
    cdef int monitors

    def __cinit__(self, int io_threads=1):
        if not bound:
            raise RuntimeError("bind() comes first")
        self.handle = ff_zmq.ctx_new()
        if not self.handle:
            raise _failure("making a context")
        ff_zmq.ctx_set(self.handle, ZMQ_IO_THREADS, io_threads)

    def socket(self, int kind) -> Socket:
        """Open a socket of a kind that libzmq numbers; it waits for nothing when it is closed."""
        cdef Socket made = Socket.__new__(Socket)
        if not self.handle:
            raise ValueError("the context has ended")
        made.context = self
        made.handle = ff_zmq.socket(self.handle, kind)
        if not made.handle:
            raise _failure("opening a socket")
        made.set(ZMQ_LINGER, 0)
        return made

    def term(self) -> None:
        """End; every socket must have been closed."""
        cdef int cause
        cdef void *handle = self.handle
        self.handle = NULL
        if handle:
            with nogil:
                cause = ff_zmq_term(handle)
            if cause:
                raise OSError(cause, os.strerror(cause))


cdef class Socket:
    """A socket that `Context.socket` opened."""

    cdef Context context
    cdef void *handle

    @property
    def underlying(self) -> int:
        """The address of libzmq's socket."""
        return <uintptr_t>self.handle

    cdef void *_open(self) except NULL:
        if not self.handle:
            raise ValueError("the socket is closed")
        return self.handle

    def set(self, int option, value not None) -> None:
        """Set an option that libzmq numbers: a number, or bytes."""
        cdef int number
        cdef int rc
        if isinstance(value, bytes):
            rc = ff_zmq.setsockopt(
                self._open(), option, PyBytes_AS_STRING(value), <size_t>PyBytes_GET_SIZE(value)
            )
        else:
            number = value
            rc = ff_zmq.setsockopt(self._open(), option, &number, sizeof(number))
        if rc != 0:
            raise _failure(f"setting the option {option}")

    def set_wide(self, int option, long long value) -> None:
        """Set an option that has 64 bits."""
        if ff_zmq.setsockopt(self._open(), option, &value, sizeof(value)) != 0:
            raise _failure(f"setting the option {option}")

    def connect(self, str endpoint not None) -> None:
        """Connect to, say, ``tcp://127.0.0.1:25555``, now or as soon as somebody is there."""
        cdef bytes name = os.fsencode(endpoint)
        if ff_zmq.connect(self._open(), PyBytes_AS_STRING(name)) != 0:
            raise _failure(f"connecting to {endpoint}")

    def monitor(self, int events) -> Socket:
        """Have events reported; what comes out of the socket that this returns tells of them."""
        cdef Socket reports
        self.context.monitors += 1
        endpoint = f"inproc://monitor-{self.context.monitors}"
        if ff_zmq.socket_monitor(self._open(), PyBytes_AS_STRING(os.fsencode(endpoint)), events) != 0:
            raise _failure("watching a socket")
        reports = self.context.socket(ZMQ_PAIR)
        reports.connect(endpoint)
        return reports

    def receive(self) -> list[bytes] | None:
        """The frames of one message that has come; None when there is none."""
        cdef ff_frame frame
        cdef bint more = True
        cdef int cause
        cdef void *handle = self._open()
        found = []
        while more:
            ff_zmq.msg_init(&frame)
            if ff_zmq.msg_recv(&frame, handle, ZMQ_DONTWAIT) < 0:
                cause = ff_zmq.zmq_errno()
                ff_zmq.msg_close(&frame)
                if cause == EAGAIN:
                    return None
                raise _failure("receiving", cause)
            more = ff_zmq.msg_more(&frame)
            found.append(
                PyBytes_FromStringAndSize(<char *>ff_zmq.msg_data(&frame), <Py_ssize_t>ff_zmq.msg_size(&frame))
            )
            ff_zmq.msg_close(&frame)
        return found

    def close(self) -> None:
        """Close; once more does nothing."""
        if self.handle:
            ff_zmq.close(self.handle)
            self.handle = NULL
