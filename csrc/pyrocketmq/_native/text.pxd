"""Text on the wire: UTF-8 bytes of a str, JSON string escapes, decimal numbers.

Inline functions only; the callers turn a refusal into an error that names their field.
"""

from cpython.unicode cimport PyUnicode_1BYTE_DATA, PyUnicode_New
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, strlen

from pyrocketmq._native.bytesio cimport (
    Output,
    copy,
    first_hit,
    load_be32,
    load_word,
    reserve,
    store_be64,
    store_word,
)

cdef extern from *:
    """
    #ifndef PRMQ_TEXT_H
    #define PRMQ_TEXT_H
    /* Most text on the wire is ASCII, whose bytes stand behind the header of the str. */
    static inline const char *prmq_utf8(PyObject *text, Py_ssize_t *size) {
        if (PyUnicode_IS_COMPACT_ASCII(text)) {
            *size = PyUnicode_GET_LENGTH(text);
            return (const char *)PyUnicode_1BYTE_DATA(text);
        }
        return PyUnicode_AsUTF8AndSize(text, size);
    }
    /* Two upper-case hex digits for each of 16 bytes: what an id of every message takes. */
    #if defined(__SSE2__) || defined(_M_X64)
    #include <emmintrin.h>
    static inline __m128i prmq_hex_digits(__m128i nibbles) {
        __m128i letters = _mm_cmpgt_epi8(nibbles, _mm_set1_epi8(9));
        return _mm_add_epi8(_mm_add_epi8(nibbles, _mm_set1_epi8('0')), _mm_and_si128(letters, _mm_set1_epi8(7)));
    }
    static inline void prmq_hex16(unsigned char *at, const unsigned char *source) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)source);
        __m128i low = _mm_and_si128(bytes, _mm_set1_epi8(15));
        __m128i high = _mm_and_si128(_mm_srli_epi16(bytes, 4), _mm_set1_epi8(15));
        _mm_storeu_si128((__m128i *)at, prmq_hex_digits(_mm_unpacklo_epi8(high, low)));
        _mm_storeu_si128((__m128i *)(at + 16), prmq_hex_digits(_mm_unpackhi_epi8(high, low)));
    }
    #else
    static inline void prmq_hex16(unsigned char *at, const unsigned char *source) {
        int i;
        for (i = 0; i < 16; i++) {
            at[2 * i] = (unsigned char)"0123456789ABCDEF"[source[i] >> 4];
            at[2 * i + 1] = (unsigned char)"0123456789ABCDEF"[source[i] & 15];
        }
    }
    #endif
    #endif
    """
    void put_hex16 "prmq_hex16"(uint8_t *at, const uint8_t *source) noexcept nogil
    bint is_ascii "PyUnicode_IS_COMPACT_ASCII"(object text) noexcept
    const char *utf8_or_raise "prmq_utf8"(object text, Py_ssize_t *size) except NULL
    # Declared without its error value: for text whose UTF-8 form exists already, so that nothing can fail.
    const char *kept_utf8 "prmq_utf8"(object text, Py_ssize_t *size) noexcept


cdef struct Text:
    const char *at
    Py_ssize_t size


cdef inline int utf8_of(str text, Text *out) except -1:
    """The UTF-8 bytes of a str, which live as long as it does. A lone surrogate raises UnicodeEncodeError."""
    out.at = utf8_or_raise(text, &out.size)
    return 0


cdef inline bint needs_escape(uint8_t byte) noexcept nogil:
    return byte < 0x20 or byte == 0x22 or byte == 0x5C


cdef inline uint64_t escape_mask(uint64_t word) noexcept nogil:
    """Has a bit set in the first of eight bytes that needs an escape in a JSON string, and none if no byte does.

    A borrow can set bits behind that first byte, so only the lowest bit is to be trusted.
    """
    cdef uint64_t ones = <uint64_t>0x0101010101010101
    cdef uint64_t high = <uint64_t>0x8080808080808080
    cdef uint64_t quote = word ^ (ones * 0x22)
    cdef uint64_t slash = word ^ (ones * 0x5C)
    return ((word - ones * 0x20) | (quote - ones) | (slash - ones)) & ~word & high


cdef inline Py_ssize_t plain_prefix(const char *text, Py_ssize_t size) noexcept nogil:
    """How many leading bytes can stand in a JSON string as they are."""
    cdef Py_ssize_t at = 0
    cdef uint64_t mask
    while size - at >= 8:
        mask = escape_mask(load_word(text + at))
        if mask:
            return at + first_hit(mask)
        at += 8
    while at < size and not needs_escape(<uint8_t>text[at]):
        at += 1
    return at


cdef inline uint8_t *put_escape(uint8_t *at, uint8_t byte) noexcept nogil:
    """Write one byte that needs an escape: two characters, or six for a control character without a short form."""
    cdef const char *digits = "0123456789abcdef"
    cdef uint8_t short_form = 0
    if byte == 0x22 or byte == 0x5C:
        short_form = byte
    elif byte == 0x0A:
        short_form = 0x6E
    elif byte == 0x0D:
        short_form = 0x72
    elif byte == 0x09:
        short_form = 0x74
    elif byte == 0x08:
        short_form = 0x62
    elif byte == 0x0C:
        short_form = 0x66
    at[0] = 0x5C
    if short_form:
        at[1] = short_form
        return at + 2
    memcpy(at + 1, "u00", 3)
    at[4] = <uint8_t>digits[byte >> 4]
    at[5] = <uint8_t>digits[byte & 15]
    return at + 6


cdef inline uint64_t short_word(const char *text, Py_ssize_t size) noexcept nogil:
    """The bytes of a text of less than eight bytes in one word, in any order, filled up with plain letters."""
    cdef uint32_t first, last
    if size >= 4:
        memcpy(&first, text, 4)
        memcpy(&last, text + size - 4, 4)
        return <uint64_t>first << 32 | last
    if size == 0:
        return <uint64_t>0x6161616161616161
    return (
        <uint64_t>0x6161616161000000
        | <uint64_t><uint8_t>text[0] << 16
        | <uint64_t><uint8_t>text[size >> 1] << 8
        | <uint8_t>text[size - 1]
    )


cdef inline bint is_json_plain(const char *text, Py_ssize_t size) noexcept nogil:
    """True when a text can stand in a JSON string as it is."""
    cdef Py_ssize_t at = 0
    if size < 8:
        return not escape_mask(short_word(text, size))
    while size - at >= 8:
        if escape_mask(load_word(text + at)):
            return False
        at += 8
    return not escape_mask(load_word(text + size - 8))


cdef inline uint8_t *put_json_chars(uint8_t *at, const char *text, Py_ssize_t size) noexcept nogil:
    """Write text as the inside of a JSON string. The caller has made room for 6 * size bytes."""
    cdef Py_ssize_t done = 0
    cdef uint64_t word
    if size < 8:
        if not escape_mask(short_word(text, size)):
            copy(at, text, size)
            return at + size
        return put_escaped_chars(at, text, size)
    while size - done >= 8:
        word = load_word(text + done)
        if escape_mask(word):
            return put_escaped_chars(at + done, text + done, size - done)
        store_word(at + done, word)
        done += 8
    # The last word overlaps what is written already.
    word = load_word(text + size - 8)
    if escape_mask(word):
        return put_escaped_chars(at + done, text + done, size - done)
    store_word(at + size - 8, word)
    return at + size


cdef inline uint8_t *put_escaped_chars(uint8_t *at, const char *text, Py_ssize_t size) noexcept nogil:
    """The same for text that has something to escape."""
    cdef Py_ssize_t plain
    while True:
        plain = plain_prefix(text, size)
        memcpy(at, text, plain)
        at += plain
        if plain == size:
            return at
        at = put_escape(at, <uint8_t>text[plain])
        text += plain + 1
        size -= plain + 1


cdef inline int put_json_string(Output *output, const char *text, Py_ssize_t size) except -1:
    """Write text as a JSON string with its quotes, making room itself."""
    reserve(output, 6 * size + 2)
    output.at[0] = 0x22
    output.at = put_json_chars(output.at + 1, text, size)
    output.at[0] = 0x22
    output.at += 1
    return 0


cdef inline uint8_t *put_literal(uint8_t *at, const char *text) noexcept nogil:
    """Write a text that is known when this is compiled."""
    cdef size_t size = strlen(text)
    memcpy(at, text, size)
    return at + size


cdef inline uint8_t *put_hex(uint8_t *at, const uint8_t *source, Py_ssize_t count) noexcept nogil:
    """Write two upper-case hex digits for each of `count` bytes, four at a time; `count` is a multiple of 4."""
    cdef uint64_t ones = <uint64_t>0x0101010101010101
    cdef uint64_t nibbles, letters
    cdef Py_ssize_t done
    for done in range(0, count, 4):
        nibbles = load_be32(source + done)
        nibbles = (nibbles | nibbles << 16) & <uint64_t>0x0000FFFF0000FFFF
        nibbles = (nibbles | nibbles << 8) & <uint64_t>0x00FF00FF00FF00FF
        nibbles = (nibbles | nibbles << 4) & <uint64_t>0x0F0F0F0F0F0F0F0F
        letters = (nibbles + ones * 6) >> 4 & ones  # 1 where a nibble is over 9
        store_be64(at + 2 * done, nibbles + ones * 0x30 + letters * 7)
    return at + 2 * count


cdef inline str hex_text(const uint8_t *source, Py_ssize_t count):
    cdef str text = PyUnicode_New(2 * count, 127)
    put_hex(<uint8_t *>PyUnicode_1BYTE_DATA(text), source, count)
    return text


cdef enum:
    DECIMAL_ROOM = 20  # characters of the longest int64, sign included


cdef inline int decimal_digits(uint64_t value) noexcept nogil:
    cdef int digits = 1
    while value >= 10000:
        value //= 10000
        digits += 4
    return digits + (value >= 10) + (value >= 100) + (value >= 1000)


cdef inline uint8_t *put_decimal_u(uint8_t *at, uint64_t value) noexcept nogil:
    cdef const char *pairs = (
        "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748"
        "49505152535455565758596061626364656667686970717273747576777879808182838485868788899091929394959697"
        "9899"
    )
    cdef uint8_t *end
    cdef uint8_t *place
    cdef uint64_t rest
    if value < 10:
        at[0] = <uint8_t>(0x30 + value)
        return at + 1
    end = at + decimal_digits(value)
    place = end - 2
    while value >= 100:
        rest = value // 100
        memcpy(place, pairs + 2 * (value - rest * 100), 2)
        place -= 2
        value = rest
    if value >= 10:
        memcpy(place, pairs + 2 * value, 2)
    else:
        place[1] = <uint8_t>(0x30 + value)
    return end


cdef inline uint8_t *put_decimal(uint8_t *at, int64_t value) noexcept nogil:
    """Write a number in decimal. The caller has made room for DECIMAL_ROOM bytes."""
    if value < 0:
        at[0] = 0x2D
        return put_decimal_u(at + 1, <uint64_t>0 - <uint64_t>value)
    return put_decimal_u(at, <uint64_t>value)


cdef inline bint number_in(const uint8_t *at, Py_ssize_t size, int64_t low, int64_t high, int64_t *out) noexcept nogil:
    """Decimal digits with an optional minus and no leading zero; at most 18 of them, so nothing can wrap."""
    cdef bint negative = size > 0 and at[0] == 0x2D
    cdef Py_ssize_t first = 1 if negative else 0
    cdef Py_ssize_t i
    cdef int64_t value = 0
    if not 1 <= size - first <= 18 or (at[first] == 0x30 and size - first > 1):
        return False
    for i in range(first, size):
        if not 0x30 <= at[i] <= 0x39:
            return False
        value = value * 10 + (at[i] - 0x30)
    out[0] = -value if negative else value
    return low <= out[0] <= high
