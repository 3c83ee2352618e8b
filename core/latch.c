/* latch.c: counts a session's threads down; whoever waits for their end waits a bounded time.
 * SPDX-License-Identifier: MIT */
#include "latch.h"

void latch_init(struct latch *latch)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&latch->lock, NULL);
    pthread_cond_init(&latch->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    latch->count = 0;
}

void latch_destroy(struct latch *latch)
{
    pthread_cond_destroy(&latch->changed);
    pthread_mutex_destroy(&latch->lock);
}

static void change(struct latch *latch, int by)
{
    pthread_mutex_lock(&latch->lock);
    latch->count += by;
    pthread_cond_broadcast(&latch->changed);
    pthread_mutex_unlock(&latch->lock);
}

void latch_enter(struct latch *latch)
{
    change(latch, 1);
}

void latch_leave(struct latch *latch)
{
    change(latch, -1);
}

int latch_count(struct latch *latch)
{
    pthread_mutex_lock(&latch->lock);
    int count = latch->count;
    pthread_mutex_unlock(&latch->lock);
    return count;
}

bool latch_wait(struct latch *latch, int left, const struct timespec *until)
{
    int failed = 0;
    pthread_mutex_lock(&latch->lock);
    while (latch->count > left && failed == 0)
        failed = pthread_cond_timedwait(&latch->changed, &latch->lock, until);
    bool reached = latch->count <= left;
    pthread_mutex_unlock(&latch->lock);
    return reached;
}
