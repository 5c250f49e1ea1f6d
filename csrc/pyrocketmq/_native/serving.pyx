"""The short way of plain sends and pulls: from the bytes of a frame to those of its answer, without an object.

It takes what needs no decision of Python: sends to a usual topic, which have no property that leads elsewhere, and
pulls that find messages. Everything else, and everything that has to be refused, is left untouched for the general
way. Answers to sends leave when the turn of the loop is committed. It must not know what is behind the functions
that it is given.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.set cimport PySet_GET_SIZE
from libc.stdint cimport INT32_MAX, int32_t, int64_t, uint8_t
from libc.string cimport memcmp, memset

from pyrocketmq._native.bytesio cimport (
    Output,
    load_be32,
    put_bytes,
    put_i32,
    put_u8,
    release,
    reserve,
    written,
)
from pyrocketmq._native.channel cimport RequestChannel, RequestTaker
from pyrocketmq._native.clock cimport now_ms
from pyrocketmq._native.command cimport RemotingCommand
from pyrocketmq._native.exchange cimport (
    LITE_PULL_MESSAGE,
    ONEWAY_FLAG,
    PULL_COMMITS,
    PULL_MESSAGE,
    SEND_BATCH_MESSAGE,
    SEND_MESSAGE,
    SEND_MESSAGE_V2,
    PullRequest,
    SendRequest,
    is_usual,
    put_pull_answer,
    put_send_answer,
    read_pull,
    read_send,
    send_answer_room,
)
from pyrocketmq._native.frame cimport FrameView
from pyrocketmq._native.ids cimport fill_unique_id
from pyrocketmq._native.log cimport RecordLog
from pyrocketmq._native.logcut cimport CUT_FOUND, Selection, begin_selection, end_selection
from pyrocketmq._native.logqueue cimport TagCodes
from pyrocketmq._native.outgoing cimport ANSWER_FLAG
from pyrocketmq._native.properties cimport PROPERTY_SEPARATOR, STORED_PROPERTIES_LIMIT
from pyrocketmq._native.record cimport Record
from pyrocketmq._native.request cimport RequestHead, code_at_once, put_unescaped, read_request
from pyrocketmq._native.text cimport Text, is_json_plain, put_hex16

from pyrocketmq.errors import RocketMQError

__all__ = ["Serving"]

cdef enum:
    UNIQUE_KEY_PIECE = 42  # UNIQ_KEY, 32 digits, both separators
    MOST_SCANNED = 16000
    CODE_UNKNOWN = -1


@cython.final
cdef class ServedQueue:
    """A queue, and whether this turn has put messages into it."""


@cython.final
cdef class ServedTopic:
    """A topic that is served on the short way, as far as it matters there."""


@cython.final
cdef class Part:
    """What one connection is to be answered at the end of a turn."""

    def __dealloc__(self):
        release(&self.answers)
        release(&self.numbers)


@cython.final
cdef class Turn:
    """The messages that one turn of the loop stores, and their answers."""

    def finish(self, error):
        """Answer the sends of the turn: they are stored, or there was this error."""
        cdef Part part
        cdef ServedQueue queue
        for part in self.parts:
            if part.channel.due is part:
                part.channel.due = None
            if not part.channel.is_ended and written(&part.numbers):
                self.answer(part, error)
        if error is None:
            for queue in self.touched:
                self.serving.told(queue.queue.topic, queue.queue.queue_id)

    cdef int answer(self, Part part, object error) except -1:
        cdef RequestChannel channel = part.channel
        cdef Py_ssize_t size = written(&part.answers)
        cdef const uint8_t *at = part.numbers.start
        cdef RemotingCommand command
        if error is None:
            reserve(&channel.out, size)
            put_bytes(&channel.out, part.answers.start, size)
            channel.frames_out += written(&part.numbers) // 5
        else:
            while at < part.numbers.at:
                command = self.serving.refusal(error)
                command._opaque = <int32_t>load_be32(at)
                command._flag |= ANSWER_FLAG
                channel.put_command(command, at[4])
                channel.frames_out += 1
                at += 5
        channel.flush_now()
        return channel.hold_if_full()


@cython.final
cdef class Serving(RequestTaker):
    """Serves one broker's plain sends and pulls.

    Args:
        log: where messages go to and come from.
        added: the properties text that each message gets.
        general_only: nothing is taken while this set has a member.
        when_committed: asks for a call with None or an error when what was appended is committed.
        told: called with topic and queue id after messages of a queue were committed.
        refusal: makes the answer to a send from the error of its commit.
        packed_host: makes the born host of records from the address of a channel.
        chosen: gives the tags and the predicate that choose the messages of a pull; called with group, topic,
            sysFlag, subscription, expression type and version of the subscription.
        committed_offset: called with group, topic, queue id and offset for a pull that has an offset to store.
        clock: tells the time by `now_ms`; None for the machine's.
    """

    def __cinit__(
        self,
        RecordLog log not None,
        bytes added not None,
        *,
        set general_only not None,
        when_committed,
        told,
        refusal,
        chosen,
        committed_offset,
        clock=None,
        Py_ssize_t max_message_bytes=4194304,
        Py_ssize_t max_pull_bytes=262144,
        Py_ssize_t max_pull_messages=32,
    ):
        self.log = log
        self.added = added
        self.general_only = general_only
        self.when_committed = when_committed
        self.told = told
        self.refusal = refusal
        self.chosen = chosen
        self.committed_offset = committed_offset
        self.clock = clock
        self.max_message_bytes = max_message_bytes
        self.max_pull_bytes = max_pull_bytes
        self.max_pull_messages = max_pull_messages
        self.topics = {}

    def __dealloc__(self):
        release(&self.properties)

    def serve_topic(self, str topic not None, int32_t send_queues, int32_t read_queues):
        """Serve sends to the first queues of a topic, and pulls from its first queues; again to change it."""
        cdef ServedTopic served = ServedTopic.__new__(ServedTopic)
        served.name = topic.encode()
        served.send_queues = send_queues
        served.read_queues = read_queues
        served.queues = [None] * max(send_queues, read_queues, 0)
        self.topics[served.name] = served
        self.recent = None

    def forget_topic(self, str topic not None):
        """Leave a topic to the general way."""
        self.topics.pop(topic.encode(), None)
        self.recent = None

    def end_turn(self):
        """What is appended from now on belongs to the next commit."""
        self.turn = None
        self.turn_number += 1

    cdef int64_t now(self) except? -1:
        return now_ms() if self.clock is None else <int64_t>self.clock.now_ms()

    cdef ServedTopic find(self, const Text *name):
        cdef ServedTopic topic = self.recent
        if (
            topic is not None
            and PyBytes_GET_SIZE(topic.name) == name.size
            and memcmp(PyBytes_AS_STRING(topic.name), name.at, name.size) == 0
        ):
            return topic
        topic = self.topics.get(PyBytes_FromStringAndSize(name.at, name.size))
        if topic is not None:
            self.recent = topic
        return topic

    cdef ServedQueue queue_of(self, ServedTopic topic, int32_t queue_id):
        """The queue, which must be one of the topic's; made when it is first asked for."""
        cdef ServedQueue served = topic.queues[queue_id]
        if served is None or served.queue.dropped:
            served = ServedQueue.__new__(ServedQueue)
            served.queue = self.log.find_or_make(topic.name, queue_id)
            served.turn = -1
            topic.queues[queue_id] = served
        return served

    cdef Part part_of(self, RequestChannel channel):
        """The answers to a connection of this turn, which begins now if it has not begun."""
        cdef Turn turn = self.turn
        cdef Part part
        if turn is None:
            turn = Turn.__new__(Turn)
            turn.serving = self
            turn.parts = []
            turn.touched = []
            self.when_committed(turn.finish)
            self.turn = turn
        if channel.due is not None and (<Part>channel.due).turn == self.turn_number:
            return <Part>channel.due
        part = Part.__new__(Part)
        part.channel = channel
        part.turn = self.turn_number
        turn.parts.append(part)
        channel.due = part
        return part

    # ---- requests ----

    cdef bint take(self, RequestChannel channel, const FrameView *view) except -1:
        """Serve a frame; 0, and nothing done, when it is for the general way."""
        cdef RequestHead head
        cdef int32_t code = code_at_once(view)
        cdef bint is_send = code == SEND_MESSAGE_V2 or code == SEND_BATCH_MESSAGE or code == SEND_MESSAGE
        if not is_send and code != PULL_MESSAGE and code != LITE_PULL_MESSAGE and code != CODE_UNKNOWN:
            return 0
        if PySet_GET_SIZE(self.general_only):
            return 0
        if not read_request(view, &head) or head.flag & ANSWER_FLAG:
            return 0
        if head.code == SEND_MESSAGE_V2 or head.code == SEND_BATCH_MESSAGE or head.code == SEND_MESSAGE:
            return self.take_send(channel, view, &head)
        if head.code == PULL_MESSAGE or head.code == LITE_PULL_MESSAGE:
            return self.take_pull(channel, view, &head)
        return 0

    cdef int take_send(self, RequestChannel channel, const FrameView *view, const RequestHead *head) except -1:
        cdef SendRequest send
        cdef Record record
        cdef Text properties = Text(NULL, 0)
        cdef Text key = Text(NULL, 0)
        cdef ServedTopic topic
        cdef ServedQueue queue
        cdef Part part
        cdef Py_ssize_t count
        cdef int64_t first
        cdef bytes host
        if not read_send(head, &send) or not 0 < view.body_size <= self.max_message_bytes:
            return 0
        topic = self.find(&send.topic)
        if topic is None or not 0 <= send.queue_id < topic.send_queues or not self.join(&send, &properties, &key):
            return 0
        host = channel.packed_peer()
        queue = self.queue_of(topic, send.queue_id)
        part = self.part_of(channel)
        memset(&record, 0, sizeof(Record))
        record.born_host = <const uint8_t *>PyBytes_AS_STRING(host)
        record.born_address_bytes = <int32_t>PyBytes_GET_SIZE(host) - 4
        record.store_timestamp = self.now()
        record.born_timestamp = send.born_timestamp
        record.flag = send.flag
        record.sys_flag = send.sys_flag
        record.reconsume_times = send.reconsume_times
        record.properties = properties.at
        record.properties_size = <int32_t>properties.size
        first = queue.queue.next
        try:
            self.append(queue, &record, &send, view)
        except RocketMQError:
            # Nothing was appended; the general way will find the same, and can say it.
            return 0
        count = <Py_ssize_t>(queue.queue.next - first)
        if queue.turn != self.turn_number:
            queue.turn = self.turn_number
            self.turn.touched.append(queue)
        channel.peer_codec = view.codec
        if head.flag & ONEWAY_FLAG:
            return 1
        reserve(&part.numbers, 5)
        reserve(&part.answers, send_answer_room(count, key.size))
        put_send_answer(
            &part.answers, view.codec, head.opaque, queue.queue, first, count,
            <const uint8_t *>PyBytes_AS_STRING(self.log.host), PyBytes_GET_SIZE(self.log.host), &key,
        )
        put_i32(&part.numbers, head.opaque)
        put_u8(&part.numbers, <uint8_t>view.codec)
        return 1

    cdef int append(self, ServedQueue queue, Record *record, const SendRequest *send, const FrameView *view) except -1:
        cdef Py_ssize_t count
        if send.batch:
            self.log.put_batch(queue.queue, record, view.body, view.body_size, &count)
            self.batches += 1
        else:
            record.body = <const char *>view.body
            record.body_size = <int32_t>view.body_size
            self.log.put(queue.queue, record)
            self.sends += 1
        return 0

    cdef int join(self, const SendRequest *send, Text *text, Text *unique_key) except -1:
        """The properties of a single message with what is added, and the unique key; 0 for the general way."""
        cdef Output *room = &self.properties
        cdef Py_ssize_t added = PyBytes_GET_SIZE(self.added)
        cdef Py_ssize_t size = 0
        cdef uint8_t raw[16]
        room.at = room.start
        if send.properties is not NULL:
            if send.properties.value.size > INT32_MAX // 2:
                return 0
            reserve(room, send.properties.value.size + added + UNIQUE_KEY_PIECE + 1)
            size = put_unescaped(send.properties, room.at)
            if size < 0:
                return 0
        else:
            reserve(room, added + UNIQUE_KEY_PIECE + 1)
        text.at = <const char *>room.start
        text.size = size
        if not is_usual(text, unique_key) or not is_json_plain(unique_key.at, unique_key.size):
            return 0
        if send.batch:
            return 1
        room.at += size
        if size and (room.at - 1)[0] != PROPERTY_SEPARATOR:
            put_u8(room, PROPERTY_SEPARATOR)
        put_bytes(room, PyBytes_AS_STRING(self.added), added)
        if unique_key.size == 0:
            fill_unique_id(raw)
            put_bytes(room, b"UNIQ_KEY\x01", 9)
            put_hex16(room.at, raw)
            unique_key.at = <const char *>room.at
            unique_key.size = 32
            room.at += 32
            put_u8(room, PROPERTY_SEPARATOR)
        text.size = written(room)
        return text.size <= STORED_PROPERTIES_LIMIT

    cdef int take_pull(self, RequestChannel channel, const FrameView *view, const RequestHead *head) except -1:
        cdef PullRequest pull
        cdef Selection selection
        cdef ServedTopic topic
        cdef TagCodes tags
        cdef Py_ssize_t bytes_limit = self.max_pull_bytes
        cdef Py_ssize_t count = self.max_pull_messages
        if not read_pull(head, &pull) or head.flag & ONEWAY_FLAG:
            return 0
        topic = self.find(&pull.topic)
        if topic is None or not 0 <= pull.queue_id < topic.read_queues:
            return 0
        if 0 < pull.max_bytes < bytes_limit:
            bytes_limit = <Py_ssize_t>pull.max_bytes
        if pull.max_messages < count:
            count = <Py_ssize_t>pull.max_messages if pull.max_messages > 0 else 1
        group = ascii_of(&pull.group)
        name = ascii_of(&pull.topic)
        try:
            tags, accept = self.chosen(
                group, name, pull.sys_flag, ascii_of(&pull.subscription), ascii_of(&pull.expression_type),
                pull.sub_version,
            )
        except Exception:
            # The general way comes to the same, and can say it.
            return 0
        begin_selection(&selection)
        try:
            self.log.select(
                self.queue_of(topic, pull.queue_id).queue, pull.offset, count, bytes_limit, tags, accept,
                MOST_SCANNED, &selection,
            )
            if selection.status != CUT_FOUND:
                return 0
            if pull.sys_flag & PULL_COMMITS and pull.commit_offset >= 0:
                self.committed_offset(group, name, pull.queue_id, pull.commit_offset)
            put_pull_answer(&channel.out, view.codec, head.opaque, &selection)
        finally:
            end_selection(&selection)
        self.pulls += 1
        channel.peer_codec = view.codec
        channel.frame_written(False)
        channel.hold_if_full()
        return 1


cdef str ascii_of(const Text *text):
    return None if text.at is NULL else text.at[:text.size].decode("ascii")
