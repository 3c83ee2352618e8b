/* adoption.h: goes on with what another program left: NAME, and perhaps its control file. The disk thread's.
 * SPDX-License-Identifier: MIT
 *
 * curl, wget: NAME is the beginning. aria2: NAME.aria2 says what NAME has; axel: NAME.st. None of them tells which version
 * of a resource it is from, so all of it stands on comparing bytes with the server's.
 */
#ifndef LUADL_ADOPTION_H
#define LUADL_ADOPTION_H

#include "transfer.h"

/* Where there is no part but another program's NAME, that becomes the part. */
void adoption_move(struct transfer *transfer);

/* What the part, which has no journal, is said to hold of the resource whose head was answered: `out` gets its identity
 * and extents. 0, or a negative kind and `error`. */
int adoption_read(struct transfer *transfer, struct journal *out, struct ldl_error *error);

/* It was not to be used, or not to its end: it gets its length and its name back. */
void adoption_return(struct transfer *transfer);

/* The file is complete: the control file that was read is of no use any more. */
void adoption_finish(struct transfer *transfer);

#endif
