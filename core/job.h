/* job.h: how the jobs of the disk thread end, and what they say when they fail.
 * SPDX-License-Identifier: MIT */
#ifndef LUADL_JOB_H
#define LUADL_JOB_H

#include "transfer.h"

/* A failure at a file, for people: what was tried, with which file, and why not (NULL: the errno or
 * the kind says it). */
void job_error(struct ldl_error *error, const struct transfer *transfer, int kind, const char *what,
               const char *why);

/* Transfer lock not held: */
void job_release(struct transfer *transfer); /* it is over: whatever waits for the disk goes on */
void job_ask(struct transfer *transfer, int stage, const struct ldl_error *error); /* the owner */
void job_ask_verify(struct transfer *transfer); /* the owner: is the complete file right? */
void job_stop(struct transfer *transfer, const struct ldl_error *error); /* it failed */
void job_sync_failed(struct transfer *transfer, int kind);               /* F5 */
struct identity job_known(struct transfer *transfer); /* what the answers have told */
int64_t job_length(struct transfer *transfer);        /* of the file; -1: unknown */

#endif
