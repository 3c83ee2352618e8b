/* receive.h: the body of an accepted answer: collected, and written at its offset.
 * SPDX-License-Identifier: MIT
 */
#ifndef LUADL_RECEIVE_H
#define LUADL_RECEIVE_H

#include "fetch.h"

/* libcurl's write callback. */
size_t receive_body(char *bytes, size_t size, size_t count, void *fetch);

/* Writes what was collected. What lies past its part is somebody else's and is dropped. */
void receive_flush(struct fetch *fetch);

/* Takes so many bytes from the rate limits; for how many seconds must the stream pause? */
double receive_pause(struct fetch *fetch, size_t length, double now);

#endif
