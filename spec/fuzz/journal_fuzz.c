/* journal_fuzz.c: no bytes make extents outside the file; what was read can be written again.
 * SPDX-License-Identifier: MIT
 *
 * The first byte of an input says what the rest is: a whole file as it is, or the records of two
 * slots, which get a start and a right hash here: no fuzzer guesses a hash.
 */
#include "journal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define START 16 /* magic, version, length */
#define HASH 8

static bool same_extents(const struct journal *a, const struct journal *b)
{
    return a->extent_count == b->extent_count
           && (a->extent_count == 0
               || memcmp(a->extents, b->extents, a->extent_count * sizeof *a->extents) == 0);
}

static void check_extents(const struct journal *journal)
{
    int64_t last = -1;
    for (size_t i = 0; i < journal->extent_count; i++) {
        struct ldl_extent extent = journal->extents[i];
        struct ldl_extent blocks = journal_blocks_in(journal, extent);
        assert(extent.start > last && extent.end > extent.start);
        assert(blocks.start <= blocks.end && blocks.end <= journal_block_count(journal));
        last = extent.end;
    }
    assert(journal->identity.total < 0 || last <= journal->identity.total);
}

static void check_round_trip(const struct journal *journal, uint32_t slot_length)
{
    size_t length = slot_length + JOURNAL_PAGE; /* what was a tight fit finds room */
    unsigned char *slot = malloc(length);
    struct journal again;
    size_t used;
    assert(slot != NULL);
    int result = journal_encode_slot(journal, slot, length, &used);
    assert(result == 0);
    result = journal_decode_slot(slot, length, &again);
    assert(result == 0 && same_extents(journal, &again));
    assert(again.seq == journal->seq && strcmp(again.url, journal->url) == 0);
    journal_free(&again);
    free(slot);
}

static void check_removal(struct journal *journal)
{
    int64_t middle = journal->extent_count > 0 ? journal->extents[0].end / 2 : 0;
    int result = journal_remove(journal, (struct ldl_extent){middle, middle + 5000});
    assert(result == 0);
    check_extents(journal);
}

static void check_file(const uint8_t *file, size_t size)
{
    struct journal journal;
    struct journal_layout layout;
    int result = journal_newest(file, size, &journal, &layout);
    assert(result == 0 || result == JOURNAL_FOREIGN_VERSION || result == -LDL_JOURNAL_CORRUPT);
    if (result == 0) {
        check_extents(&journal);
        check_round_trip(&journal, layout.slot_length);
        if (journal.identity.total >= 0)
            check_removal(&journal);
    }
    journal_free(&journal);
}

static void seal(uint8_t *slot, size_t length, const uint8_t *body, size_t size)
{
    uint8_t number[4] = {(uint8_t) length, (uint8_t) (length >> 8), (uint8_t) (length >> 16), 0};
    memcpy(slot, "LUADLJ1\0\1\0\0\0", 12);
    memcpy(slot + 12, number, 4);
    memcpy(slot + START, body, size < length - START - HASH ? size : length - START - HASH);
    uint64_t hash = journal_hash(slot, length - HASH);
    for (int i = 0; i < HASH; i++)
        slot[length - HASH + (size_t) i] = (uint8_t) (hash >> (8 * i));
}

/* The second byte says where the first record ends. */
static void check_sealed(size_t slot_length, const uint8_t *data, size_t size)
{
    size_t cut = size > 0 ? (size - 1) * data[0] / 255 : 0;
    size_t file_size = JOURNAL_PAGE + 2 * slot_length;
    uint8_t *file = calloc(1, file_size);
    assert(file != NULL);
    struct journal_layout layout = {(uint32_t) slot_length, (int64_t) file_size};
    journal_encode_header(&layout, file);
    if (size > 0) {
        seal(file + JOURNAL_PAGE, slot_length, data + 1, cut);
        seal(file + JOURNAL_PAGE + slot_length, slot_length, data + 1 + cut, size - 1 - cut);
    }
    check_file(file, file_size);
    free(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0 && data[0] % 16 == 15)
        check_file(data + 1, size - 1);
    else if (size > 0)
        check_sealed((1 + data[0] % 4u) * JOURNAL_PAGE, data + 1, size - 1);
    return 0;
}
