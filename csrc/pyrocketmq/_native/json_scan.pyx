"""The parts of the JSON scanner that plain text never reaches, and the values that nobody asks for."""

from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport int32_t, uint8_t, uint32_t

from pyrocketmq.errors import DeserializationError

# The functions here are for other native modules: see the .pxd.
__all__ = []

cdef enum:
    MAX_DEPTH = 64


cdef str found_at(const Scanner *scan, const uint8_t *at):
    if at >= scan.end:
        return "the end of the header"
    if 0x20 < at[0] < 0x7F:
        return f"{chr(at[0])!r}"
    return f"byte 0x{at[0]:02x}"


cdef int refuse(const Scanner *scan, const uint8_t *at, str expected, str field="header") except -1:
    raise DeserializationError(
        f"JSON header of {scan.end - scan.start:,} bytes, byte {at - scan.start:,}: "
        f"expected {expected}, found {found_at(scan, at)}",
        field=field,
        likely="the frame was damaged, or its sender does not speak the RocketMQ protocol",
    )


cdef int scan_odd_string(Scanner *scan, Token *token) except -1:
    """Step over a string in single quotes, or with escapes or characters beyond ASCII."""
    cdef uint8_t quote = scan.at[0]
    cdef const uint8_t *at = scan.at + 1
    token.at = at
    token.plain = True
    while at < scan.end:
        if at[0] == quote:
            token.size = at - token.at
            scan.at = at + 1
            return 0
        if at[0] < 0x20:
            return refuse(scan, at, "no control character inside a string")
        if at[0] >= 0x80:
            token.plain = False
        elif at[0] == BACKSLASH:
            token.plain = False
            at += 1
            if at == scan.end:
                break
        at += 1
    return refuse(scan, scan.end, "the end of a string")


cdef inline int hex_digit(uint8_t byte) noexcept nogil:
    if 0x30 <= byte <= 0x39:
        return byte - 0x30
    if 0x61 <= (byte | 0x20) <= 0x66:
        return (byte | 0x20) - 0x57
    return -1


cdef int32_t utf16_unit(const Scanner *scan, const uint8_t *at, const uint8_t *end) except -1:
    """The four hexadecimal digits of an escape."""
    cdef int32_t unit = 0
    cdef int digit, step
    for step in range(4):
        digit = hex_digit(at[step]) if end - at > step else -1
        if digit < 0:
            return refuse(scan, at + step, "four hexadecimal digits")
        unit = unit * 16 + digit
    return unit


cdef inline uint8_t *put_utf8(uint8_t *at, uint32_t point) noexcept nogil:
    if point < 0x80:
        at[0] = <uint8_t>point
        return at + 1
    if point < 0x800:
        at[0] = <uint8_t>(0xC0 | (point >> 6))
        at[1] = <uint8_t>(0x80 | (point & 0x3F))
        return at + 2
    if point < 0x10000:
        at[0] = <uint8_t>(0xE0 | (point >> 12))
        at[1] = <uint8_t>(0x80 | ((point >> 6) & 0x3F))
        at[2] = <uint8_t>(0x80 | (point & 0x3F))
        return at + 3
    at[0] = <uint8_t>(0xF0 | (point >> 18))
    at[1] = <uint8_t>(0x80 | ((point >> 12) & 0x3F))
    at[2] = <uint8_t>(0x80 | ((point >> 6) & 0x3F))
    at[3] = <uint8_t>(0x80 | (point & 0x3F))
    return at + 4


cdef inline uint8_t short_escape(uint8_t letter) noexcept nogil:
    """What the letter of a two-character escape stands for, 0 if it is none."""
    if letter == 0x6E:
        return 0x0A
    if letter == 0x72:
        return 0x0D
    if letter == 0x74:
        return 0x09
    if letter == 0x62:
        return 0x08
    if letter == 0x66:
        return 0x0C
    if letter == QUOTE or letter == APOSTROPHE or letter == BACKSLASH or letter == 0x2F:
        return letter
    return 0


cdef Py_ssize_t unescape(const Scanner *scan, const Token *token, uint8_t *start) except -1:
    """Write a token without its escapes, which never takes more room than the token; the size it took."""
    cdef const uint8_t *at = token.at
    cdef const uint8_t *end = token.at + token.size
    cdef uint8_t *to = start
    cdef uint32_t point, low
    while at < end:
        if at[0] != BACKSLASH:
            to[0] = at[0]
            to += 1
            at += 1
            continue
        at += 1  # the scanner never ends a token after a lone backslash
        if at[0] != 0x75:
            to[0] = short_escape(at[0])
            if to[0] == 0:
                refuse(scan, at, "one of \" ' \\ / b f n r t u after a backslash")
            to += 1
            at += 1
            continue
        point = <uint32_t>utf16_unit(scan, at + 1, end)
        at += 5
        if 0xD800 <= point < 0xDC00 and end - at >= 6 and at[0] == BACKSLASH and at[1] == 0x75:
            low = <uint32_t>utf16_unit(scan, at + 2, end)
            if 0xDC00 <= low < 0xE000:
                point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00)
                at += 6
        if 0xD800 <= point < 0xE000:
            refuse(scan, at, "the other half of a surrogate pair")
        to = put_utf8(to, point)
    return to - start


cdef str odd_text(const Scanner *scan, const Token *token):
    """The str of a token that is not plain."""
    cdef uint8_t *room = <uint8_t *>PyMem_Malloc(token.size)
    cdef Py_ssize_t size
    if room is NULL:
        raise MemoryError()
    try:
        size = unescape(scan, token, room)
        return PyUnicode_DecodeUTF8(<char *>room, size, NULL)
    except UnicodeDecodeError as error:
        raise DeserializationError(
            f"JSON header of {scan.end - scan.start:,} bytes: the string at byte {token.at - scan.start:,} "
            f"is not UTF-8 ({error.reason})",
            field="header",
            likely="the sender writes text in another encoding",
        ) from error
    finally:
        PyMem_Free(room)


cdef int scan_number(Scanner *scan, Token *token) except -1:
    """Step over a number as JSON defines it; the scanner stands at a minus or a digit."""
    cdef const uint8_t *at = scan.at
    cdef const uint8_t *end = scan.end
    if at[0] == MINUS:
        at += 1
    if not at_digit(at, end):
        return refuse(scan, at, "a digit")
    if at[0] == ZERO:
        at += 1
    else:
        while at_digit(at, end):
            at += 1
    if at < end and at[0] == 0x2E:
        at += 1
        if not at_digit(at, end):
            return refuse(scan, at, "a digit")
        while at_digit(at, end):
            at += 1
    if at < end and (at[0] | 0x20) == 0x65:
        at += 1
        if at < end and (at[0] == 0x2B or at[0] == MINUS):
            at += 1
        if not at_digit(at, end):
            return refuse(scan, at, "a digit")
        while at_digit(at, end):
            at += 1
    token.at = scan.at
    token.size = at - scan.at
    token.plain = True
    scan.at = at
    return 0


cdef int skip_value(Scanner *scan, int depth) except -1:
    """Step over any value and check that it is JSON."""
    cdef Token token
    if at_quote(scan):
        scan_string(scan, &token)
        if not token.plain:
            odd_text(scan, &token)
        return 0
    if stands(scan, MINUS) or at_digit(scan.at, scan.end):
        return scan_number(scan, &token)
    if skip_word(scan, b"null") or skip_word(scan, b"true") or skip_word(scan, b"false"):
        return 0
    if stands(scan, OPEN):
        return skip_nested(scan, depth + 1, CLOSE)
    if stands(scan, 0x5B):
        return skip_nested(scan, depth + 1, 0x5D)
    return refuse(scan, scan.at, "a value")


cdef int skip_nested(Scanner *scan, int depth, uint8_t closing) except -1:
    """Step over an object or a list; the scanner stands at its opening bracket."""
    if depth > MAX_DEPTH:
        return refuse(scan, scan.at, f"at most {MAX_DEPTH} levels of nesting")
    scan.at += 1
    skip_space(scan)
    if stands(scan, closing):
        scan.at += 1
        return 0
    while True:
        if closing == CLOSE:
            if not at_quote(scan):
                return refuse(scan, scan.at, "a quoted key")
            skip_value(scan, depth)
            expect_mark(scan, COLON, "':' after a key")
        skip_value(scan, depth)
        skip_space(scan)
        if stands(scan, closing):
            scan.at += 1
            return 0
        expect_mark(scan, COMMA, "',' or the closing bracket")
