from libc.stdint cimport int32_t, int64_t, uint64_t

from pyrocketmq._native.answer cimport SendResult
from pyrocketmq._native.frame cimport FrameView
from pyrocketmq._native.message cimport Message
from pyrocketmq._native.outgoing cimport FrameWriter
from pyrocketmq._native.sending cimport SendEncoder, SendFields
from pyrocketmq._native.waiters cimport Kind, Slot, Waiters


cdef class RequestTaker:
    """Serves some requests of a peer without a command being built."""

    # True when it has taken the request, or False when the handler of the connection has to.
    cdef bint take(self, RequestChannel channel, const FrameView *view) except -1


cdef class SendOwner:
    """Waits for the answer to a send in place of a future, and decides what becomes of it.

    Times are those of the monotonic clock.
    """

    cdef object future  # made when the send is written; the owner sets it, when it likes
    cdef double written_at

    # The broker's answer, whatever it says.
    cdef int answered(self, SendResult result, double now) except -1
    # There is none, and why.
    cdef int failed(self, object error) except -1


cdef class RequestChannel(FrameWriter):
    cdef bytes peer_host  # address and port of the peer as a record has them
    cdef object due  # what a taker has for the peer and not written yet
    cdef dict future_arguments  # of asyncio.Future, or None when the loop has futures of its own
    cdef object timer
    cdef object on_timeouts
    cdef Waiters waiters
    cdef double rest_seconds
    cdef int64_t timer_tick
    cdef int64_t next_opaque
    cdef bint has_opaque  # numbers come from next_opaque, not from the counter of the process
    cdef bint sends  # a send has been made, so answers are looked at as answers of sends first
    cdef bint takes_blocks  # it has taken a frame that was not copied
    cdef uint64_t frames_in
    cdef uint64_t bytes_in
    cdef uint64_t late_answers
    cdef uint64_t timeouts
    cdef uint64_t bad_frames
    cdef uint64_t requests_in

    cdef bytes packed_peer(self)
    cdef int64_t tick_now(self) except? -1
    cdef int64_t rest_until(self) except? -1
    cdef int check_timeout(self, double timeout) except -1
    cdef int32_t free_opaque(self) except? 0
    cdef object put_send(
        self, object encoder, object message, list messages, SendFields *fields, bytes body, double timeout
    )
    # Write the send of a message for an owner, which gets a future; `is_enlisted` has to follow.
    cdef Slot *put_owned(
        self, SendEncoder encoder, Message message, SendFields *fields, SendOwner owner, double timeout
    ) except NULL
    cdef int put_message(self, SendEncoder encoder, Message message, SendFields *fields, bytes body) except -1
    # Write one without an answer; `frame_written` or `is_enlisted` has to follow.
    cdef int put_unanswered(self, SendEncoder encoder, Message message, SendFields *fields, bytes body) except -1
    cdef object make_future(self)
    cdef bint is_here(self) except -1
    cdef bint is_free(self) noexcept
    # It runs no code of others, so that all is as it should be when those raise what a signal handler raises.
    cdef Slot *enlist(
        self, object waiter, int32_t opaque, Kind kind, double timeout, Py_ssize_t start, double now
    ) except NULL
    # The rest, which calls the event loop: the timer, and having it written.
    cdef int is_enlisted(self, int64_t due, bint alone) except -1
    cdef int arm(self, int64_t due) except -1
    # What a peer may be that has sent no frame so far: the likely cause and the advice, or (None, None).
    cdef tuple guess(self)
    # The first error is the one that counts.
    cdef int end(self, object error) except -1
    cdef int fail_waiters(self, object error) except -1
    # Have a future wait; `future_of` gives it and does the rest.
    cdef Slot *wait_for(self, int32_t opaque, Kind kind, double timeout, Py_ssize_t start) except NULL
    cdef object future_of(self, const Slot *slot)


# A copy of an error, for one more who waits.
cdef object twin_of(object error)

# Give a future an error; one that is done keeps what it has.
cdef int set_error(object future, object error) except -1

# Tell whoever waits, a future or an owner, that there will be no answer.
cdef int fail_waiter(object waiter, object error) except -1
