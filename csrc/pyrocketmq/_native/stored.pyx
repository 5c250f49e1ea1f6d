"""Messages as consumers get them: each points into the answer it came in and decodes its parts when asked.

Knows stored records and batch bodies; nothing of requests, queues as objects, or consumers.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

from pyrocketmq._native.batch cimport BATCH_RECORD_OVERHEAD
from pyrocketmq._native.bytesio cimport (
    Cursor,
    Output,
    has,
    release,
    store_be64,
    take,
    take_i16,
    take_i32,
    written,
)
from pyrocketmq._native.ids cimport offset_id_text
from pyrocketmq._native.properties cimport find_property, next_property
from pyrocketmq._native.recent cimport recent_host, recent_text, recent_value
from pyrocketmq._native.record cimport (
    FAULT_BODY,
    FAULT_HOSTS,
    FAULT_MAGIC,
    FAULT_PROPERTIES,
    FAULT_SIZE,
    FAULT_TOPIC,
    FLAG_COMPRESSED,
    FLAG_INNER_BATCH,
    NO_FAULT,
    Record,
    RecordFault,
    put_record,
    read_record,
    record_bytes,
)
from pyrocketmq._native.text cimport Text, utf8_of

from zlib import crc32

from pyrocketmq._native.record import encode_message
from pyrocketmq.compression import DEFAULT_MAX_BYTES, compression_kind, decompress
from pyrocketmq.errors import DecompressionError, DeserializationError, MissingExtraError

__all__ = ["MessageExt", "decode_messages", "decode_messages_strict", "encode_message"]

cdef extern from "Python.h":
    object PyDictProxy_New(object mapping)

cdef Py_ssize_t DEFAULT_MAX_BODY_BYTES = DEFAULT_MAX_BYTES

cdef const uint8_t *NO_HOST = <const uint8_t *>b"\0\0\0\0\0\0\0\0"


@cython.final
@cython.freelist(256)
@cython.no_gc  # holds bytes, str and a view of a private dict of str: no cycle can pass through it
cdef class MessageExt:
    """A message as a broker stored it, read-only.

    Messages of one answer share its bytes: nothing is copied or decoded before it is asked for, and a message
    that is kept keeps the whole answer alive. `detach()` gives a copy that holds only its own record.

    Broken UTF-8 in the topic and the properties reads as U+FFFD, as in Java. A message without body or
    properties has ``b""`` and an empty mapping.
    """

    def __cinit__(self):
        # An object that never got a record must not point nowhere: it has zeros for hosts.
        self.record.born_host = self.record.store_host = NO_HOST
        self.record.born_address_bytes = self.record.store_address_bytes = 4

    def __init__(self):
        raise TypeError("a MessageExt comes from decode_messages(); encode_message() makes the bytes for it")

    # ---- the record's numbers ----

    @property
    def store_size(self):
        """Bytes of the whole record."""
        return self.record.store_size

    @property
    def body_crc(self):
        """CRC of the stored body; 0 for a message out of an inner batch, whose CRC covers the batch."""
        return self.record.body_crc

    @property
    def queue_id(self):
        return self.record.queue_id

    @property
    def flag(self):
        """The number the sender set for its own use."""
        return self.record.flag

    @property
    def queue_offset(self):
        """Place in the queue, with the answer's offset delta and the place in an inner batch added."""
        return self._queue_offset

    @property
    def commit_log_offset(self):
        """Place in the broker's commit log (physical offset)."""
        return self.record.commit_log_offset

    @property
    def sys_flag(self):
        """The system flag without the bit "compressed", as `body` is not; see `raw_sys_flag`."""
        return self.record.sys_flag & ~FLAG_COMPRESSED

    @property
    def raw_sys_flag(self):
        """The system flag as it was stored."""
        return self.record.sys_flag

    @property
    def born_timestamp(self):
        """When the sender made the message, in ms since 1970."""
        return self.record.born_timestamp

    @property
    def store_timestamp(self):
        """When the broker stored the message, in ms since 1970."""
        return self.record.store_timestamp

    @property
    def reconsume_times(self):
        """How often the message was given back by consumers."""
        return self.record.reconsume_times

    @property
    def prepared_transaction_offset(self):
        """Commit-log offset of the half message, for a committed transaction."""
        return self.record.prepared_transaction_offset

    @property
    def body_size(self):
        """Bytes of the body as it was stored, without unpacking it."""
        return self.record.body_size

    # ---- hosts and ids ----

    @property
    def born_host(self):
        """Address and port of the sender."""
        return recent_host(self.record.born_host, self.record.born_address_bytes)

    @property
    def store_host(self):
        """Address and port of the broker."""
        return recent_host(self.record.store_host, self.record.store_address_bytes)

    @property
    def offset_msg_id(self):
        """The id made of the broker's address and the commit-log offset."""
        cdef uint8_t offset[8]
        store_be64(offset, <uint64_t>self.record.commit_log_offset)
        return offset_id_text(self.record.store_host, self.record.store_address_bytes + 4, offset)

    @property
    def unique_id(self):
        """The id the sender gave (property UNIQ_KEY), or None."""
        return self.find("UNIQ_KEY")

    @property
    def msg_id(self):
        """The sender's id if there is one, else the offset id."""
        if self._msg_id is None:
            self._msg_id = self.find("UNIQ_KEY") or self.offset_msg_id
        return self._msg_id

    @property
    def transaction_id(self):
        """The id of the message's transaction, which is the sender's id unless it says otherwise."""
        return self.find("__transactionId__") or self.find("UNIQ_KEY")

    @property
    def broker_name(self):
        """Name of the broker that was asked; records do not hold it."""
        return self._broker_name or ""

    # ---- texts ----

    @property
    def topic(self):
        """The topic the message was read from, which for a retried message is the group's retry topic."""
        if self._topic is None:
            self._topic = recent_text(self.record.topic, self.record.topic_size)
        return self._topic

    @property
    def real_topic(self):
        """The topic the message was sent to: RETRY_TOPIC for a message of a retry topic, else `topic`."""
        topic = self.topic
        if topic.startswith("%RETRY%"):
            return self.find("RETRY_TOPIC") or topic
        return topic

    @property
    def properties(self):
        """All properties, as a read-only mapping."""
        cdef Text rest, name, value
        cdef dict pairs
        if self._properties is None:
            pairs = {}
            rest = Text(self.record.properties, self.record.properties_size)
            while next_property(&rest, &name, &value):
                pairs[recent_text(name.at, name.size)] = recent_value(value.at, value.size)
            self._pairs = pairs
            self._properties = PyDictProxy_New(pairs)
        return self._properties

    def get_property(self, str key not None, default=None):
        """The property's value, or ``default``; the others stay undecoded."""
        cdef str found = self.find(key)
        return default if found is None else found

    cdef str find(self, str key):
        cdef Text name, value
        if self._pairs is not None:
            return <str>self._pairs.get(key)
        try:
            utf8_of(key, &name)
        except UnicodeEncodeError:
            return None
        if find_property(self.record.properties, self.record.properties_size, name.at, name.size, &value):
            return PyUnicode_DecodeUTF8(value.at, value.size, "replace")
        return None

    @property
    def tags(self):
        """The tag consumers filter by, or None."""
        return self.find("TAGS")

    @property
    def keys(self):
        """The index keys with blanks between them, or None."""
        return self.find("KEYS")

    @property
    def sharding_key(self):
        """The key that chose the queue, as this package and Go or as Java write it, or None."""
        return self.find("SHARDING_KEY") or self.find("__SHARDINGKEY")

    @property
    def delay_level(self):
        """The delay level 1 to 18, or 0 for none (property DELAY)."""
        level = self.find("DELAY")
        return int(level) if level is not None and level.isdecimal() else 0

    # ---- body ----

    cdef bytes stored_body(self):
        if self._body is not None and not self.record.sys_flag & FLAG_COMPRESSED:
            return self._body
        return PyBytes_FromStringAndSize(self.record.body, self.record.body_size)

    @property
    def raw_body(self):
        """The body as it was stored, compressed or not."""
        return self.stored_body()

    @property
    def body(self):
        """The body, unpacked when it is first asked for.

        Raises:
            DecompressionError: it is damaged, or larger than the bound that was given to `decode_messages`.
            MissingExtraError: the package for its kind of compression is not installed.
        """
        if self._body is None:
            body = PyBytes_FromStringAndSize(self.record.body, self.record.body_size)
            if self.record.sys_flag & FLAG_COMPRESSED and self.record.body_size:
                body = decompress(body, compression_kind(self.record.sys_flag), self._max_body_bytes)
            self._body = body
        return self._body

    def check_crc(self):
        """True if the stored body agrees with the CRC of the record.

        A message out of an inner batch has no CRC of its own and passes: check before expanding.
        """
        return self._unwrapped or crc32(self.stored_body()) & 0x7FFFFFFF == self.record.body_crc & 0x7FFFFFFF

    @property
    def is_inner_batch(self):
        """True if the body is a batch of messages that was not expanded."""
        return not self._unwrapped and self.record.sys_flag & FLAG_INNER_BATCH == FLAG_INNER_BATCH

    def expand(self):
        """The messages of an inner batch with rising queue offsets; just this message if it is none.

        Raises:
            DeserializationError: the body is no batch body.
            DecompressionError: the body cannot be unpacked.
        """
        return expanded(self) if self.is_inner_batch else [self]

    # ---- the object ----

    @property
    def raw_record(self):
        """The stored form of this message alone."""
        if self._data is None:
            return b""
        if self._unwrapped:
            return written_record(&self.record)
        return PyBytes_FromStringAndSize(<const char *>self.record.start, self.record.store_size)

    def detach(self):
        """A copy that does not keep the rest of the answer alive."""
        return rebuild_message_ext(*state_of(self))

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self

    def __reduce__(self):
        return rebuild_message_ext, state_of(self)

    def __eq__(self, other):
        # The first three: the bound on the body is no part of the message.
        return state_of(self)[:3] == state_of(other)[:3] if isinstance(other, MessageExt) else NotImplemented

    def __hash__(self):
        return hash((self.record.commit_log_offset, self.record.queue_id, self._queue_offset))

    def __repr__(self):
        return (
            f"MessageExt(topic={self.topic!r}, broker_name={self.broker_name!r}, queue_id={self.queue_id}, "
            f"queue_offset={self.queue_offset}, msg_id={self.msg_id!r}, tags={self.tags!r}, "
            f"keys={self.keys!r}, body=<{self.body_size:,} bytes>)"
        )


cdef bytes written_record(const Record *record):
    cdef Output output = Output(NULL, NULL, NULL)
    try:
        put_record(&output, record)
        return PyBytes_FromStringAndSize(<char *>output.start, written(&output))
    finally:
        release(&output)


cdef tuple state_of(MessageExt message):
    return (
        message.raw_record,
        message._queue_offset,
        message._broker_name,
        message._max_body_bytes,
        message._unwrapped,
    )


def rebuild_message_ext(bytes record not None, queue_offset, broker_name, max_body_bytes, unwrapped):
    """What pickle calls to make a message again."""
    cdef MessageExt message
    if not record:
        return MessageExt.__new__(MessageExt)
    message = read_messages(record, broker_name, 0, max_body_bytes, False, True)[0]
    message._queue_offset = queue_offset
    message._unwrapped = unwrapped
    return message


cdef int64_t wrapped_sum(int64_t one, int64_t other) noexcept:
    return <int64_t>(<uint64_t>one + <uint64_t>other)


cdef list read_messages(
    bytes data, str broker_name, int64_t offset_delta, Py_ssize_t max_body_bytes, bint expand, bint strict
):
    cdef list found = []
    cdef MessageExt message
    cdef RecordFault fault
    cdef Cursor cursor = Cursor(<const uint8_t *>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
    while cursor.left:
        message = MessageExt.__new__(MessageExt)
        fault = read_record(&cursor, &message.record)
        if fault != NO_FAULT:
            if strict:
                raise fault_error(fault, PyBytes_GET_SIZE(data) - cursor.left, cursor.left)
            break
        message._data = data
        message._broker_name = broker_name
        message._max_body_bytes = max_body_bytes
        message._queue_offset = wrapped_sum(message.record.queue_offset, offset_delta)
        if expand and message.record.sys_flag & FLAG_INNER_BATCH == FLAG_INNER_BATCH:
            append_expanded(found, message)
        else:
            found.append(message)
    return found


cdef int append_expanded(list found, MessageExt message) except -1:
    try:
        found += expanded(message)
    except (DecompressionError, DeserializationError, MissingExtraError):
        found.append(message)
    return 0


cdef list expanded(MessageExt batch):
    cdef list found = []
    cdef bytes body = batch.body
    cdef Cursor cursor = Cursor(<const uint8_t *>PyBytes_AS_STRING(body), PyBytes_GET_SIZE(body))
    cdef MessageExt message
    while cursor.left:
        message = MessageExt.__new__(MessageExt)
        message.record = batch.record
        if not take_entry(&cursor, &message.record):
            raise DeserializationError(
                f"the inner batch of {batch.msg_id} is broken at byte {len(body) - cursor.left:,} "
                f"of {len(body):,}",
                field="body",
                advice="use the message as it is, or check its CRC",
            )
        message.record.sys_flag &= ~FLAG_COMPRESSED
        message.record.body_crc = 0
        message.record.queue_offset = message._queue_offset = wrapped_sum(batch._queue_offset, len(found))
        message._data = batch._data
        message._batch_body = body
        message._broker_name = batch._broker_name
        message._max_body_bytes = batch._max_body_bytes
        message._unwrapped = True
        message.record.store_size = <int32_t>record_bytes(&message.record)
        found.append(message)
    return found


cdef bint take_entry(Cursor *cursor, Record *record) noexcept:
    """Flag, body and properties of a message in a batch body; false if its lengths contradict each other."""
    cdef Cursor inside = Cursor(cursor.at, cursor.left)
    cdef int32_t size
    if not has(&inside, BATCH_RECORD_OVERHEAD):
        return False
    size = take_i32(&inside)
    if size < BATCH_RECORD_OVERHEAD or not has(cursor, size):
        return False
    inside.left = size - 4
    take(&inside, 8)  # magic and CRC, which writers leave 0 and readers ignore
    record.flag = take_i32(&inside)
    record.body_size = take_i32(&inside)
    if not has(&inside, record.body_size):
        return False
    record.body = <const char *>take(&inside, record.body_size)
    if not has(&inside, 2):
        return False
    record.properties_size = take_i16(&inside)
    if record.properties_size != inside.left:
        return False
    record.properties = <const char *>take(&inside, record.properties_size)
    take(cursor, size)
    return True


cdef object fault_error(RecordFault fault, Py_ssize_t offset, Py_ssize_t left):
    what, field = {
        FAULT_SIZE: ("its size does not fit", "size"),
        FAULT_MAGIC: ("it has no magic number of a message", "magic"),
        FAULT_HOSTS: ("its hosts reach over its end", "hosts"),
        FAULT_BODY: ("its body reaches over its end", "body"),
        FAULT_TOPIC: ("its topic reaches over its end", "topic"),
        FAULT_PROPERTIES: ("its properties reach over its end", "properties"),
    }[fault]
    return DeserializationError(
        f"no stored message at byte {offset:,}, {left:,} bytes before the end: {what}",
        field=field,
        advice="use decode_messages() to keep what comes before it",
    )


cdef list decoded(data, broker_name, offset_delta, max_body_bytes, expand, strict):
    cdef bytes raw = data if type(data) is bytes else bytes(memoryview(data))
    return read_messages(raw, broker_name, offset_delta, max_body_bytes, expand, strict)


def decode_messages(
    data, *, str broker_name="", offset_delta=0, expand=True, max_body_bytes=DEFAULT_MAX_BODY_BYTES
):
    """The messages of a pull, pop, view or query answer.

    As in Java, the list ends before the first record that cannot be read. Bytes are used in place, another
    buffer is copied once. An inner batch is replaced by its messages; one that cannot be opened stays, and
    `MessageExt.is_inner_batch` tells.

    Args:
        data: the body of the answer.
        broker_name: the broker that was asked.
        offset_delta: what the answer says must be added to queue offsets (static topics).
        expand: whether inner batches are replaced by their messages.
        max_body_bytes: bound on each body once it is unpacked.
    """
    return decoded(data, broker_name, offset_delta, max_body_bytes, expand, False)


def decode_messages_strict(
    data, *, str broker_name="", offset_delta=0, expand=True, max_body_bytes=DEFAULT_MAX_BODY_BYTES
):
    """The messages of an answer, like `decode_messages`, but every byte must belong to one.

    Raises:
        DeserializationError: a record cannot be read, with its place and the part at fault.
    """
    return decoded(data, broker_name, offset_delta, max_body_bytes, expand, True)
