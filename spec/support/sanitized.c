/* sanitized.c: preloaded after a sanitizer's runtime, so that Lua specs can run under it.
 * SPDX-License-Identifier: MIT
 *
 * The runtime is meant for this process and stays out of its children: a shell under libtsan
 * crashes, and Lua can't change its environment. A thread is made and joined because libtsan starts
 * one of its own with the first, which the search for leaks would find.
 */
#include <pthread.h>
#include <stdlib.h>

static void *do_nothing(void *subject)
{
    return subject;
}

__attribute__((constructor)) static void prepare(void)
{
    pthread_t thread;
    unsetenv("LD_PRELOAD");
    if (pthread_create(&thread, NULL, do_nothing, NULL) == 0)
        pthread_join(thread, NULL);
}
