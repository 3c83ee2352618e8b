/* file.c: NAME.part from its creation to its publication under the final name.
 * SPDX-License-Identifier: MIT
 *
 * Whoever else works in the directory may change it between any two calls here, so a check before
 * the act is for a clear error only; what decides is O_EXCL, the lock, and a rename that can't
 * replace.
 */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "code.h"
#include "io.h"

#define PART_SUFFIX ".part"
#define JOURNAL_SUFFIX ".part.lj"

enum {
    USUAL_UMASK = 022,
    USUAL_NAME_MAX = 255,
    DAY = 24 * 60 * 60,
};

static int refuse(struct file *file, int kind, int errnum)
{
    file->errnum = errnum;
    return -kind;
}

/* For calls that take names. */
static int fail(struct file *file, int errnum)
{
    return refuse(file, code_of_errno(errnum), errnum);
}

/* For calls on an open descriptor, where no errno can mean the name. */
static int data_kind(int errnum)
{
    int kind = code_of_errno(errnum);
    return kind == LDL_BAD_NAME ? LDL_IO : kind;
}

static int fail_data(struct file *file, int errnum)
{
    return refuse(file, data_kind(errnum), errnum);
}

void file_init(struct file *file)
{
    *file = (struct file){.dirfd = -1, .fd = -1, .size = -1, .found = -1};
}

static const char *or_current(const char *dir)
{
    return dir && *dir ? dir : ".";
}

int file_name_max(const char *dir)
{
    errno = 0;
    long max = pathconf(or_current(dir), _PC_NAME_MAX);
    if (max < 0)
        return errno ? -code_of_errno(errno) : USUAL_NAME_MAX;
    return max < PATH_MAX ? (int) max : PATH_MAX;
}

/* open */

static bool ends_with(const char *name, const char *suffix)
{
    size_t length = strlen(name), tail = strlen(suffix);
    return length >= tail && strcasecmp(name + length - tail, suffix) == 0;
}

/* Names like our own artefacts would collide with the part of another download. */
static bool usable_name(const char *name)
{
    return *name && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0
           && !ends_with(name, PART_SUFFIX) && !ends_with(name, JOURNAL_SUFFIX);
}

/* Allocates left, between and right as one string. */
static char *join(const char *left, const char *between, const char *right)
{
    size_t size = strlen(left) + strlen(between) + strlen(right) + 1;
    char *all = malloc(size);
    if (all)
        snprintf(all, size, "%s%s%s", left, between, right);
    return all;
}

static int set_names(struct file *file, const char *dir, const char *name)
{
    bool bare = !dir || !*dir;
    file->name = strdup(name);
    file->part = join(name, PART_SUFFIX, "");
    file->path = bare ? strdup(name) : join(dir, ends_with(dir, "/") ? "" : "/", name);
    return file->name && file->part && file->path ? 0 : fail(file, ENOMEM);
}

static int open_directory(struct file *file, const char *dir)
{
    struct stat opened;
    file->dirfd = open(or_current(dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file->dirfd < 0 || fstat(file->dirfd, &opened) != 0)
        return fail(file, errno);
    file->dir_dev = opened.st_dev;
    file->dir_ino = opened.st_ino;
    return 0;
}

static int check_target(struct file *file, bool replace)
{
    struct stat target;
    if (fstatat(file->dirfd, file->name, &target, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? 0 : fail(file, errno);
    if (S_ISDIR(target.st_mode))
        return fail(file, EISDIR);
    if (!S_ISREG(target.st_mode) && !S_ISLNK(target.st_mode))
        return refuse(file, LDL_NOT_REGULAR, 0);
    return replace ? 0 : fail(file, EEXIST);
}

static int create_part(struct file *file)
{
    const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    file->fd = openat(file->dirfd, file->part, flags, 0600);
    return file->fd < 0 ? fail(file, errno) : 0;
}

/* Looks before it opens: to open a device can have effects. A part that comes and goes is in
 * use. */
static int reopen_part(struct file *file)
{
    struct stat part;
    if (fstatat(file->dirfd, file->part, &part, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? refuse(file, LDL_LOCKED, 0) : fail(file, errno);
    if (!S_ISREG(part.st_mode))
        return refuse(file, LDL_NOT_REGULAR, 0);
    file->fd = openat(file->dirfd, file->part, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    return file->fd < 0 ? fail(file, errno) : 0;
}

/* Some network file systems know no locks: then only a part that we created is surely ours. */
static int lock_part(struct file *file, bool created)
{
    if (flock(file->fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    return created && errno != EWOULDBLOCK ? 0 : refuse(file, LDL_LOCKED, errno);
}

/* Does the part's name still lead to the file that we hold? Fills what it leads to. */
static int check_part(struct file *file, struct stat *part)
{
    if (fstatat(file->dirfd, file->part, part, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? refuse(file, LDL_LOCAL_CHANGED, 0) : fail_data(file, errno);
    bool same = part->st_dev == file->dev && part->st_ino == file->ino;
    return same ? 0 : refuse(file, LDL_LOCAL_CHANGED, 0);
}

/* Before the lock was ours, its last holder may have published or removed the file behind it. */
static int claim_part(struct file *file, bool created, struct stat *part)
{
    int result = lock_part(file, created);
    if (result != 0)
        return result;
    if (fstat(file->fd, part) != 0)
        return fail_data(file, errno);
    file->dev = part->st_dev;
    file->ino = part->st_ino;
    result = check_part(file, part);
    return result == -LDL_LOCAL_CHANGED ? refuse(file, LDL_LOCKED, 0) : result;
}

/* Another owner could hold it open and write into it later; another name would lose its content. */
static bool is_ours(const struct stat *part)
{
    return part->st_uid == geteuid() && part->st_nlink == 1;
}

static int find_part(struct file *file)
{
    struct stat part;
    int result = reopen_part(file);
    if (result == 0)
        result = claim_part(file, false, &part);
    if (result != 0)
        return result;
    if (!is_ours(&part))
        return refuse(file, LDL_JOURNAL_CORRUPT, EEXIST);
    file->found = part.st_size;
    return 0;
}

static int take_part(struct file *file)
{
    struct stat part;
    int result = create_part(file);
    if (result == -LDL_EXISTS)
        return find_part(file);
    return result == 0 ? claim_part(file, true, &part) : result;
}

int file_open(struct file *file, const char *dir, const char *name, bool replace)
{
    return file_open_in(file, dir, dir, name, replace);
}

int file_open_in(struct file *file, const char *folder, const char *dir, const char *name,
                 bool replace)
{
    file_init(file);
    if (!usable_name(name))
        return refuse(file, LDL_BAD_NAME, 0);
    int result = set_names(file, dir, name);
    if (result == 0)
        result = open_directory(file, folder);
    if (result == 0)
        result = check_target(file, replace);
    if (result == 0)
        result = take_part(file);
    if (result != 0)
        file_close(file, false);
    else
        file->errnum = 0;
    return result;
}

static bool is_unsupported(int errnum)
{
    return errnum == EOPNOTSUPP || errnum == ENOSYS || errnum == EINVAL;
}

static int sync_failed(struct file *file)
{
    file->poisoned = true;
    return fail_data(file, errno);
}

static int fail_poisoned(struct file *file)
{
    return refuse(file, LDL_IO, EIO);
}

int file_sync(struct file *file)
{
    if (file->poisoned)
        return fail_poisoned(file);
    return fdatasync(file->fd) == 0 ? 0 : sync_failed(file);
}

int file_sync_all(struct file *file)
{
    if (file->poisoned)
        return fail_poisoned(file);
    if (fsync(file->fd) != 0)
        return sync_failed(file);
    return file_sync_directory(file);
}

int file_wipe(struct file *file)
{
    (void) fchmod(file->fd, 0600); /* not every file system has modes */
    if (ftruncate(file->fd, 0) != 0)
        return fail_data(file, errno);
    return file_sync(file);
}

/* allocate and write */

static int check_room(struct file *file, int64_t wanted)
{
    struct statvfs space;
    if (fstatvfs(file->fd, &space) != 0 || space.f_blocks == 0 || space.f_frsize == 0)
        return 0; /* the file system doesn't say */
    uint64_t blocks = ((uint64_t) wanted + space.f_frsize - 1) / space.f_frsize;
    return blocks <= space.f_bavail ? 0 : fail_data(file, ENOSPC);
}

/* On tmpfs a reservation costs what writing costs, page by page, and before the first byte (0.76 s
 * for 2 GiB): there the room is only looked up. */
static bool in_memory(const struct file *file)
{
    struct statfs system;
    return fstatfs(file->fd, &system) == 0 && system.f_type == TMPFS_MAGIC;
}

static int reserve(const struct file *file, int64_t total)
{
    int result;
    if (in_memory(file))
        return EOPNOTSUPP;
    do
        result = fallocate(file->fd, 0, 0, total);
    while (result != 0 && errno == EINTR);
    return result == 0 ? 0 : errno;
}

/* Some virtual file systems pad what they allocate: the size is looked up, never assumed. */
static int set_size(struct file *file, int64_t total)
{
    struct stat now;
    if (fstat(file->fd, &now) != 0)
        return fail_data(file, errno);
    if (now.st_size == total)
        return 0;
    if (ftruncate(file->fd, total) != 0 || fstat(file->fd, &now) != 0)
        return fail_data(file, errno);
    return now.st_size == total ? 0 : refuse(file, LDL_IO, 0);
}

int file_allocate(struct file *file, int64_t total)
{
    if (total < 0)
        return check_room(file, 1);
    int errnum = total > 0 ? reserve(file, total) : 0;
    if (errnum != 0 && !is_unsupported(errnum))
        return fail_data(file, errnum);
    int result = errnum != 0 ? check_room(file, total) : 0;
    return result == 0 ? set_size(file, total) : result;
}

int file_write(const struct file *file, const void *bytes, size_t length, int64_t offset,
               int *errnum)
{
    *errnum = io_write(file->fd, bytes, length, offset);
    return *errnum == 0 ? 0 : -data_kind(*errnum);
}

int file_read(const struct file *file, void *bytes, size_t length, int64_t offset, int *errnum)
{
    int result = io_read(file->fd, bytes, length, offset);
    *errnum = result > 0 ? result : 0;
    return result == IO_END ? -LDL_LOCAL_CHANGED : result == 0 ? 0 : -data_kind(result);
}

void file_hint(const struct file *file, int64_t offset, int64_t length)
{
    (void) sync_file_range(file->fd, offset, length, SYNC_FILE_RANGE_WRITE);
}

/* finish */

static bool is_sane(int64_t modified)
{
    return modified >= 0 && modified <= (int64_t) time(NULL) + DAY;
}

static void stamp(const struct file *file, int64_t modified)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = (time_t) modified}};
    if (is_sane(modified))
        (void) futimens(file->fd, times);
}

/* Fills text with the beginning of a file of /proc, "" when there is none. */
static void read_proc(const char *path, char *text, size_t size)
{
    ssize_t count = -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        count = read(fd, text, size - 1);
        close(fd);
    }
    text[count > 0 ? count : 0] = '\0';
}

/* umask(2) can only be read by setting it, for all threads. */
static mode_t current_umask(void)
{
    static const char label[] = "\nUmask:";
    char status[4096];
    read_proc("/proc/self/status", status, sizeof status);
    const char *found = strstr(status, label);
    return found ? (mode_t) strtoul(found + sizeof label - 1, NULL, 8) & 0777 : USUAL_UMASK;
}

mode_t file_usual_mode(void)
{
    return 0666 & ~current_umask();
}

int file_finish(struct file *file, int64_t total, int64_t modified)
{
    if (file->poisoned)
        return fail_poisoned(file);
    int result = set_size(file, total);
    if (result != 0)
        return result;
    /* Not every file system has times and modes; a file is complete without them. */
    stamp(file, modified);
    (void) fchmod(file->fd, file->mode ? file->mode : file_usual_mode());
    if (fsync(file->fd) != 0)
        return sync_failed(file);
    file->size = total;
    return 0;
}

/* publish: each way to rename returns 0 or an errno */

static int rename_over(const struct file *file)
{
    return renameat(file->dirfd, file->part, file->dirfd, file->name) == 0 ? 0 : errno;
}

/* For a moment an empty file has the name: the price on file systems that know no better. */
static int rename_over_placeholder(const struct file *file)
{
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    int placeholder = openat(file->dirfd, file->name, flags, 0600);
    if (placeholder < 0)
        return errno;
    close(placeholder);
    int errnum = rename_over(file);
    if (errnum != 0)
        (void) unlinkat(file->dirfd, file->name, 0);
    return errnum;
}

/* A first name that can't go afterwards takes nothing from the published file. */
static int rename_by_link(const struct file *file)
{
    if (linkat(file->dirfd, file->part, file->dirfd, file->name, 0) != 0)
        return errno;
    (void) unlinkat(file->dirfd, file->part, 0);
    return 0;
}

static int rename_exclusively(const struct file *file)
{
    if (renameat2(file->dirfd, file->part, file->dirfd, file->name, RENAME_NOREPLACE) == 0)
        return 0;
    if (!is_unsupported(errno))
        return errno;
    int errnum = rename_by_link(file);
    bool impossible = errnum == EPERM || errnum == EMLINK || is_unsupported(errnum);
    return impossible ? rename_over_placeholder(file) : errnum;
}

static int check_finished(struct file *file)
{
    struct stat part;
    if (file->poisoned)
        return fail_poisoned(file);
    if (file->size < 0)
        return refuse(file, LDL_USAGE, 0);
    int result = check_part(file, &part);
    if (result != 0)
        return result;
    return part.st_size == file->size ? 0 : refuse(file, LDL_LOCAL_CHANGED, 0);
}

int file_publish(struct file *file, bool replace)
{
    int result = check_finished(file);
    if (result == 0 && replace)
        result = check_target(file, true);
    if (result != 0)
        return result;
    int errnum = replace ? rename_over(file) : rename_exclusively(file);
    if (errnum != 0)
        return fail_data(file, errnum);
    file->published = true;
    return 0;
}

bool file_shares_directory(const struct file *one, const struct file *other)
{
    return one->dir_dev == other->dir_dev && one->dir_ino == other->dir_ino;
}

int file_sync_directory(struct file *file)
{
    return fsync(file->dirfd) == 0 || is_unsupported(errno) ? 0 : fail_data(file, errno);
}

/* Everything by the old name but the part. */
int file_set_name(struct file *file, const char *name)
{
    if (!usable_name(name))
        return refuse(file, LDL_BAD_NAME, EINVAL);
    size_t dir = strlen(file->path) - strlen(file->name);
    char *copy = strdup(name);
    char *path = malloc(dir + strlen(name) + 1);
    if (!copy || !path) {
        free(copy);
        free(path);
        return fail(file, ENOMEM);
    }
    memcpy(path, file->path, dir);
    memcpy(path + dir, name, strlen(name) + 1);
    free(file->name);
    free(file->path);
    file->name = copy;
    file->path = path;
    return 0;
}

/* close */

static void close_descriptor(int fd)
{
    if (fd >= 0)
        close(fd);
}

void file_remove(struct file *file)
{
    struct stat part;
    if (file->fd >= 0 && !file->published && check_part(file, &part) == 0)
        (void) unlinkat(file->dirfd, file->part, 0);
}

/* What close says comes too late to matter: a published file was synced, and an unpublished one
 * isn't believed. */
void file_close(struct file *file, bool discard)
{
    int errnum = file->errnum;
    if (discard)
        file_remove(file);
    close_descriptor(file->fd);
    close_descriptor(file->dirfd);
    free(file->name);
    free(file->part);
    free(file->path);
    file_init(file);
    file->errnum = errnum;
}
