"""The engine of transfers: one thread that moves chunks between files and ZeroMQ sockets without the GIL.

It calls the libzmq that pyzmq has loaded, by the addresses that `bind` is given. It reads, hashes, sends, receives,
verifies, writes and acknowledges; whatever has to be decided comes out of `Engine.step`. It must not know keys,
permissions or retries.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint32_t, uint64_t, uintptr_t
from libc.string cimport memcpy, strlen

__all__ = [
    "BINDINGS",
    "HEADER_SIZE",
    "ROLE_RECV_ACK",
    "ROLE_RECV_DRIVE",
    "ROLE_SEND_ASKED",
    "ROLE_SEND_DRIVE",
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
    ctypedef int ff_fd

    ctypedef struct ff_msg:
        pass

    void ff_bind(int which, void *at)
    void ff_keep_memory()
    int ff_msg_make(ff_msg *m, size_t size)
    void *ff_msg_bytes(ff_msg *m)
    size_t ff_msg_length(ff_msg *m)
    void ff_msg_drop(ff_msg *m)

    ctypedef struct ff_header:
        uint8_t type
        uint8_t flags
        uint32_t request
        uint64_t transfer
        uint64_t offset
        uint32_t length
        uint32_t code
        uint64_t hash

    ctypedef struct ff_pool:
        size_t held

    ctypedef struct ff_route:
        int socket
        int size
        uint8_t *id
        uint64_t moving

    ctypedef struct ff_transfer:
        uint64_t id
        int role
        int fd
        int map_fd
        uint8_t *memory
        uint64_t base
        uint64_t size
        uint64_t chunk
        uint64_t chunks
        uint64_t window
        uint64_t peer_window
        uint8_t *state
        uint64_t *hash
        uint64_t done_chunks
        uint64_t done_bytes
        uint64_t moving
        uint64_t wire_bytes
        uint64_t moved_at
        uint64_t in_use
        int routes
        ff_route *route
        int event
        int cause
        int paused
        ff_transfer *next
        ff_transfer *next_event

    ctypedef struct ff_engine:
        void **socket
        int sockets
        int router
        void **aux
        int auxes
        ff_fd wake_read
        ff_pool *pool
        ff_transfer *first
        ff_transfer *events
        ff_transfer *zombies
        uint64_t rate
        uint64_t share
        int from_socket
        int strange
        ff_header header
        ff_msg payload
        int has_payload
        int id_size
        uint8_t *id
        char *user
        int step_error
        uint64_t bad_frames
        uint64_t bad_chunks
        uint64_t repeats
        uint64_t unread
        uint64_t bytes_in
        uint64_t bytes_out

    enum:
        FF_HEADER
        FF_SOCKETS
        FF_AUX
        FF_ROUTES
        FF_ROUTE_ID
        FF_DONE
        FF_SEND_DRIVE
        FF_RECV_ACK
        FF_RECV_DRIVE
        FF_SEND_ASKED
        FF_STEP_TIMEOUT
        FF_STEP_MESSAGE
        FF_STEP_WAKE
        FF_STEP_AUX
        FF_STEP_TRANSFER
        FF_STEP_ERROR
        FF_EVENT_NONE
        FF_EVENT_COMPLETE

        FF_STATE_BITS

    void ff_header_write(uint8_t *at, const ff_header *h)
    void ff_header_read(const uint8_t *at, ff_header *h)
    ff_pool *ff_pool_new(size_t limit, ff_fd wake)
    void ff_pool_close(ff_pool *pool)
    void ff_pool_trim(ff_pool *pool)
    ff_transfer *ff_transfer_new(uint64_t id, int role, uint64_t size, uint64_t chunk)
    void ff_transfer_free(ff_transfer *t)
    int ff_journal_flush(ff_transfer *t)
    uint64_t ff_chunk_size(const ff_transfer *t, uint64_t index)
    ff_transfer *ff_find(const ff_engine *e, uint64_t id)
    void ff_add(ff_engine *e, ff_transfer *t)
    void ff_unlink(ff_engine *e, ff_transfer *t)
    void ff_raise_event(ff_engine *e, ff_transfer *t, int event, int cause)
    int ff_find_route(const ff_transfer *t, int socket, const uint8_t *id, int size)
    int ff_send(ff_engine *e, int socket, const uint8_t *id, int id_size, const ff_header *h, ff_msg *payload)
    bint ff_send_part(ff_engine *e, int socket, ff_msg *part, bint more)
    int ff_step(ff_engine *e, long timeout_ms)
    uint64_t ff_now()

HEADER_SIZE = FF_HEADER
ROLE_SEND_DRIVE = FF_SEND_DRIVE
ROLE_RECV_ACK = FF_RECV_ACK
ROLE_RECV_DRIVE = FF_RECV_DRIVE
ROLE_SEND_ASKED = FF_SEND_ASKED
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


cdef class _Held:
    """A buffer that stays where it is while a transfer uses it."""

    cdef Py_buffer view
    cdef bint held

    def __dealloc__(self):
        if self.held:
            PyBuffer_Release(&self.view)


cdef class Engine:
    """Sockets and transfers of one thread; every method but none is for that thread alone.

    Args:
        sockets: addresses of open libzmq sockets; a ROUTER is alone.
        router: whether messages begin with the identity of the peer.
        wake_read: descriptor that is read when somebody wants the thread back; not blocking.
        wake_write: its other end; buffers that come back are announced here.
        memory: bytes that all buffers for sending may have.
    """

    cdef ff_engine e
    cdef bint open
    cdef dict kept  # what the memory of transfers belongs to

    def __cinit__(self, sockets not None, bint router, int wake_read, int wake_write, size_t memory):
        cdef int i = 0
        cdef uintptr_t at
        if len(sockets) > FF_SOCKETS or (router and len(sockets) != 1):
            raise ValueError(f"{len(sockets)} sockets; at most {FF_SOCKETS}, one for a server")
        self.kept = {}
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
        cdef ff_transfer *t
        if not self.open:
            return
        self.open = False
        # The pool first: from then on no thread of libzmq touches a transfer.
        ff_pool_close(self.e.pool)
        while self.e.first:
            t = self.e.first
            ff_unlink(&self.e, t)
            ff_transfer_free(t)
        while self.e.zombies:
            t = self.e.zombies
            self.e.zombies = t.next
            ff_transfer_free(t)
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

    def add(
        self,
        uint64_t transfer,
        int role,
        uint64_t size,
        uint64_t chunk,
        uint64_t window,
        *,
        int fd=-1,
        memory=None,
        uint64_t base=0,
        int map_fd=-1,
        uint64_t granted=0,
    ) -> None:
        """Add a transfer of ``size`` bytes at ``base`` of a file or a buffer; it rests until `start`.

        ``granted`` is what the other side lets be on its way until its acknowledgements say otherwise.
        """
        cdef ff_transfer *t
        cdef Py_buffer view
        cdef _Held held
        cdef bint receives = role == FF_RECV_ACK or role == FF_RECV_DRIVE
        if chunk == 0 or chunk > (1 << 30) or size > (1 << 62) or role < FF_SEND_DRIVE or role > FF_SEND_ASKED:
            raise ValueError(f"chunk {chunk}, size {size} or role {role} out of range")
        if ff_find(&self.e, transfer):
            raise ValueError(f"there is a transfer {transfer} already")
        t = ff_transfer_new(transfer, role, size, chunk)
        if not t:
            raise MemoryError
        t.fd = fd
        t.map_fd = map_fd
        t.base = base
        t.window = window
        t.peer_window = granted
        t.paused = 1
        if memory is not None:
            try:
                PyObject_GetBuffer(memory, &view, PyBUF_WRITABLE if receives else PyBUF_SIMPLE)
            except BaseException:
                ff_transfer_free(t)
                raise
            t.memory = <uint8_t *>view.buf
            held = _Held()
            held.view = view
            held.held = True
            if base > <uint64_t>view.len or size > <uint64_t>view.len - base:
                ff_transfer_free(t)
                raise ValueError(f"{size} bytes at {base} are not in a buffer of {view.len}")
            self.kept[transfer] = held
        ff_add(&self.e, t)

    cdef ff_transfer *_get(self, uint64_t transfer) except NULL:
        cdef ff_transfer *t = ff_find(&self.e, transfer)
        if not t:
            raise KeyError(transfer)
        return t

    def __contains__(self, uint64_t transfer) -> bool:
        return ff_find(&self.e, transfer) != NULL

    def add_route(self, uint64_t transfer, int socket, bytes peer not None) -> bool:
        """Let a peer's connection take part; False when there are too many already."""
        cdef ff_transfer *t = self._get(transfer)
        cdef Py_ssize_t size = PyBytes_GET_SIZE(peer)
        cdef ff_route *route
        if size > FF_ROUTE_ID or not 0 <= socket < self.e.sockets:
            raise ValueError("no such route")
        if ff_find_route(t, socket, <const uint8_t *>PyBytes_AS_STRING(peer), <int>size) >= 0:
            return True
        if t.routes == FF_ROUTES:
            return False
        route = &t.route[t.routes]
        route.socket = socket
        route.size = <int>size
        memcpy(route.id, PyBytes_AS_STRING(peer), <size_t>size)
        t.routes += 1
        return True

    def preset(self, uint64_t transfer, uint64_t first, bytes hashes not None) -> None:
        """Mark chunks from ``first`` on as held already, with their hashes; before `start`."""
        cdef ff_transfer *t = self._get(transfer)
        cdef uint64_t count = <uint64_t>PyBytes_GET_SIZE(hashes) // 8
        cdef uint64_t i, value
        if first > t.chunks or count > t.chunks - first:
            raise ValueError(f"chunks {first} to {first + count} are not among {t.chunks}")
        for i in range(count):
            memcpy(&value, PyBytes_AS_STRING(hashes) + 8 * i, 8)
            t.hash[first + i] = value
            if (t.state[first + i] & FF_STATE_BITS) != FF_DONE:
                t.state[first + i] = FF_DONE
                t.done_chunks += 1
                t.done_bytes += ff_chunk_size(t, first + i)

    def start(self, uint64_t transfer) -> None:
        """Let a transfer move; one that has nothing to move is complete at once."""
        cdef ff_transfer *t = self._get(transfer)
        t.paused = 0
        t.moved_at = ff_now()
        if t.done_chunks == t.chunks and t.role != FF_SEND_ASKED:
            ff_raise_event(&self.e, t, FF_EVENT_COMPLETE, 0)

    def set_window(self, uint64_t transfer, uint64_t window) -> None:
        """Change how many bytes of a transfer may be on their way."""
        self._get(transfer).window = window

    def set_share(self, uint64_t share) -> None:
        """Bound what each transfer may have on its way, whatever its window; 0 lifts it."""
        self.e.share = share

    def set_rate(self, uint64_t rate) -> None:
        """Limit all transfers together to so many bytes a second; 0 lifts it."""
        self.e.rate = rate

    def trim(self) -> None:
        """Give the memory of buffers that are not in use back to the system."""
        ff_pool_trim(self.e.pool)

    def hashes(self, uint64_t transfer) -> bytes:
        """Return the hashes of all chunks; those of chunks that were not moved yet are zero."""
        cdef ff_transfer *t = self._get(transfer)
        return PyBytes_FromStringAndSize(<char *>t.hash, <Py_ssize_t>(t.chunks * 8))

    def missing(self, uint64_t transfer, Py_ssize_t limit=1024) -> list[tuple[int, int]]:
        """Return ranges (first chunk, number) of what was not moved yet, at most ``limit`` of them."""
        cdef ff_transfer *t = self._get(transfer)
        cdef uint64_t i = 0
        cdef uint64_t start
        found = []
        while i < t.chunks and len(found) < limit:
            if (t.state[i] & FF_STATE_BITS) == FF_DONE:
                i += 1
                continue
            start = i
            while i < t.chunks and (t.state[i] & FF_STATE_BITS) != FF_DONE:
                i += 1
            found.append((start, i - start))
        return found

    def first_missing(self, uint64_t transfer, uint64_t first=0) -> int:
        """Return the first chunk, from ``first`` on, that was not moved yet; the number of chunks if there is none."""
        cdef ff_transfer *t = self._get(transfer)
        cdef uint64_t i = first
        with nogil:
            while i < t.chunks and (t.state[i] & FF_STATE_BITS) == FF_DONE:
                i += 1
        return i if i < t.chunks else t.chunks

    def progress(self, uint64_t transfer) -> tuple[int, int, int, float]:
        """Return bytes held, payload bytes on the wire, bytes on their way, seconds since the last movement."""
        cdef ff_transfer *t = self._get(transfer)
        return t.done_bytes, t.wire_bytes, t.moving, (ff_now() - t.moved_at) / 1e9

    def remove(self, uint64_t transfer) -> None:
        """Take a transfer out, its journal written; its files may be closed then. An unknown id is fine."""
        cdef ff_transfer *t = ff_find(&self.e, transfer)
        if not t:
            return
        ff_journal_flush(t)
        ff_unlink(&self.e, t)
        # Buffers that libzmq still has count down in it.
        t.next = self.e.zombies
        self.e.zombies = t
        self.kept.pop(transfer, None)

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
