/* prove.c: is what an earlier run left of the same resource that the server has now?
 * SPDX-License-Identifier: MIT
 *
 * A strong validator says so. Where there is none, some of the bytes are fetched again and compared: never is anything
 * appended blindly.
 */
#include "prove.h"

#include <stdlib.h>
#include <string.h>

bool prove_by_validator(struct fetch *fetch)
{
    struct transfer *transfer = fetch->transfer;
    const struct identity *known = &transfer->known, *seen = &fetch->answer.seen;
    if (transfer->proof != PROOF_VALIDATOR)
        return transfer->proof == PROOF_NONE;
    bool shown = identity_shown(known, seen);
    transfer->proof = shown ? PROOF_NONE : PROOF_OVERLAP;
    return shown;
}

static int64_t held_end(const struct transfer *transfer)
{
    return transfer->plan.count > 0 ? transfer->plan.list[0].pos : 0;
}

int prove_total(struct fetch *fetch)
{
    struct transfer *transfer = fetch->transfer;
    int64_t total = fetch->answer.seen.total;
    bool late = transfer->known.total < 0 && total >= 0;
    if (late && total < held_end(transfer)) {
        error_set(&fetch->error, LDL_REMOTE_CHANGED, fetch->url.text,
                  "the server has %lld bytes, an earlier run brought more", (long long) total);
        return -LDL_REMOTE_CHANGED;
    }
    identity_complete(&transfer->known, &fetch->answer.seen);
    if (!late)
        return 0;
    plan_set_total(&transfer->plan, total);
    transfer->length_verified = true;
    return sums_init(&transfer->sums, total, journal_late_shift(total));
}

/* Its check is the first of the list, unless the list was given up meanwhile. Transfer lock held. */
static void passed(struct fetch *fetch)
{
    struct transfer *transfer = fetch->transfer;
    if (transfer->proof != PROOF_OVERLAP || transfer->check_count == 0
        || transfer->checks[0].first != fetch->ask.first)
        return;
    transfer->check_count--;
    memmove(transfer->checks, transfer->checks + 1,
            (size_t) transfer->check_count * sizeof *transfer->checks);
    if (transfer->check_count == 0 && transfer->adopted)
        transfer_job(transfer, JOB_RECORD); /* then it is proven */
    else if (transfer->check_count == 0)
        transfer_proven(transfer);
}

static void differs(struct fetch *fetch)
{
    bool adopted = fetch->transfer->adopted;
    error_set(&fetch->error, adopted ? LDL_LOCAL_CHANGED : LDL_REMOTE_CHANGED, fetch->url.text,
              "the server has other bytes at %lld than %s", (long long) fetch->ask.first,
              adopted ? "what was to be adopted" : "an earlier run brought");
}

static void unreadable(struct fetch *fetch, int kind, int errnum)
{
    struct ldl_error error;
    error_set(&error, kind, NULL, "cannot read %s: %s", fetch->transfer->file.part,
              errnum ? strerror(errnum) : ldl_kind_text(kind));
    error.errnum = errnum;
    transfer_fail(fetch->transfer, &error);
}

/* Who wants a strong validator isn't content with bytes (H25). */
static bool is_refused(struct fetch *fetch)
{
    struct ldl_error error;
    struct transfer *transfer = fetch->transfer;
    if (transfer->adopted || transfer->request.options.resume_check != LDL_CHECK_STRICT)
        return false;
    error_set(&error, LDL_REMOTE_CHANGED, fetch->url.text,
              "no strong validator of the answer shows that it is still the same file");
    transfer_fail(transfer, &error);
    return true;
}

static void compare(struct fetch *fetch)
{
    struct transfer *transfer = fetch->transfer;
    char *held = malloc(fetch->used);
    int errnum = 0;
    int result = held ? file_read(&transfer->file, held, fetch->used, fetch->ask.first, &errnum)
                      : -LDL_NO_MEMORY;
    fetch->cut = true;
    if (result != 0) {
        unreadable(fetch, -result, errnum);
    } else if (memcmp(held, fetch->buffer, fetch->used) != 0) {
        differs(fetch);
    } else {
        pthread_mutex_lock(&transfer->lock);
        passed(fetch);
        pthread_mutex_unlock(&transfer->lock);
    }
    free(held);
}

void prove_compare(struct fetch *fetch, const char *bytes, size_t length)
{
    size_t size = (size_t) (fetch->ask.end - fetch->ask.first);
    if (is_refused(fetch))
        return;
    if (!fetch->buffer)
        fetch->buffer = malloc(size);
    if (!fetch->buffer) {
        fetch_refuse(fetch, LDL_NO_MEMORY);
        return;
    }
    size_t taken = length < size - fetch->used ? length : size - fetch->used;
    memcpy(fetch->buffer + fetch->used, bytes, taken);
    fetch->used += taken;
    fetch->position += (int64_t) taken;
    if (fetch->used == size)
        compare(fetch);
}
