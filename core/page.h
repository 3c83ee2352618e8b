/* page.h: an answer in memory: taken as it is, whatever its status.
 * SPDX-License-Identifier: MIT */
#ifndef LUADL_PAGE_H
#define LUADL_PAGE_H

#include "fetch.h"

/* The head has come: a redirect to follow, or the answer. */
void page_accept(struct fetch *fetch, int status, const struct ldl_header *headers, size_t count);

/* Bytes of its body, up to max_size. */
void page_collect(struct fetch *fetch, const char *bytes, size_t length);

/* The body came to its end with this CURLcode: DONE follows. */
void page_end(struct fetch *fetch, int code);

/* It failed: nobody is asked, the caller decides about another try. */
void page_fail(struct fetch *fetch);

#endif
