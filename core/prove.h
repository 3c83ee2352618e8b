/* prove.h: is what an earlier run left of the same resource that the server has now?
 * SPDX-License-Identifier: MIT */
#ifndef LUADL_PROVE_H
#define LUADL_PROVE_H

#include "fetch.h"

/* May the stream whose answer agrees take its part? Not where the answer leaves out the validator
 * that was to show it: then bytes are compared. Transfer lock held. */
bool prove_by_validator(struct fetch *fetch);

/* The first answer may tell a length that was not known before. 0 or a negative kind, then
 * fetch->error is set. Transfer lock held. */
int prove_total(struct fetch *fetch);

/* Body bytes of a FETCH_CHECK: compared with those in the file when all are there (H25). */
void prove_compare(struct fetch *fetch, const char *bytes, size_t length);

#endif
