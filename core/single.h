/* single.h: what is fetched without HTTP: one stream, from beginning to end, of which little is told.
 * SPDX-License-Identifier: MIT */
#ifndef LUADL_SINGLE_H
#define LUADL_SINGLE_H

#include "fetch.h"

/* What libcurl has to know for ftp, ftps and sftp, after all else. 0 or a negative kind. */
int single_set(struct fetch *fetch);

/* Length and time, as far as they are known, as an HTTP server would tell them; the caller frees it. NULL: no memory. */
struct ldl_header *single_head(struct fetch *fetch, size_t *count);

/* Ends its connection: libcurl would wait for the server's goodbye, and the thread's other streams with it. */
void single_cut(struct fetch *fetch);

#endif
