/* disk.h: the session's disk thread. It opens, allocates, syncs, publishes and discards; loops write for themselves.
 * SPDX-License-Identifier: MIT */
#ifndef LUADL_DISK_H
#define LUADL_DISK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "latch.h"
#include "queue.h"

struct disk {
    struct queue jobs;     /* JOB_OPEN, JOB_PUBLISH, JOB_DISCARD of transfers */
    struct latch *threads; /* immutable: the session's */
    pthread_t thread;
    bool running;         /* the owner's: the thread was started and not joined */
    atomic_bool stopping; /* ends when the queue is empty and no network thread is left */
};

int disk_start(struct disk *disk); /* 0 or a negative kind */
void disk_stop(struct disk *disk); /* asks; the owner joins */

#endif
