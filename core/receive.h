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

/* Would so many bytes make it larger than it may be? Then that is its error. */
bool receive_exceeds(struct fetch *fetch, size_t length);

/* The file of a small body is opened though not all of it has come. */
void receive_open(struct fetch *fetch);

/* What came while its file was being opened. */
void receive_held(struct fetch *fetch);

#endif
