/* limit.h: token buckets, one for the session and one for each transfer.
 * SPDX-License-Identifier: MIT */
#ifndef LUADL_LIMIT_H
#define LUADL_LIMIT_H

#include <pthread.h>

struct limit {
    pthread_mutex_t lock; /* a leaf */
    double rate;          /* bytes per second; 0: no limit. locked */
    double tokens;        /* bytes that may pass now; negative: owed. locked */
    double filled;        /* when tokens was brought up to date. locked */
};

void limit_init(struct limit *limit);
void limit_destroy(struct limit *limit);
void limit_set(struct limit *limit, double rate, double now); /* any thread */

/* Takes `bytes` that have arrived. Returns for how many seconds the taker has to pause. Any thread. */
double limit_take(struct limit *limit, double bytes, double now);

#endif
