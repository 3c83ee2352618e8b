/* disk.c: the session's disk thread. Nothing that may sleep in a file system call runs on the owner's thread.
 * SPDX-License-Identifier: MIT */
#include "disk.h"

#include <poll.h>
#include <string.h>

#include "begin.h"
#include "checkpoint.h"
#include "job.h"
#include "publish.h"

#define LOOK_AGAIN 50        /* milliseconds, while a network thread hangs */
#define CHECKPOINT_EVERY 1.0 /* seconds */
#define SYNC_SHARE 20        /* times the last checkpoints' duration: they cost 5 % at most */
#define GROUP_MOST 256       /* files published together */
#define COUNT_WITHIN 0.5     /* seconds: where many end at once, the last keep their checkpoint */
#define COUNT_QUIET 2.0      /* seconds */

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

static void checkpoint(struct transfer *transfer)
{
    int result = atomic_load(&transfer->over) ? 0 : checkpoint_take(transfer);
    if (result != 0)
        job_sync_failed(transfer, -result);
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

/* Jobs */

/* Complete files wait here until the queue is empty: those that came meanwhile are published together. */
struct group {
    struct transfer *list[GROUP_MOST];
    int count;
};

static void publish_all(struct group *group)
{
    struct transfer *owned[GROUP_MOST];
    memcpy(owned, group->list, sizeof owned);
    int count = group->count;
    group->count = 0;
    for (int i = 0; i < count; i++)
        strike(owned[i]);
    publish_group(group->list, count);
    for (int i = 0; i < count; i++)
        transfer_unref(owned[i]);
}

static void add_to_group(struct group *group, struct transfer *transfer)
{
    transfer_ref(transfer);
    group->list[group->count++] = transfer;
    if (group->count == GROUP_MOST)
        publish_all(group);
}

static void begin(struct disk *disk, struct transfer *transfer, int type)
{
    if (type == JOB_OPEN)
        begin_open(transfer);
    else if (type == JOB_RECORD)
        begin_record(transfer);
    else
        begin_reset(transfer);
    enlist(disk, transfer);
}

/* A quiet time after the last window opens another one. */
static bool may_count(struct disk *disk, double now)
{
    if (now > disk->count_until + COUNT_QUIET)
        disk->count_until = now + COUNT_WITHIN;
    return now < disk->count_until;
}

static void run_job(struct disk *disk, struct group *group, struct message *message)
{
    struct transfer *transfer = message->subject;
    int type = message->type; /* the message may be on its way again while the job runs */
    if (type == JOB_DISCARD) {
        strike(transfer);
        publish_end(transfer, may_count(disk, monotonic()));
    } else if (atomic_load(&transfer->over)) {
        job_release(transfer);
    } else if (type == JOB_PUBLISH) {
        add_to_group(group, transfer);
    } else {
        begin(disk, transfer, type);
    }
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
    if (!queue_is_idle(&disk->jobs))
        return 0;
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
    struct group group = {.count = 0};
    bool last = false;
    pthread_setname_np(pthread_self(), "luadl disk"); /* for who looks at the process */
    while (!last) {
        last = is_last(disk); /* before the queue is found empty */
        queue_hold();
        for (struct message *message; (message = queue_pop(&disk->jobs));)
            run_job(disk, &group, message);
        queue_release(); /* what follows may take its time */
        publish_all(&group);
        checkpoint_all(disk);
        int wait = last ? 0 : time_to_wait(disk);
        if (wait != 0 && poll(&ready, 1, wait) > 0)
            queue_clear_wake(&disk->jobs);
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
