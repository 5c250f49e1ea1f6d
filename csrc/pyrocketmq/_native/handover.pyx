"""Calls from any thread, handed to one event loop: a burst of them wakes it once, and their callers wake in bursts.

All shared state is changed with the GIL held, so there is no lock but the one that each caller sleeps on.
It does not know what is called and who owns the loop.
"""

cimport cython
from cpython.ref cimport Py_INCREF

from pyrocketmq._native.monotonic cimport monotonic

import asyncio
import os
import threading
from concurrent.futures import CancelledError
from inspect import isawaitable

from pyrocketmq.errors import RpcTimeoutError, TransportStateError

__all__ = ["HandOver", "Ticket", "keep_forever"]

cdef extern from "Python.h":
    PyThread_type_lock PyThread_allocate_lock()
    void PyThread_free_lock(PyThread_type_lock lock)
    int PyThread_acquire_lock(PyThread_type_lock lock, int wait)
    int PyThread_acquire_lock_timed(PyThread_type_lock lock, long long microseconds, int interruptible) nogil
    void PyThread_release_lock(PyThread_type_lock lock) nogil
    unsigned long PyThread_get_thread_ident()
    int PyErr_CheckSignals() except -1

cdef extern from *:
    """
    #include <stdint.h>
    #if defined(_WIN32)
    #define PRMQ_HAS_PIPES 0
    static void prmq_wake_up(int fd) {}
    static void prmq_take_wake(int fd) {}
    static void prmq_close_pipe(int in, int out) {}
    #else
    #include <errno.h>
    #include <unistd.h>
    #define PRMQ_HAS_PIPES 1
    /* Eight bytes, as an eventfd wants them; neither end blocks, and a full pipe is a wake that is on its way. */
    static void prmq_wake_up(int fd) {
        uint64_t one = 1;
        while (write(fd, &one, sizeof one) < 0 && errno == EINTR) {}
    }
    static void prmq_take_wake(int fd) {
        uint64_t taken;
        while (read(fd, &taken, sizeof taken) < 0 && errno == EINTR) {}
    }
    static void prmq_close_pipe(int in, int out) {
        if (in >= 0) close(in);
        if (out >= 0 && out != in) close(out);
    }
    #endif
    """
    const bint PRMQ_HAS_PIPES
    void wake_up "prmq_wake_up"(int fd) nogil
    void take_wake "prmq_take_wake"(int fd)
    void close_pipe "prmq_close_pipe"(int into, int out)

cdef enum:
    # Only the main thread can act on a signal, and another one may have been interrupted by it.
    SIGNAL_SLICE_US = 100000
    LONGEST_WAIT_US = 3600000000
    MOST_AT_ONCE = 256  # callers that are woken before the GIL is asked for again


@cython.final
cdef class Ticket:
    """One call: what to do, then how it ended."""

    def __dealloc__(self):
        if self.lock is not NULL:
            # Some systems want a lock to be free when it goes.
            PyThread_acquire_lock(self.lock, 0)
            PyThread_release_lock(self.lock)
            PyThread_free_lock(self.lock)

    def set_result(self, result):
        """End the call; for a function that was given this, on the thread of the loop."""
        self.result = result
        self.owner.finish(self)

    def done(self):
        """True when nobody waits any more."""
        return self.is_done or self.is_cancelled

    def later(self):
        """A future that ends the call when it is done, and is cancelled with it."""
        future = self.owner.loop.create_future()
        future.add_done_callback(self._ended)
        self.task = future
        return future

    def _ended(self, future):
        if future.cancelled():
            self.error = CancelledError("the call was cancelled on the engine thread")
        else:
            self.error = future.exception()
            if self.error is None:
                self.result = future.result()
        if self.owner is not None:
            self.owner.finish(self)

    cdef int make_lock(self) except -1:
        self.lock = PyThread_allocate_lock()
        if self.lock is NULL:
            raise MemoryError("cannot make a lock for a call")
        PyThread_acquire_lock(self.lock, 0)
        return 0

    cdef bint wait(self, double end, bint is_main, int wake_fd) except -1:
        """Sleep until the call is done or the clock shows `end`; signals are looked at meanwhile.

        With a descriptor the loop is woken first, in here: it would have to wait for the GIL before.
        """
        cdef PyThread_type_lock lock = self.lock
        cdef long long longest = LONGEST_WAIT_US
        cdef long long slice_us
        cdef double left
        if is_main:
            longest = SIGNAL_SLICE_US
        while not self.is_done:
            slice_us = longest
            if end > 0:
                left = max(end - monotonic(), 0.0)
                if left == 0 and wake_fd < 0:
                    return False
                if left * 1e6 < <double>slice_us:
                    slice_us = <long long>(left * 1e6) + 1
            with nogil:
                if wake_fd >= 0:
                    wake_up(wake_fd)
                    wake_fd = -1
                PyThread_acquire_lock_timed(lock, slice_us, 1)
            if not self.is_done:
                PyErr_CheckSignals()
        return True


@cython.final
cdef class HandOver:
    """The queue between the threads that call and the loop that does what they want.

    Args:
        loop: the event loop; its thread must be the one that calls `attach`.
    """

    def __cinit__(self, loop):
        self.loop = loop
        self.create_task = loop.create_task
        self.queue = []
        self.done = []
        self.running = set()
        # Bound once: a bound method of its own for each burst would cost more than the queue.
        self.take_method = self._take
        self.flush_method = self._flush
        self.main_thread = threading.main_thread().ident
        self.wake_in = self.wake_out = -1
        if PRMQ_HAS_PIPES:
            self.wake_in, self.wake_out = wake_pipe()
            loop.add_reader(self.wake_in, self.take_method)

    def __dealloc__(self):
        # Not before: a thread may be about to write.
        close_pipe(self.wake_in, self.wake_out)

    @property
    def in_progress(self):
        """Calls that were taken from the queue and are not done."""
        return len(self.running)

    def attach(self):
        """Say which thread runs the loop: the calling one."""
        self.thread = PyThread_get_thread_ident()

    def call(self, function, tuple args not None, dict kwargs not None, timeout=None):
        """Have the loop call a function and await what it returns; blocks until that is done."""
        return self.wait_for(self.ticket_for(function, args, kwargs), timeout)

    def call_with_ticket(self, function, tuple args not None):
        """As `call`, for a function that is given a ticket before its arguments.

        It returns None when it has taken the ticket, by which the call is ended then; else what has to be awaited.
        """
        cdef Ticket ticket = self.ticket_for(function, args, None)
        ticket.takes_ticket = True
        return self.wait_for(ticket, None)

    cdef object wait_for(self, Ticket ticket, object timeout):
        cdef double end = 0
        if PyThread_get_thread_ident() == self.thread:
            raise TransportStateError(
                "a blocking call was made on the engine thread, which would wait for itself for ever",
                likely="a callback or a handler of a request calls a method of a blocking client",
                advice="use the asynchronous client in there, or hand the work to a thread of its own",
            )
        if timeout is not None:
            end = monotonic() + <double>timeout
        ticket.make_lock()
        is_first = self.put(ticket)
        try:
            if not ticket.wait(end, PyThread_get_thread_ident() == self.main_thread, self.wake_out if is_first else -1):
                raise RpcTimeoutError(
                    f"the call was not done within {timeout:g} s and is cancelled",
                    likely="the server does not answer, or the engine thread is busy",
                    advice="raise the time-out",
                )
        except BaseException:
            self.cancel(ticket)
            raise
        if ticket.error is None:
            return ticket.result
        error, ticket.error = ticket.error, None
        raise error

    def submit(self, function, tuple args not None, dict kwargs not None, future not None):
        """As `call`, without waiting: the result goes into a `concurrent.futures.Future`."""
        cdef Ticket ticket = self.ticket_for(function, args, kwargs)
        ticket.future = future
        if self.put(ticket):
            wake_up(self.wake_out)

        def ended(_):
            if future.cancelled():
                self.cancel(ticket)

        future.add_done_callback(ended)
        return future

    def post(self, function):
        """Have the loop call a function with a ticket, which it ends; nobody waits for that."""
        cdef Ticket ticket = self.ticket_for(function, (), None)
        ticket.takes_ticket = True
        if self.put(ticket):
            wake_up(self.wake_out)

    def close(self, error not None):
        """Take no more calls, and end those that are not done with the error; to be called by the loop's thread."""
        cdef Ticket ticket
        self.closed_error = error
        if self.wake_in >= 0:
            self.loop.remove_reader(self.wake_in)
        queue, self.queue = self.queue, []
        for ticket in [*queue, *self.running]:
            if not ticket.is_done:
                ticket.error = self.refusal()
                self.finish(ticket)
        self._flush()
        self.take_method = self.flush_method = None  # they refer to this object

    def refuse(self, error not None):
        """Take no more calls; those that are there go on."""
        self.closed_error = error

    cdef Ticket ticket_for(self, object function, tuple args, dict kwargs):
        cdef Ticket ticket = Ticket.__new__(Ticket)
        ticket.owner = self
        ticket.function = function
        ticket.args = args
        ticket.kwargs = kwargs
        return ticket

    cdef bint put(self, Ticket ticket) except -1:
        """Queue a call; true when the caller is the one that has to wake the loop."""
        if self.closed_error is not None:
            raise self.refusal()
        ticket.is_queued = True
        self.queue.append(ticket)
        self.calls += 1
        return self.wake()

    cdef object refusal(self):
        # A new object for each caller, since each adds its own trace.
        error = self.closed_error
        return TransportStateError(error.what, likely=error.likely, advice=error.advice)

    cdef bint wake(self) except -1:
        # Whoever finds the flag set relies on the one who has set it and is about to wake the loop.
        if self.is_woken:
            return False
        self.is_woken = True
        self.wakes += 1
        if self.wake_out < 0:
            self.loop.call_soon_threadsafe(self.take_method)
            return False
        return True

    cdef int cancel(self, Ticket ticket) except -1:
        """Nobody waits any more: end the call, unless it has ended by itself."""
        if ticket.is_done or ticket.is_cancelled or self.closed_error is not None:
            return 0
        ticket.is_cancelled = True
        if not ticket.is_queued:
            self.queue.append(ticket)
            if self.wake():
                wake_up(self.wake_out)
        return 0

    # ---- on the thread of the loop ----

    def _take(self):
        cdef Ticket ticket
        if self.wake_in >= 0:
            take_wake(self.wake_in)
        self.is_woken = False
        queue, self.queue = self.queue, []
        for ticket in queue:
            ticket.is_queued = False
            if not ticket.is_cancelled:
                self.running.add(ticket)
                if ticket.takes_ticket:
                    self.begin(ticket)
                else:
                    ticket.task = self.create_task(drive(self, ticket))
            elif ticket.task is None:
                self.finish(ticket)
            else:
                ticket.task.cancel()

    cdef int begin(self, Ticket ticket) except -1:
        try:
            left = ticket.function(ticket, *ticket.args)
        except BaseException as error:
            ticket.error = error
            return self.finish(ticket)
        if left is not None:
            ticket.function = awaited
            ticket.args = (left,)
            ticket.kwargs = {}
            ticket.task = self.create_task(drive(self, ticket))
        return 0

    cdef int finish(self, Ticket ticket) except -1:
        if ticket.is_done:
            return 0
        ticket.is_done = True
        ticket.owner = None
        ticket.function = ticket.args = ticket.kwargs = ticket.task = None
        self.running.discard(ticket)
        self.done.append(ticket)
        if not self.running:
            # Nobody else is about to finish, so waiting for company would only cost time.
            self._flush()
        elif not self.is_flushing:
            self.is_flushing = True
            self.loop.call_soon(self.flush_method)
        return 0

    def _flush(self):
        cdef Ticket ticket
        cdef PyThread_type_lock[MOST_AT_ONCE] locks
        cdef int count = 0
        self.is_flushing = False
        done, self.done = self.done, []
        for ticket in done:
            if ticket.future is not None:
                settle(ticket)
            elif ticket.lock is not NULL:
                locks[count] = ticket.lock
                count += 1
                if count == MOST_AT_ONCE:
                    release_all(locks, count)
                    count = 0
        release_all(locks, count)


cdef int release_all(PyThread_type_lock *locks, int count) except -1:
    """Wake callers without the GIL: one that runs at once would have to wait for it, and sleep a second time."""
    cdef int at
    if count:
        with nogil:
            for at in range(count):
                PyThread_release_lock(locks[at])
    return 0


def awaited(left):
    """What is left to be awaited of a call that was given its ticket."""
    return left


async def drive(HandOver owner, Ticket ticket):
    """The task of one call."""
    try:
        result = ticket.function(*ticket.args, **ticket.kwargs)
        ticket.result = await result if isawaitable(result) else result
    except asyncio.CancelledError:
        if owner.closed_error is None:
            ticket.error = CancelledError("the call was cancelled on the engine thread")
        else:
            ticket.error = owner.refusal()
    except BaseException as error:
        # Whatever it is belongs to the caller; even SystemExit must not end the loop of all the others.
        ticket.error = error
    owner.finish(ticket)


cdef int settle(Ticket ticket) except -1:
    """Give a future its result, unless it was cancelled meanwhile."""
    future, ticket.future = ticket.future, None
    if future.set_running_or_notify_cancel():
        if ticket.error is None:
            future.set_result(ticket.result)
        else:
            future.set_exception(ticket.error)
            ticket.error = None
    return 0


def wake_pipe():
    """The two ends of a way to wake a loop, which are one where the system has event descriptors."""
    if hasattr(os, "eventfd"):
        fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        return fd, fd
    ends = os.pipe()
    for fd in ends:
        os.set_blocking(fd, False)
    return ends


def keep_forever(thing):
    """See to it that an object is never destroyed, not even when the interpreter ends."""
    Py_INCREF(thing)
