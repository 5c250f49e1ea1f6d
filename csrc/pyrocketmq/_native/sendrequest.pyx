"""Reads a request to send one message without building a command: its fields are found in the header bytes.

Only the plain forms are read here. Escapes other than those of the two property separators, text beyond ASCII,
numbers in odd forms, further fields and repeated names are left to the general decoder, which has the last word.
This module must not know what becomes of a message.
"""

from libc.stdint cimport INT32_MAX, INT32_MIN, int32_t, int64_t, uint8_t, uint32_t
from libc.string cimport memcmp, memset

from pyrocketmq._native.bytesio cimport (
    Cursor,
    Output,
    has,
    put_bytes,
    put_u8,
    reserve,
    take,
    take_i16,
    take_i32,
    take_u8,
)
from pyrocketmq._native.frame cimport BINARY_CODEC, FrameView
from pyrocketmq._native.json_scan cimport (
    BACKSLASH,
    CLOSE,
    COLON,
    COMMA,
    MINUS,
    NINE,
    OPEN,
    QUOTE,
    ZERO,
    plain_run,
)
from pyrocketmq._native.text cimport Text

__all__ = []

cdef enum:
    SEND_MESSAGE_V2 = 310
    MOST_DIGITS = 18  # more may not fit into 64 bits
    LETTER_A = 0x61
    LETTERS = 14  # a to n
    # Fields a, b, e, f, g and h by letter: producer group, topic, queue, flags and birth time.
    NEEDED_LETTERS = 0b11110011
    ESCAPE_BYTES = 6  # of \u0001

    SEEN_FIELDS = 1
    SEEN_OPAQUE = 2
    SEEN_FLAG = 4
    SEEN_VERSION = 8
    SEEN_LANGUAGE = 16
    SEEN_CODEC = 32
    SEEN_REMARK = 64
    NEEDED_NAMES = 3  # the fields and the opaque

    BINARY_FIXED_BYTES = 21
    BINARY_LANGUAGE_BYTES = 3  # language and version
    BINARY_ENTRY_BYTES = 7  # lengths and name of an entry whose name is one letter

cdef const char *CODE_PREFIX = '{"code":310,'
cdef enum:
    CODE_PREFIX_BYTES = 12


# hot: begin
cdef inline bint is_word(const char *at, Py_ssize_t size, const char *word, Py_ssize_t word_size) noexcept nogil:
    return size == word_size and memcmp(at, word, word_size) == 0


cdef bint number_of(const Text *text, int64_t *out) noexcept nogil:
    """A decimal number in its usual form."""
    cdef const char *at = text.at
    cdef const char *end = at + text.size
    cdef bint negative = at < end and at[0] == MINUS
    cdef int64_t value = 0
    at += negative
    if end - at < 1 or end - at > MOST_DIGITS or (at[0] == ZERO and end - at > 1):
        return False
    while at < end:
        if not ZERO <= <uint8_t>at[0] <= NINE:
            return False
        value = value * 10 + (at[0] - ZERO)
        at += 1
    out[0] = -value if negative else value
    return True


cdef inline bint int_of(const Text *text, int32_t *out) noexcept nogil:
    cdef int64_t value
    if not number_of(text, &value) or not INT32_MIN <= value <= INT32_MAX:
        return False
    out[0] = <int32_t>value
    return True


cdef bint take_letter(SendRequest *request, uint8_t letter, const Text *value) noexcept nogil:
    """Keep a field of the V2 header; false for a value that this way does not serve."""
    if letter == 0x62:  # b: topic
        request.topic = value[0]
        return value.size > 0
    if letter == 0x65:  # e: queue
        return int_of(value, &request.queue_id)
    if letter == 0x66:  # f: system flags
        return int_of(value, &request.sys_flag)
    if letter == 0x67:  # g: birth time
        return number_of(value, &request.born_ms)
    if letter == 0x68:  # h: the user's flag
        return int_of(value, &request.message_flag)
    if letter == 0x69:  # i: properties
        request.properties = value[0]
        return True
    if letter == 0x6A:  # j: how often it was consumed before
        return is_word(value.at, value.size, "0", 1)
    if letter == 0x6B or letter == 0x6D:  # k: unit mode; m: batch
        return is_word(value.at, value.size, "false", 5)
    # a, c, d and n: group, template topic, its queues, broker name; l belongs to messages that come back
    return letter != 0x6C


# ---- JSON header ----

cdef inline bint take_string(const uint8_t **at, const uint8_t *end, Text *text) noexcept nogil:
    """Step over a plain string, from its opening quote on."""
    cdef const uint8_t *close
    if at[0] == end or at[0][0] != QUOTE:
        return False
    text.at = <const char *>at[0] + 1
    close = plain_run(at[0] + 1, end)
    if close == end or close[0] != QUOTE:
        return False
    text.size = <const char *>close - text.at
    at[0] = close + 1
    return True


cdef inline bint take_mark(const uint8_t **at, const uint8_t *end, uint8_t mark) noexcept nogil:
    if at[0] == end or at[0][0] != mark:
        return False
    at[0] += 1
    return True


cdef inline bint take_word(const uint8_t **at, const uint8_t *end, Text *word) noexcept nogil:
    """Step over a number or a name such as null."""
    word.at = <const char *>at[0]
    while at[0] < end and at[0][0] != COMMA and at[0][0] != CLOSE:
        at[0] += 1
    word.size = <const char *>at[0] - word.at
    return word.size > 0


cdef bint take_properties(const uint8_t **at, const uint8_t *end, Output *scratch, Text *text) noexcept nogil:
    """Step over a string in which separators are escaped; the scratch output has room for it."""
    cdef const uint8_t *stop
    if at[0] == end or at[0][0] != QUOTE:
        return False
    at[0] += 1
    scratch.at = scratch.start
    while True:
        stop = plain_run(at[0], end)
        put_bytes(scratch, at[0], stop - at[0])
        at[0] = stop
        if stop == end:
            return False
        if stop[0] == QUOTE:
            break
        if stop[0] != BACKSLASH or end - stop < ESCAPE_BYTES or memcmp(stop, "\\u000", 5) != 0:
            return False
        if stop[5] != 0x31 and stop[5] != 0x32:
            return False
        put_u8(scratch, stop[5] - ZERO)
        at[0] += ESCAPE_BYTES
    at[0] += 1
    text.at = <const char *>scratch.start
    text.size = scratch.at - scratch.start
    return True


cdef bint take_fields(
    const uint8_t **at, const uint8_t *end, SendRequest *request, Output *scratch
) noexcept nogil:
    """Step over the object of the ext fields."""
    cdef uint32_t seen = 0
    cdef uint32_t bit
    cdef Text name, value
    if not take_mark(at, end, OPEN):
        return False
    while True:
        if not take_string(at, end, &name) or name.size != 1 or not take_mark(at, end, COLON):
            return False
        if not LETTER_A <= <uint8_t>name.at[0] < LETTER_A + LETTERS:
            return False
        bit = <uint32_t>1 << (name.at[0] - LETTER_A)
        if seen & bit:
            return False
        seen |= bit
        if name.at[0] == 0x69:
            if not take_properties(at, end, scratch, &value):
                return False
        elif not take_string(at, end, &value):
            return False
        if not take_letter(request, <uint8_t>name.at[0], &value):
            return False
        if take_mark(at, end, CLOSE):
            return (seen & NEEDED_LETTERS) == NEEDED_LETTERS
        if not take_mark(at, end, COMMA):
            return False


cdef bint take_top(
    const uint8_t **at, const uint8_t *end, const Text *name, SendRequest *request, Output *scratch, uint32_t *bit
) noexcept nogil:
    """Step over the value of one name of the header."""
    cdef Text value
    cdef int32_t number
    if is_word(name.at, name.size, "extFields", 9):
        bit[0] = SEEN_FIELDS
        return take_fields(at, end, request, scratch)
    if is_word(name.at, name.size, "opaque", 6):
        bit[0] = SEEN_OPAQUE
        return take_word(at, end, &value) and int_of(&value, &request.opaque)
    if is_word(name.at, name.size, "flag", 4):
        bit[0] = SEEN_FLAG
        return take_word(at, end, &value) and int_of(&value, &request.wire_flag)
    if is_word(name.at, name.size, "version", 7):
        bit[0] = SEEN_VERSION
        return take_word(at, end, &value) and int_of(&value, &number)
    if is_word(name.at, name.size, "language", 8):
        bit[0] = SEEN_LANGUAGE
        return take_string(at, end, &value)
    if is_word(name.at, name.size, "serializeTypeCurrentRPC", 23):
        bit[0] = SEEN_CODEC
        return take_string(at, end, &value)
    if is_word(name.at, name.size, "remark", 6):
        bit[0] = SEEN_REMARK
        return take_word(at, end, &value) and is_word(value.at, value.size, "null", 4)
    return False


cdef bint read_json(const uint8_t *at, const uint8_t *end, SendRequest *request, Output *scratch) noexcept nogil:
    cdef uint32_t seen = 0
    cdef uint32_t bit = 0
    cdef Text name
    at += CODE_PREFIX_BYTES
    while True:
        if not take_string(&at, end, &name) or not take_mark(&at, end, COLON):
            return False
        if not take_top(&at, end, &name, request, scratch, &bit) or seen & bit:
            return False
        seen |= bit
        if take_mark(&at, end, CLOSE):
            return at == end and (seen & NEEDED_NAMES) == NEEDED_NAMES
        if not take_mark(&at, end, COMMA):
            return False


# ---- binary header ----

cdef bint read_binary(const uint8_t *at, Py_ssize_t size, SendRequest *request) noexcept nogil:
    cdef Cursor cursor = Cursor(at, size)
    cdef uint32_t seen = 0
    cdef uint32_t bit
    cdef uint8_t letter
    cdef Text value
    cdef Py_ssize_t count
    if not has(&cursor, BINARY_FIXED_BYTES) or take_i16(&cursor) != SEND_MESSAGE_V2:
        return False
    take(&cursor, BINARY_LANGUAGE_BYTES)
    request.opaque = take_i32(&cursor)
    request.wire_flag = take_i32(&cursor)
    if take_i32(&cursor) != 0 or take_i32(&cursor) != cursor.left:
        return False
    while cursor.left:
        if not has(&cursor, BINARY_ENTRY_BYTES) or take_i16(&cursor) != 1:
            return False
        letter = take_u8(&cursor)
        count = take_i32(&cursor)
        if not has(&cursor, count) or not LETTER_A <= letter < LETTER_A + LETTERS:
            return False
        value.at = <const char *>take(&cursor, count)
        value.size = count
        bit = <uint32_t>1 << (letter - LETTER_A)
        if seen & bit or not is_plain(&value, letter) or not take_letter(request, letter, &value):
            return False
        seen |= bit
    return (seen & NEEDED_LETTERS) == NEEDED_LETTERS


cdef inline bint is_plain(const Text *value, uint8_t letter) noexcept nogil:
    """As in JSON: ASCII without control characters, except for the separators of the properties."""
    cdef Py_ssize_t at
    cdef uint8_t byte
    for at in range(value.size):
        byte = <uint8_t>value.at[at]
        if byte >= 0x80 or (byte < 0x20 and (letter != 0x69 or not 1 <= byte <= 2)):
            return False
    return True


cdef bint read_send_request(const FrameView *view, SendRequest *request, Output *scratch) except -1:
    memset(request, 0, sizeof(SendRequest))
    if view.codec == BINARY_CODEC:
        return read_binary(view.header, view.header_size, request)
    if view.header_size < CODE_PREFIX_BYTES or memcmp(view.header, CODE_PREFIX, CODE_PREFIX_BYTES) != 0:
        return False
    scratch.at = scratch.start
    reserve(scratch, view.header_size)
    return read_json(view.header, view.header + view.header_size, request, scratch)
# hot: end
