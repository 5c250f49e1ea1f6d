/* Reused buffers for outgoing chunks. libzmq's I/O threads give them back, so the pool has a lock; everything
   else of the engine belongs to its one thread. */
#ifndef FF_POOL_H
#define FF_POOL_H

#include "ff_base.h"

struct ff_pool;

typedef struct ff_slot {
    struct ff_pool *pool;
    struct ff_slot *next;
    uint8_t *bytes;
    size_t size;
    uint64_t *in_use; /* the owner's count of bytes in slots, under the pool's lock */
} ff_slot;

typedef struct ff_pool {
    ff_lock lock;
    ff_slot *free;
    size_t held;  /* bytes in all slots, free ones too */
    size_t limit;
    int starved;  /* somebody could not get a slot: wake the engine when one comes back */
    ff_fd wake;
    uint64_t out; /* slots with libzmq */
    int closed;
} ff_pool;

static inline ff_pool *ff_pool_new(size_t limit, ff_fd wake) {
    ff_pool *pool = (ff_pool *)calloc(1, sizeof *pool);
    if (pool) {
        ff_lock_init(&pool->lock);
        pool->limit = limit;
        pool->wake = wake;
    }
    return pool;
}

static inline void ff_slot_drop(ff_slot *slot) {
    ff_aligned_free(slot->bytes);
    free(slot);
}

/* Frees what is here; the pool itself goes with the last slot that libzmq gives back. */
static inline void ff_pool_close(ff_pool *pool) {
    uint64_t out;
    ff_slot *slot, *next;
    ff_lock_get(&pool->lock);
    pool->closed = 1;
    for (slot = pool->free; slot; slot = next) {
        next = slot->next;
        ff_slot_drop(slot);
    }
    pool->free = NULL;
    out = pool->out;
    ff_lock_let(&pool->lock);
    if (out == 0) {
        ff_lock_drop(&pool->lock);
        free(pool);
    }
}

/* A buffer of at least `size` bytes, or NULL: the limit is reached, or there is no memory. */
static inline ff_slot *ff_slot_get(ff_pool *pool, size_t size, uint64_t *in_use) {
    ff_slot *slot;
    ff_lock_get(&pool->lock);
    while (pool->free && pool->free->size < size) {
        slot = pool->free;
        pool->free = slot->next;
        pool->held -= slot->size;
        ff_slot_drop(slot);
    }
    slot = pool->free;
    if (slot) {
        pool->free = slot->next;
    } else if (pool->held + size <= pool->limit || pool->held == 0) {
        slot = (ff_slot *)calloc(1, sizeof *slot);
        if (slot) {
            slot->bytes = (uint8_t *)ff_aligned(size);
            if (slot->bytes) {
                slot->size = size;
                slot->pool = pool;
                pool->held += size;
            } else {
                free(slot);
                slot = NULL;
            }
        }
    }
    if (slot) {
        pool->out++;
        slot->in_use = in_use;
        *in_use += slot->size;
    } else {
        pool->starved = 1;
    }
    ff_lock_let(&pool->lock);
    return slot;
}

/* Called by libzmq from any of its threads, and by the engine. */
static inline void ff_slot_back(void *data, void *hint) {
    ff_slot *slot = (ff_slot *)hint;
    ff_pool *pool = slot->pool;
    int wake, last;
    (void)data;
    ff_lock_get(&pool->lock);
    pool->out--;
    wake = pool->starved && !pool->closed;
    pool->starved = 0;
    last = pool->closed && pool->out == 0;
    if (pool->closed) {
        ff_slot_drop(slot);
    } else {
        *slot->in_use -= slot->size;
        slot->next = pool->free;
        pool->free = slot;
    }
    if (wake) {
        /* Under the lock: the engine closes the pool before it closes the descriptor. */
        send(pool->wake, "s", 1, 0);
    }
    ff_lock_let(&pool->lock);
    if (last) {
        ff_lock_drop(&pool->lock);
        free(pool);
    }
}

static inline uint64_t ff_in_use(ff_pool *pool, const uint64_t *counter, uint64_t starve_at) {
    uint64_t value;
    ff_lock_get(&pool->lock);
    value = *counter;
    if (value >= starve_at) {
        pool->starved = 1;
    }
    ff_lock_let(&pool->lock);
    return value;
}

static inline void ff_pool_trim(ff_pool *pool) {
    ff_slot *slot;
    ff_lock_get(&pool->lock);
    while ((slot = pool->free) != NULL) {
        pool->free = slot->next;
        pool->held -= slot->size;
        ff_slot_drop(slot);
    }
    ff_lock_let(&pool->lock);
}

#endif
