from pyrocketmq._native.channel cimport SendOwner
from pyrocketmq._native.message cimport Message


cdef class InLine(SendOwner):
    cdef readonly Message message
    cdef readonly double timeout  # 0 for that of all
    cdef readonly double begun
    cdef readonly double warming  # seconds that it waited for the first queues of its topic
    cdef list past  # tries before this one, or None
    cdef bint is_written  # it is under way, or was

    cdef double deadline(self) noexcept
    # Have a future, since it is not known yet when this is written.
    cdef int wait(self, object loop) except -1
    # There may be room now; false when it has to wait on.
    cdef bint let_in(self, double now) except -1
    # It cannot be written in the quick way, or not in time.
    cdef int leave_to_general_way(self) except -1


cdef class Room:
    cdef object line  # a deque of InLine and (future, size): who waits for room, in the order of arrival
    cdef double due  # none of those in line has to leave it before, unless room comes
    cdef Py_ssize_t mixed  # how many of them are not in the order of their deadlines
    cdef bint is_sweeping
    cdef public object refuse
    cdef public Py_ssize_t max_in_flight
    cdef public Py_ssize_t max_in_flight_bytes
    cdef readonly Py_ssize_t in_flight
    cdef readonly Py_ssize_t in_flight_bytes

    cdef bint fits(self) noexcept
    cdef int forget(self) except -1
    cdef int enqueue(self, object item, double deadline, bint is_first=*) except -1
    cdef int sweep_later(self) except -1
    cdef object first_waiting(self)
    cdef list take_late(self, double now)
    cdef int refuse_late(self, list late) except -1
    # One is done; `let_in` gives its room to those who wait.
    cdef void leave(self, Py_ssize_t size) noexcept
    cdef int release(self, Py_ssize_t size) except -1
    cdef int let_in(self) except -1
