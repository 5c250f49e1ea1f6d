"""Shares the texts and hosts that come again and again in messages: topics, property names, broker addresses.

Two small tables of fixed size, in which a newer entry takes the place of an older one.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.unicode cimport PyUnicode_DATA, PyUnicode_DecodeUTF8, PyUnicode_GET_LENGTH
from libc.stdint cimport int32_t, uint8_t
from libc.string cimport memcmp

from pyrocketmq._native.bytesio cimport load_be32
from pyrocketmq._native.ids cimport address_text

__all__ = []

cdef extern from "Python.h":
    bint PyUnicode_IS_COMPACT_ASCII(object text)

cdef enum:
    TEXT_SLOTS = 64  # powers of two
    HOST_SLOTS = 16
    # Longer ones hardly repeat, and the tables must stay small whatever comes in.
    LONGEST_TEXT = 255
    LONGEST_VALUE = 20

cdef list texts = [""] * TEXT_SLOTS
cdef list values = [""] * TEXT_SLOTS
cdef list hosts = [(b"", None)] * HOST_SLOTS


cdef inline str shared(list table, const char *text, Py_ssize_t size):
    cdef Py_ssize_t slot
    cdef str found
    slot = size * 5 + <uint8_t>text[0] + <uint8_t>text[size >> 1] * 3 + <uint8_t>text[size - 1] * 7
    slot &= TEXT_SLOTS - 1
    found = <str>table[slot]
    if PyUnicode_GET_LENGTH(found) == size and memcmp(PyUnicode_DATA(found), text, size) == 0:
        return found
    found = PyUnicode_DecodeUTF8(text, size, "replace")
    if PyUnicode_IS_COMPACT_ASCII(found):  # only these hold their UTF-8 bytes as their characters
        table[slot] = found
    return found


cdef str recent_text(const char *text, Py_ssize_t size):
    if 0 < size <= LONGEST_TEXT:
        return shared(texts, text, size)
    return PyUnicode_DecodeUTF8(text, size, "replace")


cdef str recent_value(const char *text, Py_ssize_t size):
    if 0 < size <= LONGEST_VALUE:
        return shared(values, text, size)
    return PyUnicode_DecodeUTF8(text, size, "replace")


cdef tuple recent_host(const uint8_t *host, Py_ssize_t address_bytes):
    cdef Py_ssize_t size = address_bytes + 4
    cdef Py_ssize_t slot = (host[address_bytes - 1] + host[size - 1] * 3) & (HOST_SLOTS - 1)
    cdef tuple entry = <tuple>hosts[slot]
    cdef bytes known = <bytes>entry[0]
    cdef tuple found
    if len(known) == size and memcmp(PyBytes_AS_STRING(known), host, size) == 0:
        return <tuple>entry[1]
    found = (address_text(host, address_bytes), <int32_t>load_be32(host + address_bytes))
    hosts[slot] = (PyBytes_FromStringAndSize(<const char *>host, size), found)
    return found
