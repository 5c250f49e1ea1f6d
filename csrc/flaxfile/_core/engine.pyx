"""The engine of transfers: one thread that moves chunks between files and ZeroMQ sockets without the GIL.

It calls the libzmq that pyzmq has loaded, by the addresses that `bind` is given. It reads, hashes, sends, receives,
verifies, writes and acknowledges; whatever has to be decided comes out of `Engine.step`. It must not know keys,
permissions or retries.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint64_t, uintptr_t
from libc.string cimport memcpy, strlen

from flaxfile._core.transfers cimport (
    Transfers,
    ff_engine,
    ff_fd,
    ff_header,
    ff_msg,
    ff_pool,
    ff_transfer,
)

__all__ = [
    "BINDINGS",
    "HEADER_SIZE",
    "STEP_AUX",
    "STEP_ERROR",
    "STEP_MESSAGE",
    "STEP_TIMEOUT",
    "STEP_TRANSFER",
    "STEP_WAKE",
    "Engine",
    "bind",
]

cdef extern from "ff_engine.h" nogil:
    enum:
        FF_HEADER
        FF_SOCKETS
        FF_AUX
        FF_STEP_TIMEOUT
        FF_STEP_MESSAGE
        FF_STEP_WAKE
        FF_STEP_AUX
        FF_STEP_TRANSFER
        FF_STEP_ERROR
        FF_EVENT_NONE
        FF_EVENT_COMPLETE

    void ff_bind(int which, void *at)
    void ff_keep_memory()
    int ff_msg_make(ff_msg *m, size_t size)
    void *ff_msg_bytes(ff_msg *m)
    size_t ff_msg_length(ff_msg *m)
    void ff_msg_drop(ff_msg *m)
    void ff_header_write(uint8_t *at, const ff_header *h)
    void ff_header_read(const uint8_t *at, ff_header *h)
    ff_pool *ff_pool_new(size_t limit, ff_fd wake)
    void ff_pool_close(ff_pool *pool)
    void ff_pool_trim(ff_pool *pool)
    int ff_send(ff_engine *e, int socket, const uint8_t *id, int id_size, const ff_header *h, ff_msg *payload)
    bint ff_send_part(ff_engine *e, int socket, ff_msg *part, bint more)
    int ff_step(ff_engine *e, long timeout_ms)

HEADER_SIZE = FF_HEADER
STEP_TIMEOUT = FF_STEP_TIMEOUT
STEP_MESSAGE = FF_STEP_MESSAGE
STEP_WAKE = FF_STEP_WAKE
STEP_AUX = FF_STEP_AUX
STEP_TRANSFER = FF_STEP_TRANSFER
STEP_ERROR = FF_STEP_ERROR

BINDINGS = (
    "zmq_msg_init",
    "zmq_msg_init_size",
    "zmq_msg_init_data",
    "zmq_msg_send",
    "zmq_msg_recv",
    "zmq_msg_close",
    "zmq_msg_data",
    "zmq_msg_size",
    "zmq_msg_more",
    "zmq_msg_gets",
    "zmq_getsockopt",
    "zmq_errno",
)


def bind(addresses not None) -> None:
    """Set the addresses of the functions that `BINDINGS` names, in that order; once, before the first engine.

    With glibc, and unless the environment says otherwise, free memory of up to 32 MiB is kept for the next message.
    """
    cdef int which = 0
    cdef uintptr_t at
    if len(addresses) != len(BINDINGS):
        raise ValueError(f"{len(BINDINGS)} addresses are needed, not {len(addresses)}")
    for address in addresses:
        at = address
        if at == 0:
            raise ValueError(f"no address for {BINDINGS[which]}")
        ff_bind(which, <void *>at)
        which += 1
    ff_keep_memory()


cdef class Engine(Transfers):
    """Sockets and transfers of one thread; every method but none is for that thread alone.

    Args:
        sockets: addresses of open libzmq sockets; a ROUTER is alone.
        router: whether messages begin with the identity of the peer.
        wake_read: descriptor that is read when somebody wants the thread back; not blocking.
        wake_write: its other end; buffers that come back are announced here.
        memory: bytes that all buffers for sending may have.
    """

    cdef bint open

    def __cinit__(self, sockets not None, bint router, int wake_read, int wake_write, size_t memory):
        cdef int i = 0
        cdef uintptr_t at
        if len(sockets) > FF_SOCKETS or (router and len(sockets) != 1):
            raise ValueError(f"{len(sockets)} sockets; at most {FF_SOCKETS}, one for a server")
        for address in sockets:
            at = address
            self.e.socket[i] = <void *>at
            i += 1
        self.e.sockets = i
        self.e.router = router
        self.e.wake_read = wake_read
        self.e.pool = ff_pool_new(memory, wake_write)
        if not self.e.pool:
            raise MemoryError
        self.open = True

    def __dealloc__(self):
        self._close()

    cdef void _close(self) noexcept:
        if not self.open:
            return
        self.open = False
        # The pool first: from then on no thread of libzmq touches a transfer.
        ff_pool_close(self.e.pool)
        self._free_all()
        self.e.sockets = 0

    def close(self) -> None:
        """Forget all transfers and give back the memory; sockets and files belong to the caller."""
        self._close()
        self.kept.clear()

    def attach(self, uintptr_t address) -> int:
        """Add a socket and return its number."""
        if self.e.router or self.e.sockets == FF_SOCKETS:
            raise ValueError(f"at most {FF_SOCKETS} sockets, one for a server")
        self.e.socket[self.e.sockets] = <void *>address
        self.e.sockets += 1
        return self.e.sockets - 1

    def watch(self, addresses not None) -> None:
        """Set the sockets that are watched for the caller: `STEP_AUX` says that one of them has something."""
        cdef int i = 0
        cdef uintptr_t at
        if len(addresses) > FF_AUX:
            raise ValueError(f"at most {FF_AUX} sockets can be watched")
        for address in addresses:
            at = address
            self.e.aux[i] = <void *>at
            i += 1
        self.e.auxes = i

    def step(self, long timeout_ms) -> tuple:
        """Work until something is for the caller, and return it.

        The first item is one of STEP_TIMEOUT, STEP_WAKE, STEP_AUX (nothing more), STEP_ERROR (errno), STEP_TRANSFER
        (id, cause: 0 when it is complete, an errno, or one of the CAUSE numbers) and STEP_MESSAGE (socket, peer, user,
        strange, header, payload).
        """
        cdef int result
        cdef ff_transfer *t
        cdef bytes payload = None
        cdef uint8_t header[40]
        if not self.open:
            raise ValueError("the engine is closed")
        with nogil:
            result = ff_step(&self.e, timeout_ms)
        if result == FF_STEP_TRANSFER:
            t = self.e.events
            self.e.events = t.next_event
            t.next_event = NULL
            t.event = FF_EVENT_NONE if t.event == FF_EVENT_COMPLETE else t.event
            return result, t.id, t.cause
        if result == FF_STEP_ERROR:
            return result, self.e.step_error
        if result != FF_STEP_MESSAGE:
            return (result,)
        if self.e.has_payload:
            self.e.has_payload = 0
            try:
                payload = PyBytes_FromStringAndSize(
                    <char *>ff_msg_bytes(&self.e.payload), <Py_ssize_t>ff_msg_length(&self.e.payload)
                )
            finally:
                ff_msg_drop(&self.e.payload)
        ff_header_write(header, &self.e.header)
        return (
            result,
            self.e.from_socket,
            PyBytes_FromStringAndSize(<char *>self.e.id, self.e.id_size),
            PyBytes_FromStringAndSize(self.e.user, <Py_ssize_t>strlen(self.e.user)),
            self.e.strange,
            PyBytes_FromStringAndSize(<char *>header, FF_HEADER),
            payload,
        )

    def send(self, int socket, bytes peer not None, bytes header not None, bytes payload) -> bool:
        """Send one control message; whether the peer's pipe took it."""
        cdef ff_header h
        cdef ff_msg message
        cdef Py_ssize_t size = 0
        cdef int rc
        if not 0 <= socket < self.e.sockets:
            raise ValueError(f"no socket {socket}")
        if PyBytes_GET_SIZE(header) != FF_HEADER:
            raise ValueError("a header has 40 bytes")
        ff_header_read(<const uint8_t *>PyBytes_AS_STRING(header), &h)
        if payload is not None:
            size = PyBytes_GET_SIZE(payload)
            if ff_msg_make(&message, <size_t>size) != 0:
                raise MemoryError
            memcpy(ff_msg_bytes(&message), PyBytes_AS_STRING(payload), <size_t>size)
        rc = ff_send(
            &self.e,
            socket,
            <const uint8_t *>PyBytes_AS_STRING(peer),
            <int>PyBytes_GET_SIZE(peer),
            &h,
            &message if payload is not None else NULL,
        )
        return rc == 0

    def send_raw(self, int socket, frames not None) -> None:
        """Send frames as they are; one that libzmq does not take at once ends it."""
        cdef ff_msg message
        cdef Py_ssize_t size
        cdef Py_ssize_t left = len(frames)
        if not 0 <= socket < self.e.sockets:
            raise ValueError(f"no socket {socket}")
        for frame in frames:
            left -= 1
            size = PyBytes_GET_SIZE(<bytes?>frame)
            if ff_msg_make(&message, <size_t>size) != 0:
                raise MemoryError
            memcpy(ff_msg_bytes(&message), PyBytes_AS_STRING(frame), <size_t>size)
            if not ff_send_part(&self.e, socket, &message, left > 0):
                break

    def set_share(self, uint64_t share) -> None:
        """Bound what each transfer may have on its way, whatever its window; 0 lifts it."""
        self.e.share = share

    def set_rate(self, uint64_t rate) -> None:
        """Limit all transfers together to so many bytes a second; 0 lifts it."""
        self.e.rate = rate

    def trim(self) -> None:
        """Give the memory of buffers that are not in use back to the system."""
        ff_pool_trim(self.e.pool)

    def counters(self) -> dict[str, int]:
        """Return what was counted since the start."""
        return {
            "bad_frames": self.e.bad_frames,
            "bad_chunks": self.e.bad_chunks,
            "repeats": self.e.repeats,
            "unread_holes": self.e.unread,
            "bytes_in": self.e.bytes_in,
            "bytes_out": self.e.bytes_out,
            "buffer_bytes": self.e.pool.held,
        }
