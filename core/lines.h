/* lines.h: the header lines of an answer, taken apart as they come.
 * SPDX-License-Identifier: MIT
 *
 * libcurl has a list of them, too, but walks over all of it for each one that is asked for.
 */
#ifndef LUADL_LINES_H
#define LUADL_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "luadl.h"

struct lines {
    char *text; /* name, NUL, value, NUL of each */
    size_t used, size;
    size_t count;
};

/* A status line begins anew; what isn't a field is left out. False: no memory. */
bool lines_add(struct lines *lines, const char *bytes, size_t length);

/* All of them, in order; the caller frees the list, whose texts are those of `lines`. NULL: no memory. */
struct ldl_header *lines_list(const struct lines *lines, size_t *count);

void lines_clear(struct lines *lines);
void lines_free(struct lines *lines);

#endif
