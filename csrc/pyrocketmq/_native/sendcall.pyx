"""One send of the quick way, from its begin to its result; the caller awaits what the connection resolves.

Whatever is out of the ordinary (options, refusals, the last of its tries) it hands to functions of its table.
"""

cimport cython
from cpython.bytes cimport PyBytes_GET_SIZE
from libc.string cimport memcpy

from pyrocketmq._native.answer cimport SendResult
from pyrocketmq._native.channel cimport RequestChannel, set_error
from pyrocketmq._native.message cimport NO_ID, RAW_ID, Message
from pyrocketmq._native.monotonic cimport coarse_monotonic, monotonic
from pyrocketmq._native.room cimport InLine
from pyrocketmq._native.sending cimport SendFields, fill_fields
from pyrocketmq._native.table cimport CODE_SUCCESS, SendLink, SendTable, SendTarget
from pyrocketmq._native.waiters cimport Slot

from asyncio import Future, InvalidStateError

__all__ = ["SendCall"]

cdef extern from "Python.h":
    int PyErr_WarnFormat(object category, Py_ssize_t level, const char *format, ...) except -1

cdef enum:
    FIRST_NOT_OK = 10  # FLUSH_DISK_TIMEOUT, SLAVE_NOT_AVAILABLE, FLUSH_SLAVE_TIMEOUT
    LAST_NOT_OK = 12

cdef object PlainFuture = Future
cdef object set_result = Future.set_result  # found once, not at each call

cdef double LEAST_LEFT = 0.002  # less than this is no time for another try


@cython.final
cdef class SendCall(InLine):
    """A send that begins when it is awaited, or run as a task; it has all that a coroutine has."""

    def __await__(self):
        return self.begin()

    def __iter__(self):
        return self

    def __next__(self):
        if self.iterator is None:
            self.iterator = self.begin()
        return next(self.iterator)

    def send(self, value):
        """As a coroutine's."""
        if self.iterator is None:
            if value is not None:
                raise TypeError("can't send non-None value to a just-started coroutine")
            self.iterator = self.begin()
        if value is None:
            return next(self.iterator)
        return self.iterator.send(value)

    def throw(self, kind, value=None, trace=None):
        """As a coroutine's."""
        if self.iterator is None:
            self.state = BEGUN
            error = kind if value is None else value
            raise error
        return self.iterator.throw(kind if value is None else value)

    def close(self):
        """As a coroutine's: nothing is sent if it has not begun."""
        self.state = BEGUN
        if self.iterator is not None:
            self.iterator.close()

    def __dealloc__(self):
        if self.state == NEW and self.message is not None:
            warn_of_unawaited()

    def __repr__(self):
        return f"<SendCall of {self.message!r}>"

    @property
    def link(self):
        """The broker that it went to."""
        return self.target.link

    @property
    def queue(self):
        """The queue that it went to."""
        return self.target.queue

    @property
    def written(self):
        """When it was written, on the monotonic clock; before that it waited."""
        return self.written_at

    @property
    def future(self):
        """What its caller awaits."""
        return self.future

    @property
    def past(self):
        """The tries before the last: where each went, when it began and ended, and its error."""
        return () if self.past is None else tuple(self.past)

    cdef object begin(self):
        if self.state != NEW:
            raise RuntimeError("cannot reuse an awaited send")
        self.state = BEGUN
        self.begun = coarse_monotonic()
        if self.options is None and self.begin_quickly():
            return iter(self.future)
        return self.table.general(self.message, self.options, self.timeout, self.begun).__await__()

    cdef bint begin_quickly(self) except -1:
        cdef SendTable table = self.table
        cdef SendTarget target
        cdef SendLink link
        if table.is_closed or not table.is_simple(self.message):
            return False
        target = table.find(self.message, self.begun)
        link = table.full if target is None else target.link
        if link is None:
            return table.join_warm_up(self)
        if not link._connection.is_here():
            return False
        if target is None or table.line or not table.fits():
            self.wait(link._connection.loop)
            table.enqueue(self, self.deadline())
        else:
            self.write(target, self.timeout or table.timeout)
        return True

    cdef int wait(self, object loop) except -1:
        if self.ticket is None:
            self.future = loop.create_future()
        else:
            self.future, self.ticket = self.ticket.later(), None
        self.size = PyBytes_GET_SIZE(self.message._body)
        return 0

    cdef int leave_to_general_way(self) except -1:
        try:
            self.table.take_over(self, None)
        except Exception as error:
            set_error(self.future, error)
        return 0

    cdef int write(self, SendTarget target, double left) except -1:
        cdef SendTable table = self.table
        cdef SendFields fields
        fill_fields(&fields, target.queue_id)
        target.put_topic(&fields)
        cdef RequestChannel connection = target.link._connection
        cdef Slot *slot
        left = table.share(target, left, self.tries())
        slot = connection.put_owned(target.link.encoder, self.message, &fields, self, left)
        self.target = target
        self.size = PyBytes_GET_SIZE(self.message._body)
        self.is_written = True
        target.link.in_flight += 1
        table.in_flight += 1
        table.in_flight_bytes += self.size
        return connection.is_enlisted(slot.due, connection.waiters.waiting == 1)

    cdef double deadline(self) noexcept:
        return self.begun + (self.timeout or self.table.timeout)

    cdef bint let_in(self, double now) except -1:
        cdef SendTarget target
        cdef double left = self.deadline() - now
        if self.future.done():
            return True
        if left <= 0:
            self.table.refuse_late([self])
            return True
        try:
            target = self.table.find(self.message, now)
            if target is not None:
                self.write(target, left)
            elif self.table.full is None:
                self.leave_to_general_way()
            else:
                return False
        except Exception as error:
            set_error(self.future, error)
        return True

    cdef int answered(self, SendResult result, double now) except -1:
        cdef SendTable table = self.table
        cdef SendLink link = self.target.link
        cdef int code = result.answer.code
        if code != CODE_SUCCESS and not (table.takes_not_ok and FIRST_NOT_OK <= code <= LAST_NOT_OK):
            return self.hand_over(result)
        link.in_flight -= 1
        table.leave(self.size)
        table.sent += 1
        table.sent_bytes += self.size
        if code != CODE_SUCCESS:
            table.not_confirmed += 1
        if self.past is not None:
            result.attempts = 1 + self.tries()
        give_id(result, self.message)
        result.message_queue = self.target.shown
        try:
            if self.ticket is not None:
                self.ticket.set_result(result)
            elif type(self.future) is PlainFuture:
                set_result(self.future, result)
            else:
                self.future.set_result(result)
        except InvalidStateError:
            pass  # cancelled, and nobody had noticed yet
        if table.line:
            table.let_in()
        if link.rests_until != 0 or now - self.written_at > table.slow_after:
            table.on_latency(link, now - self.written_at)
        return 0

    cdef int failed(self, object error) except -1:
        return 0 if self.try_elsewhere(error) else self.hand_over(error)

    cdef Py_ssize_t tries(self) noexcept:
        """How many tries there were before the one that is made or waits now."""
        return 0 if self.past is None else len(self.past)

    cdef bint try_elsewhere(self, object error) except -1:
        """Write it to another broker at once, or have it be the first that is; False when that cannot be."""
        cdef SendTable table = self.table
        cdef SendTarget last = self.target
        cdef SendTarget target
        cdef double now = monotonic()
        cdef double left = self.deadline() - now
        if last.is_only or table.is_closed or left <= LEAST_LEFT or self.tries() >= table.retries:
            return False
        target = table.find_other(self.message, now, last.link)
        if (target is None and table.full is None) or not table.try_again(self, error):
            return False
        if self.past is None:
            self.past = []
        self.past.append((last, self.written_at, now, error))
        self.is_written = False
        last.link.in_flight -= 1
        table.in_flight -= 1
        table.in_flight_bytes -= self.size
        try:
            if target is not None:
                self.write(target, left)
                return True
            if self.ticket is not None:
                self.wait(table.full._connection.loop)
            table.enqueue(self, self.deadline(), True)
        except Exception as unwritten:
            if self.ticket is not None:
                self.future, self.ticket = self.ticket.later(), None
            set_error(self.future, unwritten)
        return True

    def dropped(self):
        """Nobody waits any more, and no answer will be looked at."""
        # Without letting others in: the connection is in the middle of something.
        self.target.link.in_flight -= 1
        self.table.in_flight -= 1
        self.table.in_flight_bytes -= self.size

    cdef int hand_over(self, object outcome) except -1:
        self.target.link.in_flight -= 1
        self.table.release(self.size)
        if self.ticket is not None:
            self.future, self.ticket = self.ticket.later(), None
        try:
            self.table.take_over(self, outcome)
        except Exception as error:
            set_error(self.future, error)
        return 0


cdef inline int give_id(SendResult result, Message message) except -1:
    """The client's id of what was sent, which the answer does not have."""
    if message.unique_id_state == RAW_ID:
        result.has_unique_id = True
        memcpy(result.unique_id_bytes, message.unique_id_bytes, 16)
    elif message.unique_id_state != NO_ID:
        result._msg_id = message.get_property("UNIQ_KEY")
    return 0


cdef int warn_of_unawaited() noexcept:
    PyErr_WarnFormat(RuntimeWarning, 1, "a send was never awaited, so nothing was sent")
    return 0
