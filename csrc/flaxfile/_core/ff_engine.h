/* The loop: receives, verifies, writes, acknowledges, reads, sends, for all transfers of one set of sockets,
   in one thread, until something has to be decided outside. It decides nothing about keys, peers' rights or
   retries: whoever calls ff_step() does. */
#ifndef FF_ENGINE_H
#define FF_ENGINE_H

#include "ff_receiving.h"

#define FF_LOOK 1000000u      /* ns between two looks at what others want while there is much to do */
#define FF_COMPANY 2000000u   /* ns that acknowledgements and journals wait for company at most */
#define FF_LARGE (512u << 10) /* chunks that take so long that a millisecond for company is little */

/* Sends the acknowledgements and writes the journals that wait for company. */
static void ff_settle(ff_engine *e) {
    ff_transfer *t;
    int i, rc;
    e->settled_at = ff_now();
    for (t = e->first; t; t = t->next) {
        if (t->role == FF_RECV_ACK) {
            for (i = 0; i < t->routes; i++) {
                ff_flush_acks(e, t, &t->route[i]);
            }
        }
        if (t->journal > 0 && t->event != FF_EVENT_FAILED) {
            rc = ff_journal_flush(t);
            if (rc != 0) {
                ff_raise_event(e, t, FF_EVENT_FAILED, rc);
            }
        }
    }
}

/* What waits for company when nothing comes: 0 nothing, 1 something that may wait a little, 2 something that
   the other side wants now. */
static int ff_unsettled(const ff_engine *e) {
    const ff_transfer *t;
    int i, found = 0;
    for (t = e->first; t; t = t->next) {
        if (t->journal > 0 && t->event != FF_EVENT_FAILED) {
            found = 1;
        }
        for (i = 0; i < t->routes && t->role == FF_RECV_ACK; i++) {
            if (t->route[i].acks > 0) {
                /* The window of a sender is small until it has heard of its first chunks. */
                if (t->chunk < FF_LARGE || t->done_chunks <= 2) {
                    return 2;
                }
                found = 1;
            }
        }
    }
    return found;
}

/* Whether somebody posted; the other bytes only say that a buffer came back. */
static int ff_drain_wake(ff_engine *e) {
    char room[256];
    int posted = 0;
    long size;
    while ((size = (long)recv(e->wake_read, room, sizeof room, 0)) > 0) {
        posted |= memchr(room, 'p', (size_t)size) != NULL;
    }
    return posted;
}

/* Waits for a sign of anything. What libzmq has is told only once, so nothing may be sent or received between the
   pass that found nothing and this. With `wait` 0 only what others want is looked at. */
static int ff_poll(ff_engine *e, long wait) {
    ff_pollfd item[FF_SOCKETS + FF_AUX + 1];
    int i, n = 0, rc;
    memset(item, 0, sizeof item);
    item[n].fd = e->wake_read;
    item[n++].events = POLLIN;
    for (i = 0; i < e->auxes + (wait ? e->sockets : 0); i++) {
        if (ff_socket_fd(i < e->auxes ? e->aux[i] : e->socket[i - e->auxes], &item[n].fd) != 0) {
            e->step_error = ff_lib.zmq_errno();
            return FF_STEP_ERROR;
        }
        item[n++].events = POLLIN;
    }
    rc = ff_poll_fds(item, n, wait);
    if (rc <= 0) {
        return FF_STEP_TIMEOUT;
    }
    for (i = 0; i < e->auxes; i++) {
        if (item[1 + i].revents) {
            return FF_STEP_AUX;
        }
    }
    if (item[0].revents && ff_drain_wake(e)) {
        return FF_STEP_WAKE;
    }
    return FF_STEP_NONE;
}

/* Takes what has come, some of each socket: how many were dealt with, or -1 for one that is for the caller. */
static int ff_gather(ff_engine *e) {
    int i, k, got, count = 0;
    /* Another socket begins each time: one that always has something must not keep the others waiting. */
    e->turn = e->sockets ? (e->turn + 1) % e->sockets : 0;
    for (i = 0; i < e->sockets; i++) {
        int socket = (e->turn + i) % e->sockets;
        for (k = 0; k < FF_TURN; k++) {
            got = ff_receive(e, socket);
            if (got < 0) {
                break;
            }
            if (got > 0) {
                e->from_socket = socket;
                return -1;
            }
            count++;
        }
    }
    return count;
}

static long ff_wait_ms(const ff_engine *e, uint64_t until) {
    uint64_t now = ff_now();
    if (e->rate && e->rate_at > now && e->rate_at < until) {
        until = e->rate_at;
    }
    return now >= until ? 0 : (long)((until - now + 999999u) / 1000000u);
}

/* Runs until the caller is needed, or `timeout_ms` passed. */
static int ff_step(ff_engine *e, long timeout_ms) {
    uint64_t now = ff_now(), until = now + (uint64_t)timeout_ms * 1000000u;
    int i, moved, got, waits, result;
    long wait;
    for (i = 0; i < e->auxes; i++) {
        if (ff_socket_ready(e->aux[i])) {
            return FF_STEP_AUX;
        }
    }
    for (;;) {
        moved = ff_pump(e);
        if (e->zombies) {
            ff_reap(e);
        }
        if (now - e->settled_at > FF_COMPANY) {
            ff_settle(e);
        }
        if (e->events) {
            return FF_STEP_TRANSFER;
        }
        got = ff_gather(e);
        if (got < 0) {
            return FF_STEP_MESSAGE;
        }
        if (e->step_error) {
            return FF_STEP_ERROR;
        }
        now = ff_now();
        result = FF_STEP_NONE;
        if (moved + got > 0 || e->events) {
            if (now - e->looked_at > FF_LOOK) {
                e->looked_at = now;
                result = ff_poll(e, 0);
            }
        } else {
            waits = ff_unsettled(e);
            if (waits == 2) {
                ff_settle(e);
                continue;
            }
            wait = ff_wait_ms(e, until);
            result = ff_poll(e, waits && wait > 1 ? 1 : wait);
            now = ff_now();
            if (waits && result == FF_STEP_TIMEOUT) {
                ff_settle(e);
            }
        }
        if (result == FF_STEP_ERROR || result == FF_STEP_AUX || result == FF_STEP_WAKE) {
            return result;
        }
        if (!e->events && now >= until) {
            return FF_STEP_TIMEOUT;
        }
    }
}

#endif
