"""Room for sends: how many may be under way at once, and the line of those that wait for it.

It knows deadlines and sizes; it must not know where a send goes, nor how. Used on one event loop.
"""

from pyrocketmq._native.channel cimport SendOwner, set_error, twin_of
from pyrocketmq._native.monotonic cimport coarse_monotonic, monotonic

from asyncio import get_running_loop
from collections import deque

__all__ = []

cdef double NEVER = float("inf")
cdef double SWEEP_SECONDS = 0.02  # between two looks at who has waited too long


cdef class InLine(SendOwner):
    """A send that may have to wait; what it is decides what it does then."""

    cdef double deadline(self) noexcept:
        return NEVER

    cdef int wait(self, object loop) except -1:
        return 0

    cdef bint let_in(self, double now) except -1:
        return True

    cdef int leave_to_general_way(self) except -1:
        return 0


cdef class Room:
    """Who may be under way, and who waits, in the order of arrival."""

    def __cinit__(self):
        self.line = deque()
        self.max_in_flight = self.max_in_flight_bytes = (<Py_ssize_t>1) << 62

    @property
    def waiting(self):
        """How many sends wait."""
        return len(self.line)

    def take(self, Py_ssize_t size):
        """Count a send that goes the general way, if there is room and nobody waits; `give` ends that."""
        if self.line or not self.fits():
            return False
        self.in_flight += 1
        self.in_flight_bytes += size
        return True

    def take_back(self, Py_ssize_t size):
        """Count a send once more that goes on in another way; it need not wait for room."""
        self.in_flight += 1
        self.in_flight_bytes += size

    def take_later(self, future not None, Py_ssize_t size):
        """Have a future resolved when there is room, which it has taken then."""
        self.enqueue((future, size), NEVER)

    def give(self, Py_ssize_t size):
        """End what `take` or `take_later` began."""
        self.release(size)

    def end_waiting(self, error not None):
        """End the sends that wait."""
        line, self.line = self.line, deque()
        self.mixed = 0
        for item in line:
            set_error((<InLine>item).future if isinstance(item, InLine) else item[0], error)

    cdef int forget(self) except -1:
        """Forget those under way and those that wait, none of which will ever end in this process."""
        self.in_flight = self.in_flight_bytes = self.mixed = 0
        self.line = deque()
        return 0

    cdef bint fits(self) noexcept:
        """True while another send may begin; one alone may be larger than the limit."""
        return self.in_flight < self.max_in_flight and self.in_flight_bytes < self.max_in_flight_bytes

    cdef void leave(self, Py_ssize_t size) noexcept:
        self.in_flight -= 1
        self.in_flight_bytes -= size

    cdef int release(self, Py_ssize_t size) except -1:
        self.leave(size)
        return self.let_in() if self.line else 0

    cdef int enqueue(self, object item, double deadline, bint is_first=False) except -1:
        """Let a send wait for room."""
        if not self.line or deadline < self.due:
            self.due = deadline
        self.mixed += is_odd(item)
        if is_first:
            self.line.appendleft(item)
        else:
            self.line.append(item)
        if not self.is_sweeping:
            self.sweep_later()
        return 0

    cdef int sweep_later(self) except -1:
        get_running_loop().call_later(SWEEP_SECONDS, self.sweep)
        self.is_sweeping = True
        return 0

    cdef object first_waiting(self):
        item = self.line.popleft()
        self.mixed -= is_odd(item)
        return item

    cdef int let_in(self) except -1:
        """Give room to those who wait for it, as far as it goes."""
        cdef double now = coarse_monotonic()
        while self.line and self.fits():
            item = self.first_waiting()
            if isinstance(item, InLine):
                is_in = False
                try:
                    is_in = (<InLine>item).let_in(now)
                finally:
                    # What a signal handler raises may come before it is written.
                    if not is_in and not (<InLine>item).is_written:
                        self.line.appendleft(item)
                        self.mixed += is_odd(item)
                if not is_in:
                    break
                continue
            future, size = item
            if not future.done():
                self.in_flight += 1
                self.in_flight_bytes += size
                future.set_result(None)
        return 0

    def sweep(self):
        """End the sends that have waited too long for room; those of the general way have clocks of their own."""
        cdef double now = monotonic()
        self.is_sweeping = False
        try:
            if self.line and self.due <= now:
                self.refuse_late(self.take_late(now))
            self.let_in()
        finally:
            if self.line and not self.is_sweeping:
                self.sweep_later()

    cdef list take_late(self, double now):
        """Take those out of the line that have waited too long."""
        cdef list late = []
        cdef InLine call
        if self.mixed == 0:
            # All have the same time, so they are in the order of their deadlines.
            while self.line:
                call = <InLine>self.line[0]
                self.due = call.deadline()
                if not call.future.done():
                    if self.due > now:
                        break
                    late.append(call)
                self.line.popleft()
            return late
        waiting, self.line = self.line, deque()
        self.mixed = 0
        self.due = NEVER
        for item in waiting:
            if not isinstance(item, InLine):
                self.line.append(item)
                self.mixed += 1
                continue
            call = <InLine>item
            if call.future.done():
                continue
            if call.deadline() <= now:
                late.append(call)
                continue
            self.due = min(self.due, call.deadline())
            self.mixed += is_odd(call)
            self.line.append(call)
        return late

    cdef int refuse_late(self, list late) except -1:
        """Tell many at a time: what the error says is found out once for those of one time-out."""
        cdef InLine call
        cdef dict errors = {}
        counts = {}
        for item in late:
            call = <InLine>item
            if call.past is None:
                counts[call.timeout] = counts.get(call.timeout, 0) + 1
        for timeout, count in counts.items():
            errors[timeout] = self.refuse(timeout, count)
        for item in late:
            call = <InLine>item
            if call.past is None:
                set_error(call.future, twin_of(errors[call.timeout]))
            else:
                call.leave_to_general_way()
        return 0


cdef bint is_odd(object item) noexcept:
    """True for one that may have to leave the line before those in front of it."""
    return not isinstance(item, InLine) or (<InLine>item).timeout != 0 or (<InLine>item).past is not None
