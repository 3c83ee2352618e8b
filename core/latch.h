/* latch.h: counts a session's threads down; whoever waits for their end waits a bounded time.
 * SPDX-License-Identifier: MIT
 *
 * Not pthread_clockjoin_np: some threads wait for the end of others, too, and ThreadSanitizer doesn't know that call.
 */
#ifndef LUADL_LATCH_H
#define LUADL_LATCH_H

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

struct latch {
    pthread_mutex_t lock;   /* a leaf: nothing is called with it held */
    pthread_cond_t changed; /* on the monotonic clock */
    int count;              /* locked: threads that run */
};

void latch_init(struct latch *latch);
void latch_destroy(struct latch *latch);
void latch_enter(struct latch *latch); /* before the thread is started */
void latch_leave(struct latch *latch); /* the last that it does, or it couldn't be started */
int latch_count(struct latch *latch);
/* Waits until at most `left` threads run, or until then (monotonic). Whether it is so. */
bool latch_wait(struct latch *latch, int left, const struct timespec *until);

#endif
