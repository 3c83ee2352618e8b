/* header.h: the header fields of a request, and who gets which of them.
 * SPDX-License-Identifier: MIT */
#ifndef LUADL_HEADER_H
#define LUADL_HEADER_H

#include "fetch.h"

/* Makes fetch->header_list for where it asks now; the caller frees it. 0 or a negative kind. */
int header_build(struct fetch *fetch);

#endif
