/* begin.c: a transfer gets its part: opened, given room, gone on with, or emptied.
 * SPDX-License-Identifier: MIT */
#include "begin.h"

#include <stdio.h>
#include <stdlib.h>

#include "adoption.h"
#include "checkpoint.h"
#include "job.h"
#include "resume.h"
#include "trace.h"
#include "whole.h"

/* A target that is known already is opened before any request (F7, F9); then the request may go out. */
static bool before_request(struct transfer *transfer)
{
    pthread_mutex_lock(&transfer->lock);
    bool waiting = transfer->state == LDL_WAITING;
    pthread_mutex_unlock(&transfer->lock);
    return waiting;
}

/* What a write or two bring takes its room by them, and finds as early that there is none. */
static bool is_small(int64_t length)
{
    return length >= 0 && length <= SMALL_MOST;
}

static int make_room(struct transfer *transfer, struct ldl_error *error)
{
    struct file *file = &transfer->file;
    int64_t length = job_length(transfer);
    int result = checkpoint_begin(transfer);
    if (result != 0)
        file->errnum = transfer->record.errnum;
    else
        result = is_small(length) ? 0 : file_allocate(file, length);
    if (result != 0)
        job_error(error, transfer, -result, "cannot reserve space for", NULL);
    return result;
}

static void reserve_room(struct transfer *transfer)
{
    struct ldl_error error;
    if (make_room(transfer, &error) != 0) {
        job_stop(transfer, &error);
        return;
    }
    job_release(transfer);
    if (!whole_write(transfer))
        transfer_go(transfer);
}

static void trace_resume(struct transfer *transfer)
{
    static const char *const proofs[] = {"nothing is to be shown", "the validator will show it",
                                         "bytes will be compared"};
    trace_step(transfer, LDL_STEP_RESUME, 0, (struct span){0, transfer->known.total}, 0, NULL,
               "%lld bytes are there; %s", (long long) transfer->resumed, proofs[transfer->proof]);
}

/* Goes on with what is held: with the stream that brought the head, or with a first one. */
static void go_on(struct transfer *transfer, bool asked)
{
    job_release(transfer);
    pthread_mutex_lock(&transfer->lock);
    trace_resume(transfer);
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
    struct ldl_error why = *error;
    job_error(error, transfer, why.kind, "cannot write", why.message);
    adoption_return(transfer);
    record_close(&transfer->record);
    file_close(&transfer->file, false);
    if (found == RESUME_REFUSED)
        job_stop(transfer, error);
    else
        job_ask(transfer, LDL_STAGE_OPEN, error);
}

static void use_part(struct transfer *transfer)
{
    struct ldl_error error;
    bool asked = !before_request(transfer);
    int found = resume_look(transfer, &error);
    if (found < 0 || found == RESUME_REFUSED) {
        refuse_part(transfer, found, &error);
    } else if (found == RESUME_HELD) {
        go_on(transfer, asked);
    } else if (asked) {
        reserve_room(transfer);
    } else {
        job_release(transfer);
        transfer_schedule(transfer);
    }
}

static void sweep(const struct transfer *transfer)
{
    char *part = NULL;
    if (asprintf(&part, "%s/%s.part", transfer->folder, transfer->name) < 0)
        return;
    record_sweep(part);
    free(part);
}

void begin_open(struct transfer *transfer)
{
    struct ldl_error error;
    struct file *file = &transfer->file;
    if (file->fd < 0 && transfer->request.options.adopt)
        adoption_move(transfer);
    int result = file->fd >= 0 ? 0
                               : file_open_in(file, transfer->folder, transfer->dir, transfer->name,
                                              transfer->replace);
    if (result == 0) {
        use_part(transfer);
        return;
    }
    if (result == -LDL_EXISTS)
        sweep(transfer);
    adoption_return(transfer);
    job_error(&error, transfer, -result, "cannot write", NULL);
    job_ask(transfer, LDL_STAGE_OPEN, &error);
}

/* What another program left is the server's: from here on it counts. */
void begin_record(struct transfer *transfer)
{
    struct ldl_error error;
    int result = checkpoint_adopt(transfer);
    if (result == 0)
        result = file_allocate(&transfer->file, job_length(transfer));
    if (result != 0) {
        job_error(&error, transfer, -result, "cannot go on with", NULL);
        job_stop(transfer, &error);
        return;
    }
    pthread_mutex_lock(&transfer->lock);
    transfer_proven(transfer); /* before anybody looks for a check, of which there is none left */
    pthread_mutex_unlock(&transfer->lock);
    job_release(transfer);
    pthread_mutex_lock(&transfer->lock);
    transfer_check_complete(transfer);
    pthread_mutex_unlock(&transfer->lock);
    transfer_schedule(transfer);
}

/* Another program's, and the journal doesn't count it: it was not shown to be the server's. */
static bool is_foreign(const struct transfer *transfer)
{
    return transfer->file.found >= 0 && !record_is_open(&transfer->record);
}

/* Nothing of what was written counts any more. With a plan, one stream brings all of it again. */
void begin_reset(struct transfer *transfer)
{
    struct ldl_error error;
    if (is_foreign(transfer)) {
        job_error(&error, transfer, LDL_LOCAL_CHANGED, "cannot adopt",
                  "the server has something else, or can't be compared with");
        job_stop(transfer, &error);
        return;
    }
    pthread_mutex_lock(&transfer->lock);
    bool planned = transfer->state == LDL_RUNNING;
    int result = planned ? transfer_plan_anew(transfer) : 0;
    pthread_mutex_unlock(&transfer->lock);
    if (result == 0)
        result = resume_reset(transfer);
    if (result != 0)
        job_error(&error, transfer, -result, "cannot empty", NULL);
    else if (planned)
        result = make_room(transfer, &error);
    if (result != 0) {
        job_stop(transfer, &error);
        return;
    }
    job_release(transfer);
    if (planned)
        transfer_go(transfer); /* the stream that brings the whole waits for it */
    else
        transfer_schedule(transfer);
}
