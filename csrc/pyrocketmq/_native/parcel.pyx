"""Parcels: batches that are built message by message and sent where they lie, without being copied.

A parcel is its own future: the connection gives it the answer, and it tells its owner. It does not know who fills it,
where it goes, and what is done when it fails.
"""

cimport cython
from cpython.buffer cimport PyBUF_READ, PyBuffer_FillInfo
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.list cimport PyList_GET_SIZE
from cpython.mem cimport PyMem_RawFree, PyMem_RawRealloc
from cpython.memoryview cimport PyMemoryView_FromMemory
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libc.string cimport memcpy, memmove

from pyrocketmq._native.answer cimport ABSENT, SendResult, Span, span_at, span_of, span_size
from pyrocketmq._native.batch cimport (
    BATCH_RECORD_OVERHEAD,
    batch_bytes,
    check_body,
    refuse_properties_size,
)
from pyrocketmq._native.bytesio cimport put_bytes, reserve, store_be32
from pyrocketmq._native.channel cimport RequestChannel, SendOwner
from pyrocketmq._native.clock cimport coarse_now_ms
from pyrocketmq._native.ids cimport fill_unique_id_at
from pyrocketmq._native.message cimport NO_ID, RAW_ID, Message, new_message, properties_bytes
from pyrocketmq._native.outgoing cimport BLOCK_BYTES, FLUSH_BYTES, waiting_bytes
from pyrocketmq._native.properties cimport SENT_PROPERTIES_LIMIT, find_property
from pyrocketmq._native.sending cimport SendEncoder, SendFields, fill_fields
from pyrocketmq._native.text cimport Text, utf8_of
from pyrocketmq._native.waiters cimport SEND_OWNED, Slot

from pyrocketmq._native.batch import decode_batch_body

__all__ = ["Parcel", "ParcelOwner", "check_message", "pack", "wait_for"]

cdef enum:
    WORDS_BYTES = 8
    FIRST_BYTES = 4096
    BLOCKS_BYTES = 1048576  # what a transport may hold of parcels


cdef Py_ssize_t record_bytes(Message message, Py_ssize_t max_message_bytes) except -1:
    cdef Py_ssize_t size
    give_id(message)
    check_body(message, message._body, max_message_bytes)
    size = properties_bytes(message)
    if size > SENT_PROPERTIES_LIMIT:
        refuse_properties_size(message, size)
    return BATCH_RECORD_OVERHEAD + PyBytes_GET_SIZE(message._body) + size


def check_message(Message message not None, Py_ssize_t max_message_bytes):
    """What a message takes as a record of a batch; it gets its unique id, if it has none.

    Raises:
        InvalidMessageError: the body is empty.
        MessageTooLargeError: the body or the properties are over the limit.
    """
    return record_bytes(message, max_message_bytes)


cdef bint has_sharding_key(Message message) noexcept:
    cdef Text value
    cdef const char *more
    cdef Py_ssize_t size
    if message._more is None:
        return False
    more = PyBytes_AS_STRING(message._more)
    size = PyBytes_GET_SIZE(message._more)
    if find_property(more, size, "SHARDING_KEY", 12, &value):
        return True
    return find_property(more, size, "__SHARDINGKEY", 13, &value)


cdef class ParcelOwner:
    """Is told when a parcel has its outcome."""

    cdef int ended(self, Parcel parcel) except -1:
        return 0


@cython.final
cdef class Parcel(SendOwner):
    """A batch of messages of one topic, and what became of it."""

    def __cinit__(self, str topic not None):
        self.topic = topic

    def __dealloc__(self):
        PyMem_RawFree(self.start)

    def __len__(self):
        return self.number

    def __repr__(self):
        return f"<Parcel of {self.number:,} messages of {self.topic!r}, {self.body_bytes:,} bytes>"

    @property
    def body_bytes(self):
        """Size of the batch body."""
        return 0 if self.start is NULL else self.at - self.start - HEADER_ROOM

    @property
    def age_from(self):
        """When its first message was put in, in seconds of the clock that never goes back."""
        return self.opened_at

    @property
    def is_stored(self):
        """False when the broker has refused it or no answer came."""
        return isinstance(self.outcome, SendResult) and (<SendResult>self.outcome).status is not None

    @property
    def is_confirmed(self):
        """True when every copy of it was confirmed too."""
        return isinstance(self.outcome, SendResult) and (<SendResult>self.outcome).answer.code == 0

    # ---- filling ----

    cdef int make_room(self, Py_ssize_t size, Py_ssize_t most_bytes) except -1:
        """Have room for a record of so many bytes; grows up to what a full parcel needs."""
        cdef Py_ssize_t used = HEADER_ROOM if self.start is NULL else self.at - self.start
        cdef Py_ssize_t room = FIRST_BYTES if self.start is NULL else 2 * (self.end - self.start)
        cdef void *block
        if self.views:
            raise BufferError("a parcel that is being sent cannot grow")
        room = max(min(room, HEADER_ROOM + most_bytes), used + size)
        block = PyMem_RawRealloc(self.start, room)
        if block is NULL:
            raise MemoryError(f"cannot make room for {room:,} bytes of messages")
        self.start = <uint8_t *>block
        self.at = self.start + used
        self.end = self.start + room
        return 0

    cdef int keep(self, Message message, object callback) except -1:
        """Keep a message that was put in, for its callback."""
        while len(self.callbacks) < self.number - 1:
            self.messages.append(None)
            self.callbacks.append(None)
        self.messages.append(message)
        self.callbacks.append(callback)
        return 0

    cdef int shrink(self) except -1:
        """Give back the room that is not used, if it is much."""
        cdef Py_ssize_t used = self.at - self.start
        cdef void *block
        if self.views == 0 and self.end - self.start > 2 * used:
            block = PyMem_RawRealloc(self.start, used)
            if block is not NULL:
                self.start = <uint8_t *>block
                self.at = self.end = self.start + used
        return 0

    # ---- sending ----

    def send(self, RequestChannel channel not None, SendEncoder encoder not None, int32_t queue_id, double timeout):
        """Write it to a connection as one request. The answer, or an error, ends it.

        Returns:
            False when nothing was done, because it is one message too large for a batch, the bytes of an earlier try
            are still held, or the header needs more room than there is: it has to go another way, as `message`.
        """
        cdef SendFields fields
        channel.check_use(True)
        channel.check_timeout(timeout)
        if not self.can_leave(encoder):
            return False
        fill_fields(&fields, queue_id, channel.free_opaque())
        self.put_frame(encoder, &fields)
        channel.check_size(self.frame_size)
        self.is_done = False
        self.outcome = None
        put_block(channel, self, fields.opaque, timeout)
        return True

    cdef bint can_leave(self, SendEncoder encoder) except -1:
        """Whether it can be sent as one request, where it lies."""
        cdef Text topic
        utf8_of(self.topic, &topic)
        if encoder.is_signed:
            encoder.look_at_credentials()
        return not (
            self.is_oversized
            or self.views
            or encoder.prepared_size + topic.size + WORDS_BYTES > HEADER_ROOM
        )

    cdef int put_frame(self, SendEncoder encoder, const SendFields *fields) except -1:
        """Write the header of a frame in front of the records."""
        cdef Text topic
        cdef uint8_t *head = self.start + WORDS_BYTES
        cdef uint8_t *end
        cdef Py_ssize_t size
        cdef uint8_t *body = self.start + HEADER_ROOM
        cdef bytes signature = None
        utf8_of(self.topic, &topic)
        if encoder.is_signed:
            signature = encoder.sign_in_place(body, self.at - body, &topic, fields)
        if encoder.json:
            end = encoder.put_json_header(head, None, &topic, fields, True)
        else:
            end = encoder.put_binary_header(head, None, &topic, fields, True)
        size = end - head
        if signature is not None:
            memcpy(encoder.signature_place, PyBytes_AS_STRING(signature), PyBytes_GET_SIZE(signature))
        self.frame = body - size - WORDS_BYTES
        memmove(self.frame + WORDS_BYTES, head, size)
        self.frame_size = self.at - self.frame
        store_be32(self.frame, <uint32_t>(self.frame_size - 4))
        store_be32(self.frame + 4, <uint32_t>size | (0 if encoder.json else <uint32_t>1 << 24))
        return 0

    def message(self):
        """One message for the general way of sending: the only one there is, or one that is a batch. It is a copy."""
        cdef Message message
        cdef char *body = <char *>self.start + HEADER_ROOM
        cdef Py_ssize_t size = self.at - self.start - HEADER_ROOM
        if self.number == 1:
            # Its record may have megabytes, so it is not copied to be looked at.
            return message_of(self.topic, decode_batch_body(PyMemoryView_FromMemory(body, size, PyBUF_READ))[0])
        message = new_message(self.topic, PyBytes_FromStringAndSize(body, size))
        message._batch = True
        return message

    def __getbuffer__(self, Py_buffer *view, int flags):
        PyBuffer_FillInfo(view, self, self.frame, self.frame_size, 1, flags)
        self.views += 1

    def __releasebuffer__(self, Py_buffer *view):
        self.views -= 1

    # ---- the answer ----

    def __await__(self):
        return iter(self.future)

    def done(self):
        """True when the try has ended."""
        return self.is_done

    cdef int answered(self, SendResult result, double now) except -1:
        return self.conclude(result)

    cdef int failed(self, object error) except -1:
        return self.conclude(error)

    cdef int conclude(self, object outcome) except -1:
        self.is_done = True
        self.outcome = outcome
        if self.owner is not None:
            return self.owner.ended(self)
        future, self.future = self.future, None
        if future is not None and not future.done():
            future.set_result(None)
        return 0

    def settle(self, outcome):
        """Say how it ended after all, when the general way has sent it."""
        self.is_done = True
        self.outcome = outcome

    # ---- results ----

    cdef SendResult result_of(self, Py_ssize_t index, Message message):
        """What became of one message."""
        cdef SendResult whole = <SendResult>self.outcome
        cdef SendResult part = SendResult.__new__(SendResult)
        part.answer = whole.answer
        part.source = whole.source
        part._region_id = whole._region_id
        part._remark = whole._remark
        part._transaction_id = whole._transaction_id
        part.message_queue = whole.message_queue
        part.attempts = whole.attempts
        if whole.answer.queue_offset >= 0:
            part.answer.queue_offset += index
        if whole.source is not None:
            part.answer.msg_id = id_at(whole, index, self.number)
        else:
            part.answer.msg_id = ABSENT
        if part.answer.msg_id == ABSENT:
            part._offset_msg_id = self.split_id(whole, index)
        if message.unique_id_state == RAW_ID:
            part.has_unique_id = True
            memcpy(part.unique_id_bytes, message.unique_id_bytes, sizeof(message.unique_id_bytes))
        else:
            part._msg_id = message.get_property("UNIQ_KEY")
        return part

    cdef str split_id(self, SendResult whole, Py_ssize_t index):
        if self.ids is None:
            self.ids = (whole.offset_msg_id or "").split(",")
        return self.ids[index] if len(self.ids) == self.number else None

    def result(self, Py_ssize_t index):
        """What became of one message of a parcel made by `pack`: its own SendResult, or the error of them all."""
        if not 0 <= index < self.number:
            raise IndexError(f"message {index} of {self.number}")
        if not isinstance(self.outcome, SendResult):
            return self.outcome
        return self.result_of(index, <Message>self.messages[self.first + index])

    def unheard(self, Py_ssize_t most):
        """The first messages that have no callback, made again of what was written."""
        cdef list found = []
        body = PyBytes_FromStringAndSize(<char *>self.start + HEADER_ROOM, self.at - self.start - HEADER_ROOM)
        for index, record in enumerate(decode_batch_body(body)):
            if len(found) == most:
                break
            if self.callbacks is None or index >= len(self.callbacks) or self.callbacks[index] is None:
                found.append(message_of(self.topic, record))
        return found

    def let_go(self):
        """Forget the bytes of the messages, for results that somebody keeps."""
        if self.views == 0:
            PyMem_RawFree(self.start)
            self.start = self.at = self.end = NULL


cdef object message_of(str topic, record):
    return Message(topic, record.body, flag=record.flag, properties=record.properties)


cdef int put_block(RequestChannel channel, Parcel parcel, int32_t opaque, double timeout) except -1:
    """Write the frame of a parcel. The transport gets it as it lies; while it has paused, small ones are copied."""
    cdef Py_ssize_t size = parcel.frame_size
    cdef Py_ssize_t start
    cdef Slot *slot
    if not channel.paused:
        channel.flush_now()  # what was written before leaves before
    if size > FLUSH_BYTES or channel.block_bytes or (channel.paused and size >= BLOCK_BYTES):
        start = waiting_bytes(channel)
        channel.put_block(memoryview(parcel), size)
        slot = channel.enlist(parcel, opaque, SEND_OWNED, timeout, start, channel.now())
        channel.sends = True
        return channel.is_enlisted(slot.due, channel.waiters.waiting == 1)
    if channel.paused:
        start = waiting_bytes(channel)
        reserve(&channel.out, size)
        slot = channel.enlist(parcel, opaque, SEND_OWNED, timeout, start, channel.now())
        channel.sends = True
        put_bytes(&channel.out, parcel.frame, size)
        return channel.is_enlisted(slot.due, False)
    if not channel.takes_blocks:
        # They are no copies, so the transport may hold more of them than of bytes.
        channel.takes_blocks = True
        channel.transport.set_write_buffer_limits(high=BLOCKS_BYTES)
    slot = channel.enlist(parcel, opaque, SEND_OWNED, timeout, 0, channel.now())
    channel.sends = True
    channel.frames_out += 1
    channel.written_before += size
    channel.last_write = channel.now()
    if slot.due < channel.timer_tick:
        channel.arm(slot.due)
    return channel.give_transport(memoryview(parcel))


cdef Span id_at(SendResult whole, Py_ssize_t index, Py_ssize_t count) noexcept:
    """The broker's id of one message, out of ids of one length with commas between them; ABSENT if they are not."""
    cdef Py_ssize_t size = span_size(whole.answer.msg_id) + 1
    cdef Py_ssize_t step = size // count
    cdef Py_ssize_t at = span_at(whole.answer.msg_id) + index * step
    cdef const uint8_t *source = <const uint8_t *>whole.source
    if step < 2 or step * count != size:
        return ABSENT
    if (index > 0 and source[at - 1] != 0x2C) or (index < count - 1 and source[at + step - 1] != 0x2C):
        return ABSENT
    return span_of(at, step - 1)


# ---- explicit batches ----

def wait_for(Parcel parcel not None, future not None):
    """Have a future of the event loop be done once a parcel without an owner has its outcome."""
    parcel.future = future


def pack(list messages not None, str topic not None, Py_ssize_t max_message_bytes, *, bint takes_keys=True):
    """Pack messages into as few parcels as hold them in their order. The list must stay as it is.

    Args:
        messages: of one topic; each gets its unique id, if it has none.
        topic: the topic as it goes over the wire.
        max_message_bytes: what a broker takes at most, for one body and for what it stores of one request.
        takes_keys: False gives None when a message has a sharding key.

    Raises:
        InvalidMessageError: no messages, mixed topics, an empty body, or one that cannot be in a batch.
        MessageTooLargeError: a message is over the limit.
    """
    cdef list parcels = []
    cdef Parcel parcel = None
    cdef Message message, first
    cdef Py_ssize_t size
    cdef Py_ssize_t index = 0
    cdef Py_ssize_t count = PyList_GET_SIZE(messages)
    cdef int64_t now = coarse_now_ms()
    if count == 0 or not isinstance(messages[0], Message) or (<Message>messages[0])._topic.startswith("%RETRY%"):
        batch_bytes(messages)  # says what is wrong
    first = <Message>messages[0]
    while index < count:
        item = messages[index]
        if not isinstance(item, Message) or not goes_with(<Message>item, first):
            batch_bytes(messages)
        message = <Message>item
        if message._more is not None and not takes_keys and has_sharding_key(message):
            return None
        if message.unique_id_state == NO_ID:
            fill_unique_id_at(message.unique_id_bytes, now)
            message.unique_id_state = RAW_ID
        size = plain_bytes(message, max_message_bytes)
        if size < 0:
            size = record_bytes(message, max_message_bytes)
        if parcel is None or not fits(parcel, size, max_message_bytes, max_message_bytes):
            parcel = Parcel.__new__(Parcel, topic)
            parcel.messages = messages
            parcel.first = index
            parcels.append(parcel)
            # The others are most often alike. Making the parcel may have run other code, so the message is looked at
            # again.
            parcel.make_room(min(size * (count - index), max_message_bytes), max_message_bytes)
            continue
        if parcel.end - parcel.at < size:
            parcel.make_room(size, max_message_bytes)
        put_message(parcel, message)
        parcel.is_oversized = size + STORED_ADDITIONS > max_message_bytes
        index += 1
    return parcels


cdef inline bint goes_with(Message message, Message first) noexcept:
    """Whether both may be in one batch."""
    if message._topic is not first._topic and message._topic != first._topic:
        return False
    return not message.solo and not message._batch and message.unwaited == first.unwaited
