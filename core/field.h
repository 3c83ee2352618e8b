/* field.h: strict readers of the response fields that say what a body is. Pure.
 * SPDX-License-Identifier: MIT
 *
 * Lenient about spelling that servers really send, strict about numbers: what overflows or leaves
 * something unread is FIELD_BAD, and so is a field that may occur once and has several values.
 * Nothing depends on the locale. Only FIELD_OK sets the outputs.
 */
#ifndef LUADL_FIELD_H
#define LUADL_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "luadl.h"

enum field_result { FIELD_ABSENT, FIELD_OK, FIELD_BAD };

struct fields {
    const struct ldl_header *items;
    size_t count;
};

/* first -1: "*", no range was served. total -1: "*", unknown. Else first <= last < total. */
struct content_range {
    int64_t first, last, total;
};

int field_content_length(const struct fields *fields, int64_t *out);
int field_content_range(const struct fields *fields, struct content_range *out);
/* FIELD_OK: chunked and nothing else. Identity alone is FIELD_ABSENT. */
int field_transfer_encoding(const struct fields *fields);
/* The opaque part with its quotes. Without quotes it counts as weak; an empty one is FIELD_BAD. */
int field_etag(const struct fields *fields, char *out, size_t size, bool *weak);
/* Seconds since the epoch, 1970 to 9999; the three forms of RFC 9110, 5.6.7. */
int field_date(const struct fields *fields, const char *name, int64_t *out);
/* `out` points into the caller's headers. */
int field_location(const struct fields *fields, const char **out);
/* Seconds to wait and the time until when; always positive. */
int field_retry_after(const struct fields *fields, double now, double *after, double *at);
/* "Accept-Ranges: bytes" */
bool field_offers_ranges(const struct fields *fields);
/* Media type in lower case without parameters. */
int field_media_type(const struct fields *fields, char *out, size_t size);
/* Codings other than identity in lower case, separated by ", ", cut to fit. */
int field_content_coding(const struct fields *fields, char *out, size_t size);

#endif
