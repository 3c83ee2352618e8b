/* local.h: files of this machine, as file: URLs name them.
 * SPDX-License-Identifier: MIT */
#ifndef LUADL_LOCAL_H
#define LUADL_LOCAL_H

#include "fetch.h"

#define LOCAL_GOES_ON (-1)

/* Opens what its URL names. 0, or a negative kind and fetch->error. */
int local_open(struct fetch *fetch);
void local_close(struct fetch *fetch);

/* Some of it may be read now. */
bool local_is_ready(const struct fetch *fetch);
/* Reads it and hands it on. LOCAL_GOES_ON, or how it ended: a CURLcode, for fetch_done. */
int local_read(struct fetch *fetch);

#endif
