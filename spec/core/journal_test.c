/* journal_test.c: the resume record: written, torn, bent, cut short and forged.
 * SPDX-License-Identifier: MIT
 */
#include "journal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MIB ((int64_t) 1 << 20)
#define TIB ((int64_t) 1 << 40)
#define SECTOR 512
#define FILE_BYTES(slot) (JOURNAL_PAGE + 2 * (size_t) (slot))
#define CORRUPT (-LDL_JOURNAL_CORRUPT)

/* Records. Their arrays belong to the spec; only what was decoded is freed. */

static struct ldl_extent some_extents[] = {
    {0, 2 * MIB}, {3 * MIB + 5, 5 * MIB}, {6 * MIB, 6 * MIB + 9}};
static uint64_t some_hashes[] = {11, 22, 0, 0, 55, 0, 77};

static struct journal sample(uint64_t seq)
{
    struct journal journal;
    journal_init(&journal);
    journal.seq = seq;
    journal.identity = (struct identity){.total = 6 * MIB + 9,
                                         .etag_strength = ETAG_STRONG,
                                         .etag = "\"v1\"",
                                         .last_modified = 1700000000,
                                         .last_modified_strong = true,
                                         .type = "text/plain",
                                         .coding = "gzip"};
    journal.date = 1700000100;
    journal.ranges_ok = true;
    journal.url = (char *) "https://example.org/a?b=c";
    journal.url_hash = 0x0123456789abcdef;
    journal.extents = some_extents;
    journal.extent_count = 3;
    journal.hashes = some_hashes;
    memcpy(journal.boot_id, "0123456789abcdef", 16);
    journal.mount_id = 42;
    journal.edges = 4711;
    return journal;
}

static bool same_identity(const struct identity *a, const struct identity *b)
{
    bool tags = a->etag_strength == ETAG_NONE || strcmp(a->etag, b->etag) == 0;
    return a->total == b->total && a->etag_strength == b->etag_strength && tags
           && a->last_modified == b->last_modified
           && a->last_modified_strong == b->last_modified_strong && strcmp(a->type, b->type) == 0
           && strcmp(a->coding, b->coding) == 0;
}

static bool same_extents(const struct journal *a, const struct journal *b)
{
    return a->extent_count == b->extent_count
           && (a->extent_count == 0
               || memcmp(a->extents, b->extents, a->extent_count * sizeof *a->extents) == 0);
}

/* Hashes of blocks that aren't complete are not kept. */
static bool same_hashes(const struct journal *in, const struct journal *out)
{
    int64_t next = 0;
    for (size_t i = 0; i < out->extent_count; i++) {
        struct ldl_extent blocks = journal_blocks_in(out, out->extents[i]);
        for (; next < blocks.start; next++)
            if (out->hashes[next] != 0)
                return false;
        for (; next < blocks.end; next++)
            if (out->hashes[next] != (in->hashes != NULL ? in->hashes[next] : 0))
                return false;
    }
    for (; next < journal_block_count(out); next++)
        if (out->hashes[next] != 0)
            return false;
    return true;
}

static bool same(const struct journal *in, const struct journal *out)
{
    return in->seq == out->seq && same_identity(&in->identity, &out->identity)
           && in->date == out->date && in->ranges_ok == out->ranges_ok
           && in->committed == out->committed
           && strcmp(in->committed ? in->name : "", out->name) == 0
           && strcmp(in->url != NULL ? in->url : "", out->url) == 0 && in->url_hash == out->url_hash
           && in->block_shift == out->block_shift && memcmp(in->boot_id, out->boot_id, 16) == 0
           && in->mount_id == out->mount_id && in->edges == out->edges && same_extents(in, out)
           && same_hashes(in, out);
}

static bool within(const struct journal *journal)
{
    int64_t last = -1;
    for (size_t i = 0; i < journal->extent_count; i++) {
        if (journal->extents[i].start <= last
            || journal->extents[i].end <= journal->extents[i].start)
            return false;
        last = journal->extents[i].end;
    }
    return journal->identity.total < 0 || last <= journal->identity.total;
}

/* Slots and files */

static struct journal_layout layout_for(const struct journal *journal, size_t extents)
{
    struct journal_layout layout;
    size_t url = journal->url != NULL ? strlen(journal->url) : 0;
    int result = journal_layout(journal->identity.total, journal->block_shift, (uint32_t) extents,
                                url, &layout);
    assert_int_equal(result, 0);
    return layout;
}

static size_t encode(const struct journal *journal, unsigned char *slot, size_t length)
{
    size_t used = 0;
    assert_int_equal(journal_encode_slot(journal, slot, length, &used), 0);
    assert_true(used > 0 && used <= length && used % JOURNAL_PAGE == 0);
    return used;
}

/* From memory of just that size, so that a sanitizer sees a read too far. */
static int decode(const void *slot, size_t length, struct journal *out)
{
    unsigned char *copy = malloc(length + (length == 0));
    assert_non_null(copy);
    memcpy(copy, slot, length);
    int result = journal_decode_slot(copy, length, out);
    free(copy);
    return result;
}

static void expect_slot(const unsigned char *slot, size_t length, int expected)
{
    struct journal out;
    assert_int_equal(decode(slot, length, &out), expected);
    assert_null(expected == 0 ? NULL : out.extents);
    journal_free(&out);
}

static void expect_round_trip(const struct journal *journal, size_t length)
{
    unsigned char *slot = malloc(length);
    assert_non_null(slot);
    memset(slot, 0xa5, length);
    encode(journal, slot, length);
    struct journal out;
    assert_int_equal(decode(slot, length, &out), 0);
    assert_true(same(journal, &out));
    journal_free(&out);
    free(slot);
}

static uint64_t newest_seq(const unsigned char *file, size_t size)
{
    unsigned char *copy = malloc(size + (size == 0));
    assert_non_null(copy);
    memcpy(copy, file, size);
    struct journal out;
    struct journal_layout layout;
    int result = journal_newest(copy, size, &out, &layout);
    free(copy);
    uint64_t seq = out.seq;
    assert_true(result == 0 ? seq > 0 : result == CORRUPT && seq == 0);
    journal_free(&out);
    return seq;
}

static int newest_result(const unsigned char *file, size_t size)
{
    struct journal out;
    struct journal_layout layout;
    int result = journal_newest(file, size, &out, &layout);
    journal_free(&out);
    return result;
}

/* Header and two samples in slots of one page. */
static void small_file(unsigned char file[FILE_BYTES(JOURNAL_PAGE)], uint64_t even, uint64_t odd)
{
    struct journal_layout layout = {JOURNAL_PAGE, (int64_t) FILE_BYTES(JOURNAL_PAGE)};
    struct journal a = sample(even), b = sample(odd);
    memset(file, 0, FILE_BYTES(JOURNAL_PAGE));
    journal_encode_header(&layout, file);
    if (even != 0)
        encode(&a, file + JOURNAL_PAGE, JOURNAL_PAGE);
    if (odd != 0)
        encode(&b, file + 2 * JOURNAL_PAGE, JOURNAL_PAGE);
}

/* Forgery: the format once more, from journal.h */

static void poke(unsigned char *at, uint64_t number, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (unsigned char) (number >> (8 * i));
}

static uint64_t peek(const unsigned char *at, int bytes)
{
    uint64_t number = 0;
    for (int i = bytes; i > 0; i--)
        number = number << 8 | at[i - 1];
    return number;
}

static void seal(unsigned char *bytes, size_t length)
{
    poke(bytes + length - 8, journal_hash(bytes, length - 8), 8);
}

enum { AT_VERSION = 8, AT_LENGTH = 12, AT_SEQ = 16, AT_TOTAL = 24, AT_FLAGS = 32, AT_ETAG = 33 };

static size_t at_modified(const struct journal *journal)
{
    return AT_ETAG + 5 + strlen(journal->identity.etag);
}

static size_t at_type(const struct journal *journal)
{
    return at_modified(journal) + 16;
}

static size_t at_url(const struct journal *journal)
{
    return at_type(journal) + 8 + strlen(journal->identity.type) + strlen(journal->identity.coding);
}

static size_t at_extents(const struct journal *journal)
{
    return at_url(journal) + 4 + strlen(journal->url) + 8;
}

static size_t at_shift(const struct journal *journal)
{
    return at_extents(journal) + 4 + 16 * journal->extent_count;
}

static void expect_forged(size_t at, uint64_t number, int bytes, int expected)
{
    unsigned char slot[JOURNAL_PAGE];
    struct journal journal = sample(1);
    encode(&journal, slot, sizeof slot);
    poke(slot + at, number, bytes);
    seal(slot, sizeof slot);
    expect_slot(slot, sizeof slot, expected);
}

/* Specs */

static void brings_back_what_was_written(void **state)
{
    (void) state;
    struct journal journal = sample(7);
    expect_round_trip(&journal, JOURNAL_PAGE);
    expect_round_trip(&journal, 16 * JOURNAL_PAGE);
    journal.committed = true;
    strcpy(journal.name, "the file.txt");
    expect_round_trip(&journal, JOURNAL_PAGE);
}

static void brings_back_a_record_of_which_little_is_known(void **state)
{
    (void) state;
    struct journal journal;
    journal_init(&journal);
    journal.seq = 1;
    expect_round_trip(&journal, JOURNAL_PAGE);
    journal.identity.total = 0;
    expect_round_trip(&journal, JOURNAL_PAGE);
    journal.seq = UINT64_MAX;
    journal.url_hash = journal.mount_id = UINT64_MAX;
    expect_round_trip(&journal, JOURNAL_PAGE);
}

static void brings_back_a_beginning_of_unknown_length(void **state)
{
    (void) state;
    struct ldl_extent beginning = {0, 123 * MIB + 4};
    struct journal journal = sample(3);
    journal.identity.total = -1;
    journal.extents = &beginning;
    journal.extent_count = 1;
    expect_round_trip(&journal, JOURNAL_PAGE);
    struct ldl_extent blocks = journal_blocks_in(&journal, beginning);
    assert_int_equal(journal_block_count(&journal), 0);
    assert_int_equal(blocks.start, blocks.end);
}

static void keeps_no_tag_that_was_given_up(void **state)
{
    (void) state;
    struct journal journal = sample(1);
    journal.identity.etag_strength = ETAG_NONE; /* the text is still there */
    expect_round_trip(&journal, JOURNAL_PAGE);
}

static void calls_a_last_modified_strong_by_its_date(void **state)
{
    (void) state;
    unsigned char slot[JOURNAL_PAGE];
    struct journal journal = sample(1), out;
    journal.date = journal.identity.last_modified;
    encode(&journal, slot, sizeof slot);
    assert_int_equal(decode(slot, sizeof slot, &out), 0);
    assert_false(out.identity.last_modified_strong);
    journal_free(&out);
}

static void writes_the_documented_format(void **state)
{
    (void) state;
    unsigned char slot[JOURNAL_PAGE];
    struct journal journal = sample(9);
    encode(&journal, slot, sizeof slot);
    assert_memory_equal(slot, "LUADLJ1\0", 8);
    assert_int_equal(peek(slot + AT_VERSION, 4), 1);
    assert_int_equal(peek(slot + AT_LENGTH, 4), JOURNAL_PAGE);
    assert_int_equal(peek(slot + AT_SEQ, 8), 9);
    assert_int_equal(peek(slot + AT_TOTAL, 8), 6 * MIB + 9);
    assert_int_equal(slot[AT_FLAGS], 1 | 2);
    assert_memory_equal(slot + AT_ETAG, "\2\4\0\0\0\"v1\"", 9);
    assert_int_equal(peek(slot + at_modified(&journal), 8), 1700000000);
    assert_memory_equal(slot + at_url(&journal) + 4, journal.url, strlen(journal.url));
    size_t extents = at_extents(&journal), shift = at_shift(&journal);
    assert_int_equal(peek(slot + extents, 4), 3);
    assert_int_equal(peek(slot + extents + 4 + 16, 8), 3 * MIB + 5);
    assert_int_equal(peek(slot + shift, 4), 20);
    uint64_t hashes[] = {11, 22, 55, 77};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(peek(slot + shift + 4 + 8 * i, 8), hashes[i]);
    assert_memory_equal(slot + shift + 36, "0123456789abcdef", 16);
    assert_int_equal(peek(slot + shift + 52, 8), 42);
}

static void detects_every_flipped_bit_of_a_slot(void **state)
{
    (void) state;
    unsigned char slot[JOURNAL_PAGE];
    struct journal journal = sample(1), out;
    encode(&journal, slot, sizeof slot);
    for (size_t bit = 0; bit < 8 * sizeof slot; bit++) {
        slot[bit / 8] ^= (unsigned char) (1u << bit % 8);
        assert_int_not_equal(journal_decode_slot(slot, sizeof slot, &out), 0);
        slot[bit / 8] ^= (unsigned char) (1u << bit % 8);
    }
    expect_slot(slot, sizeof slot, 0);
}

static void finds_the_slots_of_a_damaged_header(void **state)
{
    (void) state;
    unsigned char file[FILE_BYTES(JOURNAL_PAGE)];
    struct journal_layout layout;
    small_file(file, 4, 5);
    for (size_t bit = 0; bit < 8 * JOURNAL_PAGE; bit++) {
        file[bit / 8] ^= (unsigned char) (1u << bit % 8);
        assert_int_equal(journal_read_header(file, sizeof file, &layout), CORRUPT);
        if (bit % 97 == 0)
            assert_int_equal(newest_seq(file, sizeof file), 5);
        file[bit / 8] ^= (unsigned char) (1u << bit % 8);
    }
    assert_int_equal(journal_read_header(file, sizeof file, &layout), 0);
    assert_int_equal(layout.slot_length, JOURNAL_PAGE);
    assert_int_equal(layout.file_size, sizeof file);
}

static void takes_the_newer_of_two_slots(void **state)
{
    (void) state;
    unsigned char file[FILE_BYTES(JOURNAL_PAGE)];
    const uint64_t cases[][3] = {{0, 1, 1},
                                 {2, 1, 2},
                                 {2, 3, 3},
                                 {4, 3, 4},
                                 {6, 0, 6},
                                 {0, 0, 0},
                                 {UINT64_MAX - 1, UINT64_MAX, UINT64_MAX}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        small_file(file, cases[i][0], cases[i][1]);
        assert_int_equal(newest_seq(file, sizeof file), cases[i][2]);
    }
}

static void refuses_a_record_in_the_wrong_slot(void **state)
{
    (void) state;
    unsigned char file[FILE_BYTES(JOURNAL_PAGE)];
    small_file(file, 3, 1);
    assert_int_equal(newest_seq(file, sizeof file), 1);
    small_file(file, 3, 2);
    assert_int_equal(newest_seq(file, sizeof file), 0);
}

/* Slots of several pages, with the records 8, 9 and then 10 over 8. */
struct torn {
    size_t slot, used;
    unsigned char *file, *newer;
};

static uint64_t seed = 88172645463325252;

static uint64_t chance(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static void many(struct journal *journal, struct ldl_extent *list, size_t count)
{
    journal->identity.total = 4096 * MIB;
    journal->hashes = NULL;
    for (size_t i = 0; i < count; i++)
        list[i] = (struct ldl_extent){(int64_t) i * 4 * MIB, (int64_t) i * 4 * MIB + MIB + 1};
    journal->extents = list;
    journal->extent_count = count;
}

static struct torn torn_setup(size_t older_extents, size_t newer_extents)
{
    struct ldl_extent list[1000];
    struct journal journal = sample(8);
    many(&journal, list, older_extents);
    struct torn torn = {.slot = layout_for(&journal, 1000).slot_length};
    torn.file = calloc(1, FILE_BYTES(torn.slot));
    torn.newer = malloc(torn.slot);
    assert_true(torn.file != NULL && torn.newer != NULL);
    struct journal_layout layout = {(uint32_t) torn.slot, (int64_t) FILE_BYTES(torn.slot)};
    journal_encode_header(&layout, torn.file);
    encode(&journal, torn.file + JOURNAL_PAGE, torn.slot);
    journal.seq = 9;
    encode(&journal, torn.file + JOURNAL_PAGE + torn.slot, torn.slot);
    journal.seq = 10;
    many(&journal, list, newer_extents);
    torn.used = encode(&journal, torn.newer, torn.slot);
    return torn;
}

static void torn_teardown(struct torn *torn)
{
    free(torn->file);
    free(torn->newer);
}

static void tears_nothing_but_the_older_slot(size_t older_extents, size_t newer_extents)
{
    struct torn torn = torn_setup(older_extents, newer_extents);
    unsigned char *slot = torn.file + JOURNAL_PAGE;
    assert_int_equal(newest_seq(torn.file, FILE_BYTES(torn.slot)), 9);
    for (size_t cut = SECTOR; cut <= torn.used; cut += SECTOR) {
        memcpy(slot, torn.newer, cut);
        uint64_t expected = cut == torn.used ? 10 : 9;
        /* what is missing may be zeros already */
        if (memcmp(slot, torn.newer, torn.used) == 0)
            expected = 10;
        assert_int_equal(newest_seq(torn.file, FILE_BYTES(torn.slot)), expected);
    }
    torn_teardown(&torn);
}

static void survives_a_write_torn_at_any_sector(void **state)
{
    (void) state;
    tears_nothing_but_the_older_slot(300, 300);
    tears_nothing_but_the_older_slot(1000, 10);
    tears_nothing_but_the_older_slot(10, 1000);
}

static void survives_sectors_written_in_any_order(void **state)
{
    (void) state;
    for (int round = 0; round < 200; round++) {
        struct torn torn = torn_setup(200, 200);
        unsigned char *slot = torn.file + JOURNAL_PAGE;
        for (size_t at = 0; at < torn.used; at += SECTOR)
            if (chance() % 2 == 0)
                memcpy(slot + at, torn.newer + at, SECTOR);
        bool complete = memcmp(slot, torn.newer, torn.used) == 0;
        assert_int_equal(newest_seq(torn.file, FILE_BYTES(torn.slot)), complete ? 10 : 9);
        torn_teardown(&torn);
    }
}

static void survives_being_cut_at_any_length(void **state)
{
    (void) state;
    unsigned char file[FILE_BYTES(JOURNAL_PAGE)];
    small_file(file, 4, 5);
    for (size_t size = 0; size <= sizeof file; size++) {
        uint64_t expected = size == sizeof file ? 5 : size >= 2 * JOURNAL_PAGE ? 4 : 0;
        assert_int_equal(newest_seq(file, size), expected);
    }
    for (size_t length = 0; length < JOURNAL_PAGE; length++)
        expect_slot(file + JOURNAL_PAGE, length, CORRUPT);
}

static void refuses_zeros_and_what_others_wrote(void **state)
{
    (void) state;
    unsigned char file[FILE_BYTES(JOURNAL_PAGE)];
    memset(file, 0, sizeof file);
    assert_int_equal(newest_result(file, sizeof file), CORRUPT);
    for (size_t i = 0; i < sizeof file; i++)
        file[i] = (unsigned char) chance();
    assert_int_equal(newest_result(file, sizeof file), CORRUPT);
    small_file(file, 4, 5);
    memcpy(file, "LUADLJ2", 7);
    memcpy(file + JOURNAL_PAGE, "LUADLJ2", 7);
    memcpy(file + 2 * JOURNAL_PAGE, "LUADLJ2", 7);
    for (int page = 0; page < 3; page++)
        seal(file + page * JOURNAL_PAGE, JOURNAL_PAGE);
    assert_int_equal(newest_result(file, sizeof file), CORRUPT);
}

static void tells_another_version(void **state)
{
    (void) state;
    unsigned char file[FILE_BYTES(JOURNAL_PAGE)];
    const uint32_t versions[] = {0, 2, UINT32_MAX};
    for (size_t i = 0; i < 3; i++) {
        expect_forged(AT_VERSION, versions[i], 4, JOURNAL_FOREIGN_VERSION);
        small_file(file, 4, 5);
        poke(file + AT_VERSION, versions[i], 4);
        seal(file, JOURNAL_PAGE);
        assert_int_equal(newest_result(file, sizeof file), JOURNAL_FOREIGN_VERSION);
    }
}

static void prefers_a_valid_slot_to_one_of_another_version(void **state)
{
    (void) state;
    unsigned char file[FILE_BYTES(JOURNAL_PAGE)];
    small_file(file, 4, 5);
    poke(file + 2 * JOURNAL_PAGE + AT_VERSION, 2, 4);
    assert_int_equal(newest_seq(file, sizeof file), 4);
    memset(file + JOURNAL_PAGE, 0, JOURNAL_PAGE);
    assert_int_equal(newest_result(file, sizeof file), JOURNAL_FOREIGN_VERSION);
}

static void refuses_forged_numbers(void **state)
{
    (void) state;
    expect_forged(AT_LENGTH, 0, 4, CORRUPT);
    expect_forged(AT_LENGTH, JOURNAL_PAGE - 1, 4, CORRUPT);
    expect_forged(AT_LENGTH, 2 * JOURNAL_PAGE, 4, CORRUPT);
    expect_forged(AT_LENGTH, UINT32_MAX, 4, CORRUPT);
    expect_forged(AT_SEQ, 0, 8, CORRUPT);
    expect_forged(AT_SEQ, 12, 8, 0);
    expect_forged(AT_TOTAL, UINT64_MAX, 8, CORRUPT);
    expect_forged(AT_TOTAL, UINT64_MAX - 1, 8, CORRUPT);
    expect_forged(AT_TOTAL, (uint64_t) INT64_MAX, 8, CORRUPT); /* no room for so many hashes */
    expect_forged(AT_TOTAL, 6 * MIB + 8, 8, CORRUPT);          /* an extent ends behind it */
    expect_forged(AT_FLAGS, 2, 1, CORRUPT);
    expect_forged(AT_FLAGS, 8 | 1, 1, CORRUPT);
    struct journal journal = sample(1);
    for (size_t at = 0; at < 16; at += 8)
        expect_forged(at_modified(&journal) + at, UINT64_MAX - 1, 8, CORRUPT);
    size_t shift = at_shift(&journal);
    const uint32_t shifts[] = {0, 11, 49, 63, 64, UINT32_MAX};
    for (size_t i = 0; i < sizeof shifts / sizeof *shifts; i++)
        expect_forged(shift, shifts[i], 4, CORRUPT);
    expect_forged(shift, 12, 4, CORRUPT); /* more blocks than the slot has room for */
}

static void refuses_forged_extents(void **state)
{
    (void) state;
    struct journal journal = sample(1);
    size_t count = at_extents(&journal), first = count + 4, second = first + 16;
    const uint32_t counts[] = {4096 / 16, 1u << 28, 1u << 31, UINT32_MAX};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        expect_forged(count, counts[i], 4, CORRUPT);
    expect_forged(first, UINT64_MAX, 8, CORRUPT);
    expect_forged(first, 2 * MIB, 8, CORRUPT);         /* empty */
    expect_forged(first, 2 * MIB + 1, 8, CORRUPT);     /* inside out */
    expect_forged(second, 2 * MIB, 8, CORRUPT);        /* not coalesced */
    expect_forged(second, 2 * MIB - 1, 8, CORRUPT);    /* overlapping */
    expect_forged(first + 8, 5 * MIB + 1, 8, CORRUPT); /* not sorted */
    expect_forged(second + 24, (uint64_t) 1 << 63, 8, CORRUPT);
    expect_forged(second + 24, 6 * MIB + 10, 8, CORRUPT);
}

static void refuses_more_than_a_beginning_of_unknown_length(void **state)
{
    (void) state;
    unsigned char slot[JOURNAL_PAGE];
    size_t used;
    struct journal journal = sample(1);
    journal.identity.total = -1;
    assert_int_equal(journal_encode_slot(&journal, slot, sizeof slot, &used), -LDL_USAGE);
    journal.extent_count = 1;
    encode(&journal, slot, sizeof slot);
    expect_slot(slot, sizeof slot, 0);
    poke(slot + at_extents(&journal) + 4, 1, 8);
    seal(slot, sizeof slot);
    expect_slot(slot, sizeof slot, CORRUPT);
}

static void refuses_a_text_longer_than_its_field(void **state)
{
    (void) state;
    unsigned char slot[JOURNAL_PAGE];
    struct journal journal = sample(1);
    memset(journal.identity.type, 't', 127);
    encode(&journal, slot, sizeof slot);
    expect_slot(slot, sizeof slot, 0);
    size_t type = at_type(&journal);
    memmove(slot + type + 5, slot + type + 4, 1000);
    poke(slot + type, 128, 4);
    seal(slot, sizeof slot);
    expect_slot(slot, sizeof slot, CORRUPT);
}

static void refuses_forged_texts(void **state)
{
    (void) state;
    struct journal journal = sample(1);
    size_t url = at_url(&journal), type = at_type(&journal);
    const size_t lengths[] = {AT_ETAG + 1, type, url};
    for (size_t i = 0; i < 3; i++) {
        expect_forged(lengths[i], JOURNAL_PAGE, 4, CORRUPT);
        expect_forged(lengths[i], UINT32_MAX, 4, CORRUPT);
        expect_forged(lengths[i] + 5, '\0', 1, CORRUPT);
        expect_forged(lengths[i] + 5, '\n', 1, CORRUPT);
        expect_forged(lengths[i] + 5, 0x7f, 1, CORRUPT);
        expect_forged(lengths[i] + 5, 0x80, 1, 0);
    }
    expect_forged(type, 128, 4, CORRUPT);          /* longer than its field */
    expect_forged(AT_ETAG, ETAG_NONE, 1, CORRUPT); /* but there is one */
    expect_forged(AT_ETAG, 3, 1, CORRUPT);
    expect_forged(AT_ETAG + 5, 'v', 1, CORRUPT); /* no quote */
    expect_forged(AT_ETAG + 6, '"', 1, CORRUPT); /* a quote within */
}

static void refuses_a_final_name_that_leads_elsewhere(void **state)
{
    (void) state;
    unsigned char slot[JOURNAL_PAGE];
    const char *names[] = {"../a", "/etc", "a/bc"};
    struct journal journal = sample(2);
    size_t used;
    journal.committed = true;
    strcpy(journal.name, "abcd");
    encode(&journal, slot, sizeof slot);
    for (size_t i = 0; i < 3; i++) {
        memcpy(slot + AT_FLAGS + 5, names[i], 4);
        seal(slot, sizeof slot);
        expect_slot(slot, sizeof slot, CORRUPT);
    }
    const char *others[] = {"", ".", "..", "x/y"};
    for (size_t i = 0; i < 4; i++) {
        strcpy(journal.name, others[i]);
        assert_int_equal(journal_encode_slot(&journal, slot, sizeof slot, &used), -LDL_USAGE);
    }
}

static void writes_nothing_that_it_would_refuse(void **state)
{
    (void) state;
    unsigned char slot[JOURNAL_PAGE];
    size_t used;
    struct ldl_extent bad[][2] = {{{0, 2}, {2, 4}}, {{4, 8}, {0, 2}},  {{0, 4}, {3, 8}},
                                  {{0, 0}, {3, 8}}, {{-1, 2}, {3, 8}}, {{0, 2}, {3, 7 * MIB}}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct journal journal = sample(1);
        journal.extents = bad[i];
        journal.extent_count = 2;
        assert_int_equal(journal_encode_slot(&journal, slot, sizeof slot, &used), -LDL_USAGE);
    }
    struct journal journal = sample(0);
    assert_int_equal(journal_encode_slot(&journal, slot, sizeof slot, &used), -LDL_USAGE);
    journal = sample(1);
    assert_int_equal(journal_encode_slot(&journal, slot, sizeof slot - 1, &used), -LDL_USAGE);
    journal.identity.total = -1; /* with three extents */
    assert_int_equal(journal_encode_slot(&journal, slot, sizeof slot, &used), -LDL_USAGE);
    journal = sample(1);
    journal.url = (char *) "http://a/\r\nX: y";
    assert_int_equal(journal_encode_slot(&journal, slot, sizeof slot, &used), -LDL_USAGE);
}

/* With sizes 1, 2, 3 and so on, the sizes kept are the last ones. */
static size_t count_the_largest(const struct journal *journal, size_t written)
{
    unsigned char slot[JOURNAL_PAGE];
    struct journal out;
    assert_int_equal(encode(journal, slot, sizeof slot), sizeof slot);
    assert_int_equal(decode(slot, sizeof slot, &out), 0);
    assert_true(within(&out));
    size_t count = out.extent_count;
    for (size_t i = 0; i < count; i++)
        assert_in_range(out.extents[i].end - out.extents[i].start, written - count + 1, written);
    journal_free(&out);
    return count;
}

static void drops_the_smallest_extents_first(void **state)
{
    (void) state;
    enum { COUNT = 500 };
    struct ldl_extent list[COUNT];
    char url[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    struct journal journal = sample(1);
    journal.identity.total = MIB;
    journal.hashes = NULL;
    for (int64_t i = 0; i < COUNT; i++)
        list[i] = (struct ldl_extent){i * 1000, i * 1000 + 1 + i * 7 % COUNT};
    journal.extents = list;
    journal.extent_count = COUNT;
    journal.url = url + 64;
    size_t without = count_the_largest(&journal, COUNT);
    assert_in_range(without, 225, 240);
    for (size_t length = 16; length <= 64; length += 16) {
        journal.url = url + 64 - length;
        assert_int_equal(count_the_largest(&journal, COUNT), without - length / 16);
    }
}

static void drops_no_more_than_it_must_of_equal_ones(void **state)
{
    (void) state;
    enum { COUNT = 500 };
    unsigned char slot[JOURNAL_PAGE];
    struct ldl_extent list[COUNT];
    struct journal journal = sample(1), out;
    many(&journal, list, COUNT);
    journal.block_shift = 30;
    for (int64_t size = 1; size < 20; size++) {
        for (size_t i = 0; i < COUNT; i++)
            list[i].end = list[i].start + size;
        encode(&journal, slot, sizeof slot);
        assert_int_equal(decode(slot, sizeof slot, &out), 0);
        assert_in_range(out.extent_count, 225, 240);
        assert_memory_equal(out.extents, list, out.extent_count * sizeof *list);
        journal_free(&out);
    }
}

static void a_longer_url_takes_the_place_of_extents(void **state)
{
    (void) state;
    unsigned char slot[JOURNAL_PAGE];
    char url[JOURNAL_PAGE];
    size_t used;
    struct journal journal = sample(1), out;
    memset(url, 'u', sizeof url);
    journal.url = url;
    url[sizeof url - 1] = '\0';
    assert_int_equal(journal_encode_slot(&journal, slot, sizeof slot, &used), -LDL_TOO_LARGE);
    for (size_t length = sizeof url - 1; length > 3000; length--) {
        url[length] = '\0';
        int result = journal_encode_slot(&journal, slot, sizeof slot, &used);
        if (result == -LDL_TOO_LARGE)
            continue;
        assert_int_equal(result, 0);
        assert_int_equal(decode(slot, sizeof slot, &out), 0);
        assert_string_equal(out.url, url);
        assert_true(within(&out));
        journal_free(&out);
    }
}

static void lays_out_whole_pages(void **state)
{
    (void) state;
    struct journal_layout layout;
    assert_int_equal(journal_layout(100 * MIB, 20, 64, 2048, &layout), 0);
    assert_int_equal(layout.slot_length, 2 * JOURNAL_PAGE); /* 256 + 704 + 2048 + 1024 + 800 */
    assert_int_equal(layout.file_size, 5 * JOURNAL_PAGE);
    assert_int_equal(journal_slot_offset(&layout, 6), JOURNAL_PAGE);
    assert_int_equal(journal_slot_offset(&layout, 7), 3 * JOURNAL_PAGE);
    assert_int_equal(journal_layout(-1, 20, 1, 100, &layout), 0);
    assert_int_equal(layout.slot_length, JOURNAL_PAGE);
    assert_int_equal(journal_layout(INT64_MAX, 20, 1, 100, &layout), -LDL_TOO_LARGE);
    assert_int_equal(journal_layout(1, 20, UINT32_MAX, 100, &layout), -LDL_TOO_LARGE);
    assert_int_equal(journal_layout(1, 20, 1, SIZE_MAX, &layout), -LDL_TOO_LARGE);
    assert_int_equal(journal_layout(-2, 20, 1, 100, &layout), -LDL_USAGE);
    assert_int_equal(journal_layout(1, 64, 1, 100, &layout), -LDL_USAGE);
}

static void holds_the_largest_files(void **state)
{
    (void) state;
    enum { COUNT = 65536 };
    struct journal journal = sample(1);
    struct ldl_extent *list = calloc(COUNT, sizeof *list);
    uint64_t *hashes = calloc(4 * MIB, sizeof *hashes);
    assert_true(list != NULL && hashes != NULL);
    many(&journal, list, COUNT);
    journal.hashes = hashes;
    journal.identity.total = 4 * TIB;
    journal.extents[COUNT - 1].end = 4 * TIB;
    for (int64_t i = 0; i < 4 * MIB; i++)
        journal.hashes[i] = (uint64_t) i + 1;
    struct journal_layout layout = layout_for(&journal, COUNT);
    assert_in_range(layout.slot_length, 33 * MIB, 34 * MIB);
    expect_round_trip(&journal, layout.slot_length);
    assert_int_equal(journal_block_shift(4 * TIB), 24);
    journal.block_shift = journal_block_shift(INT64_MAX);
    journal.identity.total = INT64_MAX;
    list[COUNT - 1].end = INT64_MAX;
    expect_round_trip(&journal, layout_for(&journal, COUNT).slot_length);
    free(hashes);
    free(list);
}

static void chooses_larger_blocks_for_huge_files(void **state)
{
    (void) state;
    assert_int_equal(journal_block_shift(-1), 20);
    assert_int_equal(journal_block_shift(0), 20);
    assert_int_equal(journal_block_shift(TIB / 4), 20);
    assert_int_equal(journal_block_shift(TIB / 4 + 1), 21);
    assert_int_equal(journal_block_shift(INT64_MAX), 45);
}

/* Its slots were laid out when no block was known. */
static void has_room_for_a_length_that_became_known_late(void **state)
{
    (void) state;
    struct journal journal;
    struct journal_layout layout;
    journal_init(&journal);
    journal.seq = 1;
    assert_int_equal(journal_layout(-1, JOURNAL_BLOCK_SHIFT, 512, 4096, &layout), 0);
    for (int64_t total = MIB; total <= 65536 * TIB; total *= 2) {
        struct ldl_extent all = {0, total + 1};
        journal.identity.total = total + 1;
        journal.extents = &all;
        journal.extent_count = 1;
        journal.block_shift = journal_late_shift(total + 1);
        expect_round_trip(&journal, layout.slot_length);
    }
}

static void expect_blocks(const struct journal *journal, int64_t start, int64_t end, int64_t first,
                          int64_t last)
{
    struct ldl_extent blocks = journal_blocks_in(journal, (struct ldl_extent){start, end});
    assert_int_equal(blocks.start, first);
    assert_int_equal(blocks.end, last);
}

static void knows_the_blocks_within_an_extent(void **state)
{
    (void) state;
    struct journal journal = sample(1);
    assert_int_equal(journal_block_count(&journal), 7);
    expect_blocks(&journal, 0, MIB, 0, 1);
    expect_blocks(&journal, 0, MIB - 1, 0, 0);
    expect_blocks(&journal, 1, MIB + 1, 1, 1);
    expect_blocks(&journal, 1, 2 * MIB, 1, 2);
    expect_blocks(&journal, 3 * MIB + 1, 3 * MIB + 2, 4, 4);
    expect_blocks(&journal, 5 * MIB, 6 * MIB + 9, 5, 7);
    expect_blocks(&journal, 6 * MIB + 1, 6 * MIB + 9, 7, 7);
    struct ldl_extent last = journal_block(&journal, 6);
    assert_int_equal(last.start, 6 * MIB);
    assert_int_equal(last.end, 6 * MIB + 9);
    journal.identity.total = INT64_MAX;
    journal.block_shift = 48;
    assert_int_equal(journal_block(&journal, journal_block_count(&journal) - 1).end, INT64_MAX);
}

static void expect_edges(int64_t start, int64_t end, int64_t first, int64_t last)
{
    struct journal journal = sample(1);
    struct ldl_extent edges[2];
    journal_edges(&journal, (struct ldl_extent){start, end}, edges);
    assert_int_equal(edges[0].start, start);
    assert_int_equal(edges[0].end, first);
    assert_int_equal(edges[1].start, last);
    assert_int_equal(edges[1].end, end);
}

static void knows_the_edges_of_an_extent(void **state)
{
    (void) state;
    expect_edges(0, MIB, 0, MIB);
    expect_edges(5, 3 * MIB + 7, MIB, 3 * MIB);
    expect_edges(5, MIB, MIB, MIB);
    expect_edges(MIB - 1, MIB + 1, MIB + 1, MIB + 1);
    expect_edges(5 * MIB + 1, 6 * MIB + 9, 6 * MIB, 6 * MIB + 9);
    expect_edges(6 * MIB + 1, 6 * MIB + 9, 6 * MIB + 9, 6 * MIB + 9);
}

static struct journal on_the_heap(void)
{
    unsigned char slot[JOURNAL_PAGE];
    struct journal journal = sample(1), out;
    encode(&journal, slot, sizeof slot);
    assert_int_equal(decode(slot, sizeof slot, &out), 0);
    return out;
}

static void expect_removed(int64_t start, int64_t end, size_t count, int64_t bytes,
                           size_t forgotten)
{
    struct journal journal = on_the_heap();
    assert_int_equal(journal_remove(&journal, (struct ldl_extent){start, end}), 0);
    assert_true(within(&journal));
    assert_int_equal(journal.extent_count, count);
    for (size_t i = 0; i < count; i++)
        bytes -= journal.extents[i].end - journal.extents[i].start;
    assert_int_equal(bytes, 0);
    for (int64_t i = 0; i < journal_block_count(&journal); i++)
        forgotten += journal.hashes[i] != 0;
    assert_int_equal(forgotten, 4);
    journal_free(&journal);
}

static void takes_bytes_out_of_the_extents(void **state)
{
    (void) state;
    int64_t all = 4 * MIB - 5 + 9;
    expect_removed(0, 0, 3, all, 0);
    expect_removed(2 * MIB, 3 * MIB, 3, all, 0);
    expect_removed(0, MIB, 3, all - MIB, 1);
    expect_removed(10, 20, 4, all - 10, 1);
    expect_removed(MIB - 1, MIB + 1, 4, all - 2, 2);
    expect_removed(4 * MIB, INT64_MAX, 2, 3 * MIB - 5, 2);
    expect_removed(0, INT64_MAX, 0, 0, 4);
    expect_removed(-5, 6 * MIB, 1, 9, 3);
    expect_removed(6 * MIB + 9, INT64_MAX, 3, all, 0); /* the last block is short */
}

static void takes_the_edges_out_of_the_extents(void **state)
{
    (void) state;
    struct journal journal = on_the_heap();
    journal_remove_edges(&journal);
    assert_int_equal(journal.extent_count, 3);
    assert_int_equal(journal.extents[1].start, 4 * MIB);
    assert_int_equal(journal.extents[1].end, 5 * MIB);
    assert_int_equal(journal.hashes[4], 55);
    journal.extents[0] = (struct ldl_extent){1, 2 * MIB - 1};
    journal_remove_edges(&journal);
    assert_int_equal(journal.extent_count, 2);
    assert_int_equal(journal.extents[0].start, 4 * MIB);
    journal_free(&journal);
}

/* At random */

static void random_text(char *out, size_t most)
{
    size_t length = chance() % (most + 1);
    for (size_t i = 0; i < length; i++)
        out[i] = "abcXYZ019-._~%/ \xc3\xa9"[chance() % 18];
    out[length] = '\0';
}

static void random_extents(struct journal *journal, struct ldl_extent *list, size_t most)
{
    int64_t limit = journal->identity.total;
    int64_t step = limit / (int64_t) most + 1;
    int64_t end = chance() % 2 == 0 ? -1 : 0;
    journal->extent_count = 0;
    while (journal->extent_count < most) {
        int64_t start = end + 1 + (int64_t) (chance() % (uint64_t) step);
        end = start + 1 + (int64_t) (chance() % (uint64_t) step) * (chance() % 4 == 0 ? 3 : 1);
        if (end > limit)
            break;
        list[journal->extent_count++] = (struct ldl_extent){start, end};
    }
}

static void random_identity(struct journal *journal)
{
    struct identity *identity = &journal->identity;
    identity->total = (int64_t) (chance() >> (25 + chance() % 38));
    identity->etag_strength = (int) (chance() % 3);
    random_text(identity->etag + 1, 200);
    identity->etag[0] = '"';
    strcat(identity->etag, "\"");
    identity->last_modified = chance() % 3 == 0 ? -1 : (int64_t) (chance() >> 32);
    journal->date = chance() % 3 == 0 ? -1 : (int64_t) (chance() >> 32);
    identity->last_modified_strong = identity->last_modified > 0
                                     && identity->last_modified < journal->date;
    random_text(identity->type, 127);
    random_text(identity->coding, 63);
}

static void random_round_trip(struct ldl_extent *list, uint64_t *hashes, size_t most)
{
    static char url[3000];
    struct journal journal;
    journal_init(&journal);
    journal.seq = chance() | 1;
    random_identity(&journal);
    random_text(url, sizeof url - 1);
    journal.url = url;
    journal.url_hash = chance();
    journal.edges = chance();
    journal.ranges_ok = chance() % 2 == 0;
    journal.committed = chance() % 2 == 0;
    memset(journal.name, 'n', 1 + chance() % 255);
    journal.block_shift = journal_block_shift(journal.identity.total);
    journal.extents = list;
    random_extents(&journal, list, most);
    journal.hashes = chance() % 4 == 0 ? NULL : hashes;
    for (int64_t i = 0; i < journal_block_count(&journal); i++)
        hashes[i] = chance() % 8 == 0 ? 0 : chance();
    expect_round_trip(&journal, layout_for(&journal, most).slot_length);
}

static void brings_back_a_thousand_random_records(void **state)
{
    (void) state;
    static struct ldl_extent list[300];
    uint64_t *hashes = malloc(sizeof *hashes << 19);
    assert_non_null(hashes);
    for (uint64_t number = 1; number <= 1000; number++) {
        seed = number * 0x9e3779b97f4a7c15;
        random_round_trip(list, hashes, 1 + chance() % 300);
    }
    free(hashes);
}

/* Whatever is sealed is refused or sound. */
static void trusts_no_sealed_nonsense(void **state)
{
    (void) state;
    unsigned char slot[JOURNAL_PAGE];
    struct journal journal = sample(1), out;
    size_t accepted = 0;
    seed = 4711;
    for (int round = 0; round < 20000; round++) {
        encode(&journal, slot, sizeof slot);
        for (uint64_t i = chance() % 4 + 1; i > 0; i--)
            slot[AT_SEQ + chance() % 240] = (unsigned char) chance();
        seal(slot, sizeof slot);
        if (journal_decode_slot(slot, sizeof slot, &out) == 0) {
            assert_true(within(&out));
            accepted++;
        }
        journal_free(&out);
    }
    assert_in_range(accepted, 1000, 19000);
}

static void never_hashes_to_zero(void **state)
{
    (void) state;
    assert_int_equal(journal_hash("", 0), 0x2d06800538d394c2); /* XXH3's own test vector */
    assert_int_not_equal(journal_hash("a", 1), journal_hash("b", 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(brings_back_what_was_written),
        cmocka_unit_test(brings_back_a_record_of_which_little_is_known),
        cmocka_unit_test(brings_back_a_beginning_of_unknown_length),
        cmocka_unit_test(keeps_no_tag_that_was_given_up),
        cmocka_unit_test(calls_a_last_modified_strong_by_its_date),
        cmocka_unit_test(writes_the_documented_format),
        cmocka_unit_test(detects_every_flipped_bit_of_a_slot),
        cmocka_unit_test(finds_the_slots_of_a_damaged_header),
        cmocka_unit_test(takes_the_newer_of_two_slots),
        cmocka_unit_test(refuses_a_record_in_the_wrong_slot),
        cmocka_unit_test(survives_a_write_torn_at_any_sector),
        cmocka_unit_test(survives_sectors_written_in_any_order),
        cmocka_unit_test(survives_being_cut_at_any_length),
        cmocka_unit_test(refuses_zeros_and_what_others_wrote),
        cmocka_unit_test(tells_another_version),
        cmocka_unit_test(prefers_a_valid_slot_to_one_of_another_version),
        cmocka_unit_test(refuses_forged_numbers),
        cmocka_unit_test(refuses_forged_extents),
        cmocka_unit_test(refuses_more_than_a_beginning_of_unknown_length),
        cmocka_unit_test(refuses_a_text_longer_than_its_field),
        cmocka_unit_test(refuses_forged_texts),
        cmocka_unit_test(refuses_a_final_name_that_leads_elsewhere),
        cmocka_unit_test(writes_nothing_that_it_would_refuse),
        cmocka_unit_test(drops_the_smallest_extents_first),
        cmocka_unit_test(drops_no_more_than_it_must_of_equal_ones),
        cmocka_unit_test(a_longer_url_takes_the_place_of_extents),
        cmocka_unit_test(lays_out_whole_pages),
        cmocka_unit_test(holds_the_largest_files),
        cmocka_unit_test(chooses_larger_blocks_for_huge_files),
        cmocka_unit_test(has_room_for_a_length_that_became_known_late),
        cmocka_unit_test(knows_the_blocks_within_an_extent),
        cmocka_unit_test(knows_the_edges_of_an_extent),
        cmocka_unit_test(takes_bytes_out_of_the_extents),
        cmocka_unit_test(takes_the_edges_out_of_the_extents),
        cmocka_unit_test(brings_back_a_thousand_random_records),
        cmocka_unit_test(trusts_no_sealed_nonsense),
        cmocka_unit_test(never_hashes_to_zero),
    };
    return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
