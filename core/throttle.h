/* throttle.h: how a stream waits for the rate limits: its file's, its host's and the session's.
 * SPDX-License-Identifier: MIT */
#ifndef LUADL_THROTTLE_H
#define LUADL_THROTTLE_H

#include "fetch.h"

/* May so many bytes be delivered now? Then they are paid for. Else the stream pauses until throttle_due. */
bool throttle_pass(struct fetch *fetch, size_t length);
/* So many of them weren't delivered after all. */
void throttle_return(struct fetch *fetch, size_t length);
/* May a stream that pauses go on? Else `resume_at` says when to look again. */
bool throttle_due(struct fetch *fetch, double now);
/* Its watchdogs rest while it pauses. */
bool throttle_holds(const struct fetch *fetch);
/* How much to receive at once, at most `most`: under a limit it comes in small pieces. */
long throttle_buffer(struct fetch *fetch, long most);
/* It asks elsewhere from now on, or is gone: gives back what it hasn't used. */
void throttle_leave(struct fetch *fetch);

#endif
