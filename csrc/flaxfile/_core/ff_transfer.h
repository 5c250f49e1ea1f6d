/* One transfer: its file or memory, the state and hash of each chunk, the journal of what has arrived, the
   routes it travels. Does no networking. */
#ifndef FF_TRANSFER_H
#define FF_TRANSFER_H

#include "ff_pool.h"

#define FF_ROUTES 16
#define FF_ROUTE_ID 32
#define FF_RANGES 1024
#define FF_FETCHED 64 /* chunks of one FETCH */
#define FF_JOURNAL 64
#define FF_TRIES 3

enum { FF_TODO = 0, FF_MOVING = 1, FF_DONE = 2, FF_STATE_BITS = 3, FF_TRIED = 4 };

/* What a transfer does. The two that drive have the window, the others answer. */
enum {
    FF_SEND_DRIVE = 1, /* client's upload: sends what the window lets it, counts ACKs */
    FF_RECV_ACK = 2,   /* server's upload: writes and acknowledges */
    FF_RECV_DRIVE = 3, /* client's download: grants credit by ranges, writes */
    FF_SEND_ASKED = 4  /* server's download: sends the ranges that were asked for */
};

enum { FF_EVENT_NONE = 0, FF_EVENT_COMPLETE = 1, FF_EVENT_FAILED = 2 };

/* Causes of FF_EVENT_FAILED that are no errno. */
enum { FF_CAUSE_HASH = -1, FF_CAUSE_SHORT = -2, FF_CAUSE_MAP = -3, FF_CAUSE_SEND = -4 };

typedef struct {
    int socket;
    int size;
    uint8_t id[FF_ROUTE_ID];
    uint64_t moving; /* bytes on their way on this route */
    int acks;
    uint64_t ack[4];
} ff_route;

typedef struct {
    int route;
    uint64_t next, end; /* chunks */
} ff_range;

typedef struct ff_transfer {
    uint64_t id;
    int role;
    int fd, map_fd;
    uint8_t *memory; /* in place of fd */
    uint64_t base, size, chunk, chunks;
    uint64_t window;       /* what this side lets be on the way */
    uint64_t peer_window;  /* what the other side lets, 0: has not said */
    uint8_t *state;
    uint64_t *hash;
    uint64_t cursor;       /* no chunk before it is FF_TODO */
    uint64_t done_chunks, done_bytes;
    uint64_t moving;       /* bytes sent or granted, not done */
    uint64_t wire_bytes;   /* payload that crossed the wire, repeats counted */
    uint64_t moved_at;     /* ff_now() of the last progress */
    uint64_t in_use;       /* bytes in slots, see ff_pool.h */
    uint64_t hole_from, hole_until; /* a hole of the file that was found */
    int dense;             /* the file has no holes, or its system does not tell */
    uint64_t zeros, zeros_hash;     /* so many zeros have this hash */
    int turn;              /* route that is next */
    int routes, ranges, first_range;
    ff_route route[FF_ROUTES];
    ff_range *range;
    int journal;
    uint64_t journal_bytes;
    uint8_t journal_room[FF_JOURNAL * 16];
    int event, cause;
    int paused;
    struct ff_transfer *next, *next_event, *next_hashed;
} ff_transfer;

static inline uint64_t ff_chunk_size(const ff_transfer *t, uint64_t index) {
    uint64_t at = index * t->chunk;
    return t->size - at < t->chunk ? t->size - at : t->chunk;
}

static inline ff_transfer *ff_transfer_new(uint64_t id, int role, uint64_t size, uint64_t chunk) {
    ff_transfer *t = (ff_transfer *)calloc(1, sizeof *t);
    if (!t) {
        return NULL;
    }
    t->id = id;
    t->role = role;
    t->fd = t->map_fd = -1;
    t->size = size;
    t->chunk = chunk;
    t->chunks = size / chunk + (size % chunk != 0);
    t->moved_at = ff_now();
    /* One more than needed: an empty file has no chunks, and malloc(0) may be NULL. */
    t->state = (uint8_t *)calloc((size_t)t->chunks + 1, 1);
    t->hash = (uint64_t *)calloc((size_t)t->chunks + 1, sizeof(uint64_t));
    t->range = role == FF_SEND_ASKED ? (ff_range *)calloc(FF_RANGES, sizeof(ff_range)) : NULL;
    if (!t->state || !t->hash || (role == FF_SEND_ASKED && !t->range)) {
        free(t->state);
        free(t->hash);
        free(t->range);
        free(t);
        return NULL;
    }
    return t;
}

static inline void ff_transfer_free(ff_transfer *t) {
    free(t->state);
    free(t->hash);
    free(t->range);
    free(t);
}

static inline int ff_find_route(const ff_transfer *t, int socket, const uint8_t *id, int size) {
    int i;
    for (i = 0; i < t->routes; i++) {
        const ff_route *route = &t->route[i];
        if (route->socket == socket && route->size == size && memcmp(route->id, id, (size_t)size) == 0) {
            return i;
        }
    }
    return -1;
}

/* The journal is a list of (chunk, hash): appended after the chunk itself is written, so a torn end or a
   lost tail only costs the chunks it would have named. */
static inline int ff_journal_flush(ff_transfer *t) {
    size_t size = (size_t)t->journal * 16, at = 0;
    if (t->map_fd >= 0) {
        while (at < size) {
#ifdef _WIN32
            int put = _write(t->map_fd, t->journal_room + at, (unsigned)(size - at));
#else
            ptrdiff_t put = write(t->map_fd, t->journal_room + at, size - at);
#endif
            if (put < 0 && errno == EINTR) {
                continue;
            }
            if (put <= 0) {
                return put < 0 ? errno : EIO;
            }
            at += (size_t)put;
        }
    }
    t->journal = 0;
    t->journal_bytes = 0;
    return 0;
}

static inline int ff_mark_done(ff_transfer *t, uint64_t index, uint64_t hash) {
    uint64_t size = ff_chunk_size(t, index);
    t->state[index] = FF_DONE;
    t->hash[index] = hash;
    t->done_chunks++;
    t->done_bytes += size;
    if (t->map_fd >= 0) {
        uint8_t *at = t->journal_room + t->journal * 16;
        ff_put(at, index, 8);
        ff_put(at + 8, hash, 8);
        t->journal++;
        t->journal_bytes += size;
        if (t->journal == FF_JOURNAL || t->journal_bytes >= (4u << 20)) {
            return ff_journal_flush(t);
        }
    }
    return 0;
}

/* What is sent, read from the file or the memory; 0 or errno, ENODATA: shorter than it was. */
static inline int ff_load(const ff_transfer *t, uint64_t index, uint8_t *to) {
    uint64_t size = ff_chunk_size(t, index);
    if (t->memory) {
        memcpy(to, t->memory + t->base + index * t->chunk, (size_t)size);
        return 0;
    }
    return ff_read_all(t->fd, to, (size_t)size, t->base + index * t->chunk);
}

/* Whether a chunk of the file is in a hole, so that it need not be read. A file that became shorter is left to
   the read, which notices it. */
static inline int ff_in_hole(ff_transfer *t, uint64_t index) {
#if defined(SEEK_DATA) && !defined(_WIN32)
    uint64_t size = ff_chunk_size(t, index), at = t->base + index * t->chunk;
    struct stat status;
    off_t data;
    if (t->memory || t->fd < 0 || t->dense) {
        return 0;
    }
    if (at >= t->hole_from && at + size <= t->hole_until) {
        return 1;
    }
    if (fstat(t->fd, &status) != 0 || at + size > (uint64_t)status.st_size) {
        return 0;
    }
    if ((uint64_t)status.st_blocks * 512 >= (uint64_t)status.st_size) {
        t->dense = 1;
        return 0;
    }
    data = lseek(t->fd, (off_t)at, SEEK_DATA);
    if (data < 0 && errno != ENXIO) {
        t->dense = 1;
        return 0;
    }
    t->hole_from = at;
    t->hole_until = data < 0 ? (uint64_t)status.st_size : (uint64_t)data;
    return at + size <= t->hole_until;
#else
    (void)t;
    (void)index;
    return 0;
#endif
}

static inline uint64_t ff_zeros_hash(ff_transfer *t, uint64_t size) {
    if (t->zeros != size) {
        t->zeros_hash = ff_hash_zeros(size);
        t->zeros = size;
    }
    return t->zeros_hash;
}

static inline int ff_store(const ff_transfer *t, uint64_t index, const uint8_t *from) {
    uint64_t size = ff_chunk_size(t, index);
    if (t->memory) {
        memcpy(t->memory + t->base + index * t->chunk, from, (size_t)size);
        return 0;
    }
    return ff_write_all(t->fd, from, (size_t)size, t->base + index * t->chunk);
}

static inline int ff_store_zeros(const ff_transfer *t, uint64_t index) {
    uint64_t size = ff_chunk_size(t, index);
    if (t->memory) {
        memset(t->memory + t->base + index * t->chunk, 0, (size_t)size);
        return 0;
    }
    return ff_write_hole(t->fd, size, t->base + index * t->chunk);
}

/* The first chunk at or after the cursor that is still to be moved, or `chunks`. */
static inline uint64_t ff_next_todo(ff_transfer *t) {
    while (t->cursor < t->chunks && (t->state[t->cursor] & FF_STATE_BITS) != FF_TODO) {
        t->cursor++;
    }
    return t->cursor;
}

/* Puts a chunk back; -1 when it has been tried often enough. */
static inline int ff_try_again(ff_transfer *t, uint64_t index) {
    uint8_t tried = (uint8_t)(t->state[index] / FF_TRIED + 1);
    if (tried > FF_TRIES) {
        return -1;
    }
    t->state[index] = (uint8_t)(tried * FF_TRIED);
    if (index < t->cursor) {
        t->cursor = index;
    }
    return 0;
}

#endif
