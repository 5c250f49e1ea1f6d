/* XXH3 in 64 and 128 bits, of bytes at hand and of bytes that come piece by piece.
   Written from the published description of the algorithm; the values are those of every other XXH3.
   Knows nothing of files. */
#ifndef FF_XXH3_H
#define FF_XXH3_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__) || defined(_M_X64)
#define FF_XXH3_SSE2
#include <emmintrin.h>
#endif
#if defined(__GNUC__) && defined(__x86_64__)
/* Asked for at run time: the library is built for every processor of its kind. */
#define FF_XXH3_AVX2
#include <immintrin.h>
#endif
#if defined(_MSC_VER) && defined(_M_X64)
#include <intrin.h>
#endif

enum {
    FF_XXH3_STRIPE = 64,
    FF_XXH3_BLOCK = 1024,       /* sixteen stripes, then the sums are stirred */
    FF_XXH3_SHORT = 240,        /* up to here there are ways of their own */
    FF_XXH3_SECRET = 192,
    FF_XXH3_LAST_KEY = FF_XXH3_SECRET - FF_XXH3_STRIPE
};

#define FF_P32_1 0x9E3779B1U
#define FF_P32_2 0x85EBCA77U
#define FF_P32_3 0xC2B2AE3DU
#define FF_P64_1 0x9E3779B185EBCA87ULL
#define FF_P64_2 0xC2B2AE3D27D4EB4FULL
#define FF_P64_3 0x165667B19E3779F9ULL
#define FF_P64_4 0x85EBCA77C2B2AE63ULL
#define FF_P64_5 0x27D4EB2F165667C5ULL
#define FF_MIX_1 0x165667919E3779F9ULL
#define FF_MIX_2 0x9FB21C651E98DF25ULL

/* The default secret of the algorithm. */
static const uint8_t ff_key[FF_XXH3_SECRET] = {
    0xb8, 0xfe, 0x6c, 0x39, 0x23, 0xa4, 0x4b, 0xbe, 0x7c, 0x01, 0x81, 0x2c, 0xf7, 0x21, 0xad, 0x1c,
    0xde, 0xd4, 0x6d, 0xe9, 0x83, 0x90, 0x97, 0xdb, 0x72, 0x40, 0xa4, 0xa4, 0xb7, 0xb3, 0x67, 0x1f,
    0xcb, 0x79, 0xe6, 0x4e, 0xcc, 0xc0, 0xe5, 0x78, 0x82, 0x5a, 0xd0, 0x7d, 0xcc, 0xff, 0x72, 0x21,
    0xb8, 0x08, 0x46, 0x74, 0xf7, 0x43, 0x24, 0x8e, 0xe0, 0x35, 0x90, 0xe6, 0x81, 0x3a, 0x26, 0x4c,
    0x3c, 0x28, 0x52, 0xbb, 0x91, 0xc3, 0x00, 0xcb, 0x88, 0xd0, 0x65, 0x8b, 0x1b, 0x53, 0x2e, 0xa3,
    0x71, 0x64, 0x48, 0x97, 0xa2, 0x0d, 0xf9, 0x4e, 0x38, 0x19, 0xef, 0x46, 0xa9, 0xde, 0xac, 0xd8,
    0xa8, 0xfa, 0x76, 0x3f, 0xe3, 0x9c, 0x34, 0x3f, 0xf9, 0xdc, 0xbb, 0xc7, 0xc7, 0x0b, 0x4f, 0x1d,
    0x8a, 0x51, 0xe0, 0x4b, 0xcd, 0xb4, 0x59, 0x31, 0xc8, 0x9f, 0x7e, 0xc9, 0xd9, 0x78, 0x73, 0x64,
    0xea, 0xc5, 0xac, 0x83, 0x34, 0xd3, 0xeb, 0xc3, 0xc5, 0x81, 0xa0, 0xff, 0xfa, 0x13, 0x63, 0xeb,
    0x17, 0x0d, 0xdd, 0x51, 0xb7, 0xf0, 0xda, 0x49, 0xd3, 0x16, 0x55, 0x26, 0x29, 0xd4, 0x68, 0x9e,
    0x2b, 0x16, 0xbe, 0x58, 0x7d, 0x47, 0xa1, 0xfc, 0x8f, 0xf8, 0xb8, 0xd1, 0x7a, 0xd0, 0x31, 0xce,
    0x45, 0xcb, 0x3a, 0x8f, 0x95, 0x16, 0x04, 0x28, 0xaf, 0xd7, 0xfb, 0xca, 0xbb, 0x4b, 0x40, 0x7e,
};

typedef struct {
    uint64_t low64;
    uint64_t high64;
} ff_hash128;

typedef struct {
    uint64_t sums[8];
    uint64_t size;
    size_t fill;                                       /* bytes of the block that are here */
    uint8_t room[FF_XXH3_STRIPE + FF_XXH3_BLOCK];      /* the end of the block before, and the block */
} ff_xxh3;

/* ---- pieces ---- */

static inline uint32_t ff_r32(const uint8_t *at) {
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static inline uint64_t ff_r64(const uint8_t *at) {
    return (uint64_t)ff_r32(at) | (uint64_t)ff_r32(at + 4) << 32;
}

static inline uint64_t ff_turned(uint64_t x, int by) {
    return x << by | x >> (64 - by);
}

static inline uint32_t ff_swap32(uint32_t x) {
    return x << 24 | (x << 8 & 0xFF0000U) | (x >> 8 & 0xFF00U) | x >> 24;
}

static inline uint64_t ff_swap64(uint64_t x) {
    return (uint64_t)ff_swap32((uint32_t)x) << 32 | ff_swap32((uint32_t)(x >> 32));
}

static inline ff_hash128 ff_product(uint64_t a, uint64_t b) {
    ff_hash128 made;
#if defined(__SIZEOF_INT128__)
    unsigned __int128 all = (unsigned __int128)a * b;
    made.low64 = (uint64_t)all;
    made.high64 = (uint64_t)(all >> 64);
#elif defined(_MSC_VER) && defined(_M_X64)
    made.low64 = _umul128(a, b, &made.high64);
#else
    uint64_t low = (a & 0xFFFFFFFFU) * (b & 0xFFFFFFFFU);
    uint64_t cross = (a >> 32) * (b & 0xFFFFFFFFU) + (low >> 32);
    uint64_t other = (a & 0xFFFFFFFFU) * (b >> 32) + (cross & 0xFFFFFFFFU);
    made.low64 = other << 32 | (low & 0xFFFFFFFFU);
    made.high64 = (a >> 32) * (b >> 32) + (cross >> 32) + (other >> 32);
#endif
    return made;
}

static inline uint64_t ff_folded(uint64_t a, uint64_t b) {
    ff_hash128 all = ff_product(a, b);
    return all.low64 ^ all.high64;
}

static inline uint64_t ff_stirred(uint64_t h) {
    h ^= h >> 37;
    h *= FF_MIX_1;
    return h ^ h >> 32;
}

static inline uint64_t ff_stirred_short(uint64_t h) {
    h ^= h >> 33;
    h *= FF_P64_2;
    h ^= h >> 29;
    h *= FF_P64_3;
    return h ^ h >> 32;
}

static inline uint64_t ff_mixed16(const uint8_t *at, const uint8_t *key, uint64_t seed) {
    return ff_folded(ff_r64(at) ^ (ff_r64(key) + seed), ff_r64(at + 8) ^ (ff_r64(key + 8) - seed));
}

/* ---- up to 240 bytes, 64 bits ---- */

static inline uint64_t ff_xxh3_64_tiny(const uint8_t *at, size_t size, uint64_t seed) {
    if (size > 8) {
        uint64_t low = ff_r64(at) ^ ((ff_r64(ff_key + 24) ^ ff_r64(ff_key + 32)) + seed);
        uint64_t high = ff_r64(at + size - 8) ^ ((ff_r64(ff_key + 40) ^ ff_r64(ff_key + 48)) - seed);
        return ff_stirred(size + ff_swap64(low) + high + ff_folded(low, high));
    }
    if (size >= 4) {
        uint64_t both = ff_r32(at + size - 4) + ((uint64_t)ff_r32(at) << 32);
        uint64_t h;
        seed ^= (uint64_t)ff_swap32((uint32_t)seed) << 32;
        h = both ^ ((ff_r64(ff_key + 8) ^ ff_r64(ff_key + 16)) - seed);
        h ^= ff_turned(h, 49) ^ ff_turned(h, 24);
        h *= FF_MIX_2;
        h ^= (h >> 35) + size;
        h *= FF_MIX_2;
        return h ^ h >> 28;
    }
    if (size > 0) {
        uint32_t all = (uint32_t)at[0] << 16 | (uint32_t)at[size >> 1] << 24 | at[size - 1] | (uint32_t)size << 8;
        return ff_stirred_short(all ^ ((ff_r32(ff_key) ^ ff_r32(ff_key + 4)) + seed));
    }
    return ff_stirred_short(seed ^ ff_r64(ff_key + 56) ^ ff_r64(ff_key + 64));
}

static inline uint64_t ff_xxh3_64_short(const uint8_t *at, size_t size, uint64_t seed) {
    uint64_t sum = size * FF_P64_1;
    size_t i;
    if (size <= 16) {
        return ff_xxh3_64_tiny(at, size, seed);
    }
    if (size <= 128) {
        for (i = (size - 1) / 32 + 1; i-- > 0;) {
            sum += ff_mixed16(at + 16 * i, ff_key + 32 * i, seed);
            sum += ff_mixed16(at + size - 16 * (i + 1), ff_key + 32 * i + 16, seed);
        }
        return ff_stirred(sum);
    }
    for (i = 0; i < 8; i++) {
        sum += ff_mixed16(at + 16 * i, ff_key + 16 * i, seed);
    }
    sum = ff_stirred(sum);
    for (i = 8; i < size / 16; i++) {
        sum += ff_mixed16(at + 16 * i, ff_key + 16 * (i - 8) + 3, seed);
    }
    return ff_stirred(sum + ff_mixed16(at + size - 16, ff_key + 136 - 17, seed));
}

/* ---- up to 240 bytes, 128 bits ---- */

static inline ff_hash128 ff_xxh3_128_tiny(const uint8_t *at, size_t size) {
    ff_hash128 h;
    if (size > 8) {
        uint64_t low = ff_r64(at), high = ff_r64(at + size - 8);
        ff_hash128 m = ff_product(low ^ high ^ ff_r64(ff_key + 32) ^ ff_r64(ff_key + 40), FF_P64_1);
        m.low64 += (uint64_t)(size - 1) << 54;
        high ^= ff_r64(ff_key + 48) ^ ff_r64(ff_key + 56);
        m.high64 += high + (high & 0xFFFFFFFFU) * (uint64_t)(FF_P32_2 - 1);
        m.low64 ^= ff_swap64(m.high64);
        h = ff_product(m.low64, FF_P64_2);
        h.high64 = ff_stirred(h.high64 + m.high64 * FF_P64_2);
        h.low64 = ff_stirred(h.low64);
        return h;
    }
    if (size >= 4) {
        uint64_t both = ff_r32(at) + ((uint64_t)ff_r32(at + size - 4) << 32);
        h = ff_product(both ^ ff_r64(ff_key + 16) ^ ff_r64(ff_key + 24), FF_P64_1 + ((uint64_t)size << 2));
        h.high64 += h.low64 << 1;
        h.low64 ^= h.high64 >> 3;
        h.low64 ^= h.low64 >> 35;
        h.low64 *= FF_MIX_2;
        h.low64 ^= h.low64 >> 28;
        h.high64 = ff_stirred(h.high64);
        return h;
    }
    if (size > 0) {
        uint32_t all = (uint32_t)at[0] << 16 | (uint32_t)at[size >> 1] << 24 | at[size - 1] | (uint32_t)size << 8;
        uint32_t turned = ff_swap32(all);
        turned = turned << 13 | turned >> 19;
        h.low64 = ff_stirred_short((uint64_t)all ^ (ff_r32(ff_key) ^ ff_r32(ff_key + 4)));
        h.high64 = ff_stirred_short((uint64_t)turned ^ (ff_r32(ff_key + 8) ^ ff_r32(ff_key + 12)));
        return h;
    }
    h.low64 = ff_stirred_short(ff_r64(ff_key + 64) ^ ff_r64(ff_key + 72));
    h.high64 = ff_stirred_short(ff_r64(ff_key + 80) ^ ff_r64(ff_key + 88));
    return h;
}

static inline void ff_mix32(ff_hash128 *sum, const uint8_t *one, const uint8_t *two, const uint8_t *key) {
    sum->low64 += ff_mixed16(one, key, 0);
    sum->low64 ^= ff_r64(two) + ff_r64(two + 8);
    sum->high64 += ff_mixed16(two, key + 16, 0);
    sum->high64 ^= ff_r64(one) + ff_r64(one + 8);
}

static inline ff_hash128 ff_xxh3_128_short(const uint8_t *at, size_t size) {
    ff_hash128 sum = {size * FF_P64_1, 0}, h;
    size_t i;
    if (size <= 16) {
        return ff_xxh3_128_tiny(at, size);
    }
    if (size <= 128) {
        for (i = (size - 1) / 32 + 1; i-- > 0;) {
            ff_mix32(&sum, at + 16 * i, at + size - 16 * (i + 1), ff_key + 32 * i);
        }
    } else {
        for (i = 32; i < 160; i += 32) {
            ff_mix32(&sum, at + i - 32, at + i - 16, ff_key + i - 32);
        }
        sum.low64 = ff_stirred(sum.low64);
        sum.high64 = ff_stirred(sum.high64);
        for (i = 160; i <= size; i += 32) {
            ff_mix32(&sum, at + i - 32, at + i - 16, ff_key + 3 + i - 160);
        }
        ff_mix32(&sum, at + size - 16, at + size - 32, ff_key + 136 - 17 - 16);
    }
    h.low64 = ff_stirred(sum.low64 + sum.high64);
    h.high64 = 0 - ff_stirred(sum.low64 * FF_P64_1 + sum.high64 * FF_P64_4 + size * FF_P64_2);
    return h;
}

/* ---- more than 240 bytes ---- */

/* One way to add stripes for each kind of processor. The sums stay in registers over a whole block: bytes may
   be anything, the compiler would otherwise have to store the sums at every stripe. */

#define FF_STRIPES (FF_XXH3_BLOCK / FF_XXH3_STRIPE)

#ifdef FF_XXH3_SSE2
static inline __m128i ff_sse2_sum(__m128i sum, const uint8_t *at, const uint8_t *key) {
    __m128i data = _mm_loadu_si128((const __m128i *)(const void *)at);
    __m128i mixed = _mm_xor_si128(data, _mm_loadu_si128((const __m128i *)(const void *)key));
    __m128i product = _mm_mul_epu32(mixed, _mm_srli_epi64(mixed, 32));
    return _mm_add_epi64(product, _mm_add_epi64(sum, _mm_shuffle_epi32(data, _MM_SHUFFLE(1, 0, 3, 2))));
}

static inline __m128i ff_sse2_stir(__m128i sum, const uint8_t *key) {
    const __m128i by = _mm_set1_epi32((int)FF_P32_1);
    __m128i mixed = _mm_xor_si128(_mm_xor_si128(sum, _mm_srli_epi64(sum, 47)),
                                  _mm_loadu_si128((const __m128i *)(const void *)key));
    __m128i high = _mm_mul_epu32(_mm_srli_epi64(mixed, 32), by);
    return _mm_add_epi64(_mm_mul_epu32(mixed, by), _mm_slli_epi64(high, 32));
}
#endif

static inline void ff_add_stripe(uint64_t *sums, const uint8_t *at, const uint8_t *key) {
    int i;
#ifdef FF_XXH3_SSE2
    for (i = 0; i < 4; i++) {
        __m128i *sum = (__m128i *)(void *)(sums + 2 * i);
        _mm_storeu_si128(sum, ff_sse2_sum(_mm_loadu_si128(sum), at + 16 * i, key + 16 * i));
    }
#else
    for (i = 0; i < 8; i++) {
        uint64_t data = ff_r64(at + 8 * i);
        uint64_t mixed = data ^ ff_r64(key + 8 * i);
        sums[i ^ 1] += data;
        sums[i] += (mixed & 0xFFFFFFFFU) * (mixed >> 32);
    }
#endif
}

static inline void ff_add_blocks_anywhere(uint64_t *sums, const uint8_t *at, size_t blocks, const uint8_t *key) {
    int i;
#ifdef FF_XXH3_SSE2
    __m128i sum[4];
    for (i = 0; i < 4; i++) {
        sum[i] = _mm_loadu_si128((const __m128i *)(const void *)(sums + 2 * i));
    }
    for (; blocks > 0; blocks--, at += FF_XXH3_BLOCK) {
        for (i = 0; i < FF_STRIPES; i++) {
            const uint8_t *from = at + FF_XXH3_STRIPE * i, *with = key + 8 * i;
            sum[0] = ff_sse2_sum(sum[0], from, with);
            sum[1] = ff_sse2_sum(sum[1], from + 16, with + 16);
            sum[2] = ff_sse2_sum(sum[2], from + 32, with + 32);
            sum[3] = ff_sse2_sum(sum[3], from + 48, with + 48);
        }
        for (i = 0; i < 4; i++) {
            sum[i] = ff_sse2_stir(sum[i], key + FF_XXH3_LAST_KEY + 16 * i);
        }
    }
    for (i = 0; i < 4; i++) {
        _mm_storeu_si128((__m128i *)(void *)(sums + 2 * i), sum[i]);
    }
#else
    for (; blocks > 0; blocks--, at += FF_XXH3_BLOCK) {
        for (i = 0; i < FF_STRIPES; i++) {
            ff_add_stripe(sums, at + FF_XXH3_STRIPE * i, key + 8 * i);
        }
        for (i = 0; i < 8; i++) {
            sums[i] = (sums[i] ^ sums[i] >> 47 ^ ff_r64(key + FF_XXH3_LAST_KEY + 8 * i)) * FF_P32_1;
        }
    }
#endif
}

#ifdef FF_XXH3_AVX2
__attribute__((target("avx2"))) static inline __m256i ff_avx2_sum(__m256i sum, const uint8_t *at,
                                                                  const uint8_t *key) {
    __m256i data = _mm256_loadu_si256((const __m256i *)(const void *)at);
    __m256i mixed = _mm256_xor_si256(data, _mm256_loadu_si256((const __m256i *)(const void *)key));
    __m256i product = _mm256_mul_epu32(mixed, _mm256_srli_epi64(mixed, 32));
    __m256i turned = _mm256_shuffle_epi32(data, _MM_SHUFFLE(1, 0, 3, 2));
    return _mm256_add_epi64(product, _mm256_add_epi64(sum, turned));
}

__attribute__((target("avx2"))) static inline __m256i ff_avx2_stir(__m256i sum, const uint8_t *key) {
    const __m256i by = _mm256_set1_epi32((int)FF_P32_1);
    __m256i mixed = _mm256_xor_si256(_mm256_xor_si256(sum, _mm256_srli_epi64(sum, 47)),
                                     _mm256_loadu_si256((const __m256i *)(const void *)key));
    __m256i high = _mm256_mul_epu32(_mm256_srli_epi64(mixed, 32), by);
    return _mm256_add_epi64(_mm256_mul_epu32(mixed, by), _mm256_slli_epi64(high, 32));
}

__attribute__((target("avx2"))) static void ff_add_blocks_avx2(uint64_t *sums, const uint8_t *at, size_t blocks,
                                                               const uint8_t *key) {
    __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)sums);
    __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(sums + 4));
    int i;
    for (; blocks > 0; blocks--, at += FF_XXH3_BLOCK) {
        for (i = 0; i < FF_STRIPES; i++) {
            low = ff_avx2_sum(low, at + FF_XXH3_STRIPE * i, key + 8 * i);
            high = ff_avx2_sum(high, at + FF_XXH3_STRIPE * i + 32, key + 8 * i + 32);
        }
        low = ff_avx2_stir(low, key + FF_XXH3_LAST_KEY);
        high = ff_avx2_stir(high, key + FF_XXH3_LAST_KEY + 32);
    }
    _mm256_storeu_si256((__m256i *)(void *)sums, low);
    _mm256_storeu_si256((__m256i *)(void *)(sums + 4), high);
}
#endif

static inline void ff_add_blocks(uint64_t *sums, const uint8_t *at, size_t blocks, const uint8_t *key) {
#ifdef FF_XXH3_AVX2
    if (blocks > 0 && __builtin_cpu_supports("avx2")) {
        ff_add_blocks_avx2(sums, at, blocks, key);
        return;
    }
#endif
    ff_add_blocks_anywhere(sums, at, blocks, key);
}

/* What is left of the last block, 1 byte to a whole one, with at least a stripe of bytes in front of it. */
static inline void ff_add_rest(uint64_t *sums, const uint8_t *at, size_t size, const uint8_t *key) {
    size_t i;
    for (i = 0; i < (size - 1) / FF_XXH3_STRIPE; i++) {
        ff_add_stripe(sums, at + FF_XXH3_STRIPE * i, key + 8 * i);
    }
    ff_add_stripe(sums, at + size - FF_XXH3_STRIPE, key + FF_XXH3_LAST_KEY - 7);
}

static inline uint64_t ff_merged(const uint64_t *sums, const uint8_t *key, uint64_t start) {
    int i;
    for (i = 0; i < 4; i++) {
        start += ff_folded(sums[2 * i] ^ ff_r64(key + 16 * i), sums[2 * i + 1] ^ ff_r64(key + 16 * i + 8));
    }
    return ff_stirred(start);
}

static inline void ff_first_sums(uint64_t *sums) {
    static const uint64_t first[8] = {
        FF_P32_3, FF_P64_1, FF_P64_2, FF_P64_3, FF_P64_4, FF_P32_2, FF_P64_5, FF_P32_1,
    };
    memcpy(sums, first, sizeof first);
}

static inline void ff_add_all(uint64_t *sums, const uint8_t *at, size_t size, const uint8_t *key) {
    /* Not the last one, even if it is whole. */
    size_t blocks = (size - 1) / FF_XXH3_BLOCK;
    ff_first_sums(sums);
    ff_add_blocks(sums, at, blocks, key);
    ff_add_rest(sums, at + blocks * FF_XXH3_BLOCK, size - blocks * FF_XXH3_BLOCK, key);
}

static inline ff_hash128 ff_ended128(const uint64_t *sums, uint64_t size) {
    ff_hash128 h;
    h.low64 = ff_merged(sums, ff_key + 11, size * FF_P64_1);
    h.high64 = ff_merged(sums, ff_key + FF_XXH3_LAST_KEY - 11, ~(size * FF_P64_2));
    return h;
}

/* ---- bytes at hand ---- */

static inline uint64_t ff_xxh3_64_seeded(const void *data, size_t size, uint64_t seed) {
    const uint8_t *at = (const uint8_t *)data;
    uint64_t sums[8];
    uint8_t key[FF_XXH3_SECRET];
    int i, j;
    if (size <= FF_XXH3_SHORT) {
        return ff_xxh3_64_short(at, size, seed);
    }
    for (i = 0; i < FF_XXH3_SECRET; i += 16) {
        uint64_t low = ff_r64(ff_key + i) + seed, high = ff_r64(ff_key + i + 8) - seed;
        for (j = 0; j < 8; j++) {
            key[i + j] = (uint8_t)(low >> 8 * j);
            key[i + 8 + j] = (uint8_t)(high >> 8 * j);
        }
    }
    ff_add_all(sums, at, size, key);
    return ff_merged(sums, key + 11, size * FF_P64_1);
}

static inline uint64_t ff_xxh3_64(const void *data, size_t size) {
    uint64_t sums[8];
    if (size <= FF_XXH3_SHORT) {
        return ff_xxh3_64_short((const uint8_t *)data, size, 0);
    }
    ff_add_all(sums, (const uint8_t *)data, size, ff_key);
    return ff_merged(sums, ff_key + 11, size * FF_P64_1);
}

static inline ff_hash128 ff_xxh3_128(const void *data, size_t size) {
    uint64_t sums[8];
    if (size <= FF_XXH3_SHORT) {
        return ff_xxh3_128_short((const uint8_t *)data, size);
    }
    ff_add_all(sums, (const uint8_t *)data, size, ff_key);
    return ff_ended128(sums, size);
}

/* ---- bytes that come piece by piece ---- */

static inline void ff_xxh3_begin(ff_xxh3 *h) {
    ff_first_sums(h->sums);
    h->size = 0;
    h->fill = 0;
}

static inline void ff_xxh3_add(ff_xxh3 *h, const void *data, size_t size) {
    const uint8_t *at = (const uint8_t *)data;
    uint8_t *block = h->room + FF_XXH3_STRIPE;
    h->size += size;
    while (size > 0) {
        size_t some = FF_XXH3_BLOCK - h->fill;
        if (some == 0) {
            /* Only now is it sure that the block is not the last one, which is looked at otherwise. */
            size_t blocks = (size - 1) / FF_XXH3_BLOCK;
            ff_add_blocks(h->sums, block, 1, ff_key);
            ff_add_blocks(h->sums, at, blocks, ff_key);
            at += blocks * FF_XXH3_BLOCK;
            size -= blocks * FF_XXH3_BLOCK;
            /* The last stripe of all may begin in the block that ends here. */
            memcpy(h->room, (blocks ? at : block + FF_XXH3_BLOCK) - FF_XXH3_STRIPE, FF_XXH3_STRIPE);
            h->fill = 0;
            continue;
        }
        if (some > size) {
            some = size;
        }
        memcpy(block + h->fill, at, some);
        h->fill += some;
        at += some;
        size -= some;
    }
}

static inline ff_hash128 ff_xxh3_end128(const ff_xxh3 *h) {
    uint64_t sums[8];
    const uint8_t *block = h->room + FF_XXH3_STRIPE;
    if (h->size <= FF_XXH3_SHORT) {
        return ff_xxh3_128_short(block, (size_t)h->size);
    }
    memcpy(sums, h->sums, sizeof sums);
    ff_add_rest(sums, block, h->fill, ff_key);
    return ff_ended128(sums, h->size);
}

static inline uint64_t ff_xxh3_end64(const ff_xxh3 *h) {
    uint64_t sums[8];
    const uint8_t *block = h->room + FF_XXH3_STRIPE;
    if (h->size <= FF_XXH3_SHORT) {
        return ff_xxh3_64_short(block, (size_t)h->size, 0);
    }
    memcpy(sums, h->sums, sizeof sums);
    ff_add_rest(sums, block, h->fill, ff_key);
    return ff_merged(sums, ff_key + 11, h->size * FF_P64_1);
}

#endif
