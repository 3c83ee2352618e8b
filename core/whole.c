/* whole.c: a small body that came as a whole before its file was open.
 * SPDX-License-Identifier: MIT */
#include "whole.h"

#include <stdlib.h>
#include <string.h>

/* The file has all of the resource, and nothing of it is there yet. Transfer lock held. */
static bool is_awaited(const struct transfer *transfer)
{
    return transfer->state == LDL_PARKED && !transfer->restarting && !transfer_is_part(transfer)
           && !transfer_is_read(transfer) && !atomic_load(&transfer->over);
}

bool whole_keep(struct transfer *transfer, char *bytes, size_t size)
{
    pthread_mutex_lock(&transfer->lock);
    bool keep = is_awaited(transfer) && transfer->known.total == (int64_t) size;
    if (keep) {
        transfer->whole = bytes;
        transfer->first = NULL; /* its stream has done its work */
        transfer_open_due(transfer);
    }
    pthread_mutex_unlock(&transfer->lock);
    return keep;
}

bool whole_waits(struct transfer *transfer)
{
    pthread_mutex_lock(&transfer->lock);
    bool waits = transfer->whole != NULL;
    pthread_mutex_unlock(&transfer->lock);
    return waits;
}

/* Nobody else has it from now on, and like a stream it keeps the file open; NULL: it isn't wanted any more. */
static char *take(struct transfer *transfer)
{
    pthread_mutex_lock(&transfer->lock);
    char *bytes = transfer->whole;
    transfer->whole = NULL;
    bool wanted = bytes && is_awaited(transfer);
    transfer->active += wanted;
    pthread_mutex_unlock(&transfer->lock);
    if (wanted)
        return bytes;
    free(bytes);
    return NULL;
}

/* All of it counts as written. 0 or -LDL_NO_MEMORY. */
static int count(struct transfer *transfer)
{
    struct ldl_extent all = {0, transfer->known.total};
    pthread_mutex_lock(&transfer->lock);
    plan_free(&transfer->plan);
    int result =
        plan_resume(&transfer->plan, all.end, transfer->request.options.min_split, &all, 1);
    if (result == 0) {
        atomic_store(&transfer->received, all.end);
        transfer->state = LDL_RUNNING;
        transfer_check_complete(transfer);
    }
    pthread_mutex_unlock(&transfer->lock);
    return result;
}

static void fail(struct transfer *transfer, int kind, int errnum)
{
    struct ldl_error error;
    error_set(&error, kind, NULL, "cannot write %s: %s", transfer->file.path,
              errnum ? strerror(errnum) : ldl_kind_text(kind));
    error.errnum = errnum;
    transfer_fail(transfer, &error);
}

/* The file may be closed, or emptied, from now on. */
static void leave(struct transfer *transfer)
{
    pthread_mutex_lock(&transfer->lock);
    transfer->active--;
    transfer_settle(transfer);
    pthread_mutex_unlock(&transfer->lock);
}

void whole_write(struct transfer *transfer)
{
    int errnum = 0;
    char *bytes = take(transfer);
    if (!bytes)
        return;
    int result = file_write(&transfer->file, bytes, (size_t) transfer->known.total, 0, &errnum);
    if (result == 0)
        result = count(transfer);
    if (result != 0)
        fail(transfer, -result, errnum);
    leave(transfer);
    free(bytes);
}
