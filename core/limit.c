/* limit.c: token buckets, one for the session and one for each transfer.
 * SPDX-License-Identifier: MIT */
#include "limit.h"

#define BURST 0.1 /* seconds of the rate that may gather while nothing flows */

void limit_init(struct limit *limit)
{
    *limit = (struct limit){.rate = 0};
    pthread_mutex_init(&limit->lock, NULL);
}

void limit_destroy(struct limit *limit)
{
    pthread_mutex_destroy(&limit->lock);
}

void limit_set(struct limit *limit, double rate, double now)
{
    pthread_mutex_lock(&limit->lock);
    limit->rate = rate > 0 ? rate : 0;
    limit->tokens = 0;
    limit->filled = now;
    pthread_mutex_unlock(&limit->lock);
}

static double take(struct limit *limit, double bytes, double now)
{
    if (limit->rate == 0)
        return 0;
    limit->tokens += (now - limit->filled) * limit->rate;
    if (limit->tokens > limit->rate * BURST)
        limit->tokens = limit->rate * BURST;
    limit->filled = now;
    limit->tokens -= bytes;
    return limit->tokens < 0 ? -limit->tokens / limit->rate : 0;
}

double limit_take(struct limit *limit, double bytes, double now)
{
    pthread_mutex_lock(&limit->lock);
    double pause = take(limit, bytes, now);
    pthread_mutex_unlock(&limit->lock);
    return pause;
}
