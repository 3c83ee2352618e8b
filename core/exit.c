/* exit.c: what still runs when the process ends is stopped first (P9).
 * SPDX-License-Identifier: MIT
 *
 * An exit handler has no argument to carry state, hence the variables. Link with -z nodelete: the
 * handler must not be unloaded.
 */
#include "exit.h"

#include <pthread.h>
#include <stdlib.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* a leaf */
static struct runner *running;                           /* locked */

static void unlink_runner(struct runner *runner)
{
    *runner->link = runner->next;
    if (runner->next)
        runner->next->link = runner->link;
    runner->link = NULL;
}

static struct runner *take_one(void)
{
    pthread_mutex_lock(&lock);
    struct runner *runner = running;
    if (runner)
        unlink_runner(runner);
    pthread_mutex_unlock(&lock);
    return runner;
}

static void stop_all(void)
{
    struct runner *runner;
    while ((runner = take_one()))
        runner->stop(runner);
}

/* It fails for want of memory alone: then nothing is stopped. */
static void register_handler(void)
{
    (void) atexit(stop_all);
}

void exit_watch(struct runner *runner)
{
    pthread_once(&once, register_handler);
    pthread_mutex_lock(&lock);
    runner->next = running;
    runner->link = &running;
    if (running)
        running->link = &runner->next;
    running = runner;
    pthread_mutex_unlock(&lock);
}

bool exit_forget(struct runner *runner)
{
    pthread_mutex_lock(&lock);
    bool known = runner->link != NULL;
    if (known)
        unlink_runner(runner);
    pthread_mutex_unlock(&lock);
    return known;
}
