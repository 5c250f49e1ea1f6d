"""Reads and writes the properties text of a message: `name \\x01 value \\x02`, repeated.

RocketMQ 5.x and the Go client end the text with the last \\x02, 4.9 leaves it out; the reader takes both.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport uint8_t
from libc.string cimport memchr, memcmp

from pyrocketmq._native.bytesio cimport Output, put_bytes, put_u8, release, reserve, written
from pyrocketmq._native.text cimport Text, is_json_plain, utf8_of

from pyrocketmq.errors import InvalidMessageError, MessageTooLargeError

__all__ = ["MAX_SENT_PROPERTIES_BYTES", "decode_properties", "encode_properties", "join_properties"]

MAX_SENT_PROPERTIES_BYTES = SENT_PROPERTIES_LIMIT


cdef bint next_property(Text *rest, Text *name, Text *value) noexcept nogil:
    """Take the next complete property off `rest`; false when none is left.

    As in Java, a piece without a separator, a name or a value is passed over.
    """
    cdef const char *end
    cdef const char *middle
    cdef const char *piece
    cdef Py_ssize_t size
    while rest.size > 0:
        piece = rest.at
        end = <const char *>memchr(piece, PROPERTY_SEPARATOR, rest.size)
        size = rest.size if end is NULL else end - piece
        rest.at += size + 1
        rest.size -= size + 1
        middle = <const char *>memchr(piece, NAME_SEPARATOR, size)
        if middle is NULL or middle == piece or middle == piece + size - 1:
            continue
        name.at = piece
        name.size = middle - piece
        value.at = middle + 1
        value.size = size - name.size - 1
        return True
    return False


cdef bint find_property(
    const char *text, Py_ssize_t size, const char *name, Py_ssize_t name_size, Text *value
) noexcept nogil:
    """The last value of one name, without decoding the others; false when it is not there."""
    cdef Text rest = Text(text, size)
    cdef Text found_name, found_value
    cdef bint found = False
    while next_property(&rest, &found_name, &found_value):
        if found_name.size == name_size and memcmp(found_name.at, name, name_size) == 0:
            value[0] = found_value
            found = True
    return found


cdef dict parse_properties(const char *text, Py_ssize_t size):
    """All properties as a dict; a later value of a name wins. Broken UTF-8 becomes U+FFFD, as in Java."""
    cdef dict found = {}
    cdef Text rest = Text(text, size)
    cdef Text name, value
    while next_property(&rest, &name, &value):
        found[PyUnicode_DecodeUTF8(name.at, name.size, "replace")] = PyUnicode_DecodeUTF8(
            value.at, value.size, "replace"
        )
    return found


def decode_properties(text):
    """The properties of a text or of its UTF-8 bytes; broken pieces are passed over, as in Java.

    A piece without a separator, a name or a value is dropped; a later value of the same name wins.
    """
    cdef Py_buffer view
    if isinstance(text, str):
        # A lone surrogate can come from a JSON escape; it stands for itself and cannot be encoded.
        text = (<str>text).encode("utf-8", "replace")
    PyObject_GetBuffer(text, &view, PyBUF_SIMPLE)
    try:
        return parse_properties(<const char *>view.buf, view.len) if view.len else {}
    finally:
        PyBuffer_Release(&view)


def encode_properties(properties):
    """The properties text of a mapping or of (name, value) pairs; a None value is left out.

    Raises:
        InvalidMessageError: a name or value is empty, no str, has a separator or a lone surrogate.
        MessageTooLargeError: the text is longer than a broker stores.
    """
    cdef Output output = Output(NULL, NULL, NULL)
    cdef Text text
    try:
        for name, value in items_of(properties):
            if value is not None:
                check_text(name, "a property name", &text)
                put_piece(&output, &text, NAME_SEPARATOR)
                check_value(value, name, &text)
                put_piece(&output, &text, PROPERTY_SEPARATOR)
        if written(&output) > SENT_PROPERTIES_LIMIT:
            raise MessageTooLargeError(
                f"properties of {written(&output):,} bytes are over the limit of {SENT_PROPERTIES_LIMIT:,} "
                f"({STORED_PROPERTIES_LIMIT:,} less {BROKER_ADDITIONS} that the broker adds)",
                field="properties",
                advice="move large values into the body",
            )
        return PyUnicode_DecodeUTF8(<char *>output.start, written(&output), NULL)
    finally:
        release(&output)


cdef inline int put_piece(Output *output, const Text *text, uint8_t separator) except -1:
    reserve(output, text.size + 1)
    put_bytes(output, text.at, text.size)
    put_u8(output, separator)
    return 0


def join_properties(properties):
    """The properties text without any check, for text that must come out as it was received."""
    return "".join([f"{name}\x01{value}\x02" for name, value in items_of(properties) if value is not None])


cdef object items_of(object properties):
    if type(properties) is dict:
        return (<dict>properties).items()
    return properties.items() if hasattr(properties, "items") else properties


cdef int check_text(object value, object field, Text *out) except -1:
    """The UTF-8 bytes of a property's name or value, which must be able to stand in the properties text.

    Returns 1 for a text that has to be escaped in JSON, else 0.
    """
    cdef Py_ssize_t at
    if not isinstance(value, str):
        raise InvalidMessageError(
            f"{field} must be a str, not {type(value).__name__}",
            field=field,
            advice="it is text on the wire: convert it with str()",
        )
    try:
        utf8_of(<str>value, out)
    except UnicodeEncodeError as error:
        raise InvalidMessageError(
            f"{field} has a lone surrogate at character {error.start}, which UTF-8 cannot encode",
            field=field,
            advice="remove it, or put the data into the body",
        ) from None
    if out.size == 0:
        raise InvalidMessageError(
            f"{field} is empty", field=field, advice="give it a value, or leave it out: brokers drop empty text"
        )
    if is_json_plain(out.at, out.size):
        return 0  # the separators would have to be escaped
    at = separator_at(out.at, out.size)
    if at >= 0:
        raise InvalidMessageError(
            f"{field} has the separator byte 0x{<int>out.at[at]:02x} at byte {at}, which would cut the properties",
            field=field,
            advice="remove the characters \\x01 and \\x02, or put the data into the body",
        )
    return 1
