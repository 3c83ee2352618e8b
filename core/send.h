/* send.h: the request of a fetch, as libcurl is told of it.
 * SPDX-License-Identifier: MIT */
#ifndef LUADL_SEND_H
#define LUADL_SEND_H

#include "fetch.h"

/* Sets every option of the easy handle for the request that the fetch makes now. 0 or a negative kind. */
int send_configure(struct fetch *fetch);

/* Frees the lists that the last request used. */
void send_clear(struct fetch *fetch);

#endif
