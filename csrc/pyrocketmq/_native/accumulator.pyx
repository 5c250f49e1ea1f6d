"""Messages on their way into batches: taken by a plain call from any thread, encoded at once, closed by size or time.

All shared state is changed with the GIL held and without calling Python in between, so there is no lock. It knows
neither routes nor brokers, nor what is done when a batch fails: a subclass says so.
"""

cimport cython
from cpython.bytes cimport PyBytes_GET_SIZE
from libc.stdint cimport uint64_t

from pyrocketmq._native.answer cimport SendResult
from pyrocketmq._native.message cimport Message, new_message
from pyrocketmq._native.monotonic cimport monotonic
from pyrocketmq._native.parcel cimport (
    HEADER_ROOM,
    STORED_ADDITIONS,
    Parcel,
    ParcelOwner,
    fits,
    give_id,
    has_sharding_key,
    plain_bytes,
    put_message,
    record_bytes,
)

import os
from collections import deque

from pyrocketmq.errors import BackPressureError, InvalidMessageError, LoopClosedError

__all__ = ["Accumulator", "Pile"]

cdef extern from "Python.h":
    unsigned long PyThread_get_thread_ident()

cdef enum:
    # How much asynchronous code may have closed before it lets the loop send it, by bytes and by time taken up.
    TURN_BYTES = 262144
    TURN_MESSAGES = 1000
    # What a parcel, and a message that is kept for its callback, take besides their bytes.
    PARCEL_BYTES = 512
    KEPT_BYTES = 320

# Counts the forks that led to this process.
cdef long process_forks = 0


def _note_fork():
    global process_forks
    process_forks += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)


@cython.final
cdef class Pile:
    """Where messages for one topic, or for one queue of it, come together.

    Attributes:
        topic: as the messages have it.
        wire_topic: as brokers know it.
        queue: None for wherever there is room.
        ordered: at most one of its batches is on its way.
        alone: its messages may not be in a batch.
    """

    def __cinit__(self, str topic not None, str wire_topic not None, queue=None, bint ordered=False):
        self.topic = topic
        self.wire_topic = wire_topic
        self.queue = queue
        self.ordered = ordered
        self.alone = topic.startswith("%RETRY%")
        self.waiting = deque()


cdef class Accumulator(ParcelOwner):
    """The buffer of submitted messages. A subclass has the methods that begin with an underscore.

    Args:
        linger: seconds that a batch waits for more messages.
        batch_bytes: a batch is closed before it gets larger.
        batch_count: a batch is closed when it has so many messages.
        buffer_bytes: bytes of messages that are held at most.
        buffer_messages: messages that are held at most.
        max_message_bytes: larger bodies are refused; a whole batch fits too, as brokers store it.
    """

    def __cinit__(
        self, *, double linger, Py_ssize_t batch_bytes, Py_ssize_t batch_count, Py_ssize_t buffer_bytes,
        Py_ssize_t buffer_messages, Py_ssize_t max_message_bytes,
    ):
        self.linger_s = linger
        self.batch_bytes = min(batch_bytes, max_message_bytes)
        self.batch_count = batch_count
        self.buffer_bytes = buffer_bytes
        self.buffer_messages = buffer_messages
        self.max_message_bytes = max_message_bytes
        self.forks = process_forks
        self.piles = {}
        self.queue_piles = {}
        self.open_piles = {}
        self.ready = deque()
        self.ended_parcels = []
        self.outstanding = {}
        self.room_futures = []

    def attach(self, loop):
        """Begin to work on an event loop; called on its thread."""
        self.loop = loop
        self.call_soon = loop.call_soon
        self.thread = PyThread_get_thread_ident()
        self.run_method = self._run
        self.linger_method = self.close_due

    def detach(self):
        """Let go of the event loop: nothing is sent from here any more."""
        self.loop = self.call_soon = self.run_method = self.linger_method = None

    @property
    def is_own_thread(self):
        """True on the thread of the event loop."""
        return self.thread == PyThread_get_thread_ident()

    @property
    def is_inherited(self):
        """True when it was filled before a fork that led to this process."""
        return self.forks != process_forks

    @property
    def has_room(self):
        """Whether a message is taken at once."""
        return not self.is_full()

    @property
    def fresh(self):
        """Bytes of batches that were closed since the loop has looked."""
        return self.fresh_bytes

    # ---- taking ----

    cdef bint is_usable(self) noexcept:
        return self.forks == process_forks and self.loop is not None

    cdef bint is_full(self) noexcept:
        return self.held_bytes >= self.buffer_bytes or self.held_messages >= self.buffer_messages

    cdef int take(
        self, object item, object body, object tags, object keys, object properties, object on_delivery,
        bint ordered, object queue,
    ) except -1:
        cdef Message message
        cdef Pile pile
        if type(item) is Message:
            if body is not None or tags is not None or keys is not None or properties is not None:
                refuse_both()
            message = <Message>item
        elif tags is None and keys is None and properties is None:
            message = new_message(item, no_body() if body is None else body)
        else:
            message = Message(item, no_body() if body is None else body, tags, keys, properties=properties)
        if (
            self.is_special or ordered or queue is not None or message.solo or message._batch
            or (message._more is not None and has_sharding_key(message))
        ):
            alone = message.solo or message._batch or message._topic.startswith("%RETRY%")
            self._take_odd(message, on_delivery, ordered, queue, alone)
            return 0
        pile = self.last
        if pile is None or message._topic is not pile.topic:
            pile = self.pile_of(message._topic)
        if pile.alone:
            self._take_odd(message, on_delivery, ordered, queue, True)
            return 0
        return self.put(pile, message, on_delivery)

    cdef Pile pile_of(self, str topic):
        cdef Pile pile = self.piles.get(topic)
        if pile is None:
            pile = self.piles[topic] = Pile(topic, self._wire_topic(topic))
        pile.topic = topic  # the same text may be another object now
        self.last = pile
        return pile

    def put_into(self, str topic not None, queue not None, Message message not None, on_delivery, *, bint ordered):
        """Take a message for one queue, which has batches of its own."""
        key = (queue, ordered)
        pile = self.queue_piles.get(key)
        if pile is None:
            pile = self.queue_piles[key] = Pile(topic, self._wire_topic(topic), queue, ordered)
        self.put(pile, message, on_delivery)

    def put_plain(self, Message message not None, on_delivery):
        """Take a message for any queue."""
        self.put(self.pile_of(message._topic), message, on_delivery)

    # hot: begin, at most 5
    cdef bint take_plain(self, Message message) except -1:
        """Take a message with nothing to decide into the open batch; false when there is anything else about it."""
        cdef Pile pile = self.last
        cdef Parcel parcel
        cdef Py_ssize_t size
        if pile is None or message._topic is not pile.topic or message._more is not None:
            return False
        if self.is_special or pile.alone or message.solo or message._batch:
            return False
        give_id(message)  # may run other code, so the parcel is looked at after it
        parcel = pile.open
        if parcel is None or parcel.number == 0 or parcel.callbacks is not None:
            return False
        size = plain_bytes(message, self.max_message_bytes)
        if size < 0 or parcel.end - parcel.at < size or parcel.unwaited != message.unwaited:
            return False
        if not fits(parcel, size, self.batch_bytes, self.max_message_bytes):
            return False
        put_message(parcel, message)
        return self.count(pile, parcel, size)
    # hot: end

    # hot: begin, at most 12
    cdef int put(self, Pile pile, Message message, object on_delivery) except -1:
        cdef Parcel parcel
        cdef Py_ssize_t size
        while True:
            # Whatever may run other code comes before the parcel is looked at, and then it is looked at again.
            size = record_bytes(message, self.max_message_bytes)
            parcel = pile.open
            if parcel is None:
                self.open_parcel(pile, message.unwaited)
            elif not (
                parcel.unwaited == message.unwaited and fits(parcel, size, self.batch_bytes, self.max_message_bytes)
            ):
                self.close_parcel(pile)
            elif on_delivery is not None and parcel.callbacks is None:
                messages, callbacks = [], []
                parcel.messages, parcel.callbacks = messages, callbacks
            else:
                break
        if parcel.end - parcel.at < size:
            parcel.make_room(max(size, pile.last_bytes) if parcel.number == 0 else size, self.batch_bytes)
        put_message(parcel, message)
        parcel.is_oversized = size + STORED_ADDITIONS > self.max_message_bytes
        if parcel.callbacks is not None:
            if on_delivery is not None:
                parcel.keep(message, on_delivery)
                size += KEPT_BYTES + PyBytes_GET_SIZE(message._body)
            else:
                parcel.keep(None, None)
        self.count(pile, parcel, size)
        return 0

    cdef inline bint count(self, Pile pile, Parcel parcel, Py_ssize_t size) except -1:
        """A message was put into a parcel, which may be full now."""
        parcel.charge += size
        self.held_bytes += size
        self.held_messages += 1
        self.taken += 1
        if parcel.number >= self.batch_count or parcel.at - parcel.start - HEADER_ROOM >= self.batch_bytes:
            self.close_parcel(pile)
        return True
    # hot: end

    cdef int open_parcel(self, Pile pile, bint unwaited) except -1:
        cdef Parcel parcel = Parcel.__new__(Parcel, pile.wire_topic)
        parcel.owner = self
        parcel.lane = pile
        parcel.queue = pile.queue
        parcel.unwaited = unwaited
        parcel.charge = PARCEL_BYTES
        parcel.opened_at = monotonic()
        if pile.open is not None:
            return 0  # making it ran other code, which was quicker
        pile.open = parcel
        self.held_bytes += PARCEL_BYTES
        self.open_piles[pile] = None
        self.count_in(parcel)
        if not self.lingering:
            self.lingering = True
            if self.thread == PyThread_get_thread_ident():
                self.loop.call_later(self.linger_s, self.linger_method)
            else:
                self.wants_timer = True
                self.wake()
        return 0

    cdef int close_parcel(self, Pile pile) except -1:
        """Have the open parcel of a pile be sent."""
        cdef Parcel parcel = pile.open
        if parcel is None:
            return 0
        pile.open = None
        # The next one will most often be as large, and need not grow step by step.
        pile.last_bytes = parcel.at - parcel.start
        self.open_piles.pop(pile, None)
        self.fresh_bytes += pile.last_bytes
        if self.fresh_bytes >= TURN_BYTES or self.taken - self.turned_at >= TURN_MESSAGES:
            self.turn_due = True
        if pile.ordered:
            if pile.busy:
                pile.waiting.append(parcel)
                return 0
            pile.busy = True
        self.ready.append(parcel)
        return self.wake()

    # ---- waking the loop ----

    cdef int wake(self) except -1:
        if self.woken:
            return 0
        self.woken = True
        try:
            if self.thread == PyThread_get_thread_ident():
                self.call_soon(self.run_method)
            else:
                self.loop.call_soon_threadsafe(self.run_method)
        except (RuntimeError, AttributeError, TypeError) as error:
            self.woken = False
            if self.loop is not None and not self.loop.is_closed():
                raise
            raise loop_closed() from error
        return 0

    def wake_up(self):
        """Have `_run` be called on the loop soon."""
        self.wake()

    def begin_turn(self):
        """The loop is here: what is closed from now on has to wake it again."""
        self.woken = False
        self.fresh_bytes = 0
        self.turned_at = self.taken
        if self.wants_timer:
            self.wants_timer = False
            self.loop.call_later(self.linger_s, self.linger_method)

    def close_due(self):
        """Close what has waited long enough; the loop calls this."""
        cdef Pile pile
        # Timers of a loop may be a bit early.
        cdef double now = monotonic() + 0.0005
        cdef double left = -1
        for pile in list(self.open_piles):
            if pile.open is None:
                continue
            left = pile.open.opened_at + self.linger_s - now
            if left > 0:
                break
            pile.open.shrink()
            self.close_parcel(pile)
            left = -1
        self.lingering = bool(self.open_piles)
        if self.lingering and self.loop is not None:
            self.loop.call_later(max(left, 0.0), self.linger_method)

    def close_all(self):
        """Close every open batch now."""
        cdef Pile pile
        for pile in list(self.open_piles):
            if pile.open is not None:
                pile.open.shrink()
            self.close_parcel(pile)

    # ---- the end of parcels ----

    cdef int ended(self, Parcel parcel) except -1:
        self.ended_parcels.append(parcel)
        return self.wake()

    def give_back_ended(self, list parcels not None):
        """Have `take_ended` give these again, in the next turn of the loop."""
        self.ended_parcels[:0] = parcels
        self.wake()

    def take_ended(self):
        """The parcels whose try has ended since the last call."""
        ended, self.ended_parcels = self.ended_parcels, []
        return ended

    def finish(self, Parcel parcel not None):
        """A parcel is done, well or not: calls who wants to know, and gives back its room."""
        cdef Pile pile = <Pile>parcel.lane
        if parcel.lane is not None:
            parcel.lane = None
            if pile.ordered:
                if pile.waiting:
                    self.ready.append(pile.waiting.popleft())
                else:
                    pile.busy = False
            self.held_bytes -= parcel.charge
            self.held_messages -= parcel.number
        if parcel.callbacks is not None:
            try:
                self.call_back(parcel)
            except BaseException:
                # KeyboardInterrupt and the like pass; the callbacks that are left are called next.
                self.ended(parcel)
                raise
        # After the callbacks, so that a flush does not end before them.
        self.count_out(parcel.epoch)
        if self.room_futures or self.ignored:
            self.make_known()

    cdef int call_back(self, Parcel parcel) except -1:
        cdef Py_ssize_t index
        cdef SendResult result = None
        error = None if parcel.is_stored else parcel.outcome
        for index in range(parcel.called, len(parcel.callbacks)):
            callback = parcel.callbacks[index]
            parcel.called = index + 1
            if callback is None:
                continue
            message = parcel.messages[index]
            try:
                if error is None:
                    result = parcel.result_of(index, <Message>message)
                callback(message, result, error)
            except Exception as failure:
                self._callback_failed(callback, failure)
        parcel.callbacks = parcel.messages = None
        return 0

    def is_finishing(self, Parcel parcel not None):
        """True for a parcel that `finish` has begun with, and did not get through all callbacks."""
        return parcel.lane is None

    def without_callback(self, Parcel parcel not None):
        """How many messages of a parcel nobody is called for."""
        if parcel.callbacks is None:
            return parcel.number
        return parcel.number - sum([callback is not None for callback in parcel.callbacks])

    def hold(self, Py_ssize_t size):
        """Count a message that is not in a batch; gives what `let_go` wants to have."""
        epoch = self.epoch
        self.held_bytes += size
        self.held_messages += 1
        self.taken += 1
        self.outstanding[epoch] = self.outstanding.get(epoch, 0) + 1
        return epoch

    def let_go(self, Py_ssize_t size, uint64_t epoch):
        """The message is done."""
        self.held_bytes -= size
        self.held_messages -= 1
        self.count_out(epoch)
        if self.room_futures or self.ignored:
            self.make_known()

    # ---- waiting ----

    cdef int count_in(self, Parcel parcel) except -1:
        parcel.epoch = self.epoch
        self.outstanding[self.epoch] = self.outstanding.get(self.epoch, 0) + 1
        return 0

    cdef int count_out(self, uint64_t epoch) except -1:
        left = self.outstanding[epoch] - 1
        if left:
            self.outstanding[epoch] = left
            return 0
        del self.outstanding[epoch]
        if epoch != self.epoch:
            self._epoch_ended()
        return 0

    def mark(self):
        """Close all batches; gives the mark up to which everything is there now."""
        epoch = self.epoch
        self.close_all()
        self.epoch += 1
        return epoch

    def is_done_to(self, uint64_t mark):
        """Whether everything that was there at a mark is done."""
        return not any([epoch <= mark for epoch in self.outstanding])

    def room_future(self):
        """A future of the loop that is done when there is room."""
        future = self.loop.create_future()
        self.when_room(future)
        return future

    def when_room(self, future not None):
        """Have something with the methods `done` and `set_result` of a future be told when there is room."""
        if self.is_full():
            # What is open may be all there is, and it need not wait for more.
            self.close_all()
            self.room_futures.append(future)
        else:
            future.set_result(None)

    cdef int make_known(self) except -1:
        """Wake who waits for room, once there is some more than none."""
        if (
            self.held_bytes > self.buffer_bytes - min(self.buffer_bytes // 8, PACE_BYTES)
            or self.held_messages > self.buffer_messages - self.buffer_messages // 8
        ):
            return 0
        self.ignored = False
        waiting, self.room_futures = self.room_futures, []
        for future in waiting:
            if not future.done():
                future.set_result(None)
        return 0

    def refusal(self, what):
        """The error for a message that is not taken, with the figures."""
        return BackPressureError(
            f"{self.held_messages:,} messages with {self.held_bytes:,} bytes wait to be sent or answered, {what}; "
            f"the limits are buffer_messages {self.buffer_messages:,} and buffer_bytes {self.buffer_bytes:,}",
            likely="brokers take messages more slowly than they are submitted",
            advice="wait before submitting more, submit less, or raise the limit",
        )


cdef int refuse_both() except -1:
    raise InvalidMessageError(
        "submit got a Message and a body, tags, keys or properties besides",
        field="message",
        advice="put them into the Message, or give a topic in its place",
    )


cdef object no_body():
    raise InvalidMessageError(
        "submit got a topic and no body", field="body", advice="write submit(topic, body) or submit(message)"
    )


cdef object loop_closed():
    return LoopClosedError(
        "the event loop of this producer is closed, the message is not sent",
        likely="the program or its event loop ends without shutdown() of the producer",
        advice="await shutdown() first, or use the producer in an async with block",
    )
