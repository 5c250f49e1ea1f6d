"""Scanning JSON text in place: one pass over the bytes, nothing built but the texts that are asked for.

A scanner stands at a byte; the functions step over what they name. Errors are DeserializationErrors that give
the byte, what was expected there and what was found.
"""

from libc.stdint cimport uint8_t
from libc.string cimport memcmp, strlen

from pyrocketmq._native.command cimport ascii_text

cdef extern from *:
    """
    #ifndef PRMQ_HEADER_JSON_H
    #define PRMQ_HEADER_JSON_H
    #include <stdint.h>
    #include <string.h>
    #if defined(__SSE2__) && defined(__GNUC__)
    #include <emmintrin.h>
    #endif
    /* The first byte that is a quote, a backslash, a control character or not ASCII. */
    static inline const uint8_t *prmq_plain_run(const uint8_t *at, const uint8_t *end) {
    #if defined(__SSE2__) && defined(__GNUC__)
        const __m128i quote = _mm_set1_epi8(0x22), slash = _mm_set1_epi8(0x5C), space = _mm_set1_epi8(0x20);
        while (end - at >= 16) {
            __m128i text = _mm_loadu_si128((const __m128i *)at);
            /* the signed comparison finds control characters and bytes from 0x80 at once */
            int hits = _mm_movemask_epi8(_mm_or_si128(_mm_cmplt_epi8(text, space),
                _mm_or_si128(_mm_cmpeq_epi8(text, quote), _mm_cmpeq_epi8(text, slash))));
            if (hits) return at + __builtin_ctz((unsigned)hits);
            at += 16;
        }
    #else
        const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
        while (end - at >= 8) {
            uint64_t text, quote, slash;
            memcpy(&text, at, 8);
            quote = text ^ (ones * 0x22);
            slash = text ^ (ones * 0x5C);
            if (((text - ones * 0x20) | (quote - ones) | (slash - ones) | text) & high) break;
            at += 8;
        }
    #endif
        while (at < end && *at >= 0x20 && *at < 0x80 && *at != 0x22 && *at != 0x5C) at++;
        return at;
    }
    #endif
    """
    const uint8_t *plain_run "prmq_plain_run"(const uint8_t *at, const uint8_t *end) noexcept nogil

cdef enum:
    QUOTE = 0x22
    APOSTROPHE = 0x27
    BACKSLASH = 0x5C
    COLON = 0x3A
    COMMA = 0x2C
    OPEN = 0x7B
    CLOSE = 0x7D
    MINUS = 0x2D
    ZERO = 0x30
    NINE = 0x39


cdef struct Scanner:
    const uint8_t *start
    const uint8_t *at
    const uint8_t *end


cdef struct Token:
    const uint8_t *at
    Py_ssize_t size
    bint plain  # ASCII without escapes: the bytes are the text


# Raises; `expected` completes "expected ...".
cdef int refuse(const Scanner *scan, const uint8_t *at, str expected, str field=*) except -1

# A string in single quotes, or with escapes or characters beyond ASCII.
cdef int scan_odd_string(Scanner *scan, Token *token) except -1

# The str of a token that is not plain.
cdef str odd_text(const Scanner *scan, const Token *token)

# A number as JSON defines it; the scanner stands at a minus or a digit.
cdef int scan_number(Scanner *scan, Token *token) except -1

# Any value, checked to be JSON; `depth` is how deep the scanner stands in brackets.
cdef int skip_value(Scanner *scan, int depth) except -1


cdef inline void skip_space(Scanner *scan) noexcept nogil:
    while scan.at < scan.end and (
        scan.at[0] == 0x20 or scan.at[0] == 0x0A or scan.at[0] == 0x0D or scan.at[0] == 0x09
    ):
        scan.at += 1


cdef inline bint stands(const Scanner *scan, uint8_t mark) noexcept nogil:
    return scan.at < scan.end and scan.at[0] == mark


cdef inline int expect_mark(Scanner *scan, uint8_t mark, str expected) except -1:
    """Step over one mark and the blanks on both sides of it."""
    skip_space(scan)
    if scan.at == scan.end or scan.at[0] != mark:
        return refuse(scan, scan.at, expected)
    scan.at += 1
    skip_space(scan)
    return 0


cdef inline bint at_quote(const Scanner *scan) noexcept nogil:
    return scan.at < scan.end and (scan.at[0] == QUOTE or scan.at[0] == APOSTROPHE)


cdef inline bint at_digit(const uint8_t *at, const uint8_t *end) noexcept nogil:
    return at < end and ZERO <= at[0] <= NINE


cdef inline bint skip_word(Scanner *scan, const char *word) noexcept nogil:
    cdef Py_ssize_t size = <Py_ssize_t>strlen(word)
    if scan.end - scan.at < size or memcmp(scan.at, word, size) != 0:
        return False
    scan.at += size
    return True


cdef inline int scan_string(Scanner *scan, Token *token) except -1:
    """Step over a string; the scanner stands at its opening quote."""
    cdef const uint8_t *at
    if scan.at[0] == QUOTE:
        at = plain_run(scan.at + 1, scan.end)
        if at < scan.end and at[0] == QUOTE:
            token.at = scan.at + 1
            token.size = at - token.at
            token.plain = True
            scan.at = at + 1
            return 0
    return scan_odd_string(scan, token)


cdef inline str token_text(const Scanner *scan, const Token *token):
    return ascii_text(token.at, token.size) if token.plain else odd_text(scan, token)
