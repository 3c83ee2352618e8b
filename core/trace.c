/* trace.c: what happened, step by step, for whoever asked to see it.
 * SPDX-License-Identifier: MIT */
#include "trace.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* A step that finds no memory is left out. */
void trace_step(struct transfer *transfer, int step, uint32_t stream, struct span range,
                double seconds, const char *url, const char *format, ...)
{
    va_list arguments;
    struct note *note = transfer->request.options.trace ? calloc(1, sizeof *note) : NULL;
    if (!note)
        return;
    note->single_use = true;
    note->event = (struct ldl_event){
        .step = step,
        .stream = (int) stream,
        .time = monotonic(),
        .elapsed = seconds,
        .first = range.first,
        .last = range.end == INT64_MAX ? -1 : range.end - 1,
    };
    if (url)
        url_redact(url, note->event.error.url, sizeof note->event.error.url);
    va_start(arguments, format);
    vsnprintf(note->event.error.message, sizeof note->event.error.message, format, arguments);
    va_end(arguments);
    transfer_post(transfer, note, LDL_EVENT_TRACE);
}
