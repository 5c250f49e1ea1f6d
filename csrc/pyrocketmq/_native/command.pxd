from libc.stdint cimport int32_t, uint8_t

from pyrocketmq._native.text cimport Text

cdef extern from "Python.h":
    # Declared without its error value, as the callers look at the result themselves.
    const char *utf8_or_null "PyUnicode_AsUTF8AndSize"(object text, Py_ssize_t *size)

# Reads ext fields that a codec has checked and kept as received; fails for want of memory only.
ctypedef dict (*ExtLoader)(const uint8_t *text, Py_ssize_t size)

cdef enum:
    UNKNOWN_LANGUAGE = -1


cdef class RemotingCommand:
    """One request or answer. Decoders make it with __new__ and fill its fields, zeros and None at first."""

    cdef int32_t _code
    cdef int32_t _language
    cdef int32_t _version
    cdef int32_t _opaque
    cdef int32_t _flag
    cdef object _remark
    cdef object _body
    cdef dict _ext_fields
    cdef bytes _pending_ext
    cdef ExtLoader _load_ext


cdef inline dict ext_fields_of(RemotingCommand command):
    """The ext fields or None, decoded now if that was put off. Always go through here."""
    if command._pending_ext is not None:
        load_pending(command)
    return command._ext_fields


cdef inline int keep_ext(
    RemotingCommand command, const uint8_t *text, Py_ssize_t size, ExtLoader load
) except -1:
    """Keep checked ext fields as they came, to be decoded by `load` when somebody asks."""
    command._pending_ext = (<const char *>text)[:size]
    command._load_ext = load
    return 0


cdef inline int set_ext(RemotingCommand command, dict fields) except -1:
    command._pending_ext = None
    command._ext_fields = fields
    return 0


cdef int load_pending(RemotingCommand command) except -1

cdef int32_t take_opaque() noexcept

cdef const char *language_name(int32_t number) noexcept nogil

cdef int32_t language_number(const uint8_t *name, Py_ssize_t size) noexcept nogil

cdef str ascii_text(const uint8_t *text, Py_ssize_t size)

cdef str ext_key(const uint8_t *text, Py_ssize_t size)

cdef int refuse_entry(object key, object value) except -1

cdef int refuse_surrogate(str text, str field, object key) except -1


# ---- what both codecs check before they write ----

cdef inline int check_entry(object key, object value) except -1:
    """Ext fields are text by text; both codecs leave out what is None."""
    if not isinstance(key, str) or not isinstance(value, str):
        refuse_entry(key, value)
    return 0


cdef inline int field_utf8(object text, Text *out, str field, object key) except -1:
    """The UTF-8 bytes of a str, which live as long as it does; a refusal names the field and the ext key."""
    out.at = utf8_or_null(text, &out.size)
    if out.at is NULL:
        refuse_surrogate(text, field, key)
    return 0
