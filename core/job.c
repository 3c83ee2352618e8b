/* job.c: how the jobs of the disk thread end, and what they say when they fail.
 * SPDX-License-Identifier: MIT */
#include "job.h"

#include <stdio.h>
#include <string.h>

/* Some kinds say more than the errno that they were made from. */
static const char *reason(const struct file *file, int kind)
{
    if (kind == LDL_JOURNAL_CORRUPT)
        return "its .part isn't this user's alone";
    return file->errnum && kind != LDL_LOCKED ? strerror(file->errnum) : ldl_kind_text(kind);
}

/* "dir/name", or "the file" where that would leave no room for a reason. */
static void target_name(const struct transfer *transfer, char *out, size_t size)
{
    const char *dir = transfer->dir ? transfer->dir : "";
    size_t length = strlen(dir);
    const char *between = length > 0 && dir[length - 1] != '/' ? "/" : "";
    if (length + strlen(transfer->name) > size - 2)
        snprintf(out, size, "the file");
    else
        snprintf(out, size, "%s%s%s", dir, between, transfer->name);
}

void job_error(struct ldl_error *error, const struct transfer *transfer, int kind, const char *what,
               const char *why)
{
    char target[sizeof error->message / 2];
    target_name(transfer, target, sizeof target);
    error_set(error, kind, NULL, "%s %s: %s", what, target,
              why ? why : reason(&transfer->file, kind));
    error->errnum = why ? 0 : transfer->file.errnum;
}

void job_release(struct transfer *transfer)
{
    pthread_mutex_lock(&transfer->lock);
    transfer->disk_busy = false;
    transfer_settle(transfer);
    pthread_mutex_unlock(&transfer->lock);
}

/* It decides: another name, another way, or the end. */
static void post_note(struct transfer *transfer, int type)
{
    pthread_mutex_lock(&transfer->lock);
    transfer->disk_busy = false;
    transfer->unanswered = true;
    transfer_settle(transfer);
    pthread_mutex_unlock(&transfer->lock);
    transfer_post(transfer, &transfer->disk_note, type);
}

void job_ask(struct transfer *transfer, int stage, const struct ldl_error *error)
{
    struct note *note = &transfer->disk_note;
    note->event = (struct ldl_event){.stage = stage, .error = *error, .last = -1, .attempt = 1};
    pthread_mutex_lock(&transfer->lock);
    transfer_tell_head(transfer, note);
    pthread_mutex_unlock(&transfer->lock);
    post_note(transfer, LDL_EVENT_FAULT);
}

void job_ask_verify(struct transfer *transfer)
{
    transfer->disk_note.event = (struct ldl_event){.path = transfer->part_path,
                                                   .received = atomic_load(&transfer->received)};
    post_note(transfer, LDL_EVENT_VERIFY);
}

void job_stop(struct transfer *transfer, const struct ldl_error *error)
{
    transfer_fail(transfer, error);
    job_release(transfer);
}

struct identity job_known(struct transfer *transfer)
{
    pthread_mutex_lock(&transfer->lock);
    struct identity copy = transfer->known;
    pthread_mutex_unlock(&transfer->lock);
    return copy;
}

int64_t job_length(struct transfer *transfer)
{
    pthread_mutex_lock(&transfer->lock);
    int64_t length = transfer_length(transfer);
    pthread_mutex_unlock(&transfer->lock);
    return length;
}

void job_sync_failed(struct transfer *transfer, int kind)
{
    struct ldl_error error;
    job_error(&error, transfer, kind, "cannot sync", NULL);
    transfer_fail(transfer, &error);
}
