/* fork.c: tells a forked child from the process that it comes from.
 * SPDX-License-Identifier: MIT
 *
 * Every call of a session asks, and getpid is a system call. Link with -z nodelete: the handler must not be unloaded.
 */
#include "fork.h"

#include <pthread.h>
#include <stdatomic.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static atomic_int count;

static void note_child(void)
{
    atomic_fetch_add(&count, 1);
}

/* It fails for want of memory alone: then a child is taken for its parent. */
static void watch(void)
{
    (void) pthread_atfork(NULL, NULL, note_child);
}

int fork_count(void)
{
    pthread_once(&once, watch);
    return atomic_load(&count);
}
