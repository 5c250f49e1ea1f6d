"""The quick way of sends: prepared queues are taken in turn, and the caller awaits what the connection resolves.

Whatever is out of the ordinary (no queue at hand, options, limits, refusals, time-outs) is handed to functions that
were given, which know about routes and retries; nothing here does. Used on one event loop.
"""

cimport cython
from cpython.bytes cimport PyBytes_GET_SIZE
from libc.stdint cimport int32_t
from libc.string cimport memcpy

from pyrocketmq._native.answer cimport SendResult
from pyrocketmq._native.channel cimport SendOwner, set_error, twin_of
from pyrocketmq._native.clock cimport now_ms
from pyrocketmq._native.connection cimport Connection
from pyrocketmq._native.handover cimport Ticket
from pyrocketmq._native.message cimport NO_ID, RAW_ID, Message
from pyrocketmq._native.monotonic cimport coarse_monotonic, monotonic
from pyrocketmq._native.sending cimport SendEncoder, SendFields

from asyncio import Future, InvalidStateError, get_running_loop
from collections import deque

from pyrocketmq.errors import ConfigurationError, InvalidMessageError

__all__ = [
    "OnewayMark", "SendCall", "SendLink", "SendTable", "SendTarget", "SendTargets", "Sender", "message_of",
    "put_oneway_send",
]

cdef extern from "Python.h":
    int PyErr_WarnFormat(object category, Py_ssize_t level, const char *format, ...) except -1

cdef enum State:
    NEW
    BEGUN

cdef enum:
    CODE_SUCCESS = 0
    FIRST_NOT_OK = 10  # FLUSH_DISK_TIMEOUT, SLAVE_NOT_AVAILABLE, FLUSH_SLAVE_TIMEOUT
    LAST_NOT_OK = 12
    FIRST_ONEWAY = 64  # that are sent ahead to a broker of which nothing is known
    LEAST_ONEWAY = 16

cdef double QUICK_MARK = 0.04
cdef double SLOW_MARK = 0.1
# How much longer than the quickest one a confirmation takes: that is how long sends wait at the broker.
cdef double SHORT_WAIT = 0.01
cdef double LONG_WAIT = 0.04

cdef object PlainFuture = Future
cdef object set_result = Future.set_result  # found once, not at each call

cdef double LEAST_LEFT = 0.002  # less than this is no time for another try
cdef double NEVER = float("inf")
cdef double SWEEP_SECONDS = 0.02  # between two looks at who has waited too long

cdef str SHARDING_KEY = "SHARDING_KEY"
cdef str JAVA_SHARDING_KEY = "__SHARDINGKEY"


@cython.final
cdef class SendLink:
    """One broker as sends see it.

    Args:
        name: the broker's name.
        address: its address, for whoever asks.
        encoder: writes the frames.
        max_in_flight: sends of this table that may wait for its answers; more take the general way.
    """

    def __cinit__(
        self, str name not None, str address not None, SendEncoder encoder not None, Py_ssize_t max_in_flight=1 << 30
    ):
        self.name = name
        self.address = address
        self.encoder = encoder
        self.max_in_flight = max_in_flight
        self.waiting = []
        self.oneway_limit = FIRST_ONEWAY

    @property
    def connection(self):
        """The connection that sends are written to, or None."""
        return self._connection

    @connection.setter
    def connection(self, Connection value):
        self._connection = value

    cdef bint is_there(self) noexcept:
        return self._connection is not None and self._connection.is_made and not self._connection.is_ended

    cdef bint has_room(self) noexcept:
        return self._connection is not None and self._connection.is_free() and self.in_flight < self.max_in_flight

    cdef bint is_usable(self, double now) noexcept:
        return self.has_room() and (self.rests_until == 0 or self.rests_until <= now)

    cdef bint is_full(self, double now) noexcept:
        """True when it is only a matter of time until it is usable."""
        return self.is_there() and (self.rests_until == 0 or self.rests_until <= now)

    cdef Py_ssize_t oneway_room(self, Py_ssize_t window) noexcept:
        return window if window < self.oneway_limit else self.oneway_limit

    cpdef bint is_oneway_full(self, Py_ssize_t window):
        """True while one-way sends have to wait for a confirmation that is on its way."""
        return window > 0 and self.unconfirmed >= self.oneway_room(window) and self.unconfirmed > self.unmarked

    cpdef object pace(self, double seconds, Py_ssize_t window):
        """Take note of how long a confirmation took.

        Brokers drop one-way messages that have waited for 0.2 s, and when they pause for so long all that wait
        there: as few are sent ahead as keep them busy.
        """
        if self.oneway_least == 0 or seconds < self.oneway_least:
            self.oneway_least = seconds
        cdef double waited = seconds - self.oneway_least
        if seconds > SLOW_MARK or waited > LONG_WAIT:
            self.oneway_limit = max(LEAST_ONEWAY, self.oneway_limit // 2)
        elif seconds < QUICK_MARK and waited < SHORT_WAIT and self.oneway_limit < window:
            self.oneway_limit *= 2

    def wait_for_mark(self, future not None):
        """Have a future resolved when one-way sends are confirmed again."""
        self.waiting.append(future)


@cython.final
cdef class SendTarget:
    """One queue that sends may go to."""

    def __cinit__(self, SendLink link not None, int32_t queue_id, queue, bint is_only=False):
        self.link = link
        self.queue_id = queue_id
        self.queue = queue
        self.is_only = is_only


@cython.final
cdef class SendTargets:
    """The queues of one topic, taken in turn.

    Args:
        route: what they were made of, for those who look whether it still is the one.
        targets: the queues in their order.
        valid_until: on the monotonic clock; after that the general way looks at the route again.
        start: which one is first.
    """

    def __cinit__(self, route, targets, double valid_until, Py_ssize_t start=0):
        self.route = route
        self.targets = tuple(targets)
        self.valid_until = valid_until
        self.next_at = start % len(self.targets) if self.targets else 0
        for target in self.targets:
            if not isinstance(target, SendTarget):
                raise TypeError(f"a target is a SendTarget, not {type(target).__name__}")


@cython.final
cdef class SendTable:
    """What the sends of one group share: queues by topic, limits, counters, and who does what is not quick.

    Args:
        general: ``general(message, options, timeout, begun)`` is a coroutine that sends a message.
        general_oneway: ``general_oneway(message, options)``, likewise for a one-way send.
        renew: ``renew(topic)`` looks at the route of a topic, which may give it queues.
        warm_up: ``warm_up(topic)`` begins to get queues and connections for a topic that has none, and gives the
            time on the monotonic clock until which it calls `warmed`; 0 when that makes no sense now.
        try_again: ``try_again(call, error)`` tells whether a send goes on at once on another broker, after a try
            that ended with an error.
        take_over: ``take_over(call, outcome)`` ends a call whose last try gave a refusal or an error; without
            an outcome it could not be written, or not in time.
        refuse: ``refuse(timeout, count)`` gives the error for so many calls that waited for room in vain.
        take_over_oneway: ``take_over_oneway(mark, outcome)``, likewise for a one-way send that was to be confirmed.
        on_latency: ``on_latency(link, seconds)`` hears of slow answers, and of any from a link with a rest.
    """

    def __cinit__(
        self, *, general, general_oneway, renew, warm_up, try_again, take_over, take_over_oneway, refuse,
        on_latency
    ):
        self.topics = {}
        self.waiting = deque()
        self.warming = {}
        self.general = general
        self.general_oneway = general_oneway
        self.renew = renew
        self.warm_up = warm_up
        self.try_again = try_again
        self.take_over = take_over
        self.refuse = refuse
        self.take_over_oneway = take_over_oneway
        self.on_latency = on_latency
        self.is_plain = True
        self.is_closed = False
        self.takes_not_ok = True
        self.timeout = 3.0
        self.retries = 2
        self.least_share = 0.2
        self.slow_after = 0.5
        self.compress_over = self.max_in_flight = self.max_in_flight_bytes = (<Py_ssize_t>1) << 62
        self.oneway_window = 0

    def put(self, str topic not None, SendTargets targets not None):
        """Send messages of a topic to these queues from now on."""
        self.topics[topic] = targets
        self.last_topic = None

    def get(self, str topic not None):
        """The queues of a topic, or None."""
        return self.topics.get(topic)

    def clear(self):
        """Forget all queues: every send takes the general way until there are some again."""
        self.topics.clear()
        self.last_topic = None
        self.last = None

    def reset(self):
        """Forget the sends under way as well, which will never end in this process."""
        self.clear()
        self.in_flight = self.in_flight_bytes = self.mixed = 0
        self.waiting = deque()
        self.warming = {}

    def pick(self, Message message not None):
        """The next queue for a message, or None when the general way has to be taken."""
        if self.is_closed or not self.is_simple(message):
            return None
        return self.find(message, coarse_monotonic())

    def take(self, Py_ssize_t size):
        """Count a send that goes the general way, if there is room and nobody waits; `give` ends that."""
        if self.waiting or not self.fits():
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

    def count_oneway(self):
        """Count a one-way send that was made elsewhere."""
        self.oneway += 1

    def count(self, SendResult result not None, Py_ssize_t size):
        """Count a message that a broker has stored."""
        self.sent += 1
        self.sent_bytes += size
        if result.answer.code != CODE_SUCCESS:
            self.not_confirmed += 1

    def share_of(self, SendTarget target not None, double left):
        """Seconds that a first try may take, of those that are left for all tries."""
        return self.share(target, left, 0)

    @property
    def waiting(self):
        """How many sends wait for room, or for the first queues of their topic."""
        cdef Py_ssize_t count = len(self.waiting)
        for warming in self.warming.values():
            count += len((<Warming>warming).calls)
        return count

    def end_waiting(self, error not None):
        """End the sends that wait."""
        waiting, self.waiting = self.waiting, deque()
        warming, self.warming = self.warming, {}
        self.mixed = 0
        for item in waiting:
            set_error((<SendCall>item).future if isinstance(item, SendCall) else item[0], error)
        for one in warming.values():
            for item in (<Warming>one).calls:
                set_error((<SendCall>item).future, error)

    def warmed(self, str topic not None, bint is_ready):
        """Let those go on that wait for the first queues of a topic: the quick way if there are some now."""
        cdef Warming warming = self.warming.pop(topic, None)
        cdef double now = monotonic()
        cdef SendCall call
        if warming is None:
            return
        for item in warming.calls:
            call = <SendCall>item
            if call.future.done():
                continue
            call.warming = now - call.begun
            if not is_ready or self.is_closed:
                call.leave_to_general_way()
            elif self.waiting or not self.fits() or not call.let_in(now):
                self.enqueue(call, call.deadline())

    cdef bint join_warm_up(self, SendCall call) except -1:
        """Have a send wait for the first queues of its topic, with all others; False when it has to see itself."""
        cdef Warming warming = self.warming.get(call.message._topic)
        loop = get_running_loop()
        if warming is None:
            if self.topics.get(call.message._topic) is not None:
                return False
            warming = Warming.__new__(Warming)
            warming.until = self.warm_up(call.message._topic)
            if warming.until == 0:
                return False
            warming.loop = loop
            warming.calls = []
            self.warming[call.message._topic] = warming
        if warming.loop is not loop or call.deadline() < warming.until:
            return False
        call.wait(loop)
        warming.calls.append(call)
        return True

    cdef bint is_simple(self, Message message) except -1:
        """True for a message with nothing to decide but its queue, which may be any."""
        if not self.is_plain or PyBytes_GET_SIZE(message._body) >= self.compress_over:
            return False
        return message._more is None or not is_keyed(message)

    cdef SendTarget find(self, Message message, double now):
        """The next usable queue for a simple message."""
        cdef SendTargets targets
        cdef SendTarget target
        cdef Py_ssize_t size
        self.full = None
        if message._topic is not self.last_topic:
            targets = self.topics.get(message._topic)
            if targets is None:
                return None
            self.last_topic = message._topic
            self.last = targets
        targets = self.last
        if now > targets.valid_until:
            self.renew(message._topic)
            targets = self.topics.get(message._topic)
            if targets is None or now > targets.valid_until:
                return None
            self.last_topic = message._topic
            self.last = targets
        size = len(targets.targets)
        for _ in range(size):
            target = <SendTarget>targets.targets[targets.next_at]
            targets.next_at += 1
            if targets.next_at == size:
                targets.next_at = 0
            if target.link is self.avoided:
                continue
            if target.link.is_usable(now):
                return target
            if self.full is None and target.link.is_full(now):
                self.full = target.link
        return self.find_resting(targets) if self.full is None else None

    cdef SendTarget find_resting(self, SendTargets targets):
        """The next queue of the broker with the shortest rest, since all that are there have one."""
        cdef SendTarget target
        cdef SendTarget best = None
        cdef Py_ssize_t size = len(targets.targets)
        cdef Py_ssize_t at, best_at = 0
        for index in range(size):
            at = (targets.next_at + index) % size
            target = <SendTarget>targets.targets[at]
            if target.link is self.avoided or not target.link.is_there():
                continue
            if best is None or target.link.rests_until < best.link.rests_until:
                best, best_at = target, at
        if best is None:
            return None
        if best.link.has_room():
            targets.next_at = (best_at + 1) % size
            return best
        self.full = best.link
        return None

    cdef SendTarget find_other(self, Message message, double now, SendLink avoided):
        """As `find`, on any broker but one."""
        self.avoided = avoided
        try:
            return self.find(message, now)
        finally:
            self.avoided = None

    cdef double share(self, SendTarget target, double left, Py_ssize_t tries) noexcept:
        # With one broker another try would wait behind this one, and its copy would be one too many.
        if target.is_only:
            return left
        return min(left, max(self.least_share, left / max(1, self.retries + 1 - tries)))

    cdef bint fits(self) noexcept:
        """True while another send may begin; one alone may be larger than the limit."""
        return self.in_flight < self.max_in_flight and self.in_flight_bytes < self.max_in_flight_bytes

    cdef int release(self, Py_ssize_t size) except -1:
        self.in_flight -= 1
        self.in_flight_bytes -= size
        return self.let_in() if self.waiting else 0

    cdef int enqueue(self, object item, double deadline, bint is_first=False) except -1:
        """Let a send wait for room."""
        if not self.waiting or deadline < self.due:
            self.due = deadline
        self.mixed += is_odd(item)
        if is_first:
            self.waiting.appendleft(item)
        else:
            self.waiting.append(item)
        if not self.is_sweeping:
            self.is_sweeping = True
            get_running_loop().call_later(SWEEP_SECONDS, self.sweep)
        return 0

    cdef object first_waiting(self):
        item = self.waiting.popleft()
        self.mixed -= is_odd(item)
        return item

    cdef int let_in(self) except -1:
        """Give room to those who wait for it, as far as it goes."""
        cdef double now = coarse_monotonic()
        while self.waiting and self.fits():
            item = self.first_waiting()
            if isinstance(item, SendCall):
                if not (<SendCall>item).let_in(now):
                    self.waiting.appendleft(item)
                    self.mixed += is_odd(item)
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
        if self.waiting and self.due <= now:
            self.refuse_late(self.take_late(now))
        self.let_in()
        if self.waiting:
            self.is_sweeping = True
            get_running_loop().call_later(SWEEP_SECONDS, self.sweep)

    cdef list take_late(self, double now):
        """Take those out of the line that have waited too long."""
        cdef list late = []
        cdef SendCall call
        if self.mixed == 0:
            # All have the same time, so they are in the order of their deadlines.
            while self.waiting:
                call = <SendCall>self.waiting[0]
                self.due = call.deadline()
                if not call.future.done():
                    if self.due > now:
                        break
                    late.append(call)
                self.waiting.popleft()
            return late
        waiting, self.waiting = self.waiting, deque()
        self.mixed = 0
        self.due = NEVER
        for item in waiting:
            if not isinstance(item, SendCall):
                self.waiting.append(item)
                self.mixed += 1
                continue
            call = <SendCall>item
            if call.future.done():
                continue
            if call.deadline() <= now:
                late.append(call)
                continue
            self.due = min(self.due, call.deadline())
            self.mixed += is_odd(call)
            self.waiting.append(call)
        return late

    cdef int refuse_late(self, list late) except -1:
        """Tell many at a time: what the error says is found out once for those of one time-out."""
        cdef SendCall call
        cdef dict errors = {}
        counts = {}
        for item in late:
            call = <SendCall>item
            if call.past is None:
                counts[call.timeout] = counts.get(call.timeout, 0) + 1
        for timeout, count in counts.items():
            errors[timeout] = self.refuse(timeout, count)
        for item in late:
            call = <SendCall>item
            if call.past is None:
                set_error(call.future, twin_of(errors[call.timeout]))
            else:
                call.leave_to_general_way()
        return 0


@cython.final
cdef class Warming:
    """The sends that wait for the first queues of one topic."""


cdef bint is_keyed(Message message) except -1:
    """True for a message whose queue or order is not free to choose."""
    return message.more_property(SHARDING_KEY) is not None or message.more_property(JAVA_SHARDING_KEY) is not None


cdef bint is_odd(object item) noexcept:
    """True for one that may have to leave the line before those in front of it."""
    return not isinstance(item, SendCall) or (<SendCall>item).timeout != 0 or (<SendCall>item).past is not None


cdef int wake(list waiting) except -1:
    for future in waiting:
        if not future.done():
            future.set_result(None)
    del waiting[:]
    return 0


@cython.final
cdef class SendCall(SendOwner):
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
        if target is None or table.waiting or not table.fits():
            self.wait(link._connection.loop)
            table.enqueue(self, self.deadline())
        else:
            self.write(target, self.timeout or table.timeout)
        return True

    cdef int wait(self, object loop) except -1:
        """Have a future, since it is not known yet when this is written."""
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
        fields.queue_id = target.queue_id
        fields.opaque = fields.sys_flag = fields.wire_flag = 0
        fields.born_ms = now_ms()
        left = table.share(target, left, self.tries())
        target.link._connection.put_owned(target.link.encoder, self.message, &fields, self, left)
        self.target = target
        self.size = PyBytes_GET_SIZE(self.message._body)
        target.link.in_flight += 1
        table.in_flight += 1
        table.in_flight_bytes += self.size
        return 0

    cdef double deadline(self) noexcept:
        return self.begun + (self.timeout or self.table.timeout)

    cdef bint let_in(self, double now) except -1:
        """There may be room now for a send that had to wait; false when it has to wait on."""
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
        table.release(self.size)
        table.sent += 1
        table.sent_bytes += self.size
        if code != CODE_SUCCESS:
            table.not_confirmed += 1
        if self.past is not None:
            result.attempts = 1 + self.tries()
        give_id(result, self.message)
        result.message_queue = self.target.queue
        try:
            if self.ticket is not None:
                self.ticket.set_result(result)
            elif type(self.future) is PlainFuture:
                set_result(self.future, result)
            else:
                self.future.set_result(result)
        except InvalidStateError:
            pass  # cancelled, and nobody had noticed yet
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


@cython.final
cdef class OnewayMark(SendOwner):
    """A one-way send that is answered after all, which tells that those before it were taken from the wire."""

    @property
    def link(self):
        """The broker that it went to."""
        return self.target.link

    cdef int answered(self, SendResult result, double now) except -1:
        cdef bint is_good = result.answer.code == CODE_SUCCESS
        self.target.link.pace(now - self.written_at if is_good else 2 * SLOW_MARK, self.table.oneway_window)
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
    fields.queue_id = target.queue_id
    fields.opaque = fields.wire_flag = 0
    fields.sys_flag = sys_flag
    fields.born_ms = now_ms()
    if table.oneway_window and body is None and link.unmarked + 1 >= (link.oneway_room(table.oneway_window) + 1) // 2:
        mark = OnewayMark.__new__(OnewayMark)
        mark.table = table
        mark.target = target
        mark.message = message
        mark.covers = link.unmarked + 1
        link._connection.put_owned(link.encoder, message, &fields, mark, table.timeout)
        link.unmarked = 0
    else:
        link._connection.put_unanswered(link.encoder, message, &fields, body)
        link.unmarked += 1
    link.unconfirmed += 1
    table.oneway += 1
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


cdef double check_timeout(object timeout) except? -1:
    cdef double seconds = timeout
    if not 0 < seconds <= 86400:
        raise ConfigurationError(
            f"timeout is {seconds:g} s, it must be > 0 and at most 86,400",
            field="timeout",
            advice="give the seconds that the send may take in all",
        )
    return seconds
