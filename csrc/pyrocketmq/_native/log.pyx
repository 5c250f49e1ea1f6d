"""Appends records to segments of memory, keeps the index of each queue, and cuts pull answers from both.

A segment is a block of memory that grows to its capacity, or a file that was mapped. Each record is followed by the
CRC32C of its bytes (big-endian) and holds its own position, so that damage and misplaced bytes are noticed. The owner
writes to files, decides when a segment begins, and says up to where readers may look (`visible`). Not for use from
several threads at once; this module must not know about files, topics as settings, or requests.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_RawFree
from libc.stdint cimport INT32_MAX, int32_t, int64_t, uint8_t
from libc.string cimport memcpy

from pyrocketmq._native.bytesio cimport Cursor, Output, store_be32
from pyrocketmq._native.crc cimport crc32_of, crc32c_of
from pyrocketmq._native.logcut cimport (
    CUT_AT_END,
    CUT_EMPTY,
    CUT_FOUND,
    CUT_NO_MATCH,
    CUT_TOO_LARGE,
    CUT_TOO_SMALL,
    Cut,
    Piece,
    Selection,
    begin_selection,
    copy_selection,
    end_selection,
    more_pieces,
)
from pyrocketmq._native.logqueue cimport Entry, Horizon, LogQueue, TagCodes, tags_code_in
from pyrocketmq._native.logrecord cimport (
    fill,
    refuse_body,
    refuse_change,
    refuse_dropped,
    refuse_properties,
    take_batch_record,
)
from pyrocketmq._native.logsegment cimport CRC_BYTES, Segment, is_intact, mapped_segment, new_segment
from pyrocketmq._native.properties cimport STORED_PROPERTIES_LIMIT, parse_properties
from pyrocketmq._native.record cimport NO_FAULT, Record, host_of, put_record, read_record, record_bytes

from pyrocketmq.errors import StoreError

__all__ = ["RecordLog"]

cdef extern from "Python.h":
    object PyMemoryView_FromMemory(char *memory, Py_ssize_t size, int flags)
    int PyBUF_READ


@cython.final
cdef class RecordLog:
    """The log and its queues.

    `on_full(need)` is called when an append needs `need` more bytes than are left, and has to begin a segment.
    `on_damage(position, topic, queue_id, queue_offset)` is told once of each message that was found damaged.
    """

    def __cinit__(self, store_host=("127.0.0.1", 10911), on_full=None, on_damage=None):
        self.horizon = Horizon.__new__(Horizon)
        self.segments_ = []
        self.topics_ = {}
        self.ignored = {}
        self.host = host_of(store_host, "store_host")
        self.on_full = on_full
        self.on_damage = on_damage

    def __dealloc__(self):
        PyMem_RawFree(self.spare)

    # ---- where the log begins and ends ----

    @property
    def start(self):
        """Position of the oldest byte that is still there."""
        return (<Segment>self.segments_[0]).base if self.segments_ else self.end

    @property
    def visible(self):
        """The position from which on readers see nothing yet."""
        return self.horizon.visible

    @visible.setter
    def visible(self, int64_t position):
        self.horizon.visible = position

    @property
    def segments(self):
        """The segments, oldest first."""
        return tuple(self.segments_)

    @property
    def room(self):
        """Bytes that can be appended before `on_full` is called."""
        return self.active.capacity - self.active.used if self.active is not None else 0

    @property
    def store_host(self):
        """Address and port of this broker, as they are packed into new records."""
        return self.host

    @store_host.setter
    def store_host(self, host):
        self.host = host_of(host, "store_host")

    cdef int check_quiet(self) except -1:
        if self.reading:
            refuse_change()
        return 0

    def begin_segment(
        self, int64_t base, Py_ssize_t capacity, bytes content=None, Py_ssize_t header_bytes=0
    ):
        """Begin the segment that takes the appends from now on; it starts with ``content``, header included."""
        cdef Segment segment
        cdef Py_ssize_t size = 0 if content is None else PyBytes_GET_SIZE(content)
        self.check_quiet()
        if base < self.end or size > capacity or not 0 <= header_bytes <= size:
            raise ValueError(f"no segment can begin at {base:,} with {size:,} of {capacity:,} bytes")
        if self.spare is not NULL and self.spare_bytes == capacity:
            segment = new_segment(base, capacity, self.spare)
            self.spare = NULL
        else:
            segment = new_segment(base, capacity, NULL)
        segment.used = size
        segment.header_bytes = header_bytes
        if size:
            memcpy(segment.data, PyBytes_AS_STRING(content), size)
        self.segments_.append(segment)
        self.active = self.recent = segment
        self.end = base + size
        return segment

    def attach_segment(self, int64_t base, data, Py_ssize_t header_bytes=0):
        """Add a file of the log that is complete; ``data`` is kept as it is and checked when it is read."""
        cdef Segment segment
        self.check_quiet()
        if base < self.end:
            raise ValueError(f"no segment can begin at {base:,}, the log goes up to {self.end:,}")
        segment = mapped_segment(base, data, header_bytes)
        self.segments_.append(segment)
        self.active = None
        self.recent = segment
        self.end = base + segment.used
        return segment

    def replace_by_map(self, Segment segment not None, data):
        """Let a complete segment be read from ``data``, which maps its file, and take its memory back."""
        self.check_quiet()
        cdef Segment mapped = mapped_segment(segment.base, data, segment.header_bytes)
        cdef Py_ssize_t index = self.segments_.index(segment)
        if mapped.used < segment.used:
            raise ValueError(f"the file has {mapped.used:,} bytes, the segment {segment.used:,}")
        mapped.used = segment.used
        mapped.last_store_time = segment.last_store_time
        self.segments_[index] = mapped
        if segment is self.active:
            self.active = None
        self.recent = mapped
        self.reuse(segment)
        return mapped

    cdef void reuse(self, Segment segment) noexcept:
        """Let a segment go; its memory, which the system has filled with pages already, serves the next one."""
        if not segment.mapped:
            PyMem_RawFree(self.spare)
            self.spare, self.spare_bytes = segment.data, segment.capacity
            segment.data = NULL
        segment.let_go()

    def drop_before(self, int64_t base):
        """Forget the segments that begin before ``base``, and what the queues had in them."""
        cdef LogQueue queue
        self.check_quiet()
        dropped = [segment for segment in self.segments_ if (<Segment>segment).base < base]
        if not dropped:
            return 0
        self.segments_ = self.segments_[len(dropped):]
        if self.active in dropped:
            self.active = None
        self.recent = self.segments_[len(self.segments_) - 1] if self.segments_ else None
        for segment in dropped:
            self.reuse(<Segment>segment)
        for queues in self.topics_.values():
            for queue in queues.values():
                queue.forget_before(self.start)
        return len(dropped)

    def take_back(self, int64_t position):
        """Forget the records from ``position`` on, which lies in the segment that takes the appends."""
        cdef LogQueue queue
        self.check_quiet()
        if self.active is None or not self.active.base <= position <= self.end:
            raise ValueError(f"position {position:,} is not in the active segment")
        for queues in self.topics_.values():
            for queue in queues.values():
                queue.forget_from(position)
        self.active.used = <Py_ssize_t>(position - self.active.base)
        self.end = position

    def bytes_from(self, int64_t position):
        """The bytes of the active segment from ``position`` on, in place: valid until the log is next changed."""
        if self.active is None or not self.active.base <= position <= self.end:
            raise ValueError(f"position {position:,} is not in the active segment")
        return PyMemoryView_FromMemory(
            <char *>self.active.data + (position - self.active.base), self.end - position, PyBUF_READ
        )

    # ---- queues ----

    def queue(self, str topic not None, int32_t queue_id):
        """The queue, made when it is first asked for."""
        return self.find_or_make(topic.encode(), queue_id)

    def find_queue(self, str topic not None, int32_t queue_id):
        """The queue if there is one, else None."""
        queues = self.topics_.get(topic.encode("utf-8", "replace"))
        return None if queues is None else queues.get(queue_id)

    def queues(self):
        """All queues."""
        return [queue for queues in self.topics_.values() for queue in queues.values()]

    def topics(self):
        """The topics that have queues."""
        return [topic.decode("utf-8", "replace") for topic in self.topics_]

    def drop_topic(self, str topic not None):
        """Forget the queues of a topic; a topic of this name starts anew. Its records go with their segments."""
        self.check_quiet()
        cdef bytes name = topic.encode()
        for queue in self.topics_.pop(name, {}).values():
            (<LogQueue>queue).forget_all(0)
            (<LogQueue>queue).dropped = True
        self.ignored[name] = self.end

    @property
    def ignored_topics(self):
        """Deleted topics, and the position up to which the log may have records of them."""
        return {name.decode("utf-8", "replace"): position for name, position in self.ignored.items()}

    def ignore_topic(self, str topic not None, int64_t position):
        """Say, before the log is read, that records of a topic before this position are those of a deleted one."""
        self.ignored[topic.encode()] = position

    def start_queue(self, str topic not None, int32_t queue_id, int64_t next_offset):
        """Let a queue go on at an offset that its records, which may be gone, do not show."""
        cdef LogQueue queue = self.find_or_make(topic.encode(), queue_id)
        if queue.first == queue.next and next_offset > queue.next:
            queue.forget_all(next_offset)

    cdef LogQueue find(self, const char *topic, Py_ssize_t size, int32_t queue_id):
        queues = self.topics_.get(PyBytes_FromStringAndSize(topic, size))
        return None if queues is None else <LogQueue>queues.get(queue_id)

    cdef LogQueue find_or_make(self, bytes topic, int32_t queue_id):
        cdef dict queues = <dict>self.topics_.get(topic)
        cdef LogQueue queue
        if queues is None:
            queues = {}
            self.topics_[topic] = queues
        found = queues.get(queue_id)
        if found is None:
            queue = LogQueue.__new__(LogQueue, self.horizon, topic.decode("utf-8", "replace"), queue_id)
            queue.topic_bytes = topic
            queues[queue_id] = queue
            return queue
        return <LogQueue>found

    # ---- appending ----

    cdef int make_room(self, Py_ssize_t size) except -1:
        self.check_quiet()
        if self.active is not None and self.active.capacity - self.active.used >= size:
            return 0
        if self.on_full is not None:
            self.on_full(size)
        if self.active is None or self.active.capacity - self.active.used < size:
            raise StoreError(f"the log has no segment with room for {size:,} bytes", advice="begin one in on_full")
        return 0

    # hot: begin, at most 6
    cdef int put(self, LogQueue queue, Record *record) except -1:
        cdef Output output
        cdef Py_ssize_t size
        cdef Segment segment
        if queue.dropped:
            refuse_dropped(queue)
        if record.properties_size > STORED_PROPERTIES_LIMIT:
            refuse_properties(record.properties_size)
        record.topic = PyBytes_AS_STRING(queue.topic_bytes)
        record.topic_size = <int32_t>PyBytes_GET_SIZE(queue.topic_bytes)
        record.store_host = <const uint8_t *>PyBytes_AS_STRING(self.host)
        record.store_address_bytes = <int32_t>PyBytes_GET_SIZE(self.host) - 4
        record.queue_id = queue.queue_id
        record.body_crc = crc32_of(<const uint8_t *>record.body, record.body_size, 0) & INT32_MAX
        size = record_bytes(record)
        segment = self.active
        if self.reading or segment is None or segment.capacity - segment.used < size + CRC_BYTES:
            self.make_room(size + CRC_BYTES)
            segment = self.active
        queue.make_room(1)
        record.queue_offset = queue.next
        record.commit_log_offset = self.end
        record.store_size = <int32_t>size
        record.start = output.start = output.at = segment.data + segment.used
        output.end = segment.data + segment.capacity
        put_record(&output, record)
        store_be32(output.at, crc32c_of(record.start, size, 0))
        segment.used += size + CRC_BYTES
        segment.last_store_time = record.store_timestamp
        queue.push(
            self.end,
            <int32_t>size,
            tags_code_in(record.properties, record.properties_size),
            record.store_timestamp,
        )
        self.end += size + CRC_BYTES
        return 0
    # hot: end

    def append(
        self,
        LogQueue queue not None,
        bytes body not None,
        bytes properties not None=b"",
        *,
        int64_t store_timestamp,
        int64_t born_timestamp=0,
        bytes born_host=None,
        int32_t flag=0,
        int32_t sys_flag=0,
        int32_t reconsume_times=0,
        int64_t prepared_transaction_offset=0,
    ):
        """Append a message; (queue offset, position) of its record.

        The properties are the text as it is stored. ``born_host`` is from ``pack_host``, the store host if None;
        the host bits of ``sys_flag`` follow from the hosts.
        """
        cdef Record record
        fill(
            &record, self.host if born_host is None else born_host,
            store_timestamp, born_timestamp, flag, sys_flag, reconsume_times, prepared_transaction_offset,
        )
        if PyBytes_GET_SIZE(body) > INT32_MAX or PyBytes_GET_SIZE(properties) > INT32_MAX:
            refuse_body(PyBytes_GET_SIZE(body), PyBytes_GET_SIZE(properties))
        record.body = PyBytes_AS_STRING(body)
        record.body_size = <int32_t>PyBytes_GET_SIZE(body)
        record.properties = PyBytes_AS_STRING(properties)
        record.properties_size = <int32_t>PyBytes_GET_SIZE(properties)
        self.put(queue, &record)
        return record.queue_offset, record.commit_log_offset

    cdef int put_batch(
        self,
        LogQueue queue,
        Record *record,
        const uint8_t *batch,
        Py_ssize_t size,
        Py_ssize_t *count,
    ) except -1:
        cdef Cursor cursor = Cursor(batch, size)
        cdef Py_ssize_t need = 0
        count[0] = 0
        record.topic_size = <int32_t>PyBytes_GET_SIZE(queue.topic_bytes)
        record.store_address_bytes = <int32_t>PyBytes_GET_SIZE(self.host) - 4
        while cursor.left:
            take_batch_record(&cursor, record, size)
            need += record_bytes(record) + CRC_BYTES
            count[0] += 1
        # Space for all first, so that nothing can stop half way; a batch does not cross segments.
        self.make_room(need)
        queue.make_room(count[0] + 1)
        cursor = Cursor(batch, size)
        while cursor.left:
            take_batch_record(&cursor, record, size)
            self.put(queue, record)
        return 0

    def append_batch(
        self,
        LogQueue queue not None,
        bytes batch not None,
        *,
        int64_t store_timestamp,
        int64_t born_timestamp=0,
        bytes born_host=None,
        int32_t sys_flag=0,
        int32_t reconsume_times=0,
    ):
        """Append the messages of a batch body, all or none; (first queue offset, number of messages).

        Where the records lie, `LogQueue.positions` tells.

        Raises:
            DeserializationError: the body is no batch body.
        """
        cdef Record record
        cdef int64_t first = queue.next
        cdef Py_ssize_t count
        fill(
            &record, self.host if born_host is None else born_host, store_timestamp, born_timestamp, 0, sys_flag,
            reconsume_times, 0,
        )
        self.put_batch(
            queue, &record, <const uint8_t *>PyBytes_AS_STRING(batch), PyBytes_GET_SIZE(batch), &count
        )
        return first, count

    # ---- reading ----

    cdef Segment segment_at(self, int64_t position):
        """The segment that a position lies in; None if it is gone or was never written."""
        cdef Segment segment = self.recent
        cdef Py_ssize_t low = 0, high, middle
        if segment is not None and segment.base <= position < segment.base + segment.used:
            return segment
        high = len(self.segments_)
        while low < high:
            middle = (low + high) >> 1
            segment = <Segment>self.segments_[middle]
            if segment.base + segment.used <= position:
                low = middle + 1
            else:
                high = middle
        if low == len(self.segments_):
            return None
        segment = <Segment>self.segments_[low]
        if position < segment.base:
            return None
        self.recent = segment
        return segment

    cdef const uint8_t *fetch(self, LogQueue queue, int64_t offset, Entry *entry) except? NULL:
        """The record of an entry in place; NULL when it was damaged, which is told and remembered."""
        cdef Segment segment = self.segment_at(entry.position)
        cdef const uint8_t *at
        if segment is not None:
            at = segment.data + (entry.position - segment.base)
            if not segment.mapped or is_intact(segment, at, entry, offset, queue.queue_id):
                return at
        self.lose(queue, offset, entry)
        return NULL

    cdef int lose(self, LogQueue queue, int64_t offset, Entry *entry) except -1:
        cdef int64_t position = entry.position
        entry.size = 0
        self.damaged += 1
        if self.on_damage is not None:
            self.on_damage(position, queue.topic, queue.queue_id, offset)
        return 0

    def read_at(self, int64_t position):
        """The record at a position, as an offset message id names it; None if no visible record begins there."""
        cdef Segment segment
        cdef Cursor cursor
        cdef Record record
        cdef LogQueue queue
        cdef Entry *entry
        if position < 0 or position >= self.horizon.visible:
            return None
        segment = self.segment_at(position)
        if segment is None:
            return None
        cursor.at = segment.data + (position - segment.base)
        cursor.left = segment.used - <Py_ssize_t>(position - segment.base)
        # Bytes inside of a body may look like a record: only what the index knows is one.
        if read_record(&cursor, &record) != NO_FAULT or record.commit_log_offset != position:
            return None
        queue = self.find(record.topic, record.topic_size, record.queue_id)
        if queue is None or not queue.first <= record.queue_offset < queue.next:
            return None
        entry = queue.entry_at(record.queue_offset)
        if entry.position != position or entry.size == 0 or self.fetch(queue, record.queue_offset, entry) is NULL:
            return None
        return PyBytes_FromStringAndSize(<const char *>record.start, entry.size)

    cdef int select(
        self,
        LogQueue queue,
        int64_t offset,
        Py_ssize_t max_messages,
        Py_ssize_t max_bytes,
        TagCodes codes,
        object accept,
        Py_ssize_t max_scan,
        Selection *out,
    ) except -1:
        cdef int64_t end = queue.visible_end()
        cdef int64_t stop
        cdef Entry *entry
        cdef const uint8_t *at
        out.min_offset = queue.first if queue.first < end else end
        out.max_offset = end
        out.next_offset = offset
        if end == 0 and offset != 0:
            out.status, out.next_offset = CUT_EMPTY, 0
        elif offset < out.min_offset:
            out.status, out.next_offset = CUT_TOO_SMALL, out.min_offset
        elif offset > end:
            out.status, out.next_offset = CUT_TOO_LARGE, end
        elif offset == end:
            out.status = CUT_AT_END
        else:
            out.status = CUT_NO_MATCH
        if out.status != CUT_NO_MATCH:
            return 0
        stop = end if end - offset <= max_scan else offset + (max_scan if max_scan > 0 else 1)
        # hot: begin, at most 5
        while offset < stop:
            entry = queue.entry_at(offset)
            if entry.size and (codes is None or codes.has(entry.tags_code)):
                if out.count and (out.count >= max_messages or out.total + entry.size > max_bytes):
                    break
                at = self.fetch(queue, offset, entry)
                if at is not NULL and (accept is None or self.accepts(accept, at, entry.size)):
                    if out.count == out.room:
                        more_pieces(out)
                    out.pieces[out.count] = Piece(at, entry.size)
                    out.count += 1
                    out.total += entry.size
            offset += 1
        # hot: end
        out.next_offset = offset
        if out.count:
            out.status = CUT_FOUND
        return 0

    cdef bint accepts(self, object accept, const uint8_t *at, int32_t size) except -1:
        cdef Cursor cursor = Cursor(at, size)
        cdef Record record
        if read_record(&cursor, &record) != NO_FAULT:
            return False
        self.reading += 1
        try:
            return bool(accept(parse_properties(record.properties, record.properties_size)))
        finally:
            self.reading -= 1

    def cut(
        self,
        LogQueue queue not None,
        int64_t offset,
        Py_ssize_t max_messages=32,
        Py_ssize_t max_bytes=262144,
        TagCodes tags=None,
        accept=None,
        Py_ssize_t max_scan=16000,
    ):
        """The messages from ``offset`` on, records back to back: at least one if any matches, whatever its size.

        Args:
            queue: where to read.
            offset: the first queue offset to look at.
            max_messages: bound on the messages of the answer.
            max_bytes: bound on its bytes, from the second message on.
            tags: the codes of the tags to keep, None for all.
            accept: a further filter, called with the properties of each message as a dict.
            max_scan: bound on the messages to look at.
        """
        cdef Selection selection
        cdef Cut cut = Cut.__new__(Cut)
        begin_selection(&selection)
        try:
            self.select(queue, offset, max_messages, max_bytes, tags, accept, max_scan, &selection)
            cut.status_ = selection.status
            cut.count = selection.count
            cut.next_offset = selection.next_offset
            cut.min_offset = selection.min_offset
            cut.max_offset = selection.max_offset
            cut.data = PyBytes_FromStringAndSize(NULL, selection.total)
            copy_selection(&selection, <uint8_t *>PyBytes_AS_STRING(cut.data))
        finally:
            end_selection(&selection)
        return cut
