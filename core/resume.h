/* resume.h: what an earlier run left beside the target: may it be gone on with? The disk thread's.
 * SPDX-License-Identifier: MIT */
#ifndef LUADL_RESUME_H
#define LUADL_RESUME_H

#include "transfer.h"

enum resume_found {
    RESUME_NOTHING, /* the part is empty */
    RESUME_HELD, /* the plan, the identity and the sums are those of the journal; see transfer->proof */
    RESUME_REFUSED /* `error` says why; nobody is to be asked */
};

/* The part is open and locked. After a negative kind, `error` says why and the part is as it was
 * (LDL_REMOTE_CHANGED: the head that was answered is another's than the journal's). */
int resume_look(struct transfer *transfer, struct ldl_error *error);

/* Empties the part and removes its journal: in this order nothing is ever counted that isn't there. */
int resume_reset(struct transfer *transfer);

#endif
