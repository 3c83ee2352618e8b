/* edges.c: the sum of what is held at the ends of extents, where no whole block is.
 * SPDX-License-Identifier: MIT
 *
 * One sum for all: at most two blocks of each extent are read for it, and where it is wrong no more
 * than those are fetched again.
 */
#include "edges.h"

#include <xxhash.h>

#define PIECE 16384

static int feed(XXH3_state_t *state, const struct file *file, struct ldl_extent bytes)
{
    char piece[PIECE];
    int errnum, result = 0;
    while (result == 0 && bytes.start < bytes.end) {
        int64_t left = bytes.end - bytes.start;
        size_t length = left < PIECE ? (size_t) left : PIECE;
        result = file_read(file, piece, length, bytes.start, &errnum);
        if (result == 0)
            XXH3_64bits_update(state, piece, length);
        bytes.start += (int64_t) length;
    }
    return result;
}

static int feed_edges(XXH3_state_t *state, const struct file *file, const struct journal *journal)
{
    int result = 0;
    for (size_t i = 0; result == 0 && i < journal->extent_count; i++) {
        struct ldl_extent edges[2];
        journal_edges(journal, journal->extents[i], edges);
        result = feed(state, file, edges[0]);
        if (result == 0)
            result = feed(state, file, edges[1]);
    }
    return result;
}

int edges_sum(const struct file *file, const struct journal *journal, uint64_t *out)
{
    XXH3_state_t *state = XXH3_createState();
    if (!state)
        return -LDL_NO_MEMORY;
    XXH3_64bits_reset(state);
    int result = feed_edges(state, file, journal);
    uint64_t sum = XXH3_64bits_digest(state);
    *out = sum ? sum : 1;
    XXH3_freeState(state);
    return result;
}
