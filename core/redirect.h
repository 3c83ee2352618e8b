/* redirect.h: where a redirect leads a fetch.
 * SPDX-License-Identifier: MIT */
#ifndef LUADL_REDIRECT_H
#define LUADL_REDIRECT_H

#include "fetch.h"

/* An answer of this status named a place: the next request goes there, perhaps with another method. */
void redirect_take(struct fetch *fetch, int status, const char *location);

/* Takes the fetch to its `location` (RFC 9110, 15.4). 0, or a negative kind and fetch->error: the limit, a loop, a
 * scheme that isn't fetched, https to http. */
int redirect_follow(struct fetch *fetch);

#endif
