"""XXH3 of bytes, of files and of their chunks, without the GIL.

The hash of a file is that of its bytes and has nothing to do with how it was moved; the root hash is over the hashes of
the chunks of a transfer, so that both sides know it without reading anything twice.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.errno cimport ENODATA, errno
from libc.stdint cimport uint8_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memmove

__all__ = ["cut_file", "hash_chunks", "hash_file", "read_at", "root_hash", "xxh3_64", "xxh3_128"]

cdef extern from "ff_cut.h" nogil:
    void ff_prepare_cuts()
    size_t ff_cut(const uint8_t *at, size_t size)
    enum:
        FF_CUT_MOST

cdef extern from "ff_base.h" nogil:
    int ff_read_all(int fd, uint8_t *to, size_t size, uint64_t at)
    ptrdiff_t ff_pread_some(int fd, void *to, size_t size, uint64_t at)
    void *ff_aligned(size_t size)
    void ff_aligned_free(void *at)

    ctypedef struct ff_hash128:
        uint64_t low64
        uint64_t high64

    ctypedef struct ff_xxh3:
        pass

    uint64_t ff_xxh3_64(const void *at, size_t size)
    uint64_t ff_xxh3_64_seeded(const void *at, size_t size, uint64_t seed)
    ff_hash128 ff_xxh3_128(const void *at, size_t size)
    void ff_xxh3_begin(ff_xxh3 *state)
    void ff_xxh3_add(ff_xxh3 *state, const void *at, size_t size)
    ff_hash128 ff_xxh3_end128(const ff_xxh3 *state)


def xxh3_64(data not None, uint64_t seed=0) -> int:
    """Return the XXH3 hash of bytes as an unsigned 64-bit number."""
    cdef Py_buffer view
    cdef uint64_t value
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    with nogil:
        value = ff_xxh3_64_seeded(view.buf, <size_t>view.len, seed)
    PyBuffer_Release(&view)
    return value


cdef bytes _digest(ff_hash128 value):
    cdef uint8_t room[16]
    cdef int i
    for i in range(8):
        room[i] = <uint8_t>(value.high64 >> (56 - 8 * i))
        room[8 + i] = <uint8_t>(value.low64 >> (56 - 8 * i))
    return PyBytes_FromStringAndSize(<char *>room, 16)


def xxh3_128(data not None) -> bytes:
    """Return the XXH3 hash of bytes as 16 bytes, most significant first."""
    cdef Py_buffer view
    cdef ff_hash128 value
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    with nogil:
        value = ff_xxh3_128(view.buf, <size_t>view.len)
    PyBuffer_Release(&view)
    return _digest(value)


def hash_file(int fd) -> bytes:
    """Return the XXH3-128 of what a file holds, read from its start whatever its position is."""
    cdef size_t piece = 1 << 20
    cdef uint64_t at = 0
    cdef ptrdiff_t got = 0
    cdef ff_hash128 value
    cdef uint8_t *room = <uint8_t *>ff_aligned(piece)
    cdef ff_xxh3 state
    if not room:
        raise MemoryError
    with nogil:
        ff_xxh3_begin(&state)
        while True:
            got = ff_pread_some(fd, room, piece, at)
            if got <= 0:
                break
            ff_xxh3_add(&state, room, <size_t>got)
            at += <uint64_t>got
        value = ff_xxh3_end128(&state)
    try:
        if got < 0:
            raise OSError(errno, "reading failed")
    finally:
        ff_aligned_free(room)
    return _digest(value)


def read_at(int fd, room not None, uint64_t at) -> int:
    """Fill a buffer with what a file holds at a place, whatever its position is; how many bytes there were."""
    cdef Py_buffer view
    cdef ptrdiff_t got = 0
    cdef size_t held = 0
    PyObject_GetBuffer(room, &view, PyBUF_WRITABLE)
    with nogil:
        while held < <size_t>view.len:
            got = ff_pread_some(fd, <uint8_t *>view.buf + held, <size_t>view.len - held, at + held)
            if got <= 0:
                break
            held += <size_t>got
    PyBuffer_Release(&view)
    if got < 0:
        raise OSError(errno, "reading failed")
    return held


def hash_chunks(int fd, uint64_t base, uint64_t size, uint64_t chunk, uint64_t first, uint64_t count) -> bytes:
    """Return the hashes of ``count`` chunks of the ``size`` bytes at ``base``, eight bytes each, little endian.

    A file that ends before gives fewer of them.
    """
    cdef uint64_t i, at, length
    cdef uint64_t chunks
    cdef int rc = 0
    cdef uint64_t *hashes
    cdef uint8_t *room
    if chunk == 0 or chunk > (1 << 30):
        raise ValueError("chunk must be between 1 byte and 1 GiB")
    chunks = size // chunk + (1 if size % chunk else 0)
    if first > chunks or count > chunks - first:
        raise ValueError(f"chunks {first} to {first + count} are not among {chunks}")
    hashes = <uint64_t *>calloc(<size_t>count + 1, 8)
    room = <uint8_t *>ff_aligned(<size_t>chunk)
    if not hashes or not room:
        free(hashes)
        ff_aligned_free(room)
        raise MemoryError
    with nogil:
        i = 0
        while i < count:
            at = (first + i) * chunk
            length = size - at if size - at < chunk else chunk
            rc = ff_read_all(fd, room, <size_t>length, base + at)
            if rc != 0:
                break
            hashes[i] = ff_xxh3_64(room, <size_t>length)
            i += 1
    try:
        if rc != 0 and rc != ENODATA:
            raise OSError(rc, "reading failed")
        return PyBytes_FromStringAndSize(<char *>hashes, <Py_ssize_t>(i * 8))
    finally:
        free(hashes)
        ff_aligned_free(room)


def root_hash(uint64_t size, uint64_t chunk, bytes hashes not None) -> bytes:
    """Return the hash over size, chunk size and the hashes of all chunks: the name of these bytes."""
    return xxh3_128(size.to_bytes(8, "little") + chunk.to_bytes(8, "little") + hashes)


def cut_file(int fd, uint64_t size) -> bytes:
    """Return the blocks of a file by its content: for each its length, 4 bytes little endian, and its XXH3-128.

    A file that ends before ``size`` gives blocks of less.
    """
    cdef size_t room_size = 4 << 20
    cdef uint64_t at = 0
    cdef size_t held = 0
    cdef size_t used, length
    cdef ptrdiff_t got = 0
    cdef bint more = True
    cdef uint8_t *room = <uint8_t *>ff_aligned(room_size)
    found = []
    if not room:
        raise MemoryError
    try:
        while more or held:
            with nogil:
                while more and held < room_size:
                    length = room_size - held
                    if size - at < length:
                        length = <size_t>(size - at)
                    got = ff_pread_some(fd, room + held, length, at) if length else 0
                    if got <= 0:
                        more = False
                    else:
                        held += <size_t>got
                        at += <uint64_t>got
            if got < 0:
                raise OSError(errno, "reading failed")
            used = 0
            # A block may only be cut where all that it may reach is there.
            while used < held and (not more or held - used >= FF_CUT_MOST):
                with nogil:
                    length = ff_cut(room + used, held - used)
                found.append(int(length).to_bytes(4, "little") + _digest(ff_xxh3_128(room + used, length)))
                used += length
            memmove(room, room + used, held - used)
            held -= used
    finally:
        ff_aligned_free(room)
    return b"".join(found)


ff_prepare_cuts()
