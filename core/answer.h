/* answer.h: is this response what we asked for? Status and headers in, verdict out. Pure.
 * SPDX-License-Identifier: MIT
 *
 * No body byte is written before its response got ANSWER_RANGE or ANSWER_WHOLE here (RFC 9110, 14
 * and 15).
 */
#ifndef LUADL_ANSWER_H
#define LUADL_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "identity.h"
#include "luadl.h"

struct asked {
    bool ranged;         /* a Range header was sent */
    int64_t first, last; /* inclusive; last -1: open ended */
    bool joining;        /* the identity is established: this answer must agree with it */
    bool redirected;     /* the server was named by a redirect */
    int64_t max_size;    /* 0: no limit */
    const char *host;    /* for messages; may be NULL */
};

enum verdict {
    ANSWER_RANGE,    /* 206: the body is [first, last] of total */
    ANSWER_WHOLE,    /* 200: the body is the representation from byte 0; length may be unknown */
    ANSWER_REDIRECT, /* follow `location` */
    ANSWER_PLAIN,    /* 416 to the first request: ask once more without Range (H14) */
    ANSWER_IGNORED,  /* 200 to a later range, of the same resource: no ranges (H1) */
    ANSWER_FLIPPED,  /* the ETag alone differs (H26): count, ask again */
    ANSWER_FAULT     /* `kind` and `reason` say why */
};

struct answer {
    int verdict;
    int kind;             /* enum ldl_kind with FAULT, IGNORED, FLIPPED */
    int64_t first, last;  /* what to keep of the body, inclusive, clipped to what was asked;
                                   last -1: unknown end, or nothing when length is 0 */
    int64_t length;       /* of the body, unclipped; -1: ended by chunks or by the close */
    bool length_framed;   /* the end of the body is certain: Content-Length or chunked */
    bool accepts_ranges;  /* 206, or a 200 that says so (H2, H15) */
    double retry_after;   /* seconds, -1: none (past, junk and negative are none) */
    double retry_at;      /* seconds since the epoch, -1: none */
    const char *location; /* in the caller's headers */
    struct identity seen; /* of 200 and 206; of 416 the total alone */
    char reason[200];     /* one line for people, says what was expected and what came */
};

/* `headers` are those of the final response alone: no 1xx, no CONNECT, no trailers; they outlive
 * out->location. `now`: wall clock. `known` may be NULL unless asked->joining. */
void answer_judge(const struct asked *asked, const struct identity *known, int status,
                  const struct ldl_header *headers, size_t count, double now, struct answer *out);

#endif
