"""One connection: the event loop's protocol of clients and of the embedded server, over plain TCP and TLS.

Frames are cut where they were received, and all answers of one read are resolved in one go. It does not know how a
connection is made, what a request means, and what to do when one fails.
"""

cimport cython
from cpython.buffer cimport PyBuffer_FillInfo
from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport int32_t, uint8_t
from libc.string cimport memcpy

from pyrocketmq._native.answer cimport SendAnswer, SendResult, make_send_result, read_send_answer
from pyrocketmq._native.channel cimport RequestChannel, RequestTaker, SendOwner, fail_waiter
from pyrocketmq._native.command cimport RemotingCommand
from pyrocketmq._native.frame cimport FrameReader, FrameView, decode_view
from pyrocketmq._native.message cimport Message
from pyrocketmq._native.monotonic cimport coarse_monotonic
from pyrocketmq._native.outgoing cimport ANSWER_FLAG, FLUSH_BYTES, codec_number
from pyrocketmq._native.sending cimport ONEWAY_FLAG
from pyrocketmq._native.waiters cimport (
    COMMAND,
    NO_WAITER,
    RESTING,
    SEND,
    SEND_BATCH,
    SEND_OWNED,
    SEND_RAW_ID,
    SEND_TEXT_ID,
    Slot,
)

import asyncio
from inspect import isawaitable
from logging import getLogger

from pyrocketmq._native.answer import decode_send_answer
from pyrocketmq._native.channel import ConnectionStats
from pyrocketmq._native.greeting import guess_peer
from pyrocketmq.errors import (
    ConfigurationError,
    ConnectionClosedError,
    DeserializationError,
    ProtocolError,
    SerializationError,
)

__all__ = ["Connection", "ConnectionStats"]

cdef extern from "Python.h":
    unsigned long PyThread_get_thread_ident()

cdef enum:
    WORDS_BYTES = 8
    SYSTEM_ERROR = 1
    REQUEST_CODE_NOT_SUPPORTED = 3
    FIRST_READ_BYTES = 16384
    MOST_READ_BYTES = 262144

cdef object logger = getLogger("pyrocketmq.connection")
cdef object InvalidStateError = asyncio.InvalidStateError


@cython.final
cdef class ReadSpace:
    """The free end of a reader's block, as the event loop fills it."""

    def __getbuffer__(self, Py_buffer *view, int flags):
        PyBuffer_FillInfo(view, self, self.reader.end, self.reader.space(), 0, flags)
        self.views += 1

    def __releasebuffer__(self, Py_buffer *view):
        self.views -= 1


cdef class Connection(RequestChannel, asyncio.BufferedProtocol):
    """The protocol object of one connection; give it to `loop.create_connection` or `loop.create_server`."""

    def __cinit__(
        self,
        handler=None,
        *,
        str address not None="",
        str codec not None="json",
        Py_ssize_t max_frame_bytes=16777216,
        Py_ssize_t write_buffer_bytes=4194304,
        double rest_seconds=30.0,
        bint holds_reading=False,
        on_made=None,
        on_lost=None,
        on_frame=None,
        RequestTaker taker=None,
        on_timeouts=None,
        clock=None,
        first_opaque=None,
    ):
        self.reader = FrameReader(max_frame_bytes)
        self.read_space = ReadSpace.__new__(ReadSpace)
        self.read_space.reader = self.reader
        if write_buffer_bytes < 1:
            raise ConfigurationError(
                f"write_buffer_bytes is {write_buffer_bytes:,}, it must be at least 1",
                field="write_buffer_bytes",
                advice="leave it at 4,194,304",
            )
        self.handler = handler
        self.address = address
        self.codec = self.peer_codec = codec_number(codec)
        self.max_frame_bytes = max_frame_bytes
        self.write_buffer_bytes = write_buffer_bytes
        self.rest_seconds = rest_seconds
        self.holds_reading = holds_reading
        self.on_made = on_made
        self.on_lost = on_lost
        self.on_frame = on_frame
        self.taker = taker
        self.on_timeouts = on_timeouts
        self.clock = clock
        self.has_opaque = first_opaque is not None
        self.next_opaque = first_opaque if self.has_opaque else 0
        self.read_bytes = FIRST_READ_BYTES
        self.closers = []
        self.tasks = set()

    def __repr__(self):
        state = "lost" if self.is_lost else "closing" if self.is_ended else "open" if self.is_made else "new"
        return f"<Connection to {self.address or 'a peer'}, {state}, {self.waiters.waiting:,} in flight>"

    # ---- reading ----

    def get_buffer(self, Py_ssize_t sizehint):
        """Where the event loop puts what it receives."""
        if self.read_space.views:
            self.change_block()
        self.reader.get_space(self.read_bytes)
        return memoryview(self.read_space)

    cdef int change_block(self) except -1:
        """Read into other memory, since somebody still holds what an earlier read was given.

        The event loop does not; but a traceback that is kept leads to the frame of its read, which does.
        """
        cdef FrameReader old = self.reader
        cdef FrameReader fresh = FrameReader(self.max_frame_bytes)
        cdef Py_ssize_t unread = old.end - old.at
        if unread:
            memcpy(fresh.get_space(unread), old.at, unread)
            fresh.commit(unread)
        self.reader = fresh
        self.read_space = ReadSpace.__new__(ReadSpace)
        self.read_space.reader = fresh
        return 0

    def buffer_updated(self, Py_ssize_t nbytes):
        """Called by the event loop with the number of bytes it has received."""
        cdef bint filled = nbytes == self.reader.space()
        if self.first_size < <Py_ssize_t>sizeof(self.first):
            self.keep_first(nbytes)
        self.reader.commit(nbytes)
        self.bytes_in += nbytes
        self.last_read = self.now()
        if filled and self.read_bytes < MOST_READ_BYTES:
            self.read_bytes *= 2
        self.process()

    def hold_reading(self):
        """Take nothing more from the peer for now."""
        if not (self.held or self.is_ended):
            self.held = True
            self.transport.pause_reading()

    def continue_reading(self):
        """Go on after `hold_reading`, first with the frames that are there."""
        if self.held and not self.is_ended:
            self.held = False
            self.process()
            if not (self.held or self.is_ended):
                self.transport.resume_reading()

    cdef int process(self) except -1:
        """Cut all frames that are there; their waiters are resolved in this one go."""
        cdef FrameView view
        interrupt = None
        while not (self.held or self.is_ended):
            try:
                if not self.reader.cut(&view):
                    break
                self.frames_in += 1
                self.take_frame(&view)
            except DeserializationError as error:
                self.note_bad_frame(error)
                if self.holds_reading:
                    self.end(self.closed_error("a request could not be read", error))
                    self.transport.abort()
            except ProtocolError as error:
                self.end(self.closed_error("the peer broke the framing", error))
                self.transport.abort()
            except (KeyboardInterrupt, SystemExit) as raised:
                # By a signal handler, in code of the event loop: the other answers that are here reach who waits.
                interrupt = raised
        if interrupt is not None:
            raise interrupt
        return 0

    cdef int keep_first(self, Py_ssize_t nbytes) except -1:
        """What the event loop has just put behind the read bytes, as far as it belongs to the first ones."""
        cdef Py_ssize_t size = min(nbytes, <Py_ssize_t>sizeof(self.first) - self.first_size)
        if size > 0:
            memcpy(self.first + self.first_size, self.reader.end, size)
            self.first_size += size
        return 0

    cdef tuple guess(self):
        if self.frames_in > self.bad_frames:
            return None, None  # a frame was understood
        guessed = guess_peer(PyBytes_FromStringAndSize(<const char *>self.first, self.first_size))
        return (None, None) if guessed is None else guessed

    cdef object closed_error(self, str what, object cause):
        likely, advice = self.guess()
        error = ConnectionClosedError(
            f"the connection to {self.address} is closed: {what}", likely=likely, advice=advice, address=self.address
        )
        error.__cause__ = cause
        return error

    cdef int give_frame(self, const FrameView *view) except -1:
        self.on_frame(
            PyBytes_FromStringAndSize(
                <const char *>view.header - WORDS_BYTES, WORDS_BYTES + view.header_size + view.body_size
            )
        )
        return 0

    cdef int take_frame(self, const FrameView *view) except -1:
        cdef RemotingCommand command
        cdef bint raw = self.on_frame is not None
        if self.taker is not None and self.taker.take(self, view):
            self.requests_in += 1
            return 0
        if raw and self.waiters.waiting == 0:
            return self.give_frame(view)
        if self.sends and self.take_send_answer(view):
            return 0
        command = decode_view(view)
        if raw and not (command._flag & ANSWER_FLAG and self.waiters.find(command._opaque) != NO_WAITER):
            return self.give_frame(view)
        if command._flag & ANSWER_FLAG:
            return self.take_answer(command, view)
        return self.take_request(command, view.codec)

    cdef int take_send_answer(self, const FrameView *view) except -1:
        """The short way of a plain answer to a send; 0 when the frame is anything else."""
        cdef SendAnswer answer
        cdef SendResult result
        cdef Slot *slot
        cdef int32_t number
        cdef const uint8_t *frame = view.header - WORDS_BYTES
        if read_send_answer(frame, WORDS_BYTES + view.header_size + view.body_size, &answer):
            return 0
        if not answer.flag & ANSWER_FLAG:
            return 0
        number = self.waiters.find(answer.opaque)
        if number == NO_WAITER:
            return 0
        slot = &self.waiters.slots[number]
        if slot.kind < SEND:
            return 0
        result = make_send_result(
            PyBytes_FromStringAndSize(<const char *>frame, WORDS_BYTES + view.header_size), &answer
        )
        if slot.kind == SEND_OWNED:
            (<SendOwner>self.waiters.finish(number)).answered(result, self.last_read + self.base)
            return 1
        give_id(result, slot)
        self.resolve(self.waiters.finish(number), result)
        return 1

    cdef int take_answer(self, RemotingCommand command, const FrameView *view) except -1:
        cdef int32_t number = self.waiters.find(command._opaque)
        cdef Slot *slot
        if number == NO_WAITER:
            self.late_answers += 1
            return 0
        slot = &self.waiters.slots[number]
        if slot.kind == RESTING:
            # The one answer that the number rested for has come.
            self.waiters.end_rest(number)
            self.late_answers += 1
            return 0
        if slot.kind == COMMAND:
            return self.resolve(self.waiters.finish(number), command)
        try:
            result = decode_send_answer(
                PyBytes_FromStringAndSize(
                    <const char *>view.header - WORDS_BYTES, WORDS_BYTES + view.header_size + view.body_size
                )
            )
        except DeserializationError as error:
            error.maybe_sent = True
            fail_waiter(self.waiters.finish(number), error)
            return 0
        if slot.kind == SEND_OWNED:
            return (<SendOwner>self.waiters.finish(number)).answered(<SendResult>result, self.last_read + self.base)
        give_id(<SendResult>result, slot)
        return self.resolve(self.waiters.finish(number), result)

    cdef int resolve(self, object future, object result) except -1:
        try:
            future.set_result(result)
        except InvalidStateError:
            self.late_answers += 1  # cancelled, and nobody had noticed yet
        return 0

    cdef int note_bad_frame(self, object error) except -1:
        self.bad_frames += 1
        if not self.said_bad_frame:
            self.said_bad_frame = True
            logger.warning("a frame from %s cannot be read, later ones are only counted: %s", self.address, error)
        return 0

    # ---- requests of the peer ----

    cdef int take_request(self, RemotingCommand command, int codec) except -1:
        self.requests_in += 1
        self.peer_codec = codec
        if self.handler is None:
            result = RemotingCommand(
                REQUEST_CODE_NOT_SUPPORTED, remark=f"request code {command._code} is not served here", opaque=0
            )
        else:
            try:
                result = self.handler(self, command)
            except Exception as error:
                result = refusal_of(command, error)
        if result is not None:
            if isinstance(result, RemotingCommand):
                self.answer(command, result, codec)
            else:
                task = self.loop.create_task(answer_later(self, command, result, codec))
                self.tasks.add(task)
                task.add_done_callback(self.tasks.discard)
        return 0

    cdef int answer(self, RemotingCommand request, object result, int codec) except -1:
        cdef RemotingCommand command
        if request._flag & ONEWAY_FLAG or self.is_ended:
            return 0
        command = result
        command._opaque = request._opaque
        command._flag |= ANSWER_FLAG
        try:
            self.put_command(command, codec)
        except SerializationError as error:
            command = refusal_of(request, error)
            command._opaque = request._opaque
            command._flag |= ANSWER_FLAG
            self.put_command(command, codec)
        self.frame_written(False)
        return self.hold_if_full()

    # ---- beginning and end ----

    def connection_made(self, transport):
        """Called by the event loop."""
        self.loop = asyncio.get_running_loop()
        self.create_future = self.loop.create_future
        if type(self.create_future()) is asyncio.Future:
            self.future_arguments = {"loop": self.loop}
        self.call_soon = self.loop.call_soon
        self.flush_method = self.flush
        self.thread = PyThread_get_thread_ident()
        self.transport = transport
        self.base = coarse_monotonic() if self.clock is None else self.clock()
        if not self.address:
            self.address = address_of(transport.get_extra_info("peername"))
        # What the transport holds is out of reach, so it gets little at a time and the rest stays here.
        transport.set_write_buffer_limits(high=FLUSH_BYTES)
        self.is_made = True
        if self.on_made is not None:
            self.on_made(self)

    def eof_received(self):
        """Called by the event loop when the peer sends no more; the transport then closes."""

    def connection_lost(self, exc):
        """Called by the event loop, once."""
        error = None
        if exc is not None:
            what = f"it is lost ({type(exc).__name__}: {exc})"
        elif self.reader.buffered:
            what = f"the peer closed it in the middle of a frame, {self.reader.buffered:,} bytes of it had come"
        else:
            what = "the peer closed it"
        if not self.is_ended:
            error = self.closed_error(what, exc)
            if self.bytes_in == 0 and self.written_before:
                wants = "wants TLS on this port"
                if self.transport.get_extra_info("ssl_object") is not None:
                    wants = "speaks another protocol on this port, as the gRPC port of a proxy does"
                error.likely = f"the server {wants}, refuses this client, or is being stopped"
                error.advice = "check the port and the TLS settings, and look at the log of the server"
            self.end(error)
        self.is_lost = True
        self.transport = None
        self.out.at = self.out.start
        self.blocks.clear()
        self.block_bytes = self.block_at = 0
        for task in self.tasks:
            task.cancel()
        closers, self.closers = self.closers, []
        for future in closers:
            if not future.done():
                future.set_result(None)
        if self.on_lost is not None:
            self.on_lost(self, self.error)

    def close(self):
        """Send what is written, then close; requests in flight end with ConnectionClosedError at once."""
        if self.is_ended or not self.is_made:
            return
        self.flush_everything()
        try:
            self.end(ended_here(self.address))
        finally:
            self.transport.close()

    def abort(self, error=None):
        """Close at once; what is written and not sent is lost. Requests in flight end with the error."""
        if not self.is_made or self.is_lost:
            return
        try:
            self.end(ended_here(self.address) if error is None else error)
        finally:
            self.transport.abort()

    async def wait_closed(self, timeout=None):
        """Wait until the connection is gone; after `timeout` seconds of waiting it is aborted."""
        if self.is_lost or not self.is_made:
            return
        future = self.create_future()
        self.closers.append(future)
        timer = None if timeout is None else self.loop.call_later(timeout, self.abort)
        try:
            await future
        finally:
            if timer is not None:
                timer.cancel()


cdef object ended_here(str address):
    return ConnectionClosedError(f"the connection to {address} is closed: this side closed it", address=address)


cdef int give_id(SendResult result, const Slot *slot) except -1:
    """The client's id of what was sent, which the answer does not have."""
    if slot.kind == SEND_RAW_ID:
        result.has_unique_id = True
        memcpy(result.unique_id_bytes, slot.id.raw, 16)
    elif slot.kind == SEND_TEXT_ID:
        result._msg_id = <str>slot.id.kept
    elif slot.kind == SEND_BATCH:
        result._msg_id = ",".join([(<Message>message).get_property("UNIQ_KEY") for message in <list>slot.id.kept])
    return 0


async def answer_later(Connection connection, RemotingCommand request, awaitable, int codec):
    """Answer a request with what an awaitable gives."""
    try:
        if not isawaitable(awaitable):
            raise TypeError(
                f"a handler gave {type(awaitable).__name__}, it must give None, a RemotingCommand or an awaitable"
            )
        result = await awaitable
        if result is not None and not isinstance(result, RemotingCommand):
            raise TypeError(f"a handler's awaitable gave {type(result).__name__}, not a RemotingCommand or None")
    except Exception as error:
        result = refusal_of(request, error)
    if result is not None:
        connection.answer(request, result, codec)


cdef RemotingCommand refusal_of(RemotingCommand request, error):
    logger.error("the handler of request code %d failed", request._code, exc_info=error)
    return RemotingCommand(SYSTEM_ERROR, remark=f"{type(error).__name__}: {error}", opaque=request._opaque)


cdef str address_of(peer):
    if isinstance(peer, tuple) and len(peer) >= 2:
        return f"[{peer[0]}]:{peer[1]}" if ":" in peer[0] else f"{peer[0]}:{peer[1]}"
    return str(peer)
