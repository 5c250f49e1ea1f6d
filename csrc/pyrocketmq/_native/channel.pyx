"""The asking half of a connection: requests are numbered, and wait for their answers with a deadline.

It knows neither how a connection is made nor how answers arrive; `connection` adds that.
"""

from cpython.bytes cimport PyBytes_GET_SIZE
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF
from libc.stdint cimport INT64_MAX, int32_t, int64_t, uint32_t
from libc.string cimport memcpy

from pyrocketmq._native.answer cimport SendResult
from pyrocketmq._native.command cimport RemotingCommand, take_opaque
from pyrocketmq._native.frame cimport FrameView, codec_for
from pyrocketmq._native.message cimport NO_ID, RAW_ID, Message
from pyrocketmq._native.monotonic cimport monotonic
from pyrocketmq._native.outgoing cimport (
    ANSWER_FLAG,
    BLOCK_BYTES,
    FrameWriter,
    codec_number,
    refuse_flag,
    waiting_bytes,
)
from pyrocketmq._native.record cimport host_of
from pyrocketmq._native.sending cimport ONEWAY_FLAG, SendEncoder, SendFields, fill_fields
from pyrocketmq._native.waiters cimport (
    COMMAND,
    NO_WAITER,
    SEND,
    SEND_BATCH,
    SEND_OWNED,
    SEND_RAW_ID,
    SEND_TEXT_ID,
    TICKS_PER_SECOND,
    Kind,
    Slot,
    Waiters,
)

from asyncio import Future, get_running_loop
from collections import namedtuple

from pyrocketmq.errors import ConfigurationError, RpcTimeoutError

__all__ = []

cdef extern from "Python.h":
    unsigned long PyThread_get_thread_ident()

cdef extern from *:
    """
    /* As type(*args, **kwargs), with arguments that are kept from call to call. */
    static PyObject *prmq_make(PyObject *kind, PyObject *args, PyObject *kwargs) {
        PyTypeObject *type = (PyTypeObject *)kind;
        PyObject *made = type->tp_new(type, args, kwargs);
        if (made != NULL && type->tp_init(made, args, kwargs) < 0) Py_CLEAR(made);
        return made;
    }
    """
    object make_object "prmq_make"(object kind, tuple args, dict kwargs)

cdef object PlainFuture = Future
cdef tuple NO_ARGUMENTS = ()

# What signal handlers raise wherever Python code runs, as that of asyncio's event loop does: it is passed on when
# everybody has been told.
cdef tuple INTERRUPTS = (KeyboardInterrupt, SystemExit)

ConnectionStats = namedtuple(
    "ConnectionStats",
    [
        "frames_in", "frames_out", "bytes_in", "bytes_out", "in_flight", "resting", "late_answers", "timeouts",
        "bad_frames", "requests_in",
    ],
    module="pyrocketmq._native.connection",
)
ConnectionStats.__doc__ = "What a connection has done so far, and what it holds now."


cdef class RequestTaker:
    """Serves some requests of a peer without a command being built."""

    cdef bint take(self, RequestChannel channel, const FrameView *view) except -1:
        return False


cdef class SendOwner:
    """Waits for the answer to a send in place of a future, and decides what becomes of it."""

    cdef int answered(self, SendResult result, double now) except -1:
        self.future.set_result(result)
        return 0

    cdef int failed(self, object error) except -1:
        return set_error(self.future, error)

    def done(self):
        """True when nobody waits any more."""
        return self.future.done()

    def dropped(self):
        """Nobody waits any more, and no answer will be looked at."""


cdef class RequestChannel(FrameWriter):
    """What a connection offers to those who ask something of its peer."""

    def __cinit__(self):
        self.waiters = Waiters.__new__(Waiters)
        self.timer_tick = INT64_MAX

    # ---- what others may ask ----

    @property
    def is_open(self):
        """True while requests can be made."""
        return self.is_made and not self.is_ended

    @property
    def in_flight(self):
        """Requests that wait for their answer."""
        self.waiters.sweep(self.rest_until())
        return self.waiters.waiting

    @property
    def is_ready(self):
        """True when a request is taken at once: open, and room in the write buffer."""
        return self.is_made and not self.is_ended and waiting_bytes(self) < self.write_buffer_bytes

    def stats(self):
        """Counters since the connection was made."""
        return ConnectionStats(
            self.frames_in, self.frames_out, self.bytes_in, self.written_before, self.waiters.waiting,
            self.waiters.resting, self.late_answers, self.timeouts, self.bad_frames, self.requests_in,
        )

    cdef bytes packed_peer(self):
        """Address and port of the peer as they stand in the record of a message that it sends."""
        if self.peer_host is None:
            self.peer_host = host_of(self.transport.get_extra_info("peername")[:2], "peer")
        return self.peer_host

    # ---- requests ----

    def request(self, RemotingCommand command not None, double timeout, *, str codec=None):
        """Write a request; the future gets its answer as a command.

        The command keeps its number unless that is in use on this connection; then it gets a free one.
        """
        cdef Py_ssize_t start
        self.check_use(True)
        self.check_timeout(timeout)
        if command._flag & (ANSWER_FLAG | ONEWAY_FLAG):
            refuse_flag(command._flag)
        if self.waiters.find(command._opaque) != NO_WAITER:
            command._opaque = self.free_opaque()
        start = waiting_bytes(self)
        self.put_command(command, codec_for(command, self.codec) if codec is None else codec_number(codec))
        return self.future_of(self.wait_for(command._opaque, COMMAND, timeout, start))

    def send_message(
        self,
        SendEncoder encoder not None,
        Message message not None,
        int32_t queue_id,
        double timeout,
        *,
        int64_t born_ms=0,
        int32_t sys_flag=0,
        bytes body=None,
    ):
        """Write the send of a message straight from its fields; the future gets a SendResult."""
        cdef SendFields fields
        fill_fields(&fields, queue_id, 0, sys_flag, 0, born_ms)
        return self.put_send(encoder, message, None, &fields, body, timeout)

    def send_batch(
        self, SendEncoder encoder not None, list messages not None, int32_t queue_id, double timeout, *,
        int64_t born_ms=0,
    ):
        """Write the send of a batch; the future gets a SendResult, whose msg_id has the ids of all messages."""
        cdef SendFields fields
        fill_fields(&fields, queue_id, 0, 0, 0, born_ms)
        return self.put_send(encoder, None, messages, &fields, None, timeout)

    def send_oneway(
        self,
        SendEncoder encoder not None,
        Message message not None,
        int32_t queue_id,
        *,
        int64_t born_ms=0,
        int32_t sys_flag=0,
        bytes body=None,
    ):
        """Write the send of a message that the broker must not answer."""
        cdef SendFields fields
        self.check_use(True)
        fill_fields(&fields, queue_id, 0, sys_flag, 0, born_ms)
        self.put_unanswered(encoder, message, &fields, body)
        self.frame_written(False)

    cdef int put_message(self, SendEncoder encoder, Message message, SendFields *fields, bytes body) except -1:
        """Write a frame; a large body is not copied, and must not be looked for in `out`."""
        cdef Py_ssize_t start
        if body is None:
            body = message._body
        if PyBytes_GET_SIZE(body) < BLOCK_BYTES:
            encoder.put_message(&self.out, message, fields, body)
            return 0
        start = waiting_bytes(self)
        encoder.put_message_head(&self.out, message, fields, body)
        try:
            self.put_block(body, PyBytes_GET_SIZE(body))
        except BaseException:
            self.take_back(start)
            raise
        return 0

    cdef int put_unanswered(self, SendEncoder encoder, Message message, SendFields *fields, bytes body) except -1:
        fields.wire_flag = ONEWAY_FLAG
        fields.opaque = self.free_opaque()
        self.put_message(encoder, message, fields, body)
        return 0

    cdef object put_send(
        self, object encoder, object message, list messages, SendFields *fields, bytes body, double timeout
    ):
        cdef Py_ssize_t start
        cdef Slot *slot
        cdef Message one
        cdef Kind kind = SEND_BATCH
        cdef object kept = messages
        self.check_use(True)
        self.check_timeout(timeout)
        fields.opaque = self.free_opaque()
        start = waiting_bytes(self)
        if messages is None:
            one = <Message>message
            self.put_message(<SendEncoder>encoder, one, fields, body)
            kind = SEND_TEXT_ID
            if one.unique_id_state == RAW_ID:
                kind = SEND_RAW_ID
            elif one.unique_id_state == NO_ID:
                kind = SEND
            if kind == SEND_TEXT_ID:
                kept = one.get_property("UNIQ_KEY")
        else:
            (<SendEncoder>encoder).put_messages(&self.out, messages, fields)
        slot = self.wait_for(fields.opaque, kind, timeout, start)
        if kind == SEND_RAW_ID:
            memcpy(slot.id.raw, (<Message>message).unique_id_bytes, 16)
        elif kind >= SEND_TEXT_ID:
            Py_INCREF(kept)
            slot.id.kept = <PyObject *>kept
        self.sends = True
        return self.future_of(slot)

    cdef object make_future(self):
        """As `create_future` of the loop, without a new dict for its one argument."""
        if self.future_arguments is None:
            return self.create_future()
        return make_object(PlainFuture, NO_ARGUMENTS, self.future_arguments)

    cdef bint is_free(self) noexcept:
        return self.is_made and not self.is_ended and waiting_bytes(self) < self.write_buffer_bytes

    cdef bint is_here(self) except -1:
        """True on the thread and the running event loop of this connection."""
        # While a flush is due the loop is in the turn in which that was found out.
        return self.thread == PyThread_get_thread_ident() and (self.flushing or get_running_loop() is self.loop)

    cdef Slot *put_owned(
        self, SendEncoder encoder, Message message, SendFields *fields, SendOwner owner, double timeout
    ) except NULL:
        cdef Py_ssize_t start = waiting_bytes(self)
        cdef double now = self.now()
        cdef Slot *slot
        fields.opaque = self.free_opaque()
        self.put_message(encoder, message, fields, None)
        if owner.future is None:
            try:
                owner.future = self.make_future()
            except BaseException:
                self.take_back(start)
                raise
        owner.written_at = now + self.base
        slot = self.enlist(owner, fields.opaque, SEND_OWNED, timeout, start, now)
        self.sends = True
        return slot

    cdef Slot *wait_for(self, int32_t opaque, Kind kind, double timeout, Py_ssize_t start) except NULL:
        """Have a future for the answer to the frame that was just written from `start` on; see `future_of`."""
        try:
            future = self.make_future()
        except BaseException:
            self.take_back(start)
            raise
        return self.enlist(future, opaque, kind, timeout, start, self.now())

    cdef object future_of(self, const Slot *slot):
        future = <object>slot.future
        self.is_enlisted(slot.due, self.waiters.waiting == 1)
        return future

    cdef int is_enlisted(self, int64_t due, bint alone) except -1:
        if due < self.timer_tick:
            self.arm(due)
        return self.frame_written(alone)

    cdef Slot *enlist(
        self, object waiter, int32_t opaque, Kind kind, double timeout, Py_ssize_t start, double now
    ) except NULL:
        """Have a future or an owner wait for the answer to the frame that was just written from `start` on."""
        # One tick since a wait must not end early, and one since the coarse clock may be behind.
        cdef int64_t due = <int64_t>((now + timeout) * TICKS_PER_SECOND) + 2
        cdef Waiters waiters = self.waiters
        cdef Slot *slot
        if waiters.waiting == 0:
            waiters.skip_to(<int64_t>(now * TICKS_PER_SECOND))
        elif waiters.waiting >= waiters.sweep_at:
            waiters.sweep(self.rest_until())
        try:
            slot = waiters.add(opaque, waiter, kind, due)
        except BaseException:
            self.take_back(start)
            raise
        slot.timeout = <float>timeout
        slot.place = self.written_before + start
        return slot

    cdef int check_timeout(self, double timeout) except -1:
        if not 0 < timeout <= 1e7:
            raise ConfigurationError(
                f"timeout is {timeout:g} s, it must be > 0 and at most 10,000,000",
                field="timeout",
                advice="give the seconds that are left for this request",
            )
        return 0

    cdef int32_t free_opaque(self) except? 0:
        """The next number that nobody waits for and that is not resting."""
        cdef int32_t opaque
        while True:
            if self.has_opaque:
                opaque = <int32_t><uint32_t>self.next_opaque
                self.next_opaque += 1
            else:
                opaque = take_opaque()
            if self.waiters.find(opaque) == NO_WAITER:
                return opaque

    # ---- time ----

    cdef int64_t tick_now(self) except? -1:
        cdef double now = (monotonic() if self.clock is None else <double>self.clock()) - self.base
        return <int64_t>(now * TICKS_PER_SECOND)

    cdef int64_t rest_until(self) except? -1:
        return self.tick_now() + <int64_t>(self.rest_seconds * TICKS_PER_SECOND)

    cdef int arm(self, int64_t due) except -1:
        cdef double delay = <double>due / TICKS_PER_SECOND - self.now()
        timer, self.timer = self.timer, None
        self.timer_tick = INT64_MAX
        if timer is not None:
            timer.cancel()
        self.timer = self.loop.call_later(max(delay, 0.0), self.check_deadlines)
        self.timer_tick = due
        return 0

    def check_deadlines(self):
        """End the requests whose time is over; the timer of the connection calls this."""
        cdef int64_t tick = self.tick_now()
        cdef int64_t until = self.rest_until()
        cdef double timeout = -1
        cdef int32_t number
        cdef int64_t due
        error = interrupt = None
        while True:
            number = self.waiters.next_due(tick)
            if number == NO_WAITER:
                break
            if self.waiters.slots[number].timeout != timeout:
                timeout = self.waiters.slots[number].timeout
                likely, advice = self.guess()
                error = RpcTimeoutError(
                    f"no answer from {self.address} within {timeout:g} s",
                    likely=likely or "the server is overloaded or stopped, or the network drops packets",
                    advice=advice or "raise the time-out, or look at the load of the server",
                    address=self.address,
                )
            future = self.waiters.retire(number, until)
            try:
                if future.done():
                    drop_waiter(future)
                else:
                    self.timeouts += 1
                    fail_waiter(future, twin_of(error))
            except INTERRUPTS as raised:
                interrupt = raised
        self.waiters.end_rests(tick)
        if self.timer is not None:
            self.timer.cancel()
        self.timer = None
        self.timer_tick = INT64_MAX
        due = self.waiters.first_due()
        if due >= 0:
            self.arm(due)
        if error is not None and self.on_timeouts is not None:
            self.on_timeouts(self)
        if interrupt is not None:
            raise interrupt

    # ---- the end ----

    cdef tuple guess(self):
        return None, None

    cdef int end(self, object error) except -1:
        """From now on nothing can be asked; the first error is the one that counts."""
        if self.is_ended:
            return 0
        self.is_ended = True
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        try:
            self.fail_waiters(error)
        finally:
            self.wake_drainers()
        return 0

    cdef int fail_waiters(self, object error) except -1:
        cdef Waiters waiters = self.waiters
        cdef int32_t number = waiters.any_waiter(0)
        cdef bint sent
        self.error = error
        interrupt = None
        while number != NO_WAITER:
            sent = waiters.slots[number].place < self.written_before
            future = waiters.finish(number)
            try:
                if future.done():
                    drop_waiter(future)
                else:
                    failed = twin_of(error)
                    failed.maybe_sent = sent
                    fail_waiter(future, failed)
            except INTERRUPTS as raised:
                interrupt = raised
            number = waiters.any_waiter(number + 1)
        if interrupt is not None:
            raise interrupt
        return 0


cdef object twin_of(object error):
    """A copy of an error: many waiters get the same text, and each raises an object of its own."""
    kind = type(error)
    twin = kind.__new__(kind, error.what)
    twin.__dict__.update(error.__dict__)
    twin.__cause__ = error.__cause__
    return twin


cdef int set_error(object future, object error) except -1:
    if not future.done():
        future.set_exception(error)
        # Counted here; a caller who dropped the future does not want one log line for each.
        future._log_traceback = False
    return 0


cdef int drop_waiter(object waiter) except -1:
    if isinstance(waiter, SendOwner):
        waiter.dropped()
    return 0


cdef int fail_waiter(object waiter, object error) except -1:
    return (<SendOwner>waiter).failed(error) if isinstance(waiter, SendOwner) else set_error(waiter, error)
