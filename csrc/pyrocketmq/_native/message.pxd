from libc.stdint cimport int32_t, uint8_t
from libc.string cimport memcpy

from pyrocketmq._native.properties cimport PROPERTY_SEPARATOR
from pyrocketmq._native.text cimport put_hex16


cdef enum:
    UNIQUE_ID_DIGITS = 32
    UNIQUE_ID_PAIR_BYTES = 9 + 32 + 1  # name and separator, digits, separator


cdef enum UniqueId:
    NO_ID
    RAW_ID  # in unique_id_bytes, as hex digits on the wire
    TEXT_ID  # a property that the user set


cdef class Message:
    # Invariant, kept by every setter: topic, tags, keys and all properties are non-empty str that UTF-8 can
    # encode and have encoded once, without separators; so the encoders write them without another look.
    cdef str _topic
    cdef bytes _body
    cdef str _tags
    cdef str _keys
    cdef bytes _more  # the text of all other properties, each name once, or None
    cdef int32_t _flag
    cdef bint _batch
    cdef Py_ssize_t text_bytes  # UTF-8 size of the properties text without a raw unique id
    cdef bint has_escapes  # a text that was set, and may be gone again, has to be escaped in JSON
    cdef UniqueId unique_id_state
    cdef bint solo  # has a property that no batch may hold: delay, timer or transaction
    cdef bint unwaited  # the broker need not wait for the flush and the copies: property WAIT is not true
    cdef uint8_t unique_id_bytes[16]

    cdef uint8_t *put_properties(self, uint8_t *at) noexcept
    cdef uint8_t *put_json_properties(self, uint8_t *at) noexcept
    cdef void set_tags(self, str value) noexcept
    cdef void set_keys(self, str value) noexcept
    cdef str more_property(self, str name)
    cdef int store_property(self, str name, str value) except -1
    cdef dict property_dict(self)


cdef str checked_topic(object topic)

# As Message(topic, body).
cdef Message new_message(object topic, object body)


cdef inline Py_ssize_t properties_bytes(Message message) noexcept:
    """The exact size of the properties text; as the inside of a JSON string it takes up to six times as much."""
    return message.text_bytes + (UNIQUE_ID_PAIR_BYTES if message.unique_id_state == RAW_ID else 0)


cdef inline uint8_t *put_unique_id(uint8_t *at, Message message) noexcept:
    memcpy(at, "UNIQ_KEY\x01", 9)
    put_hex16(at + 9, message.unique_id_bytes)
    at[9 + UNIQUE_ID_DIGITS] = PROPERTY_SEPARATOR
    return at + UNIQUE_ID_PAIR_BYTES


cdef inline uint8_t *put_properties(uint8_t *at, Message message) noexcept:
    """Write the properties text. The caller has made room for `properties_bytes`."""
    if message.text_bytes == 0 and message.unique_id_state == RAW_ID:
        return put_unique_id(at, message)
    return message.put_properties(at)
