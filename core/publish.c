/* publish.c: how a transfer ends: with its file published, or with what is worth keeping.
 * SPDX-License-Identifier: MIT
 *
 * Files that are complete at the same time are published together: their writing begins at once, and a directory is
 * synced once for all of them.
 */
#include "publish.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adoption.h"
#include "checkpoint.h"
#include "job.h"

/* The end */

/* What was counted stays, with its journal, for another run; what another program left stays as it was; else nothing does. */
static void leave_part(struct transfer *transfer, bool count)
{
    struct file *file = &transfer->file;
    bool counted = record_is_open(&transfer->record);
    if (counted && count)
        (void) checkpoint_take(transfer);
    pthread_mutex_lock(&transfer->lock);
    bool kept = counted && transfer->recorded;
    transfer->resumable = kept && transfer->error.kind != LDL_CHECKSUM; /* that won't change */
    bool keep = kept || (transfer->keep_part && transfer->error.kind != LDL_CANCELLED);
    pthread_mutex_unlock(&transfer->lock);
    if (!keep && file->found >= 0)
        adoption_return(transfer);
    else if (!keep)
        file_remove(file);
    if (counted && !keep)
        record_remove(&transfer->record);
}

static void leave_published(struct transfer *transfer)
{
    transfer->path = transfer->file.path;
    transfer->file.path = NULL;
    if (record_is_open(&transfer->record))
        record_remove(&transfer->record);
    if (transfer->adopted)
        adoption_finish(transfer);
}

void publish_end(struct transfer *transfer, bool count)
{
    if (transfer->file.published)
        leave_published(transfer);
    else
        leave_part(transfer, count);
    file_close(&transfer->file, false);
    record_close(&transfer->record);
    pthread_mutex_lock(&transfer->lock);
    transfer->disk_busy = false;
    transfer->state = LDL_FINISHED;
    transfer->finished = monotonic();
    pthread_mutex_unlock(&transfer->lock);
    transfer_done(transfer);
    atomic_store(&transfer->over, true); /* its home lets go of it */
}

/* Publish */

/* From here on a cancel comes too late. */
static bool commit(struct transfer *transfer)
{
    pthread_mutex_lock(&transfer->lock);
    bool go_on = !atomic_load(&transfer->over);
    transfer->committing = go_on;
    pthread_mutex_unlock(&transfer->lock);
    return go_on;
}

/* A complete file stays as NAME.part where its name could not be given to it (F29). */
static void not_published(struct transfer *transfer, int kind)
{
    struct ldl_error error;
    job_error(&error, transfer, kind, "cannot publish", NULL);
    pthread_mutex_lock(&transfer->lock);
    transfer->committing = false;
    transfer->keep_part = true;
    struct ldl_error missed = transfer->missed;
    pthread_mutex_unlock(&transfer->lock);
    if (missed.kind != LDL_OK)
        job_stop(transfer, &missed);
    else if (kind == LDL_EXISTS)
        job_ask(transfer, LDL_STAGE_PUBLISH, &error);
    else
        job_stop(transfer, &error);
}

/* The owner sees the complete file before it gets its name. */
static bool must_ask(struct transfer *transfer)
{
    struct file *file = &transfer->file;
    pthread_mutex_lock(&transfer->lock);
    bool ask = transfer->request.options.verify && !transfer->verified
               && !atomic_load(&transfer->over);
    pthread_mutex_unlock(&transfer->lock);
    if (!ask)
        return false;
    int dir = (int) (strlen(file->path) - strlen(file->name));
    free(transfer->part_path);
    if (asprintf(&transfer->part_path, "%.*s%s", dir, file->path, file->part) < 0)
        transfer->part_path = NULL;
    job_ask_verify(transfer);
    return true;
}

/* Synced and recorded; false: it has failed, or was cancelled meanwhile. */
static bool complete(struct transfer *transfer)
{
    struct ldl_error error;
    int64_t modified = job_known(transfer).last_modified;
    int result = file_finish(&transfer->file, job_length(transfer), modified);
    if (result != 0) {
        job_error(&error, transfer, -result, "cannot complete", NULL);
        job_stop(transfer, &error);
        return false;
    }
    checkpoint_commit(transfer);
    if (must_ask(transfer))
        return false;
    bool go_on = commit(transfer);
    if (!go_on)
        job_release(transfer);
    return go_on;
}

static bool give_name(struct transfer *transfer)
{
    int result = file_publish(&transfer->file, transfer->replace);
    if (result != 0)
        not_published(transfer, -result);
    return result == 0;
}

/* One sync for all files of a directory. */
static void sync_directories(struct transfer *const *list, int count)
{
    for (int i = 0; i < count; i++) {
        int same = 0;
        while (!file_shares_directory(&list[same]->file, &list[i]->file))
            same++;
        int result = same < i ? list[same]->file.unsynced : file_sync_directory(&list[i]->file);
        list[i]->file.unsynced = result;
        if (result != 0)
            transfer_warn(list[i],
                          "the directory could not be synced: a power cut may undo the rename");
    }
}

/* Keeps those for which `step` holds. */
static int sieve(struct transfer **list, int count, bool (*step)(struct transfer *))
{
    int kept = 0;
    for (int i = 0; i < count; i++)
        if (step(list[i]))
            list[kept++] = list[i];
    return kept;
}

static void prepare(struct transfer *const *list, int count)
{
    mode_t mode = count > 0 ? file_usual_mode() : 0;
    for (int i = 0; i < count; i++) {
        list[i]->file.mode = mode;
        if (count > 1) /* then the first sync finds most of it written */
            file_hint(&list[i]->file, 0, 0);
    }
}

void publish_group(struct transfer **list, int count)
{
    prepare(list, count);
    count = sieve(list, count, complete);
    count = sieve(list, count, give_name);
    sync_directories(list, count);
    queue_hold();
    for (int i = 0; i < count; i++)
        publish_end(list[i], false);
    queue_release();
}
