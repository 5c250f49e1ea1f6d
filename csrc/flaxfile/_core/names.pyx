"""What stands in a folder, with the state of each entry, read in one go without the GIL.

The order is that of keys: a folder counts with its slash. A page of a listing is written out in the form that its
message has. Knows nothing of stores. Where `AVAILABLE` is False the system lacks what this needs.
"""

import json
import os

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint64_t
from libc.stdio cimport snprintf
from libc.stdlib cimport free, realloc
from libc.string cimport memcmp, memcpy

__all__ = ["AVAILABLE", "Names"]

cdef extern from "ff_base.h" nogil:
    uint64_t ff_xxh3_64(const void *at, size_t size)

cdef extern from "ff_names.h" nogil:
    ctypedef struct ff_name:
        size_t length
        const char *text
        int mode
        int folder
        int file
        uint64_t device
        uint64_t inode
        int64_t size
        int64_t mtime_ns
        int64_t ctime_ns

    ctypedef struct ff_names:
        ff_name *item
        size_t count

    enum:
        FF_SMALL
        FF_NAMES_ENTRY

    int ff_read_names(int folder, const char *without, ff_names *names)
    void ff_names_free(ff_names *names)
    size_t ff_names_behind(const ff_names *names, const char *text, size_t size)
    int ff_names_plain(const ff_name *item)

cdef extern from "Python.h":
    object PyUnicode_DecodeFSDefaultAndSize(const char *text, Py_ssize_t size)

AVAILABLE = bool(FF_SMALL)


cdef str _text(const ff_name *item):
    return PyUnicode_DecodeFSDefaultAndSize(item.text, <Py_ssize_t>item.length)


cdef int _put(const ff_name *item, char *to, const char *start, size_t start_size, const char *name, size_t size) nogil:
    """Write one entry as JSON; how many bytes."""
    cdef char about[256]
    cdef int length
    cdef char *at = to
    length = snprintf(
        about, sizeof(about), "%llu.%llu.%lld.%lld.%lld", <unsigned long long>item.device,
        <unsigned long long>item.inode, <long long>item.size, <long long>item.mtime_ns, <long long>item.ctime_ns,
    )
    memcpy(at, b'{"key":"', 8)
    at += 8
    memcpy(at, start, start_size)
    at += start_size
    memcpy(at, name, size)
    at += size
    at += snprintf(
        at, FF_NAMES_ENTRY - 16, b'","size":%lld,"mtime_ns":%lld,"mode":%d,"etag":"%016llx","kind":"%s"}',
        <long long>(0 if item.folder else item.size), <long long>item.mtime_ns, item.mode & 0o7777,
        <unsigned long long>ff_xxh3_64(about, <size_t>length), b"dir" if item.folder else b"file",
    )
    return <int>(at - to)


cdef class Names:
    """What stands in a folder that is given by its descriptor; the name ``without`` is left out."""

    cdef ff_names names

    def __cinit__(self, int fd, bytes without=None):
        cdef const char *left_out = NULL if without is None else PyBytes_AS_STRING(without)
        cdef int cause
        with nogil:
            cause = ff_read_names(fd, left_out, &self.names)
        if cause != 0:
            raise OSError(cause, os.strerror(cause))

    def __dealloc__(self):
        ff_names_free(&self.names)

    def __len__(self) -> int:
        return <Py_ssize_t>self.names.count

    cdef ff_name *_item(self, Py_ssize_t at) except NULL:
        if at < 0 or <size_t>at >= self.names.count:
            raise IndexError(at)
        return &self.names.item[at]

    def name(self, Py_ssize_t at) -> bytes:
        """The name of one, as bytes."""
        cdef ff_name *item = self._item(at)
        return PyBytes_FromStringAndSize(item.text, <Py_ssize_t>item.length)

    def behind(self, bytes text not None) -> int:
        """Which one is the first behind a text; that is a folder which the text leads into, too."""
        cdef size_t size = <size_t>PyBytes_GET_SIZE(text)
        cdef const char *bytes_of = PyBytes_AS_STRING(text)
        cdef size_t at = ff_names_behind(&self.names, bytes_of, size)
        cdef ff_name *before
        if at > 0:
            before = &self.names.item[at - 1]
            if (
                before.folder and size > before.length and bytes_of[before.length] == c"/"
                and memcmp(before.text, bytes_of, before.length) == 0
            ):
                return at - 1
        return at

    def states(self) -> list[tuple[str, int, int, int]]:
        """Name, mode, size and time of each; the mode of one that may not be looked at is 0."""
        cdef size_t i
        cdef ff_name *item
        found = []
        for i in range(self.names.count):
            item = &self.names.item[i]
            found.append((_text(item), item.mode, item.size, item.mtime_ns))
        return found

    def folder(self, Py_ssize_t at, bytes start not None) -> bytes:
        """The entry of a folder as JSON, or nothing; ``start`` is what its key begins with, escaped."""
        return self._written(at, at + 1, start, 1, 1 << 30, True)[0]

    def files(self, Py_ssize_t at, bytes start not None, int most, size_t room) -> tuple[bytes, int, int, int]:
        """The entries of files as JSON with commas between them: up to the next folder, and as many as fit.

        With it how many, the place of the last one, and where it goes on: a folder, a file that does not fit, or the
        end.
        """
        return self._written(at, self.names.count, start, most, room, False)

    cdef tuple _written(self, size_t at, size_t end, bytes start, int most, size_t room, bint folder):
        cdef size_t start_size = <size_t>PyBytes_GET_SIZE(start)
        cdef const char *start_text = PyBytes_AS_STRING(start)
        cdef size_t used = 0, held = 0, size, needed
        cdef Py_ssize_t last = -1
        cdef int count = 0
        cdef char *text = NULL
        cdef char *more
        cdef const char *name
        cdef ff_name *item
        cdef bytes escaped
        try:
            while at < end:
                item = self._item(<Py_ssize_t>at)
                if folder != bool(item.folder) and (folder or item.folder):
                    break
                if not item.folder and not item.file:
                    at += 1
                    continue
                name, size = item.text, item.length
                if not ff_names_plain(item):
                    escaped = json.dumps(_text(item)).removeprefix('"').removesuffix('"').encode("ascii")
                    name, size = PyBytes_AS_STRING(escaped), <size_t>PyBytes_GET_SIZE(escaped)
                needed = start_size + size + FF_NAMES_ENTRY
                if count == most or used + needed > room:
                    break
                if held - used < needed:
                    held = held * 2 + needed + 4096
                    more = <char *>realloc(text, held)
                    if not more:
                        raise MemoryError
                    text = more
                if count:
                    text[used] = c","
                    used += 1
                used += <size_t>_put(item, text + used, start_text, start_size, name, size)
                count += 1
                last = <Py_ssize_t>at
                at += 1
            return PyBytes_FromStringAndSize(text, <Py_ssize_t>used), count, last, at
        finally:
            free(text)
