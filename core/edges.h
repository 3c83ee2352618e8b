/* edges.h: the sum of what is held at the ends of extents, where no whole block is.
 * SPDX-License-Identifier: MIT */
#ifndef LUADL_EDGES_H
#define LUADL_EDGES_H

#include "file.h"
#include "journal.h"

/* Of all edges (see journal_edges), in order; never 0. Reads them. 0 or a negative kind. */
int edges_sum(const struct file *file, const struct journal *journal, uint64_t *out);

#endif
