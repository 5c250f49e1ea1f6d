from libc.stdint cimport int32_t, uint64_t

from pyrocketmq._native.connection cimport Connection
from pyrocketmq._native.message cimport Message
from pyrocketmq._native.room cimport InLine, Room
from pyrocketmq._native.sending cimport SendEncoder, SendFields

cdef enum:
    CODE_SUCCESS = 0


cdef class SendLink:
    cdef readonly str name
    cdef public str address
    cdef public object owner  # what it is made of, for those who use it otherwise
    cdef readonly SendEncoder encoder
    cdef Connection _connection
    cdef public double rests_until  # on the monotonic clock; 0 when nothing is held against it
    cdef public Py_ssize_t max_in_flight
    cdef readonly Py_ssize_t in_flight
    cdef readonly Py_ssize_t unconfirmed  # one-way sends that no marked one has confirmed yet
    cdef Py_ssize_t unmarked  # of these, the ones since the last mark
    cdef Py_ssize_t handed  # one-way sends of other threads that the loop has not seen
    cdef public Py_ssize_t oneway_limit  # how many there may be, as far as the broker keeps up
    cdef double oneway_least  # seconds of the quickest confirmation
    cdef list waiting  # futures of one-way sends that wait for a mark

    cdef bint is_there(self) noexcept
    cdef bint has_room(self) noexcept
    cdef bint is_usable(self, double now) noexcept
    cdef Py_ssize_t oneway_room(self, Py_ssize_t window) noexcept
    cpdef bint is_oneway_full(self, Py_ssize_t window)
    cpdef object pace(self, double seconds, Py_ssize_t window)
    cdef bint is_full(self, double now) noexcept


cdef class SendTarget:
    cdef readonly SendLink link
    cdef readonly bint is_only  # there is no other broker to try
    cdef readonly int32_t queue_id
    cdef readonly object queue
    cdef readonly object shown  # the queue as the results of sends name it
    cdef readonly str topic  # as brokers know it; None where messages have it so

    cdef int put_topic(self, SendFields *fields) except -1


cdef class SendTargets:
    cdef readonly tuple targets
    cdef readonly object route
    cdef public double valid_until
    cdef Py_ssize_t next_at


cdef class SendTable(Room):
    cdef dict topics
    cdef str last_topic
    cdef SendTargets last
    cdef public bint is_plain
    cdef public bint is_closed
    cdef public bint takes_not_ok
    cdef public double timeout
    cdef public Py_ssize_t retries
    cdef public double least_share
    cdef public double slow_after
    cdef public Py_ssize_t compress_over
    cdef public Py_ssize_t oneway_window
    cdef public object general
    cdef public object general_oneway
    cdef public object renew
    cdef public object warm_up
    cdef public object try_again
    cdef public object take_over
    cdef public object take_over_oneway
    cdef public object on_latency
    cdef readonly uint64_t sent
    cdef readonly uint64_t sent_bytes
    cdef readonly uint64_t not_confirmed
    cdef readonly uint64_t oneway
    cdef dict warming  # the Warming of each topic whose first queues are looked for
    cdef SendLink avoided  # not looked at while another broker is looked for
    cdef SendLink full  # one that the last look for a queue found open and without room

    cdef SendTarget find(self, Message message, double now)
    cdef SendTarget find_resting(self, SendTargets targets)
    cdef bint is_simple(self, Message message) except -1
    cdef SendTarget find_other(self, Message message, double now, SendLink avoided)
    cdef double share(self, SendTarget target, double left, Py_ssize_t tries) noexcept
    cdef bint join_warm_up(self, InLine call) except -1


cdef class Warming:
    cdef object loop
    cdef double until  # those with an earlier deadline do not wait here
    cdef list calls
