"""The message a producer sends: cheap to make, checked as it is filled, encoded by the native modules.

Knows the properties text and nothing of frames, routes or sending.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_DecodeUTF8, PyUnicode_FromObject
from libc.stdint cimport INT32_MAX, INT32_MIN, uint8_t
from libc.string cimport memcpy

from pyrocketmq._native.bytesio cimport copy
from pyrocketmq._native.properties cimport (
    NAME_SEPARATOR,
    PROPERTY_SEPARATOR,
    check_text,
    check_value,
    find_property,
    parse_properties,
    put_json_pairs,
)
from pyrocketmq._native.quickcall cimport Call, arguments_in, quicken
from pyrocketmq._native.text cimport Text, hex_text, kept_utf8, put_hex16, put_json_chars, utf8_of

from types import MappingProxyType

from pyrocketmq.errors import InvalidMessageError

__all__ = ["Message"]

cdef enum:
    # What brokers take; a 5.5.0 broker refuses longer names and other characters with code 29.
    MAX_TOPIC_CHARACTERS = 127

cdef str TAGS = "TAGS"
cdef str KEYS = "KEYS"
cdef str UNIQ_KEY = "UNIQ_KEY"
cdef str DELAY = "DELAY"
cdef str SHARDING_KEY = "SHARDING_KEY"
cdef str JAVA_SHARDING_KEY = "__SHARDINGKEY"

# Brokers store a message with one of these in a topic of their own, so it cannot be part of a batch.
SOLO_PROPERTIES = frozenset((DELAY, "TIMER_DELAY_SEC", "TIMER_DELAY_MS", "TIMER_DELIVER_MS", "TRAN_MSG"))
cdef str WAIT = "WAIT"
BATCH_PROPERTIES = SOLO_PROPERTIES | {WAIT}

# The topic checked last, and the object that it was last given as: a producer uses few topics, mostly through the same
# str. Messages have the first one, so that who compares topics need not read them.
cdef str last_topic = "TBW102"
cdef str last_given = last_topic


cdef str checked_topic(object topic):
    global last_topic, last_given
    cdef Text name
    cdef Py_ssize_t at
    cdef uint8_t c
    if topic is last_given:
        return last_topic
    topic = plain_str(topic)
    if isinstance(topic, str) and <str>topic == last_topic:
        last_given = <str>topic
        return last_topic
    check_text(topic, "topic", &name)
    for at in range(name.size):
        c = <uint8_t>name.at[at]
        if not (
            0x61 <= c <= 0x7A  # a-z
            or 0x41 <= c <= 0x5A  # A-Z
            or 0x30 <= c <= 0x39  # 0-9
            or c == 0x25  # %
            or c == 0x7C  # |
            or c == 0x2D  # -
            or c == 0x5F  # _
        ):
            raise InvalidMessageError(
                f"topic {topic!r} has a character at byte {at} that brokers refuse",
                field="topic",
                advice="use only letters, digits and % | - _",
            )
    if name.size > MAX_TOPIC_CHARACTERS:
        raise InvalidMessageError(
            f"topic of {name.size:,} characters is over the limit of {MAX_TOPIC_CHARACTERS}: {topic[:40]!r}...",
            field="topic",
            advice="use a shorter name",
        )
    last_topic = last_given = <str>topic
    return last_topic


cdef inline object plain_str(object value):
    """The characters of a str subclass, such as a member of a StrEnum, as a plain str; all else as it is."""
    return PyUnicode_FromObject(value) if type(value) is not str and isinstance(value, str) else value


cdef inline str checked_text(object value, object field, bint *has_escapes):
    """A property's name or value as it may stand in the properties text."""
    cdef Text text
    value = plain_str(value)
    has_escapes[0] |= check_text(value, field, &text)
    return <str>value


cdef inline str checked_value(object value, str name, bint *has_escapes):
    cdef Text text
    value = plain_str(value)
    has_escapes[0] |= check_value(value, name, &text)
    return <str>value


cdef str checked_keys(object keys, bint *has_escapes):
    if isinstance(keys, str):
        return checked_text(keys, "keys", has_escapes)
    try:
        parts = [checked_text(key, "keys", has_escapes) for key in keys]
    except TypeError:
        raise InvalidMessageError(
            f"keys must be a str or several str, not {type(keys).__name__}",
            field="keys",
            advice='write keys="a b" or keys=["a", "b"]',
        ) from None
    return checked_text(" ".join(parts), "keys", has_escapes)


cdef bytes checked_body(object body):
    if type(body) is bytes:
        return <bytes>body
    if isinstance(body, str):
        try:
            return (<str>body).encode()
        except UnicodeEncodeError as error:
            raise InvalidMessageError(
                f"body has a lone surrogate at character {error.start}, which UTF-8 cannot encode",
                field="body",
                advice="encode the text yourself and pass bytes",
            ) from None
    if isinstance(body, (bytes, bytearray, memoryview)):
        return bytes(body)
    raise InvalidMessageError(
        f"body must be bytes, bytearray, memoryview or str, not {type(body).__name__}",
        field="body",
        advice="serialize it first, for example with orjson.dumps(...)",
    )


cdef inline Py_ssize_t utf8_size(str text) noexcept:
    cdef Text utf8
    utf8.at = kept_utf8(text, &utf8.size)
    return utf8.size


cdef inline Py_ssize_t pair_bytes(Py_ssize_t name_size, str value) noexcept:
    """Size of a property in the properties text; a value of None takes none."""
    return 0 if value is None else name_size + utf8_size(value) + 2


# hot: begin
cdef inline uint8_t *put_value(uint8_t *at, str value) noexcept:
    """Write what follows a name: separator, value, separator."""
    cdef Text text
    text.at = kept_utf8(value, &text.size)
    at[0] = NAME_SEPARATOR
    copy(at + 1, text.at, text.size)
    at += text.size + 1
    at[0] = PROPERTY_SEPARATOR
    return at + 1


cdef inline uint8_t *put_json_text(uint8_t *at, str value, bint escape) noexcept:
    cdef Text text
    text.at = kept_utf8(value, &text.size)
    if escape:
        return put_json_chars(at, text.at, text.size)
    copy(at, text.at, text.size)
    return at + text.size


cdef inline uint8_t *put_json_value(uint8_t *at, str value, bint escape) noexcept:
    """The same as the inside of a JSON string; two bytes behind it are written over, as one store is quicker."""
    memcpy(at, "\\u0001  ", 8)
    at = put_json_text(at + 6, value, escape)
    memcpy(at, "\\u0002  ", 8)
    return at + 6
# hot: end


@cython.final
@cython.freelist(1024)
@cython.no_gc  # holds str and bytes: no cycle can pass through it
cdef class Message:
    """A message to send.

    Args:
        topic: 1 to 127 characters of letters, digits and ``% | - _``.
        body: the content; str is encoded as UTF-8, other buffers are copied to bytes.
        tags: one tag that consumers can filter by.
        keys: index keys, as one str with blanks between them or several str.
        flag: a number for the application's own use.
        properties: further properties; names and values are non-empty str.
    """

    def __cinit__(self):
        # Nobody can send it before it gets a body.
        self._topic = last_topic
        self._body = b""

    def __init__(self, topic, body, tags=None, keys=None, *, flag=0, properties=None):
        self._topic = checked_topic(topic)
        self._body = checked_body(body)
        if tags is not None:
            self.set_tags(checked_text(tags, "tags", &self.has_escapes))
        if keys is not None:
            self.set_keys(checked_keys(keys, &self.has_escapes))
        if flag != 0:
            self.flag = flag
        if properties is not None:
            for name, value in dict(properties).items():
                self.set_property(name, value)

    @property
    def topic(self):
        return self._topic

    @topic.setter
    def topic(self, value):
        self._topic = checked_topic(value)

    @property
    def body(self):
        return self._body

    @body.setter
    def body(self, value):
        self._body = checked_body(value)

    @property
    def tags(self):
        return self._tags

    @tags.setter
    def tags(self, value):
        self.set_tags(None if value is None else checked_text(value, "tags", &self.has_escapes))

    @property
    def keys(self):
        return self._keys

    @keys.setter
    def keys(self, value):
        self.set_keys(None if value is None else checked_keys(value, &self.has_escapes))

    @property
    def flag(self):
        return self._flag

    @flag.setter
    def flag(self, value):
        if not isinstance(value, int) or not INT32_MIN <= value <= INT32_MAX:
            raise InvalidMessageError(
                f"flag must be an int of 32 bits, not {value!r}", field="flag", advice="use a property for other values"
            )
        self._flag = value

    @property
    def batch(self):
        """True when the body is a batch body, made by `encode_batch`."""
        return self._batch

    @batch.setter
    def batch(self, value):
        self._batch = bool(value)

    @property
    def unique_id(self):
        """The client's message id (property UNIQ_KEY), given when the message is first encoded."""
        return self.get_property(UNIQ_KEY)

    @property
    def delay_level(self):
        """The delay level 1 to 18, or 0 for none (property DELAY)."""
        level = self.get_property(DELAY)
        return int(level) if level is not None and level.isdecimal() else 0

    @delay_level.setter
    def delay_level(self, value):
        if not isinstance(value, int) or not 0 <= value <= 18:
            raise InvalidMessageError(
                f"delay_level must be an int from 0 to 18, not {value!r}",
                field="delay_level",
                advice="1s 5s 10s 30s 1m 2m ... 10m 20m 30m 1h 2h are levels 1 to 18",
            )
        self.set_property(DELAY, str(value) if value else None)

    @property
    def sharding_key(self):
        """Messages with the same key go to the same queue; the Java client's property is read too."""
        key = self.get_property(SHARDING_KEY)
        return self.get_property(JAVA_SHARDING_KEY) if key is None else key

    @sharding_key.setter
    def sharding_key(self, value):
        self.set_property(SHARDING_KEY, value)

    def get_property(self, key, default=None):
        """The property's value, or `default` when it is not set."""
        if key == TAGS:
            found = self._tags
        elif key == KEYS:
            found = self._keys
        elif key == UNIQ_KEY and self.unique_id_state == RAW_ID:
            found = hex_text(self.unique_id_bytes, sizeof(self.unique_id_bytes))
        else:
            found = self.more_property(key) if isinstance(key, str) else None
        return default if found is None else found

    def set_property(self, key, value):
        """Set a property; None removes it. Separators, empty text and non-str are refused."""
        cdef str name
        if key == TAGS:
            self.tags = value
        elif key == KEYS:
            self.keys = value
        else:
            name = checked_text(key, "a property name", &self.has_escapes)
            if value is not None:
                value = checked_value(value, name, &self.has_escapes)
            if name == UNIQ_KEY:
                self.unique_id_state = NO_ID if value is None else TEXT_ID
            self.store_property(name, value)
            if name in BATCH_PROPERTIES:
                self.solo = any([self.more_property(solo) is not None for solo in SOLO_PROPERTIES])
                self.unwaited = self.get_property(WAIT, "true").lower() != "true"  # as Java reads it

    @property
    def properties(self):
        """All properties as a read-only snapshot; change them with `set_property`."""
        return MappingProxyType(self.property_dict())

    def __repr__(self):
        parts = [f"topic={self._topic!r}", f"body={len(self._body):,} bytes"]
        for name, value in (("tags", self._tags), ("keys", self._keys)):
            if value is not None:
                parts.append(f"{name}={value!r}")
        if self._flag:
            parts.append(f"flag={self._flag}")
        if self._more is not None:
            parts.append(f"properties={parse_properties(self._more, PyBytes_GET_SIZE(self._more))!r}")
        if self._batch:
            parts.append("batch=True")
        return f"Message({', '.join(parts)})"

    def __eq__(self, other):
        cdef Message that
        if not isinstance(other, Message):
            return NotImplemented
        that = <Message>other
        return (
            self._topic == that._topic
            and self._body == that._body
            and self._flag == that._flag
            and self._batch == that._batch
            and self.property_dict() == that.property_dict()
        )

    __hash__ = None

    def __copy__(self):
        cdef Message twin = new_message(self._topic, self._body)
        twin._tags = self._tags
        twin._keys = self._keys
        twin._more = self._more
        twin.text_bytes = self.text_bytes
        twin.has_escapes = self.has_escapes
        twin._flag = self._flag
        twin._batch = self._batch
        twin.solo = self.solo
        twin.unwaited = self.unwaited
        twin.unique_id_state = self.unique_id_state
        memcpy(twin.unique_id_bytes, self.unique_id_bytes, sizeof(self.unique_id_bytes))
        return twin

    def __deepcopy__(self, memo):
        return self.__copy__()

    def __reduce__(self):
        return rebuild_message, (self._topic, self._body, self._flag, self._batch, self.property_dict())

    cdef void set_tags(self, str value) noexcept:
        self.text_bytes += pair_bytes(4, value) - pair_bytes(4, self._tags)
        self._tags = value

    cdef void set_keys(self, str value) noexcept:
        self.text_bytes += pair_bytes(4, value) - pair_bytes(4, self._keys)
        self._keys = value

    cdef str more_property(self, str name):
        cdef Text key, value
        if self._more is None:
            return None
        try:
            utf8_of(name, &key)
        except UnicodeEncodeError:
            return None
        if not find_property(self._more, PyBytes_GET_SIZE(self._more), key.at, key.size, &value):
            return None
        return PyUnicode_DecodeUTF8(value.at, value.size, NULL)

    cdef int store_property(self, str name, str value) except -1:
        """Put a property into the text of the others, or take it out; a new value goes to the end."""
        cdef Text key, old, new
        cdef Py_ssize_t size = 0 if self._more is None else PyBytes_GET_SIZE(self._more)
        cdef const char *more = NULL if self._more is None else PyBytes_AS_STRING(self._more)
        cdef Py_ssize_t before = size  # bytes that stay in front of the old pair, and its size
        cdef Py_ssize_t gone = 0
        cdef Py_ssize_t added = 0
        cdef bytes text
        cdef uint8_t *at
        key.at = kept_utf8(name, &key.size)
        if size and find_property(more, size, key.at, key.size, &old):
            before = old.at - more - key.size - 1
            gone = key.size + old.size + 2
        if value is not None:
            new.at = kept_utf8(value, &new.size)
            added = key.size + new.size + 2
        text = PyBytes_FromStringAndSize(NULL, size - gone + added)
        at = <uint8_t *>PyBytes_AS_STRING(text)
        if size:
            memcpy(at, more, before)
            memcpy(at + before, more + before + gone, size - before - gone)
            at += size - gone
        if value is not None:
            memcpy(at, key.at, key.size)
            put_value(at + key.size, value)
        self._more = text if PyBytes_GET_SIZE(text) else None
        self.text_bytes += added - gone
        return 0

    cdef dict property_dict(self):
        cdef dict found = {}
        if self._keys is not None:
            found[KEYS] = self._keys
        if self._tags is not None:
            found[TAGS] = self._tags
        if self.unique_id_state == RAW_ID:
            found[UNIQ_KEY] = hex_text(self.unique_id_bytes, sizeof(self.unique_id_bytes))
        if self._more is not None:
            found.update(parse_properties(self._more, PyBytes_GET_SIZE(self._more)))
        return found

    # hot: begin, at most 7
    # Two loops, as one for both forms asks for the form with every piece of text, which costs a third more.

    cdef uint8_t *put_properties(self, uint8_t *at) noexcept:
        """Write the properties text. The caller has made room for `properties_bytes`."""
        if self._keys is not None:
            memcpy(at, "KEYS", 4)
            at = put_value(at + 4, self._keys)
        if self._tags is not None:
            memcpy(at, "TAGS", 4)
            at = put_value(at + 4, self._tags)
        if self.unique_id_state == RAW_ID:
            at = put_unique_id(at, self)
        if self._more is not None:
            copy(at, PyBytes_AS_STRING(self._more), PyBytes_GET_SIZE(self._more))
            at += PyBytes_GET_SIZE(self._more)
        return at

    cdef uint8_t *put_json_properties(self, uint8_t *at) noexcept:
        """The same as the inside of a JSON string. The caller has made room for six times as many bytes, and two."""
        if self._keys is not None:
            memcpy(at, "KEYS", 4)
            at = put_json_value(at + 4, self._keys, self.has_escapes)
        if self._tags is not None:
            memcpy(at, "TAGS", 4)
            at = put_json_value(at + 4, self._tags, self.has_escapes)
        if self.unique_id_state == RAW_ID:
            memcpy(at, "UNIQ_KEY\\u0001", 14)
            put_hex16(at + 14, self.unique_id_bytes)
            memcpy(at + 14 + UNIQUE_ID_DIGITS, "\\u0002", 6)
            at += 14 + UNIQUE_ID_DIGITS + 6
        if self._more is not None:
            if self.has_escapes:
                return put_json_chars(at, PyBytes_AS_STRING(self._more), PyBytes_GET_SIZE(self._more))
            return put_json_pairs(at, PyBytes_AS_STRING(self._more), PyBytes_GET_SIZE(self._more))
        return at
    # hot: end


def rebuild_message(topic, body, flag, batch, properties):
    """What pickle calls to make a message again."""
    cdef Message message = Message(topic, body, flag=flag, properties=properties)
    message._batch = batch
    return message


cdef Message new_message(object topic, object body):
    cdef Message message = Message.__new__(Message)
    message._topic = checked_topic(topic)
    message._body = checked_body(body)
    return message


# ---- the plainest call ----

cdef object make_plain(PyObject *kind, PyObject **args, size_t nargsf, PyObject *names):
    """Message(topic, body) with the topic that was checked last."""
    cdef Message message
    if names is not NULL or arguments_in(nargsf) != 2 or args[0] is not <PyObject *>last_given:
        return whole_call(kind, args, nargsf, names)
    if type(<object>args[1]) is not bytes:
        return whole_call(kind, args, nargsf, names)
    message = Message.__new__(Message)
    message._body = <bytes>args[1]
    return message


cdef Call whole_call = quicken(Message, make_plain)
