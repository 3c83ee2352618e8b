/* checkpoint.h: what is written is made stable, and then counted in the journal. The disk thread's.
 * SPDX-License-Identifier: MIT */
#ifndef LUADL_CHECKPOINT_H
#define LUADL_CHECKPOINT_H

#include "transfer.h"

#define CHECKPOINT_WORTH ((int64_t) 1 << 20) /* bytes; less is fetched again as fast */

/* Makes the journal of a transfer whose part is still empty, where it deserves one: its length is
 * unknown or over 1 MiB, and it may be resumed. 0 or a negative kind; errno in transfer->record. */
int checkpoint_begin(struct transfer *transfer);

/* The same where the part holds what was adopted, and shown to be right: its first slot counts that, so
 * that there is never a journal beside it which counts nothing. errno in transfer->file. */
int checkpoint_adopt(struct transfer *transfer);

/* Counts what is written by now, if anything came since the last time. 0, or -kind: the part could
 * not be synced, and is lost for this run (F5). A journal that can't be written is no failure: the
 * older slot stays, and nothing more is counted. */
int checkpoint_take(struct transfer *transfer);

/* All is written and synced: only the name is missing. */
void checkpoint_commit(struct transfer *transfer);

#endif
