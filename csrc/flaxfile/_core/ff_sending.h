/* What goes out: messages, acknowledgements, chunks as the window, the credit and the limit allow. */
#ifndef FF_SENDING_H
#define FF_SENDING_H

#include "ff_state.h"

/* identity (ROUTER), header, payload. Takes the payload in any case. 0 or an errno of libzmq. */
static int ff_send(ff_engine *e, int socket, const uint8_t *id, int id_size, const ff_header *h, ff_msg *payload) {
    ff_msg part;
    void *to = e->socket[socket];
    int rc = 0;
    if (e->router) {
        if (ff_lib.msg_init_size(&part, (size_t)id_size) != 0) {
            rc = ENOMEM;
            goto out;
        }
        memcpy(ff_lib.msg_data(&part), id, (size_t)id_size);
        if (ff_lib.msg_send(&part, to, FF_SNDMORE | FF_DONTWAIT) < 0) {
            rc = ff_lib.zmq_errno();
            ff_lib.msg_close(&part);
            goto out;
        }
    }
    if (ff_lib.msg_init_size(&part, FF_HEADER) != 0) {
        rc = ENOMEM;
        goto out;
    }
    ff_header_write((uint8_t *)ff_lib.msg_data(&part), h);
    if (ff_is_bulk(h->type)) {
        ff_header_seal((uint8_t *)ff_lib.msg_data(&part));
    }
    if (ff_lib.msg_send(&part, to, (payload ? FF_SNDMORE : 0) | FF_DONTWAIT) < 0) {
        rc = ff_lib.zmq_errno();
        ff_lib.msg_close(&part);
        goto out;
    }
    if (payload) {
        if (ff_lib.msg_send(payload, to, FF_DONTWAIT) < 0) {
            rc = ff_lib.zmq_errno();
            goto out;
        }
    }
    return 0;
out:
    if (payload) {
        ff_lib.msg_close(payload);
    }
    return rc;
}

static int ff_send_part(ff_engine *e, int socket, ff_msg *part, int more) {
    if (ff_lib.msg_send(part, e->socket[socket], (more ? FF_SNDMORE : 0) | FF_DONTWAIT) < 0) {
        ff_lib.msg_close(part);
        return 0;
    }
    return 1;
}

static int ff_send_route(ff_engine *e, const ff_route *route, const ff_header *h, ff_msg *payload) {
    return ff_send(e, route->socket, route->id, route->size, h, payload);
}

static uint64_t ff_share(const ff_engine *e, const ff_transfer *t) {
    return e->share && e->share < t->window ? e->share : t->window;
}

static void ff_flush_acks(ff_engine *e, ff_transfer *t, ff_route *route) {
    ff_header h;
    ff_msg payload;
    uint8_t *at;
    int i;
    if (route->acks == 0) {
        return;
    }
    memset(&h, 0, sizeof h);
    h.type = FF_ACK;
    h.transfer = t->id;
    h.length = (uint32_t)(ff_share(e, t) > UINT32_MAX ? UINT32_MAX : ff_share(e, t));
    if (ff_lib.msg_init_size(&payload, (size_t)route->acks * 8) != 0) {
        return;
    }
    at = (uint8_t *)ff_lib.msg_data(&payload);
    for (i = 0; i < route->acks; i++) {
        ff_put(at + 8 * i, route->ack[i], 8);
    }
    h.hash = ff_xxh3_64(at, (size_t)route->acks * 8);
    route->acks = 0;
    /* A peer that is gone asks again when it is back. */
    (void)ff_send_route(e, route, &h, &payload);
}

static void ff_acknowledge(ff_engine *e, ff_transfer *t, int route, uint64_t offset) {
    ff_route *r = &t->route[route];
    r->ack[r->acks++] = offset;
    if (r->acks == 4 || (uint64_t)r->acks * t->chunk * 2 >= ff_share(e, t) || t->done_chunks == t->chunks) {
        ff_flush_acks(e, t, r);
    }
}

/* Notes the hash of a chunk; 0 when it was sent before with other bytes: somebody writes into the file. */
static int ff_note_hash(ff_transfer *t, uint64_t index, uint64_t hash) {
    if ((t->state[index] & FF_STATE_BITS) != FF_DONE) {
        t->hash[index] = hash;
        return 1;
    }
    return t->hash[index] == hash;
}

/* 1: a chunk is under way, 0: no buffer or no file now, -1: the route is gone. */
static int ff_send_chunk(ff_engine *e, ff_transfer *t, uint64_t index, int route) {
    uint64_t size = ff_chunk_size(t, index);
    ff_header h;
    ff_msg payload;
    ff_slot *slot;
    int rc;
    memset(&h, 0, sizeof h);
    h.type = FF_DATA;
    h.transfer = t->id;
    h.offset = index * t->chunk;
    h.length = (uint32_t)size;
    if (ff_in_hole(t, index)) {
        h.hash = ff_zeros_hash(t, size);
        h.flags = FF_FLAG_HOLE;
        if (!ff_note_hash(t, index, h.hash)) {
            ff_raise_event(e, t, FF_EVENT_FAILED, FF_CAUSE_SHORT);
            return 0;
        }
        e->unread++;
        return ff_send_route(e, &t->route[route], &h, NULL) == 0 ? 1 : -1;
    }
    slot = ff_slot_get(e->pool, (size_t)t->chunk, &t->in_use);
    if (!slot) {
        return 0;
    }
    rc = ff_load(t, index, slot->bytes);
    if (rc != 0) {
        ff_slot_back(NULL, slot);
        ff_raise_event(e, t, FF_EVENT_FAILED, rc == ENODATA ? FF_CAUSE_SHORT : rc);
        return 0;
    }
    h.hash = ff_xxh3_64(slot->bytes, (size_t)size);
    if (!ff_note_hash(t, index, h.hash)) {
        ff_slot_back(NULL, slot);
        ff_raise_event(e, t, FF_EVENT_FAILED, FF_CAUSE_SHORT);
        return 0;
    }
    if (ff_all_zero(slot->bytes, (size_t)size)) {
        h.flags = FF_FLAG_HOLE;
        ff_slot_back(NULL, slot);
        rc = ff_send_route(e, &t->route[route], &h, NULL);
    } else {
        if (ff_lib.msg_init_data(&payload, slot->bytes, (size_t)size, ff_slot_back, slot) != 0) {
            ff_slot_back(NULL, slot);
            return 0;
        }
        /* From here on the slot comes back with the message, sent or not. */
        rc = ff_send_route(e, &t->route[route], &h, &payload);
        if (rc == 0) {
            t->wire_bytes += size;
            e->bytes_out += size;
        }
    }
    return rc == 0 ? 1 : -1;
}

static int ff_least_used(const ff_transfer *t) {
    int i, best = 0;
    for (i = 1; i < t->routes; i++) {
        if (t->route[i].moving < t->route[best].moving) {
            best = i;
        }
    }
    return best;
}

/* The bandwidth limit: 1 when `size` bytes may go now. */
static int ff_allowed(ff_engine *e, uint64_t size, uint64_t now) {
    if (e->rate == 0) {
        return 1;
    }
    if (now < e->rate_at) {
        return 0;
    }
    if (e->rate_at + 100000000u < now) {
        e->rate_at = now; /* an idle time is no saving, but for a tenth of a second */
    }
    e->rate_at += (uint64_t)((double)size * 1e9 / (double)e->rate);
    return 1;
}

static int ff_pump_upload(ff_engine *e, ff_transfer *t, uint64_t now) {
    uint64_t index = ff_next_todo(t), size, window;
    int route;
    if (index == t->chunks || t->routes == 0) {
        return 0;
    }
    size = ff_chunk_size(t, index);
    window = t->peer_window && t->peer_window < t->window ? t->peer_window : t->window;
    if ((t->moving > 0 && t->moving + size > window) || !ff_allowed(e, size, now)) {
        return 0;
    }
    route = ff_least_used(t);
    if (ff_send_chunk(e, t, index, route) <= 0) {
        return 0;
    }
    t->state[index] = (uint8_t)((t->state[index] & ~FF_STATE_BITS) | FF_MOVING);
    t->moving += size;
    t->route[route].moving += size;
    return 1;
}

static int ff_pump_asked(ff_engine *e, ff_transfer *t) {
    ff_range *range;
    uint64_t share = ff_share(e, t);
    int sent;
    if (t->ranges == 0 || ff_in_use(e->pool, &t->in_use, share) >= share) {
        return 0;
    }
    range = &t->range[t->first_range];
    sent = ff_send_chunk(e, t, range->next, range->route);
    if (sent == 0) {
        return 0;
    }
    if (sent > 0) {
        t->state[range->next] = FF_DONE;
        t->moved_at = ff_now();
        range->next++;
    } else {
        range->next = range->end; /* nobody is there to take what the route asked for */
    }
    if (range->next == range->end) {
        t->first_range = (t->first_range + 1) % FF_RANGES;
        t->ranges--;
    }
    return 1;
}

static int ff_credit(ff_engine *e, ff_transfer *t, const ff_route *route, uint64_t first, uint64_t count, uint64_t *size) {
    ff_header h;
    memset(&h, 0, sizeof h);
    h.type = FF_CREDIT;
    h.transfer = t->id;
    h.offset = first * t->chunk;
    h.length = (uint32_t)count;
    if (ff_send_route(e, route, &h, NULL) != 0) {
        return EAGAIN;
    }
    while (count-- > 0) {
        *size += ff_chunk_size(t, first + count);
        t->state[first + count] = (uint8_t)((t->state[first + count] & ~FF_STATE_BITS) | FF_MOVING);
    }
    return 0;
}

/* Asks for chunks of a run that ends before a window does, and for those behind what is there already. */
static int ff_fetch(ff_engine *e, ff_transfer *t, const ff_route *route, uint64_t first, uint64_t most, uint64_t *size) {
    uint64_t index[FF_FETCHED], count = 0, i;
    ff_header h;
    ff_msg payload;
    uint8_t *at;
    for (i = first; i < t->chunks && count < most && count < FF_FETCHED; i++) {
        if ((t->state[i] & FF_STATE_BITS) == FF_TODO) {
            index[count++] = i;
        }
    }
    if (index[count - 1] == first + count - 1) {
        return ff_credit(e, t, route, first, count, size);
    }
    if (ff_lib.msg_init_size(&payload, (size_t)count * 8) != 0) {
        return ENOMEM;
    }
    at = (uint8_t *)ff_lib.msg_data(&payload);
    for (i = 0; i < count; i++) {
        ff_put(at + 8 * i, index[i] * t->chunk, 8);
    }
    memset(&h, 0, sizeof h);
    h.type = FF_FETCH;
    h.transfer = t->id;
    h.length = (uint32_t)count;
    h.hash = ff_xxh3_64(at, (size_t)count * 8);
    if (ff_send_route(e, route, &h, &payload) != 0) {
        return EAGAIN;
    }
    for (i = 0; i < count; i++) {
        *size += ff_chunk_size(t, index[i]);
        t->state[index[i]] = (uint8_t)((t->state[index[i]] & ~FF_STATE_BITS) | FF_MOVING);
    }
    return 0;
}

/* Asks for the next chunks: half a window at a time, so that data and wishes overlap. */
static int ff_pump_download(ff_engine *e, ff_transfer *t, uint64_t now) {
    uint64_t first = ff_next_todo(t), count = 0, room, size = 0;
    ff_route *route;
    int rc;
    if (first == t->chunks || t->routes == 0 || (t->moving > 0 && t->moving * 2 > t->window)) {
        return 0;
    }
    room = t->window / t->chunk / 2;
    if (room > 1 && t->routes > 1) {
        room = (room + (uint64_t)t->routes - 1) / (uint64_t)t->routes;
    }
    if (room == 0 || e->rate) {
        room = 1;
    }
    if (!ff_allowed(e, ff_chunk_size(t, first), now)) {
        return 0;
    }
    while (count < room && first + count < t->chunks && (t->state[first + count] & FF_STATE_BITS) == FF_TODO) {
        count++;
    }
    t->turn = (t->turn + 1) % t->routes;
    route = &t->route[t->turn];
    rc = count < room && count < FF_FETCHED && first + count < t->chunks ? ff_fetch(e, t, route, first, room, &size)
                                                                         : ff_credit(e, t, route, first, count, &size);
    t->moving += size;
    return rc == 0;
}

/* One chunk or grant of each transfer in turn, some turns; how many went out. */
static int ff_pump(ff_engine *e) {
    int moved = 0, before;
    uint64_t now = ff_now();
    ff_transfer *t;
    do {
        before = moved;
        for (t = e->first; t; t = t->next) {
            if (t->paused || t->event == FF_EVENT_FAILED) {
                continue;
            }
            if (t->role == FF_SEND_DRIVE) {
                moved += ff_pump_upload(e, t, now);
            } else if (t->role == FF_SEND_ASKED) {
                moved += ff_pump_asked(e, t);
            } else if (t->role == FF_RECV_DRIVE) {
                moved += ff_pump_download(e, t, now);
            }
        }
    } while (moved != before && moved < FF_TURN);
    return moved;
}

#endif
