/* hasher.c: the sum of each block while its bytes pass by.
 * SPDX-License-Identifier: MIT */
#include "hasher.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <xxhash.h>

#include "luadl.h"

int sums_init(struct block_sums *sums, int64_t total, uint32_t shift)
{
    int64_t block = (int64_t) 1 << shift;
    *sums = (struct block_sums){.shift = shift, .total = total};
    if (total <= 0)
        return 0;
    sums->count = (total - 1) / block + 1;
    sums->list = calloc((size_t) sums->count, sizeof *sums->list);
    return sums->list ? 0 : -LDL_NO_MEMORY;
}

void sums_free(struct block_sums *sums)
{
    free((void *) sums->list);
    *sums = (struct block_sums){.total = -1};
}

static int64_t block_end(const struct block_sums *sums, int64_t at)
{
    int64_t end = ((at >> sums->shift) + 1) << sums->shift;
    return end < sums->total ? end : sums->total;
}

/* Only bytes from a block's start on give its sum. */
static bool follows(struct hasher *hasher, const struct block_sums *sums, int64_t offset)
{
    if ((offset & (((int64_t) 1 << sums->shift) - 1)) == 0) {
        if (!hasher->state)
            hasher->state = XXH3_createState();
        if (!hasher->state)
            return false;
        XXH3_64bits_reset(hasher->state);
        hasher->at = offset;
    }
    return hasher->state && hasher->at == offset;
}

static void finish_block(struct hasher *hasher, struct block_sums *sums)
{
    uint64_t sum = XXH3_64bits_digest(hasher->state);
    int64_t number = (hasher->at - 1) >> sums->shift;
    atomic_store_explicit(&sums->list[number], sum ? sum : 1, memory_order_relaxed);
}

void hasher_feed(struct hasher *hasher, struct block_sums *sums, const void *bytes, size_t length,
                 int64_t offset)
{
    const char *next = bytes;
    int64_t end = offset + (int64_t) length;
    while (sums->list && offset < end) {
        int64_t stop = block_end(sums, offset);
        size_t part = (size_t) ((stop < end ? stop : end) - offset);
        if (follows(hasher, sums, offset)) {
            XXH3_64bits_update(hasher->state, next, part);
            hasher->at += (int64_t) part;
            if (hasher->at == stop)
                finish_block(hasher, sums);
        }
        next += part;
        offset += (int64_t) part;
    }
}

void hasher_free(struct hasher *hasher)
{
    XXH3_freeState(hasher->state);
    *hasher = (struct hasher){0};
}
