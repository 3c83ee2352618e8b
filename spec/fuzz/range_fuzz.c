/* range_fuzz.c: a Content-Range that is read has a possible range, and means what it says.
 * SPDX-License-Identifier: MIT */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define UNTOUCHED (-77)

static const struct content_range untouched = {UNTOUCHED, UNTOUCHED, UNTOUCHED};

static bool same(const struct content_range *a, const struct content_range *b)
{
    return a->first == b->first && a->last == b->last && a->total == b->total;
}

static int read_text(const char *text, struct content_range *out)
{
    const struct ldl_header header = {"Content-Range", text};
    const struct fields fields = {&header, 1};
    *out = untouched;
    return field_content_range(&fields, out);
}

/* RFC 9110, 14.4 */
static void write_canonical(const struct content_range *range, char *out, size_t size)
{
    if (range->first < 0)
        snprintf(out, size, "bytes */%" PRId64, range->total);
    else if (range->total < 0)
        snprintf(out, size, "bytes %" PRId64 "-%" PRId64 "/*", range->first, range->last);
    else
        snprintf(out, size, "bytes %" PRId64 "-%" PRId64 "/%" PRId64, range->first, range->last,
                 range->total);
}

static void check_possible(const struct content_range *range)
{
    char text[80];
    struct content_range again;
    if (range->first < 0)
        assert(range->first == -1 && range->last == -1 && range->total >= 0);
    else
        assert(range->first <= range->last && range->last < INT64_MAX);
    assert(range->first < 0 || range->total == -1 || range->last < range->total);
    write_canonical(range, text, sizeof text);
    int found = read_text(text, &again);
    assert(found == FIELD_OK && same(range, &again));
}

/* What is written as the RFC has it, and possible, must be read. */
static void check_canonical(const char *text)
{
    struct content_range meant, read;
    char again[80];
    if (sscanf(text, "bytes %18" SCNd64 "-%18" SCNd64 "/%18" SCNd64, &meant.first, &meant.last,
               &meant.total)
        != 3)
        return;
    write_canonical(&meant, again, sizeof again);
    if (strcmp(text, again) != 0 || meant.first < 0 || meant.first > meant.last
        || meant.last >= meant.total)
        return;
    int found = read_text(text, &read);
    assert(found == FIELD_OK && same(&meant, &read));
}

/* One range, told as often as one likes. */
static void check_single(const struct head *head, const struct content_range *range)
{
    for (size_t i = 0; i < head->count; i++) {
        struct content_range each;
        int found = read_text(head->list[i].value, &each);
        assert(found == FIELD_OK && same(&each, range));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {(const char *) data, size};
    struct head head = head_of_values(&input, "Content-Range");
    struct fields fields = head_fields(&head);
    struct content_range range = untouched;
    int found = field_content_range(&fields, &range);
    assert((found == FIELD_ABSENT) == (head.count == 0));
    if (found == FIELD_OK) {
        check_possible(&range);
        check_single(&head, &range);
    } else {
        assert(same(&range, &untouched));
    }
    for (size_t i = 0; i < head.count; i++)
        check_canonical(head.list[i].value);
    head_free(&head);
    return 0;
}
