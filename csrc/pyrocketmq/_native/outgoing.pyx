"""The writing half of a connection: frames are put into one buffer, which leaves once per loop turn.

Large bodies are not copied into it: they wait as blocks of their own, and leave in pieces that hold no turn for long.
It knows when the peer takes nothing more and who waits for that; it must not know what is asked, nor what is answered.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int32_t

from pyrocketmq._native.bytesio cimport Output, WriteBuffer, put_bytes, release, reserve, written
from pyrocketmq._native.command cimport RemotingCommand
from pyrocketmq._native.frame cimport (
    BINARY_CODEC,
    JSON_CODEC,
    body_size_of,
    codec_for,
    write_frame,
    write_frame_head,
)
from pyrocketmq._native.monotonic cimport coarse_monotonic
from pyrocketmq._native.sending cimport ONEWAY_FLAG

from collections import deque

from pyrocketmq._native.frame import frame_info
from pyrocketmq.errors import (
    BackPressureError,
    ConfigurationError,
    ConnectionClosedError,
    SerializationError,
    TransportStateError,
)

__all__ = []

cdef extern from "Python.h":
    unsigned long PyThread_get_thread_ident()
    const Py_ssize_t PY_SSIZE_T_MAX

cdef enum:
    KEPT_OUTPUT_BYTES = 1048576


cdef class FrameWriter:
    """What a connection offers to those who write to its peer and ask for no answer."""

    def __cinit__(self):
        self.drainers = []
        self.blocks = deque()

    def __dealloc__(self):
        release(&self.out)

    # ---- what others may ask ----

    @property
    def transport(self):
        """The transport of the event loop, None before the connection is made and after it is lost."""
        return self.transport

    @property
    def can_write(self):
        """False while the write buffer is full; requests are refused then."""
        return waiting_bytes(self) < self.write_buffer_bytes

    @property
    def is_flowing(self):
        """False while the transport wants no more data, or has not got large frames yet; what is written waits here."""
        return not self.paused and self.block_bytes == 0

    def when_flowing(self, future not None):
        """Have a future be done when the transport may have taken something, or the connection has ended."""
        self.drainers.append(future)

    @property
    def buffered_bytes(self):
        """Bytes that were written and not taken by the transport yet."""
        return waiting_bytes(self)

    @property
    def silent_for(self):
        """Seconds since anything was received, or since the connection was made."""
        return self.now() - self.last_read

    @property
    def idle_for(self):
        """Seconds since anything was received or sent."""
        return self.now() - max(self.last_read, self.last_write)

    # ---- frames ----

    def oneway(self, RemotingCommand command not None, *, str codec=None):
        """Write a request that the peer must not answer; its flag gets bit 1."""
        self.check_use(True)
        if command._flag & ANSWER_FLAG:
            refuse_flag(command._flag)
        command._flag |= ONEWAY_FLAG
        self.put_command(command, codec_for(command, self.codec) if codec is None else codec_number(codec))
        self.frame_written(False)

    def reply(self, RemotingCommand command not None, *, str codec=None):
        """Write an answer, in the codec of the peer's last request; its flag gets bit 0.

        An answer is never refused for a full buffer, since the peer waits for it.
        """
        self.check_use(False)
        command._flag |= ANSWER_FLAG
        self.put_command(command, self.peer_codec if codec is None else codec_number(codec))
        self.frame_written(False)

    def output(self, frame not None):
        """Write one whole frame as it is; nothing is expected in return."""
        cdef bytes data = frame if type(frame) is bytes else bytes(frame)
        cdef Py_ssize_t size = PyBytes_GET_SIZE(data)
        self.check_use(True)
        total, _ = frame_info(data)
        if total != size:
            raise SerializationError(
                f"{size:,} bytes were given, their length word is for a frame of {total:,}",
                field="frame",
                advice="give one whole frame, for example what encode_frame returns",
            )
        self.check_size(size)
        if size >= BLOCK_BYTES:
            self.put_block(data, size)
        else:
            reserve(&self.out, size)
            put_bytes(&self.out, PyBytes_AS_STRING(data), size)
        self.frame_written(False)

    cdef int check_use(self, bint bounded) except -1:
        if self.thread != PyThread_get_thread_ident() and self.is_made:
            raise TransportStateError(
                f"the connection to {self.address} belongs to the thread of its event loop, another used it",
                advice="hand the call over with loop.call_soon_threadsafe or asyncio.run_coroutine_threadsafe",
                address=self.address,
            )
        if self.is_ended or not self.is_made:
            raise ConnectionClosedError(
                f"the connection to {self.address} is {'closed' if self.is_ended else 'not open yet'}, "
                "nothing was sent",
                advice="make a new connection",
                address=self.address,
            )
        if bounded and waiting_bytes(self) >= self.write_buffer_bytes:
            raise BackPressureError(
                f"{waiting_bytes(self):,} bytes wait for {self.address} to take them, "
                f"write_buffer_bytes is {self.write_buffer_bytes:,}",
                advice="await connection.drain() before the next request, or raise write_buffer_bytes",
                address=self.address,
            )
        return 0

    cdef int put_command(self, RemotingCommand command, int codec) except -1:
        cdef Py_ssize_t start = written(&self.out)
        cdef Py_ssize_t body_size = body_size_of(command)
        cdef Py_ssize_t size
        if body_size < BLOCK_BYTES:
            body_size = 0
            write_frame(&self.out, command, codec)
        else:
            write_frame_head(&self.out, command, codec, 0)
        size = written(&self.out) - start + body_size
        if size - 4 > self.max_frame_bytes:
            self.out.at = self.out.start + start
            self.check_size(size)
        if body_size:
            start += self.block_bytes
            try:
                self.put_block(command._body, body_size)
            except BaseException:
                self.take_back(start)
                raise
        return 0

    cdef int check_size(self, Py_ssize_t size) except -1:
        if size - 4 > self.max_frame_bytes:
            raise SerializationError(
                f"the frame has {size:,} bytes, max_frame_bytes is {self.max_frame_bytes:,}",
                field="body",
                advice="split the body; a broker closes the connection over frames that are larger than it takes",
            )
        return 0

    # ---- the buffer ----

    cdef int put_block(self, object block, Py_ssize_t size) except -1:
        self.seal()
        self.blocks.append(block)
        self.block_bytes += size
        return 0

    cdef int seal(self) except -1:
        """Make a block of what was written."""
        cdef Py_ssize_t size = written(&self.out)
        if size == 0:
            return 0
        if size <= BLOCK_BYTES:
            self.blocks.append(PyBytes_FromStringAndSize(<char *>self.out.start, size))
            self.out.at = self.out.start
        else:
            self.blocks.append(self.give_away())
        self.block_bytes += size
        return 0

    cdef object give_away(self):
        """What was written, with its memory; the next frames go into other memory."""
        cdef WriteBuffer given = WriteBuffer.__new__(WriteBuffer)
        given.output = self.out
        try:
            view = memoryview(given)
        except BaseException:
            given.output = Output(NULL, NULL, NULL)
            raise
        self.out = Output(NULL, NULL, NULL)
        return view

    cdef int take_back(self, Py_ssize_t start) except -1:
        cdef Py_ssize_t size
        if start >= self.block_bytes:
            self.out.at = self.out.start + (start - self.block_bytes)
            return 0
        self.out.at = self.out.start
        while self.block_bytes > start:
            block = self.blocks.pop()
            size = len(block)
            self.block_bytes -= size
            if self.block_bytes < start:
                self.blocks.append(block[: start - self.block_bytes])
                self.block_bytes = start
        return 0

    cdef int frame_written(self, bint alone) except -1:
        self.frames_out += 1
        if self.flushing:
            if not self.paused and self.given < TURN_BYTES and waiting_bytes(self) >= FLUSH_BYTES:
                self.flush_now()
        elif alone:
            # Nobody else has a request here, so waiting for company would only cost time.
            self.flush_now()
        else:
            self.call_soon(self.flush_method)
            self.flushing = True
            self.given = 0
        return 0

    def flush(self):
        """Hand what was written to the transport now, not at the end of the loop turn.

        Of more than a megabyte the rest follows in the next turns.
        """
        self.flushing = False
        self.flush_now()

    cdef int flush_now(self) except -1:
        cdef Py_ssize_t size = written(&self.out)
        if self.paused or self.transport is None:
            return 0
        if not self.flushing:
            self.given = 0
        if self.block_bytes or size > TURN_BYTES:
            return self.flush_blocks(TURN_BYTES - self.given)
        if size == 0:
            return 0
        self.given += size
        data = PyBytes_FromStringAndSize(<char *>self.out.start, size)
        self.out.at = self.out.start
        if self.out.end - self.out.start > KEPT_OUTPUT_BYTES:
            release(&self.out)
        self.written_before += size
        self.last_write = self.now()
        self.give_transport(data)
        if self.drainers or self.held:
            self.wake_drainers()
        return 0

    cdef int flush_blocks(self, Py_ssize_t most) except -1:
        """Hand over so many bytes, piece by piece until the transport pauses; the rest follows in the next turn."""
        cdef Py_ssize_t size, left
        self.seal()
        self.last_write = self.now()
        while self.block_bytes and most > 0 and not (self.paused or self.transport.is_closing()):
            block = self.blocks[0]
            size = len(block)
            left = size - self.block_at
            if left <= FLUSH_BYTES:
                data = block if left == size else memoryview(block)[self.block_at:]
                self.blocks.popleft()
                self.block_at = 0
            else:
                left = FLUSH_BYTES
                data = memoryview(block)[self.block_at : self.block_at + left]
                self.block_at += left
            most -= left
            self.given += left
            self.block_bytes -= left
            self.written_before += left
            self.give_transport(data)
        if self.block_bytes and not (self.paused or self.flushing or self.transport.is_closing()):
            self.call_soon(self.flush_method)
            self.flushing = True
        if (self.drainers or self.held) and waiting_bytes(self) < self.write_buffer_bytes:
            self.wake_drainers()
        return 0

    cdef int flush_everything(self) except -1:
        """Hand over all there is, before the transport is closed."""
        self.paused = False
        while waiting_bytes(self) and not self.transport.is_closing():
            self.paused = False
            self.flush_blocks(PY_SSIZE_T_MAX)
        return 0

    cdef int give_transport(self, object data) except -1:
        try:
            self.transport.write(data)
        except BaseException:
            # What a signal handler has raised. Nobody knows how much of it left, so nothing may follow it.
            self.transport.abort()
            raise
        return 0

    async def drain(self):
        """Wait until requests are taken again.

        Raises:
            ConnectionClosedError: the connection ended meanwhile.
        """
        while not self.can_write or self.is_ended:
            self.check_use(False)
            future = self.create_future()
            self.drainers.append(future)
            try:
                await future
            finally:
                if future in self.drainers:
                    self.drainers.remove(future)

    cdef int wake_drainers(self) except -1:
        drainers, self.drainers = self.drainers, []
        for future in drainers:
            if not future.done():
                future.set_result(None)
        if self.held and self.holds_reading and not self.is_ended:
            self.call_soon(self.continue_reading)
        return 0

    def pause_writing(self):
        """Called by the transport when the peer does not take what it has."""
        self.paused = True

    def resume_writing(self):
        """Called by the transport when it takes data again."""
        self.paused = False
        self.flush_now()
        if self.drainers and waiting_bytes(self) < self.write_buffer_bytes:
            self.wake_drainers()

    cdef int hold_if_full(self) except -1:
        """Take nothing more from a peer that does not read what it is answered."""
        if self.holds_reading and waiting_bytes(self) >= self.write_buffer_bytes:
            self.hold_reading()
        return 0

    cdef double now(self) except? -1:
        """Seconds since the connection was made."""
        return (coarse_monotonic() if self.clock is None else <double>self.clock()) - self.base


cdef int codec_number(str codec) except -1:
    if codec == "json":
        return JSON_CODEC
    if codec == "binary":
        return BINARY_CODEC
    raise ConfigurationError(
        f"codec is {codec!r}, known are 'json' and 'binary'", field="codec", advice="use 'json', every server takes it"
    )


cdef int refuse_flag(int32_t flag) except -1:
    if flag & ANSWER_FLAG:
        raise SerializationError(
            f"flag is {flag}, its bit 0 says that this is an answer, and a broker would drop it without a word",
            field="flag",
            advice="use flag 0 for a request, oneway() for one that is not answered, reply() for an answer",
        )
    raise SerializationError(
        f"flag is {flag}, its bit 1 says that nobody waits for an answer",
        field="flag",
        advice="use oneway(), or flag 0 for a request",
    )
