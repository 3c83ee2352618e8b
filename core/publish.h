/* publish.h: how a transfer ends: with its file published, or with what is worth keeping. The disk thread's.
 * SPDX-License-Identifier: MIT */
#ifndef LUADL_PUBLISH_H
#define LUADL_PUBLISH_H

#include "transfer.h"

/* JOB_PUBLISH of so many. Each ends with publish_end, or with job_ask, job_stop or job_release. The list is used up. */
void publish_group(struct transfer **list, int count);

/* JOB_DISCARD, and after publishing: closes, says DONE. What came since the last checkpoint is counted, if
 * there is time for that. */
void publish_end(struct transfer *transfer, bool count);

#endif
