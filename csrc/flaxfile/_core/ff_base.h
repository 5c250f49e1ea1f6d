/* Ground of the engine: the system's calls under one name each, libzmq through pointers, the wire header.
   Knows nothing of transfers. */
#ifndef FF_BASE_H
#define FF_BASE_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ff_xxh3.h"

#ifdef _WIN32
#include <winsock2.h>
#include <windows.h>
#include <io.h>
#include <malloc.h>
typedef SOCKET ff_fd;
typedef WSAPOLLFD ff_pollfd;
#define ff_poll_fds(fds, count, wait) WSAPoll((fds), (ULONG)(count), (INT)(wait))
typedef CRITICAL_SECTION ff_lock;
#define ff_lock_init(l) InitializeCriticalSection(l)
#define ff_lock_drop(l) DeleteCriticalSection(l)
#define ff_lock_get(l) EnterCriticalSection(l)
#define ff_lock_let(l) LeaveCriticalSection(l)
#define ff_aligned(size) _aligned_malloc((size), 4096)
#define ff_aligned_free(at) _aligned_free(at)
#else
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>
#include <fcntl.h>
#ifdef __linux__
#include <linux/falloc.h>
#endif
#ifdef __GLIBC__
#include <malloc.h>
#endif
typedef int ff_fd;
typedef struct pollfd ff_pollfd;
#define ff_poll_fds(fds, count, wait) poll((fds), (nfds_t)(count), (int)(wait))
typedef pthread_mutex_t ff_lock;
#define ff_lock_init(l) pthread_mutex_init((l), NULL)
#define ff_lock_drop(l) pthread_mutex_destroy(l)
#define ff_lock_get(l) pthread_mutex_lock(l)
#define ff_lock_let(l) pthread_mutex_unlock(l)
static inline void *ff_aligned(size_t size) {
    void *at = NULL;
    return posix_memalign(&at, 4096, size) ? NULL : at;
}
#define ff_aligned_free(at) free(at)
#endif

/* ---- memory ---- */

/* libzmq takes memory for each message that comes. glibc by itself gives that of a chunk back to the system as soon
   as it is free, and a page that is fetched anew costs more than what is written to it. */
static inline void ff_keep_memory(void) {
#if defined(__GLIBC__)
    if (!getenv("MALLOC_TRIM_THRESHOLD_") && !getenv("MALLOC_MMAP_THRESHOLD_")) {
        mallopt(M_MMAP_THRESHOLD, 8 << 20);
        mallopt(M_TRIM_THRESHOLD, 32 << 20);
    }
#endif
}

/* ---- time and files ---- */

static inline uint64_t ff_now(void) {
#ifdef _WIN32
    return (uint64_t)GetTickCount64() * 1000000u;
#else
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
#endif
}

/* One read or write at a place; -1 and errno as pread(2) does. */
static inline ptrdiff_t ff_pread_some(int fd, void *to, size_t size, uint64_t at) {
#ifdef _WIN32
    OVERLAPPED place;
    DWORD got = 0;
    memset(&place, 0, sizeof place);
    place.Offset = (DWORD)at;
    place.OffsetHigh = (DWORD)(at >> 32);
    if (!ReadFile((HANDLE)_get_osfhandle(fd), to, (DWORD)size, &got, &place)) {
        if (GetLastError() == ERROR_HANDLE_EOF) {
            return 0;
        }
        errno = EIO;
        return -1;
    }
    return (ptrdiff_t)got;
#else
    return (ptrdiff_t)pread(fd, to, size, (off_t)at);
#endif
}

static inline ptrdiff_t ff_pwrite_some(int fd, const void *from, size_t size, uint64_t at) {
#ifdef _WIN32
    OVERLAPPED place;
    DWORD put = 0;
    memset(&place, 0, sizeof place);
    place.Offset = (DWORD)at;
    place.OffsetHigh = (DWORD)(at >> 32);
    if (!WriteFile((HANDLE)_get_osfhandle(fd), from, (DWORD)size, &put, &place)) {
        DWORD cause = GetLastError();
        errno = cause == ERROR_DISK_FULL || cause == ERROR_HANDLE_DISK_FULL ? ENOSPC : EIO;
        return -1;
    }
    return (ptrdiff_t)put;
#else
    return (ptrdiff_t)pwrite(fd, from, size, (off_t)at);
#endif
}

/* 0, or errno; ENODATA when the file ends before `size` bytes. */
static inline int ff_read_all(int fd, uint8_t *to, size_t size, uint64_t at) {
    while (size > 0) {
        ptrdiff_t got = ff_pread_some(fd, to, size, at);
        if (got < 0) {
            if (errno == EINTR) {
                continue;
            }
            return errno ? errno : EIO;
        }
        if (got == 0) {
            return ENODATA;
        }
        to += got;
        at += (uint64_t)got;
        size -= (size_t)got;
    }
    return 0;
}

static inline int ff_write_all(int fd, const uint8_t *from, size_t size, uint64_t at) {
    while (size > 0) {
        ptrdiff_t put = ff_pwrite_some(fd, from, size, at);
        if (put < 0) {
            if (errno == EINTR) {
                continue;
            }
            return errno ? errno : EIO;
        }
        if (put == 0) {
            return EIO;
        }
        from += put;
        at += (uint64_t)put;
        size -= (size_t)put;
    }
    return 0;
}

static inline int ff_all_zero(const uint8_t *at, size_t size) {
    /* Nearly always answered by the first bytes. */
    if (size < 16 || at[0] || at[size - 1]) {
        return 0;
    }
    return memcmp(at, at + 1, size - 1) == 0;
}

/* Makes a range read as zeros, without blocks where the system can: writes them elsewhere. */
static inline int ff_write_hole(int fd, uint64_t size, uint64_t at) {
    static const uint8_t zeros[65536];
#if defined(__linux__) && defined(FALLOC_FL_PUNCH_HOLE)
    if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at, (off_t)size) == 0) {
        return 0;
    }
#endif
    while (size > 0) {
        size_t piece = size < sizeof zeros ? (size_t)size : sizeof zeros;
        int rc = ff_write_all(fd, zeros, piece, at);
        if (rc != 0) {
            return rc;
        }
        at += piece;
        size -= piece;
    }
    return 0;
}

static inline uint64_t ff_hash_zeros(uint64_t size) {
    static const uint8_t zeros[65536];
    ff_xxh3 state;
    ff_xxh3_begin(&state);
    while (size > 0) {
        size_t piece = size < sizeof zeros ? (size_t)size : sizeof zeros;
        ff_xxh3_add(&state, zeros, piece);
        size -= piece;
    }
    return ff_xxh3_end64(&state);
}

/* ---- libzmq, the one that is in the process already ---- */

typedef struct {
    /* Size and alignment of zmq_msg_t are part of libzmq's ABI. */
    void *room[64 / sizeof(void *)];
} ff_msg;

typedef void (*ff_free_fn)(void *data, void *hint);

typedef struct {
    int (*msg_init)(ff_msg *);
    int (*msg_init_size)(ff_msg *, size_t);
    int (*msg_init_data)(ff_msg *, void *, size_t, ff_free_fn, void *);
    int (*msg_send)(ff_msg *, void *, int);
    int (*msg_recv)(ff_msg *, void *, int);
    int (*msg_close)(ff_msg *);
    void *(*msg_data)(ff_msg *);
    size_t (*msg_size)(const ff_msg *);
    int (*msg_more)(const ff_msg *);
    const char *(*msg_gets)(const ff_msg *, const char *);
    int (*getsockopt)(void *, int, void *, size_t *);
    int (*zmq_errno)(void);
} ff_zmq;

static ff_zmq ff_lib;

static inline void ff_bind(int which, void *at) {
    void **to[] = {
        (void **)&ff_lib.msg_init, (void **)&ff_lib.msg_init_size, (void **)&ff_lib.msg_init_data,
        (void **)&ff_lib.msg_send, (void **)&ff_lib.msg_recv, (void **)&ff_lib.msg_close,
        (void **)&ff_lib.msg_data, (void **)&ff_lib.msg_size, (void **)&ff_lib.msg_more,
        (void **)&ff_lib.msg_gets, (void **)&ff_lib.getsockopt, (void **)&ff_lib.zmq_errno,
    };
    memcpy(to[which], &at, sizeof at);
}

#define ff_msg_make(message, size) ff_lib.msg_init_size((message), (size))
#define ff_msg_bytes(message) ff_lib.msg_data(message)
#define ff_msg_length(message) ff_lib.msg_size(message)
#define ff_msg_drop(message) ((void)ff_lib.msg_close(message))

#define FF_DONTWAIT 1
#define FF_SNDMORE 2
#define FF_OPTION_FD 14
#define FF_OPTION_EVENTS 15
#define FF_POLLIN 1 /* of libzmq, not of poll(2) */

/* What is readable when libzmq has something to look at for this socket: once for all that came meanwhile. */
static inline int ff_socket_fd(void *socket, ff_fd *fd) {
    size_t size = sizeof *fd;
    return ff_lib.getsockopt(socket, FF_OPTION_FD, fd, &size);
}

static inline int ff_socket_ready(void *socket) {
    int events = 0;
    size_t size = sizeof events;
    return ff_lib.getsockopt(socket, FF_OPTION_EVENTS, &events, &size) == 0 && (events & FF_POLLIN);
}

/* ---- the header ---- */

#define FF_HEADER 40
#define FF_MAGIC 0xF2
#define FF_VERSION 2

enum {
    FF_DATA = 12,
    FF_ACK = 13,
    FF_NAK = 14,
    FF_CREDIT = 22,
    FF_FETCH = 23,
};

#define FF_FLAG_HOLE 1

enum { FF_NAK_HASH = 1, FF_NAK_LENGTH = 2 };

typedef struct {
    uint8_t type;
    uint8_t flags;
    uint32_t request;
    uint64_t transfer;
    uint64_t offset;
    uint32_t length;
    uint32_t code;
    uint64_t hash;
} ff_header;

static inline void ff_put(uint8_t *at, uint64_t value, int bytes) {
    int i;
    for (i = 0; i < bytes; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
}

static inline uint64_t ff_get(const uint8_t *at, int bytes) {
    uint64_t value = 0;
    int i;
    for (i = 0; i < bytes; i++) {
        value |= (uint64_t)at[i] << (8 * i);
    }
    return value;
}

static inline void ff_header_write(uint8_t *at, const ff_header *h) {
    at[0] = FF_MAGIC;
    at[1] = FF_VERSION;
    at[2] = h->type;
    at[3] = h->flags;
    ff_put(at + 4, h->request, 4);
    ff_put(at + 8, h->transfer, 8);
    ff_put(at + 16, h->offset, 8);
    ff_put(at + 24, h->length, 4);
    ff_put(at + 28, h->code, 4);
    ff_put(at + 32, h->hash, 8);
}

static inline int ff_is_bulk(int type) {
    return type == FF_DATA || type == FF_ACK || type == FF_NAK || type == FF_CREDIT || type == FF_FETCH;
}

/* The bulk types have no request id: its place checks the header, as `hash` does the payload. */
static inline uint32_t ff_header_check(const uint8_t *at) {
    uint8_t copy[FF_HEADER];
    memcpy(copy, at, FF_HEADER);
    memset(copy + 4, 0, 4);
    return (uint32_t)ff_xxh3_64(copy, FF_HEADER);
}

static inline void ff_header_seal(uint8_t *at) {
    ff_put(at + 4, ff_header_check(at), 4);
}

static inline void ff_header_read(const uint8_t *at, ff_header *h) {
    h->type = at[2];
    h->flags = at[3];
    h->request = (uint32_t)ff_get(at + 4, 4);
    h->transfer = ff_get(at + 8, 8);
    h->offset = ff_get(at + 16, 8);
    h->length = (uint32_t)ff_get(at + 24, 4);
    h->code = (uint32_t)ff_get(at + 28, 4);
    h->hash = ff_get(at + 32, 8);
}

#endif
