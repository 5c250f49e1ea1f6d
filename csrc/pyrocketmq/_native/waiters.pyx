"""Who waits for the answer to which request number, with one coarse timer wheel for all deadlines.

A number that timed out or was cancelled rests for a while, so that its late answer cannot reach somebody else.
Knows nothing of bytes, sockets and clocks: time comes in as ticks of 10 ms.
"""

cimport cython
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF, Py_XDECREF
from libc.stdint cimport INT32_MAX, int32_t, int64_t, uint32_t, uint64_t
from libc.string cimport memset

__all__ = []

cdef extern from "Python.h":
    # The owned references are moved by hand: these two change no count.
    PyObject *list_item "PyList_GET_ITEM"(list items, Py_ssize_t at)
    void set_list_item "PyList_SET_ITEM"(list items, Py_ssize_t at, PyObject *item)
    void *PyMem_RawRealloc(void *block, size_t size)
    void *PyMem_RawMalloc(size_t size)
    void PyMem_RawFree(void *block)

cdef extern from *:
    """
    #if defined(_MSC_VER)
    static inline int prmq_lowest_bit(uint64_t word) {
        unsigned long bit;
        _BitScanForward64(&bit, word);
        return (int)bit;
    }
    #else
    static inline int prmq_lowest_bit(uint64_t word) { return __builtin_ctzll(word); }
    #endif
    """
    int lowest_bit "prmq_lowest_bit"(uint64_t word) noexcept nogil

cdef enum:
    FIRST_CAPACITY = 16
    # Resting numbers are worth remembering, but not without bound: the oldest goes first.
    MAX_RESTING = 262144


@cython.final
@cython.no_gc_clear
cdef class Waiters:
    """Slots found by number, linked into the buckets of a wheel by the tick at which their wait ends."""

    def __cinit__(self):
        self.futures = []
        self.first_free = self.first_resting = self.last_resting = NO_WAITER
        self.sweep_at = 1024
        self.passed = -1

    def __dealloc__(self):
        cdef int32_t number
        for number in range(self.capacity):
            if self.slots[number].kind >= SEND_TEXT_ID:
                Py_XDECREF(self.slots[number].id.kept)
        PyMem_RawFree(self.slots)
        PyMem_RawFree(self.index)
        PyMem_RawFree(self.heads)

    # hot: begin
    cdef inline uint32_t home_of(self, int32_t opaque) noexcept:
        # Spread, since numbers come in rows: side by side they would be one long row for drop_index to walk.
        return (<uint32_t>opaque * <uint32_t>0x9E3779B1) >> self.shift

    cdef int32_t find(self, int32_t opaque) noexcept:
        cdef uint32_t at
        cdef int32_t number
        if self.capacity == 0:
            return NO_WAITER
        at = self.home_of(opaque)
        while True:
            number = self.index[at]
            if number == NO_WAITER or self.slots[number].opaque == opaque:
                return number
            at = (at + 1) & self.mask

    cdef void put_index(self, int32_t opaque, int32_t number) noexcept:
        cdef uint32_t at = self.home_of(opaque)
        while self.index[at] != NO_WAITER:
            at = (at + 1) & self.mask
        self.index[at] = number

    cdef void drop_index(self, int32_t opaque) noexcept:
        """Close the gap by moving later ones forward, so that no marks of deleted entries pile up."""
        cdef uint32_t at = self.home_of(opaque)
        cdef uint32_t gap, home
        while self.slots[self.index[at]].opaque != opaque:
            at = (at + 1) & self.mask
        gap = at
        while True:
            at = (at + 1) & self.mask
            if self.index[at] == NO_WAITER:
                break
            home = self.home_of(self.slots[self.index[at]].opaque)
            # It may move when its home is not between the gap and its place, in circular order.
            if ((at - home) & self.mask) >= ((at - gap) & self.mask):
                self.index[gap] = self.index[at]
                gap = at
        self.index[gap] = NO_WAITER

    cdef void unlink(self, Slot *slot) noexcept:
        """Take a slot out of its bucket."""
        cdef int32_t bucket = <int32_t>(slot.due & (BUCKETS - 1))
        if slot.after != NO_WAITER:
            self.slots[slot.after].before = slot.before
        if slot.before != NO_WAITER:
            self.slots[slot.before].after = slot.after
            return
        self.heads[bucket] = slot.after
        if slot.after == NO_WAITER:
            self.used[bucket >> 6] &= ~(<uint64_t>1 << (bucket & 63))

    cdef void free_slot(self, int32_t number) noexcept:
        cdef Slot *slot = &self.slots[number]
        self.drop_index(slot.opaque)
        slot.kind = FREE
        slot.after = self.first_free
        self.first_free = number
    # hot: end

    cdef Slot *add(self, int32_t opaque, object future, Kind kind, int64_t due) except NULL:
        cdef int32_t number, bucket
        cdef Slot *slot
        if self.first_free == NO_WAITER:
            self.grow()
        if due <= self.passed:
            due = self.passed + 1  # its own bucket was looked at already
        number = self.first_free
        slot = &self.slots[number]
        self.first_free = slot.after
        Py_INCREF(future)
        Py_XDECREF(list_item(self.futures, number))
        set_list_item(self.futures, number, <PyObject *>future)
        slot.future = <PyObject *>future
        slot.id.kept = NULL
        slot.due = due
        slot.opaque = opaque
        slot.kind = kind
        self.put_index(opaque, number)
        bucket = <int32_t>(due & (BUCKETS - 1))
        slot.before = NO_WAITER
        slot.after = self.heads[bucket]
        if slot.after != NO_WAITER:
            self.slots[slot.after].before = number
        self.heads[bucket] = number
        self.used[bucket >> 6] |= <uint64_t>1 << (bucket & 63)
        self.waiting += 1
        return slot

    cdef object take_future(self, int32_t number):
        """Take a slot that somebody waits for out of its bucket, and its references out of it."""
        cdef Slot *slot = &self.slots[number]
        cdef object future = <object>slot.future
        Py_INCREF(None)
        set_list_item(self.futures, number, <PyObject *>None)
        Py_XDECREF(slot.future)
        slot.future = NULL
        if slot.kind >= SEND_TEXT_ID:
            Py_XDECREF(slot.id.kept)
            slot.id.kept = NULL
        self.unlink(slot)
        self.waiting -= 1
        return future

    cdef object finish(self, int32_t number):
        cdef object future = self.take_future(number)
        self.free_slot(number)
        return future

    cdef object retire(self, int32_t number, int64_t until):
        cdef Slot *slot = &self.slots[number]
        cdef object future = self.take_future(number)
        slot.kind = RESTING
        slot.due = until
        slot.before = self.last_resting
        slot.after = NO_WAITER
        if self.last_resting == NO_WAITER:
            self.first_resting = number
        else:
            self.slots[self.last_resting].after = number
        self.last_resting = number
        self.resting += 1
        if self.resting > MAX_RESTING:
            self.end_rest(self.first_resting)
        return future

    cdef void end_rest(self, int32_t number) noexcept:
        """Give back a number that rested long enough, or whose answer came after all."""
        cdef Slot *slot = &self.slots[number]
        if slot.before == NO_WAITER:
            self.first_resting = slot.after
        else:
            self.slots[slot.before].after = slot.after
        if slot.after == NO_WAITER:
            self.last_resting = slot.before
        else:
            self.slots[slot.after].before = slot.before
        self.resting -= 1
        self.free_slot(number)

    cdef void end_rests(self, int64_t tick) noexcept:
        # All rest equally long, so the list is in the order of its ends.
        while self.first_resting != NO_WAITER and self.slots[self.first_resting].due <= tick:
            self.end_rest(self.first_resting)

    cdef int32_t next_due(self, int64_t tick) noexcept:
        cdef int64_t at = self.passed + 1
        cdef int32_t bucket, number
        if tick - at >= BUCKETS:
            at = tick - BUCKETS + 1  # one round sees every bucket
        while at <= tick:
            bucket = <int32_t>(at & (BUCKETS - 1))
            if self.used[bucket >> 6] >> (bucket & 63) == 0:
                at = (at | 63) + 1  # nothing in the rest of this word
                continue
            number = self.heads[bucket] if self.capacity else NO_WAITER
            while number != NO_WAITER:
                if self.slots[number].due <= tick:
                    # Nothing before it is due, and the rest of its bucket is looked at again by the next call.
                    self.passed = at - 1
                    return number
                number = self.slots[number].after
            at += 1
        if tick > self.passed:
            self.passed = tick
        return NO_WAITER

    cdef int64_t first_due(self) noexcept:
        cdef int64_t at = self.passed + 1
        cdef int64_t end = at + BUCKETS
        cdef int32_t bucket
        cdef uint64_t word
        if self.waiting == 0:
            return -1
        while at < end:
            bucket = <int32_t>(at & (BUCKETS - 1))
            word = self.used[bucket >> 6] >> (bucket & 63)
            if word:
                return at + lowest_bit(word)
            at = (at | 63) + 1
        return -1

    cdef void skip_to(self, int64_t tick) noexcept:
        if self.waiting == 0 and tick > self.passed:
            self.passed = tick - 1

    cdef int32_t any_waiter(self, int32_t start) noexcept:
        cdef int32_t number
        for number in range(start, self.capacity):
            if self.slots[number].kind > RESTING:
                return number
        return NO_WAITER

    cdef Py_ssize_t sweep(self, int64_t until) except -1:
        cdef Py_ssize_t found = 0
        cdef bint owned
        cdef int32_t number = self.any_waiter(0)
        while number != NO_WAITER:
            if (<object>self.slots[number].future).done():
                owned = self.slots[number].kind == SEND_OWNED
                waiter = self.retire(number, until)
                found += 1
                if owned:
                    waiter.dropped()
            number = self.any_waiter(number + 1)
        self.sweep_at = max(1024, 2 * self.waiting)
        return found

    cdef int grow(self) except -1:
        cdef int32_t old = self.capacity
        cdef int32_t size = old * 2 if old else FIRST_CAPACITY
        cdef int32_t number
        cdef void *block
        if old > INT32_MAX // 8:
            raise MemoryError(f"{old:,} requests are in flight on one connection")
        if self.heads is NULL:
            block = PyMem_RawMalloc(BUCKETS * sizeof(int32_t))
            if block is NULL:
                raise MemoryError("cannot make room for the timer wheel")
            self.heads = <int32_t *>block
            memset(self.heads, 0xFF, BUCKETS * sizeof(int32_t))
        block = PyMem_RawMalloc(<size_t>size * 2 * sizeof(int32_t))
        if block is NULL:
            raise MemoryError(f"cannot make room for {size:,} requests in flight")
        PyMem_RawFree(self.index)
        self.index = <int32_t *>block
        self.mask = <uint32_t>size * 2 - 1
        self.shift = 32
        while (<uint64_t>1 << (32 - self.shift)) <= self.mask:
            self.shift -= 1
        memset(self.index, 0xFF, <size_t>size * 2 * sizeof(int32_t))
        block = PyMem_RawRealloc(self.slots, <size_t>size * sizeof(Slot))
        if block is NULL:
            size = old  # the larger index holds the old slots as well
        else:
            self.slots = <Slot *>block
        for number in range(old):
            if self.slots[number].kind != FREE:
                self.put_index(self.slots[number].opaque, number)
        if size == old:
            raise MemoryError(f"cannot make room for {2 * old:,} requests in flight")
        self.futures.extend([None] * (size - old))
        for number in range(size - 1, old - 1, -1):
            self.slots[number].kind = FREE
            self.slots[number].future = NULL
            self.slots[number].after = self.first_free
            self.first_free = number
        self.capacity = size
        return 0
