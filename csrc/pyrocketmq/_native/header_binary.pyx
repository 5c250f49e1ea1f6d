"""The binary header of a command ("ROCKETMQ"): 21 fixed bytes, a remark, and the ext fields in a row.

Follows Java where it loses something: an empty key or value is read as None, an empty remark as none.
Knows nothing of frames and bodies.
"""

from cpython.dict cimport PyDict_Next, PyDict_SetItem
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport INT16_MAX, INT16_MIN, INT32_MAX, int16_t, int32_t, uint8_t, uint64_t

from pyrocketmq._native.bytesio cimport (
    Cursor,
    Output,
    has,
    load_word,
    put_bytes,
    put_i16,
    put_i32,
    put_u8,
    take,
    take_i16,
    take_i32,
    take_u8,
)
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
    set_ext,
)
from pyrocketmq._native.text cimport Text, utf8_of

from pyrocketmq.errors import DeserializationError, SerializationError

# The functions here are for other native modules: see the .pxd.
__all__ = []

cdef enum:
    FIXED_BYTES = 21
    REMARK_AT = 17
    LENGTHS_BYTES = 6  # of an entry: two for the key's length, four for the value's
    JAVA = 0


# ---- writing ----

cdef int check_int16(int32_t value, str field) except -1:
    if not INT16_MIN <= value <= INT16_MAX:
        raise SerializationError(
            f"{field} is {value}, the binary header holds {INT16_MIN} to {INT16_MAX} and would cut it",
            field=field,
            advice="use the JSON header for this command, as the pop requests (200050 and up) always must",
        )
    return 0


cdef int refuse_length(str where, Py_ssize_t size, Py_ssize_t limit) except -1:
    raise SerializationError(
        f"{where} has {size:,} bytes, the binary header holds at most {limit:,}",
        field="ext_fields",
        advice="shorten it, or use the JSON header",
    )


cdef Py_ssize_t binary_header_room(RemotingCommand command) except -1:
    cdef dict fields = ext_fields_of(command)
    cdef Py_ssize_t room = FIXED_BYTES
    cdef Py_ssize_t place = 0
    cdef PyObject *key
    cdef PyObject *value
    cdef Text utf8
    check_int16(command._code, "code")
    check_int16(command._version, "version")
    if command._remark is not None:
        field_utf8(command._remark, &utf8, "remark", None)
        room += utf8.size
    if fields is not None:
        while PyDict_Next(fields, &place, &key, &value):
            if <object>key is None or <object>value is None:
                continue
            check_entry(<object>key, <object>value)
            field_utf8(<object>key, &utf8, "ext_fields", None)
            if utf8.size > INT16_MAX:
                refuse_length("a key of ext_fields", utf8.size, INT16_MAX)
            room += LENGTHS_BYTES + utf8.size
            field_utf8(<object>value, &utf8, "ext_fields", <object>key)
            room += utf8.size
    if room > INT32_MAX:
        refuse_length("the header", room, INT32_MAX)
    return room


cdef inline void put_sized_text(Output *out, object text) noexcept:
    """A 32-bit length and the UTF-8 bytes of a str that was checked before, which are at hand by now."""
    cdef Text utf8
    utf8_of(<str>text, &utf8)
    put_i32(out, <int32_t>utf8.size)
    put_bytes(out, utf8.at, utf8.size)


cdef void put_entries(Output *out, dict fields) noexcept:
    cdef Py_ssize_t place = 0
    cdef PyObject *key
    cdef PyObject *value
    cdef Text utf8
    while PyDict_Next(fields, &place, &key, &value):
        if <object>key is None or <object>value is None:
            continue
        utf8_of(<str>key, &utf8)
        put_i16(out, <int16_t>utf8.size)
        put_bytes(out, utf8.at, utf8.size)
        put_sized_text(out, <object>value)


cdef uint8_t *put_binary_header(uint8_t *at, RemotingCommand command) noexcept:
    cdef Output out = Output(at, at, NULL)
    cdef Output ext_length
    put_i16(&out, <int16_t>command._code)
    # The JSON codec leaves an unknown language out, which reads as JAVA; this one has to write it.
    put_u8(&out, <uint8_t>(JAVA if command._language == UNKNOWN_LANGUAGE else command._language))
    put_i16(&out, <int16_t>command._version)
    put_i32(&out, command._opaque)
    put_i32(&out, command._flag)
    if command._remark is None:
        put_i32(&out, 0)
    else:
        put_sized_text(&out, command._remark)
    ext_length = out
    put_i32(&out, 0)
    if command._ext_fields is not None:
        put_entries(&out, command._ext_fields)
        put_i32(&ext_length, <int32_t>(out.at - ext_length.at - 4))
    return out.at


# ---- reading ----

cdef bint is_ascii(const uint8_t *text, Py_ssize_t size) noexcept nogil:
    cdef uint64_t high = 0
    while size >= 8:
        high |= load_word(text)
        text += 8
        size -= 8
    while size > 0:
        high |= text[0]
        text += 1
        size -= 1
    return not high & <uint64_t>0x8080808080808080


cdef int refuse(Py_ssize_t at, str what, str field) except -1:
    raise DeserializationError(
        f"binary header, byte {at:,}: {what}",
        field=field,
        likely="the frame was damaged, or its sender does not speak the RocketMQ protocol",
    )


cdef int refuse_size(Py_ssize_t at, str what, Py_ssize_t size, Py_ssize_t left, str field) except -1:
    return refuse(at, f"{what}: {size:,} bytes claimed, {left:,} are left", field)


cdef str utf8_text(const uint8_t *text, Py_ssize_t size, Py_ssize_t at, str field):
    if is_ascii(text, size):
        return ascii_text(text, size)
    try:
        return PyUnicode_DecodeUTF8(<const char *>text, size, NULL)
    except UnicodeDecodeError as error:
        raise DeserializationError(
            f"binary header, byte {at + error.start:,}: {field} is not UTF-8 ({error.reason})",
            field=field,
            likely="the sender writes text in another encoding",
        ) from error


cdef int take_sized(
    Cursor *cursor, Cursor *piece, bint short_length, const uint8_t *start, str what
) except -1:
    """Take a length of two or four bytes and as many bytes as it says; `start` counts the bytes of errors."""
    cdef Py_ssize_t width = 2 if short_length else 4
    cdef Py_ssize_t size
    if not has(cursor, width):
        return refuse_size(cursor.at - start, f"the length of {what}", width, cursor.left, "ext_fields")
    size = take_i16(cursor) if short_length else take_i32(cursor)
    if not has(cursor, size):
        return refuse_size(cursor.at - start, what, size, cursor.left, "ext_fields")
    piece.left = size
    piece.at = take(cursor, size)
    return 0


cdef int walk_entries(Cursor entries, dict fields, const uint8_t *start) except -1:
    """Check the ext fields, adding each to the dict.

    Without a dict, stop with 0 at the first one that is empty in a part or not ASCII; 1 if there is none.
    """
    cdef Cursor key = Cursor(NULL, 0)
    cdef Cursor value = Cursor(NULL, 0)
    while entries.left:
        take_sized(&entries, &key, True, start, "the key of an ext field")
        take_sized(&entries, &value, False, start, "the value of an ext field")
        if fields is None:
            if not key.left or not value.left:
                return 0
            if not is_ascii(key.at, key.left) or not is_ascii(value.at, value.left):
                return 0
            continue
        name = None
        if key.left:
            if is_ascii(key.at, key.left):
                name = ext_key(key.at, key.left)
            else:
                name = utf8_text(key.at, key.left, key.at - start, "ext_fields")
        text = utf8_text(value.at, value.left, value.at - start, "ext_fields") if value.left else None
        PyDict_SetItem(fields, name, text)
    return 1


cdef dict load_entries(const uint8_t *text, Py_ssize_t size):
    """Decode ext fields that were kept because all of them are plain."""
    cdef Cursor entries = Cursor(text, size)
    cdef dict fields = {}
    walk_entries(entries, fields, text)
    return fields


cdef int read_entries(Cursor *cursor, RemotingCommand into, const uint8_t *start) except -1:
    cdef Py_ssize_t size = take_i32(cursor)
    cdef Cursor entries
    cdef dict fields
    if size <= 0:  # Java takes a negative length for none
        return 0
    if size > cursor.left:
        return refuse_size(cursor.at - start, "the ext fields", size, cursor.left, "ext_fields")
    entries.left = size
    entries.at = take(cursor, size)
    if walk_entries(entries, None, start):
        return keep_ext(into, entries.at, entries.left, load_entries)
    fields = {}
    walk_entries(entries, fields, start)
    return set_ext(into, fields)


cdef int read_binary_header(const uint8_t *text, Py_ssize_t size, RemotingCommand into) except -1:
    cdef Cursor cursor = Cursor(text, size)
    cdef int32_t language
    cdef Py_ssize_t remark_size
    if not has(&cursor, FIXED_BYTES):
        return refuse(0, f"the header has {size:,} bytes, {FIXED_BYTES} are the least", "header")
    into._code = take_i16(&cursor)
    language = take_u8(&cursor)
    into._language = language if language_name(language) is not NULL else UNKNOWN_LANGUAGE
    into._version = take_i16(&cursor)
    into._opaque = take_i32(&cursor)
    into._flag = take_i32(&cursor)
    remark_size = take_i32(&cursor)
    # The four bytes of the ext length are still to come.
    if remark_size < 0 or remark_size > cursor.left - 4:
        return refuse_size(REMARK_AT, "the remark", remark_size, cursor.left - 4, "remark")
    if remark_size:
        into._remark = utf8_text(take(&cursor, remark_size), remark_size, REMARK_AT, "remark")
    # Bytes between the last ext field and the end of the header are passed over, the body stays in place.
    return read_entries(&cursor, into, text)
