"""Reading and writing bytes: big-endian loads and stores, one bounded cursor, one growable output.

The rule of the house: a reader asks `has(cursor, n)` once and then uses the unchecked `take_*` for those n bytes;
a writer asks `reserve(output, n)` once and then uses the unchecked `put_*` for at most n bytes.
Lengths are Py_ssize_t and are compared with what is left, never added to a position first.
"""

from cpython.mem cimport PyMem_RawFree, PyMem_RawRealloc
from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from *:
    """
    #ifndef PRMQ_BYTESIO_H
    #define PRMQ_BYTESIO_H
    #include <stddef.h>
    #include <stdint.h>
    #include <string.h>
    #if defined(_MSC_VER)
    #include <intrin.h>
    #include <stdlib.h>
    #define PRMQ_SWAP16 _byteswap_ushort
    #define PRMQ_SWAP32 _byteswap_ulong
    #define PRMQ_SWAP64 _byteswap_uint64
    #else
    #define PRMQ_SWAP16 __builtin_bswap16
    #define PRMQ_SWAP32 __builtin_bswap32
    #define PRMQ_SWAP64 __builtin_bswap64
    #endif
    #if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    #define PRMQ_BE16(x) (x)
    #define PRMQ_BE32(x) (x)
    #define PRMQ_BE64(x) (x)
    #else
    #define PRMQ_BE16 PRMQ_SWAP16
    #define PRMQ_BE32 PRMQ_SWAP32
    #define PRMQ_BE64 PRMQ_SWAP64
    #endif
    /* memcpy of a constant size compiles to one load or store and is safe at any alignment. */
    static inline uint16_t prmq_load_be16(const void *p) { uint16_t v; memcpy(&v, p, 2); return PRMQ_BE16(v); }
    static inline uint32_t prmq_load_be32(const void *p) { uint32_t v; memcpy(&v, p, 4); return PRMQ_BE32(v); }
    static inline uint64_t prmq_load_be64(const void *p) { uint64_t v; memcpy(&v, p, 8); return PRMQ_BE64(v); }
    /* Eight bytes with the first one lowest, so that the lowest bit set in a mask is the first hit. */
    #if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    static inline uint64_t prmq_load_word(const void *p) { uint64_t v; memcpy(&v, p, 8); return PRMQ_SWAP64(v); }
    #else
    static inline uint64_t prmq_load_word(const void *p) { uint64_t v; memcpy(&v, p, 8); return v; }
    #endif
    #if defined(_MSC_VER)
    static inline int prmq_first_hit(uint64_t mask) {
        unsigned long bit;
        _BitScanForward64(&bit, mask);
        return (int)(bit >> 3);
    }
    #else
    static inline int prmq_first_hit(uint64_t mask) { return __builtin_ctzll(mask) >> 3; }
    #endif
    static inline void prmq_store_word(void *p, uint64_t v) { memcpy(p, &v, 8); }
    /* For short pieces of unknown size a call of memcpy costs more than the bytes: two overlapping copies of a
       constant size do up to 64 of them. All loads come before the stores of their pair. */
    static inline void prmq_copy(void *target, const void *source, ptrdiff_t size) {
        char *to = (char *)target;
        const char *from = (const char *)source;
        if (size > 64) {
            memcpy(to, from, (size_t)size);
        } else if (size >= 32) {
            memcpy(to, from, 32);
            memcpy(to + size - 32, from + size - 32, 32);
        } else if (size >= 16) {
            memcpy(to, from, 16);
            memcpy(to + size - 16, from + size - 16, 16);
        } else if (size >= 8) {
            memcpy(to, from, 8);
            memcpy(to + size - 8, from + size - 8, 8);
        } else if (size >= 4) {
            memcpy(to, from, 4);
            memcpy(to + size - 4, from + size - 4, 4);
        } else if (size > 0) {
            to[0] = from[0];
            to[size >> 1] = from[size >> 1];
            to[size - 1] = from[size - 1];
        }
    }
    static inline void prmq_store_be16(void *p, uint16_t v) { v = PRMQ_BE16(v); memcpy(p, &v, 2); }
    static inline void prmq_store_be32(void *p, uint32_t v) { v = PRMQ_BE32(v); memcpy(p, &v, 4); }
    static inline void prmq_store_be64(void *p, uint64_t v) { v = PRMQ_BE64(v); memcpy(p, &v, 8); }
    #endif
    """
    uint16_t load_be16 "prmq_load_be16"(const void *p) noexcept nogil
    uint32_t load_be32 "prmq_load_be32"(const void *p) noexcept nogil
    uint64_t load_be64 "prmq_load_be64"(const void *p) noexcept nogil
    uint64_t load_word "prmq_load_word"(const void *p) noexcept nogil  # eight bytes, the first one lowest
    int first_hit "prmq_first_hit"(uint64_t mask) noexcept nogil  # the byte of the lowest bit; the mask is not 0
    void store_word "prmq_store_word"(void *p, uint64_t v) noexcept nogil
    void copy "prmq_copy"(void *target, const void *source, Py_ssize_t size) noexcept nogil
    void store_be16 "prmq_store_be16"(void *p, uint16_t v) noexcept nogil
    void store_be32 "prmq_store_be32"(void *p, uint32_t v) noexcept nogil
    void store_be64 "prmq_store_be64"(void *p, uint64_t v) noexcept nogil


# ---- reading ----

cdef struct Cursor:
    const uint8_t *at
    Py_ssize_t left


cdef inline bint has(const Cursor *cursor, Py_ssize_t count) noexcept nogil:
    """True when `count` more bytes can be taken; false for a negative count."""
    return 0 <= count <= cursor.left


cdef inline const uint8_t *take(Cursor *cursor, Py_ssize_t count) noexcept nogil:
    """The next `count` bytes, which `has` must have promised."""
    cdef const uint8_t *at = cursor.at
    cursor.at += count
    cursor.left -= count
    return at


cdef inline uint8_t take_u8(Cursor *cursor) noexcept nogil:
    return take(cursor, 1)[0]


cdef inline int16_t take_i16(Cursor *cursor) noexcept nogil:
    return <int16_t>load_be16(take(cursor, 2))


cdef inline int32_t take_i32(Cursor *cursor) noexcept nogil:
    return <int32_t>load_be32(take(cursor, 4))


cdef inline int64_t take_i64(Cursor *cursor) noexcept nogil:
    return <int64_t>load_be64(take(cursor, 8))


# ---- writing ----

cdef struct Output:
    uint8_t *start
    uint8_t *at
    uint8_t *end


cdef inline Py_ssize_t written(const Output *output) noexcept nogil:
    return output.at - output.start


cdef inline int reserve(Output *output, Py_ssize_t count) except -1:
    """Make room for `count` more bytes. Pointers into the output are void afterwards: keep offsets."""
    if output.end - output.at < count:
        grow(output, count)
    return 0


cdef inline int grow(Output *output, Py_ssize_t count) except -1:
    cdef Py_ssize_t used = written(output)
    cdef Py_ssize_t size = output.end - output.start
    cdef uint8_t *fresh
    if size < 256:
        size = 256
    while size - used < count:
        if size > PY_SSIZE_T_MAX // 2:
            raise MemoryError(f"cannot make room for {count} more bytes")
        size *= 2
    fresh = <uint8_t *>PyMem_RawRealloc(output.start, size)
    if fresh is NULL:
        raise MemoryError(f"cannot make room for {count} more bytes")
    output.start = fresh
    output.at = fresh + used
    output.end = fresh + size
    return 0


cdef inline void release(Output *output) noexcept nogil:
    """Give the memory back; the output may be used again."""
    PyMem_RawFree(output.start)
    output.start = output.at = output.end = NULL


cdef inline void put_u8(Output *output, uint8_t value) noexcept nogil:
    output.at[0] = value
    output.at += 1


cdef inline void put_i16(Output *output, int16_t value) noexcept nogil:
    store_be16(output.at, <uint16_t>value)
    output.at += 2


cdef inline void put_i32(Output *output, int32_t value) noexcept nogil:
    store_be32(output.at, <uint32_t>value)
    output.at += 4


cdef inline void put_i64(Output *output, int64_t value) noexcept nogil:
    store_be64(output.at, <uint64_t>value)
    output.at += 8


cdef inline void put_bytes(Output *output, const void *source, Py_ssize_t count) noexcept nogil:
    copy(output.at, source, count)
    output.at += count


cdef extern from "Python.h":
    const Py_ssize_t PY_SSIZE_T_MAX


cdef class WriteBuffer:
    """A growable buffer that is filled by native encoders and emptied in one piece."""

    cdef Output output
    cdef Py_ssize_t views

    cdef int check_no_views(self) except -1
