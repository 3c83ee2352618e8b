/* record.h: NAME.part.lj, the journal as a file: found, made, and written slot by slot.
 * SPDX-License-Identifier: MIT
 *
 * One thread has it, the one that holds the lock of its part. It is locked, too: who publishes keeps
 * it until its name is gone, so that nobody else's journal is removed. Functions return 0 or a
 * negative enum ldl_kind, and leave the errno in record->errnum.
 */
#ifndef LUADL_RECORD_H
#define LUADL_RECORD_H

#include <stdbool.h>

#include "journal.h"

struct record {
    int dirfd;              /* the file's; not ours to close */
    int fd;                 /* -1: none */
    int errnum;             /* of the last failure */
    bool whole;             /* its header is written and its room reserved */
    bool settled;           /* the caller's: the part is stable, not only its bytes */
    bool broken;            /* a write failed: the last good slot stays, nothing more is written */
    char *name;             /* part with ".lj" */
    struct journal journal; /* what the newest slot says, or is going to say */
    struct journal_layout layout;
    unsigned char *slot; /* room for one */
};

void record_init(struct record *record);
void record_close(struct record *record);

bool record_is_open(const struct record *record);

enum { RECORD_FOREIGN = JOURNAL_FOREIGN_VERSION, RECORD_NONE };

/* Opens and reads what stands beside the part. 0: it is open, and record->journal is its newest
 * valid slot. RECORD_NONE: there is none; RECORD_FOREIGN: another version's, to be left as it is;
 * -LDL_JOURNAL_CORRUPT: nothing in it is valid, or it isn't ours; -LDL_LOCKED. */
int record_find(struct record *record, int dirfd, const char *part);

/* Makes it anew, with room for all checkpoints to come, and writes record->journal, whose identity,
 * URL and block shift are set, as its first slot. Its own name is stable when it returns, if that is
 * wanted. */
int record_create(struct record *record, int dirfd, const char *part, bool stable);

/* What was created and not made stable is so now. After a failure it is broken. */
int record_settle(struct record *record);

/* The next slot, from record->journal; stable when it returns. After a failure it is broken. */
int record_write(struct record *record);

/* Takes its name away, if it is still its own. */
void record_remove(struct record *record);

/* Removes what stands beside the part, read or not; that is stable. 0 or a negative kind. */
int record_discard(struct record *record, int dirfd, const char *part);

/* Removes the committed record beside the part of this path, if the part is gone or a second name of
 * the published file: a run that ended between publishing and tidying up left it. */
void record_sweep(const char *path);

#endif
