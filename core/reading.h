/* reading.h: a transfer that is read in order: its plan, its reader, and what both say to each other.
 * SPDX-License-Identifier: MIT
 *
 * Pieces are claimed front to back within the window. A stream that comes to its end pauses there until the reader has
 * made room; all streams of such a transfer are of one network thread, so that one message wakes them.
 */
#ifndef LUADL_READING_H
#define LUADL_READING_H

#include "transfer.h"

/* The owner's; transfer lock not held: */
int reading_start(struct transfer *transfer); /* answers HEAD. 0 or a negative kind */
/* The bytes that come next, as many as lie together; 0: none now, LDL_EVENT_DATA follows. */
size_t reading_peek(struct transfer *transfer, const void **bytes);
int reading_consume(struct transfer *transfer, size_t count); /* 0 or a negative kind */
void reading_heard(struct transfer *transfer);                /* LDL_EVENT_DATA was taken */

/* Transfer lock held: */
bool reading_has_begun(const struct transfer *transfer); /* some of it was read: no way back */
void reading_lay_out(struct transfer *transfer);         /* makes its new plan one of pieces */
void reading_tell(struct transfer *transfer);            /* more has come */
/* May a stream that begins anew at byte 0 bring the rest? */
bool reading_may_join(const struct transfer *transfer, const struct identity *seen);

#endif
