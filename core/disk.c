/* disk.c: the session's disk thread. Nothing that may sleep in a file system call runs on the owner's thread.
 * SPDX-License-Identifier: MIT */
#include "disk.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adoption.h"
#include "checkpoint.h"
#include "code.h"
#include "resume.h"
#include "transfer.h"

#define LOOK_AGAIN 50        /* milliseconds, while a network thread hangs */
#define CHECKPOINT_EVERY 1.0 /* seconds */
#define SYNC_SHARE 20        /* times the last checkpoints' duration: they cost 5 % at most */

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

/* A failure at a file, for people: what was tried, with which file, and why not. */
static void file_error(struct ldl_error *error, const struct transfer *transfer, int kind,
                       const char *what)
{
    char target[sizeof error->message / 2];
    target_name(transfer, target, sizeof target);
    error_set(error, kind, NULL, "%s %s: %s", what, target, reason(&transfer->file, kind));
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

/* Checkpoints */

static void enlist(struct disk *disk, struct transfer *transfer)
{
    if (transfer->link_recorded || !record_is_open(&transfer->record))
        return;
    transfer_ref(transfer);
    transfer->next_recorded = disk->recorded;
    transfer->link_recorded = &disk->recorded;
    if (disk->recorded)
        disk->recorded->link_recorded = &transfer->next_recorded;
    disk->recorded = transfer;
    if (disk->checkpoint_due == 0)
        disk->checkpoint_due = monotonic() + CHECKPOINT_EVERY;
}

/* Not the last reference: a job of the transfer has one, too. */
static void strike(struct transfer *transfer)
{
    if (!transfer->link_recorded)
        return;
    *transfer->link_recorded = transfer->next_recorded;
    if (transfer->next_recorded)
        transfer->next_recorded->link_recorded = transfer->link_recorded;
    transfer->link_recorded = NULL;
    transfer_unref(transfer);
}

static void sync_failed(struct transfer *transfer, int kind)
{
    struct ldl_error error;
    file_error(&error, transfer, kind, "cannot sync");
    transfer_fail(transfer, &error);
}

static void checkpoint(struct transfer *transfer)
{
    int result = atomic_load(&transfer->over) ? 0 : checkpoint_take(transfer);
    if (result != 0)
        sync_failed(transfer, -result);
}

static void checkpoint_all(struct disk *disk)
{
    double began = monotonic();
    if (disk->checkpoint_due == 0 || began < disk->checkpoint_due)
        return;
    for (struct transfer *transfer = disk->recorded; transfer; transfer = transfer->next_recorded)
        checkpoint(transfer);
    double now = monotonic(), pause = (now - began) * SYNC_SHARE;
    pause = pause > CHECKPOINT_EVERY ? pause : CHECKPOINT_EVERY;
    disk->checkpoint_due = disk->recorded ? now + pause : 0;
}

/* The end */

/* What was counted stays, with its journal, for another run; else nothing does. */
static void leave_part(struct transfer *transfer)
{
    struct file *file = &transfer->file;
    bool counted = record_is_open(&transfer->record);
    if (counted)
        (void) checkpoint_take(transfer);
    pthread_mutex_lock(&transfer->lock);
    bool worth = transfer->known.total >= 0 || atomic_load(&transfer->received) > CHECKPOINT_WORTH;
    transfer->resumable = counted && transfer->recorded && worth;
    bool keep = transfer->resumable || transfer->adopted
                || (transfer->keep_part && transfer->error.kind != LDL_CANCELLED);
    pthread_mutex_unlock(&transfer->lock);
    if (transfer->adopted && !counted)
        adoption_return(transfer);
    if (!keep)
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

static void end(struct transfer *transfer)
{
    strike(transfer);
    if (transfer->file.published)
        leave_published(transfer);
    else
        leave_part(transfer);
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

/* Open */

static int make_room(struct disk *disk, struct transfer *transfer, struct ldl_error *error)
{
    struct file *file = &transfer->file;
    int result = checkpoint_begin(transfer);
    if (result != 0)
        file->errnum = transfer->record.errnum;
    else
        result = file_allocate(file, known(transfer).total);
    if (result != 0) {
        file_error(error, transfer, -result, "cannot reserve space for");
        return result;
    }
    enlist(disk, transfer);
    return 0;
}

/* What the journal will count lies in a file whose name and size are stable. */
static void settle_part(struct transfer *transfer)
{
    int result = record_is_open(&transfer->record) ? file_sync_all(&transfer->file) : 0;
    if (result != 0)
        sync_failed(transfer, -result);
}

static void reserve_room(struct disk *disk, struct transfer *transfer)
{
    struct ldl_error error;
    if (make_room(disk, transfer, &error) != 0) {
        stop(transfer, &error);
        return;
    }
    release(transfer);
    transfer_go(transfer);
    settle_part(transfer); /* the stream goes on meanwhile */
}

/* Goes on with what is held: with the stream that brought the head, or with a first one. */
static void go_on(struct disk *disk, struct transfer *transfer, bool asked)
{
    enlist(disk, transfer);
    release(transfer);
    pthread_mutex_lock(&transfer->lock);
    transfer_check_complete(transfer);
    bool running = transfer->state == LDL_RUNNING;
    pthread_mutex_unlock(&transfer->lock);
    if (running && asked)
        transfer_go(transfer);
    else if (running)
        transfer_schedule(transfer);
}

static void refuse_part(struct transfer *transfer, int found, struct ldl_error *error)
{
    char why[sizeof error->message], target[sizeof error->message / 2];
    snprintf(why, sizeof why, "%s", error->message);
    target_name(transfer, target, sizeof target);
    error_set(error, error->kind, NULL, "cannot write %s: %.120s", target, why);
    adoption_return(transfer);
    record_close(&transfer->record);
    file_close(&transfer->file, false);
    if (found == RESUME_REFUSED)
        stop(transfer, error);
    else
        ask(transfer, LDL_STAGE_OPEN, error);
}

static void use_part(struct disk *disk, struct transfer *transfer)
{
    struct ldl_error error;
    bool asked = !before_request(transfer);
    int found = resume_look(transfer, &error);
    if (found < 0 || found == RESUME_REFUSED) {
        refuse_part(transfer, found, &error);
    } else if (found == RESUME_HELD) {
        go_on(disk, transfer, asked);
    } else if (asked) {
        reserve_room(disk, transfer);
    } else {
        release(transfer);
        transfer_schedule(transfer);
    }
}

static void sweep(const struct transfer *transfer)
{
    const char *dir = transfer->dir && *transfer->dir ? transfer->dir : ".";
    char *part = NULL;
    if (asprintf(&part, "%s/%s.part", dir, transfer->name) < 0)
        return;
    record_sweep(part);
    free(part);
}

static void open_file(struct disk *disk, struct transfer *transfer)
{
    struct ldl_error error;
    struct file *file = &transfer->file;
    if (file->fd < 0 && transfer->request.options.adopt)
        adoption_move(transfer);
    int result = file->fd >= 0 ? 0
                               : file_open(file, transfer->dir, transfer->name, transfer->replace);
    if (result == 0) {
        use_part(disk, transfer);
        return;
    }
    if (result == -LDL_EXISTS)
        sweep(transfer);
    file_error(&error, transfer, -result, "cannot write");
    ask(transfer, LDL_STAGE_OPEN, &error);
}

/* What another program left is the server's: from here on it counts. */
static void record(struct disk *disk, struct transfer *transfer)
{
    struct ldl_error error;
    int result = make_room(disk, transfer, &error);
    if (result == 0 && (result = checkpoint_take(transfer)) != 0)
        file_error(&error, transfer, -result, "cannot sync");
    if (result != 0) {
        stop(transfer, &error);
        return;
    }
    release(transfer);
    pthread_mutex_lock(&transfer->lock);
    transfer_proven(transfer);
    transfer_check_complete(transfer);
    pthread_mutex_unlock(&transfer->lock);
    transfer_schedule(transfer);
}

/* Nothing of what was written counts any more. With a plan, one stream brings all of it again. */
static void reset(struct disk *disk, struct transfer *transfer)
{
    struct ldl_error error;
    pthread_mutex_lock(&transfer->lock);
    bool planned = transfer->state == LDL_RUNNING;
    int result = planned ? transfer_plan_anew(transfer) : 0;
    pthread_mutex_unlock(&transfer->lock);
    strike(transfer);
    if (result == 0)
        result = resume_reset(transfer);
    if (result != 0)
        file_error(&error, transfer, -result, "cannot empty");
    else if (planned)
        result = make_room(disk, transfer, &error);
    if (result != 0) {
        stop(transfer, &error);
        return;
    }
    release(transfer);
    if (planned)
        transfer_go(transfer); /* the stream that brings the whole waits for it */
    else
        transfer_schedule(transfer);
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
    checkpoint_commit(transfer);
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
        end(transfer);
}

static void run_job(struct disk *disk, struct message *message)
{
    struct transfer *transfer = message->subject;
    if (message->type == JOB_DISCARD)
        end(transfer);
    else if (atomic_load(&transfer->over))
        release(transfer);
    else if (message->type == JOB_OPEN)
        open_file(disk, transfer);
    else if (message->type == JOB_RESET)
        reset(disk, transfer);
    else if (message->type == JOB_RECORD)
        record(disk, transfer);
    else
        publish(transfer);
    transfer_unref(transfer);
}

/* A network thread that hung until after the session was closed still hands over what it leaves. */
static bool is_last(struct disk *disk)
{
    return atomic_load(&disk->stopping) && latch_count(disk->threads) == 1;
}

/* Milliseconds; -1: until a job comes. */
static int time_to_wait(struct disk *disk)
{
    if (atomic_load(&disk->stopping))
        return LOOK_AGAIN;
    if (disk->checkpoint_due == 0)
        return -1;
    double left = disk->checkpoint_due - monotonic();
    return left > 0 ? (int) (left * 1000) + 1 : 0;
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
            run_job(disk, message);
        checkpoint_all(disk);
        if (!last)
            poll(&ready, 1, time_to_wait(disk));
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
