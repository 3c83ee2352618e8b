/* receive.c: the body of an accepted answer: collected, and written at its offset.
 * SPDX-License-Identifier: MIT
 *
 * libcurl brings 16 KiB at a time; collecting them to half a megabyte is a third of the speed.
 */
#include "receive.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "accept.h"
#include "page.h"
#include "pass.h"
#include "prove.h"
#include "single.h"
#include "sockets.h"
#include "throttle.h"

#define DRAIN_MOST 65536 /* bytes of an unwanted body, to keep its connection */
#define PIECE ((size_t) 512 << 10)
#define PIECE_LEAST ((size_t) 32 << 10)
#define POOL ((size_t) 16 << 20) /* for the buffers of all streams of a session */
#define HINT_EVERY ((int64_t) 8 << 20)

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* A write is tried at each multiple of this, and half a buffer is as long. */
static size_t piece_size(const struct fetch *fetch)
{
    int streams = atomic_load(fetch->transfer->streams);
    size_t size = POOL / 2 / (size_t) (streams > 0 ? streams : 1);
    return size > PIECE ? PIECE : size < PIECE_LEAST ? PIECE_LEAST : size;
}

static bool have_buffer(struct fetch *fetch)
{
    if (fetch->buffer)
        return true;
    int64_t left = fetch->reach - fetch->position;
    fetch->piece = piece_size(fetch);
    fetch->size = left < (int64_t) (2 * fetch->piece) ? (size_t) left : 2 * fetch->piece;
    fetch->buffer = malloc(fetch->size);
    if (!fetch->buffer)
        error_set(&fetch->error, LDL_NO_MEMORY, fetch->url.text, "%s",
                  ldl_kind_text(LDL_NO_MEMORY));
    return fetch->buffer != NULL;
}

static void hint(const struct fetch *fetch, struct span span)
{
    int64_t mark = span.end / HINT_EVERY * HINT_EVERY;
    if (mark > span.first)
        file_hint(&fetch->transfer->file, mark - HINT_EVERY, HINT_EVERY);
}

/* Writes the part of the buffer that may be written now. False: no more for this stream.
 * Threads take turns: writers of one file exclude each other in the kernel anyway, but there they spin, which cost
 * a fifth of all CPU time with two threads on tmpfs. */
static bool write_span(struct fetch *fetch, const char *bytes, struct span span)
{
    struct transfer *transfer = fetch->transfer;
    int errnum = 0;
    int64_t length = span.end - span.first, base = transfer->request.options.range.start;
    pthread_mutex_lock(&transfer->writing);
    int result = file_write(&transfer->file, bytes, (size_t) length, span.first - base, &errnum);
    pthread_mutex_unlock(&transfer->writing);
    if (result != 0) {
        transfer_write_failed(transfer, -result, errnum); /* all its streams stop (F2, F4) */
        pthread_mutex_lock(&transfer->lock);
        chunk_abort_write(&transfer->plan, fetch->stream);
        pthread_mutex_unlock(&transfer->lock);
        return false;
    }
    hint(fetch, span);
    hasher_feed(&fetch->hasher, &transfer->sums, bytes, (size_t) length, span.first);
    atomic_fetch_add(&transfer->received, length); /* before the file may be found complete */
    pthread_mutex_lock(&transfer->lock);
    bool more = chunk_end_write(&transfer->plan, fetch->stream, fetch->reach, monotonic());
    fetch->end = span.end + chunk_left(&transfer->plan, fetch->stream);
    transfer_check_complete(transfer);
    pthread_mutex_unlock(&transfer->lock);
    fetch->received += length;
    return more;
}

static struct span next_span(struct fetch *fetch, int64_t want)
{
    struct transfer *transfer = fetch->transfer;
    pthread_mutex_lock(&transfer->lock);
    bool stop = atomic_load(&transfer->over) || transfer->restarting;
    struct span span = {0, 0};
    if (!stop)
        span = chunk_begin_write(&transfer->plan, fetch->stream, want, fetch->reach);
    pthread_mutex_unlock(&transfer->lock);
    return span;
}

void receive_flush(struct fetch *fetch)
{
    size_t done = 0;
    bool more = true;
    while (more && done < fetch->used) {
        struct span span = next_span(fetch, (int64_t) (fetch->used - done));
        more = span.end > span.first && write_span(fetch, fetch->buffer + done, span);
        done += (size_t) (span.end - span.first);
    }
    fetch->used = 0;
    fetch->flushed = monotonic();
    fetch->cut = fetch->cut || !more;
}

/* How many bytes fit before the next write: its cuts lie on multiples of the piece. */
static size_t room(const struct fetch *fetch)
{
    size_t boundary = fetch->piece - (size_t) (fetch->position % (int64_t) fetch->piece);
    size_t least = smaller(fetch->size - fetch->used, boundary);
    int64_t to_end = fetch->end - fetch->position;
    return to_end > 0 && to_end < (int64_t) least ? (size_t) to_end : least;
}

/* Rather than wait for the file, a thread goes on receiving while half of the buffer is free. */
static bool must_wait(const struct fetch *fetch)
{
    if (fetch->used == fetch->size || fetch->position >= fetch->end)
        return false;
    if (pthread_mutex_trylock(&fetch->transfer->writing) != 0)
        return true;
    pthread_mutex_unlock(&fetch->transfer->writing);
    return false;
}

static void collect(struct fetch *fetch, const char *bytes, size_t length)
{
    while (length > 0 && !fetch_stopped(fetch)) {
        size_t fits = room(fetch);
        size_t taken = smaller(length, fits);
        memcpy(fetch->buffer + fetch->used, bytes, taken);
        fetch->used += taken;
        fetch->position += (int64_t) taken;
        bytes += taken;
        length -= taken;
        if (taken == fits && !must_wait(fetch))
            receive_flush(fetch);
    }
}

/* Bytes of the answer that somebody else wrote already. */
static size_t skip(struct fetch *fetch, size_t length)
{
    int64_t before = fetch->from - fetch->position;
    size_t skipped = before <= 0 ? 0 : before < (int64_t) length ? (size_t) before : length;
    fetch->position += (int64_t) skipped;
    return skipped;
}

bool receive_exceeds(struct fetch *fetch, size_t length)
{
    int64_t most = fetch->transfer->request.options.max_size;
    if (most <= 0 || fetch->position + (int64_t) length <= most)
        return false;
    error_set(&fetch->error, LDL_TOO_LARGE, fetch->url.text, "the body is larger than %lld bytes",
              (long long) most);
    return true;
}

static void receive(struct fetch *fetch, const char *bytes, size_t length)
{
    fetch->last_byte = monotonic();
    fetch->window_bytes += (int64_t) length;
    size_t skipped = skip(fetch, length);
    length -= skipped;
    if (fetch->reach - fetch->position < (int64_t) length)
        length = (size_t) (fetch->reach - fetch->position); /* never past the answer's range (H6) */
    if (!receive_exceeds(fetch, length) && have_buffer(fetch))
        collect(fetch, bytes + skipped, length);
}

static size_t drain(struct fetch *fetch, size_t length)
{
    fetch->drained += (int64_t) length;
    return fetch->drained <= DRAIN_MOST ? length : CURL_WRITEFUNC_ERROR;
}

/* Bytes past the end of an answer would be taken for the next one's (H38). */
static bool has_surplus(const struct fetch *fetch)
{
    char byte;
    return fetch->socket >= 0 && recv(fetch->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* May the connection serve another request? Not while bytes of this answer are to come. */
static bool reusable(const struct fetch *fetch)
{
    return fetch->url.web && fetch->position >= fetch->reach && !has_surplus(fetch);
}

/* An answer may come before libcurl has named the socket of a connection that is used again. */
static bool knows_socket(struct fetch *fetch)
{
    long port = 0;
    if (fetch->socket < 0 && curl_easy_getinfo(fetch->easy, CURLINFO_LOCAL_PORT, &port) == CURLE_OK)
        fetch->socket = sockets_find(fetch->sockets, port);
    return fetch->socket >= 0;
}

/* A small body needn't wait for its file: its connection serves the next request meanwhile. */
static bool may_hold(struct fetch *fetch, size_t length)
{
    int64_t wanted = fetch->reach - fetch->position;
    size_t held = fetch->held_used + length;
    if (wanted > SMALL_MOST || held > (uint64_t) wanted || !fetch->url.web
        || transfer_is_read(fetch->transfer))
        return false;
    if (held == (uint64_t) wanted && (!knows_socket(fetch) || has_surplus(fetch)))
        return false;
    if (!fetch->held)
        fetch->held = malloc((size_t) wanted);
    return fetch->held != NULL;
}

static void hold(struct fetch *fetch, const char *bytes, size_t length)
{
    memcpy(fetch->held + fetch->held_used, bytes, length);
    fetch->held_used += length;
}

void receive_held(struct fetch *fetch)
{
    if (fetch->held_used > 0)
        receive(fetch, fetch->held, fetch->held_used);
    fetch->held_used = 0;
}

/* False: it pauses, and what wasn't taken wasn't paid for. */
static bool pass(struct fetch *fetch, const char *bytes, size_t length)
{
    if (pass_body(fetch, bytes, length))
        return true;
    throttle_return(fetch, length - pass_known(fetch, length));
    return false;
}

void receive_open(struct fetch *fetch)
{
    pthread_mutex_lock(&fetch->transfer->lock);
    transfer_open_due(fetch->transfer);
    pthread_mutex_unlock(&fetch->transfer->lock);
}

static size_t take(struct fetch *fetch, char *bytes, size_t length)
{
    if (fetch->state == FETCH_HEAD)
        accept_head(fetch);
    if (fetch->state == FETCH_DRAIN && !atomic_load(&fetch->transfer->over))
        return drain(fetch, length);
    if (fetch_stopped(fetch))
        return CURL_WRITEFUNC_ERROR;
    bool parked = fetch->state == FETCH_PARKED;
    size_t unpaid = length - pass_known(fetch, length);
    if (parked && !may_hold(fetch, length))
        return receive_open(fetch), CURL_WRITEFUNC_PAUSE;
    if (!throttle_pass(fetch, unpaid))
        return CURL_WRITEFUNC_PAUSE;
    if (parked)
        hold(fetch, bytes, length);
    else if (fetch->state == FETCH_COLLECT)
        page_collect(fetch, bytes, length);
    else if (fetch->state == FETCH_COMPARE)
        prove_compare(fetch, bytes, length);
    else if (!transfer_is_read(fetch->transfer))
        receive(fetch, bytes, length);
    else if (!pass(fetch, bytes, length))
        return CURL_WRITEFUNC_PAUSE;
    return fetch_stopped(fetch) && !reusable(fetch) ? CURL_WRITEFUNC_ERROR : length;
}

size_t receive_body(char *bytes, size_t size, size_t count, void *subject)
{
    size_t taken = take(subject, bytes, size * count);
    if (taken == CURL_WRITEFUNC_ERROR)
        single_cut(subject);
    return taken;
}
