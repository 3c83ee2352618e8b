/* accept.c: the head of an answer: read, judged, and applied to its transfer.
 * SPDX-License-Identifier: MIT
 */
#include "accept.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "connection.h"
#include "field.h"
#include "jar.h"
#include "page.h"
#include "prove.h"
#include "reading.h"
#include "redirect.h"
#include "single.h"
#include "trace.h"

#define HEADERS_MOST 65536 /* bytes of all header lines before a body (H43) */
#define INTERIM_MOST 16    /* 1xx responses */
#define FLIPS 2            /* answers with another ETag before it is dropped (H26) */
#define STEADY 6           /* answers with one other ETag alone: it is another version's (H21) */

void accept_refuse_header(struct fetch *fetch)
{
    error_set(&fetch->error, LDL_PROTOCOL, fetch->url.text,
              "the header of the answer is too large");
}

size_t accept_header(char *bytes, size_t size, size_t count, void *subject)
{
    struct fetch *fetch = subject;
    size_t length = size * count;
    if (fetch->state != FETCH_HEAD)
        return length; /* trailers say nothing about framing or identity (H45) */
    if (length > 5 && memcmp(bytes, "HTTP/", 5) == 0)
        fetch->interim++;
    fetch->header_bytes += length;
    bool endless = fetch->header_bytes > HEADERS_MOST || fetch->interim > INTERIM_MOST + 1;
    if (endless)
        accept_refuse_header(fetch);
    else if (!lines_add(&fetch->lines, bytes, length))
        fetch_refuse(fetch, LDL_NO_MEMORY);
    else
        return length;
    return 0;
}

/* The headers of the final response. What isn't HTTP has a few made of what else is known. */
static struct ldl_header *read_headers(struct fetch *fetch, size_t *count)
{
    return fetch->url.web ? lines_list(&fetch->lines, count) : single_head(fetch, count);
}

static void status_error(struct fetch *fetch, int status)
{
    const struct answer *answer = &fetch->answer;
    error_set(&fetch->error, answer->kind, fetch->url.text, "%s", answer->reason);
    fetch->error.status = status;
    fetch->error.retry_after = answer->retry_after;
    fetch->error.retry_at = answer->retry_at;
}

static bool as_expected(struct fetch *fetch, const struct identity *seen)
{
    return transfer_expects(fetch->transfer, seen, fetch->url.text, &fetch->error);
}

static void place_body(struct fetch *fetch)
{
    const struct answer *answer = &fetch->answer;
    fetch->position = answer->first;
    fetch->reach = answer->length == 0 ? answer->first
                   : answer->last >= 0 ? answer->last + 1
                                       : INT64_MAX;
    fetch->from = fetch->position;
    fetch->end = fetch->reach;
    fetch->flushed = fetch->last_byte = fetch->window_start = monotonic();
}

/* Where the redirects have led. Transfer lock held. */
static int stay_there(struct fetch *fetch)
{
    struct transfer *transfer = fetch->transfer;
    char *url = strdup(fetch->url.text);
    char *user = fetch->url.user ? strdup(fetch->url.user) : NULL;
    if (!url || (fetch->url.user && !user)) {
        free(url);
        free(user);
        return -LDL_NO_MEMORY;
    }
    free(transfer->url);
    free(transfer->user);
    transfer->url = url;
    transfer->user = user;
    transfer->redirected = fetch->redirected;
    transfer->stripped = fetch->stripped;
    transfer->bare = fetch->bare;
    transfer->plain_get = fetch->plain_get;
    return 0;
}

/* What the first answer says holds from now on. Transfer lock held. */
static int identify(struct fetch *fetch, struct head *head)
{
    struct transfer *transfer = fetch->transfer;
    const struct answer *answer = &fetch->answer;
    if (stay_there(fetch) != 0)
        return -LDL_NO_MEMORY;
    transfer->known = answer->seen;
    transfer->ranges = fetch->ranged && answer->accepts_ranges && answer->seen.total >= 0;
    transfer->length_verified = answer->length_framed || answer->seen.total >= 0;
    connection_measure(fetch);
    connection_pin(fetch);
    transfer_set_head(transfer, head);
    return 0;
}

/* A part can't be cut out of a whole that only begins at byte 0. */
static bool has_part(struct fetch *fetch)
{
    if (!transfer_is_part(fetch->transfer) || fetch->answer.verdict == ANSWER_RANGE)
        return true;
    error_set(&fetch->error, LDL_RANGE_IGNORED, fetch->url.text,
              "asked for a part, the server sent the whole");
    return false;
}

static void finish_info(struct transfer *transfer)
{
    struct ldl_error none = {.kind = LDL_OK, .retry_after = -1, .retry_at = -1};
    transfer_fail(transfer, &none);
}

static struct head *keep_head(struct fetch *fetch, int status, const struct ldl_header *headers,
                              size_t count)
{
    struct head *head = head_new(fetch->url.text, status, headers, count);
    if (head) {
        head->redirects = fetch->hops;
        connection_address(fetch, head->address, sizeof head->address);
    }
    return head;
}

static void accept_first(struct fetch *fetch, int status, const struct ldl_header *headers,
                         size_t count)
{
    struct transfer *transfer = fetch->transfer;
    bool info = transfer->request.options.head_only;
    if (!as_expected(fetch, &fetch->answer.seen) || !has_part(fetch))
        return;
    struct head *head = keep_head(fetch, status, headers, count);
    place_body(fetch);
    fetch->state = FETCH_PARKED;
    pthread_mutex_lock(&transfer->lock);
    transfer->first = fetch;
    if (!head || identify(fetch, head) != 0) {
        head_unref(head);
        fetch_refuse(fetch, LDL_NO_MEMORY);
    }
    pthread_mutex_unlock(&transfer->lock);
    if (info && fetch->error.kind == LDL_OK)
        finish_info(transfer);
}

static void drop_etag(struct transfer *transfer)
{
    transfer->known.etag_strength = ETAG_NONE;
    transfer->known.last_modified_strong = false; /* another run compares bytes, too */
    transfer->known.date = -1;
    if (transfer->proof == PROOF_VALIDATOR)
        transfer->proof = PROOF_OVERLAP;
    transfer->warning =
        "the server's ETag differs from answer to answer; its date and length were relied on";
}

/* Another ETag, but the same date and length: some clusters do that (H26). Its answer isn't used. When ETags come and go
 * they count no more; one other alone is that of another version, which may have kept its date. */
static void count_flip(struct fetch *fetch, int status)
{
    struct transfer *transfer = fetch->transfer;
    const struct identity *seen = &fetch->answer.seen;
    bool told = seen->etag_strength != ETAG_NONE;
    uint64_t etag = told ? journal_hash(seen->etag, strlen(seen->etag)) : 0;
    transfer->flips++;
    if (!told || (transfer->flips > 1 && etag != transfer->flipped))
        transfer->etags_vary = true;
    transfer->flipped = etag;
    if (transfer->flips >= FLIPS && transfer->etags_vary)
        drop_etag(transfer);
    else if (transfer->flips >= STEADY)
        status_error(fetch, status);
}

/* One stream brings all from byte 0. A length that only one of the answers tells holds for all. Transfer lock held. */
static void take_whole(struct fetch *fetch, double now)
{
    struct transfer *transfer = fetch->transfer;
    int64_t told = fetch->answer.seen.total;
    if (transfer_is_read(transfer))
        fetch->cut = chunk_take_rest(&transfer->plan, fetch->stream, now, &fetch->from) != 0;
    else
        fetch->cut = chunk_take_all(&transfer->plan, fetch->stream, now) != 0;
    if (!fetch->cut && transfer->known.total < 0 && told >= 0) {
        transfer->known.total = told;
        plan_set_total(&transfer->plan, told);
    }
    if (transfer->known.total >= 0)
        fetch->reach = transfer->known.total;
    transfer->length_verified = transfer->known.total >= 0 || fetch->answer.length_framed;
}

/* What the journal counts must count no more before it is written over, nor what a checkpoint is counting at this
 * moment. Transfer lock held. */
static void park_whole(struct fetch *fetch)
{
    place_body(fetch);
    fetch->state = FETCH_PARKED;
    fetch->transfer->first = fetch;
    transfer_job(fetch->transfer, JOB_RESET);
}

void accept_join(struct fetch *fetch)
{
    struct transfer *transfer = fetch->transfer;
    double now = monotonic();
    fetch->state = FETCH_BODY;
    place_body(fetch);
    if (fetch->purpose == FETCH_WHOLE)
        take_whole(fetch, now);
    else
        fetch->cut = chunk_accept(&transfer->plan, fetch->stream, now,
                                  (struct span){fetch->position, fetch->reach}, &fetch->from)
                     != 1;
    if (fetch->cut)
        return;
    connection_measure(fetch);
    fetch_deliver(fetch);
}

/* The server doesn't serve ranges after all (H1): nobody else is sent, the stream from byte 0 goes on. */
static void give_up_ranges(struct fetch *fetch)
{
    fetch->transfer->ranges = false;
    fetch->cut = true;
    trace_step(fetch->transfer, LDL_STEP_DEGRADE, fetch->stream, fetch->ask, 0, NULL,
               "the server ignores ranges: one stream from now on");
}

/* An answer may be shorter than what was asked (H5), but with crumbs nobody comes to an end. The resource's own end may be
 * near. */
static bool is_crumb(const struct fetch *fetch)
{
    const struct answer *answer = &fetch->answer;
    bool check = fetch->purpose == FETCH_CHECK;
    int64_t asked = fetch->ask.end - fetch->ask.first;
    int64_t enough = check ? asked : fetch_enough(asked);
    if (!check && answer->last + 1 == answer->seen.total)
        return false;
    return fetch_has_span(fetch) && answer->verdict == ANSWER_RANGE
           && answer->last - answer->first + 1 < enough;
}

static void refuse_crumb(struct fetch *fetch, int status)
{
    error_set(&fetch->error, LDL_RANGE_MISMATCH, fetch->url.text,
              "the answer has only %lld of %lld bytes",
              (long long) (fetch->answer.last - fetch->answer.first + 1),
              (long long) (fetch->ask.end - fetch->ask.first));
    fetch->error.status = status;
}

/* What the first answer of this run tells, where the identity was known before. Transfer lock held. */
static int introduce(struct fetch *fetch, struct head *head)
{
    struct transfer *transfer = fetch->transfer;
    if (stay_there(fetch) != 0) {
        head_unref(head);
        return -LDL_NO_MEMORY;
    }
    transfer->head = head;
    connection_pin(fetch);
    int result = prove_total(fetch);
    if (result == 0 && !as_expected(fetch, &transfer->known))
        result = -fetch->error.kind;
    return result;
}

/* A server that sends the whole though the condition holds: some drop the range then (H21). Transfer lock held. */
static void ignored(struct fetch *fetch)
{
    if (fetch->conditional)
        fetch->drop_condition = true;
    else
        give_up_ranges(fetch);
}

/* Nothing that was read is read again: the stream goes on where that ended. Transfer lock held. */
static void join_whole(struct fetch *fetch, int status)
{
    struct transfer *transfer = fetch->transfer;
    if (!transfer_is_read(transfer)) {
        park_whole(fetch);
    } else if (reading_may_join(transfer, &fetch->answer.seen)) {
        accept_join(fetch);
        atomic_store(&transfer->received, fetch->from - transfer->request.options.range.start);
    } else {
        error_set(&fetch->error, LDL_REMOTE_CHANGED, fetch->url.text,
                  "a part was read, and nothing shows that this is still the same file");
        fetch->error.status = status;
    }
}

/* Transfer lock held. */
static void join_range(struct fetch *fetch)
{
    bool proving = fetch->transfer->proof != PROOF_NONE;
    fetch->cut = !prove_by_validator(fetch);
    if (fetch->cut)
        return;
    if (fetch->hops > 0)
        (void) stay_there(fetch); /* a renewed link may redirect: the next ones go straight there */
    accept_join(fetch);
    if (proving)
        transfer_proven(fetch->transfer);
}

/* Transfer lock held. */
static void join_as_told(struct fetch *fetch, int status)
{
    struct transfer *transfer = fetch->transfer;
    int verdict = fetch->answer.verdict;
    fetch->cut = verdict == ANSWER_FLIPPED;
    if (fetch->cut) {
        count_flip(fetch, status);
        return;
    }
    if (transfer->flips > 0 && identity_etag_matches(&transfer->known, &fetch->answer.seen))
        transfer->etags_vary = true; /* the known one again */
    if (verdict == ANSWER_IGNORED) {
        ignored(fetch);
    } else if (fetch->purpose == FETCH_CHECK) {
        place_body(fetch);
        fetch->state = FETCH_COMPARE;
    } else if (fetch->purpose == FETCH_WHOLE) {
        join_whole(fetch, status);
    } else {
        join_range(fetch);
    }
}

static void accept_joining(struct fetch *fetch, int status, const struct ldl_header *headers,
                           size_t count)
{
    struct transfer *transfer = fetch->transfer;
    int verdict = fetch->answer.verdict;
    if (!has_part(fetch))
        return;
    bool useful = verdict == ANSWER_RANGE || verdict == ANSWER_WHOLE;
    struct head *head = useful ? keep_head(fetch, status, headers, count) : NULL;
    int result = useful && !head ? -LDL_NO_MEMORY : 0;
    pthread_mutex_lock(&transfer->lock);
    bool first = !transfer->head;
    if (head && first)
        result = introduce(fetch, head);
    if (result == 0)
        join_as_told(fetch, status);
    pthread_mutex_unlock(&transfer->lock);
    if (!first)
        head_unref(head);
    else
        transfer_schedule(transfer); /* others may join now */
    if (result != 0 && fetch->error.kind == LDL_OK)
        fetch_refuse(fetch, -result);
}

/* Where the body goes, from what the head says. */
static void apply(struct fetch *fetch, int status, const struct ldl_header *headers, size_t count)
{
    const struct answer *answer = &fetch->answer;
    fetch->state = FETCH_DRAIN;
    if (answer->verdict == ANSWER_FAULT)
        status_error(fetch, status);
    else if (answer->verdict == ANSWER_REDIRECT)
        redirect_take(fetch, status, answer->location);
    else if (answer->verdict == ANSWER_PLAIN)
        fetch->drop_range = true;
    else if (is_crumb(fetch))
        refuse_crumb(fetch, status);
    else if (fetch->purpose == FETCH_FIRST)
        accept_first(fetch, status, headers, count);
    else
        accept_joining(fetch, status, headers, count);
}

static double wall_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now); /* HTTP dates are wall clock times */
    return (double) now.tv_sec + (double) now.tv_nsec * 1e-9;
}

static void keep_cookies(struct fetch *fetch, const struct ldl_header *headers, size_t count)
{
    struct jar *jar = fetch->transfer->jar;
    struct site site = fetch_site(fetch);
    for (size_t i = 0; jar && i < count; i++)
        if (strcasecmp(headers[i].name, "Set-Cookie") == 0) {
            jar_put(jar, &site, headers[i].value, time(NULL));
            fetch->asked_otherwise = fetch->hops + 1;
        }
}

/* Of a body without a length only the end of its stream tells that it is whole; before 8.7 libcurl takes a stream that
 * was broken off for one that ended (H50). */
static bool is_unbounded(struct fetch *fetch, int status, const struct ldl_header *headers,
                         size_t count)
{
    struct fields fields = {headers, count};
    int64_t length;
    return status / 100 == 2 && status != 204 && connection_is_http2(fetch)
           && field_content_length(&fields, &length) != FIELD_OK
           && curl_version_info(CURLVERSION_NOW)->version_num < 0x080700;
}

/* Is it what was asked for, and what becomes of it? */
static void judge(struct fetch *fetch, int status, const struct ldl_header *headers, size_t count)
{
    struct transfer *transfer = fetch->transfer;
    pthread_mutex_lock(&transfer->lock);
    struct identity known = transfer->known;
    pthread_mutex_unlock(&transfer->lock);
    struct asked asked = {
        .ranged = fetch->ranged,
        .first = fetch->ask.first,
        .last = fetch->ask.end < INT64_MAX ? fetch->ask.end - 1 : -1,
        .joining = fetch->purpose != FETCH_FIRST,
        .redirected = fetch->hops > 0,
        .max_size = transfer->request.options.max_size,
        .host = fetch->url.local ? "it" : fetch->url.host,
    };
    answer_judge(&asked, &known, status, headers, count, wall_clock(), &fetch->answer);
    apply(fetch, fetch->url.web ? status : 0, headers, count);
}

static void ask_without_http2(struct fetch *fetch)
{
    trace_step(fetch->transfer, LDL_STEP_DEGRADE, fetch->stream, fetch->ask, 0, fetch->url.text,
               "a body without a length: asked again over HTTP/1.1");
    fetch->drop_http2 = true;
    fetch->state = FETCH_DRAIN;
}

void accept_head(struct fetch *fetch)
{
    long status = 200; /* as a server would say with these headers, where there is none */
    size_t count = 0;
    struct ldl_header *headers = read_headers(fetch, &count);
    if (!headers) {
        fetch_refuse(fetch, LDL_NO_MEMORY);
        return;
    }
    keep_cookies(fetch, headers, count);
    if (fetch->url.web)
        curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
    connection_trace_answer(fetch, (int) status);
    if (is_unbounded(fetch, (int) status, headers, count))
        ask_without_http2(fetch);
    else if (fetch->purpose == FETCH_PAGE)
        page_accept(fetch, (int) status, headers, count);
    else
        judge(fetch, (int) status, headers, count);
    free(headers);
}

void accept_total(struct fetch *fetch)
{
    struct transfer *transfer = fetch->transfer;
    fetch->answer.seen.total = fetch->position;
    if (!as_expected(fetch, &fetch->answer.seen))
        return;
    pthread_mutex_lock(&transfer->lock);
    plan_set_total(&transfer->plan, fetch->position);
    transfer->known.total = fetch->position;
    transfer_check_complete(transfer);
    pthread_mutex_unlock(&transfer->lock);
}
