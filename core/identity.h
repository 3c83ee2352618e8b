/* identity.h: what a representation is known by, and whether two answers speak of the same one.
 * SPDX-License-Identifier: MIT
 *
 * A field is compared when both sides have it: a 206 may leave some out (RFC 9110, 15.3.7), and a
 * validator that proved useless is dropped by clearing it in what is known.
 */
#ifndef LUADL_IDENTITY_H
#define LUADL_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

enum etag_strength { ETAG_NONE, ETAG_WEAK, ETAG_STRONG };

/* Unknown: total -1, etag_strength NONE, last_modified and date -1, type "". */
struct identity {
    int64_t total;
    int etag_strength;
    char etag[256];            /* the opaque part with its quotes; a longer one is no validator */
    int64_t last_modified;     /* seconds since the epoch */
    int64_t date;              /* of the answer that says so, the same way; -1: unknown */
    bool last_modified_strong; /* >= 1 s before Date (RFC 9110, 8.8.2.2), not the epoch */
    char type[128];            /* media type in lower case, no parameters */
    char coding[64];           /* Content-Encoding other than identity, or "" */
};

void identity_clear(struct identity *identity);

/* Total, ETag and Last-Modified; an ETag that is gone doesn't agree. */
bool identity_agrees(const struct identity *known, const struct identity *seen);
bool identity_total_differs(const struct identity *known, const struct identity *seen);
/* W/"x" and "x" match: this finds changes, it doesn't prove equality. */
bool identity_etag_matches(const struct identity *known, const struct identity *seen);
bool identity_etag_differs(const struct identity *known, const struct identity *seen);
bool identity_etag_gone(const struct identity *known, const struct identity *seen);
bool identity_time_differs(const struct identity *known, const struct identity *seen);
/* The same strong ETag: the same bytes. */
bool identity_proven(const struct identity *known, const struct identity *seen);
/* The same strong Last-Modified. */
bool identity_time_vouches(const struct identity *known, const struct identity *seen);
/* By its ETag, or by its Last-Modified where it has none. */
bool identity_shown(const struct identity *known, const struct identity *seen);
/* What `known` lacks and `seen`, which agrees with it, has. */
void identity_complete(struct identity *known, const struct identity *seen);
/* A strong validator: it goes into If-Range, and the same one means the same bytes. */
bool identity_has_validator(const struct identity *identity);
/* The ETag alone differs or is gone: servers behind one name make up ETags of their own. */
bool identity_flipped(const struct identity *known, const struct identity *seen);

#endif
