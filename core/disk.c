/* disk.c: the session's disk thread. Nothing that may sleep in a file system call runs on the owner's thread.
 * SPDX-License-Identifier: MIT */
#include "disk.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "code.h"
#include "transfer.h"

#define LOOK_AGAIN 50 /* milliseconds, while a network thread hangs */

/* Some kinds say more than the errno that they were made from. */
static const char *reason(const struct file *file, int kind)
{
    if (kind == LDL_JOURNAL_CORRUPT)
        return "its .part of another run is in the way";
    return file->errnum && kind != LDL_LOCKED ? strerror(file->errnum) : ldl_kind_text(kind);
}

/* A failure at a file, for people: what was tried, with which file, and why not. */
static void file_error(struct ldl_error *error, const struct transfer *transfer, int kind,
                       const char *what)
{
    const char *dir = transfer->dir ? transfer->dir : "";
    size_t length = strlen(dir);
    const char *between = length > 0 && dir[length - 1] != '/' ? "/" : "";
    if (length + strlen(transfer->name) > sizeof error->message / 2) /* the reason must fit, too */
        error_set(error, kind, NULL, "%s the file: %s", what, reason(&transfer->file, kind));
    else
        error_set(error, kind, NULL, "%s %s%s%s: %s", what, dir, between, transfer->name,
                  reason(&transfer->file, kind));
    error->errnum = transfer->file.errnum;
}

/* The job is over: whatever waits for the disk goes on. */
static void release(struct transfer *transfer)
{
    pthread_mutex_lock(&transfer->lock);
    transfer->disk_busy = false;
    transfer_settle(transfer);
    pthread_mutex_unlock(&transfer->lock);
}

/* The owner decides: another name, another way, or the end. Transfer lock not held. */
static void ask(struct transfer *transfer, int stage, const struct ldl_error *error)
{
    struct note *note = &transfer->disk_note;
    note->event = (struct ldl_event){.stage = stage, .error = *error, .last = -1, .attempt = 1};
    pthread_mutex_lock(&transfer->lock);
    transfer->disk_busy = false;
    transfer->unanswered = true;
    transfer_settle(transfer);
    pthread_mutex_unlock(&transfer->lock);
    transfer_post(transfer, note, LDL_EVENT_FAULT);
}

static void stop(struct transfer *transfer, const struct ldl_error *error)
{
    transfer_fail(transfer, error);
    release(transfer);
}

/* What the answers have told; written by the network threads. */
static struct identity known(struct transfer *transfer)
{
    pthread_mutex_lock(&transfer->lock);
    struct identity copy = transfer->known;
    pthread_mutex_unlock(&transfer->lock);
    return copy;
}

/* A target that is known already is opened before any request (F7, F9); then the request may go out. */
static bool before_request(struct transfer *transfer)
{
    pthread_mutex_lock(&transfer->lock);
    bool waiting = transfer->state == LDL_WAITING;
    pthread_mutex_unlock(&transfer->lock);
    return waiting;
}

static void reserve_room(struct transfer *transfer)
{
    struct ldl_error error;
    int result = file_allocate(&transfer->file, known(transfer).total);
    if (result != 0) {
        file_error(&error, transfer, -result, "cannot reserve space for");
        stop(transfer, &error);
        return;
    }
    release(transfer);
    transfer_go(transfer);
}

static void open_file(struct transfer *transfer)
{
    struct ldl_error error;
    struct file *file = &transfer->file;
    int result = file->fd >= 0 ? 0
                               : file_open(file, transfer->dir, transfer->name, transfer->replace);
    if (result != 0) {
        file_error(&error, transfer, -result, "cannot write");
        ask(transfer, LDL_STAGE_OPEN, &error);
    } else if (before_request(transfer)) {
        release(transfer);
        transfer_schedule(transfer);
    } else {
        reserve_room(transfer);
    }
}

static void discard(struct transfer *transfer)
{
    struct file *file = &transfer->file;
    if (file->published) {
        transfer->path = file->path;
        file->path = NULL;
    }
    file_close(file, !transfer->keep_part || transfer->error.kind == LDL_CANCELLED);
    pthread_mutex_lock(&transfer->lock);
    transfer->disk_busy = false;
    transfer->state = LDL_FINISHED;
    transfer->finished = monotonic();
    pthread_mutex_unlock(&transfer->lock);
    transfer_done(transfer);
    atomic_store(&transfer->over, true); /* its home lets go of it */
}

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
static void not_published(struct transfer *transfer, int kind, const char *what)
{
    struct ldl_error error;
    file_error(&error, transfer, kind, what);
    pthread_mutex_lock(&transfer->lock);
    transfer->committing = false;
    transfer->keep_part = true;
    struct ldl_error missed = transfer->missed;
    pthread_mutex_unlock(&transfer->lock);
    if (missed.kind != LDL_OK)
        stop(transfer, &missed);
    else if (kind == LDL_EXISTS)
        ask(transfer, LDL_STAGE_PUBLISH, &error);
    else
        stop(transfer, &error);
}

/* A stream that is still on its way to its end may warn, too. */
static void warn(struct transfer *transfer, const char *warning)
{
    pthread_mutex_lock(&transfer->lock);
    transfer->warning = warning;
    pthread_mutex_unlock(&transfer->lock);
}

static void publish(struct transfer *transfer)
{
    struct ldl_error error;
    struct file *file = &transfer->file;
    struct identity final = known(transfer);
    int result = file_finish(file, final.total, final.last_modified);
    if (result != 0) {
        file_error(&error, transfer, -result, "cannot complete");
        stop(transfer, &error);
        return;
    }
    if (!commit(transfer)) {
        release(transfer);
        return;
    }
    result = file_publish(file, transfer->replace);
    if (result == 0 && file->errnum != 0)
        warn(transfer, "the directory could not be synced: a power cut may undo the rename");
    if (result != 0)
        not_published(transfer, -result, "cannot publish");
    else
        discard(transfer);
}

static void run_job(struct message *message)
{
    struct transfer *transfer = message->subject;
    if (message->type == JOB_DISCARD)
        discard(transfer);
    else if (atomic_load(&transfer->over))
        release(transfer);
    else if (message->type == JOB_OPEN)
        open_file(transfer);
    else
        publish(transfer);
    transfer_unref(transfer);
}

/* A network thread that hung until after the session was closed still hands over what it leaves. */
static bool is_last(struct disk *disk)
{
    return atomic_load(&disk->stopping) && latch_count(disk->threads) == 1;
}

static void *run(void *subject)
{
    struct disk *disk = subject;
    struct pollfd ready = {.fd = disk->jobs.wake_fd, .events = POLLIN};
    bool last = false;
    while (!last) {
        queue_clear_wake(&disk->jobs);
        last = is_last(disk); /* before the queue is found empty */
        for (struct message *message; (message = queue_pop(&disk->jobs));)
            run_job(message);
        if (!last)
            poll(&ready, 1, atomic_load(&disk->stopping) ? LOOK_AGAIN : -1);
    }
    latch_leave(disk->threads);
    return NULL;
}

int disk_start(struct disk *disk)
{
    latch_enter(disk->threads);
    disk->running = pthread_create(&disk->thread, NULL, run, disk) == 0;
    if (!disk->running)
        latch_leave(disk->threads);
    return disk->running ? 0 : -LDL_NO_MEMORY;
}

void disk_stop(struct disk *disk)
{
    atomic_store(&disk->stopping, true);
    queue_wake(&disk->jobs);
}
