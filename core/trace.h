/* trace.h: what happened, step by step, for whoever asked to see it.
 * SPDX-License-Identifier: MIT */
#ifndef LUADL_TRACE_H
#define LUADL_TRACE_H

#include "transfer.h"

/* A step of a stream or, with stream 0, of the whole; nothing where nobody asked. `seconds`: how long
 * it took. url may be NULL. Any thread, with or without the transfer's lock. */
void trace_step(struct transfer *transfer, int step, uint32_t stream, struct span range,
                double seconds, const char *url, const char *format, ...)
    __attribute__((format(printf, 7, 8)));

#endif
