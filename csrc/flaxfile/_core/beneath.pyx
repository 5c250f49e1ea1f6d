"""Opens a folder below another one in one call of the system, through no link: openat2 of newer Linux.

Knows nothing of keys. Where the system has no such call, ENOSYS says so.
"""

import os

from cpython.bytes cimport PyBytes_AS_STRING
from libc.errno cimport errno

__all__ = ["open_beneath"]

cdef extern from *:
    """
    #include <errno.h>
    #if defined(__linux__)
    #include <fcntl.h>
    #include <stdint.h>
    #include <sys/syscall.h>
    #include <unistd.h>
    #if !defined(SYS_openat2) && !defined(__alpha__)
    #define SYS_openat2 437
    #endif
    #endif
    static int ff_open_beneath(int folder, const char *path) {
    #if defined(__linux__) && defined(SYS_openat2)
        /* RESOLVE_NO_SYMLINKS and RESOLVE_BENEATH; the header that names them is newer than some systems. */
        struct { uint64_t flags, mode, resolve; } how = {0, 0, 0x04 | 0x08};
        how.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
        return (int)syscall(SYS_openat2, folder, path, &how, sizeof how);
    #else
        (void)folder;
        (void)path;
        errno = ENOSYS;
        return -1;
    #endif
    }
    """
    int ff_open_beneath(int folder, const char *path) nogil


def open_beneath(int folder, str path not None) -> int:
    """Return a descriptor of the folder at this path below an opened one; no part of it may be a link."""
    cdef bytes name = os.fsencode(path)
    cdef const char *text = PyBytes_AS_STRING(name)
    cdef int fd, cause
    if b"\0" in name:
        raise ValueError("a path has no NUL")
    with nogil:
        fd = ff_open_beneath(folder, text)
        cause = errno
    if fd < 0:
        raise OSError(cause, os.strerror(cause), path)
    return fd
