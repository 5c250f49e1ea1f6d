"""Where sends of the quick way go: prepared queues by topic, taken in turn, and what is known of their brokers.

It decides between queues that are at hand, nothing else; routes, and whatever has to be found out, are asked of
functions that were given. Used on one event loop.
"""

cimport cython
from cpython.bytes cimport PyBytes_GET_SIZE
from libc.stdint cimport int32_t

from pyrocketmq._native.answer cimport SendResult
from pyrocketmq._native.channel cimport set_error
from pyrocketmq._native.connection cimport Connection
from pyrocketmq._native.message cimport Message
from pyrocketmq._native.monotonic cimport coarse_monotonic, monotonic
from pyrocketmq._native.room cimport InLine, Room
from pyrocketmq._native.sending cimport SendEncoder, SendFields
from pyrocketmq._native.text cimport utf8_of

from asyncio import get_running_loop

__all__ = ["SendLink", "SendTable", "SendTarget", "SendTargets"]

cdef enum:
    FIRST_ONEWAY = 64  # that are sent ahead to a broker of which nothing is known
    LEAST_ONEWAY = 16

cdef double QUICK_MARK = 0.04
cdef double SLOW_MARK = 0.1
# How much longer than the quickest one a confirmation takes: that is how long sends wait at the broker.
cdef double SHORT_WAIT = 0.01
cdef double LONG_WAIT = 0.04

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
    """One queue that sends may go to.

    Args:
        link: its broker.
        queue_id: its number there.
        queue: the queue.
        is_only: there is no other broker to try.
        topic: the topic as the broker knows it, where messages have another name for it.
        shown: the queue as results name it.
    """

    def __cinit__(
        self, SendLink link not None, int32_t queue_id, queue, bint is_only=False, *, str topic=None, shown=None
    ):
        self.link = link
        self.queue_id = queue_id
        self.queue = queue
        self.is_only = is_only
        self.topic = topic
        self.shown = queue if shown is None else shown

    cdef int put_topic(self, SendFields *fields) except -1:
        """Have a message that goes here be written with the topic that the broker knows."""
        return 0 if self.topic is None else utf8_of(self.topic, &fields.topic)


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
cdef class SendTable(Room):
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
        self.compress_over = (<Py_ssize_t>1) << 62
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
        self.forget()
        self.warming = {}

    def pick(self, Message message not None):
        """The next queue for a message, or None when the general way has to be taken."""
        if self.is_closed or not self.is_simple(message):
            return None
        return self.find(message, coarse_monotonic())

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
        cdef Py_ssize_t count = len(self.line)
        for warming in self.warming.values():
            count += len((<Warming>warming).calls)
        return count

    def end_waiting(self, error not None):
        """End the sends that wait."""
        warming, self.warming = self.warming, {}
        Room.end_waiting(self, error)
        for one in warming.values():
            for item in (<Warming>one).calls:
                set_error((<InLine>item).future, error)

    def warmed(self, str topic not None, bint is_ready):
        """Let those go on that wait for the first queues of a topic: the quick way if there are some now."""
        cdef Warming warming = self.warming.pop(topic, None)
        cdef double now = monotonic()
        cdef InLine call
        if warming is None:
            return
        for item in warming.calls:
            call = <InLine>item
            if call.future.done():
                continue
            call.warming = now - call.begun
            if not is_ready or self.is_closed:
                call.leave_to_general_way()
            elif self.line or not self.fits() or not call.let_in(now):
                self.enqueue(call, call.deadline())

    cdef bint join_warm_up(self, InLine call) except -1:
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


@cython.final
cdef class Warming:
    """The sends that wait for the first queues of one topic."""


cdef bint is_keyed(Message message) except -1:
    """True for a message whose queue or order is not free to choose."""
    return message.more_property(SHARDING_KEY) is not None or message.more_property(JAVA_SHARDING_KEY) is not None
