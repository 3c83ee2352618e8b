/* watch.h: the watchdogs of a fetch: connection, first byte, stall, lowest rate.
 * SPDX-License-Identifier: MIT
 */
#ifndef LUADL_WATCH_H
#define LUADL_WATCH_H

#include "fetch.h"

/* Ten times a second: writes what waits too long, and ends what hangs (libcurl's own watchdogs are late, or have no effect on
 * HTTP). False: end it. */
bool watch_fetch(struct fetch *fetch, double now);

#endif
