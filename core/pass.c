/* pass.c: the body of an answer that is read in order: into the window, as far as there is room.
 * SPDX-License-Identifier: MIT
 *
 * Nothing is collected on the way: the window is memory, and the reader may be waiting for the next byte.
 */
#include "pass.h"

#include "reading.h"
#include "receive.h"

#define PATIENCE 1.0 /* seconds after which a server may close a connection that takes nothing */

size_t pass_known(const struct fetch *fetch, size_t length)
{
    return fetch->taken < length ? fetch->taken : length;
}

/* The bytes of the next write. None: the stream is to pause at the window's edge, or to end. */
static struct span begin_write(struct fetch *fetch, int64_t want)
{
    struct transfer *transfer = fetch->transfer;
    struct span span = {0, 0};
    pthread_mutex_lock(&transfer->lock);
    bool stop = atomic_load(&transfer->over) || transfer->restarting;
    if (!stop)
        span = chunk_begin_write(&transfer->plan, fetch->stream, want, fetch->reach);
    fetch->blocked = !stop && span.first == span.end && chunk_waits(&transfer->plan, fetch->stream);
    pthread_mutex_unlock(&transfer->lock);
    return span;
}

/* More for this stream? */
static bool end_write(struct fetch *fetch, int64_t length)
{
    struct transfer *transfer = fetch->transfer;
    atomic_fetch_add(&transfer->received, length);
    pthread_mutex_lock(&transfer->lock);
    bool more = chunk_end_write(&transfer->plan, fetch->stream, fetch->reach, monotonic());
    transfer_check_complete(transfer);
    if (!atomic_load(&transfer->over))
        reading_tell(transfer);
    pthread_mutex_unlock(&transfer->lock);
    return more;
}

/* So many of the bytes are dealt with; 0: they have to wait. */
static size_t put(struct fetch *fetch, const char *bytes, size_t length)
{
    int64_t known = fetch->from - fetch->position;
    if (known > 0) /* skipped */
        return known < (int64_t) length ? (size_t) known : length;
    int64_t carried = fetch->reach - fetch->position; /* never past the answer's range (H6) */
    struct span span = begin_write(fetch, (int64_t) length < carried ? (int64_t) length : carried);
    if (span.first == span.end) {
        fetch->cut = !fetch->blocked;
        return fetch->blocked ? 0 : length;
    }
    size_t written = (size_t) (span.end - span.first);
    window_put(&fetch->transfer->window, span.first, bytes, written);
    fetch->received += (int64_t) written;
    fetch->cut = !end_write(fetch, (int64_t) written);
    return written;
}

static void pause_here(struct fetch *fetch, size_t taken)
{
    fetch->taken = taken;
    fetch->blocked_since = monotonic();
}

bool pass_body(struct fetch *fetch, const char *bytes, size_t length)
{
    size_t done = pass_known(fetch, length), before = fetch->taken - done;
    fetch->last_byte = monotonic();
    fetch->window_bytes += (int64_t) (length - done);
    if (receive_exceeds(fetch, length - done))
        return true;
    while (done < length && !fetch_stopped(fetch)) {
        size_t part = put(fetch, bytes + done, length - done);
        if (part == 0) {
            pause_here(fetch, done);
            return false;
        }
        done += part;
        fetch->position += (int64_t) part;
    }
    fetch->taken = before;
    return true;
}

void pass_resume(struct fetch *fetch)
{
    double now = monotonic();
    if (!fetch->blocked)
        return;
    fetch->blocked = false;
    fetch->waited += now - fetch->blocked_since;
    fetch->window_start = now;
    fetch->window_bytes = 0;
    fetch_resume(fetch);
}

bool pass_excuses(const struct fetch *fetch)
{
    int kind = fetch->error.kind;
    return fetch->waited > PATIENCE
           && (kind == LDL_SHORT_BODY || kind == LDL_CONNECT || kind == LDL_STALLED);
}
