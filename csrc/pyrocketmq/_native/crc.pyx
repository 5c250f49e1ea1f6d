"""Two checksums at the speed of memory: CRC32C (Castagnoli) and CRC-32 (the polynomial of zlib).

Where the CPU has the instructions, which is asked at run time, they are used (SSE4.2 for CRC32C, carry-less
multiplication for CRC-32); elsewhere tables of eight bytes a step. This module knows nothing of records.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport uint8_t, uint32_t

__all__ = ["ACCELERATED", "crc32", "crc32_by_table", "crc32c", "crc32c_by_table"]

cdef extern from *:
    """
    #include <stddef.h>
    #include <stdint.h>
    #include <string.h>

    static uint32_t prmq_castagnoli[8][256];
    static uint32_t prmq_ieee[8][256];

    static void prmq_fill_table(uint32_t table[8][256], uint32_t polynomial) {
        uint32_t byte, value;
        int bit, step;
        for (byte = 0; byte < 256; byte++) {
            value = byte;
            for (bit = 0; bit < 8; bit++) {
                value = value & 1 ? (value >> 1) ^ polynomial : value >> 1;
            }
            table[0][byte] = value;
        }
        for (byte = 0; byte < 256; byte++) {
            for (step = 1; step < 8; step++) {
                value = table[step - 1][byte];
                table[step][byte] = (value >> 8) ^ table[0][value & 255];
            }
        }
    }

    static uint32_t prmq_by_table(uint32_t table[8][256], const uint8_t *at, ptrdiff_t size, uint32_t state) {
        while (size >= 8) {
            uint32_t low = (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
            low ^= state;
            state = table[7][low & 255] ^ table[6][low >> 8 & 255] ^ table[5][low >> 16 & 255] ^ table[4][low >> 24]
                  ^ table[3][at[4]] ^ table[2][at[5]] ^ table[1][at[6]] ^ table[0][at[7]];
            at += 8;
            size -= 8;
        }
        while (size-- > 0) {
            state = (state >> 8) ^ table[0][(state ^ *at++) & 255];
        }
        return state;
    }

    #if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
    #define PRMQ_CRC_X86 1
    #include <immintrin.h>

    __attribute__((target("sse4.2")))
    static uint32_t prmq_crc32c_sse(const uint8_t *at, ptrdiff_t size, uint32_t state) {
        uint64_t wide = state, word;
        while (size >= 8) {
            memcpy(&word, at, 8);
            wide = _mm_crc32_u64(wide, word);
            at += 8;
            size -= 8;
        }
        state = (uint32_t)wide;
        while (size-- > 0) {
            state = _mm_crc32_u8(state, *at++);
        }
        return state;
    }

    /* Folds 64 bytes at a time, then 16, and reduces by Barrett; after "Fast CRC Computation for Generic
       Polynomials Using PCLMULQDQ" (Intel, 2009). `size` is a multiple of 16 and at least 64. */
    __attribute__((target("pclmul,sse4.1")))
    static uint32_t prmq_crc32_fold(const uint8_t *at, ptrdiff_t size, uint32_t state) {
        const __m128i far = _mm_set_epi64x(0x01c6e41596, 0x0154442bd4);
        const __m128i near = _mm_set_epi64x(0x00ccaa009e, 0x01751997d0);
        const __m128i last = _mm_set_epi64x(0, 0x0163cd6124);
        const __m128i barrett = _mm_set_epi64x(0x01f7011641, 0x01db710641);
        const __m128i low = _mm_setr_epi32(~0, 0, ~0, 0);
        __m128i part[4], carried;
        int lane;
        for (lane = 0; lane < 4; lane++) {
            part[lane] = _mm_loadu_si128((const __m128i *)at + lane);
        }
        part[0] = _mm_xor_si128(part[0], _mm_cvtsi32_si128((int)state));
        at += 64;
        size -= 64;
        while (size >= 64) {
            for (lane = 0; lane < 4; lane++) {
                carried = _mm_clmulepi64_si128(part[lane], far, 0x00);
                part[lane] = _mm_clmulepi64_si128(part[lane], far, 0x11);
                part[lane] = _mm_xor_si128(part[lane], carried);
                part[lane] = _mm_xor_si128(part[lane], _mm_loadu_si128((const __m128i *)at + lane));
            }
            at += 64;
            size -= 64;
        }
        for (lane = 1; lane < 4; lane++) {
            carried = _mm_clmulepi64_si128(part[0], near, 0x00);
            part[0] = _mm_clmulepi64_si128(part[0], near, 0x11);
            part[0] = _mm_xor_si128(_mm_xor_si128(part[0], carried), part[lane]);
        }
        while (size >= 16) {
            carried = _mm_clmulepi64_si128(part[0], near, 0x00);
            part[0] = _mm_clmulepi64_si128(part[0], near, 0x11);
            part[0] = _mm_xor_si128(_mm_xor_si128(part[0], carried), _mm_loadu_si128((const __m128i *)at));
            at += 16;
            size -= 16;
        }
        carried = _mm_clmulepi64_si128(part[0], near, 0x10);
        part[0] = _mm_xor_si128(_mm_srli_si128(part[0], 8), carried);
        carried = _mm_srli_si128(part[0], 4);
        part[0] = _mm_clmulepi64_si128(_mm_and_si128(part[0], low), last, 0x00);
        part[0] = _mm_xor_si128(part[0], carried);
        carried = _mm_clmulepi64_si128(_mm_and_si128(part[0], low), barrett, 0x10);
        carried = _mm_clmulepi64_si128(_mm_and_si128(carried, low), barrett, 0x00);
        return (uint32_t)_mm_extract_epi32(_mm_xor_si128(part[0], carried), 1);
    }
    #endif

    static int prmq_has_sse42 = 0;
    static int prmq_has_pclmul = 0;

    static void prmq_prepare_crc(void) {
        prmq_fill_table(prmq_castagnoli, 0x82F63B78u);
        prmq_fill_table(prmq_ieee, 0xEDB88320u);
    #if defined(PRMQ_CRC_X86)
        __builtin_cpu_init();
        prmq_has_sse42 = __builtin_cpu_supports("sse4.2") != 0;
        prmq_has_pclmul = prmq_has_sse42 && __builtin_cpu_supports("pclmul");
    #endif
    }

    static inline uint32_t prmq_crc32c(const uint8_t *at, ptrdiff_t size, uint32_t value) {
    #if defined(PRMQ_CRC_X86)
        if (prmq_has_sse42) {
            return ~prmq_crc32c_sse(at, size, ~value);
        }
    #endif
        return ~prmq_by_table(prmq_castagnoli, at, size, ~value);
    }

    static inline uint32_t prmq_crc32(const uint8_t *at, ptrdiff_t size, uint32_t value) {
        uint32_t state = ~value;
    #if defined(PRMQ_CRC_X86)
        if (prmq_has_pclmul && size >= 64) {
            ptrdiff_t whole = size & ~(ptrdiff_t)15;
            state = prmq_crc32_fold(at, whole, state);
            at += whole;
            size -= whole;
        }
    #endif
        return ~prmq_by_table(prmq_ieee, at, size, state);
    }

    static inline uint32_t prmq_crc32c_slow(const uint8_t *at, ptrdiff_t size, uint32_t value) {
        return ~prmq_by_table(prmq_castagnoli, at, size, ~value);
    }

    static inline uint32_t prmq_crc32_slow(const uint8_t *at, ptrdiff_t size, uint32_t value) {
        return ~prmq_by_table(prmq_ieee, at, size, ~value);
    }
    """
    void prepare_crc "prmq_prepare_crc"() noexcept
    bint has_sse42 "prmq_has_sse42"
    bint has_pclmul "prmq_has_pclmul"
    uint32_t fast_crc32c "prmq_crc32c"(const uint8_t *at, Py_ssize_t size, uint32_t value) noexcept nogil
    uint32_t fast_crc32 "prmq_crc32"(const uint8_t *at, Py_ssize_t size, uint32_t value) noexcept nogil
    uint32_t slow_crc32c "prmq_crc32c_slow"(const uint8_t *at, Py_ssize_t size, uint32_t value) noexcept nogil
    uint32_t slow_crc32 "prmq_crc32_slow"(const uint8_t *at, Py_ssize_t size, uint32_t value) noexcept nogil

prepare_crc()

ACCELERATED = has_sse42 and has_pclmul


cdef uint32_t crc32c_of(const uint8_t *data, Py_ssize_t size, uint32_t value) noexcept nogil:
    return fast_crc32c(data, size, value)


cdef uint32_t crc32_of(const uint8_t *data, Py_ssize_t size, uint32_t value) noexcept nogil:
    return fast_crc32(data, size, value)


ctypedef uint32_t (*Checksum)(const uint8_t *at, Py_ssize_t size, uint32_t value) noexcept nogil


cdef object checksum_of(object data, uint32_t value, Checksum checksum):
    cdef Py_buffer view
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    if view.len:
        value = checksum(<const uint8_t *>view.buf, view.len, value)
    PyBuffer_Release(&view)
    return value


def crc32c(data not None, uint32_t value=0):
    """The CRC32C of bytes; ``value`` is that of what came before them."""
    return checksum_of(data, value, fast_crc32c)


def crc32(data not None, uint32_t value=0):
    """The CRC-32 of bytes, the same number as zlib.crc32."""
    return checksum_of(data, value, fast_crc32)


def crc32c_by_table(data not None, uint32_t value=0):
    """The CRC32C as a CPU without the instructions computes it."""
    return checksum_of(data, value, slow_crc32c)


def crc32_by_table(data not None, uint32_t value=0):
    """The CRC-32 as a CPU without the instructions computes it."""
    return checksum_of(data, value, slow_crc32)
