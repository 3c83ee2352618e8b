/* loop.h: one network thread: a curl_multi on epoll, an inbox, timers and watchdogs.
 * SPDX-License-Identifier: MIT */
#ifndef LUADL_LOOP_H
#define LUADL_LOOP_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "latch.h"
#include "queue.h"
#include "sockets.h"

#define SPARE_MOST 64

struct loops;

struct loop {
    struct queue inbox; /* MESSAGE_STREAM, MESSAGE_GO, MESSAGE_SCHEDULE */
    struct loops *all;  /* immutable */
    int index;          /* immutable */
    pthread_t thread;
    bool running; /* the owner's: started and not joined */
    atomic_bool stopping;

    /* the thread's own */
    void *multi; /* CURLM * */
    int epoll;
    double curl_due; /* when libcurl wants to be called; 0: not */
    double tick_due;
    double slept;           /* seconds of suspend, as last seen */
    double distrust_until;  /* before that, each request opens a connection of its own */
    bool starved;           /* memory for a stream was refused just now */
    struct sockets sockets; /* of the connections that it has, or had */
    struct fetch *fetches;
    int locals; /* of them, those that read a file of this machine */
    struct transfer *homed;
    void *spare[SPARE_MOST]; /* CURL *: handles that served a stream, for the next one */
    int spare_count;
};

struct loops {
    int count;
    struct loop *list;
    struct latch *threads; /* immutable: the session's */
};

/* Why this libcurl can't be used, or NULL. Looked at once per process; any thread. */
const char *loop_check_library(void);
/* Has it HTTP/2? Any thread. */
bool loop_can_multiplex(void);

int loop_open(struct loop *loop);   /* queue, multi, epoll; 0 or a negative kind */
int loop_start(struct loop *loop);  /* the thread */
void loop_stop(struct loop *loop);  /* asks; the owner joins */
void loop_drain(struct loop *loop); /* after the join: drops what was sent to it too late */
void loop_close(struct loop *loop); /* after the join, or when it never started */

#endif
