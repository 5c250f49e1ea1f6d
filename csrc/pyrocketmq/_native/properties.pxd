"""The properties text `name \x01 value \x02 ...` of a message: its separators, its limits, and its pieces."""

from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcpy

from pyrocketmq._native.bytesio cimport first_hit, load_word, store_word
from pyrocketmq._native.text cimport Text, is_ascii, is_json_plain, kept_utf8

cdef enum:
    NAME_SEPARATOR = 1
    PROPERTY_SEPARATOR = 2
    # The stored format gives the properties text a signed 16-bit length; a 5.5.0 broker adds about 130 bytes of its
    # own before it stores a message and refuses it with code 13 when the sum is too long.
    STORED_PROPERTIES_LIMIT = 32767
    BROKER_ADDITIONS = 130
    SENT_PROPERTIES_LIMIT = STORED_PROPERTIES_LIMIT - BROKER_ADDITIONS


cdef inline Py_ssize_t separator_at(const char *text, Py_ssize_t size) noexcept nogil:
    """Where the first separator stands in a name or value; -1 if there is none."""
    cdef uint64_t ones = <uint64_t>0x0101010101010101
    cdef uint64_t high = <uint64_t>0x8080808080808080
    cdef uint64_t word
    cdef Py_ssize_t at = 0
    while size - at >= 8:
        word = load_word(text + at)
        # A byte below 3; a zero byte is let through by the loop below.
        if (word - ones * 3) & ~word & high:
            break
        at += 8
    while at < size:
        if text[at] == NAME_SEPARATOR or text[at] == PROPERTY_SEPARATOR:
            return at
        at += 1
    return -1


cdef inline uint8_t *put_json_pairs(uint8_t *at, const char *text, Py_ssize_t size) noexcept nogil:
    """Write properties text, where only the separators need an escape, as the inside of a JSON string.

    The caller has made room for 6 * size + 2 bytes, which is why whole words may be stored.
    """
    cdef uint64_t ones = <uint64_t>0x0101010101010101
    cdef uint64_t high = <uint64_t>0x8080808080808080
    cdef uint64_t word, separators
    cdef Py_ssize_t plain
    while size > 0:
        if size >= 8:
            word = load_word(text)
            store_word(at, word)
            separators = (word - ones * 3) & ~word & high
            plain = first_hit(separators) if separators else 8
        else:
            plain = 0
            while plain < size and text[plain] != NAME_SEPARATOR and text[plain] != PROPERTY_SEPARATOR:
                at[plain] = <uint8_t>text[plain]
                plain += 1
        at += plain
        text += plain
        size -= plain
        if plain < 8 and size > 0:
            memcpy(at, "\\u0001  ", 8)
            at[5] = <uint8_t>(0x30 + text[0])
            at += 6
            text += 1
            size -= 1
    return at


cdef bint next_property(Text *rest, Text *name, Text *value) noexcept nogil
cdef bint find_property(
    const char *text, Py_ssize_t size, const char *name, Py_ssize_t name_size, Text *value
) noexcept nogil
cdef dict parse_properties(const char *text, Py_ssize_t size)
cdef int check_text(object value, object field, Text *out) except -1


cdef inline int check_value(object value, object name, Text *out) except -1:
    """`check_text` for the value of a property; the words for a refusal are made when there is one."""
    if type(value) is str and is_ascii(value):
        out.at = kept_utf8(value, &out.size)
        if out.size and is_json_plain(out.at, out.size):
            return 0
    return check_text(value, f"property {name!r}", out)
