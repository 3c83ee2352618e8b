/* whole.c: a small body that came as a whole before its file was open.
 * SPDX-License-Identifier: MIT */
#include "whole.h"

#include <stdlib.h>

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

/* Nobody else has it from now on. Where it is still wanted it keeps the file open, like a stream. */
static char *take(struct transfer *transfer, bool *wanted)
{
    pthread_mutex_lock(&transfer->lock);
    char *bytes = transfer->whole;
    transfer->whole = NULL;
    *wanted = bytes && is_awaited(transfer);
    transfer->active += *wanted;
    pthread_mutex_unlock(&transfer->lock);
    return bytes;
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

/* The file may be closed, or emptied, from now on. */
static void leave(struct transfer *transfer)
{
    pthread_mutex_lock(&transfer->lock);
    transfer->active--;
    transfer_settle(transfer);
    pthread_mutex_unlock(&transfer->lock);
}

static void write_all(struct transfer *transfer, const char *bytes)
{
    int errnum = 0;
    int result = file_write(&transfer->file, bytes, (size_t) transfer->known.total, 0, &errnum);
    if (result == 0)
        result = count(transfer);
    if (result != 0)
        transfer_write_failed(transfer, -result, errnum);
    leave(transfer);
}

bool whole_write(struct transfer *transfer)
{
    bool wanted;
    char *bytes = take(transfer, &wanted);
    if (wanted)
        write_all(transfer, bytes);
    bool waited = bytes != NULL;
    free(bytes);
    return waited;
}
