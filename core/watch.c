/* watch.c: the watchdogs of a fetch: connection, first byte, stall, lowest rate.
 * SPDX-License-Identifier: MIT
 */
#include "watch.h"

#include "receive.h"
#include "throttle.h"

#define FLUSH_AFTER 0.25 /* seconds that received bytes wait at most */
#define WINDOW 30.0      /* seconds of the lowest-rate watchdog */
#define SLOW_SHARE 50    /* a stream is a slow loris below this share of its siblings' mean */

static void late(struct fetch *fetch, int kind, const char *what, double seconds)
{
    error_set(&fetch->error, kind, fetch->url.text, "%s for %.3g s", what, seconds);
}

static void watch_head(struct fetch *fetch, double now)
{
    const struct ldl_request *options = fetch_options(fetch);
    double waited = now - fetch->asked;
    bool connected = fetch_connected(fetch);
    if (!connected && waited > options->connect_timeout)
        late(fetch, LDL_TIMEOUT, "no connection", waited);
    else if (waited > options->first_byte_timeout)
        late(fetch, LDL_TIMEOUT, "no answer", waited);
    else
        fetch_nudge(fetch);
}

/* The mean rate of the other delivering streams, or 0 when there is none. */
static double siblings_rate(struct transfer *transfer, uint32_t stream)
{
    double sum = 0;
    int count = 0;
    for (int i = 0; i < transfer->plan.count; i++) {
        const struct chunk *chunk = &transfer->plan.list[i];
        if (chunk->owner && chunk->owner != stream) {
            sum += chunk->rate;
            count++;
        }
    }
    return count ? sum / count : 0;
}

/* Slow alone is not a fault; slow where others are fast is one (H57). */
static void watch_rate(struct fetch *fetch, double now)
{
    struct transfer *transfer = fetch->transfer;
    if (now - fetch->window_start < WINDOW)
        return;
    double rate = (double) fetch->window_bytes / (now - fetch->window_start);
    fetch->window_start = now;
    fetch->window_bytes = 0;
    pthread_mutex_lock(&transfer->lock);
    double others = siblings_rate(transfer, fetch->stream);
    pthread_mutex_unlock(&transfer->lock);
    if (rate * SLOW_SHARE < others)
        late(fetch, LDL_STALLED, "far slower than the other connections", WINDOW);
}

static void flush_in_time(struct fetch *fetch, double now)
{
    if (fetch->used > 0 && now - fetch->flushed > FLUSH_AFTER)
        receive_flush(fetch);
}

/* A rate limit holds it back: that it brings nothing is no sign of a slow server. One that was raised lets it go on
 * earlier. */
static void watch_held(struct fetch *fetch, double now)
{
    struct transfer *transfer = fetch->transfer;
    if (fetch->state == FETCH_BODY) {
        flush_in_time(fetch, now);
        pthread_mutex_lock(&transfer->lock);
        chunk_excuse(&transfer->plan, fetch->stream, now);
        pthread_mutex_unlock(&transfer->lock);
    }
    if (!fetch_stopped(fetch) && throttle_due(fetch, now))
        fetch_resume(fetch);
}

static void watch_body(struct fetch *fetch, double now)
{
    double silent = now - fetch->last_byte;
    flush_in_time(fetch, now);
    if (silent > fetch_options(fetch)->stall_timeout)
        late(fetch, LDL_STALLED, "no byte came", silent);
    else
        watch_rate(fetch, now);
}

static void watch_page(struct fetch *fetch, double now)
{
    double silent = now - fetch->last_byte;
    if (silent > fetch_options(fetch)->stall_timeout)
        late(fetch, LDL_STALLED, "no byte came", silent);
}

static bool still_wanted(struct fetch *fetch)
{
    struct transfer *transfer = fetch->transfer;
    pthread_mutex_lock(&transfer->lock);
    bool wanted = !transfer->restarting && transfer->state != LDL_PUBLISHING
                  && (fetch->state != FETCH_BODY || chunk_owns(&transfer->plan, fetch->stream));
    pthread_mutex_unlock(&transfer->lock);
    return wanted;
}

bool watch_fetch(struct fetch *fetch, double now)
{
    if (fetch_stopped(fetch) || !still_wanted(fetch))
        return false;
    if (fetch->blocked)
        return true; /* it waits for the reader */
    if (fetch->state == FETCH_PARKED)
        receive_open(fetch); /* its body doesn't come at once */
    if (throttle_holds(fetch))
        watch_held(fetch, now);
    else if (fetch->state == FETCH_BODY)
        watch_body(fetch, now);
    else if (fetch->state == FETCH_COLLECT)
        watch_page(fetch, now);
    else if (fetch->state != FETCH_PARKED)
        watch_head(fetch, now);
    return !fetch_stopped(fetch);
}
