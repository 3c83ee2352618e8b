/* begin.h: a transfer gets its part: opened, given room, gone on with, or emptied. The disk thread's.
 * SPDX-License-Identifier: MIT */
#ifndef LUADL_BEGIN_H
#define LUADL_BEGIN_H

#include "transfer.h"

/* Each ends with job_release, job_ask or job_stop. */
void begin_open(struct transfer *transfer); /* JOB_OPEN: before the first request or after it */
void begin_reset(
    struct transfer *transfer); /* JOB_RESET: nothing that was written counts any more */
void begin_record(struct transfer *transfer); /* JOB_RECORD: what was adopted counts from now on */

#endif
