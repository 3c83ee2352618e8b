/* hasher.h: the sum of each block (XXH3, as in the journal) while its bytes pass by.
 * SPDX-License-Identifier: MIT */
#ifndef LUADL_HASHER_H
#define LUADL_HASHER_H

#include <stddef.h>
#include <stdint.h>

/* Of one stream. All zero: nothing passed yet. */
struct hasher {
    void *state;
    int64_t at; /* where it goes on: other bytes don't belong to its block */
};

/* Of one file. Blocks are 2^shift bytes; the last one ends at total. */
struct block_sums {
    uint32_t shift;
    int64_t total;
    int64_t count;
    _Atomic uint64_t *list; /* 0: not known */
};

/* 0 or a negative kind; total -1: there are no sums. */
int sums_init(struct block_sums *sums, int64_t total, uint32_t shift);
void sums_free(struct block_sums *sums);

/* These bytes, at this offset, are in the file: sets the sums of the blocks that they complete.
 * Out of memory: those stay unknown. */
void hasher_feed(struct hasher *hasher, struct block_sums *sums, const void *bytes, size_t length,
                 int64_t offset);
void hasher_free(struct hasher *hasher);

#endif
