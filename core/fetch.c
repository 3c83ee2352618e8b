/* fetch.c: one range request: send, receive, hand on.
 * SPDX-License-Identifier: MIT
 *
 * Its states: HEAD (until the first body byte) -> PARKED (the first request, until its file is open) -> BODY, or DRAIN for a
 * body that nobody wants. A body byte is touched only after `answer_judge` has accepted its response.
 */
#include "fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "accept.h"
#include "connection.h"
#include "failure.h"
#include "page.h"
#include "pass.h"
#include "reading.h"
#include "receive.h"
#include "redirect.h"
#include "send.h"
#include "throttle.h"
#include "whole.h"

#define PROGRESS ((int64_t) 64 << 10)

/* Birth */

struct fetch *fetch_new(struct transfer *transfer, int purpose, uint32_t stream, struct span ask)
{
    struct fetch *fetch = calloc(1, sizeof *fetch);
    struct note *note = calloc(1, sizeof *note);
    if (!fetch || !note) {
        free(fetch);
        free(note);
        return NULL;
    }
    fetch->transfer = transfer;
    fetch->note = note;
    fetch->purpose = purpose;
    fetch->stream = stream;
    fetch->ask = ask;
    fetch->ranged = purpose == FETCH_PAGE ? transfer_is_part(transfer) : purpose != FETCH_WHOLE;
    fetch->conditional = purpose == FETCH_RANGE && transfer->proof == PROOF_VALIDATOR;
    fetch->socket = -1;
    fetch->local.fd = -1;
    transfer_ref(transfer);
    return fetch;
}

bool fetch_has_span(const struct fetch *fetch)
{
    return fetch->purpose == FETCH_RANGE || fetch->purpose == FETCH_CHECK;
}

/* Later requests go straight to where the first one was led. */
static int take_url(struct fetch *fetch)
{
    struct transfer *transfer = fetch->transfer;
    if (fetch->url.text)
        return 0; /* a redirect set it */
    pthread_mutex_lock(&transfer->lock);
    const struct url *first = &transfer->request.url;
    int result = strcmp(transfer->url, first->text) == 0 ? url_copy(first, &fetch->url)
                                                         : url_parse(transfer->url, &fetch->url);
    if (result == 0 && transfer->user && !(fetch->url.user = strdup(transfer->user)))
        result = -LDL_NO_MEMORY;
    fetch->stripped = transfer->stripped;
    fetch->bare = transfer->bare;
    fetch->redirected = transfer->redirected;
    fetch->plain_get = transfer->plain_get;
    fetch->http1 = transfer->http1;
    if (fetch->purpose == FETCH_FIRST && transfer->asked_plain)
        fetch->ranged = false;
    pthread_mutex_unlock(&transfer->lock);
    return result;
}

int fetch_prepare(struct fetch *fetch)
{
    int result = take_url(fetch);
    if (result == 0 && !fetch->easy && !(fetch->easy = curl_easy_init()))
        result = -LDL_NO_MEMORY;
    if (result == 0)
        result = send_configure(fetch);
    if (result != 0)
        return result;
    curl_easy_setopt(fetch->easy, CURLOPT_PRIVATE, fetch);
    curl_easy_setopt(fetch->easy, CURLOPT_HEADERFUNCTION, accept_header);
    curl_easy_setopt(fetch->easy, CURLOPT_HEADERDATA, fetch);
    curl_easy_setopt(fetch->easy, CURLOPT_WRITEFUNCTION, receive_body);
    curl_easy_setopt(fetch->easy, CURLOPT_WRITEDATA, fetch);
    fetch->state = FETCH_HEAD;
    fetch->ended = false;
    lines_clear(&fetch->lines);
    fetch->header_bytes = 0;
    fetch->interim = 0;
    fetch->drained = 0;
    fetch->asked = monotonic();
    fetch->last_byte = 0;
    return 0;
}

bool fetch_stopped(const struct fetch *fetch)
{
    return fetch->cut || fetch->error.kind != LDL_OK || atomic_load(&fetch->transfer->over);
}

/* The end */

struct site fetch_site(const struct fetch *fetch)
{
    const struct url *url = &fetch->url;
    return (struct site){url->host, url_path(url), strcmp(url->scheme, "https") == 0};
}

/* So much of what was asked must come for a try to count as progress. */
int64_t fetch_enough(int64_t asked)
{
    return asked / 10 < PROGRESS ? (asked + 9) / 10 : PROGRESS;
}

/* 7.88 chooses the next address in time, but connects to it only when it is called again. And while the connection of a
 * file over ftps has no TLS yet, which comes with the file, it has nobody watch for the answers to its commands. */
void fetch_nudge(struct fetch *fetch)
{
    curl_off_t connected = 0;
    curl_easy_getinfo(fetch->easy, CURLINFO_CONNECT_TIME_T, &connected);
    if (connected > 0 && strcmp(fetch->url.scheme, "ftps") != 0)
        return;
    curl_easy_pause(fetch->easy, CURLPAUSE_SEND);
    curl_easy_pause(fetch->easy, CURLPAUSE_CONT);
}

bool fetch_connected(struct fetch *fetch)
{
    curl_off_t sent = 0;
    curl_easy_getinfo(fetch->easy, CURLINFO_PRETRANSFER_TIME_T, &sent);
    return sent > 0;
}

bool fetch_is_unsent(struct fetch *fetch)
{
    return fetch->hops == 0 && !fetch_connected(fetch);
}

void fetch_refuse(struct fetch *fetch, int kind)
{
    error_set(&fetch->error, kind, fetch->url.text, "%s", ldl_kind_text(kind));
}

/* The answer came to its end: is that all of what it announced? */
static void end_body(struct fetch *fetch, int code)
{
    if (fetch->used > 0 && fetch->state == FETCH_BODY && !fetch_stopped(fetch))
        receive_flush(fetch);
    if (fetch_stopped(fetch))
        return;
    if (code != CURLE_OK) {
        failure_set(fetch, code);
    } else if (fetch->reach != INT64_MAX && fetch->position < fetch->reach) {
        error_set(&fetch->error, LDL_SHORT_BODY, fetch->url.text,
                  "the body ended after %lld of %lld bytes",
                  (long long) (fetch->position - fetch->answer.first),
                  (long long) (fetch->reach - fetch->answer.first));
    } else if (fetch->reach == INT64_MAX) {
        accept_total(fetch);
    }
}

static int resend(struct fetch *fetch)
{
    int result = fetch->location ? redirect_follow(fetch) : 0;
    throttle_leave(fetch);
    if (fetch->drop_range) {
        fetch->ranged = false;
        fetch->drop_range = false;
        pthread_mutex_lock(&fetch->transfer->lock);
        fetch->transfer->asked_plain = true;
        pthread_mutex_unlock(&fetch->transfer->lock);
    }
    fetch->http1 = fetch->http1 || fetch->drop_http2;
    fetch->drop_http2 = false;
    fetch->conditional = fetch->conditional && !fetch->drop_condition;
    fetch->drop_condition = false;
    free(fetch->location);
    fetch->location = NULL;
    if (result == 0)
        result = fetch_prepare(fetch);
    if (result != 0 && fetch->error.kind == LDL_OK)
        fetch_refuse(fetch, -result);
    return result == 0 ? FETCH_RESEND : FETCH_ENDED;
}

/* It came while the file was being opened, all of it. */
static bool is_whole(const struct fetch *fetch)
{
    return fetch->purpose == FETCH_FIRST && fetch->code == CURLE_OK && fetch->held
           && fetch->answer.first == 0 && fetch->reach == (int64_t) fetch->held_used;
}

static bool hand_over(struct fetch *fetch)
{
    if (!whole_keep(fetch->transfer, fetch->held, fetch->held_used))
        return false;
    fetch->held = NULL;
    return true;
}

/* What came of it is for the file; nothing more is to come. */
static int keep(struct fetch *fetch)
{
    receive_open(fetch);
    return FETCH_KEEP;
}

int fetch_done(struct fetch *fetch, int code)
{
    if (fetch->state == FETCH_HEAD && code == CURLE_OK)
        accept_head(fetch); /* no body byte came */
    fetch->ended = true;
    fetch->code = code;
    if (code != CURLE_OK)
        transfer_check_deadline(fetch->transfer, monotonic());
    if (fetch->error.kind != LDL_OK)
        return FETCH_ENDED;
    if (fetch->state == FETCH_PARKED)
        return is_whole(fetch) && hand_over(fetch) ? FETCH_ENDED : keep(fetch);
    if (fetch->location || fetch->drop_range || fetch->drop_condition || fetch->drop_http2)
        return resend(fetch);
    if (fetch->state == FETCH_COLLECT)
        page_end(fetch, code);
    else if (fetch->state == FETCH_BODY || fetch->state == FETCH_COMPARE)
        end_body(fetch, code);
    else if (code != CURLE_OK && !fetch_stopped(fetch))
        failure_set(fetch, code);
    return FETCH_ENDED;
}

void fetch_deliver(struct fetch *fetch)
{
    fetch->end = fetch->from + chunk_left(&fetch->transfer->plan, fetch->stream);
    fetch->delivering = true;
    fetch->transfer->accepted++;
    atomic_fetch_add(&fetch->transfer->delivering, 1);
}

/* What is held of an earlier run came first: this stream is of use where a gap begins at byte 0. Transfer lock held. */
static int join_held(struct fetch *fetch)
{
    struct transfer *transfer = fetch->transfer;
    double now = monotonic();
    struct span ask, got = {fetch->position, fetch->reach};
    int result = transfer->state != LDL_RUNNING || transfer->proof != PROOF_NONE
                     ? 0
                     : chunk_claim(&transfer->plan, fetch->stream, now, &ask);
    if (result == 1 && ask.first == fetch->position)
        result = chunk_accept(&transfer->plan, fetch->stream, now, got, &fetch->from);
    else if (result == 1)
        result = 0;
    fetch->cut = result != 1;
    if (fetch->cut)
        chunk_release(&transfer->plan, fetch->stream, CHUNK_FREE, false, &ask);
    else
        fetch_deliver(fetch);
    if (transfer->proof == PROOF_NONE && transfer->state == LDL_RUNNING)
        transfer_proven(transfer);
    return result < 0 ? result : 0;
}

/* A part of the resource, or pieces in order: the first stream claims what it brings. */
static int lay_out_part(struct fetch *fetch)
{
    struct transfer *transfer = fetch->transfer;
    const struct ldl_extent *range = &transfer->request.options.range;
    int64_t total = transfer->known.total;
    struct ldl_extent others[] = {{0, range->start}, {range->end, total}}; /* count as written */
    bool before = range->start > 0, after = range->end > 0 && range->end < total;
    int result = plan_resume(&transfer->plan, total, transfer->request.options.min_split,
                             others + !before, (size_t) before + after);
    reading_lay_out(transfer);
    transfer->state = LDL_RUNNING;
    return result == 0 ? join_held(fetch) : result;
}

/* The plan: all is the first stream's, then shares for the others. Transfer lock held. */
static int lay_out(struct fetch *fetch)
{
    struct transfer *transfer = fetch->transfer;
    struct plan measured = transfer->plan;
    int result =
        plan_init(&transfer->plan, transfer->known.total, transfer->request.options.min_split);
    if (result != 0)
        return result;
    transfer->plan.turnaround = measured.turnaround;
    transfer->plan.round_trip = measured.round_trip;
    reading_lay_out(transfer);
    transfer->state = LDL_RUNNING;
    if (transfer->known.total != 0)
        result = chunk_take_all(&transfer->plan, fetch->stream, monotonic());
    if (transfer->ranges && transfer->known.total > 0)
        plan_divide(&transfer->plan, transfer->connections);
    fetch_deliver(fetch);
    transfer_check_complete(transfer);
    return result;
}

/* Transfer lock held. */
static int go_on(struct fetch *fetch)
{
    struct transfer *transfer = fetch->transfer;
    bool part = transfer_is_part(transfer) || (transfer_is_read(transfer) && transfer->ranges);
    if (transfer->state == LDL_PARKED)
        return part ? lay_out_part(fetch) : lay_out(fetch);
    if (fetch->purpose == FETCH_FIRST)
        return join_held(fetch);
    accept_join(fetch); /* the whole; the part was emptied for it */
    return 0;
}

int fetch_go(struct fetch *fetch)
{
    struct transfer *transfer = fetch->transfer;
    if (fetch_stopped(fetch))
        return FETCH_ENDED;
    pthread_mutex_lock(&transfer->lock);
    transfer->first = NULL;
    bool fresh = transfer->state == LDL_PARKED;
    int result = go_on(fetch);
    if (result != 0 && fresh)
        transfer->state = LDL_WAITING; /* a retry sends the first request again */
    pthread_mutex_unlock(&transfer->lock);
    fetch->state = FETCH_BODY;
    fetch->last_byte = fetch->flushed = fetch->window_start = monotonic();
    if (result != 0)
        fetch_refuse(fetch, -result);
    if (fetch->cut)
        return FETCH_ENDED;
    if (result == 0)
        receive_held(fetch);
    if (fetch->ended || result != 0) {
        end_body(fetch, fetch->code);
        return FETCH_ENDED;
    }
    curl_easy_pause(fetch->easy, CURLPAUSE_CONT);
    return FETCH_KEEP;
}

void fetch_resume(struct fetch *fetch)
{
    fetch->asked = fetch->last_byte = monotonic(); /* the watchdogs begin anew */
    curl_easy_pause(fetch->easy, CURLPAUSE_CONT);
}

/* Did it bring enough to go on at once? A stream from byte 0 has to come further than those before it (H54). */
static bool made_progress(struct fetch *fetch)
{
    struct transfer *transfer = fetch->transfer;
    int64_t total = transfer->known.total; /* the first request asks for all, whatever that is */
    int64_t asked = (total >= 0 && total < fetch->ask.end ? total : fetch->ask.end)
                    - fetch->ask.first;
    int64_t gained = fetch->received;
    if (!transfer->ranges) {
        gained = fetch->position - transfer->furthest;
        transfer->furthest = gained > 0 ? fetch->position : transfer->furthest;
    }
    return gained >= fetch_enough(asked) && gained > 0;
}

static void describe_fault(struct fetch *fetch, struct span rest, int attempt, bool progress)
{
    struct transfer *transfer = fetch->transfer;
    fetch->error.unsent = fetch_is_unsent(fetch);
    fetch->note->single_use = true;
    fetch->note->generation = transfer->generation;
    fetch->note->event = (struct ldl_event){
        .stream = (int) fetch->stream,
        .error = fetch->error,
        .stage = LDL_STAGE_REQUEST,
        .first = rest.first,
        .last = rest.end == INT64_MAX ? -1 : rest.end - 1,
        .received = fetch->received,
        .attempt = attempt,
        .progress = progress,
        .extra = fetch->purpose == FETCH_RANGE && transfer->accepted > 0,
        .redirected = fetch->redirected,
        .active = atomic_load(&transfer->delivering),
    };
}

/* Attempts at streams that begin at byte 0 are counted here; those at ranges in the plan. */
static int count_attempt(struct fetch *fetch, bool progress, int in_plan)
{
    struct transfer *transfer = fetch->transfer;
    if (transfer->ranges && transfer->state == LDL_RUNNING && fetch->purpose != FETCH_CHECK)
        return in_plan;
    transfer->attempt = progress ? 1 : transfer->attempt + 1;
    return transfer->attempt;
}

/* An answer may be shorter than what was asked; one that brings next to nothing is a failed try (H5). */
static void check_share(struct fetch *fetch, bool progress)
{
    struct transfer *transfer = fetch->transfer;
    if (progress || !fetch->ended || fetch_stopped(fetch) || transfer->state != LDL_RUNNING
        || !chunk_owns(&transfer->plan, fetch->stream))
        return; /* of a range, what its answer leaves was set free when it was accepted */
    error_set(&fetch->error, LDL_SHORT_BODY, fetch->url.text,
              "the answer had only %lld of the bytes asked for", (long long) fetch->received);
}

/* The name may have other addresses than the one that fails. */
static void forget_address(struct fetch *fetch)
{
    if (fetch->error.kind != LDL_CONNECT && fetch->error.kind != LDL_TIMEOUT)
        return;
    free(fetch->transfer->pinned);
    fetch->transfer->pinned = NULL;
}

/* Gives its part back. Returns whether a fault is to be posted. Transfer lock held. */
static bool give_back(struct fetch *fetch)
{
    struct transfer *transfer = fetch->transfer;
    bool progress = made_progress(fetch);
    check_share(fetch, progress);
    if (pass_excuses(fetch))
        fetch->error.kind = LDL_OK;
    bool fault = fetch->error.kind != LDL_OK && !atomic_load(&transfer->over)
                 && !transfer->restarting && transfer->state != LDL_PUBLISHING;
    struct span rest = fetch->ask;
    int attempt = 0;
    if (transfer->state == LDL_RUNNING && fetch->purpose != FETCH_CHECK)
        attempt = chunk_release(&transfer->plan, fetch->stream, fault ? CHUNK_PARKED : CHUNK_FREE,
                                progress, &rest);
    if (fault) {
        describe_fault(fetch, rest, count_attempt(fetch, progress, attempt), progress);
        transfer->held++;
        transfer->http1 = transfer->http1 || connection_is_http2(fetch);
        forget_address(fetch);
    }
    return fault;
}

static void free_fetch(struct fetch *fetch)
{
    send_clear(fetch);
    for (int i = 0; i < fetch->hops; i++)
        free(fetch->visited[i]);
    free(fetch->visited);
    free(fetch->location);
    free(fetch->buffer);
    free(fetch->held);
    lines_free(&fetch->lines);
    hasher_free(&fetch->hasher);
    free(fetch->note);
    url_free(&fetch->url);
    free(fetch);
}

void *fetch_leave(struct fetch *fetch)
{
    struct transfer *transfer = fetch->transfer;
    void *easy = fetch->easy;
    throttle_leave(fetch);
    if (fetch->delivering)
        atomic_fetch_sub(&transfer->delivering, 1);
    if (fetch->purpose == FETCH_PAGE)
        page_fail(fetch);
    pthread_mutex_lock(&transfer->lock);
    if (transfer->first == fetch) {
        transfer->first = NULL;
        transfer_open_due(transfer);
    }
    bool fault = give_back(fetch);
    transfer->active--;
    atomic_fetch_sub(transfer->streams, 1);
    transfer->streams_on[fetch->loop]--;
    transfer_check_complete(transfer);
    if (fault) { /* with the lock held, so that DONE can't come before it */
        transfer_post(transfer, fetch->note, LDL_EVENT_FAULT);
        fetch->note = NULL; /* the owner's now */
    }
    transfer_settle(transfer);
    pthread_mutex_unlock(&transfer->lock);
    transfer_schedule(transfer);
    free_fetch(fetch);
    transfer_unref(transfer);
    return easy;
}
