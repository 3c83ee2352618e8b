/* limit.c: a token bucket, and the line of streams that wait at it.
 * SPDX-License-Identifier: MIT */
#include "limit.h"

#define BURST 0.1 /* seconds of the rate that may gather while nobody asks */

static double lesser(double a, double b)
{
    return a < b ? a : b;
}

void limit_init(struct limit *limit)
{
    *limit = (struct limit){.first = NULL};
    pthread_mutex_init(&limit->lock, NULL);
}

void limit_destroy(struct limit *limit)
{
    pthread_mutex_destroy(&limit->lock);
}

/* The line */

static void leave(struct claim *claim)
{
    *claim->link = claim->next;
    if (claim->next)
        claim->next->link = claim->link;
    claim->link = NULL;
}

/* Behind all whose turn comes before its own, and behind its owner's. */
static void join(struct limit *limit, struct claim *claim)
{
    struct claim **link = &limit->first;
    claim->turn = limit->turn;
    for (struct claim *other = limit->first; other; other = other->next)
        if (other->owner == claim->owner)
            claim->turn = other->turn;
    claim->turn += claim->owed;
    while (*link && (*link)->turn <= claim->turn)
        link = &(*link)->next;
    claim->next = *link;
    claim->link = link;
    if (claim->next)
        claim->next->link = &claim->next;
    *link = claim;
}

static void pay(struct limit *limit)
{
    while (limit->first && limit->first->owed <= limit->tokens) {
        limit->tokens -= limit->first->owed;
        limit->turn = limit->first->turn;
        leave(limit->first);
    }
}

/* Brings all up to date. */
static void fill(struct limit *limit, double now)
{
    double rate = limit->rate;
    if (now
        > limit->filled) { /* threads may look at the clock in another order than they get here */
        limit->tokens += (now - limit->filled) * rate;
        limit->filled = now;
    }
    pay(limit);
    if (!limit->first)
        limit->tokens = lesser(limit->tokens, rate * BURST);
}

/* For everybody */

void limit_set(struct limit *limit, double rate, double now)
{
    pthread_mutex_lock(&limit->lock);
    fill(limit, now); /* what is gone by was at the old rate */
    limit->rate = rate > 0 ? rate : 0;
    while (limit->rate == 0 && limit->first)
        leave(limit->first);
    pthread_mutex_unlock(&limit->lock);
}

void limit_ask(struct limit *limit, struct claim *claim, const void *owner, double bytes,
               double now)
{
    if (limit->rate == 0)
        return;
    pthread_mutex_lock(&limit->lock);
    claim->owner = owner;
    claim->owed = bytes;
    fill(limit, now);
    if (limit->rate > 0) {
        join(limit, claim);
        pay(limit);
    }
    pthread_mutex_unlock(&limit->lock);
}

static double owed_up_to(const struct limit *limit, const struct claim *claim)
{
    double owed = claim->owed - limit->tokens;
    for (const struct claim *other = limit->first; other != claim; other = other->next)
        owed += other->owed;
    return owed;
}

double limit_wait(struct limit *limit, struct claim *claim, double now)
{
    pthread_mutex_lock(&limit->lock);
    fill(limit, now);
    double wait = claim->link ? owed_up_to(limit, claim) / limit->rate : 0;
    pthread_mutex_unlock(&limit->lock);
    return wait;
}

void limit_drop(struct limit *limit, struct claim *claim, double unused)
{
    pthread_mutex_lock(&limit->lock);
    if (claim->link) {
        leave(claim);
        unused -= claim->owed;
    }
    limit->tokens += unused;
    claim->owner = NULL;
    pay(limit);
    pthread_mutex_unlock(&limit->lock);
}
