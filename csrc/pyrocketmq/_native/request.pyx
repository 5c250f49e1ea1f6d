"""Reads the header of a request in place, without making an object.

Only the plain form that clients write is read here. Whatever is unusual (blanks, text that is not ASCII, odd
numbers, values that are no strings, very many fields) is left to the general decoder, so both ways agree. Knows no
request.
"""

from libc.stdint cimport INT32_MAX, INT32_MIN, int32_t, int64_t, uint8_t, uint64_t
from libc.string cimport memcmp, memcpy

from pyrocketmq._native.bytesio cimport load_be16, load_be32, load_word
from pyrocketmq._native.frame cimport JSON_CODEC, FrameView
from pyrocketmq._native.json_scan cimport BACKSLASH, CLOSE, COLON, COMMA, OPEN, QUOTE, plain_run
from pyrocketmq._native.text cimport Text, number_in

# The functions here are for other native modules: see the .pxd.
__all__ = []

cdef enum:
    BINARY_FIXED_BYTES = 21
    HAS_CODE = 1
    HAS_OPAQUE = 2
    HAS_FIELDS = 4


cdef struct Place:
    const uint8_t *at
    const uint8_t *end


# hot: begin
cdef inline bint step(Place *place, uint8_t byte) noexcept nogil:
    if place.at < place.end and place.at[0] == byte:
        place.at += 1
        return True
    return False


cdef inline bint string_in(Place *place, Text *text, bint *escaped) noexcept nogil:
    """Step over a string; what its escapes mean is not looked at."""
    cdef const uint8_t *at
    escaped[0] = False
    if not step(place, QUOTE):
        return False
    at = place.at
    text.at = <const char *>at
    while True:
        at = plain_run(at, place.end)
        if at == place.end:
            return False
        if at[0] == QUOTE:
            text.size = at - place.at
            place.at = at + 1
            return True
        if at[0] != BACKSLASH or place.end - at < 2:
            return False
        escaped[0] = True
        at += 2


cdef inline bint int32_in(Place *place, int32_t *into) noexcept nogil:
    cdef const uint8_t *start = place.at
    cdef int64_t number
    while place.at < place.end and (0x30 <= place.at[0] <= 0x39 or place.at[0] == 0x2D):
        place.at += 1
    if not number_in(start, place.at - start, INT32_MIN, INT32_MAX, &number):
        return False
    into[0] = <int32_t>number
    return True


cdef bint fields_in(Place *place, RequestHead *head) noexcept nogil:
    """The extFields object after its opening brace."""
    cdef Field *field
    cdef bint escaped
    if step(place, CLOSE):
        return True
    while head.count < MOST_FIELDS:
        field = &head.fields[head.count]
        if not string_in(place, &field.name, &escaped) or escaped or not step(place, COLON):
            return False
        if not string_in(place, &field.value, &field.escaped):
            return False
        head.count += 1
        if step(place, CLOSE):
            return True
        if not step(place, COMMA):
            return False
    return False


cdef bint member_in(Place *place, RequestHead *head, int *seen) noexcept nogil:
    """One member of the header object; `seen` collects which of the needed ones were there."""
    cdef Text name, text
    cdef bint escaped
    cdef int32_t number
    if not string_in(place, &name, &escaped) or not step(place, COLON):
        return False
    if name.size == 4 and memcmp(name.at, "code", 4) == 0:
        seen[0] |= HAS_CODE
        return int32_in(place, &head.code)
    if name.size == 9 and memcmp(name.at, "extFields", 9) == 0:
        if seen[0] & HAS_FIELDS or not step(place, OPEN):
            return False
        seen[0] |= HAS_FIELDS
        return fields_in(place, head)
    if name.size == 4 and memcmp(name.at, "flag", 4) == 0:
        return int32_in(place, &head.flag)
    if name.size == 6 and memcmp(name.at, "opaque", 6) == 0:
        seen[0] |= HAS_OPAQUE
        return int32_in(place, &head.opaque)
    if name.size == 7 and memcmp(name.at, "version", 7) == 0:
        return int32_in(place, &number)
    if (
        (name.size == 8 and memcmp(name.at, "language", 8) == 0)
        or (name.size == 6 and memcmp(name.at, "remark", 6) == 0)
        or (name.size == 23 and memcmp(name.at, "serializeTypeCurrentRPC", 23) == 0)
    ):
        return string_in(place, &text, &escaped) and not escaped
    return False


cdef bint read_json(Place *place, RequestHead *head) noexcept nogil:
    cdef int seen = 0
    if not step(place, OPEN):
        return False
    while True:
        if not member_in(place, head, &seen):
            return False
        if step(place, COMMA):
            continue
        return (
            step(place, CLOSE)
            and place.at == place.end
            and seen == HAS_CODE | HAS_OPAQUE | HAS_FIELDS
        )


cdef inline bint plain_in(Place *place, Py_ssize_t size, Text *text) noexcept nogil:
    """The next `size` bytes if they are there, not empty, and ASCII."""
    cdef uint64_t high = 0
    cdef Py_ssize_t left = size
    cdef const uint8_t *at = place.at
    if not 1 <= size <= place.end - at:
        return False
    text.at = <const char *>at
    text.size = size
    place.at += size
    while left >= 8:
        high |= load_word(at)
        at += 8
        left -= 8
    while left > 0:
        high |= at[0]
        at += 1
        left -= 1
    return not high & <uint64_t>0x8080808080808080


cdef bint read_binary(Place *place, RequestHead *head) noexcept nogil:
    cdef Py_ssize_t size
    cdef Field *field
    if place.end - place.at < BINARY_FIXED_BYTES:
        return False
    head.code = load_be16(place.at)
    head.opaque = <int32_t>load_be32(place.at + 5)
    head.flag = <int32_t>load_be32(place.at + 9)
    size = <int32_t>load_be32(place.at + 17)
    # A remark is unusual, and its length stands where the length of the fields does otherwise.
    if head.code > 0x7FFF or load_be32(place.at + 13) != 0:
        return False
    place.at += BINARY_FIXED_BYTES
    if size != place.end - place.at:
        return False
    while place.at < place.end:
        if head.count == MOST_FIELDS or place.end - place.at < 2:
            return False
        field = &head.fields[head.count]
        field.escaped = False
        size = load_be16(place.at)
        place.at += 2
        if size > 0x7FFF or not plain_in(place, size, &field.name) or place.end - place.at < 4:
            return False
        size = <int32_t>load_be32(place.at)
        place.at += 4
        if size == 0:
            field.value = Text(<const char *>place.at, 0)
        elif not plain_in(place, size, &field.value):
            return False
        head.count += 1
    return True


cdef bint read_request(const FrameView *view, RequestHead *head) noexcept nogil:
    cdef Place place = Place(view.header, view.header + view.header_size)
    head.flag = head.count = 0
    if view.codec == JSON_CODEC:
        return read_json(&place, head)
    return read_binary(&place, head)


cdef int32_t code_at_once(const FrameView *view) noexcept nogil:
    cdef Place place = Place(view.header, view.header + view.header_size)
    cdef int32_t code
    if view.codec != JSON_CODEC:
        return load_be16(view.header) if view.header_size >= 2 else -1
    if view.header_size < 8 or memcmp(view.header, '{"code":', 8) != 0:
        return -1
    place.at += 8
    return code if int32_in(&place, &code) else -1


cdef bint field_number(const Field *field, int64_t low, int64_t high, int64_t *number) noexcept nogil:
    return number_in(<const uint8_t *>field.value.at, field.value.size, low, high, number)


cdef inline int hex_digit(uint8_t byte) noexcept nogil:
    if 0x30 <= byte <= 0x39:
        return byte - 0x30
    if 0x61 <= (byte | 0x20) <= 0x66:
        return (byte | 0x20) - 0x57
    return -1


cdef int ascii_escape(const uint8_t *at, Py_ssize_t left, uint8_t *to) noexcept nogil:
    """Read the escape behind a backslash; how many bytes it takes, 0 if it is for the general decoder."""
    cdef int high, low
    if at[0] == 0x75:
        if left < 5 or at[1] != 0x30 or at[2] != 0x30:
            return 0
        high, low = hex_digit(at[3]), hex_digit(at[4])
        if not 0 <= high < 8 or low < 0:
            return 0
        to[0] = <uint8_t>(high * 16 + low)
        return 5
    if at[0] == QUOTE or at[0] == BACKSLASH or at[0] == 0x2F:
        to[0] = at[0]
    elif at[0] == 0x6E:
        to[0] = 0x0A
    elif at[0] == 0x72:
        to[0] = 0x0D
    elif at[0] == 0x74:
        to[0] = 0x09
    else:
        return 0
    return 1


cdef Py_ssize_t put_unescaped(const Field *field, uint8_t *to) noexcept nogil:
    cdef const uint8_t *at = <const uint8_t *>field.value.at
    cdef const uint8_t *end = at + field.value.size
    cdef const uint8_t *run
    cdef uint8_t *start = to
    cdef int size
    if not field.escaped:
        memcpy(to, at, end - at)
        return end - at
    while True:
        run = plain_run(at, end)
        memcpy(to, at, run - at)
        to += run - at
        if run == end:
            return to - start
        # The scanner lets a backslash and what follows it through, and nothing else.
        at = run + 1
        size = ascii_escape(at, end - at, to)
        if size == 0:
            return -1
        to += 1
        at += size
# hot: end
