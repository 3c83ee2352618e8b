/* failure.h: what libcurl's failures mean.
 * SPDX-License-Identifier: MIT */
#ifndef LUADL_FAILURE_H
#define LUADL_FAILURE_H

#include "fetch.h"

/* What this CURLcode means becomes the fetch's error. */
void failure_set(struct fetch *fetch, int code);

#endif
