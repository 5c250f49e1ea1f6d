"""Many small files read or written in one go, without the GIL.

What cannot be done for a file is said by the number of its error, and nothing is left of it; whoever asked tries that
one in another way. Knows nothing of keys. Where `AVAILABLE` is False the system lacks what this needs.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.string cimport memset

__all__ = ["AVAILABLE", "HERE", "State", "Writing", "read_files"]

cdef extern from "ff_small.h" nogil:
    ctypedef struct ff_file:
        int folder
        const char *name
        const char *part
        const void *bytes
        size_t size
        int mode
        int has_time
        int64_t time_ns
        int cause
        size_t at
        uint64_t device
        uint64_t inode
        int64_t length
        int64_t mtime_ns
        int64_t ctime_ns

    enum:
        FF_SMALL
        FF_HERE

    int ff_read_files(ff_file *file, int count, uint8_t *to, size_t room, int follow)
    void ff_write_files(ff_file *file, int count, int folder)
    void ff_name_files(ff_file *file, int count, int folder)

AVAILABLE = bool(FF_SMALL)
HERE = FF_HERE


cdef class State:
    """What a file is, under the names that the result of stat has."""

    cdef readonly int st_mode
    cdef readonly object st_dev
    cdef readonly object st_ino
    cdef readonly object st_size
    cdef readonly object st_mtime_ns
    cdef readonly object st_ctime_ns


cdef State _state(const ff_file *file):
    cdef State made = State.__new__(State)
    made.st_mode = file.mode
    made.st_dev = file.device
    made.st_ino = file.inode
    made.st_size = file.length
    made.st_mtime_ns = file.mtime_ns
    made.st_ctime_ns = file.ctime_ns
    return made


cdef const char *_text(object name) except NULL:
    if b"\0" in <bytes?>name:
        raise ValueError("a name has no NUL")
    return PyBytes_AS_STRING(name)


cdef ff_file *_room_for(Py_ssize_t count) except NULL:
    cdef ff_file *made
    if not FF_SMALL:
        raise NotImplementedError
    made = <ff_file *>PyMem_Malloc(<size_t>(count + 1) * sizeof(ff_file))
    if not made:
        raise MemoryError
    memset(made, 0, <size_t>(count + 1) * sizeof(ff_file))
    return made


def read_files(files not None, size_t room, *, bint follow=False) -> list[tuple[State, memoryview] | int]:
    """Read files, each given by the descriptor of its folder (or `HERE`) and its name, of ``room`` bytes together.

    For each its state and content as they were at one moment, or the number of an error; EFBIG for the first one
    that there is no room for, and none for those behind it. Links count as what they lead to with ``follow`` alone.
    """
    cdef Py_ssize_t i
    cdef Py_ssize_t count = len(files)
    cdef int tried
    cdef ff_file *file = _room_for(count)
    cdef bytes content
    cdef uint8_t *at
    try:
        for i in range(count):
            folder, name = files[i]
            file[i].folder = folder
            file[i].name = _text(name)
        content = PyBytes_FromStringAndSize(NULL, <Py_ssize_t>room)
        at = <uint8_t *>PyBytes_AS_STRING(content)
        with nogil:
            tried = ff_read_files(file, <int>count, at, room, follow)
        view = memoryview(content)
        return [
            (_state(&file[i]), view[file[i].at : file[i].at + <size_t>file[i].length])
            if file[i].cause == 0
            else file[i].cause
            for i in range(tried)
        ]
    finally:
        PyMem_Free(file)


cdef class Writing:
    """Files that are written under the names of parts first, and get their own names then.

    Args:
        folder: descriptor of the folder of the parts, or `HERE`.
        files: for each the name of its part, its content, its mode, and its time or None.
    """

    cdef list kept
    cdef ff_file *file
    cdef Py_buffer *view
    cdef int folder
    cdef int count

    def __cinit__(self, int folder, files not None):
        cdef int i
        self.kept = list(files)
        self.folder = folder
        self.file = _room_for(len(self.kept))
        self.view = <Py_buffer *>PyMem_Malloc((len(self.kept) + 1) * sizeof(Py_buffer))
        if not self.view:
            raise MemoryError
        for i in range(len(self.kept)):
            part, content, mode, time_ns = self.kept[i]
            self.file[i].part = _text(part)
            self.file[i].mode = mode
            if time_ns is not None:
                self.file[i].has_time = 1
                self.file[i].time_ns = time_ns
            PyObject_GetBuffer(content, &self.view[i], PyBUF_SIMPLE)
            self.count = i + 1
            self.file[i].bytes = self.view[i].buf
            self.file[i].size = <size_t>self.view[i].len

    def __dealloc__(self):
        cdef int i
        for i in range(self.count):
            PyBuffer_Release(&self.view[i])
        PyMem_Free(self.view)
        PyMem_Free(self.file)

    def write(self) -> None:
        """Write all parts; once."""
        with nogil:
            ff_write_files(self.file, self.count, self.folder)

    def name(self, places not None) -> list[State | int]:
        """Give the parts their names, each by the descriptor of its folder (or `HERE`) and its name there.

        For each what it is now, or the number of the error that kept it from being written or named.
        """
        cdef int i
        if len(places) != self.count:
            raise ValueError(f"{len(places)} places for {self.count} files")
        for i in range(self.count):
            folder, name = places[i]
            self.file[i].folder = folder
            self.file[i].name = _text(name)
        with nogil:
            ff_name_files(self.file, self.count, self.folder)
        return [self.file[i].cause or _state(&self.file[i]) for i in range(self.count)]
