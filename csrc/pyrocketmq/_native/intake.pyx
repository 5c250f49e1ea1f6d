"""The short way of plain sends into the log of the embedded broker: read in place, appended, answered in one go.

A message goes this way when its topic was opened for it and nothing about it needs a decision; everything else is
left to the handler of the connection, which says the last word. Messages are appended at once and answered when the
owner of the log has committed the turn of the event loop. This module must not know what topics and groups mean.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_RawFree, PyMem_RawRealloc
from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, strlen

from pyrocketmq._native.bytesio cimport (
    Output,
    put_bytes,
    put_u8,
    release,
    reserve,
    store_be16,
    store_be32,
    store_be64,
    written,
)
from pyrocketmq._native.channel cimport ANSWER_FLAG, RequestChannel, RequestTaker
from pyrocketmq._native.command cimport RemotingCommand
from pyrocketmq._native.frame cimport BINARY_CODEC, FrameView
from pyrocketmq._native.ids cimport fill_unique_id
from pyrocketmq._native.log cimport RecordLog
from pyrocketmq._native.logqueue cimport LogQueue
from pyrocketmq._native.logrecord cimport fill
from pyrocketmq._native.properties cimport (
    NAME_SEPARATOR,
    PROPERTY_SEPARATOR,
    STORED_PROPERTIES_LIMIT,
    next_property,
)
from pyrocketmq._native.record cimport Record
from pyrocketmq._native.sending cimport ONEWAY_FLAG
from pyrocketmq._native.sendrequest cimport SendRequest, read_send_request
from pyrocketmq._native.text cimport DECIMAL_ROOM, Text, put_decimal, put_hex, put_literal

from pyrocketmq._native.frame import encode_frame
from pyrocketmq.errors import StoreError

__all__ = ["Intake", "Turn"]

cdef enum:
    PLAIN_FLAGS = 0x703  # compressed, several tags, and how it is compressed; the others need a decision
    UNIQUE_ID_BYTES = 16
    OFFSET_BYTES = 8
    WORDS_BYTES = 8  # the two length words of a frame
    BINARY_OPAQUE_AT = 5
    BINARY_FIELDS_AT = 17  # the length of the fields
    PROPERTIES_ROOM = 64  # for a separator and a unique id
    # What an answer has besides its ids and numbers, and what it needs at most for those.
    ANSWER_ROOM = 512 + ID_ROOM + 4 * DECIMAL_ROOM


@cython.final
cdef class Turn:
    """Messages that were appended in one turn of the event loop, and whose answers are due."""

    def __cinit__(self):
        self.queues = []
        self.channels = []

    def __dealloc__(self):
        PyMem_RawFree(self.taken)

    def answer(self):
        """Tell the senders that their messages are stored."""
        cdef Py_ssize_t number
        cdef RequestChannel channel
        for number in range(self.count):
            channel = <RequestChannel>self.channels[self.taken[number].channel]
            if not channel.is_ended:
                self.put_answer(channel, &self.taken[number])
        self.finish()

    def refuse(self, int code, str remark not None):
        """Tell the senders that their messages were not stored."""
        cdef Py_ssize_t number
        cdef RequestChannel channel
        for number in range(self.count):
            channel = <RequestChannel>self.channels[self.taken[number].channel]
            if not channel.is_ended and not self.taken[number].is_oneway:
                channel.put_command(
                    RemotingCommand(code, 0, opaque=self.taken[number].opaque, flag=ANSWER_FLAG, remark=remark),
                    self.taken[number].codec,
                )
                channel.frames_out += 1
        self.finish()

    cdef int finish(self) except -1:
        """Hand the answers to the transports, and hold the peers that do not read theirs."""
        cdef RequestChannel channel
        channels, self.channels = self.channels, []
        self.count = 0
        for channel in channels:
            if not channel.is_ended:
                channel.flush_now()
                if channel.holds_reading and written(&channel.out) >= channel.write_buffer_bytes:
                    channel.hold_reading()
        return 0

    cdef Taken *add(self, RequestChannel channel, LogQueue queue) except NULL:
        cdef Py_ssize_t channels = len(self.channels)
        cdef Py_ssize_t room
        cdef Taken *fresh
        if self.count == self.room:
            room = max(64, 2 * self.room)
            fresh = <Taken *>PyMem_RawRealloc(self.taken, room * sizeof(Taken))
            if fresh is NULL:
                raise MemoryError
            self.taken = fresh
            self.room = room
        if channels == 0 or self.channels[channels - 1] is not channel:
            self.channels.append(channel)
            channels += 1
        if self.last_queue is not queue and queue not in self.queues:
            self.queues.append(queue)
        self.last_queue = queue
        fresh = &self.taken[self.count]
        fresh.channel = <int32_t>(channels - 1)
        self.count += 1
        return fresh

    cdef int put_answer(self, RequestChannel channel, const Taken *message) except -1:
        cdef const char *begin = PyBytes_AS_STRING(self.json_begin)
        cdef Py_ssize_t begin_size = PyBytes_GET_SIZE(self.json_begin)
        cdef Py_ssize_t host_size = PyBytes_GET_SIZE(self.store_host)
        cdef Output *out = &channel.out
        cdef uint8_t offset[OFFSET_BYTES]
        cdef uint8_t *start
        cdef uint8_t *at
        if message.is_oneway:
            return 0
        reserve(out, ANSWER_ROOM + begin_size + PyBytes_GET_SIZE(self.binary_begin))
        store_be64(offset, <uint64_t>message.position)
        start = out.at
        if message.codec == BINARY_CODEC:
            at = self.put_binary(start + WORDS_BYTES, message, offset)
        else:
            memcpy(start + WORDS_BYTES, begin, begin_size)
            at = start + WORDS_BYTES + begin_size
            at = put_hex(at, <const uint8_t *>PyBytes_AS_STRING(self.store_host), host_size)
            at = put_hex(at, offset, OFFSET_BYTES)
            at = put_decimal(put_literal(at, b'","queueId":"'), message.queue_id)
            at = put_decimal(put_literal(at, b'","queueOffset":"'), message.queue_offset)
            at = put_literal(at, b'","transactionId":"')
            memcpy(at, message.id, message.id_size)
            at = put_literal(at + message.id_size, b'"},"flag":1,"language":"JAVA","opaque":')
            at = put_literal(put_decimal(at, message.opaque), b',"version":513}')
        store_be32(start, <uint32_t>(at - start - 4))
        store_be32(start + 4, <uint32_t>(at - start - WORDS_BYTES) | <uint32_t>message.codec << 24)
        out.at = at
        channel.frames_out += 1
        return 0

    cdef uint8_t *put_binary(self, uint8_t *start, const Taken *message, const uint8_t *offset) noexcept:
        cdef Py_ssize_t begin_size = PyBytes_GET_SIZE(self.binary_begin)
        cdef uint8_t digits[DECIMAL_ROOM]
        cdef uint8_t *at
        memcpy(start, PyBytes_AS_STRING(self.binary_begin), begin_size)
        store_be32(start + BINARY_OPAQUE_AT, <uint32_t>message.opaque)
        at = put_hex(
            start + begin_size, <const uint8_t *>PyBytes_AS_STRING(self.store_host), PyBytes_GET_SIZE(self.store_host)
        )
        at = put_hex(at, offset, OFFSET_BYTES)
        at = put_entry(at, b"queueId", digits, put_decimal(digits, message.queue_id) - digits)
        at = put_entry(at, b"queueOffset", digits, put_decimal(digits, message.queue_offset) - digits)
        at = put_entry(at, b"transactionId", message.id, message.id_size)
        store_be32(start + BINARY_FIELDS_AT, <uint32_t>(at - start - BINARY_FIELDS_AT - 4))
        return at


@cython.final
cdef class Intake(RequestTaker):
    """Takes plain sends off the connections of one broker.

    Args:
        log: where messages go.
        on_begin: called when the first message of a turn comes; gives the time in ms that its records carry.
            Whoever made the intake then commits the log later in this turn, and answers what `take_turn` gives.
        extra: text of the properties that each message gets.
        special: names of properties that need a decision; messages with them are not taken.
        general_only: while it has anything in it, no message is taken.
        region: the region that answers name.
        max_body_bytes: longer bodies are left to the handler, which refuses them.
    """

    def __cinit__(
        self,
        RecordLog log not None,
        on_begin not None,
        *,
        bytes extra not None=b"",
        special=(),
        set general_only=None,
        str region not None="DefaultRegion",
        Py_ssize_t max_body_bytes=4194304,
    ):
        self.log = log
        self.on_begin = on_begin
        self.extra = extra
        self.special = tuple([(<str>name).encode() for name in special])
        for name in self.special:
            self.special_sizes |= <uint32_t>1 << min(len(name), 31)
        self.max_body_bytes = max_body_bytes
        self.topics = {}
        self.general_only = set() if general_only is None else general_only
        fields = {"MSG_REGION": region, "TRACE_ON": "true", "msgId": "?"}
        # What an answer begins with is what the general encoder writes, up to the first id.
        whole = encode_frame(RemotingCommand(0, 0, opaque=0, flag=ANSWER_FLAG, ext_fields=fields))
        self.json_begin = whole[WORDS_BYTES:whole.index(b'"?"') + 1]
        fields["msgId"] = "?" * 2 * (len(log.store_host) + OFFSET_BYTES)
        whole = encode_frame(RemotingCommand(0, 0, opaque=0, flag=ANSWER_FLAG, ext_fields=fields), "binary")
        self.binary_begin = whole[WORDS_BYTES:len(whole) - len(fields["msgId"])]

    def __dealloc__(self):
        release(&self.header_space)
        release(&self.properties_space)

    def open_topic(self, str topic not None, int write_queues):
        """Take messages for this many queues of a topic from now on."""
        self.topics[topic.encode()] = [self.log.queue(topic, number) for number in range(write_queues)]
        self.last_topic = None

    def close_topic(self, str topic not None):
        """Leave the messages of a topic to the handler."""
        self.topics.pop(topic.encode(), None)
        self.last_topic = None

    def take_turn(self):
        """What was taken since the last call and is not answered yet, None if nothing was."""
        turn, self.turn = self.turn, None
        return turn

    cdef int begin_turn(self) except -1:
        cdef Turn turn = Turn.__new__(Turn)
        self.now_ms = self.on_begin()
        turn.store_host = self.log.store_host
        turn.json_begin = self.json_begin
        turn.binary_begin = self.binary_begin
        self.turn = turn
        return 0

    cdef list queues_of(self, const Text *topic):
        cdef bytes name
        if (
            self.last_topic is not None
            and PyBytes_GET_SIZE(self.last_topic) == topic.size
            and memcmp(PyBytes_AS_STRING(self.last_topic), topic.at, topic.size) == 0
        ):
            return self.last_queues
        name = PyBytes_FromStringAndSize(topic.at, topic.size)
        queues = self.topics.get(name)
        if queues is not None:
            self.last_topic = name
            self.last_queues = <list>queues
        return queues

    cdef bint is_special(self, const Text *name) noexcept:
        cdef bytes special
        if not self.special_sizes & <uint32_t>1 << min(name.size, 31):
            return False
        for special in self.special:
            if PyBytes_GET_SIZE(special) == name.size and memcmp(PyBytes_AS_STRING(special), name.at, name.size) == 0:
                return True
        return False

    cdef int put_properties(self, const Text *given, Text *unique_id) except -1:
        """Write the properties as they are stored, 0; 1 when they need a decision."""
        cdef Output *out = &self.properties_space
        cdef Text rest = given[0]
        cdef Text name, value
        cdef uint8_t raw_id[UNIQUE_ID_BYTES]
        unique_id.size = 0
        out.at = out.start
        reserve(out, given.size + PyBytes_GET_SIZE(self.extra) + PROPERTIES_ROOM)
        while next_property(&rest, &name, &value):
            if name.size == 4 and memcmp(name.at, b"WAIT", 4) == 0:
                continue
            if self.is_special(&name):
                return 1
            put_bytes(out, name.at, name.size)
            put_u8(out, NAME_SEPARATOR)
            if name.size == 8 and memcmp(name.at, b"UNIQ_KEY", 8) == 0:
                if value.size > ID_ROOM or unique_id.size:
                    return 1
                unique_id.at = <const char *>out.at
                unique_id.size = value.size
            put_bytes(out, value.at, value.size)
            put_u8(out, PROPERTY_SEPARATOR)
        put_bytes(out, PyBytes_AS_STRING(self.extra), PyBytes_GET_SIZE(self.extra))
        if unique_id.size == 0:
            fill_unique_id(raw_id)
            out.at = put_literal(out.at, b"UNIQ_KEY\x01")
            unique_id.at = <const char *>out.at
            unique_id.size = 2 * UNIQUE_ID_BYTES
            out.at = put_hex(out.at, raw_id, UNIQUE_ID_BYTES)
            put_u8(out, PROPERTY_SEPARATOR)
        return written(out) > STORED_PROPERTIES_LIMIT

    cdef bint take(self, RequestChannel channel, const FrameView *view) except -1:
        cdef SendRequest request
        cdef Record record
        cdef Text unique_id
        cdef Taken *taken
        cdef LogQueue queue
        cdef list queues
        if self.general_only or not read_send_request(view, &request, &self.header_space):
            return False
        if request.wire_flag & ~ONEWAY_FLAG or request.sys_flag & ~PLAIN_FLAGS:
            return False
        if not 0 < view.body_size <= self.max_body_bytes:
            return False
        queues = self.queues_of(&request.topic)
        if queues is None or not 0 <= request.queue_id < len(queues):
            return False
        if self.put_properties(&request.properties, &unique_id):
            return False
        queue = <LogQueue>queues[request.queue_id]
        if self.turn is None:
            self.begin_turn()
        fill(
            &record, channel.packed_peer(), self.now_ms, request.born_ms, request.message_flag, request.sys_flag, 0, 0
        )
        record.body = <const char *>view.body
        record.body_size = <int32_t>view.body_size
        record.properties = <const char *>self.properties_space.start
        record.properties_size = <int32_t>written(&self.properties_space)
        try:
            self.log.put(queue, &record)
        except StoreError:
            return False  # the handler meets the same error and tells the sender
        taken = self.turn.add(channel, queue)
        taken.opaque = request.opaque
        taken.codec = view.codec
        taken.is_oneway = (request.wire_flag & ONEWAY_FLAG) != 0
        taken.queue_id = request.queue_id
        taken.queue_offset = record.queue_offset
        taken.position = record.commit_log_offset
        taken.id_size = <int32_t>unique_id.size
        memcpy(taken.id, unique_id.at, unique_id.size)
        channel.peer_codec = view.codec
        self.taken += 1
        return True


cdef inline uint8_t *put_entry(uint8_t *at, const char *name, const uint8_t *value, Py_ssize_t size) noexcept nogil:
    """One field of a binary header."""
    cdef size_t name_size = strlen(name)
    store_be16(at, <uint16_t>name_size)
    at = put_literal(at + 2, name)
    store_be32(at, <uint32_t>size)
    memcpy(at + 4, value, size)
    return at + 4 + size
