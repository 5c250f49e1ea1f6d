"""The transfers of an engine, for the engine; and what it shares with them of the C below."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

cdef extern from "ff_state.h" nogil:
    ctypedef int ff_fd

    ctypedef struct ff_msg:
        pass

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

    void ff_transfer_free(ff_transfer *t)
    void ff_unlink(ff_engine *e, ff_transfer *t)

cdef class Transfers:
    cdef ff_engine e
    cdef dict kept  # what the memory of transfers belongs to

    cdef ff_transfer *_get(self, uint64_t transfer) except NULL
    cdef void _free_all(self) noexcept
