/* file.h: one file on its way: NAME.part, written at offsets, synced, published as NAME.
 * SPDX-License-Identifier: MIT
 *
 * Everything is relative to a directory descriptor held open from start to end. Functions return 0
 * or a negative enum ldl_kind, and leave the errno (0 where there is none) in file->errnum.
 * A file that outgrows RLIMIT_FSIZE raises SIGXFSZ, whose disposition is the program's business:
 * ignored, it is LDL_TOO_LARGE here.
 */
#ifndef LUADL_FILE_H
#define LUADL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "luadl.h"

struct file {
    int dirfd;  /* -1: not open */
    int fd;     /* -1: not open */
    int errnum; /* of the last failure */
    char *name; /* the final name, one component */
    char *part; /* name with ".part" */
    char *path; /* dir and name, for people */
    dev_t dir_dev;
    ino_t dir_ino;
    dev_t dev;
    ino_t ino;     /* of the part: it must still be this one at publish */
    mode_t mode;   /* of the finished file; 0: what file_usual_mode says */
    int64_t size;  /* of the finished file; -1: not finished */
    int64_t found; /* bytes of the part that an earlier run had left; -1: it was not there */
    bool poisoned; /* a sync failed: pages may be lost, and a second sync would not say so */
    bool published;
    int unsynced; /* what file_sync_directory said after that */
};

void file_init(struct file *file);

/* The longest name in bytes that dir (NULL: the current one) takes, or a negative kind. ".part"
 * needs room, too. */
int file_name_max(const char *dir);

/* Opens dir, which must exist (NULL, "": the current one), and checks what stands under the final
 * name: a directory is LDL_EXISTS, a fifo, device or socket LDL_NOT_REGULAR, any other entry
 * LDL_EXISTS unless replace; a symlink is an entry, never followed. Then creates NAME.part, 0600,
 * or opens the one that is there, as it is, if it is a regular file of ours with one name; and
 * locks it. Locked: LDL_LOCKED; not regular: LDL_NOT_REGULAR; not ours: LDL_JOURNAL_CORRUPT. A
 * name that ends like a part or a journal is LDL_BAD_NAME. After a failure nothing is open, and
 * only file->errnum is set. */
int file_open(struct file *file, const char *dir, const char *name, bool replace);
/* The same in `folder`, which people know as dir. */
int file_open_in(struct file *file, const char *folder, const char *dir, const char *name,
                 bool replace);

/* Empties a part that was found, and makes that stable. */
int file_wipe(struct file *file);

/* Another final name for an open file; the part keeps its own. */
int file_set_name(struct file *file, const char *name);

/* Gives the file its size: fallocate, or a sparse ftruncate where that is not supported and statvfs
 * says there is room. total -1 (unknown): only looks for any room at all. After a failure,
 * discard. */
int file_allocate(struct file *file, int64_t total);

/* Writes all of it at offset; short writes and EINTR are continued. Any thread. */
int file_write(const struct file *file, const void *bytes, size_t length, int64_t offset,
               int *errnum);

/* Reads all of it; a part that ends before is LDL_LOCAL_CHANGED. Any thread. */
int file_read(const struct file *file, void *bytes, size_t length, int64_t offset, int *errnum);

/* fdatasync. When that failed the file can't be finished any more, nor synced again: the pages may
 * be gone, and the second call would not say so. */
int file_sync(struct file *file);

/* The part's size and name are stable after this. */
int file_sync_all(struct file *file);

/* Starts the write-back of a region early; counts for nothing. Any thread. */
void file_hint(const struct file *file, int64_t offset, int64_t length);

/* 0666 & ~umask, from /proc: many files that are finished together need it once. */
mode_t file_usual_mode(void);

/* Cuts or extends to the final length, stamps the time (seconds since the epoch; one before 1970 or
 * over a day ahead is ignored: the time of the download stays), mode, fsync. Once that fsync
 * failed, the file can't be finished any more. */
int file_finish(struct file *file, int64_t total, int64_t modified);

/* Checks that the part is still ours and as it was finished, renames it to its name without
 * replacing (or with). LDL_EXISTS: the name was taken meanwhile; a failure leaves the part where it
 * is. */
int file_publish(struct file *file, bool replace);

/* Makes the names in its directory stable. A failure after publishing is only worth a warning: the
 * file is complete and has its name. */
int file_sync_directory(struct file *file);
bool file_shares_directory(const struct file *one, const struct file *other);

/* Removes the part, if its name still leads to it and it isn't published. */
void file_remove(struct file *file);

/* Closes; an unpublished part is removed when discard is set and it is still ours. */
void file_close(struct file *file, bool discard);

#endif
