"""The bytes that a signature of ACL 1.0 is made of, put together from the fields and the body of a request.

Knows neither keys nor digests, and not when to sign.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int32_t
from libc.string cimport memcpy

from pyrocketmq._native.bytesio cimport copy
from pyrocketmq._native.text cimport Text, is_ascii, utf8_of

from pyrocketmq.errors import SerializationError

__all__ = ["signed_content"]

cdef enum:
    LAST_VERSION_WITHOUT_UNIQUE_KEY_QUERY = 399  # V4_9_3


def signed_content(dict ext_fields not None, bytes body=None, int32_t version=513):
    """The values of all fields, but for the signature, in the order that Java gives their names; then the body."""
    cdef list values = []
    cdef Py_ssize_t size = 0 if body is None else PyBytes_GET_SIZE(body)
    cdef str name, value
    cdef Text text
    cdef bytes content
    cdef char *at
    for name in names_in_order(ext_fields):
        if name == "Signature":
            continue
        if name == "_UNIQUE_KEY_QUERY" and version <= LAST_VERSION_WITHOUT_UNIQUE_KEY_QUERY:
            continue
        found = ext_fields[name]
        if not isinstance(found, str):
            raise SerializationError(
                f"ext field {name} is of type {type(found).__name__}, only text can be signed",
                field=name,
                advice="Give the text that is to be sent.",
            )
        value = found
        try:
            utf8_of(value, &text)
        except UnicodeEncodeError as error:
            raise SerializationError(
                f"ext field {name} has the lone surrogate U+{ord(value[error.start]):04X},"
                " so it cannot be written as UTF-8",
                field=name,
                advice="Use text that can be written as UTF-8.",
            ) from error
        values.append(value)
        size += text.size
    content = PyBytes_FromStringAndSize(NULL, size)
    at = PyBytes_AS_STRING(content)
    for value in values:
        utf8_of(value, &text)
        copy(at, text.at, text.size)
        at += text.size
    if body is not None:
        memcpy(at, PyBytes_AS_STRING(body), PyBytes_GET_SIZE(body))
    return content


cdef list names_in_order(dict ext_fields):
    """As Java sorts strings: by UTF-16 units. For ASCII that is Python's order too."""
    cdef list names = list(ext_fields)
    cdef bint plain = True
    for name in names:
        if not isinstance(name, str):
            raise SerializationError(
                f"the name of an ext field is of type {type(name).__name__}, it must be text",
                field="ext_fields",
                advice="Give the wire name of the field.",
            )
        plain = plain and is_ascii(name)
    if plain:
        names.sort()
    else:
        names.sort(key=utf16_units)
    return names


def utf16_units(str name):
    return name.encode("utf-16-be", "surrogatepass")
