/* send.h: the request of a fetch, and where a redirect leads it.
 * SPDX-License-Identifier: MIT */
#ifndef LUADL_SEND_H
#define LUADL_SEND_H

#include "fetch.h"

/* Sets every option of the easy handle for the request that the fetch makes now. 0 or a negative kind. */
int send_configure(struct fetch *fetch);

/* Frees the lists that the last request used. */
void send_clear(struct fetch *fetch);

/* Takes the fetch to its `location` (RFC 9110, 15.4), or fills fetch->error: the limit, a loop, a scheme that isn't
 * fetched, https to http. */
int send_follow(struct fetch *fetch);

#endif
