/* fork.h: tells a forked child from the process that it comes from.
 * SPDX-License-Identifier: MIT */
#ifndef LUADL_FORK_H
#define LUADL_FORK_H

/* How often this process was forked from one that had asked; any thread. */
int fork_count(void);

#endif
