"""`submit` of producers, for asynchronous and for blocking code: as few steps as there can be before the buffer.

The quick way of explicit batches is here as well. What becomes of a message in the buffer, or of a batch that has to go
another way, is not known here.
"""

cimport cython
from cpython.object cimport PyObject

from pyrocketmq._native.accumulator cimport PACE_BYTES, Accumulator
from pyrocketmq._native.message cimport Message
from pyrocketmq._native.monotonic cimport monotonic
from pyrocketmq._native.parcel cimport Parcel
from pyrocketmq._native.quickcall cimport Call, arguments_in, quicken
from pyrocketmq._native.sender cimport Sender, SendTable, SendTarget

from pyrocketmq._native.parcel import pack
from pyrocketmq.errors import RocketMQError, TransportStateError

__all__ = ["AsyncSubmit", "BlockingSubmit", "ready_batch"]

cdef extern from "Python.h":
    unsigned long PyThread_get_thread_ident()


cdef extern from *:
    """
    static PySendResult prmq_send_none(PyObject *self, PyObject *value, PyObject **result) {
        (void)self;
        (void)value;
        Py_INCREF(Py_None);
        *result = Py_None;
        return PYGEN_RETURN;
    }
    /* Awaiting it gives None without an exception being looked for. */
    static int prmq_give_none(PyObject *type) {
        PyAsyncMethods *methods = ((PyTypeObject *)type)->tp_as_async;
        if (methods != NULL) methods->am_send = prmq_send_none;
        return 0;
    }
    """
    int give_none "prmq_give_none"(object type) noexcept


@cython.final
cdef class Ready:
    """Something to await that is always there; one for all."""

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        raise StopIteration


@cython.final
cdef class Turn:
    """Something to await that lets the event loop do its work once."""

    cdef bint given

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        if self.given:
            raise StopIteration
        self.given = True
        return None


@cython.final
@cython.no_gc_clear  # it looks at its owner when it goes
cdef class Room:
    """Something to await until the buffer has room."""

    cdef Accumulator owner
    cdef bint used

    def __await__(self):
        self.used = True
        return self.owner.room_future().__await__()

    def __dealloc__(self):
        if not self.used:
            self.owner.ignored = True


give_none(Ready)
cdef Ready READY = Ready.__new__(Ready)


cdef class AsyncSubmit(Sender):
    """What gives an asynchronous producer its `submit`."""

    cdef public Accumulator _accumulator

    def submit(
        self, message, body=None, tags=None, keys=None, *, properties=None, on_delivery=None, bint ordered=False,
        queue=None, bint block=True,
    ):
        """Take a message into the next batch; see the stub."""
        cdef Accumulator buffer = self._accumulator
        if buffer is None or not buffer.is_usable():
            buffer = self._accumulate()
        if buffer.thread != PyThread_get_thread_ident():
            refuse_thread()
        if buffer.is_full():
            if not block:
                raise buffer.refusal("nothing more is taken")
            if buffer.ignored:
                raise buffer.refusal("and what submit returned was not awaited")
            buffer.take(message, body, tags, keys, properties, on_delivery, ordered, queue)
            return new_room(buffer)
        buffer.take(message, body, tags, keys, properties, on_delivery, ordered, queue)
        if buffer.turn_due:
            # Code that submits without end would keep the loop from sending.
            buffer.turn_due = False
            return Turn.__new__(Turn)
        return READY

    def _begin_batch(self, list messages not None, double timeout):
        """Write a batch that is one plain request to a queue at hand; None when it has to go another way."""
        cdef Parcel parcel = ready_batch(self._table, messages)
        cdef SendTarget target
        if parcel is None:
            return None
        target = parcel.sent
        if not target.link._connection.is_here():
            return None
        parcel.future = target.link._connection.make_future()
        seconds = self._table.share(target, timeout, 0)
        try:
            if not parcel.send(target.link._connection, target.link.encoder, target.queue_id, seconds):
                return None
        except RocketMQError:
            return None  # nothing was sent, and the general way says why
        return parcel


cpdef Parcel ready_batch(SendTable table, list messages):
    """A batch that is one plain request, with the queue at hand for it in `sent`; None when there is more to decide."""
    cdef SendTarget target
    cdef Parcel parcel
    cdef double now = monotonic()
    if table.is_closed or not table.is_plain or not messages or type(messages[0]) is not Message:
        return None
    target = table.find(<Message>messages[0], now)
    if target is None:
        return None
    topic = (<Message>messages[0])._topic if target.topic is None else target.topic
    packed = pack(messages, topic, target.link.encoder.max_message_bytes, takes_keys=False)
    if packed is None or len(packed) != 1:
        return None
    parcel = packed[0]
    parcel.sent = target
    parcel.opened_at = now
    return parcel


cdef Room new_room(Accumulator owner):
    cdef Room room = Room.__new__(Room)
    room.owner = owner
    return room


cdef int refuse_thread() except -1:
    raise TransportStateError(
        "an asynchronous producer belongs to the thread of its event loop, another one called submit",
        advice="hand the call over with loop.call_soon_threadsafe, or use a Producer, which all threads may use",
    )


cdef class BlockingSubmit:
    """What gives a blocking producer its `submit`."""

    cdef public Accumulator _accumulator

    def submit(
        self, message, body=None, tags=None, keys=None, *, properties=None, on_delivery=None, bint ordered=False,
        queue=None, bint block=True, timeout=None,
    ):
        """Take a message into the next batch; see the stub."""
        cdef Accumulator buffer = self._accumulator
        if buffer is None or not buffer.is_usable():
            buffer = self._accumulate()
        if buffer.is_full():
            if not block or buffer.thread == PyThread_get_thread_ident():
                raise buffer.refusal("nothing more is taken")
            buffer._wait_for_room(timeout)
        buffer.take(message, body, tags, keys, properties, on_delivery, ordered, queue)
        if buffer.fresh_bytes >= PACE_BYTES and buffer.thread != PyThread_get_thread_ident():
            buffer._let_loop_work()


# ---- the plainest call ----

cdef object submit_plain(PyObject *function, PyObject **args, size_t nargsf, PyObject *names):
    """submit(message) of an asynchronous producer."""
    cdef Accumulator buffer
    if names is NULL and arguments_in(nargsf) == 2 and type(<object>args[1]) is Message:
        if isinstance(<object>args[0], AsyncSubmit):
            buffer = (<AsyncSubmit>args[0])._accumulator
            if (
                buffer is not None and buffer.is_usable() and buffer.thread == PyThread_get_thread_ident()
                and not buffer.is_full() and buffer.take_plain(<Message>args[1])
            ):
                if not buffer.turn_due:
                    return READY
                buffer.turn_due = False
                return Turn.__new__(Turn)
    return whole_submit(function, args, nargsf, names)


cdef object submit_plain_blocking(PyObject *function, PyObject **args, size_t nargsf, PyObject *names):
    """submit(message) of a blocking producer."""
    cdef Accumulator buffer
    if names is NULL and arguments_in(nargsf) == 2 and type(<object>args[1]) is Message:
        if isinstance(<object>args[0], BlockingSubmit):
            buffer = (<BlockingSubmit>args[0])._accumulator
            if (
                buffer is not None and buffer.is_usable() and not buffer.is_full()
                and buffer.fresh_bytes < PACE_BYTES and buffer.take_plain(<Message>args[1])
            ):
                return None
    return whole_blocking_submit(function, args, nargsf, names)


cdef Call whole_submit = quicken(AsyncSubmit.submit, submit_plain)
cdef Call whole_blocking_submit = quicken(BlockingSubmit.submit, submit_plain_blocking)
