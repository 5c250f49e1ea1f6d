"""What producers derive from: sends begin here, in the quick way where nothing is out of the ordinary.

One-way sends of other threads come here in bursts. Options, and whatever else has more to decide, are left to functions
that the table was given.
"""

cimport cython
from cpython.bytes cimport PyBytes_GET_SIZE
from libc.stdint cimport INT64_MAX, int64_t

from pyrocketmq._native.answer cimport SendResult
from pyrocketmq._native.channel cimport SendOwner
from pyrocketmq._native.handover cimport Ticket
from pyrocketmq._native.message cimport Message
from pyrocketmq._native.monotonic cimport coarse_monotonic
from pyrocketmq._native.parcel cimport PLAIN_TEXT_BYTES, give_id
from pyrocketmq._native.sendcall cimport BEGUN, SendCall
from pyrocketmq._native.sending cimport SendFields, fill_fields
from pyrocketmq._native.table cimport CODE_SUCCESS, SendLink, SendTable, SendTarget

from pyrocketmq.errors import ConfigurationError, InvalidMessageError, RocketMQError

__all__ = ["HandedOneways", "OnewayMark", "Sender", "check_timeout", "message_of", "put_oneway_send"]

cdef enum:
    # What threads may hand over before the loop has looked; without a window nothing else would hold them back.
    MOST_HANDED = 4096
    MOST_HANDED_BYTES = 1048576

cdef int64_t NO_ANSWER = INT64_MAX
cdef double NEVER = float("inf")


@cython.final
cdef class OnewayMark(SendOwner):
    """A one-way send that is answered after all, which tells that those before it were taken from the wire."""

    @property
    def link(self):
        """The broker that it went to."""
        return self.target.link

    cdef int answered(self, SendResult result, double now) except -1:
        cdef bint is_good = result.answer.code == CODE_SUCCESS
        self.target.link.pace(now - self.written_at if is_good else NEVER, self.table.oneway_window)
        return self.end(None if is_good else result)

    cdef int failed(self, object error) except -1:
        return self.end(error)

    cdef int end(self, object outcome) except -1:
        if outcome is None:
            self.confirm()
        else:
            self.table.take_over_oneway(self, outcome)
        return 0

    def confirm(self):
        """Those up to this one are done with; who waits may go on."""
        cdef SendLink link = self.target.link
        link.unconfirmed -= self.covers
        self.covers = 0
        if link.waiting:
            wake(link.waiting)


cdef int wake(list waiting) except -1:
    for future in waiting:
        if not future.done():
            future.set_result(None)
    del waiting[:]
    return 0


@cython.final
cdef class Nothing:
    """A coroutine that is over; one object serves all who await it."""

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        raise StopIteration

    def send(self, value):
        """As a coroutine's."""
        raise StopIteration

    def throw(self, kind, value=None, trace=None):
        """As a coroutine's."""
        raise (kind if value is None else value)

    def close(self):
        """As a coroutine's."""


cdef Nothing NOTHING = Nothing()


cdef class Sender:
    """What producers derive from: sends that begin without a coroutine where nothing is out of the ordinary."""

    def __init__(self, SendTable table not None):
        self._table = table

    def send_for(self, Ticket ticket not None, Message message not None, timeout):
        """Begin a plain send for a thread that waits; gives what is to be awaited if that cannot be done at once."""
        cdef SendCall call = SendCall.__new__(SendCall)
        call.table = self._table
        call.message = message
        if timeout is not None:
            call.timeout = check_timeout(timeout)
        call.state = BEGUN
        call.begun = coarse_monotonic()
        call.future = call.ticket = ticket
        if call.begin_quickly():
            return None
        call.future = call.ticket = None
        return self._table.general(message, None, call.timeout, call.begun)

    def send(
        self,
        message,
        body=None,
        *,
        tags=None,
        keys=None,
        properties=None,
        timeout=None,
        queue=None,
        selector=None,
        sharding_key=None,
        ordered=None,
        delay_level=None,
        delay=None,
        delay_ms=None,
        deliver_at=None,
    ):
        """Send a message and wait for what became of it."""
        cdef SendCall call = SendCall.__new__(SendCall)
        if type(message) is not Message or body is not None or tags is not None:
            message = message_of(message, body, tags, keys, properties)
        elif keys is not None or properties is not None:
            message_of(message, body, tags, keys, properties)
        call.table = self._table
        if timeout is not None:
            call.timeout = check_timeout(timeout)
        if not (
            queue is None
            and selector is None
            and sharding_key is None
            and ordered is None
            and delay_level is None
            and delay is None
            and delay_ms is None
            and deliver_at is None
        ):
            call.options = {
                "queue": queue,
                "selector": selector,
                "sharding_key": sharding_key,
                "ordered": ordered,
                "delay_level": delay_level,
                "delay": delay,
                "delay_ms": delay_ms,
                "deliver_at": deliver_at,
            }
        call.message = <Message>message
        return call

    def send_oneway(
        self,
        message,
        body=None,
        *,
        tags=None,
        keys=None,
        properties=None,
        queue=None,
        selector=None,
        sharding_key=None,
    ):
        """Send a message without an answer."""
        cdef SendTable table = self._table
        cdef SendTarget target
        cdef SendLink link
        if type(message) is not Message or body is not None or tags is not None:
            message = message_of(message, body, tags, keys, properties)
        elif keys is not None or properties is not None:
            message_of(message, body, tags, keys, properties)
        if queue is not None or selector is not None or sharding_key is not None:
            options = {"queue": queue, "selector": selector, "sharding_key": sharding_key}
            return table.general_oneway(message, options)
        target = table.pick(<Message>message)
        if target is None or not target.link._connection.is_here():
            return table.general_oneway(message, None)
        link = target.link
        if link.is_oneway_full(table.oneway_window):
            return table.general_oneway(message, None)
        put_oneway(table, target, <Message>message, 0, None)
        return NOTHING


def put_oneway_send(
    SendTable table not None, SendTarget target not None, Message message not None, int sys_flag=0, bytes body=None
):
    """Write a one-way send to a queue whose connection is open, and mark it if one is due."""
    put_oneway(table, target, message, sys_flag, body)


cdef int put_oneway(SendTable table, SendTarget target, Message message, int sys_flag, bytes body) except -1:
    cdef SendLink link = target.link
    cdef SendFields fields
    cdef OnewayMark mark
    cdef int64_t due
    fill_fields(&fields, target.queue_id, 0, sys_flag)
    target.put_topic(&fields)
    if table.oneway_window and body is None and link.unmarked + 1 >= (link.oneway_room(table.oneway_window) + 1) // 2:
        mark = OnewayMark.__new__(OnewayMark)
        mark.table = table
        mark.target = target
        mark.message = message
        mark.covers = link.unmarked + 1
        due = link._connection.put_owned(link.encoder, message, &fields, mark, table.timeout).due
        link.unmarked = 0
    else:
        link._connection.put_unanswered(link.encoder, message, &fields, body)
        due = NO_ANSWER
        link.unmarked += 1
    link.unconfirmed += 1
    table.oneway += 1
    return link._connection.is_enlisted(due, False)


@cython.final
cdef class HandedOneways:
    """One-way sends of other threads than that of the loop, which is told once of a burst of them.

    Args:
        table: where they go.
        tell: ``tell(function)`` has the loop call a function with a ticket soon.
        general: ``general(message)`` begins, on the loop, a send that cannot be written at once.
    """

    cdef SendTable table
    cdef object tell
    cdef object general
    cdef object take_method
    cdef list handed  # targets and messages in turn
    cdef Py_ssize_t handed_bytes
    cdef bint is_told

    def __cinit__(self, SendTable table not None, *, tell, general):
        self.table = table
        self.tell = tell
        self.general = general
        self.handed = []
        self.take_method = self.take

    def put(self, Message message not None):
        """Take a message as it is now; False when it has to wait or go another way."""
        cdef SendTable table = self.table
        cdef SendTarget target = table.pick(message)
        cdef SendLink link
        cdef Py_ssize_t size = PyBytes_GET_SIZE(message._body)
        cdef Py_ssize_t window = table.oneway_window
        if target is None:
            return False
        link = target.link
        # What may be refused is so on the general way, which has the caller wait.
        if not 0 < size <= link.encoder.max_message_bytes or message.text_bytes > PLAIN_TEXT_BYTES:
            return False
        if window and link.unconfirmed + link.handed >= link.oneway_room(window):
            return False
        if link.handed >= MOST_HANDED or self.handed_bytes >= MOST_HANDED_BYTES:
            return False
        if not message._batch:
            give_id(message)
        self.handed.append(target)
        self.handed.append(message.__copy__())
        self.handed_bytes += size
        link.handed += 1
        if not self.is_told:
            self.is_told = True
            self.tell(self.take_method)
        return True

    def take(self, Ticket ticket not None):
        """Write what was handed over; on the loop."""
        cdef list handed = self.handed
        cdef SendTarget target
        cdef Py_ssize_t at
        self.handed = []
        self.handed_bytes = 0
        self.is_told = False
        for at in range(0, len(handed), 2):
            target = <SendTarget>handed[at]
            target.link.handed -= 1
            self.write(target, <Message>handed[at + 1])
        ticket.set_result(None)

    cdef int write(self, SendTarget target, Message message) except -1:
        if not self.table.is_closed and target.link.has_room():
            try:
                return put_oneway(self.table, target, message, 0, None)
            except RocketMQError:
                pass  # nothing of it was written
        self.general(message)
        return 0


def message_of(message, body, tags, keys, properties):
    """The message that the arguments of a send describe."""
    if type(message) is Message:
        raise InvalidMessageError(
            "a send got a Message, and body, tags, keys or properties beside it",
            field="message",
            advice="put them into the Message, or give a topic and a body",
        )
    if body is None:
        raise InvalidMessageError(
            f"a send got {type(message).__name__} and no body",
            field="body",
            advice="give a Message, or a topic and a body",
        )
    return Message(message, body, tags, keys, properties=properties)


cpdef double check_timeout(object timeout) except? -1:
    """The seconds that a caller gives a send, refused when no send can end in them."""
    cdef double seconds = timeout
    if not 0 < seconds <= 86400:
        raise ConfigurationError(
            f"timeout is {seconds:g} s, it must be > 0 and at most 86,400",
            field="timeout",
            advice="give the seconds that the send may take in all",
        )
    return seconds
