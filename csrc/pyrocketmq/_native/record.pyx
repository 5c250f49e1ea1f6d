"""Reads and writes the stored form of a message, V1 and V2.

Knows the layout of one record and nothing of answers, logs, or what the parts mean.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN, int32_t, int64_t, uint8_t
from libc.string cimport memcpy

from pyrocketmq._native.bytesio cimport (
    Cursor,
    Output,
    has,
    put_bytes,
    put_i16,
    put_i32,
    put_i64,
    put_u8,
    release,
    reserve,
    store_be32,
    take,
    take_i16,
    take_i32,
    take_i64,
    take_u8,
    written,
)
from pyrocketmq._native.ids cimport address_bytes_of
from pyrocketmq._native.properties cimport STORED_PROPERTIES_LIMIT, check_text
from pyrocketmq._native.text cimport Text

from zlib import crc32

from pyrocketmq.errors import InvalidMessageError, MessageTooLargeError

__all__ = ["encode_message"]


cdef RecordFault read_record(Cursor *cursor, Record *record) noexcept nogil:
    cdef Cursor inside
    cdef int32_t magic
    if not has(cursor, RECORD_LEAST_BYTES):
        return FAULT_SIZE
    inside.at = cursor.at
    inside.left = RECORD_LEAST_BYTES
    record.start = cursor.at
    record.store_size = take_i32(&inside)
    magic = take_i32(&inside)
    if magic != MAGIC_V1 and magic != MAGIC_V2:
        return FAULT_MAGIC
    if record.store_size < RECORD_LEAST_BYTES or not has(cursor, record.store_size):
        return FAULT_SIZE
    inside.left = record.store_size - 8
    record.body_crc = take_i32(&inside)
    record.queue_id = take_i32(&inside)
    record.flag = take_i32(&inside)
    record.queue_offset = take_i64(&inside)
    record.commit_log_offset = take_i64(&inside)
    record.sys_flag = take_i32(&inside)
    record.born_address_bytes = 16 if record.sys_flag & FLAG_BORN_IPV6 else 4
    record.store_address_bytes = 16 if record.sys_flag & FLAG_STORE_IPV6 else 4
    # Two timestamps, two ports, reconsume times, prepared offset and body length are 40 bytes more.
    if not has(&inside, record.born_address_bytes + record.store_address_bytes + 40):
        return FAULT_HOSTS
    record.born_timestamp = take_i64(&inside)
    record.born_host = take(&inside, record.born_address_bytes + 4)
    record.store_timestamp = take_i64(&inside)
    record.store_host = take(&inside, record.store_address_bytes + 4)
    record.reconsume_times = take_i32(&inside)
    record.prepared_transaction_offset = take_i64(&inside)
    record.body_size = take_i32(&inside)
    if not has(&inside, record.body_size):
        return FAULT_BODY
    record.body = <const char *>take(&inside, record.body_size)
    if magic == MAGIC_V1:
        if not has(&inside, 1):
            return FAULT_TOPIC
        record.topic_size = take_u8(&inside)
    else:
        if not has(&inside, 2):
            return FAULT_TOPIC
        record.topic_size = take_i16(&inside)
    if not has(&inside, record.topic_size):
        return FAULT_TOPIC
    record.topic = <const char *>take(&inside, record.topic_size)
    if not has(&inside, 2):
        return FAULT_PROPERTIES
    record.properties_size = take_i16(&inside)
    if not has(&inside, record.properties_size):
        return FAULT_PROPERTIES
    record.properties = <const char *>take(&inside, record.properties_size)
    take(cursor, record.store_size)
    return NO_FAULT


cdef Py_ssize_t record_bytes(const Record *record) noexcept nogil:
    cdef Py_ssize_t size = RECORD_LEAST_BYTES - 8 + record.born_address_bytes + record.store_address_bytes
    size += <Py_ssize_t>record.body_size + record.topic_size + record.properties_size
    return size + 1 if record.topic_size > V1_TOPIC_LIMIT else size


cdef int put_record(Output *output, const Record *record) except -1:
    cdef bint long_topic = record.topic_size > V1_TOPIC_LIMIT
    cdef Py_ssize_t size = record_bytes(record)
    cdef int32_t sys_flag = record.sys_flag & ~(FLAG_BORN_IPV6 | FLAG_STORE_IPV6)
    if record.born_address_bytes == 16:
        sys_flag |= FLAG_BORN_IPV6
    if record.store_address_bytes == 16:
        sys_flag |= FLAG_STORE_IPV6
    if size > INT32_MAX:
        raise MessageTooLargeError(
            f"a stored message of {size:,} bytes is over the limit of {INT32_MAX:,}",
            field="body",
            advice="store a smaller body",
        )
    reserve(output, size)
    put_i32(output, <int32_t>size)
    put_i32(output, MAGIC_V2 if long_topic else MAGIC_V1)
    put_i32(output, record.body_crc)
    put_i32(output, record.queue_id)
    put_i32(output, record.flag)
    put_i64(output, record.queue_offset)
    put_i64(output, record.commit_log_offset)
    put_i32(output, sys_flag)
    put_i64(output, record.born_timestamp)
    put_bytes(output, record.born_host, record.born_address_bytes + 4)
    put_i64(output, record.store_timestamp)
    put_bytes(output, record.store_host, record.store_address_bytes + 4)
    put_i32(output, record.reconsume_times)
    put_i64(output, record.prepared_transaction_offset)
    put_i32(output, record.body_size)
    put_bytes(output, record.body, record.body_size)
    if long_topic:
        put_i16(output, <short>record.topic_size)
    else:
        put_u8(output, <uint8_t>record.topic_size)
    put_bytes(output, record.topic, record.topic_size)
    put_i16(output, <short>record.properties_size)
    put_bytes(output, record.properties, record.properties_size)
    return 0


cdef int64_t number_of(object value, int bits, str field) except? -1:
    cdef int64_t low = INT32_MIN if bits == 32 else INT64_MIN
    cdef int64_t high = INT32_MAX if bits == 32 else INT64_MAX
    if not isinstance(value, int):
        raise InvalidMessageError(
            f"{field} must be an int, not {type(value).__name__}", field=field, advice="pass a whole number"
        )
    if not low <= value <= high:
        raise InvalidMessageError(
            f"{field} is {value:,}, it is stored as a signed number of {bits} bits",
            field=field,
            advice="pass a smaller number",
        )
    return value


cdef bytes host_of(object host, str field):
    """Address and port as they lie in a record."""
    cdef uint8_t raw[20]
    cdef bytes address
    cdef Py_ssize_t size
    try:
        ip, port = host
    except (TypeError, ValueError):
        raise InvalidMessageError(
            f"{field} {host!r} is no (address, port) pair",
            field=field,
            advice='pass a pair such as ("10.0.0.7", 10911)',
        ) from None
    address = address_bytes_of(ip, field)
    size = PyBytes_GET_SIZE(address)
    memcpy(raw, PyBytes_AS_STRING(address), size)
    store_be32(&raw[size], <int32_t>number_of(port, 32, field))
    return PyBytes_FromStringAndSize(<char *>raw, size + 4)


cdef bytes utf8_bytes(str text, str field):
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InvalidMessageError(
            f"{field} has a lone surrogate at character {error.start}, which UTF-8 cannot encode",
            field=field,
            advice="encode it yourself and pass bytes",
        ) from None


cdef bytes topic_of(object topic):
    cdef Text text
    cdef bytes raw
    if isinstance(topic, bytes):
        raw = topic
    else:
        check_text(topic, "topic", &text)
        raw = PyBytes_FromStringAndSize(text.at, text.size)
    if PyBytes_GET_SIZE(raw) > 32767:
        raise MessageTooLargeError(
            f"topic of {PyBytes_GET_SIZE(raw):,} bytes is over the limit of 32,767",
            field="topic",
            advice="use a shorter name",
        )
    return raw


cdef bytes properties_of(object properties):
    cdef Text text
    cdef bytes raw
    if properties is None:
        return b""
    if isinstance(properties, bytes):
        raw = properties
    elif isinstance(properties, str):
        raw = utf8_bytes(properties, "properties")
    else:
        parts = []
        for name, value in dict(properties).items():
            check_text(name, "a property name", &text)
            check_text(value, f"property {name!r}", &text)
            parts.append(f"{name}\x01{value}\x02")
        raw = "".join(parts).encode()
    if PyBytes_GET_SIZE(raw) > STORED_PROPERTIES_LIMIT:
        raise MessageTooLargeError(
            f"properties of {len(raw):,} bytes are over the limit of {STORED_PROPERTIES_LIMIT:,}",
            field="properties",
            advice="move large values into the body",
        )
    return raw


cdef bytes body_of(object body):
    cdef bytes raw
    if isinstance(body, str):
        raw = utf8_bytes(body, "body")
    elif isinstance(body, (bytes, bytearray, memoryview)):
        raw = bytes(body)
    else:
        raise InvalidMessageError(
            f"body must be bytes, bytearray, memoryview or str, not {type(body).__name__}",
            field="body",
            advice="pass it as it is to be stored",
        )
    return raw


def encode_message(
    topic,
    body,
    *,
    properties=None,
    flag=0,
    queue_id=0,
    queue_offset=0,
    commit_log_offset=0,
    sys_flag=0,
    born_timestamp=0,
    born_host=("127.0.0.1", 0),
    store_timestamp=0,
    store_host=("127.0.0.1", 0),
    reconsume_times=0,
    prepared_transaction_offset=0,
    body_crc=None,
):
    """The stored form of a message, as a broker writes it; V2 when the topic is longer than 127 bytes.

    The body is written as given: who sets the compression bits of ``sys_flag`` passes a compressed body. The
    host bits follow from the hosts, and the CRC is that of the body unless it is given. Properties are a
    mapping or pairs, which are checked, or the properties text as str or bytes, which is written as it is.

    Raises:
        InvalidMessageError: a part is of the wrong kind or does not fit its field.
        ConfigurationError: a host is no address.
        MessageTooLargeError: the topic, the properties or the whole is too long.
    """
    cdef Record record
    cdef Output output = Output(NULL, NULL, NULL)
    cdef bytes topic_bytes = topic_of(topic)
    cdef bytes body_bytes = body_of(body)
    cdef bytes properties_bytes = properties_of(properties)
    cdef bytes born = host_of(born_host, "born_host")
    cdef bytes store = host_of(store_host, "store_host")
    if PyBytes_GET_SIZE(body_bytes) > INT32_MAX:
        raise MessageTooLargeError(
            f"body of {len(body_bytes):,} bytes is over the limit of {INT32_MAX:,}",
            field="body",
            advice="split it",
        )
    record.body_crc = <int32_t>number_of(
        crc32(body_bytes) & 0x7FFFFFFF if body_crc is None else body_crc, 32, "body_crc"
    )
    record.queue_id = <int32_t>number_of(queue_id, 32, "queue_id")
    record.flag = <int32_t>number_of(flag, 32, "flag")
    record.queue_offset = number_of(queue_offset, 64, "queue_offset")
    record.commit_log_offset = number_of(commit_log_offset, 64, "commit_log_offset")
    record.sys_flag = <int32_t>number_of(sys_flag, 32, "sys_flag")
    record.born_timestamp = number_of(born_timestamp, 64, "born_timestamp")
    record.store_timestamp = number_of(store_timestamp, 64, "store_timestamp")
    record.reconsume_times = <int32_t>number_of(reconsume_times, 32, "reconsume_times")
    record.prepared_transaction_offset = number_of(
        prepared_transaction_offset, 64, "prepared_transaction_offset"
    )
    record.born_host = <const uint8_t *>PyBytes_AS_STRING(born)
    record.born_address_bytes = <int32_t>(PyBytes_GET_SIZE(born) - 4)
    record.store_host = <const uint8_t *>PyBytes_AS_STRING(store)
    record.store_address_bytes = <int32_t>(PyBytes_GET_SIZE(store) - 4)
    record.body = PyBytes_AS_STRING(body_bytes)
    record.body_size = <int32_t>PyBytes_GET_SIZE(body_bytes)
    record.topic = PyBytes_AS_STRING(topic_bytes)
    record.topic_size = <int32_t>PyBytes_GET_SIZE(topic_bytes)
    record.properties = PyBytes_AS_STRING(properties_bytes)
    record.properties_size = <int32_t>PyBytes_GET_SIZE(properties_bytes)
    try:
        put_record(&output, &record)
        return PyBytes_FromStringAndSize(<char *>output.start, written(&output))
    finally:
        release(&output)
