"""The fast way of a send: SEND_MESSAGE_V2 and SEND_BATCH_MESSAGE frames written straight from a message's fields.

No command, no header dict and no intermediate bytes: what never changes is encoded once for each producer and broker,
and the rest goes from the message into the output. Frames are signed here too, if there are credentials; a send that
needs other header fields takes the general way.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libc.string cimport memcpy

from pyrocketmq._native.batch cimport batch_bytes, check_body, put_batch_message, refuse_properties_size
from pyrocketmq._native.bytesio cimport Output, WriteBuffer, copy, reserve, store_be16, store_be32
from pyrocketmq._native.ids cimport fill_unique_id
from pyrocketmq._native.message cimport NO_ID, RAW_ID, Message, properties_bytes
from pyrocketmq._native.properties cimport SENT_PROPERTIES_LIMIT
from pyrocketmq._native.text cimport Text, put_decimal, utf8_of

from binascii import b2a_base64

from pyrocketmq.errors import ConfigurationError, MessageTooLargeError, RocketMQError, SerializationError

__all__ = ["SendEncoder"]

cdef extern from "Python.h":
    object PyMemoryView_FromMemory(char *memory, Py_ssize_t size, int flags)
    int PyBUF_READ

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
    SIGNATURE_BYTES = 28  # of 20 bytes in base 64
    NUMBERS_BYTES = 80
    LARGE_CONTENT = 2048  # from here on hash objects let other threads run, which then keep the interpreter for long


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
        fields: further header fields, the same in each frame; their names come after "n".
        credentials: who signs (access_key, secret_key, security_token), or a function that is asked each time.
    """

    def __cinit__(
        self,
        str producer_group not None,
        str broker_name not None="",
        str codec not None="json",
        str default_topic not None="TBW102",
        int default_topic_queues=4,
        Py_ssize_t max_message_bytes=4 * 1024 * 1024,
        dict fields=None,
        credentials=None,
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
        self.defaults = (default_topic, str(default_topic_queues))
        self.fields = dict(fields or {})
        if any(name <= "n" for name in self.fields):
            raise ConfigurationError(
                f"fields are {', '.join(self.fields)}, their names must come after 'n'",
                field="fields",
                advice="other fields take the general way",
            )
        self.source = credentials
        self.is_signed = credentials is not None
        if self.is_signed:
            # Found here, since it brings in OpenSSL, which clients without credentials never need.
            from hmac import digest

            self.digest = digest
            self.look_at_credentials()
        else:
            self.prepare(self.fields)

    cdef int prepare(self, dict fields) except -1:
        parts = (json_parts if self.json else binary_parts)(
            self.producer_group, self.broker_name, *self.defaults, fields
        )
        self.kept = tuple(parts)
        self.before_topic[0] = text_of(parts[0])
        self.before_topic[1] = text_of(parts[1])
        self.after_topic = text_of(parts[2])
        self.after_properties[0] = text_of(parts[3])
        self.after_properties[1] = text_of(parts[4])
        self.prepared_size = sum(len(part) for part in parts) + NUMBERS_ROOM
        return 0

    cdef int look_at_credentials(self) except -1:
        """Take over whoever signs now; the fields that name them are part of what is prepared."""
        cdef dict fields
        found = ask(self.source) if callable(self.source) else self.source
        if found is self.signer:
            return 0
        fields = {**self.fields, "AccessKey": found.access_key}
        if found.security_token is not None:
            fields["SecurityToken"] = found.security_token
        fields["Signature"] = " " * SIGNATURE_BYTES
        self.prepare(fields)
        self.secret = found.secret_key.encode()
        self.inner, self.outer = keyed(self.secret)
        # The values in the order of the names of their fields, as far as they are the same in all frames.
        self.signed_start = (found.access_key + (found.security_token or "") + self.producer_group).encode()
        self.signed_middle = "".join(self.defaults).encode()
        further = self.broker_name + "".join(self.fields[name] for name in sorted(self.fields))
        self.signed_end = (f"0falsefalse{further}".encode(), f"0falsetrue{further}".encode())
        self.signer = found
        return 0

    cdef bytes content_to_sign(
        self, Message message, const SendFields *fields, bint batch, Py_ssize_t body_size, uint8_t **body
    ):
        """What the signature of a frame is made of, with room for the body at its end."""
        cdef uint8_t numbers[NUMBERS_BYTES]
        cdef Py_ssize_t numbers_size = put_numbers(numbers, message, fields, batch) - numbers
        cdef Py_ssize_t size
        cdef Text topic
        cdef bytes content
        wire_topic(message, fields, &topic)
        size = self.values_bytes(&topic, numbers_size, batch) + (0 if batch else properties_bytes(message))
        content = PyBytes_FromStringAndSize(NULL, size + body_size)
        body[0] = self.put_values(
            <uint8_t *>PyBytes_AS_STRING(content), &topic, numbers, numbers_size, None if batch else message
        )
        return content

    cdef Py_ssize_t values_bytes(self, const Text *topic, Py_ssize_t numbers_size, bint batch) noexcept:
        return (
            PyBytes_GET_SIZE(self.signed_start) + topic.size + PyBytes_GET_SIZE(self.signed_middle) + numbers_size
            + PyBytes_GET_SIZE(<bytes>self.signed_end[batch])
        )

    cdef uint8_t *put_values(
        self, uint8_t *at, const Text *topic, const uint8_t *numbers, Py_ssize_t numbers_size, Message message
    ) noexcept:
        """Write the values of the header in the order of their names; without a message it is that of a batch."""
        at = put_bytes_object(at, self.signed_start)
        at = put_bytes_object(put_text(at, topic), self.signed_middle)
        memcpy(at, numbers, numbers_size)
        at += numbers_size
        if message is not None:
            at = message.put_properties(at)
        return put_bytes_object(at, <bytes>self.signed_end[message is None])

    cdef bytes sign_message(self, Message message, const SendFields *fields, bytes body, bint is_large):
        """The signature of the frame of a message; a large body is not copied for it."""
        cdef Py_ssize_t body_size = PyBytes_GET_SIZE(body)
        cdef uint8_t *at
        cdef bytes content
        self.look_at_credentials()
        content = self.content_to_sign(message, fields, message._batch, 0 if is_large else body_size, &at)
        if is_large:
            return self.signature_of(content, 0, body)
        copy(at, PyBytes_AS_STRING(body), body_size)
        return self.signature_of(content, PyBytes_GET_SIZE(content))

    cdef bytes signature_of(self, object content, Py_ssize_t size, bytes further=None):
        if size >= LARGE_CONTENT:
            return b2a_base64(self.digest(self.secret, content, "sha1"), newline=False)
        # Setting up the key takes longer than all else for what is small, so it is done once.
        inner = self.inner.copy()
        inner.update(content)
        if further is not None:
            inner.update(further)
        outer = self.outer.copy()
        outer.update(inner.digest())
        return b2a_base64(outer.digest(), newline=False)

    cdef bytes sign_in_place(
        self, uint8_t *body, Py_ssize_t body_size, const Text *topic, const SendFields *fields
    ):
        """The signature of a batch whose body lies where it is sent from, behind room for a header."""
        cdef uint8_t numbers[NUMBERS_BYTES]
        cdef Py_ssize_t numbers_size = put_numbers(numbers, None, fields, True) - numbers
        cdef Py_ssize_t size = self.values_bytes(topic, numbers_size, True)
        # The header, which has the same values and their names, is written over them later.
        self.put_values(body - size, topic, numbers, numbers_size, None)
        size += body_size
        return self.signature_of(PyMemoryView_FromMemory(<char *>body + body_size - size, size, PyBUF_READ), size)

    def put(
        self,
        WriteBuffer buffer not None,
        Message message not None,
        int32_t queue_id,
        int32_t opaque,
        int64_t born_ms=0,
        *,
        int32_t sys_flag=0,
        bint oneway=False,
        bytes body=None,
    ):
        """Append the frame of one message, or of a message made by `encode_batch`.

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
        if buffer.views:
            buffer.check_no_views()
        fill_fields(&fields, queue_id, opaque, sys_flag, ONEWAY_FLAG if oneway else 0, born_ms)
        self.put_message(&buffer.output, message, &fields, body)

    def put_batch(
        self,
        WriteBuffer buffer not None,
        list messages not None,
        int32_t queue_id,
        int32_t opaque,
        int64_t born_ms=0,
        *,
        bint oneway=False,
    ):
        """Append one frame with a batch of messages of one topic.

        Raises:
            InvalidMessageError: no messages, mixed topics, an empty body, or one that cannot be in a batch.
            MessageTooLargeError: a message, or all together, are over the limit; nothing is written.
        """
        cdef SendFields fields
        if buffer.views:
            buffer.check_no_views()
        fill_fields(&fields, queue_id, opaque, 0, ONEWAY_FLAG if oneway else 0, born_ms)
        self.put_messages(&buffer.output, messages, &fields)

    cdef Py_ssize_t put_message(
        self, Output *output, Message message, const SendFields *fields, bytes body
    ) except -1:
        cdef Py_ssize_t body_size, frame_size
        cdef uint8_t *at
        cdef bytes signature = None
        if body is None:
            body = message._body
        check_body(message, body, self.max_message_bytes)
        if message.unique_id_state == NO_ID and not message._batch:
            give_unique_id(message)
        body_size = PyBytes_GET_SIZE(body)
        if self.is_signed:
            # Before anything is written, since this may run other code, which may send.
            signature = self.sign_message(message, fields, body, False)
        at = self.put_header(output, message, fields, message._batch, body_size)
        copy(at, PyBytes_AS_STRING(body), body_size)
        if signature is not None:
            memcpy(self.signature_place, PyBytes_AS_STRING(signature), SIGNATURE_BYTES)
        frame_size = at + body_size - output.at
        close_frame(output.at, frame_size, message)
        output.at += frame_size
        return frame_size

    cdef Py_ssize_t put_message_head(
        self, Output *output, Message message, const SendFields *fields, bytes body
    ) except -1:
        cdef Py_ssize_t head_size, frame_size
        cdef uint8_t *at
        cdef bytes signature = None
        check_body(message, body, self.max_message_bytes)
        if message.unique_id_state == NO_ID and not message._batch:
            give_unique_id(message)
        if self.is_signed:
            signature = self.sign_message(message, fields, body, True)
        at = self.put_header(output, message, fields, message._batch, 0)
        if signature is not None:
            memcpy(self.signature_place, PyBytes_AS_STRING(signature), SIGNATURE_BYTES)
        head_size = at - output.at
        frame_size = head_size + PyBytes_GET_SIZE(body)
        close_frame(output.at, frame_size, message)
        output.at += head_size
        return frame_size

    cdef Py_ssize_t put_messages(self, Output *output, list messages, const SendFields *fields) except -1:
        cdef Py_ssize_t body_size, frame_size
        cdef Message message
        cdef uint8_t *at
        cdef uint8_t *signed_body
        cdef bytes content, signature
        if self.is_signed:
            self.look_at_credentials()
        for item in messages:
            if isinstance(item, Message) and (<Message>item).unique_id_state == NO_ID:
                give_unique_id(<Message>item)
        body_size = batch_bytes(messages)
        message = <Message>messages[0]
        if body_size > self.max_message_bytes:
            raise MessageTooLargeError(
                f"batch of {len(messages):,} messages has {body_size:,} bytes, over max_message_bytes "
                f'{self.max_message_bytes:,}. Topic "{message._topic}".',
                field="messages",
                advice="send it in several batches",
            )
        if self.is_signed:
            content = self.content_to_sign(message, fields, True, body_size, &signed_body)
            put_all(signed_body, messages)
            signature = self.signature_of(content, PyBytes_GET_SIZE(content))
            at = self.put_header(output, message, fields, True, body_size)
            memcpy(self.signature_place, PyBytes_AS_STRING(signature), SIGNATURE_BYTES)
            copy(at, signed_body, body_size)
        else:
            at = self.put_header(output, message, fields, True, body_size)
            put_all(at, messages)
        at += body_size
        frame_size = at - output.at
        close_frame(output.at, frame_size, message)
        output.at += frame_size
        return frame_size

    cdef uint8_t *put_header(
        self, Output *output, Message message, const SendFields *fields, bint batch, Py_ssize_t body_size
    ) except NULL:
        """Make room for a whole frame, write its header, and return where the body goes.

        The output keeps its position, so nothing is written until the caller moves it.
        """
        cdef Py_ssize_t properties_size = 0
        cdef Py_ssize_t size
        cdef Text topic
        cdef uint8_t *at
        if not batch:
            properties_size = properties_bytes(message)
            if properties_size > SENT_PROPERTIES_LIMIT:
                refuse_properties_size(message, properties_size)
        wire_topic(message, fields, &topic)
        reserve(output, self.prepared_size + topic.size + 6 * properties_size + body_size)
        if self.json:
            at = self.put_json_header(output.at + 8, message, &topic, fields, batch)
        else:
            at = self.put_binary_header(output.at + 8, message, &topic, fields, batch)
        size = at - output.at - 8
        if size > MAX_HEADER_BYTES:
            refuse_header_size(message, size, self.json)
        store_be32(output.at + 4, <uint32_t>size | (0 if self.json else <uint32_t>1 << 24))
        return at

    # hot: begin
    cdef uint8_t *put_json_header(
        self, uint8_t *at, Message message, const Text *topic, const SendFields *fields, bint batch
    ) noexcept:
        at = put_text(at, &self.before_topic[batch])
        at = put_text(at, topic)
        at = put_text(at, &self.after_topic)
        at = put_decimal(at, fields.queue_id)
        # Most sends have no bits set and no flag: one copy instead of two around a number.
        if fields.sys_flag == 0:
            memcpy(at, '","f":"0","g":"', 15)
            at += 15
        else:
            memcpy(at, '","f":"', 7)
            at = put_decimal(at + 7, fields.sys_flag)
            memcpy(at, '","g":"', 7)
            at += 7
        at = self.put_born(at, fields.born_ms)
        if batch or message._flag == 0:
            memcpy(at, '","h":"0","i":"', 15)
            at += 15
        else:
            memcpy(at, '","h":"', 7)
            at = put_decimal(at + 7, message._flag)
            memcpy(at, '","i":"', 7)
            at += 7
        if not batch:
            at = message.put_json_properties(at)
        at = put_text(at, &self.after_properties[batch])
        self.signature_place = at - SIGNATURE_BYTES - 10  # before '"},"flag":'
        at[0] = <uint8_t>(0x30 + fields.wire_flag)
        memcpy(at + 1, ',"language":"PYTHON","opaque":', 30)
        at = put_decimal(at + 31, fields.opaque)
        memcpy(at, ',"version":513}', 15)
        return at + 15

    cdef uint8_t *put_binary_header(
        self, uint8_t *start, Message message, const Text *topic, const SendFields *fields, bint batch
    ) noexcept:
        cdef uint8_t *at
        cdef uint8_t *properties
        store_be16(start, SEND_BATCH_MESSAGE if batch else SEND_MESSAGE_V2)
        start[2] = LANGUAGE_PYTHON
        store_be16(start + 3, PROTOCOL_VERSION)
        store_be32(start + 5, <uint32_t>fields.opaque)
        store_be32(start + 9, <uint32_t>fields.wire_flag)
        store_be32(start + 13, 0)  # no remark
        at = put_text(start + BINARY_FIXED_BYTES, &self.before_topic[batch])
        at = put_text(put_entry_start(at, 0x62, topic.size), topic)
        at = put_text(at, &self.after_topic)
        at = put_number_entry(at, 0x65, fields.queue_id)
        at = put_number_entry(at, 0x66, fields.sys_flag)
        at = self.put_born(put_entry_start(at, 0x67, 0), fields.born_ms)
        store_be32(at - self.born_size - 4, <uint32_t>self.born_size)
        at = put_number_entry(at, 0x68, 0 if batch else message._flag)
        if not batch:
            properties = put_entry_start(at, 0x69, 0)
            at = message.put_properties(properties)
            store_be32(properties - 4, <uint32_t>(at - properties))
        at = put_text(at, &self.after_properties[batch])
        self.signature_place = at - SIGNATURE_BYTES
        store_be32(start + BINARY_FIXED_BYTES - 4, <uint32_t>(at - start - BINARY_FIXED_BYTES))
        return at

    cdef uint8_t *put_born(self, uint8_t *at, int64_t born_ms) noexcept:
        if born_ms != self.born_ms or self.born_size == 0:
            self.born_ms = born_ms
            self.born_size = put_decimal(self.born_digits, born_ms) - self.born_digits
        memcpy(at, self.born_digits, sizeof(self.born_digits))
        return at + self.born_size
    # hot: end


cdef inline uint8_t *put_text(uint8_t *at, const Text *text) noexcept nogil:
    copy(at, text.at, text.size)
    return at + text.size


cdef inline uint8_t *put_bytes_object(uint8_t *at, bytes part) noexcept:
    copy(at, PyBytes_AS_STRING(part), PyBytes_GET_SIZE(part))
    return at + PyBytes_GET_SIZE(part)


cdef inline uint8_t *put_entry_start(uint8_t *at, uint8_t letter, Py_ssize_t size) noexcept nogil:
    """The name of a binary header entry with a one-letter name, and the length of its value."""
    store_be16(at, 1)
    at[2] = letter
    store_be32(at + 3, <uint32_t>size)
    return at + 7


cdef inline uint8_t *put_number_entry(uint8_t *start, uint8_t letter, int64_t value) noexcept nogil:
    cdef uint8_t *at = put_decimal(start + 7, value)
    put_entry_start(start, letter, at - start - 7)
    return at


cdef inline uint8_t *put_numbers(
    uint8_t *at, Message message, const SendFields *fields, bint batch
) noexcept:
    """The numbers of a header, as they are signed."""
    at = put_decimal(at, fields.queue_id)
    at = put_decimal(at, fields.sys_flag)
    at = put_decimal(at, fields.born_ms)
    return put_decimal(at, 0 if batch else message._flag)


cdef inline int put_all(uint8_t *at, list messages) except -1:
    for item in messages:
        at = put_batch_message(at, <Message>item)
    return 0


cdef inline int wire_topic(Message message, const SendFields *fields, Text *topic) except -1:
    """The topic of a message as brokers know it."""
    if fields.topic.at is NULL:
        return utf8_of(message._topic, topic)
    topic[0] = fields.topic
    return 0


cdef inline int give_unique_id(Message message) except -1:
    fill_unique_id(message.unique_id_bytes)
    message.unique_id_state = RAW_ID
    return 0


cdef inline int close_frame(uint8_t *start, Py_ssize_t size, Message message) except -1:
    """Write the length word of a frame that starts here."""
    if size > MAX_FRAME_BYTES:
        raise SerializationError(
            f'frame of {size:,} bytes is over the limit of {MAX_FRAME_BYTES:,}. Topic "{message._topic}".',
            field="frame",
            advice="send a smaller body or a smaller batch",
        )
    store_be32(start, <uint32_t>(size - 4))
    return 0


cdef int refuse_header_size(Message message, Py_ssize_t size, bint json) except -1:
    names = ", ".join(sorted(message.property_dict(), key=lambda name: -len(message.get_property(name)))[:5])
    raise SerializationError(
        f"header of {size:,} bytes ({'properties JSON-escaped' if json else 'binary'}) is over the limit of "
        f'{MAX_HEADER_BYTES:,}. Topic "{message._topic}", largest properties: {names}.',
        field="properties",
        advice='set header_codec="binary", which does not escape, or move large values into the body',
    )


cdef object ask(object source):
    try:
        return source()
    except RocketMQError:
        raise
    except Exception as error:
        raise ConfigurationError(
            f"the function that gives the credentials failed: {type(error).__name__}: {error}",
            field="credentials",
            advice="correct the function; nothing was sent",
        ) from error


cdef tuple keyed(bytes secret):
    """SHA-1 after the inner and after the outer key block of HMAC, to be copied."""
    from hashlib import sha1

    key = secret if len(secret) <= 64 else sha1(secret, usedforsecurity=False).digest()
    key = key.ljust(64, b"\0")
    return tuple([sha1(bytes([byte ^ pad for byte in key]), usedforsecurity=False) for pad in (0x36, 0x5C)])


cdef Text text_of(bytes part):
    cdef Text text
    text.at = PyBytes_AS_STRING(part)
    text.size = PyBytes_GET_SIZE(part)
    return text


def json_parts(str group, str broker, str default_topic, str default_queues, dict fields):
    """The unchanging parts of a JSON header, in the order of `SendEncoder.kept`."""
    from orjson import dumps

    quoted_group = dumps(group).decode()
    last = {"n": broker, **fields} if broker else fields
    further = "".join(f",{dumps(name).decode()}:{dumps(value).decode()}" for name, value in last.items())
    return [
        *(
            f'{{"code":{code},"extFields":{{"a":{quoted_group},"b":"'.encode()
            for code in (SEND_MESSAGE_V2, SEND_BATCH_MESSAGE)
        ),
        f'","c":{dumps(default_topic).decode()},"d":"{default_queues}","e":"'.encode(),
        *(f'","j":"0","k":"false","m":"{batch}"{further}}},"flag":'.encode() for batch in ("false", "true")),
    ]


def binary_parts(str group, str broker, str default_topic, str default_queues, dict fields):
    """The unchanging entries of a binary header, in the order of `SendEncoder.kept`."""

    def entry(name: str, value: str) -> bytes:
        content = value.encode()
        return len(name).to_bytes(2, "big") + name.encode() + len(content).to_bytes(4, "big") + content

    last = {"n": broker, **fields} if broker else fields
    further = b"".join(entry(name, value) for name, value in last.items())
    return [
        entry("a", group),
        entry("a", group),
        entry("c", default_topic) + entry("d", default_queues),
        *(entry("j", "0") + entry("k", "false") + entry("m", batch) + further for batch in ("false", "true")),
    ]
