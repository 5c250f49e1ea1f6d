/* Content-defined cuts (FastCDC with two masks): where a block ends follows from the bytes before it, so an
   insertion moves the blocks behind it and changes none of them. Knows no files. */
#ifndef FF_CUT_H
#define FF_CUT_H

#include "ff_base.h"

#define FF_CUT_LEAST (16u << 10)
#define FF_CUT_MEAN (64u << 10)
#define FF_CUT_MOST (256u << 10)

static uint64_t ff_gear[256];

/* Any table will do, but both sides need the same: splitmix64 from a fixed start. */
static void ff_prepare_cuts(void) {
    uint64_t state = 0x466c617846696c65u, value;
    int i;
    for (i = 0; i < 256; i++) {
        state += 0x9e3779b97f4a7c15u;
        value = state;
        value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
        value = (value ^ value >> 27) * 0x94d049bb133111ebu;
        ff_gear[i] = value ^ value >> 31;
    }
}

/* The length of the first block of what is at `at`, all of it when it is short. */
static size_t ff_cut(const uint8_t *at, size_t size) {
    /* Harder before the mean length, easier after it, so that lengths stay near it. */
    const uint64_t hard = 0xffffc00000000000u, easy = 0xfffc000000000000u; /* 18 and 14 bits */
    uint64_t hash = 0;
    size_t i = FF_CUT_LEAST, mean, most;
    if (size <= FF_CUT_LEAST) {
        return size;
    }
    most = size < FF_CUT_MOST ? size : FF_CUT_MOST;
    mean = most < FF_CUT_MEAN ? most : FF_CUT_MEAN;
    for (; i < mean; i++) {
        hash = (hash << 1) + ff_gear[at[i]];
        if (!(hash & hard)) {
            return i + 1;
        }
    }
    for (; i < most; i++) {
        hash = (hash << 1) + ff_gear[at[i]];
        if (!(hash & easy)) {
            return i + 1;
        }
    }
    return most;
}

#endif
