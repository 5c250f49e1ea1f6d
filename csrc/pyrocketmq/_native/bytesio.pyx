"""The Python face of an Output: a buffer that encoders fill and that leaves in one write."""

cimport cython
from cpython.buffer cimport PyBuffer_FillInfo
from cpython.bytes cimport PyBytes_FromStringAndSize

from pyrocketmq._native.bytesio cimport Output, release, reserve, written

__all__ = ["WriteBuffer"]


@cython.final
cdef class WriteBuffer:
    """A growable buffer that is filled by native encoders and emptied in one piece.

    Its memory is kept for the next round, so a long-lived buffer stops allocating. `bytes(buffer)` copies,
    `memoryview(buffer)` does not; while a view exists the buffer cannot grow or be cleared.
    """

    def __cinit__(self, Py_ssize_t capacity=0):
        self.output = Output(NULL, NULL, NULL)
        self.views = 0
        if capacity > 0:
            reserve(&self.output, capacity)

    def __dealloc__(self):
        release(&self.output)

    def __len__(self):
        return written(&self.output)

    def __bytes__(self):
        return PyBytes_FromStringAndSize(<char *>self.output.start, written(&self.output))

    def __getbuffer__(self, Py_buffer *view, int flags):
        PyBuffer_FillInfo(view, self, self.output.start, written(&self.output), 1, flags)
        self.views += 1

    def __releasebuffer__(self, Py_buffer *view):
        self.views -= 1

    @property
    def capacity(self):
        """Bytes that fit before the buffer has to grow."""
        return self.output.end - self.output.start

    def clear(self):
        """Empty the buffer and keep its memory."""
        self.check_no_views()
        self.output.at = self.output.start

    def take(self):
        """Everything written so far as bytes; the buffer is empty afterwards."""
        self.check_no_views()
        taken = PyBytes_FromStringAndSize(<char *>self.output.start, written(&self.output))
        self.output.at = self.output.start
        return taken

    cdef int check_no_views(self) except -1:
        if self.views:
            raise BufferError(f"{self.views} memoryview(s) of this buffer exist; release them first")
        return 0
