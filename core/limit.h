/* limit.h: a token bucket, and the line of streams that wait at it.
 * SPDX-License-Identifier: MIT
 *
 * Bytes are paid for before they are delivered: who has to wait leaves the next ones in the kernel's buffers, and so with
 * the server. The line is one of fair queueing: owners take turns byte by byte, however many streams each of them has,
 * and the streams of one owner come in the order of their asking. Who asks for nothing leaves its share to the others,
 * and gets nothing for it later.
 */
#ifndef LUADL_LIMIT_H
#define LUADL_LIMIT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

/* What one stream asks of one bucket; all zero: nothing yet. Its bucket's lock. */
struct claim {
    struct claim *next, **link; /* the line; link NULL: it isn't in it */
    const void *owner;          /* the stream's: whether it has asked at all, and for whom */
    double owed;                /* bytes that aren't paid yet */
    double turn;                /* the owner's share of the line up to here, in bytes */
};

struct limit {
    _Atomic double rate; /* bytes per second; 0: no limit. Written under the lock */
    pthread_mutex_t lock;
    double tokens; /* bytes that may pass now, at most BURST. locked, as the following */
    double filled; /* when tokens was brought up to date */
    double turn;   /* of whom was served last: where a newcomer begins */
    struct claim *first;
};

void limit_init(struct limit *limit);
void limit_destroy(struct limit *limit); /* nobody is in its line */

/* Any thread: */
void limit_set(struct limit *limit, double rate, double now);
/* Asks for so many bytes; the claim asks for nothing now. */
void limit_ask(struct limit *limit, struct claim *claim, const void *owner, double bytes,
               double now);
/* For how many seconds must it wait yet, if nobody joins or leaves the line? 0: it is paid. */
double limit_wait(struct limit *limit, struct claim *claim, double now);
/* Asks for nothing any more: so many of the bytes that it asked for weren't used. */
void limit_drop(struct limit *limit, struct claim *claim, double unused);

#endif
