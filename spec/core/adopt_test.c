/* adopt_test.c: what aria2 and axel left: real records, forged ones, and ones at random.
 * SPDX-License-Identifier: MIT
 */
#include "adopt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define KIB ((int64_t) 1 << 10)
#define MIB ((int64_t) 1 << 20)
#define CORRUPT (-LDL_JOURNAL_CORRUPT)
#define COUNT(list) (sizeof(list) / sizeof *(list))

typedef int adopt(const void *bytes, size_t size, struct adopted *out);

/* Records of aria2 1.36, after SIGINT, SIGKILL, and with the last piece in flight. */

static const unsigned char aria2_some[] = {
    0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x01, 0x31, 0x2d, 0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x03, 0xe7, 0x38, 0x00, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x03,
    0x00, 0x10, 0x00, 0x00, 0x00, 0x00, 0x00, 0x08, 0xff, 0xff, 0xff, 0xff, 0xe0, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x08, 0x00, 0x10, 0x00, 0x00, 0x00, 0x00, 0x00, 0x08, 0xff, 0xff,
    0xff, 0xff, 0xe0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x0d, 0x00, 0x10, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x08, 0xff, 0xff, 0xff, 0xff, 0xe0, 0x00, 0x00, 0x00};

static const unsigned char aria2_begun[] = {
    0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x80, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x10,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00};

static const unsigned char aria2_last[] = {
    0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x30, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x80, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x30,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xe0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x02, 0x00, 0x20, 0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc0, 0x00};

/* Records of axel 2.17.11: after SIGINT, when connections had stolen; SIGKILL; SIGINT. */

static const unsigned char axel_stolen[] = {
    0x06, 0x00, 0xff, 0xb2, 0x22, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x80, 0x09, 0x00, 0x00, 0x00,
    0x00, 0x00, 0xcd, 0xa5, 0x0b, 0x00, 0x00, 0x00, 0x00, 0x00, 0x6a, 0x2e, 0x23, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x04, 0xba, 0x25, 0x00, 0x00, 0x00, 0x00, 0x00, 0xcf, 0xa2, 0x1a, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x6a, 0xae, 0x1d, 0x00, 0x00, 0x00, 0x00, 0x00, 0x35, 0x97, 0x18, 0x00, 0x00, 0x00,
    0x00, 0x00, 0xcf, 0xa2, 0x1a, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0xba, 0x25, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x9f, 0x45, 0x28, 0x00, 0x00, 0x00, 0x00, 0x00, 0xcd, 0xa5, 0x0b, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x9a, 0xcb, 0x0d, 0x00, 0x00, 0x00, 0x00, 0x00};

static const unsigned char axel_begun[] = {
    0x04, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x20, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x20, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x40, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x40,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x60, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x60, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x80, 0x00, 0x00, 0x00, 0x00, 0x00};

static const unsigned char axel_one[] = {0x01, 0x00, 0x00, 0x80, 0x0f, 0x00, 0x00, 0x00, 0x00,
                                         0x00, 0x00, 0x80, 0x0f, 0x00, 0x00, 0x00, 0x00, 0x00,
                                         0x00, 0x00, 0x80, 0x00, 0x00, 0x00, 0x00, 0x00};

enum { /* of version 1, where each field stands in a record */
       AT_EXTENSION = 2,
       AT_HASH_LENGTH = 6,
       AT_PIECE_LENGTH = 10,
       AT_TOTAL = 14,
       AT_UPLOADED = 22,
       AT_BITFIELD_LENGTH = 30,
       AT_BITFIELD = 34,
};

enum { AT_DONE = 2, AT_CONNECTIONS = 10 }; /* of axel */

/* From memory of just that size, so that a sanitizer sees a read too far. */
static int read_copy(adopt *read, const void *bytes, size_t size, struct adopted *out)
{
    unsigned char *copy = malloc(size + (size == 0));
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    int result = read(copy, size, out);
    free(copy);
    return result;
}

static void assert_sound(const struct adopted *adopted)
{
    int64_t last = -1; /* a gap of at least one byte lies between two */
    assert_true(adopted->total > 0);
    for (size_t i = 0; i < adopted->count; i++) {
        struct ldl_extent extent = adopted->extents[i];
        assert_true(extent.start > last && extent.end > extent.start);
        last = extent.end;
    }
    assert_true(last <= adopted->total);
}

static void expect(adopt *read, const void *bytes, size_t size, int64_t total,
                   const struct ldl_extent *extents, size_t count)
{
    struct adopted out;
    assert_int_equal(read_copy(read, bytes, size, &out), 0);
    assert_sound(&out);
    assert_int_equal(out.total, total);
    assert_int_equal(out.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(out.extents[i].start, extents[i].start);
        assert_int_equal(out.extents[i].end, extents[i].end);
    }
    adopt_free(&out);
}

static void expect_refused(adopt *read, const void *bytes, size_t size)
{
    struct adopted out;
    assert_int_equal(read_copy(read, bytes, size, &out), CORRUPT);
    assert_null(out.extents);
    assert_int_equal(out.count, 0);
    adopt_free(&out);
}

static void put_little(unsigned char *at, uint64_t number, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (unsigned char) (number >> (8 * i));
}

static void put_big(unsigned char *at, uint64_t number, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (unsigned char) (number >> (8 * (bytes - 1 - i)));
}

static uint64_t seed;

static uint64_t chance(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* Every sample, whole and spoilt. */

static const struct sample {
    adopt *read;
    const unsigned char *bytes;
    size_t size;
} samples[] = {
    {adopt_aria2, aria2_some, sizeof aria2_some}, {adopt_aria2, aria2_begun, sizeof aria2_begun},
    {adopt_aria2, aria2_last, sizeof aria2_last}, {adopt_axel, axel_stolen, sizeof axel_stolen},
    {adopt_axel, axel_begun, sizeof axel_begun},  {adopt_axel, axel_one, sizeof axel_one},
};

static void refuses_a_record_cut_at_any_length(void **state)
{
    (void) state;
    for (size_t i = 0; i < COUNT(samples); i++)
        for (size_t size = 0; size < samples[i].size; size++)
            expect_refused(samples[i].read, samples[i].bytes, size);
}

static void refuses_more_than_a_record(void **state)
{
    (void) state;
    unsigned char longer[256];
    for (size_t i = 0; i < COUNT(samples); i++)
        for (size_t more = 1; more <= 32; more++) {
            memset(longer, 0, sizeof longer);
            memcpy(longer, samples[i].bytes, samples[i].size);
            expect_refused(samples[i].read, longer, samples[i].size + more);
        }
}

static void refuses_the_other_tools_record(void **state)
{
    (void) state;
    for (size_t i = 0; i < COUNT(samples); i++)
        expect_refused(samples[i].read == adopt_axel ? adopt_aria2 : adopt_axel, samples[i].bytes,
                       samples[i].size);
}

static void refuses_zeros_and_ones(void **state)
{
    (void) state;
    unsigned char same[128];
    for (int byte = 0; byte < 256; byte += 255)
        for (size_t size = 0; size < sizeof same; size++) {
            memset(same, byte, sizeof same);
            expect_refused(adopt_aria2, same, size);
            expect_refused(adopt_axel, same, size);
        }
}

static bool is_sound_or_refused(const struct sample *sample, const unsigned char *bytes)
{
    struct adopted out;
    int result = read_copy(sample->read, bytes, sample->size, &out);
    if (result == 0)
        assert_sound(&out);
    else
        assert_int_equal(result, CORRUPT);
    adopt_free(&out);
    return result == 0;
}

static void makes_no_nonsense_of_spoilt_records(void **state)
{
    (void) state;
    unsigned char bytes[256];
    size_t accepted = 0;
    seed = 4711;
    for (size_t round = 0; round < 60000; round++) {
        const struct sample *sample = &samples[round % COUNT(samples)];
        memcpy(bytes, sample->bytes, sample->size);
        for (uint64_t i = chance() % 3 + 1; i > 0; i--)
            bytes[chance() % sample->size] ^= (unsigned char) (1u << chance() % 8);
        accepted += is_sound_or_refused(sample, bytes);
    }
    assert_in_range(accepted, 1000, 59000);
}

/* aria2 */

static void takes_the_complete_pieces_of_aria2(void **state)
{
    (void) state;
    struct ldl_extent extents[] = {{0, 3 * MIB}, {5 * MIB, 8 * MIB}, {10 * MIB, 13 * MIB}};
    expect(adopt_aria2, aria2_some, sizeof aria2_some, 20000003, extents, COUNT(extents));
}

static void takes_no_piece_of_aria2_in_flight(void **state)
{
    (void) state;
    expect(adopt_aria2, aria2_begun, sizeof aria2_begun, 8 * MIB, NULL, 0);
    expect(adopt_aria2, aria2_last, sizeof aria2_last, 8 * MIB, NULL, 0);
}

/* Of 2.5 KiB in pieces of 1 KiB, with none in flight. */
static size_t small_record(unsigned char *out, unsigned bits,
                           void (*put)(unsigned char *, uint64_t, int))
{
    memset(out, 0, AT_BITFIELD + 5);
    put(out + AT_PIECE_LENGTH, 1 * KIB, 4);
    put(out + AT_TOTAL, 5 * KIB / 2, 8);
    put(out + AT_UPLOADED, 12345, 8);
    put(out + AT_BITFIELD_LENGTH, 1, 4);
    out[AT_BITFIELD] = (unsigned char) bits;
    return AT_BITFIELD + 5;
}

static void ends_the_last_piece_of_aria2_with_the_file(void **state)
{
    (void) state;
    unsigned char record[64];
    struct ldl_extent all = {0, 5 * KIB / 2}, last = {2 * KIB, 5 * KIB / 2};
    size_t size = small_record(record, 0xe0, put_big);
    record[1] = 1;
    expect(adopt_aria2, record, size, 5 * KIB / 2, &all, 1);
    record[AT_BITFIELD] = 0x20;
    expect(adopt_aria2, record, size, 5 * KIB / 2, &last, 1);
}

static void reads_the_first_version_of_aria2(void **state)
{
    (void) state;
    unsigned char record[64];
    struct ldl_extent extents[] = {{0, 1 * KIB}, {2 * KIB, 5 * KIB / 2}};
    size_t size = small_record(record, 0xa0, put_little);
    expect(adopt_aria2, record, size, 5 * KIB / 2, extents, 2);
    record[1] = 1;
    expect_refused(adopt_aria2, record, size);
    record[1] = 2;
    expect_refused(adopt_aria2, record, size);
}

static void refuses_forged_numbers_of_aria2(void **state)
{
    (void) state;
    enum { AT_COUNT = AT_BITFIELD + 3, AT_FLIGHT = AT_COUNT + 4 };
    static const struct {
        size_t at;
        int bytes;
        uint64_t number;
    } forged[] = {
        {0, 2, 2},
        {0, 2, 0x100},
        {AT_EXTENSION, 4, 1},
        {AT_HASH_LENGTH, 4, 20},
        {AT_HASH_LENGTH, 4, 0xffffffff},
        {AT_PIECE_LENGTH, 4, 0},
        {AT_PIECE_LENGTH, 4, 1},
        {AT_PIECE_LENGTH, 4, 0xffffffff},
        {AT_TOTAL, 8, 0},
        {AT_TOTAL, 8, 1},
        {AT_TOTAL, 8, 16 << 20},
        {AT_TOTAL, 8, (24 << 20) + 1},
        {AT_TOTAL, 8, INT64_MAX},
        {AT_TOTAL, 8, (uint64_t) INT64_MAX + 1},
        {AT_TOTAL, 8, UINT64_MAX},
        {AT_BITFIELD_LENGTH, 4, 0},
        {AT_BITFIELD_LENGTH, 4, 2},
        {AT_BITFIELD_LENGTH, 4, 4},
        {AT_BITFIELD_LENGTH, 4, 0xffffffff},
        {AT_BITFIELD + 2, 1, 0x08}, /* a 21st piece of 20 */
        {AT_BITFIELD + 2, 1, 0x01},
        {AT_COUNT, 4, 2},
        {AT_COUNT, 4, 4},
        {AT_COUNT, 4, 0xffffffff},
        {AT_FLIGHT, 4, 2}, /* complete */
        {AT_FLIGHT, 4, 19},
        {AT_FLIGHT, 4, 20},
        {AT_FLIGHT, 4, 0xffffffff},
        {AT_FLIGHT + 4, 4, 0},
        {AT_FLIGHT + 4, 4, MIB - 1},
        {AT_FLIGHT + 8, 4, 7},
        {AT_FLIGHT + 8, 4, 0xffffffff},
    };
    unsigned char record[sizeof aria2_some];
    for (size_t i = 0; i < COUNT(forged); i++) {
        memcpy(record, aria2_some, sizeof record);
        put_big(record + forged[i].at, forged[i].number, forged[i].bytes);
        expect_refused(adopt_aria2, record, sizeof record);
    }
}

static bool holds(const struct adopted *adopted, int64_t at)
{
    for (size_t i = 0; i < adopted->count; i++)
        if (adopted->extents[i].start <= at && at < adopted->extents[i].end)
            return true;
    return false;
}

static void random_bitfield(unsigned char *record)
{
    uint64_t pieces = chance() % 300 + 1, length = chance() % 50 + 1;
    uint64_t total = pieces * length - chance() % length;
    size_t bytes = (size_t) (pieces + 7) / 8;
    memset(record, 0, AT_BITFIELD + bytes + 4);
    record[1] = 1;
    put_big(record + AT_PIECE_LENGTH, length, 4);
    put_big(record + AT_TOTAL, total, 8);
    put_big(record + AT_BITFIELD_LENGTH, bytes, 4);
    for (uint64_t i = 0; i < pieces; i++)
        if (chance() % 3 != 0)
            record[AT_BITFIELD + i / 8] |= (unsigned char) (0x80u >> i % 8);
    struct adopted out;
    assert_int_equal(read_copy(adopt_aria2, record, AT_BITFIELD + bytes + 4, &out), 0);
    assert_sound(&out);
    assert_int_equal(out.total, total);
    for (uint64_t at = 0; at < total; at++) {
        uint64_t piece = at / length;
        bool set = (record[AT_BITFIELD + piece / 8] & (0x80u >> piece % 8)) != 0;
        assert_int_equal(holds(&out, (int64_t) at), set);
    }
    adopt_free(&out);
}

static void takes_any_pieces_of_aria2(void **state)
{
    (void) state;
    unsigned char record[128];
    for (uint64_t number = 1; number <= 100; number++) {
        seed = number * 0x9e3779b97f4a7c15;
        random_bitfield(record);
    }
}

/* axel */

static void takes_what_each_connection_of_axel_brought(void **state)
{
    (void) state;
    struct ldl_extent one = {0, 992 * KIB};
    expect(adopt_axel, axel_one, sizeof axel_one, 8 * MIB, &one, 1);
    expect(adopt_axel, axel_begun, sizeof axel_begun, 8 * MIB, NULL, 0);
}

static void takes_what_axel_forgot_after_a_steal(void **state)
{
    (void) state;
    struct ldl_extent extents[] = {
        {0, 622592}, {904090, 1611573}, {1945194, 2305642}, {2639263, 20000003}};
    expect(adopt_axel, axel_stolen, sizeof axel_stolen, 20000003, extents, COUNT(extents));
}

static void refuses_forged_numbers_of_axel(void **state)
{
    (void) state;
    static const struct {
        size_t at;
        int bytes;
        uint64_t number;
    } forged[] = {
        {0, 2, 0},
        {0, 2, 3},
        {0, 2, 0xffff},
        {AT_DONE, 8, INT64_MAX},
        {AT_DONE, 8, (uint64_t) INT64_MAX + 1},
        {AT_DONE, 8, UINT64_MAX},
        {AT_DONE, 8, (uint64_t) -1 - 8 * MIB + 1},
        {AT_CONNECTIONS, 8, 2 * MIB + 1}, /* past its end */
        {AT_CONNECTIONS, 8, UINT64_MAX},
        {AT_CONNECTIONS + 8, 8, 2 * MIB + 1}, /* into the next one */
        {AT_CONNECTIONS + 8, 8, UINT64_MAX},
        {AT_CONNECTIONS + 16, 8, 2 * MIB - 1},
        {AT_CONNECTIONS + 16, 8, 2 * MIB + 1}, /* more there than is done */
        {AT_CONNECTIONS + 56, 8, 8 * MIB + 1},
        {AT_CONNECTIONS + 56, 8, INT64_MAX},
    };
    unsigned char record[sizeof axel_begun];
    for (size_t i = 0; i < COUNT(forged); i++) {
        memcpy(record, axel_begun, sizeof record);
        put_little(record + forged[i].at, forged[i].number, forged[i].bytes);
        if (forged[i].at == AT_CONNECTIONS + 56)
            put_little(record + forged[i].at - 8, forged[i].number, 8); /* done, beyond all */
        expect_refused(adopt_axel, record, sizeof record);
    }
}

static void counts_as_far_as_there_are_numbers(void **state)
{
    (void) state;
    unsigned char record[26] = {1};
    struct ldl_extent first = {0, 5};
    put_little(record + AT_DONE, 5, 8);
    put_little(record + AT_CONNECTIONS, 5, 8);
    put_little(record + AT_CONNECTIONS + 8, INT64_MAX, 8);
    expect(adopt_axel, record, sizeof record, INT64_MAX, &first, 1);
    put_little(record + AT_DONE, 6, 8);
    expect_refused(adopt_axel, record, sizeof record);
}

static void refuses_an_empty_file_of_axel(void **state)
{
    (void) state;
    unsigned char record[26] = {1};
    expect_refused(adopt_axel, record, sizeof record);
}

/* Connections as axel leads them: each comes some way, and who is done takes half of another's. */

#define MOST_BYTES 400

struct connection {
    int64_t position, end;
};

static void divide(struct connection *list, size_t count, int64_t total)
{
    int64_t share = total / (int64_t) count;
    for (size_t i = 0; i < count; i++)
        list[i] = (struct connection){(int64_t) i * share, (int64_t) (i + 1) * share};
    list[count - 1].end = total;
}

static void advance(struct connection *connection, bool *there)
{
    for (uint64_t i = chance() % 30; i > 0 && connection->position < connection->end; i--)
        there[connection->position++] = true;
}

static void steal(struct connection *thief, struct connection *victim)
{
    int64_t remaining = victim->end - victim->position;
    if (thief->position < thief->end || remaining < 10)
        return;
    thief->end = victim->end;
    victim->end = victim->position + remaining / 2;
    thief->position = victim->end;
}

static size_t encode(unsigned char *record, const struct connection *list, size_t count,
                     int64_t done)
{
    put_little(record, count, 2);
    put_little(record + AT_DONE, (uint64_t) done, 8);
    for (size_t i = 0; i < count; i++) {
        put_little(record + AT_CONNECTIONS + 16 * i, (uint64_t) list[i].position, 8);
        put_little(record + AT_CONNECTIONS + 16 * i + 8, (uint64_t) list[i].end, 8);
    }
    return AT_CONNECTIONS + 16 * count;
}

static void expect_bytes(const unsigned char *record, size_t size, const bool *there, int64_t total)
{
    struct adopted out;
    assert_int_equal(read_copy(adopt_axel, record, size, &out), 0);
    assert_sound(&out);
    assert_int_equal(out.total, total);
    for (int64_t at = 0; at < total; at++)
        assert_int_equal(holds(&out, at), there[at]);
    adopt_free(&out);
}

static void random_connections(void)
{
    unsigned char record[AT_CONNECTIONS + 16 * 8];
    struct connection list[8];
    bool there[MOST_BYTES] = {false};
    size_t count = chance() % 8 + 1;
    int64_t total = (int64_t) (chance() % (MOST_BYTES - 8) + 8), done = 0;
    divide(list, count, total);
    for (uint64_t i = chance() % 60; i > 0; i--) {
        advance(&list[chance() % count], there);
        steal(&list[chance() % count], &list[chance() % count]);
    }
    for (int64_t at = 0; at < total; at++)
        done += there[at];
    expect_bytes(record, encode(record, list, count, done), there, total);
}

static void follows_the_connections_of_axel(void **state)
{
    (void) state;
    for (uint64_t number = 1; number <= 2000; number++) {
        seed = number * 0x9e3779b97f4a7c15;
        random_connections();
    }
}

/* Ends were the last bytes once: what they make too small can't be the server's total. */
static void finds_no_true_total_for_an_older_axel(void **state)
{
    (void) state;
    unsigned char record[AT_CONNECTIONS + 32];
    struct connection one[] = {{10, 99}}, two[] = {{10, 49}, {60, 99}},
                      over[] = {{50, 49}, {60, 99}};
    struct ldl_extent first = {0, 10};
    expect(adopt_axel, record, encode(record, one, 1, 10), 99, &first, 1);
    expect_refused(adopt_axel, record, encode(record, two, 2, 20));
    expect_refused(adopt_axel, record, encode(record, over, 2, 60));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_a_record_cut_at_any_length),
        cmocka_unit_test(refuses_more_than_a_record),
        cmocka_unit_test(refuses_the_other_tools_record),
        cmocka_unit_test(refuses_zeros_and_ones),
        cmocka_unit_test(makes_no_nonsense_of_spoilt_records),
        cmocka_unit_test(takes_the_complete_pieces_of_aria2),
        cmocka_unit_test(takes_no_piece_of_aria2_in_flight),
        cmocka_unit_test(ends_the_last_piece_of_aria2_with_the_file),
        cmocka_unit_test(reads_the_first_version_of_aria2),
        cmocka_unit_test(refuses_forged_numbers_of_aria2),
        cmocka_unit_test(takes_any_pieces_of_aria2),
        cmocka_unit_test(takes_what_each_connection_of_axel_brought),
        cmocka_unit_test(takes_what_axel_forgot_after_a_steal),
        cmocka_unit_test(refuses_forged_numbers_of_axel),
        cmocka_unit_test(counts_as_far_as_there_are_numbers),
        cmocka_unit_test(refuses_an_empty_file_of_axel),
        cmocka_unit_test(follows_the_connections_of_axel),
        cmocka_unit_test(finds_no_true_total_for_an_older_axel),
    };
    return cmocka_run_group_tests_name("adopt", tests, NULL, NULL);
}
