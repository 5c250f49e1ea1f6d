/* The loop: receives, verifies, writes, acknowledges, reads, sends, for all transfers of one set of sockets,
   in one thread, until something has to be decided outside. It decides nothing about keys, peers' rights or
   retries: whoever calls ff_step() does. */
#ifndef FF_ENGINE_H
#define FF_ENGINE_H

#include "ff_receiving.h"

/* Acknowledgements and journals that wait for company go before the loop sleeps. */
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

static int ff_poll(ff_engine *e, ff_pollitem *item, long wait) {
    int i, n = 0;
    for (i = 0; i < e->sockets + e->auxes; i++) {
        item[n].socket = i < e->sockets ? e->socket[i] : e->aux[i - e->sockets];
        item[n].fd = 0;
        item[n].events = FF_POLLIN;
        item[n++].revents = 0;
    }
    item[n].socket = NULL;
    item[n].fd = e->wake_read;
    item[n].events = FF_POLLIN;
    item[n++].revents = 0;
    return ff_lib.poll(item, n, wait);
}

/* What poll found: FF_STEP_TIMEOUT when nothing of it is for the caller. */
static int ff_take_ready(ff_engine *e, const ff_pollitem *item) {
    int i, k, got;
    for (i = 0; i < e->auxes; i++) {
        if (item[e->sockets + i].revents & FF_POLLIN) {
            return FF_STEP_AUX;
        }
    }
    if ((item[e->sockets + e->auxes].revents & FF_POLLIN) && ff_drain_wake(e)) {
        return FF_STEP_WAKE;
    }
    /* Another socket begins each time: one that always has something must not keep the others waiting. */
    e->turn = e->sockets ? (e->turn + 1) % e->sockets : 0;
    for (i = 0; i < e->sockets; i++) {
        int socket = (e->turn + i) % e->sockets;
        for (k = 0; k < FF_TURN && (item[socket].revents & FF_POLLIN); k++) {
            got = ff_receive(e, socket);
            if (got < 0) {
                break;
            }
            if (got > 0) {
                e->from_socket = socket;
                return FF_STEP_MESSAGE;
            }
        }
    }
    return FF_STEP_TIMEOUT;
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
    ff_pollitem item[FF_SOCKETS + FF_AUX + 1];
    uint64_t until = ff_now() + (uint64_t)timeout_ms * 1000000u;
    int moved, rc, result;
    for (;;) {
        moved = ff_pump(e);
        if (e->zombies) {
            ff_reap(e);
        }
        rc = e->events ? 0 : ff_poll(e, item, 0);
        if (rc == 0 || ff_now() - e->settled_at > 2000000u) {
            ff_settle(e);
        }
        if (e->events) {
            return FF_STEP_TRANSFER;
        }
        if (rc == 0 && !moved) {
            rc = ff_poll(e, item, ff_wait_ms(e, until));
        }
        if (rc < 0 && ff_lib.zmq_errno() != EINTR) {
            e->step_error = ff_lib.zmq_errno();
            return FF_STEP_ERROR;
        }
        result = rc > 0 ? ff_take_ready(e, item) : FF_STEP_TIMEOUT;
        if (result != FF_STEP_TIMEOUT) {
            return result;
        }
        if (e->step_error) {
            return FF_STEP_ERROR;
        }
        if (!e->events && ff_now() >= until) {
            return FF_STEP_TIMEOUT;
        }
    }
}

#endif
