"""The fast way of a send: SEND_MESSAGE_V2 and SEND_BATCH_MESSAGE frames written straight from a message's fields.

No command, no header dict and no intermediate bytes: what never changes is encoded once for each producer and broker,
and the rest goes from the message into the output. A send that needs other header fields takes the general way.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libc.string cimport memcpy

from pyrocketmq._native.batch cimport check_body, put_batch_messages, refuse_properties_size
from pyrocketmq._native.bytesio cimport (
    Output,
    WriteBuffer,
    put_bytes,
    put_i16,
    put_i32,
    put_u8,
    release,
    reserve,
    store_be32,
    written,
)
from pyrocketmq._native.clock cimport now_ms
from pyrocketmq._native.ids cimport fill_unique_id
from pyrocketmq._native.message cimport NO_ID, RAW_ID, Message
from pyrocketmq._native.properties cimport SENT_PROPERTIES_LIMIT
from pyrocketmq._native.text cimport Text, put_decimal, utf8_of

from pyrocketmq.errors import ConfigurationError, MessageTooLargeError, SerializationError

__all__ = ["SendEncoder"]

cdef enum:
    SEND_MESSAGE_V2 = 310
    SEND_BATCH_MESSAGE = 320
    LANGUAGE_PYTHON = 3
    # Servers look at the version of a request: this one gets standard JSON in routes and may get GO_AWAY.
    PROTOCOL_VERSION = 513
    MAX_GROUP_CHARACTERS = 120
    MAX_HEADER_BYTES = 65536  # our own limit for sending; brokers take more
    MAX_FRAME_BYTES = 16777216  # what brokers take; a larger frame closes the connection without an answer
    BINARY_FIXED_BYTES = 21
    # Room for everything of a header that is neither prepared text, nor topic, nor properties.
    NUMBERS_ROOM = 512


@cython.final
cdef class SendEncoder:
    """Writes the send frames of one producer group to one broker.

    Args:
        producer_group: 1 to 120 characters.
        broker_name: the broker the frames go to; left out of the frames when empty, as the Go client does.
        codec: ``"json"`` (what every server takes) or ``"binary"``.
        default_topic: the topic whose settings a broker copies when it creates the topic by itself.
        default_topic_queues: how many queues such a topic gets at most.
        max_message_bytes: larger bodies are refused before sending; a broker's own limit is 4 MiB as shipped.
    """

    def __cinit__(
        self,
        str producer_group not None,
        str broker_name not None="",
        str codec not None="json",
        str default_topic not None="TBW102",
        int default_topic_queues=4,
        Py_ssize_t max_message_bytes=4 * 1024 * 1024,
    ):
        if not 1 <= len(producer_group) <= MAX_GROUP_CHARACTERS:
            raise ConfigurationError(
                f"producer_group has {len(producer_group)} characters, it needs 1 to {MAX_GROUP_CHARACTERS}",
                field="producer_group",
                advice="name the application, for example 'orders'",
            )
        if codec not in ("json", "binary"):
            raise ConfigurationError(
                f"codec is {codec!r}, it must be 'json' or 'binary'", field="codec", advice="leave it at 'json'"
            )
        if not 1 <= max_message_bytes <= MAX_FRAME_BYTES:
            raise ConfigurationError(
                f"max_message_bytes is {max_message_bytes:,}, it must be 1 to {MAX_FRAME_BYTES:,}",
                field="max_message_bytes",
                advice="brokers take 4194304 as shipped",
            )
        self.producer_group = producer_group
        self.broker_name = broker_name
        self.codec = codec
        self.max_message_bytes = max_message_bytes
        self.json = codec == "json"
        parts = (json_parts if self.json else binary_parts)(
            producer_group, broker_name, default_topic, default_topic_queues
        )
        self.kept = tuple(parts)
        self.before_topic[0] = text_of(parts[0])
        self.before_topic[1] = text_of(parts[1])
        self.after_topic = text_of(parts[2])
        self.after_properties[0] = text_of(parts[3])
        self.after_properties[1] = text_of(parts[4])

    def put(
        self,
        WriteBuffer buffer not None,
        Message message not None,
        int32_t queue_id,
        int32_t opaque,
        *,
        int64_t born_ms=0,
        int32_t sys_flag=0,
        bint oneway=False,
        bytes body=None,
    ):
        """Append the frame of one message, or of a message made by `encode_batch`, and return its size.

        Args:
            born_ms: milliseconds since 1970; 0 reads the clock.
            sys_flag: compression and transaction bits.
            oneway: the broker is told not to answer.
            body: sent in place of the message's own body, which keeps its compressed form out of the message.

        Raises:
            InvalidMessageError: the body is empty.
            MessageTooLargeError: the body or the properties are over the limit.
            SerializationError: the header or the frame is over the limit. Nothing is written on an error.
        """
        cdef SendFields fields
        buffer.check_no_views()
        fill_fields(&fields, queue_id, opaque, sys_flag, oneway, born_ms)
        return self.put_message(&buffer.output, message, &fields, body)

    def put_batch(
        self,
        WriteBuffer buffer not None,
        list messages not None,
        int32_t queue_id,
        int32_t opaque,
        *,
        int64_t born_ms=0,
        bint oneway=False,
    ):
        """Append one frame with a batch of messages of one topic, and return its size.

        Raises:
            InvalidMessageError: no messages, mixed topics, an empty body, or one that cannot be in a batch.
            MessageTooLargeError: a message, or all together, are over the limit; nothing is written.
        """
        cdef SendFields fields
        buffer.check_no_views()
        fill_fields(&fields, queue_id, opaque, 0, oneway, born_ms)
        return self.put_messages(&buffer.output, messages, &fields)

    cdef Py_ssize_t put_message(
        self, Output *output, Message message, const SendFields *fields, bytes body
    ) except -1:
        cdef Py_ssize_t start = written(output)
        cdef Py_ssize_t size
        if body is None:
            body = message._body
        check_body(message, body, self.max_message_bytes)
        if message.unique_id_state == NO_ID and not message._batch:
            give_unique_id(message)
        try:
            self.put_header(output, message, fields, message._batch)
            size = PyBytes_GET_SIZE(body)
            reserve(output, size)
            put_bytes(output, PyBytes_AS_STRING(body), size)
            return close_frame(output, start, message)
        except BaseException:
            output.at = output.start + start
            raise

    cdef Py_ssize_t put_messages(self, Output *output, list messages, const SendFields *fields) except -1:
        cdef Py_ssize_t start = written(output)
        cdef Py_ssize_t size
        cdef Message message
        for item in messages:
            if isinstance(item, Message) and (<Message>item).unique_id_state == NO_ID:
                give_unique_id(<Message>item)
        if not messages or not isinstance(messages[0], Message):
            return put_batch_messages(output, messages)  # which says what is wrong
        message = <Message>messages[0]
        try:
            self.put_header(output, message, fields, True)
            size = put_batch_messages(output, messages)
            if size > self.max_message_bytes:
                raise MessageTooLargeError(
                    f"batch of {len(messages):,} messages has {size:,} bytes, over max_message_bytes "
                    f'{self.max_message_bytes:,}. Topic "{message._topic}".',
                    field="messages",
                    advice="send it in several batches",
                )
            return close_frame(output, start, message)
        except BaseException:
            output.at = output.start + start
            raise

    cdef int put_header(self, Output *output, Message message, const SendFields *fields, bint batch) except -1:
        cdef Py_ssize_t start = written(output)
        cdef Py_ssize_t size
        reserve(output, 8)
        output.at += 8  # both length words, written when they are known
        if self.json:
            self.put_json_header(output, message, fields, batch)
        else:
            self.put_binary_header(output, message, fields, batch)
        size = written(output) - start - 8
        if size > MAX_HEADER_BYTES:
            refuse_header_size(message, size, self.json)
        store_be32(output.start + start + 4, <uint32_t>size | (0 if self.json else <uint32_t>1 << 24))
        return 0

    # hot: begin
    cdef int put_json_header(self, Output *output, Message message, const SendFields *fields, bint batch) except -1:
        cdef Text topic
        cdef uint8_t *at
        utf8_of(message._topic, &topic)
        reserve(output, self.before_topic[batch].size + topic.size + self.after_topic.size + NUMBERS_ROOM)
        at = put_text(output.at, &self.before_topic[batch])
        at = put_text(at, &topic)
        at = put_text(at, &self.after_topic)
        at = put_decimal(at, fields.queue_id)
        memcpy(at, '","f":"', 7)
        at = put_decimal(at + 7, fields.sys_flag)
        memcpy(at, '","g":"', 7)
        at = self.put_born(at + 7, fields.born_ms)
        memcpy(at, '","h":"', 7)
        at = put_decimal(at + 7, 0 if batch else message._flag)
        memcpy(at, '","i":"', 7)
        output.at = at + 7
        if not batch:
            self.put_checked_properties(output, message)
        reserve(output, self.after_properties[batch].size + NUMBERS_ROOM)
        at = put_text(output.at, &self.after_properties[batch])
        at = put_decimal(at, fields.wire_flag)
        memcpy(at, ',"language":"PYTHON","opaque":', 30)
        at = put_decimal(at + 30, fields.opaque)
        memcpy(at, ',"version":513}', 15)
        output.at = at + 15
        return 0

    cdef int put_binary_header(self, Output *output, Message message, const SendFields *fields, bint batch) except -1:
        cdef Text topic
        cdef Py_ssize_t start = written(output)
        cdef Py_ssize_t properties_at
        utf8_of(message._topic, &topic)
        reserve(output, self.before_topic[batch].size + topic.size + self.after_topic.size + NUMBERS_ROOM)
        put_i16(output, SEND_BATCH_MESSAGE if batch else SEND_MESSAGE_V2)
        put_u8(output, LANGUAGE_PYTHON)
        put_i16(output, PROTOCOL_VERSION)
        put_i32(output, fields.opaque)
        put_i32(output, fields.wire_flag)
        put_i32(output, 0)  # no remark
        put_i32(output, 0)  # bytes of the entries, known at the end
        output.at = put_text(output.at, &self.before_topic[batch])
        put_entry_start(output, 0x62, topic.size)
        output.at = put_text(output.at, &topic)
        output.at = put_text(output.at, &self.after_topic)
        put_number_entry(output, 0x65, fields.queue_id)
        put_number_entry(output, 0x66, fields.sys_flag)
        put_entry_start(output, 0x67, 0)
        output.at = self.put_born(output.at, fields.born_ms)
        store_be32(output.at - self.born_size - 4, <uint32_t>self.born_size)
        put_number_entry(output, 0x68, 0 if batch else message._flag)
        if not batch:
            put_entry_start(output, 0x69, 0)
            properties_at = written(output)
            self.put_checked_properties(output, message)
            store_be32(output.start + properties_at - 4, <uint32_t>(written(output) - properties_at))
        reserve(output, self.after_properties[batch].size)
        output.at = put_text(output.at, &self.after_properties[batch])
        store_be32(
            output.start + start + BINARY_FIXED_BYTES - 4, <uint32_t>(written(output) - start - BINARY_FIXED_BYTES)
        )
        return 0

    cdef uint8_t *put_born(self, uint8_t *at, int64_t born_ms) noexcept:
        if born_ms != self.born_ms or self.born_size == 0:
            self.born_ms = born_ms
            self.born_size = put_decimal(self.born_digits, born_ms) - self.born_digits
        memcpy(at, self.born_digits, sizeof(self.born_digits))
        return at + self.born_size

    cdef int put_checked_properties(self, Output *output, Message message) except -1:
        cdef Py_ssize_t start = written(output)
        message.put_properties(output, self.json)
        if written(output) - start > SENT_PROPERTIES_LIMIT:
            check_properties_size(message)
        return 0
    # hot: end


cdef inline uint8_t *put_text(uint8_t *at, const Text *text) noexcept nogil:
    memcpy(at, text.at, text.size)
    return at + text.size


cdef inline void put_entry_start(Output *output, uint8_t letter, Py_ssize_t size) noexcept nogil:
    """The name of a binary header entry with a one-letter name, and the length of its value."""
    put_i16(output, 1)
    put_u8(output, letter)
    put_i32(output, <int32_t>size)


cdef inline void put_number_entry(Output *output, uint8_t letter, int64_t value) noexcept nogil:
    cdef uint8_t *start = output.at
    output.at = put_decimal(start + 7, value)
    store_be32(start + 3, <uint32_t>(output.at - start - 7))
    start[0] = 0
    start[1] = 1
    start[2] = letter


cdef inline void fill_fields(
    SendFields *fields, int32_t queue_id, int32_t opaque, int32_t sys_flag, bint oneway, int64_t born_ms
) noexcept:
    fields.queue_id = queue_id
    fields.opaque = opaque
    fields.sys_flag = sys_flag
    fields.wire_flag = ONEWAY_FLAG if oneway else 0
    fields.born_ms = born_ms if born_ms else now_ms()


cdef inline void give_unique_id(Message message) noexcept:
    fill_unique_id(message.unique_id_bytes)
    message.unique_id_state = RAW_ID


cdef inline Py_ssize_t close_frame(Output *output, Py_ssize_t start, Message message) except -1:
    """Write the frame's length word; `start` is where the frame begins."""
    cdef Py_ssize_t size = written(output) - start
    if size > MAX_FRAME_BYTES:
        raise SerializationError(
            f'frame of {size:,} bytes is over the limit of {MAX_FRAME_BYTES:,}. Topic "{message._topic}".',
            field="frame",
            advice="send a smaller body or a smaller batch",
        )
    store_be32(output.start + start, <uint32_t>(size - 4))
    return size


cdef int check_properties_size(Message message) except -1:
    """Judge properties by their size without JSON escapes, which is what a broker counts."""
    cdef Output plain = Output(NULL, NULL, NULL)
    try:
        message.put_properties(&plain, False)
        if written(&plain) > SENT_PROPERTIES_LIMIT:
            refuse_properties_size(message, written(&plain))
    finally:
        release(&plain)
    return 0


cdef int refuse_header_size(Message message, Py_ssize_t size, bint json) except -1:
    names = ", ".join(sorted(message.property_dict(), key=lambda name: -len(message.get_property(name)))[:5])
    raise SerializationError(
        f"header of {size:,} bytes ({'properties JSON-escaped' if json else 'binary'}) is over the limit of "
        f'{MAX_HEADER_BYTES:,}. Topic "{message._topic}", largest properties: {names}.',
        field="properties",
        advice='set header_codec="binary", which does not escape, or move large values into the body',
    )


cdef Text text_of(bytes part):
    cdef Text text
    text.at = PyBytes_AS_STRING(part)
    text.size = PyBytes_GET_SIZE(part)
    return text


def json_parts(str group, str broker, str default_topic, int default_queues):
    """The unchanging parts of a JSON header, in the order of `SendEncoder.kept`."""
    from orjson import dumps

    quoted_group = dumps(group).decode()
    broker_field = f',"n":{dumps(broker).decode()}' if broker else ""
    return [
        *(
            f'{{"code":{code},"extFields":{{"a":{quoted_group},"b":"'.encode()
            for code in (SEND_MESSAGE_V2, SEND_BATCH_MESSAGE)
        ),
        f'","c":{dumps(default_topic).decode()},"d":"{default_queues}","e":"'.encode(),
        *(f'","j":"0","k":"false","m":"{batch}"{broker_field}}},"flag":'.encode() for batch in ("false", "true")),
    ]


def binary_parts(str group, str broker, str default_topic, int default_queues):
    """The unchanging entries of a binary header, in the order of `SendEncoder.kept`."""

    def entry(letter: bytes, value: str) -> bytes:
        content = value.encode()
        return b"\x00\x01" + letter + len(content).to_bytes(4, "big") + content

    broker_field = entry(b"n", broker) if broker else b""
    return [
        entry(b"a", group),
        entry(b"a", group),
        entry(b"c", default_topic) + entry(b"d", str(default_queues)),
        *(entry(b"j", "0") + entry(b"k", "false") + entry(b"m", batch) + broker_field for batch in ("false", "true")),
    ]
