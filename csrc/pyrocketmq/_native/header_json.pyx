"""The JSON header of a command: written compactly, read with the tolerance of Java's decoder.

Reading is one pass over the bytes. Ext fields of plain ASCII, compact as clients and servers write them, are
checked in that pass and decoded when somebody asks: 130 ns for an answer with four of them,
210 ns more once they are read. All others are decoded at once, so every error shows while decoding.
Knows nothing of frames and bodies.
"""

from cpython.dict cimport PyDict_Next, PyDict_SetItem
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport INT32_MAX, INT32_MIN, int32_t, int64_t, uint8_t
from libc.string cimport memcmp, strlen

from pyrocketmq._native.command cimport (
    UNKNOWN_LANGUAGE,
    RemotingCommand,
    ascii_text,
    check_entry,
    ext_fields_of,
    ext_key,
    field_utf8,
    keep_ext,
    language_name,
    language_number,
    set_ext,
    take_opaque,
)
from pyrocketmq._native.json_scan cimport (
    CLOSE,
    COLON,
    COMMA,
    MINUS,
    OPEN,
    QUOTE,
    ZERO,
    Scanner,
    Token,
    at_digit,
    at_quote,
    expect_mark,
    odd_text,
    plain_run,
    refuse,
    scan_number,
    scan_string,
    skip_space,
    skip_value,
    skip_word,
    stands,
    token_text,
)
from pyrocketmq._native.text cimport Text, put_decimal, put_json_chars, put_literal, utf8_of

from pyrocketmq.errors import DeserializationError

# The functions here are for other native modules: see the .pxd.
__all__ = []

cdef enum:
    FIXED_ROOM = 256  # more than all member names, marks and numbers together


# ---- writing ----

cdef inline Py_ssize_t text_room(object text, str field, object key) except -1:
    """Room for a str as the inside of a JSON string, every character escaped."""
    cdef Text utf8
    field_utf8(text, &utf8, field, key)
    return 6 * utf8.size


cdef Py_ssize_t json_header_room(RemotingCommand command) except -1:
    cdef dict fields = ext_fields_of(command)
    cdef Py_ssize_t room = FIXED_ROOM
    cdef Py_ssize_t place = 0
    cdef PyObject *key
    cdef PyObject *value
    if fields is not None:
        while PyDict_Next(fields, &place, &key, &value):
            if <object>key is None or <object>value is None:
                continue
            check_entry(<object>key, <object>value)
            room += text_room(<object>key, "ext_fields", None) + 6  # quotes, colon and comma
            room += text_room(<object>value, "ext_fields", <object>key)
    if command._remark is not None:
        room += text_room(command._remark, "remark", None)
    return room


cdef inline uint8_t *put_text(uint8_t *at, object text) noexcept:
    """Write a str that `text_room` has accepted, so that its UTF-8 is at hand."""
    cdef Text utf8
    utf8_of(<str>text, &utf8)
    return put_json_chars(at, utf8.at, utf8.size)


cdef uint8_t *put_ext_fields(uint8_t *at, dict fields) noexcept:
    cdef Py_ssize_t place = 0
    cdef PyObject *key
    cdef PyObject *value
    cdef bint first = True
    at = put_literal(at, b',"extFields":{')
    while PyDict_Next(fields, &place, &key, &value):
        if <object>key is None or <object>value is None:
            continue
        if not first:
            at = put_literal(at, b",")
        first = False
        at = put_text(put_literal(at, b'"'), <object>key)
        at = put_literal(at, b'":"')
        at = put_text(at, <object>value)
        at = put_literal(at, b'"')
    return put_literal(at, b"}")


cdef uint8_t *put_json_header(uint8_t *at, RemotingCommand command) noexcept:
    at = put_decimal(put_literal(at, b'{"code":'), command._code)
    if command._ext_fields is not None:
        at = put_ext_fields(at, command._ext_fields)
    at = put_decimal(put_literal(at, b',"flag":'), command._flag)
    if command._language != UNKNOWN_LANGUAGE:
        at = put_literal(put_literal(at, b',"language":"'), language_name(command._language))
        at = put_literal(at, b'"')
    at = put_decimal(put_literal(at, b',"opaque":'), command._opaque)
    if command._remark is not None:
        at = put_literal(put_text(put_literal(at, b',"remark":"'), command._remark), b'"')
    return put_literal(put_decimal(put_literal(at, b',"version":'), command._version), b"}")


# ---- reading: members ----

cdef object value_text(Scanner *scan):
    """A value as text: what is in a string, None for null, and all other kinds as they are written."""
    cdef Token token
    cdef const uint8_t *opening
    if at_quote(scan):
        scan_string(scan, &token)
        return token_text(scan, &token)
    if skip_word(scan, b"null"):
        return None
    opening = scan.at
    skip_value(scan, 1)
    # Strings nested in it have been decoded once, so this cannot fail.
    return PyUnicode_DecodeUTF8(<const char *>opening, scan.at - opening, NULL)


cdef int whole_number(const uint8_t *at, const uint8_t *end, int64_t *number) noexcept nogil:
    """Read -?[0-9]+(\\.0+)? up to the end; false for anything else. Stays beyond 32 bits once it is."""
    cdef bint negative = at < end and at[0] == MINUS
    cdef int64_t total = 0
    at += negative
    if not at_digit(at, end):
        return False
    while at_digit(at, end):
        if total <= <int64_t>INT32_MAX + 1:  # -2147483648 is in range, so one digit more has to show
            total = total * 10 + (at[0] - ZERO)
        at += 1
    if at < end and at[0] == 0x2E and end - at > 1:
        at += 1
        while at < end and at[0] == ZERO:
            at += 1
    number[0] = -total if negative else total
    return at == end


cdef inline bint quick_int32(Scanner *scan, int32_t *into) noexcept nogil:
    """Read up to nine digits that a comma or brace follows; false, and nothing read, for all others."""
    cdef const uint8_t *at = scan.at
    cdef const uint8_t *first
    cdef int32_t number = 0
    cdef bint negative = at < scan.end and at[0] == MINUS
    at += negative
    first = at
    while at_digit(at, scan.end) and at - first < 9:
        number = number * 10 + (at[0] - ZERO)
        at += 1
    if at == first or at == scan.end or (at[0] != COMMA and at[0] != CLOSE):
        return False
    if first[0] == ZERO and at - first > 1:
        return False
    into[0] = -number if negative else number
    scan.at = at
    return True


cdef inline int read_int32(Scanner *scan, str field, int32_t *into) except -1:
    return 0 if quick_int32(scan, into) else read_any_int32(scan, field, into)


cdef int read_any_int32(Scanner *scan, str field, int32_t *into) except -1:
    """A number, the same as a string, or null, which counts as 0."""
    cdef const uint8_t *opening = scan.at
    cdef Token token = Token(opening, 0, True)
    cdef int64_t number = 0
    if stands(scan, MINUS) or at_digit(scan.at, scan.end):
        scan_number(scan, &token)
    elif at_quote(scan):
        scan_string(scan, &token)
    elif skip_word(scan, b"null"):
        into[0] = 0
        return 0
    else:
        return refuse(scan, opening, f"a number for {field}", field)
    if not whole_number(token.at, token.at + token.size, &number):
        return refuse(scan, token.at, f"a whole number for {field}", field)
    if not INT32_MIN <= number <= INT32_MAX:
        raise DeserializationError(
            f"JSON header of {scan.end - scan.start:,} bytes, byte {token.at - scan.start:,}: "
            f"{field} is {ascii_text(token.at, min(token.size, 40))}, beyond 32 bits",
            field=field,
            likely="the sender counts with 64 bits where the protocol has 32",
        )
    into[0] = <int32_t>number
    return 0


cdef int32_t any_case_language(const Token *token) noexcept nogil:
    """The language that a name means when its case is ignored, as Java 5.5.0 does."""
    cdef uint8_t name[16]
    cdef Py_ssize_t at
    if token.size > 16:
        return UNKNOWN_LANGUAGE
    for at in range(token.size):
        name[at] = token.at[at] & 0xDF if 0x61 <= token.at[at] <= 0x7A else token.at[at]
    return language_number(name, token.size)


cdef int read_language(Scanner *scan, int32_t *into) except -1:
    """The name or number of a language; unknown ones and other kinds of values count as unknown."""
    cdef Token token
    cdef int64_t number = 0
    cdef str name  # keeps the text of a token with escapes
    cdef Text utf8
    into[0] = UNKNOWN_LANGUAGE
    if at_quote(scan):
        scan_string(scan, &token)
        if not token.plain:
            name = odd_text(scan, &token)
            utf8_of(name, &utf8)
            token = Token(<const uint8_t *>utf8.at, utf8.size, False)
        into[0] = language_number(token.at, token.size)
        if into[0] == UNKNOWN_LANGUAGE:
            into[0] = any_case_language(&token)
    elif at_digit(scan.at, scan.end):
        scan_number(scan, &token)
        if (
            whole_number(token.at, token.at + token.size, &number)
            and number <= INT32_MAX
            and language_name(<int32_t>number) is not NULL
        ):
            into[0] = <int32_t>number
    else:
        skip_value(scan, 1)
    return 0


cdef inline const uint8_t *plain_field(
    const uint8_t *at, const uint8_t *end, Token *key, Token *value
) noexcept nogil:
    """Split a field that is "key":"value" in plain ASCII without blanks; its end, NULL for any other form."""
    if at == end or at[0] != QUOTE:
        return NULL
    key.at = at + 1
    at = plain_run(key.at, end)
    if end - at < 3 or memcmp(at, b'":"', 3) != 0:
        return NULL
    key.size = at - key.at
    value.at = at + 3
    at = plain_run(value.at, end)
    if at == end or at[0] != QUOTE:
        return NULL
    value.size = at - value.at
    return at + 1


cdef const uint8_t *plain_fields(const uint8_t *at, const uint8_t *end) noexcept nogil:
    """The end of ext fields that are all of the plain form, else NULL; `at` is behind the opening brace."""
    cdef Token key, value
    while True:
        at = plain_field(at, end, &key, &value)
        if at is NULL or at == end:
            return NULL
        if at[0] == CLOSE:
            return at + 1
        if at[0] != COMMA:
            return NULL
        at += 1


cdef dict load_plain(const uint8_t *text, Py_ssize_t size):
    """Decode ext fields that were kept because all of them are of the plain form."""
    cdef const uint8_t *at = text
    cdef const uint8_t *end = text + size
    cdef Token key, value
    cdef dict fields = {}
    while at is not NULL and at != end:
        at = plain_field(at + 1, end, &key, &value)
        if at is not NULL:
            PyDict_SetItem(fields, ext_key(key.at, key.size), ascii_text(value.at, value.size))
    return fields


cdef dict read_fields(Scanner *scan):
    """Ext fields of any form; the scanner stands at the opening brace."""
    cdef Token token
    cdef dict fields = {}
    scan.at += 1
    skip_space(scan)
    if stands(scan, CLOSE):
        scan.at += 1
        return fields
    while True:
        if not at_quote(scan):
            refuse(scan, scan.at, "a quoted key", "extFields")
        scan_string(scan, &token)
        key = ext_key(token.at, token.size) if token.plain else odd_text(scan, &token)
        expect_mark(scan, COLON, "':' after a key")
        PyDict_SetItem(fields, key, value_text(scan))
        skip_space(scan)
        if stands(scan, CLOSE):
            scan.at += 1
            return fields
        expect_mark(scan, COMMA, "',' or '}' after an ext field")


cdef int read_ext_fields(Scanner *scan, RemotingCommand into) except -1:
    cdef const uint8_t *plain_end
    if skip_word(scan, b"null"):
        return set_ext(into, None)
    if not stands(scan, OPEN):
        return refuse(scan, scan.at, "an object for extFields", "extFields")
    plain_end = plain_fields(scan.at + 1, scan.end)
    if plain_end is NULL:
        return set_ext(into, read_fields(scan))
    # The closing brace is left away, so that each field of what is kept stands behind one mark.
    keep_ext(into, scan.at, plain_end - 1 - scan.at, load_plain)
    scan.at = plain_end
    return 0


# ---- reading: the header ----

cdef enum:
    OTHER = 0
    CODE
    EXT_FIELDS
    FLAG
    LANGUAGE
    OPAQUE
    REMARK
    VERSION
    JAVA_CODEC


cdef inline int usual_member(Scanner *scan) noexcept nogil:
    """Step over a key and its colon as every writer puts them, in the order of Java; OTHER has not moved."""
    if skip_word(scan, b'"code":'):
        return CODE
    if skip_word(scan, b'"extFields":'):
        return EXT_FIELDS
    if skip_word(scan, b'"flag":'):
        return FLAG
    if skip_word(scan, b'"language":'):
        return LANGUAGE
    if skip_word(scan, b'"opaque":'):
        return OPAQUE
    if skip_word(scan, b'"remark":'):
        return REMARK
    if skip_word(scan, b'"serializeTypeCurrentRPC":'):
        return JAVA_CODEC
    if skip_word(scan, b'"version":'):
        return VERSION
    return OTHER


cdef inline bint is_name(const Token *key, const char *name) noexcept nogil:
    return key.size == <Py_ssize_t>strlen(name) and memcmp(key.at, name, strlen(name)) == 0


cdef int named_member(const Token *key) noexcept nogil:
    if is_name(key, b"code"):
        return CODE
    if is_name(key, b"extFields"):
        return EXT_FIELDS
    if is_name(key, b"flag"):
        return FLAG
    if is_name(key, b"language"):
        return LANGUAGE
    if is_name(key, b"opaque"):
        return OPAQUE
    if is_name(key, b"remark"):
        return REMARK
    if is_name(key, b"version"):
        return VERSION
    return OTHER


cdef int read_key(Scanner *scan) except -1:
    """Step over any key and its colon; which member it names."""
    cdef Token key
    cdef Text utf8
    cdef str name
    if not at_quote(scan):
        return refuse(scan, scan.at, "a quoted key or '}'")
    scan_string(scan, &key)
    expect_mark(scan, COLON, "':' after a key")
    if key.plain:
        return named_member(&key)
    name = odd_text(scan, &key)
    utf8_of(name, &utf8)
    key = Token(<const uint8_t *>utf8.at, utf8.size, False)
    return named_member(&key)


cdef inline int read_member(Scanner *scan, int member, RemotingCommand into) except -1:
    """Take the value of a member; one that is repeated replaces the earlier."""
    if member == CODE:
        return read_int32(scan, "code", &into._code)
    if member == EXT_FIELDS:
        return read_ext_fields(scan, into)
    if member == FLAG:
        return read_int32(scan, "flag", &into._flag)
    if member == LANGUAGE:
        return read_language(scan, &into._language)
    if member == OPAQUE:
        return read_int32(scan, "opaque", &into._opaque)
    if member == VERSION:
        return read_int32(scan, "version", &into._version)
    if member == REMARK:
        into._remark = value_text(scan)
        return 0
    return skip_value(scan, 1)


cdef int read_json_header(const uint8_t *text, Py_ssize_t size, RemotingCommand into) except -1:
    cdef Scanner scan = Scanner(text, text, text + size)
    cdef int member
    cdef bint has_opaque = False
    expect_mark(&scan, OPEN, "'{' at the start of a JSON header")
    while not stands(&scan, CLOSE):  # Java takes a comma before the brace too
        member = usual_member(&scan)
        if member == OTHER:
            member = read_key(&scan)
        else:
            skip_space(&scan)
        has_opaque |= member == OPAQUE
        read_member(&scan, member, into)
        skip_space(&scan)
        if not stands(&scan, CLOSE):
            expect_mark(&scan, COMMA, "',' or '}' after a member")
    scan.at += 1
    skip_space(&scan)
    if scan.at != scan.end:
        return refuse(&scan, scan.at, "the end of the header")
    if not has_opaque:
        into._opaque = take_opaque()
    return 0
