/* disk.h: the session's disk thread. It opens, allocates, checkpoints, syncs, publishes and discards; loops write for
 * themselves.
 * SPDX-License-Identifier: MIT */
#ifndef LUADL_DISK_H
#define LUADL_DISK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "latch.h"
#include "queue.h"

struct transfer;

struct disk {
    struct queue jobs;     /* JOB_... of transfers */
    struct latch *threads; /* immutable: the session's */
    pthread_t thread;
    bool running;              /* the owner's: the thread was started and not joined */
    struct transfer *recorded; /* the thread's: those with a journal, one reference each */
    double count_until;        /* ends are checkpointed so long, monotonic seconds */
    double checkpoint_due;     /* monotonic seconds; 0: nothing has a journal */
    atomic_bool stopping;      /* ends when the queue is empty and no network thread is left */
};

int disk_start(struct disk *disk); /* 0 or a negative kind */
void disk_stop(struct disk *disk); /* asks; the owner joins */

#endif
