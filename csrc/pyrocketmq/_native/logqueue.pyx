"""The index of one queue of a log: queue offset -> position, size, tags code and store time.

Entries lie in small blocks, so that a queue grows without copying and its old end can be given back. This module
must not know where records are kept.
"""

cimport cython
from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc, PyMem_RawRealloc
from libc.stdint cimport INT32_MAX, INT32_MIN, int32_t, int64_t, uint8_t, uint32_t
from libc.string cimport memmove

from pyrocketmq._native.properties cimport find_property
from pyrocketmq._native.text cimport Text

__all__ = ["Horizon", "LogQueue", "TagCodes", "tags_code_of"]


@cython.final
cdef class Horizon:
    def __cinit__(self):
        self.visible = 0


@cython.final
cdef class LogQueue:
    """One queue of a topic in a `RecordLog`, which makes it; offsets are those that consumers see."""

    def __cinit__(self, Horizon horizon not None, str topic not None, int32_t queue_id, int64_t start=0):
        self.horizon = horizon
        self.topic = topic
        self.topic_bytes = topic.encode()
        self.queue_id = queue_id
        self.first = self.next = start
        self.origin = start & ~<int64_t>(CHUNK - 1)

    def __dealloc__(self):
        cdef Py_ssize_t index
        for index in range(self.chunk_count):
            PyMem_RawFree(self.chunks[index])
        PyMem_RawFree(self.chunks)

    def __repr__(self):
        return (
            f"LogQueue(topic={self.topic!r}, queue_id={self.queue_id}, min_offset={self.min_offset}, "
            f"max_offset={self.max_offset})"
        )

    @property
    def min_offset(self):
        """The offset of the oldest message that is still there."""
        cdef int64_t end = self.visible_end()
        return self.first if self.first < end else end

    @property
    def max_offset(self):
        """One behind the newest message that readers may see."""
        return self.visible_end()

    @property
    def next_offset(self):
        """The offset that the next message gets; those from max_offset on are not stored safely yet."""
        return self.next

    @property
    def topic_utf8(self):
        """The topic as it stands in records."""
        return self.topic_bytes

    def entry(self, int64_t offset):
        """(position, size, tags code, store time) of a visible message; None outside of the queue or if lost."""
        cdef Entry *entry
        if not self.first <= offset < self.visible_end():
            return None
        entry = self.entry_at(offset)
        return (entry.position, entry.size, entry.tags_code, entry.store_time) if entry.size else None

    def positions(self, int64_t offset, int64_t count):
        """Where the records of these messages lie in the log, visible or not; 0 stands for a lost one."""
        cdef int64_t at
        cdef Entry *entry
        cdef list found = []
        if offset < self.first or count < 0 or count > self.next - offset:
            raise IndexError(f"the queue has {self.first:,} to {self.next:,}, not {count:,} from {offset:,}")
        for at in range(offset, offset + count):
            entry = self.entry_at(at)
            found.append(entry.position if entry.size else 0)
        return found

    def offset_at_time(self, int64_t store_time):
        """The offset of the first message stored at this time (ms) or later; the max offset if there is none.

        Exact as long as the clock never went back.
        """
        cdef int64_t low = self.first
        cdef int64_t high = self.visible_end()
        cdef int64_t middle
        while low < high:
            middle = low + ((high - low) >> 1)
            if self.entry_at(middle).store_time < store_time:
                low = middle + 1
            else:
                high = middle
        return low

    # hot: begin
    cdef Entry *entry_at(self, int64_t offset) noexcept nogil:
        cdef int64_t index = offset - self.origin
        return &self.chunks[index >> CHUNK_BITS][index & (CHUNK - 1)]

    cdef void push(self, int64_t position, int32_t size, int32_t tags_code, int64_t store_time) noexcept nogil:
        """Add an entry, for which make_room has made room."""
        cdef Entry *entry = self.entry_at(self.next)
        entry.position = position
        entry.size = size
        entry.tags_code = tags_code
        entry.store_time = store_time
        self.next += 1

    cdef int64_t lower_bound(self, int64_t position) noexcept nogil:
        """The offset of the first entry at or behind a position of the log."""
        cdef int64_t low = self.first
        cdef int64_t high = self.next
        cdef int64_t middle
        while low < high:
            middle = low + ((high - low) >> 1)
            if self.entry_at(middle).position < position:
                low = middle + 1
            else:
                high = middle
        return low

    cdef int64_t visible_end(self) noexcept nogil:
        if self.first == self.next or self.entry_at(self.next - 1).position < self.horizon.visible:
            return self.next
        return self.lower_bound(self.horizon.visible)
    # hot: end

    cdef int make_room(self, int64_t count) except -1:
        """Room for `count` more entries, or MemoryError and nothing changed."""
        cdef int64_t need = ((self.next - self.origin + count - 1) >> CHUNK_BITS) + 1
        cdef Py_ssize_t room
        cdef void *block
        if need > self.chunk_room:
            room = self.chunk_room * 2 if self.chunk_room * 2 > need else <Py_ssize_t>need
            block = PyMem_RawRealloc(self.chunks, room * sizeof(Entry *))
            if block is NULL:
                raise MemoryError(f"no memory for the index of {self.topic!r}")
            self.chunks = <Entry **>block
            self.chunk_room = room
        while self.chunk_count < need:
            block = PyMem_RawMalloc(CHUNK * sizeof(Entry))
            if block is NULL:
                raise MemoryError(f"no memory for the index of {self.topic!r}")
            self.chunks[self.chunk_count] = <Entry *>block
            self.chunk_count += 1
        return 0

    cdef int push_holes(self, int64_t count, int64_t position, int64_t store_time) except -1:
        cdef int64_t _made
        self.make_room(count)
        for _made in range(count):
            self.push(position, 0, 0, store_time)
        return 0

    cdef void forget_before(self, int64_t position) noexcept nogil:
        """Drop the entries before a position and give back their blocks."""
        cdef Py_ssize_t index, gone
        self.first = self.lower_bound(position)
        gone = <Py_ssize_t>((self.first - self.origin) >> CHUNK_BITS)
        if gone > self.chunk_count:
            gone = self.chunk_count
        if gone > 0:
            for index in range(gone):
                PyMem_RawFree(self.chunks[index])
            self.chunk_count -= gone
            memmove(self.chunks, self.chunks + gone, self.chunk_count * sizeof(Entry *))
            self.origin += <int64_t>gone << CHUNK_BITS

    cdef void forget_from(self, int64_t position) noexcept nogil:
        """Drop the entries at and behind a position; their offsets are given again."""
        self.next = self.lower_bound(position)

    cdef void forget_all(self, int64_t next_offset) noexcept nogil:
        """Empty the queue; the next message gets this offset."""
        cdef Py_ssize_t index
        for index in range(self.chunk_count):
            PyMem_RawFree(self.chunks[index])
        self.chunk_count = 0
        self.first = self.next = next_offset
        self.origin = next_offset & ~<int64_t>(CHUNK - 1)


@cython.final
cdef class TagCodes:
    """The hash codes of the tags that a subscription asks for, prepared for `RecordLog.cut`."""

    def __cinit__(self, codes):
        cdef list numbers = list(codes)
        cdef Py_ssize_t index
        cdef int64_t number
        self.codes = <int32_t *>PyMem_RawMalloc((len(numbers) or 1) * sizeof(int32_t))
        if self.codes is NULL:
            raise MemoryError("no memory for tag codes")
        for index in range(len(numbers)):
            number = numbers[index]
            if not INT32_MIN <= number <= INT32_MAX:
                raise ValueError(f"the tags code {number:,} is no signed number of 32 bits")
            self.codes[index] = <int32_t>number
        self.count = len(numbers)

    def __dealloc__(self):
        PyMem_RawFree(self.codes)

    def __len__(self):
        return self.count

    def __contains__(self, int32_t code):
        return self.has(code)

    # hot: begin
    cdef bint has(self, int32_t code) noexcept nogil:
        cdef Py_ssize_t index
        for index in range(self.count):
            if self.codes[index] == code:
                return True
        return False
    # hot: end


# hot: begin
cdef int32_t tags_code_in(const char *properties, Py_ssize_t size) noexcept nogil:
    cdef Text value
    if not find_property(properties, size, "TAGS", 4, &value):
        return 0
    return java_hash_of_utf8(<const uint8_t *>value.at, value.size)


cdef int32_t java_hash_of_utf8(const uint8_t *at, Py_ssize_t size) noexcept nogil:
    """String.hashCode of UTF-8 text. What is broken counts as one U+FFFD a byte."""
    cdef uint32_t code = 0
    cdef uint32_t point
    cdef Py_ssize_t done = 0
    cdef int length
    while done < size:
        point = at[done]
        length = 1
        if point >= 0x80:
            point = point_of(at + done, size - done, &length)
        done += length
        if point >= 0x10000:
            point -= 0x10000
            code = code * 31 + 0xD800 + (point >> 10)
            point = 0xDC00 + (point & 0x3FF)
        code = code * 31 + point
    return <int32_t>code
# hot: end


cdef uint32_t point_of(const uint8_t *at, Py_ssize_t left, int *length) noexcept nogil:
    cdef uint32_t lead = at[0]
    cdef uint32_t point, least
    cdef int more, index
    if 0xC2 <= lead <= 0xDF:
        more, point, least = 1, lead & 0x1F, 0x80
    elif 0xE0 <= lead <= 0xEF:
        more, point, least = 2, lead & 0x0F, 0x800
    elif 0xF0 <= lead <= 0xF4:
        more, point, least = 3, lead & 0x07, 0x10000
    else:
        return 0xFFFD
    if left <= more:
        return 0xFFFD
    for index in range(1, more + 1):
        if at[index] & 0xC0 != 0x80:
            return 0xFFFD
        point = point << 6 | (at[index] & 0x3F)
    if point < least or point > 0x10FFFF or 0xD800 <= point <= 0xDFFF:
        return 0xFFFD
    length[0] = more + 1
    return point


def tags_code_of(bytes properties not None):
    """The tags code that the index keeps for a message with this properties text."""
    return tags_code_in(properties, len(properties))
