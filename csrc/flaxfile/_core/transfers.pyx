"""The transfers of an engine: which chunks of what each of them moves, and how far it is.

For the thread of the engine alone. It does no networking.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcpy

__all__ = [
    "ROLE_RECV_ACK",
    "ROLE_RECV_DRIVE",
    "ROLE_SEND_ASKED",
    "ROLE_SEND_DRIVE",
    "Transfers",
]

cdef extern from "ff_state.h" nogil:
    enum:
        FF_ROUTES
        FF_ROUTE_ID
        FF_DONE
        FF_STATE_BITS
        FF_SEND_DRIVE
        FF_RECV_ACK
        FF_RECV_DRIVE
        FF_SEND_ASKED
        FF_EVENT_COMPLETE

    ff_transfer *ff_transfer_new(uint64_t id, int role, uint64_t size, uint64_t chunk)
    int ff_journal_flush(ff_transfer *t)
    uint64_t ff_chunk_size(const ff_transfer *t, uint64_t index)
    ff_transfer *ff_find(const ff_engine *e, uint64_t id)
    void ff_add(ff_engine *e, ff_transfer *t)
    void ff_raise_event(ff_engine *e, ff_transfer *t, int event, int cause)
    int ff_find_route(const ff_transfer *t, int socket, const uint8_t *id, int size)
    uint64_t ff_now()

ROLE_SEND_DRIVE = FF_SEND_DRIVE
ROLE_RECV_ACK = FF_RECV_ACK
ROLE_RECV_DRIVE = FF_RECV_DRIVE
ROLE_SEND_ASKED = FF_SEND_ASKED


cdef class _Held:
    """A buffer that stays where it is while a transfer uses it."""

    cdef Py_buffer view
    cdef bint held

    def __dealloc__(self):
        if self.held:
            PyBuffer_Release(&self.view)


cdef class Transfers:
    """What an engine moves; made by the engine."""

    def __cinit__(self):
        self.kept = {}

    def __dealloc__(self):
        self._free_all()

    cdef void _free_all(self) noexcept:
        """Afterwards no thread of libzmq may touch a transfer any more."""
        cdef ff_transfer *t
        while self.e.first:
            t = self.e.first
            ff_unlink(&self.e, t)
            ff_transfer_free(t)
        while self.e.zombies:
            t = self.e.zombies
            self.e.zombies = t.next
            ff_transfer_free(t)

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
