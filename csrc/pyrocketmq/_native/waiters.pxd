from cpython.object cimport PyObject
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

cdef enum:
    NO_WAITER = -1
    BUCKETS = 4096  # 64 words of 64 bits
    TICKS_PER_SECOND = 100

# What an answer becomes, or what a slot is used for.
cdef enum Kind:
    FREE
    RESTING  # nobody waits any more, but the number must not be used yet
    COMMAND
    SEND  # the broker's message id is the only one
    SEND_RAW_ID  # id.raw
    SEND_OWNED  # what waits is a SendOwner, which knows the message
    SEND_TEXT_ID  # id.kept is the str
    SEND_BATCH  # id.kept is the list of messages


cdef union SlotId:
    uint8_t raw[16]
    PyObject *kept  # an owned reference


cdef struct Slot:
    PyObject *future  # owned by the list of futures; NULL when the slot is free or resting
    SlotId id
    int64_t due  # the tick at which the wait, or the rest, ends
    int64_t place  # where its frame begins in everything that was ever written to the connection
    int32_t opaque
    int32_t before  # neighbours in its bucket, or among the resting ones
    int32_t after
    float timeout  # seconds, for the text of the error
    uint8_t kind


cdef class Waiters:
    """Who waits for which number, and until when; one request costs the same with 10 others and with 100,000."""

    cdef Slot *slots
    cdef list futures  # by slot; a list, so that the collector of cycles sees them
    cdef int32_t *index  # opaque -> slot, open addressing with linear probing
    cdef int32_t *heads  # of the buckets of the wheel
    cdef uint64_t used[64]  # which buckets have anything
    cdef int32_t capacity
    cdef uint32_t mask
    cdef int shift  # of a 32-bit product, down to a place in the index
    cdef int32_t first_free
    cdef int32_t first_resting
    cdef int32_t last_resting
    cdef readonly Py_ssize_t waiting
    cdef readonly Py_ssize_t resting
    cdef Py_ssize_t sweep_at  # how many may wait before the cancelled ones are looked for
    cdef int64_t passed  # every tick up to here was looked at

    cdef int32_t find(self, int32_t opaque) noexcept
    # The number must not be in use. Steals nothing: takes a reference to the future of its own.
    cdef Slot *add(self, int32_t opaque, object future, Kind kind, int64_t due) except NULL
    # Give the slot back and hand its future over; the caller has read the id before.
    cdef object finish(self, int32_t number)
    # As finish, but the number stays unused until the tick.
    cdef object retire(self, int32_t number, int64_t until)
    # A slot whose wait has ended by the tick, or NO_WAITER; finish or retire it before the next call.
    cdef int32_t next_due(self, int64_t tick) noexcept
    # The first tick at which anything may be due, or -1.
    cdef int64_t first_due(self) noexcept
    cdef void end_rest(self, int32_t number) noexcept
    cdef void end_rests(self, int64_t tick) noexcept
    # Any slot that somebody waits for, or NO_WAITER.
    cdef int32_t any_waiter(self, int32_t start) noexcept
    # Retire the cancelled ones. Called when the table would have to grow.
    cdef Py_ssize_t sweep(self, int64_t until) except -1

    # Nothing waits and this tick is now, so the ticks before it need no look.
    cdef void skip_to(self, int64_t tick) noexcept

    cdef uint32_t home_of(self, int32_t opaque) noexcept
    cdef int grow(self) except -1
    cdef object take_future(self, int32_t number)
    cdef void put_index(self, int32_t opaque, int32_t number) noexcept
    cdef void drop_index(self, int32_t opaque) noexcept
    cdef void unlink(self, Slot *slot) noexcept
    cdef void free_slot(self, int32_t number) noexcept
