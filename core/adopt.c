/* adopt.c: what aria2 and axel left of a download, as extents.
 * SPDX-License-Identifier: MIT
 */
#include "adopt.h"

#include <stdbool.h>
#include <stdlib.h>

#define BLOCK 16384 /* of aria2, the unit of a piece in flight */

void adopt_free(struct adopted *adopted)
{
    free(adopted->extents);
    *adopted = (struct adopted){0};
}

/* Makes room for so many extents. */
static int reserve(struct adopted *out, size_t count)
{
    out->extents = count > 0 ? calloc(count, sizeof *out->extents) : NULL;
    return out->extents != NULL || count == 0 ? 0 : -LDL_NO_MEMORY;
}

/* Reading: what goes past the end fails the whole and reads as nothing. */

struct reader {
    const unsigned char *at;
    size_t left;
    bool big_endian;
    bool failed;
};

static const unsigned char *take_bytes(struct reader *reader, size_t length)
{
    const unsigned char *bytes = reader->at;
    if (length > reader->left) {
        reader->failed = true;
        return NULL;
    }
    reader->at += length;
    reader->left -= length;
    return bytes;
}

static uint64_t take(struct reader *reader, size_t length)
{
    const unsigned char *bytes = take_bytes(reader, length);
    uint64_t number = 0;
    for (size_t i = 0; bytes != NULL && i < length; i++)
        number = number << 8 | bytes[reader->big_endian ? i : length - 1 - i];
    return number;
}

static bool at_end(const struct reader *reader)
{
    return !reader->failed && reader->left == 0;
}

/* aria2 */

struct pieces {
    uint64_t total, length, count;
    const unsigned char *bits; /* of the complete ones */
};

static uint64_t divide_up(uint64_t number, uint64_t by)
{
    return number / by + (number % by != 0);
}

static bool is_set(const unsigned char *bits, uint64_t number)
{
    return bits[number / 8] >> (7 - number % 8) & 1;
}

static struct ldl_extent piece(const struct pieces *pieces, uint64_t number)
{
    uint64_t start = number * pieces->length;
    uint64_t left = pieces->total - start;
    uint64_t length = left < pieces->length ? left : pieces->length;
    return (struct ldl_extent){(int64_t) start, (int64_t) (start + length)};
}

static bool read_lengths(struct reader *reader, struct pieces *out)
{
    bool torrent = take(reader, 4) != 0;
    torrent |= take(reader, 4) != 0;
    out->length = take(reader, 4);
    out->total = take(reader, 8);
    take(reader, 8); /* uploaded */
    return !reader->failed && !torrent && out->length > 0 && out->total > 0
           && out->total <= INT64_MAX;
}

static bool read_bits(struct reader *reader, struct pieces *out)
{
    out->count = divide_up(out->total, out->length);
    uint64_t length = take(reader, 4);
    if (length != divide_up(out->count, 8))
        return false;
    out->bits = take_bytes(reader, length);
    for (uint64_t i = out->count; out->bits != NULL && i < length * 8; i++)
        if (is_set(out->bits, i))
            return false;
    return out->bits != NULL;
}

static bool skip_in_flight(struct reader *reader, const struct pieces *pieces)
{
    uint64_t number = take(reader, 4);
    uint64_t length = take(reader, 4);
    uint64_t bits = take(reader, 4);
    if (number >= pieces->count || is_set(pieces->bits, number))
        return false;
    struct ldl_extent extent = piece(pieces, number);
    return length == (uint64_t) (extent.end - extent.start)
           && bits == divide_up(divide_up(length, BLOCK), 8) && take_bytes(reader, bits) != NULL;
}

static bool read_pieces(struct reader *reader, struct pieces *out)
{
    uint64_t version = take(reader, 2);
    reader->big_endian = version == 1;
    if (version > 1 || !read_lengths(reader, out) || !read_bits(reader, out))
        return false;
    for (uint64_t count = take(reader, 4); count > 0; count--)
        if (!skip_in_flight(reader, out))
            return false;
    return at_end(reader);
}

static bool starts_run(const struct pieces *pieces, uint64_t number)
{
    return is_set(pieces->bits, number) && (number == 0 || !is_set(pieces->bits, number - 1));
}

static size_t count_runs(const struct pieces *pieces)
{
    size_t count = 0;
    for (uint64_t i = 0; i < pieces->count; i++)
        count += starts_run(pieces, i);
    return count;
}

static void append_piece(struct adopted *out, const struct pieces *pieces, uint64_t number)
{
    if (starts_run(pieces, number))
        out->extents[out->count++] = piece(pieces, number);
    else
        out->extents[out->count - 1].end = piece(pieces, number).end;
}

int adopt_aria2(const void *bytes, size_t size, struct adopted *out)
{
    struct reader reader = {.at = bytes, .left = size, .big_endian = true};
    struct pieces pieces;
    *out = (struct adopted){0};
    if (!read_pieces(&reader, &pieces))
        return -LDL_JOURNAL_CORRUPT;
    if (reserve(out, count_runs(&pieces)) < 0)
        return -LDL_NO_MEMORY;
    out->total = (int64_t) pieces.total;
    for (uint64_t i = 0; i < pieces.count; i++)
        if (is_set(pieces.bits, i))
            append_piece(out, &pieces, i);
    return 0;
}

/* axel: the extents are first what is missing. */

static bool read_gaps(struct reader *reader, struct adopted *out, uint64_t *last)
{
    while (reader->left > 0) {
        uint64_t position = take(reader, 8);
        uint64_t end = take(reader, 8);
        if (position > end || end > INT64_MAX)
            return false;
        if (position < end)
            out->extents[out->count++] = (struct ldl_extent){(int64_t) position, (int64_t) end};
        *last = end > *last ? end : *last;
    }
    return at_end(reader);
}

static int by_start(const void *a, const void *b)
{
    const struct ldl_extent *left = a, *right = b;
    return (left->start > right->start) - (left->start < right->start);
}

static bool are_disjoint(const struct adopted *adopted)
{
    for (size_t i = 1; i < adopted->count; i++)
        if (adopted->extents[i].start < adopted->extents[i - 1].end)
            return false;
    return true;
}

/* Of disjoint ones, so that no sum is too large. */
static uint64_t bytes_in(const struct adopted *adopted)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < adopted->count; i++)
        sum += (uint64_t) (adopted->extents[i].end - adopted->extents[i].start);
    return sum;
}

static bool find_total(struct adopted *out, uint64_t done, uint64_t last)
{
    qsort(out->extents, out->count, sizeof *out->extents, by_start);
    if (done > INT64_MAX || !are_disjoint(out))
        return false;
    uint64_t total = done + bytes_in(out);
    if (total == 0 || total > INT64_MAX || last > total)
        return false;
    out->total = (int64_t) total;
    return true;
}

static void append(struct adopted *out, int64_t start, int64_t end)
{
    if (start < end)
        out->extents[out->count++] = (struct ldl_extent){start, end};
}

/* In place: no more is written than was read, but for the last one. */
static void invert(struct adopted *out)
{
    size_t count = out->count;
    int64_t at = 0;
    out->count = 0;
    for (size_t i = 0; i < count; i++) {
        struct ldl_extent gap = out->extents[i];
        append(out, at, gap.start);
        at = gap.end;
    }
    append(out, at, out->total);
}

int adopt_axel(const void *bytes, size_t size, struct adopted *out)
{
    struct reader reader = {.at = bytes, .left = size};
    uint64_t count = take(&reader, 2);
    uint64_t done = take(&reader, 8);
    uint64_t last = 0;
    *out = (struct adopted){0};
    if (reader.failed || count == 0 || reader.left != count * 16)
        return -LDL_JOURNAL_CORRUPT;
    if (reserve(out, count + 1) < 0)
        return -LDL_NO_MEMORY;
    if (!read_gaps(&reader, out, &last) || !find_total(out, done, last)) {
        adopt_free(out);
        return -LDL_JOURNAL_CORRUPT;
    }
    invert(out);
    return 0;
}
