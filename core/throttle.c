/* throttle.c: how a stream waits for the rate limits: its file's, its host's and the session's.
 * SPDX-License-Identifier: MIT
 *
 * It asks all of them at the same time and goes on when it is paid by all. Without a limit that costs three loads.
 */
#include "throttle.h"

#define ASK_FOR 0.01      /* seconds of the rate that are asked for, or one piece if that is more */
#define PIECE_FOR 0.1     /* seconds of the rate that all streams receive at once */
#define PIECE_LEAST 2048L /* bytes */

static struct limit *limit_of(const struct fetch *fetch, int which)
{
    const struct transfer *transfer = fetch->transfer;
    struct limit *const all[] = {
        [LIMIT_FILE] = &fetch->transfer->limit,
        [LIMIT_SESSION] = transfer->session_limit,
        [LIMIT_HOST] = fetch->host ? &fetch->host->limit : NULL,
    };
    return all[which];
}

static void enter_host(struct fetch *fetch)
{
    struct hosts *hosts = fetch->transfer->hosts;
    if (!fetch->host && atomic_load(&hosts->limited) && fetch->url.host)
        fetch->host = hosts_enter(hosts, fetch->url.host, monotonic());
}

/* Of the slowest limit; 0: there is none. */
static double lowest_rate(struct fetch *fetch)
{
    double lowest = 0;
    enter_host(fetch);
    for (int i = 0; i < LIMITS; i++) {
        const struct limit *limit = limit_of(fetch, i);
        double rate = limit ? limit->rate : 0;
        if (rate > 0 && (lowest == 0 || rate < lowest))
            lowest = rate;
    }
    return lowest;
}

static void ask(struct fetch *fetch, double rate, double missing, double now)
{
    double more = rate * ASK_FOR;
    fetch->asked_for = more > missing ? more : missing;
    for (int i = 0; i < LIMITS; i++) {
        struct limit *limit = limit_of(fetch, i);
        if (limit)
            limit_ask(limit, &fetch->claims[i], fetch->transfer, fetch->asked_for, now);
    }
}

/* The longest wait of all. What it asked for is its own when there is none. */
static double wait_for_all(struct fetch *fetch, double now)
{
    double longest = 0;
    for (int i = 0; i < LIMITS; i++) {
        struct limit *limit = limit_of(fetch, i);
        double wait = limit ? limit_wait(limit, &fetch->claims[i], now) : 0;
        longest = wait > longest ? wait : longest;
    }
    if (longest == 0) {
        fetch->credit += fetch->asked_for;
        fetch->asked_for = 0;
    }
    return longest;
}

bool throttle_due(struct fetch *fetch, double now)
{
    double wait = fetch->asked_for > 0 ? wait_for_all(fetch, now) : 0;
    fetch->resume_at = wait > 0 ? now + wait : 0;
    return wait == 0;
}

bool throttle_holds(const struct fetch *fetch)
{
    return fetch->resume_at > 0;
}

bool throttle_pass(struct fetch *fetch, size_t length)
{
    double rate = lowest_rate(fetch), missing = (double) length - fetch->credit;
    if (throttle_holds(fetch))
        return false;
    if (rate > 0 && missing > 0) {
        double now = monotonic();
        ask(fetch, rate, missing, now);
        if (!throttle_due(fetch, now))
            return false;
    }
    fetch->credit = rate > 0 ? fetch->credit - (double) length : 0;
    return true;
}

void throttle_return(struct fetch *fetch, size_t length)
{
    if (fetch->credit > 0 || lowest_rate(fetch) > 0)
        fetch->credit += (double) length;
}

long throttle_buffer(struct fetch *fetch, long most)
{
    double rate = lowest_rate(fetch);
    int streams = atomic_load(fetch->transfer->streams);
    double piece = rate * PIECE_FOR / (streams > 0 ? streams : 1);
    if (rate == 0 || piece > (double) most)
        return most;
    return piece < PIECE_LEAST ? PIECE_LEAST : (long) piece;
}

void throttle_leave(struct fetch *fetch)
{
    for (int i = 0; i < LIMITS; i++)
        if (fetch->claims[i].owner)
            limit_drop(limit_of(fetch, i), &fetch->claims[i], fetch->credit + fetch->asked_for);
    fetch->credit = fetch->asked_for = fetch->resume_at = 0;
    hosts_leave(fetch->transfer->hosts, fetch->host);
    fetch->host = NULL;
}
