"""RemotingCommand, the unit of every conversation with a server, and the counter of its numbers.

Knows nothing of bytes on the wire: the header codecs fill and read the fields, and may leave the ext fields
undecoded until somebody asks for them.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.exc cimport PyErr_Clear
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF, Py_XDECREF
from cpython.unicode cimport PyUnicode_1BYTE_DATA, PyUnicode_GET_LENGTH, PyUnicode_New
from libc.stdint cimport INT32_MAX, INT32_MIN, int32_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, strlen

from pyrocketmq._native.bytesio cimport load_be32, load_word

from pyrocketmq.errors import SerializationError

__all__ = ["LANGUAGE_NAMES", "RemotingCommand", "next_opaque"]

cdef extern from *:
    """
    static const char *const prmq_languages[] = {
        "JAVA", "CPP", "DOTNET", "PYTHON", "DELPHI", "ERLANG", "RUBY", "OTHER", "HTTP", "GO", "PHP", "OMS",
        "RUST", "NODE_JS"
    };
    """
    const char *NAMES "prmq_languages"[]

cdef extern from "Python.h":
    object PyLong_FromLong(long value)
    long long PyLong_AsLongLongAndOverflow(object value, int *overflow) except? -1

cdef enum:
    LANGUAGES = 14
    PYTHON = 3
    ANSWER_BIT = 1
    ONEWAY_BIT = 2
    KEY_SLOT_BITS = 10
    KEY_SLOTS = 1024
    KEY_MAX_BYTES = 40
    SHOWN_CHARS = 40

LANGUAGE_NAMES = tuple([NAMES[number].decode("ascii") for number in range(LANGUAGES)])

# Ext field names come again with every frame (a known one saves about 25 ns): each slot owns one str, and
# another name of the same slot replaces it.
cdef PyObject *known_keys[KEY_SLOTS]

# What stands in these ext fields lets its reader sign requests, so no repr shows it.
cdef frozenset SECRET_FIELDS = frozenset(["AccessKey", "SecurityToken", "Signature"])

cdef int32_t opaque_counter = 0


cdef int32_t take_opaque() noexcept:
    global opaque_counter
    cdef int32_t taken = opaque_counter
    # unsigned, since a signed overflow is undefined
    opaque_counter = <int32_t>(<uint32_t>taken + 1)
    return taken


def next_opaque():
    """The next request number of this process: 0, 1, ... 2147483647, -2147483648, ... -1, 0."""
    return take_opaque()


cdef const char *language_name(int32_t number) noexcept nogil:
    """The name of a language that a command holds, NULL for the unknown one."""
    return NAMES[number] if 0 <= number < LANGUAGES else NULL


cdef int32_t language_number(const uint8_t *name, Py_ssize_t size) noexcept nogil:
    """The number of a language name, UNKNOWN_LANGUAGE if nobody knows it."""
    cdef int32_t number
    for number in range(LANGUAGES):
        if <Py_ssize_t>strlen(NAMES[number]) == size and memcmp(NAMES[number], name, size) == 0:
            return number
    return UNKNOWN_LANGUAGE


cdef str ascii_text(const uint8_t *text, Py_ssize_t size):
    """A str of bytes that are known to be ASCII."""
    cdef str made = PyUnicode_New(size, 127)
    if size:  # the empty str is shared
        memcpy(PyUnicode_1BYTE_DATA(made), text, size)
    return made


cdef inline uint32_t key_slot(const uint8_t *text, Py_ssize_t size) noexcept nogil:
    """Mix both ends of a name; 1 <= size <= KEY_MAX_BYTES."""
    cdef uint64_t mix
    if size >= 8:
        mix = load_word(text) ^ (load_word(text + size - 8) * <uint64_t>3)
    elif size >= 4:
        mix = (<uint64_t>load_be32(text) << 32) | load_be32(text + size - 4)
    else:
        mix = (<uint64_t>text[0] << 16) | (<uint64_t>text[size >> 1] << 8) | text[size - 1]
    mix = (mix + <uint64_t>size) * <uint64_t>0x9E3779B97F4A7C15
    return <uint32_t>(mix >> (64 - KEY_SLOT_BITS))


cdef str ext_key(const uint8_t *text, Py_ssize_t size):
    """The str of an ASCII ext field name: the one used last time, if it is still known."""
    cdef PyObject **slot
    cdef str key
    if not 1 <= size <= KEY_MAX_BYTES:
        return ascii_text(text, size)
    slot = &known_keys[key_slot(text, size)]
    if slot[0] is not NULL:
        key = <str>slot[0]
        if PyUnicode_GET_LENGTH(key) == size and memcmp(PyUnicode_1BYTE_DATA(key), text, size) == 0:
            return key
    key = ascii_text(text, size)
    Py_INCREF(key)
    Py_XDECREF(slot[0])
    slot[0] = <PyObject *>key
    return key


cdef int load_pending(RemotingCommand command) except -1:
    cdef bytes text = command._pending_ext
    command._ext_fields = command._load_ext(<const uint8_t *>PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text))
    command._pending_ext = None
    return 0


cdef int32_t int32_of(object value, str field) except? -1:
    cdef int overflow = 0
    cdef long long number
    if not isinstance(value, int):
        raise SerializationError(
            f"{field} is of type {type(value).__name__}, it must be an int",
            field=field,
            advice=f"give {field} as an int",
        )
    number = PyLong_AsLongLongAndOverflow(value, &overflow)
    if overflow or not INT32_MIN <= number <= INT32_MAX:
        raise SerializationError(
            f"{field} is {value}, it must fit 32 bits: -2147483648 to 2147483647",
            field=field,
            advice="use next_opaque() for request numbers" if field == "opaque" else f"use a smaller {field}",
        )
    return <int32_t>number


cdef int32_t language_of(object value) except? -1:
    cdef int32_t number
    if value is None:
        return UNKNOWN_LANGUAGE
    number = int32_of(value, "language")
    if not 0 <= number < LANGUAGES:
        raise SerializationError(
            f"language is {number}, known are 0 (JAVA) to {LANGUAGES - 1} ({LANGUAGE_NAMES[LANGUAGES - 1]})",
            field="language",
            advice=f"use {PYTHON} (PYTHON), or None for a language that nobody knows",
        )
    return number


cdef object remark_of(object value):
    if value is not None and not isinstance(value, str):
        raise SerializationError(
            f"remark is of type {type(value).__name__}, it must be a str or None",
            field="remark",
            advice="give text",
        )
    return value


cdef dict ext_dict_of(object value):
    if value is not None and not isinstance(value, dict):
        raise SerializationError(
            f"ext_fields is of type {type(value).__name__}, it must be a dict or None",
            field="ext_fields",
            advice="give dict(...) with str keys and str values",
        )
    return value


cdef object body_of(object value):
    if value is None or type(value) is bytes:
        return value
    if isinstance(value, str):
        try:
            return value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise SerializationError(
                f"body has a lone surrogate at character {error.start:,}, which UTF-8 cannot hold",
                field="body",
                advice="give the body as bytes in the encoding you mean",
            ) from error
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    raise SerializationError(
        f"body is of type {type(value).__name__}, it must be bytes, bytearray, memoryview, str or None",
        field="body",
        advice="encode it first, for example with json.dumps(...)",
    )


cdef int refuse_entry(object key, object value) except -1:
    if not isinstance(key, str):
        raise SerializationError(
            f"ext_fields has a key of type {type(key).__name__}, keys must be str",
            field="ext_fields",
            advice="use the wire name of the field as the key",
        )
    raise SerializationError(
        f"ext_fields[{key!r}] is of type {type(value).__name__}, values must be str",
        field="ext_fields",
        advice="write numbers as str(n), booleans as 'true' or 'false', and leave out what is None",
    )


cdef int refuse_surrogate(str text, str field, object key) except -1:
    PyErr_Clear()
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        where = field if key is None else f"{field}[{key!r}]"
        raise SerializationError(
            f"{where} has a lone surrogate at character {error.start:,}, which UTF-8 cannot hold",
            field=field,
            advice="remove it, or decode the text with errors='replace' where it comes from",
        ) from error
    raise MemoryError(f"cannot hold {field} as UTF-8")


cdef str short_repr(object name, object value):
    if name in SECRET_FIELDS:
        return "'...'"
    if isinstance(value, str) and len(value) > SHOWN_CHARS:
        return f"{value[:SHOWN_CHARS]!r}... ({len(value):,} characters)"
    return repr(value)


@cython.final
@cython.freelist(64)
@cython.no_gc  # holds text, bytes and a dict of text, so it takes no part in a cycle
cdef class RemotingCommand:
    """One request to a server or one answer of it, in the fields that every command has.

    `opaque` None takes the next number of the process. A str body is stored as UTF-8, any other as bytes.
    `language` None stands for a language that nobody knows.
    """

    def __init__(
        self, code, language=PYTHON, version=513, opaque=None, flag=0, remark=None, ext_fields=None, body=None
    ):
        self._code = int32_of(code, "code")
        self._language = language_of(language)
        self._version = int32_of(version, "version")
        self._flag = int32_of(flag, "flag")
        self._remark = remark_of(remark)
        set_ext(self, ext_dict_of(ext_fields))
        self._body = body_of(body)
        # Last, so that a refused command does not spend a number.
        self._opaque = take_opaque() if opaque is None else int32_of(opaque, "opaque")

    @property
    def code(self):
        """Request code, or response code in an answer."""
        return PyLong_FromLong(self._code)

    @code.setter
    def code(self, value):
        self._code = int32_of(value, "code")

    @property
    def language(self):
        """Number of the sender's language, None if nobody knows its name."""
        return None if self._language == UNKNOWN_LANGUAGE else PyLong_FromLong(self._language)

    @language.setter
    def language(self, value):
        self._language = language_of(value)

    @property
    def version(self):
        """Number of the RocketMQ release that the sender speaks for; 513 is 5.5.0."""
        return PyLong_FromLong(self._version)

    @version.setter
    def version(self, value):
        self._version = int32_of(value, "version")

    @property
    def opaque(self):
        """Number that an answer shares with its request."""
        return PyLong_FromLong(self._opaque)

    @opaque.setter
    def opaque(self, value):
        self._opaque = int32_of(value, "opaque")

    @property
    def flag(self):
        """Bit 0: this is an answer. Bit 1: nobody waits for an answer."""
        return PyLong_FromLong(self._flag)

    @flag.setter
    def flag(self, value):
        self._flag = int32_of(value, "flag")

    @property
    def remark(self):
        """Free text, in answers mostly the reason of a refusal."""
        return self._remark

    @remark.setter
    def remark(self, value):
        self._remark = remark_of(value)

    @property
    def ext_fields(self):
        """Fields of the request or answer as text, by their wire names; the dict may be changed."""
        return ext_fields_of(self)

    @ext_fields.setter
    def ext_fields(self, value):
        set_ext(self, ext_dict_of(value))

    @property
    def body(self):
        """The body as bytes; None when there is none, which is also what an empty body decodes to."""
        return self._body

    @body.setter
    def body(self, value):
        self._body = body_of(value)

    @property
    def is_request(self):
        """True when this asks something of its receiver."""
        return not self._flag & ANSWER_BIT

    @property
    def is_response(self):
        """True when this answers a request."""
        return bool(self._flag & ANSWER_BIT)

    @property
    def is_oneway(self):
        """True when the receiver must not answer."""
        return bool(self._flag & ONEWAY_BIT)

    def __eq__(self, other):
        cdef RemotingCommand that
        if not isinstance(other, RemotingCommand):
            return NotImplemented
        that = <RemotingCommand>other
        return (
            self._code == that._code
            and self._language == that._language
            and self._version == that._version
            and self._opaque == that._opaque
            and self._flag == that._flag
            and self._remark == that._remark
            and self._body == that._body
            and ext_fields_of(self) == ext_fields_of(that)
        )

    def __repr__(self):
        cdef dict fields = ext_fields_of(self)
        language = "None" if self._language == UNKNOWN_LANGUAGE else LANGUAGE_NAMES[self._language]
        shown = None
        if fields is not None:
            entries = [f"{key!r}: {short_repr(key, value)}" for key, value in fields.items()]
            shown = "{" + ", ".join(entries) + "}"
        body = "None" if self._body is None else f"<{len(self._body):,} bytes>"
        return (
            f"RemotingCommand(code={self._code}, language={language}, version={self._version}, "
            f"opaque={self._opaque}, flag={self._flag}, remark={short_repr(None, self._remark)}, "
            f"ext_fields={shown}, body={body})"
        )

    def __copy__(self):
        cdef RemotingCommand copied = RemotingCommand.__new__(RemotingCommand)
        cdef dict fields = ext_fields_of(self)
        copied._code = self._code
        copied._language = self._language
        copied._version = self._version
        copied._opaque = self._opaque
        copied._flag = self._flag
        copied._remark = self._remark
        copied._body = self._body
        # A copy is made to change it, so it gets a dict of its own.
        set_ext(copied, None if fields is None else fields.copy())
        return copied

    def __reduce__(self):
        return (
            RemotingCommand,
            (
                self.code, self.language, self.version, self.opaque, self.flag, self._remark,
                ext_fields_of(self), self._body,
            ),
        )
