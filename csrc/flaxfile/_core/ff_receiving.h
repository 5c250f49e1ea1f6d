/* What comes in: each message is checked before it has any effect, data is verified before it is written. */
#ifndef FF_RECEIVING_H
#define FF_RECEIVING_H

#include "ff_sending.h"

static void ff_take_ack(ff_engine *e, ff_transfer *t, int route, const uint8_t *at, size_t size) {
    size_t i;
    if (ff_xxh3_64(at, size) != e->header.hash) {
        e->bad_frames++;
        return;
    }
    /* It shrinks as the receiver gets more guests. */
    t->peer_window = e->header.length;
    for (i = 0; i + 8 <= size; i += 8) {
        uint64_t offset = ff_get(at + i, 8), index = offset / t->chunk, bytes;
        if (offset % t->chunk || index >= t->chunks || (t->state[index] & FF_STATE_BITS) != FF_MOVING) {
            continue;
        }
        bytes = ff_chunk_size(t, index);
        t->moving -= bytes;
        t->route[route].moving -= bytes < t->route[route].moving ? bytes : t->route[route].moving;
        ff_mark_done(t, index, t->hash[index]);
        t->moved_at = ff_now();
    }
    if (t->done_chunks == t->chunks) {
        ff_raise_event(e, t, FF_EVENT_COMPLETE, 0);
    }
}

static void ff_take_nak(ff_engine *e, ff_transfer *t, int route) {
    uint64_t index = e->header.offset / t->chunk, bytes;
    if (e->header.offset % t->chunk || index >= t->chunks || (t->state[index] & FF_STATE_BITS) != FF_MOVING) {
        return;
    }
    bytes = ff_chunk_size(t, index);
    t->moving -= bytes;
    t->route[route].moving -= bytes < t->route[route].moving ? bytes : t->route[route].moving;
    e->bad_chunks++;
    if (ff_try_again(t, index) != 0) {
        ff_raise_event(e, t, FF_EVENT_FAILED, FF_CAUSE_HASH);
    }
}

static void ff_refuse_chunk(ff_engine *e, ff_transfer *t, int route, uint64_t index, int reason) {
    e->bad_chunks++;
    if (t->role == FF_RECV_DRIVE) {
        if ((t->state[index] & FF_STATE_BITS) == FF_MOVING) {
            t->moving -= ff_chunk_size(t, index);
        }
        if (ff_try_again(t, index) != 0) {
            ff_raise_event(e, t, FF_EVENT_FAILED, FF_CAUSE_HASH);
        }
    } else {
        ff_header h;
        memset(&h, 0, sizeof h);
        h.type = FF_NAK;
        h.transfer = t->id;
        h.offset = index * t->chunk;
        h.code = (uint32_t)reason;
        (void)ff_send_route(e, &t->route[route], &h, NULL);
    }
}

static void ff_take_data(ff_engine *e, ff_transfer *t, int route, const uint8_t *bytes, size_t size) {
    const ff_header *h = &e->header;
    uint64_t index = h->offset / t->chunk, want;
    int hole = h->flags & FF_FLAG_HOLE, rc;
    if (h->offset % t->chunk || index >= t->chunks) {
        e->bad_frames++;
        return;
    }
    want = ff_chunk_size(t, index);
    if (h->length != want || (hole ? size != 0 : size != want)) {
        ff_refuse_chunk(e, t, route, index, FF_NAK_LENGTH);
        return;
    }
    t->wire_bytes += size;
    e->bytes_in += size;
    if ((t->state[index] & FF_STATE_BITS) == FF_DONE) {
        /* A repeat: the acknowledgement was lost, or two routes brought it. */
        e->repeats++;
        if (t->role == FF_RECV_ACK) {
            ff_acknowledge(e, t, route, h->offset);
        }
        return;
    }
    if ((hole ? ff_zeros_hash(t, want) : ff_xxh3_64(bytes, size)) != h->hash) {
        ff_refuse_chunk(e, t, route, index, FF_NAK_HASH);
        return;
    }
    rc = hole ? ff_store_zeros(t, index) : ff_store(t, index, bytes);
    if (rc != 0) {
        ff_raise_event(e, t, FF_EVENT_FAILED, rc);
        return;
    }
    if (t->role == FF_RECV_DRIVE && (t->state[index] & FF_STATE_BITS) == FF_MOVING) {
        t->moving -= want;
    }
    rc = ff_mark_done(t, index, h->hash);
    t->moved_at = ff_now();
    if (rc != 0) {
        ff_raise_event(e, t, FF_EVENT_FAILED, rc);
        return;
    }
    if (t->role == FF_RECV_ACK) {
        ff_acknowledge(e, t, route, h->offset);
    }
    if (t->done_chunks == t->chunks) {
        ff_raise_event(e, t, FF_EVENT_COMPLETE, 0);
    }
}

static void ff_take_wish(ff_engine *e, ff_transfer *t, int route, uint64_t offset, uint64_t count) {
    uint64_t first = offset / t->chunk;
    ff_range *range;
    if (offset % t->chunk || first >= t->chunks || count == 0 || count > t->chunks - first || t->ranges == FF_RANGES) {
        e->bad_frames++;
        return;
    }
    range = &t->range[(t->first_range + t->ranges) % FF_RANGES];
    range->route = route;
    range->next = first;
    range->end = first + count;
    t->ranges++;
}

/* Chunks that do not follow each other. */
static void ff_take_fetch(ff_engine *e, ff_transfer *t, int route, const uint8_t *at, size_t size) {
    size_t i;
    if (size % 8 || size / 8 > FF_FETCHED || ff_xxh3_64(at, size) != e->header.hash) {
        e->bad_frames++;
        return;
    }
    for (i = 0; i < size; i += 8) {
        ff_take_wish(e, t, route, ff_get(at + i, 8), 1);
    }
}

/* One message. -1: none there, 0: dealt with, 1: for the caller (e->header, e->payload, e->strange). */
static int ff_receive(ff_engine *e, int socket) {
    ff_msg part;
    void *from = e->socket[socket];
    const char *user;
    int count = 0, more = 1, good = 0, mine = 0, sealed = 1, route;
    ff_transfer *t = NULL;
    e->strange = 0;
    e->has_payload = 0;
    e->id_size = 0;
    e->user[0] = 0;
    while (more) {
        ff_lib.msg_init(&part);
        if (ff_lib.msg_recv(&part, from, FF_DONTWAIT) < 0) {
            int cause = ff_lib.zmq_errno();
            ff_lib.msg_close(&part);
            if (cause == EINTR && count > 0) {
                continue;
            }
            if (e->has_payload) {
                ff_lib.msg_close(&e->payload);
                e->has_payload = 0;
            }
            e->step_error = cause == EAGAIN || cause == EINTR ? 0 : cause;
            return -1;
        }
        more = ff_lib.msg_more(&part);
        if (e->router && count == 0) {
            size_t size = ff_lib.msg_size(&part);
            e->id_size = size <= sizeof e->id ? (int)size : 0;
            memcpy(e->id, ff_lib.msg_data(&part), (size_t)e->id_size);
        } else if (count == e->router) {
            const uint8_t *at = (const uint8_t *)ff_lib.msg_data(&part);
            good = ff_lib.msg_size(&part) == FF_HEADER && at[0] == FF_MAGIC && at[1] == FF_VERSION;
            if (good) {
                ff_header_read(at, &e->header);
                mine = ff_is_bulk(e->header.type);
                sealed = !mine || e->header.request == ff_header_check(at);
            }
            user = ff_lib.msg_gets(&part, "User-Id");
            if (user) {
                strncpy(e->user, user, sizeof e->user - 1);
                e->user[sizeof e->user - 1] = 0;
            }
            e->strange = !good;
        } else if (count == e->router + 1 && good) {
            e->payload = part;
            e->has_payload = 1;
            count++;
            continue; /* not closed: it is e->payload now */
        } else {
            sealed = 0;
        }
        ff_lib.msg_close(&part);
        count++;
    }
    if (!good || e->id_size > FF_ROUTE_ID) {
        e->bad_frames++;
        e->strange = 1;
        return 1;
    }
    if (!mine && sealed) {
        return 1;
    }
    if (!sealed) {
        /* Frames too many, or a field that is wrong: nobody knows what it was about. */
        e->bad_frames++;
        if (e->has_payload) {
            ff_lib.msg_close(&e->payload);
            e->has_payload = 0;
        }
        e->strange = 3;
        return 1;
    }
    t = ff_find(e, e->header.transfer);
    route = t ? ff_find_route(t, socket, e->id, e->id_size) : -1;
    if (route < 0) {
        e->strange = 2;
    } else if (t->event != FF_EVENT_FAILED) {
        const uint8_t *at = e->has_payload ? (const uint8_t *)ff_lib.msg_data(&e->payload) : NULL;
        size_t size = e->has_payload ? ff_lib.msg_size(&e->payload) : 0;
        int type = e->header.type, role = t->role;
        if (type == FF_DATA && (role == FF_RECV_ACK || role == FF_RECV_DRIVE)) {
            ff_take_data(e, t, route, at, size);
        } else if (type == FF_ACK && role == FF_SEND_DRIVE) {
            ff_take_ack(e, t, route, at, size);
        } else if (type == FF_NAK && role == FF_SEND_DRIVE) {
            ff_take_nak(e, t, route);
        } else if (type == FF_CREDIT && role == FF_SEND_ASKED) {
            ff_take_wish(e, t, route, e->header.offset, e->header.length);
        } else if (type == FF_FETCH && role == FF_SEND_ASKED) {
            ff_take_fetch(e, t, route, at, size);
        } else {
            e->bad_frames++;
        }
    }
    if (e->has_payload) {
        ff_lib.msg_close(&e->payload);
        e->has_payload = 0;
    }
    return e->strange ? 1 : 0;
}

#endif
