/* What one set of sockets and its transfers are: lists, events, counters. */
#ifndef FF_STATE_H
#define FF_STATE_H

#include "ff_transfer.h"


#define FF_SOCKETS 16
#define FF_AUX 20
#define FF_BUCKETS 1024
#define FF_TURN 8 /* messages of one socket, and chunks sent, before the others get their turn */

enum { FF_STEP_NONE = -1, FF_STEP_TIMEOUT = 0, FF_STEP_MESSAGE = 1, FF_STEP_WAKE = 2, FF_STEP_AUX = 3, FF_STEP_TRANSFER = 4, FF_STEP_ERROR = 5 };

typedef struct {
    void *socket[FF_SOCKETS];
    int sockets;
    int router;
    void *aux[FF_AUX]; /* polled for others: authentication, monitors */
    int auxes;
    ff_fd wake_read;
    int turn;
    ff_pool *pool;
    ff_transfer *bucket[FF_BUCKETS];
    ff_transfer *first, *last; /* all, in turn */
    ff_transfer *events;
    ff_transfer *zombies; /* removed, slots still with libzmq */
    uint64_t settled_at, looked_at;
    uint64_t rate, rate_at; /* bytes a second, and when the next may go */
    uint64_t share; /* bytes on their way that a transfer may have, 0: its own window */
    /* FF_STEP_MESSAGE */
    int from_socket;
    int strange; /* 1: no header, 2: data of a transfer or route that is not known, 3: damaged */
    ff_header header;
    ff_msg payload;
    int has_payload;
    int id_size;
    uint8_t id[256];
    char user[256];
    int step_error;
    /* counters */
    uint64_t bad_frames, bad_chunks, repeats, bytes_in, bytes_out;
    uint64_t unread; /* chunks that were sent as holes without a look at them */
} ff_engine;

static inline void ff_raise_event(ff_engine *e, ff_transfer *t, int event, int cause) {
    if (t->event != FF_EVENT_NONE) {
        return;
    }
    t->event = event;
    t->cause = cause;
    t->paused = event == FF_EVENT_FAILED;
    t->next_event = e->events;
    e->events = t;
}

static inline ff_transfer *ff_find(const ff_engine *e, uint64_t id) {
    ff_transfer *t = e->bucket[id % FF_BUCKETS];
    while (t && t->id != id) {
        t = t->next_hashed;
    }
    return t;
}

static inline void ff_add(ff_engine *e, ff_transfer *t) {
    t->next_hashed = e->bucket[t->id % FF_BUCKETS];
    e->bucket[t->id % FF_BUCKETS] = t;
    t->next = NULL;
    if (e->last) {
        e->last->next = t;
    } else {
        e->first = t;
    }
    e->last = t;
}

static inline void ff_unlink(ff_engine *e, ff_transfer *t) {
    ff_transfer **at, *before = NULL;
    for (at = &e->bucket[t->id % FF_BUCKETS]; *at; at = &(*at)->next_hashed) {
        if (*at == t) {
            *at = t->next_hashed;
            break;
        }
    }
    for (at = &e->first; *at; before = *at, at = &(*at)->next) {
        if (*at == t) {
            *at = t->next;
            if (e->last == t) {
                e->last = before;
            }
            break;
        }
    }
    for (at = &e->events; *at; at = &(*at)->next_event) {
        if (*at == t) {
            *at = t->next_event;
            break;
        }
    }
}

static inline void ff_reap(ff_engine *e) {
    ff_transfer **at = &e->zombies, *t;
    while ((t = *at) != NULL) {
        if (ff_in_use(e->pool, &t->in_use, UINT64_MAX) == 0) {
            *at = t->next;
            ff_transfer_free(t);
        } else {
            at = &t->next;
        }
    }
}

#endif
