from libc.stdint cimport uint64_t

from pyrocketmq._native.message cimport Message
from pyrocketmq._native.parcel cimport Parcel, ParcelOwner


cdef enum:
    # How much a thread may have closed before it lets the loop send it: more would only leave the cache.
    PACE_BYTES = 1048576


cdef class Pile:
    cdef readonly str topic
    cdef readonly str wire_topic
    cdef readonly object queue
    cdef readonly bint ordered
    cdef readonly bint alone
    cdef Parcel open
    cdef object waiting
    cdef bint busy
    cdef Py_ssize_t last_bytes  # size of the parcel before the open one


cdef class Accumulator(ParcelOwner):
    cdef double linger_s
    cdef Py_ssize_t batch_bytes
    cdef Py_ssize_t batch_count
    cdef Py_ssize_t buffer_bytes
    cdef Py_ssize_t buffer_messages
    cdef Py_ssize_t max_message_bytes
    cdef readonly Py_ssize_t held_bytes  # of messages that were taken and are not done
    cdef readonly Py_ssize_t held_messages
    cdef readonly uint64_t taken  # messages so far
    cdef Py_ssize_t fresh_bytes  # closed since the loop looked last
    cdef public bint is_special  # no message may take the short way
    cdef uint64_t turned_at  # what was taken when the loop has looked last
    cdef bint turn_due
    cdef bint ignored  # somebody did not wait for room
    cdef bint woken
    cdef bint lingering
    cdef bint wants_timer
    cdef unsigned long thread
    cdef long forks
    cdef Pile last
    cdef dict piles
    cdef dict queue_piles
    cdef dict open_piles
    cdef readonly object ready
    cdef list ended_parcels
    cdef object loop
    cdef object call_soon
    cdef object run_method
    cdef object linger_method
    cdef uint64_t epoch
    cdef dict outstanding
    cdef list room_futures

    cdef int take(
        self, object item, object body, object tags, object keys, object properties, object on_delivery,
        bint ordered, object queue,
    ) except -1
    cdef bint take_plain(self, Message message) except -1
    cdef bint count(self, Pile pile, Parcel parcel, Py_ssize_t size) except -1
    cdef int put(self, Pile pile, Message message, object on_delivery) except -1
    cdef int open_parcel(self, Pile pile, bint unwaited) except -1
    cdef int close_parcel(self, Pile pile) except -1
    cdef Pile pile_of(self, str topic)
    cdef bint is_usable(self) noexcept
    cdef bint is_full(self) noexcept
    cdef int wake(self) except -1
    cdef int count_in(self, Parcel parcel) except -1
    cdef int count_out(self, uint64_t epoch) except -1
    cdef int call_back(self, Parcel parcel) except -1
    cdef int make_known(self) except -1
