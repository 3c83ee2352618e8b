/* exit.h: what still runs when the process ends is stopped first (P9).
 * SPDX-License-Identifier: MIT
 *
 * OpenSSL cleans up in an exit handler of its own, under the feet of every thread that still uses
 * TLS. Of two handlers the one that was registered later runs first.
 */
#ifndef LUADL_EXIT_H
#define LUADL_EXIT_H

#include <stdbool.h>

struct runner {
    struct runner *next, **link; /* exit.c's, under its lock */
    void (*stop)(struct runner *runner);
};

/* Any thread, after libcurl was initialised. From now on the thread that ends the process calls
 * `stop`, once. */
void exit_watch(struct runner *runner);
bool exit_forget(struct runner *runner); /* false: the process ends, and `stop` was called */

#endif
