/* record.c: NAME.part.lj, the journal as a file: found, made, and written slot by slot.
 * SPDX-License-Identifier: MIT */
#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "code.h"
#include "io.h"

#define SUFFIX ".lj"
#define EXTENTS_ROOM 512 /* as many connections as there may be, and the holes of some retries */
#define URL_ROOM 4096    /* also for another one that replaces it (H29) */

static int fail(struct record *record, int errnum)
{
    record->errnum = errnum;
    return -code_of_errno(errnum);
}

void record_init(struct record *record)
{
    *record = (struct record){.dirfd = -1, .fd = -1};
    journal_init(&record->journal);
}

void record_close(struct record *record)
{
    int errnum = record->errnum;
    if (record->fd >= 0)
        close(record->fd);
    journal_free(&record->journal);
    free(record->name);
    free(record->slot);
    record_init(record);
    record->errnum = errnum;
}

bool record_is_open(const struct record *record)
{
    return record->fd >= 0;
}

static int set_name(struct record *record, int dirfd, const char *part)
{
    free(record->name);
    record->dirfd = dirfd;
    record->name = NULL;
    if (asprintf(&record->name, "%s" SUFFIX, part) >= 0)
        return 0;
    record->name = NULL;
    return fail(record, ENOMEM);
}

static int have_slot(struct record *record)
{
    free(record->slot);
    record->slot = malloc(record->layout.slot_length);
    return record->slot ? 0 : fail(record, ENOMEM);
}

/* Find */

/* Looks before it opens: to open a device can have effects. */
static int open_existing(struct record *record, bool lock)
{
    struct stat seen;
    if (fstatat(record->dirfd, record->name, &seen, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? RECORD_NONE : fail(record, errno);
    if (!S_ISREG(seen.st_mode) || seen.st_uid != geteuid())
        return -LDL_JOURNAL_CORRUPT;
    record->fd = openat(record->dirfd, record->name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (record->fd < 0)
        return errno == ENOENT ? RECORD_NONE : fail(record, errno);
    if (lock && flock(record->fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return -LDL_LOCKED;
    return 0;
}

static int read_all(struct record *record)
{
    struct stat now;
    if (fstat(record->fd, &now) != 0)
        return fail(record, errno);
    if (now.st_size > (off_t) JOURNAL_FILE_MOST)
        return -LDL_JOURNAL_CORRUPT;
    size_t size = (size_t) now.st_size;
    void *bytes = malloc(size + 1);
    if (!bytes)
        return fail(record, ENOMEM);
    int result = io_read(record->fd, bytes, size, 0);
    if (result > 0)
        result = fail(record, result);
    else
        result = journal_newest(bytes, result == 0 ? size : 0, &record->journal, &record->layout);
    free(bytes);
    return result;
}

int record_find(struct record *record, int dirfd, const char *part)
{
    int result = set_name(record, dirfd, part);
    if (result == 0)
        result = open_existing(record, true);
    if (result == 0)
        result = read_all(record);
    if (result == 0)
        result = have_slot(record);
    if (result != 0)
        record_close(record);
    return result;
}

/* Make and write */

static int sync_directory(struct record *record)
{
    return fsync(record->dirfd) == 0 || errno == EINVAL || errno == EOPNOTSUPP
               ? 0
               : fail(record, errno);
}

/* What stands there belongs to a part that is gone. No power cut may bring it back beside the next one's bytes. */
static int remove_existing(struct record *record)
{
    int result = open_existing(record, true);
    if (result == 0 && unlinkat(record->dirfd, record->name, 0) != 0 && errno != ENOENT)
        result = fail(record, errno);
    if (result == 0)
        result = sync_directory(record);
    if (record->fd >= 0)
        close(record->fd);
    record->fd = -1;
    return result == RECORD_NONE ? 0 : result;
}

static int create(struct record *record)
{
    const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    record->fd = openat(record->dirfd, record->name, flags, 0600);
    if (record->fd < 0 && errno == EEXIST) {
        int result = remove_existing(record);
        if (result != 0)
            return result;
        record->fd = openat(record->dirfd, record->name, flags, 0600);
    }
    if (record->fd < 0)
        return fail(record, errno);
    (void) flock(record->fd, LOCK_EX | LOCK_NB); /* it's new: who could hold it? */
    return 0;
}

static int fill_with_zeros(struct record *record, int64_t from)
{
    static const char zeros[JOURNAL_PAGE];
    int errnum = 0;
    for (; errnum == 0 && from < record->layout.file_size; from += JOURNAL_PAGE)
        errnum = io_write(record->fd, zeros, sizeof zeros, from);
    return errnum == 0 ? 0 : fail(record, errnum);
}

/* All the room that it will ever need: no checkpoint fails for want of space (F2). */
static int make_room(struct record *record)
{
    struct stat now;
    if (fstat(record->fd, &now) != 0)
        return fail(record, errno);
    int result;
    do
        result = fallocate(record->fd, 0, 0, record->layout.file_size);
    while (result != 0 && errno == EINTR);
    if (result == 0)
        return 0;
    bool unsupported = errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL;
    if (!unsupported)
        return fail(record, errno);
    int64_t page = (now.st_size + JOURNAL_PAGE - 1) / JOURNAL_PAGE * JOURNAL_PAGE;
    return fill_with_zeros(record, page);
}

static int write_header(struct record *record)
{
    unsigned char page[JOURNAL_PAGE];
    journal_encode_header(&record->layout, page);
    int errnum = io_write(record->fd, page, sizeof page, 0);
    return errnum == 0 ? 0 : fail(record, errnum);
}

static int put_slot(struct record *record, bool stable)
{
    size_t used;
    const struct journal *journal = &record->journal;
    int result = journal_encode_slot(journal, record->slot, record->layout.slot_length, &used);
    if (result != 0)
        return result;
    int errnum = io_write(record->fd, record->slot, used,
                          journal_slot_offset(&record->layout, journal->seq));
    if (errnum == 0 && stable && fdatasync(record->fd) != 0)
        errnum = errno;
    return errnum == 0 ? 0 : fail(record, errnum);
}

/* A record that was found may have lost its header, or its end: it is made whole first. */
static int write_next(struct record *record, bool stable)
{
    if (record->broken)
        return -LDL_IO;
    int result = record->whole ? 0 : make_room(record);
    if (result == 0 && !record->whole)
        result = write_header(record);
    record->whole = true;
    record->journal.seq++;
    if (result == 0)
        result = put_slot(record, stable);
    record->broken = result != 0;
    return result;
}

int record_write(struct record *record)
{
    return write_next(record, true);
}

int record_settle(struct record *record)
{
    int result = fdatasync(record->fd) == 0 ? sync_directory(record) : fail(record, errno);
    record->broken = record->broken || result != 0;
    return result;
}

static int lay_out(struct record *record)
{
    const struct journal *journal = &record->journal;
    size_t url = journal->url ? 2 * strlen(journal->url) : 0;
    int result = journal_layout(journal->identity.total, journal->block_shift, EXTENTS_ROOM,
                                url > URL_ROOM ? url : URL_ROOM, &record->layout);
    return result == 0 ? have_slot(record) : result;
}

int record_create(struct record *record, int dirfd, const char *part, bool stable)
{
    if (record->fd >= 0) /* of a beginning that failed; its lock goes with it */
        close(record->fd);
    record->fd = -1;
    record->journal.seq = 0;
    record->broken = record->whole = record->settled = false;
    int result = set_name(record, dirfd, part);
    if (result == 0)
        result = lay_out(record);
    if (result == 0)
        result = create(record);
    if (result == 0)
        result = write_next(record, stable);
    if (result == 0 && stable)
        result = sync_directory(record);
    if (result != 0) {
        if (record->fd >= 0)
            record_remove(record);
        record_close(record);
    }
    return result;
}

void record_remove(struct record *record)
{
    struct stat named, held;
    if (fstatat(record->dirfd, record->name, &named, AT_SYMLINK_NOFOLLOW) == 0
        && fstat(record->fd, &held) == 0 && named.st_dev == held.st_dev
        && named.st_ino == held.st_ino)
        (void) unlinkat(record->dirfd, record->name, 0);
}

int record_discard(struct record *record, int dirfd, const char *part)
{
    record_close(record);
    int result = set_name(record, dirfd, part);
    if (result == 0)
        result = remove_existing(record);
    record_close(record);
    return result;
}

/* For everybody */

/* "dir/NAME.part" or "dir/NAME.part.lj" into the folder and NAME.part. */
static bool split_path(const char *path, char *dir, size_t size, char *part, size_t part_size)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    size_t length = strlen(name), tail = strlen(SUFFIX);
    if (length > tail && strcmp(name + length - tail, SUFFIX) == 0)
        length -= tail;
    int dir_length = slash == path ? 1 : slash ? (int) (slash - path) : 1;
    if (length == 0 || length >= part_size || (size_t) dir_length >= size)
        return false;
    snprintf(dir, size, "%.*s", dir_length, slash ? path : ".");
    snprintf(part, part_size, "%.*s", (int) length, name);
    return true;
}

static void describe(const struct journal *journal, const char *part, struct ldl_record *out)
{
    const struct identity *identity = &journal->identity;
    size_t length = strlen(part), tail = strlen(".part");
    bool usual = length > tail && strcmp(part + length - tail, ".part") == 0;
    *out = (struct ldl_record){.last_modified = identity->last_modified,
                               .total = identity->total,
                               .committed = journal->committed};
    snprintf(out->url, sizeof out->url, "%s", journal->url ? journal->url : "");
    if (journal->committed)
        snprintf(out->name, sizeof out->name, "%s", journal->name);
    else
        snprintf(out->name, sizeof out->name, "%.*s", (int) (usual ? length - tail : length), part);
    if (identity->etag_strength != ETAG_NONE)
        snprintf(out->etag, sizeof out->etag, "%s%s",
                 identity->etag_strength == ETAG_WEAK ? "W/" : "", identity->etag);
    for (size_t i = 0; i < journal->extent_count; i++)
        out->received += journal->extents[i].end - journal->extents[i].start;
}

/* The record beside dir/part, without its slot; its dirfd is the caller's to close. */
static int look_up(struct record *record, const char *path, char *part, size_t part_size, bool lock)
{
    char dir[4096];
    record_init(record);
    if (!split_path(path, dir, sizeof dir, part, part_size))
        return -LDL_BAD_NAME;
    int dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dirfd < 0)
        return -code_of_errno(errno);
    int result = set_name(record, dirfd, part);
    if (result == 0)
        result = open_existing(record, lock);
    return result == 0 ? read_all(record) : result;
}

static void let_go(struct record *record)
{
    int dirfd = record->dirfd;
    record_close(record);
    if (dirfd >= 0)
        close(dirfd);
}

/* Its lock isn't asked for: this only looks. */
int ldl_read_record(const char *path, struct ldl_record *out)
{
    char part[256];
    struct record record;
    int result = look_up(&record, path, part, sizeof part, false);
    if (result == 0)
        describe(&record.journal, part, out);
    let_go(&record);
    return result > 0 ? -LDL_JOURNAL_CORRUPT : result;
}

/* Is the part gone, or only a second name of the published file (F26)? Then that goes now. */
static bool part_is_gone(const struct record *record, const char *part)
{
    struct stat one, other;
    if (fstatat(record->dirfd, part, &one, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT;
    return fstatat(record->dirfd, record->journal.name, &other, AT_SYMLINK_NOFOLLOW) == 0
           && one.st_dev == other.st_dev && one.st_ino == other.st_ino
           && unlinkat(record->dirfd, part, 0) == 0;
}

void record_sweep(const char *path)
{
    char part[256];
    struct record record;
    if (look_up(&record, path, part, sizeof part, true) == 0 && record.journal.committed
        && part_is_gone(&record, part))
        record_remove(&record);
    let_go(&record);
}
