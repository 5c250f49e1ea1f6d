"""`submit` of producers, for asynchronous and for blocking code: as few steps as there can be before the buffer.

What becomes of a message in the buffer is not known here.
"""

cimport cython

from pyrocketmq._native.accumulator cimport PACE_BYTES, Accumulator
from pyrocketmq._native.sender cimport Sender

from pyrocketmq.errors import TransportStateError

__all__ = ["AsyncSubmit", "BlockingSubmit"]

cdef extern from "Python.h":
    unsigned long PyThread_get_thread_ident()


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
