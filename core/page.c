/* page.c: an answer in memory: taken as it is, whatever its status.
 * SPDX-License-Identifier: MIT */
#include "page.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "failure.h"
#include "field.h"
#include "redirect.h"

#define FIRST_SIZE ((size_t) 16 << 10)
#define ENOUGH ((size_t) 1 << 20) /* a length that a server tells is believed up to here */

static void too_large(struct fetch *fetch)
{
    error_set(&fetch->error, LDL_TOO_LARGE, fetch->url.text, "the answer is larger than %lld bytes",
              (long long) fetch_options(fetch)->max_size);
}

static bool reserve(struct fetch *fetch, size_t size)
{
    struct transfer *transfer = fetch->transfer;
    if (size <= transfer->page_size)
        return true;
    char *page = realloc(transfer->page, size);
    if (!page) {
        fetch_refuse(fetch, LDL_NO_MEMORY);
        return false;
    }
    transfer->page = page;
    transfer->page_size = size;
    return true;
}

/* The head */

static const char *location(const struct fields *fields, int status)
{
    const char *text = NULL;
    bool redirect = status == 301 || status == 302 || status == 303 || status == 307
                    || status == 308;
    return redirect && field_location(fields, &text) == FIELD_OK ? text : NULL;
}

static void set_head(struct fetch *fetch, int status, const struct ldl_header *headers,
                     size_t count)
{
    struct transfer *transfer = fetch->transfer;
    struct head *head = head_new(fetch->url.text, status, headers, count);
    if (!head) {
        fetch_refuse(fetch, LDL_NO_MEMORY);
        return;
    }
    pthread_mutex_lock(&transfer->lock);
    head_unref(transfer->head);
    transfer->head = head;
    pthread_mutex_unlock(&transfer->lock);
}

/* The room for it, where the server tells the length; and when to ask again, if it tells. */
static void begin_body(struct fetch *fetch, const struct fields *fields)
{
    int64_t length = -1, most = fetch_options(fetch)->max_size;
    fetch->answer.retry_after = fetch->answer.retry_at = -1;
    field_retry_after(fields, (double) time(NULL), &fetch->answer.retry_after,
                      &fetch->answer.retry_at);
    if (field_content_length(fields, &length) == FIELD_BAD)
        error_set(&fetch->error, LDL_PROTOCOL, fetch->url.text,
                  "the answer has a Content-Length that is not one number");
    else if (most > 0 && length > most)
        too_large(fetch);
    else if (length >= 0)
        reserve(fetch, (uint64_t) length < ENOUGH ? (size_t) length + 1 : ENOUGH);
}

void page_accept(struct fetch *fetch, int status, const struct ldl_header *headers, size_t count)
{
    struct fields fields = {headers, count};
    const char *where = location(&fields, status);
    if (where && fetch_options(fetch)->max_redirects >= 0) {
        fetch->state = FETCH_DRAIN;
        redirect_take(fetch, status, where);
        return;
    }
    fetch->state = FETCH_COLLECT;
    fetch->last_byte = monotonic();
    set_head(fetch, status, headers, count);
    if (fetch->error.kind == LDL_OK)
        begin_body(fetch, &fields);
}

/* The body */

void page_collect(struct fetch *fetch, const char *bytes, size_t length)
{
    struct transfer *transfer = fetch->transfer;
    size_t wanted = transfer->page_used + length;
    int64_t most = transfer->request.options.max_size;
    size_t size = transfer->page_size < FIRST_SIZE ? FIRST_SIZE : transfer->page_size;
    fetch->last_byte = monotonic();
    if (most > 0 && wanted > (uint64_t) most) {
        too_large(fetch);
        return;
    }
    while (size < wanted)
        size *= 2;
    if (!reserve(fetch, size))
        return;
    memcpy(transfer->page + transfer->page_used, bytes, length);
    transfer->page_used = wanted;
    atomic_store(&transfer->received, (int64_t) wanted);
}

void page_end(struct fetch *fetch, int code)
{
    struct ldl_error none = {.kind = LDL_OK,
                             .retry_after = fetch->answer.retry_after,
                             .retry_at = fetch->answer.retry_at};
    if (code != CURLE_OK)
        failure_set(fetch, code);
    else if (fetch->error.kind == LDL_OK)
        transfer_fail(fetch->transfer, &none);
}

void page_fail(struct fetch *fetch)
{
    if (fetch->error.kind == LDL_OK || atomic_load(&fetch->transfer->over))
        return;
    fetch->error.unsent = fetch_is_unsent(fetch);
    transfer_fail(fetch->transfer, &fetch->error);
}
