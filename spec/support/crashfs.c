/* crashfs.c: ends, stops or records a process at its changes of one folder, preloaded (LD_PRELOAD).
 * SPDX-License-Identifier: MIT
 *
 * A change is a call that alters what a disk holds of LUADL_CRASH_FOLDER (absolute, no links), or
 * brings it there.
 *
 *   LUADL_CRASH_KILL=n    SIGKILL before the nth change; "n+": after it
 *   LUADL_CRASH_STOP=n    SIGSTOP after the nth change
 *   LUADL_CRASH_LOG=file  records every change with its bytes: spec/support/disklog.lua reads it
 *   LUADL_CRASH_LIE=call  this one (fsync, fdatasync) says of a NAME.part that all is well, without
 *                         having done or recorded anything
 *   LUADL_CRASH_CLOCK=n   monotonic time passes n times as fast: checkpoints come often
 *   LUADL_CRASH_SYNC=1    syncs are done: else they would only cost time, since kill -9 leaves what
 *                         was written to the kernel, and a record is replayed by rules
 */
#include "hook.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

static char folder[PATH_MAX];
static long kill_at, stop_at, speed = 1; /* 0: never */
static bool kill_after, syncs;
static const char *lie = "";
static int log_fd = -1;
static struct timespec start;
static atomic_long changes;

static long number(const char *name)
{
    const char *text = getenv(name);
    return text ? strtol(text, NULL, 10) : 0;
}

static const char *text(const char *name)
{
    const char *found = getenv(name);
    return found ? found : "";
}

static void open_log(const char *path)
{
    if (!*path)
        return;
    log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log_fd < 0)
        abort(); /* a run without its record would pass for nothing */
}

__attribute__((constructor)) static void read_environment(void)
{
    snprintf(folder, sizeof folder, "%s", text("LUADL_CRASH_FOLDER"));
    kill_at = number("LUADL_CRASH_KILL");
    kill_after = strchr(text("LUADL_CRASH_KILL"), '+') != NULL;
    stop_at = number("LUADL_CRASH_STOP");
    syncs = number("LUADL_CRASH_SYNC") != 0;
    lie = text("LUADL_CRASH_LIE");
    clock_gettime(CLOCK_MONOTONIC, &start);
    speed = number("LUADL_CRASH_CLOCK") > 0 ? number("LUADL_CRASH_CLOCK") : 1;
    open_log(text("LUADL_CRASH_LOG"));
}

/* Which calls count */

static bool is_inside(const char *path)
{
    size_t length = strlen(folder);
    return length > 0 && strncmp(path, folder, length) == 0 && path[length] == '/'
           && !strchr(path + length + 1, '/');
}

static bool concerns(int fd)
{
    char path[PATH_MAX];
    path_of_fd(fd, path);
    return is_inside(path);
}

static bool is_folder(int fd)
{
    char path[PATH_MAX];
    path_of_fd(fd, path);
    return *folder && strcmp(path, folder) == 0;
}

static bool concerns_name(int dirfd, const char *path)
{
    char cwd[PATH_MAX];
    if (*path == '/')
        return is_inside(path);
    if (strchr(path, '/'))
        return false;
    if (dirfd != AT_FDCWD)
        return is_folder(dirfd);
    return *folder && getcwd(cwd, sizeof cwd) && strcmp(cwd, folder) == 0;
}

static const char *base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool lies(const char *call, int fd)
{
    char path[PATH_MAX];
    if (strcmp(call, lie) != 0)
        return false;
    path_of_fd(fd, path);
    return is_part(path);
}

/* The end. `before` and `after` stand around the call, whose errno stays. */

static long before(void)
{
    long now = atomic_fetch_add(&changes, 1) + 1;
    if (now == kill_at && !kill_after)
        raise(SIGKILL);
    return now;
}

static void after(long now)
{
    int kept = errno;
    if (now == kill_at)
        raise(SIGKILL);
    if (now == stop_at)
        raise(SIGSTOP);
    errno = kept;
}

/* The record: a line for each change that succeeded, in order; after a write's line its bytes. One
 * writev each, so that lines of several threads don't mix. */

__attribute__((format(printf, 3, 4))) static void record(const void *bytes, size_t length,
                                                         const char *form, ...)
{
    char line[2 * PATH_MAX + 64];
    va_list list;
    int kept = errno;
    if (log_fd < 0)
        return;
    va_start(list, form);
    int count = vsnprintf(line, sizeof line, form, list);
    va_end(list);
    struct iovec both[2] = {{line, (size_t) count}, {(void *) (uintptr_t) bytes, length}};
    if (writev(log_fd, both, 2) != (ssize_t) ((size_t) count + length))
        abort();
    errno = kept;
}

static unsigned long inode(int fd)
{
    struct stat file;
    return fstat(fd, &file) == 0 ? file.st_ino : 0;
}

/* Data */

HOOK(ssize_t, pwrite, (int fd, const void *bytes, size_t length, int64_t offset))
{
    if (!concerns(fd))
        return NEXT(pwrite)(fd, bytes, length, offset);
    long now = before();
    ssize_t count = NEXT(pwrite)(fd, bytes, length, offset);
    if (count > 0)
        record(bytes, (size_t) count, "write %lu %lld %zd\n", inode(fd), (long long) offset, count);
    after(now);
    return count;
}
ALIAS(pwrite, pwrite64);

HOOK(int, fallocate, (int fd, int mode, int64_t offset, int64_t length))
{
    if (!concerns(fd))
        return NEXT(fallocate)(fd, mode, offset, length);
    long now = before();
    int result = NEXT(fallocate)(fd, mode, offset, length);
    if (result == 0)
        record(NULL, 0, "grow %lu %lld\n", inode(fd), (long long) (offset + length));
    after(now);
    return result;
}
ALIAS(fallocate, fallocate64);

HOOK(int, ftruncate, (int fd, int64_t length))
{
    if (!concerns(fd))
        return NEXT(ftruncate)(fd, length);
    long now = before();
    int result = NEXT(ftruncate)(fd, length);
    if (result == 0)
        record(NULL, 0, "size %lu %lld\n", inode(fd), (long long) length);
    after(now);
    return result;
}
ALIAS(ftruncate, ftruncate64);

/* Of the folder as of a file: what was recorded before "begin" is stable at "end". */
static int sync_one(const char *call, int fd, int (*next)(int))
{
    bool dir = is_folder(fd);
    if ((!dir && !concerns(fd)))
        return next(fd);
    long now = before();
    int result = 0;
    if (!lies(call, fd)) {
        unsigned long id = dir ? 0 : inode(fd);
        record(NULL, 0, "begin %lu\n", id);
        result = syncs ? next(fd) : 0;
        if (result == 0)
            record(NULL, 0, "end %lu\n", id);
    }
    after(now);
    return result;
}

HOOK(int, fsync, (int fd))
{
    return sync_one("fsync", fd, NEXT(fsync));
}

HOOK(int, fdatasync, (int fd))
{
    return sync_one("fdatasync", fd, NEXT(fdatasync));
}

/* A hint that nobody may count on: a point to be killed at, no more. */
HOOK(int, sync_file_range, (int fd, int64_t offset, int64_t length, unsigned flags))
{
    if (!concerns(fd))
        return NEXT(sync_file_range)(fd, offset, length, flags);
    long now = before();
    int result = syncs ? NEXT(sync_file_range)(fd, offset, length, flags) : 0;
    after(now);
    return result;
}

HOOK(int, fchmod, (int fd, mode_t mode))
{
    if (!concerns(fd))
        return NEXT(fchmod)(fd, mode);
    long now = before();
    int result = NEXT(fchmod)(fd, mode);
    after(now);
    return result;
}

HOOK(int, futimens, (int fd, const struct timespec times[2]))
{
    if (!concerns(fd))
        return NEXT(futimens)(fd, times);
    long now = before();
    int result = NEXT(futimens)(fd, times);
    after(now);
    return result;
}

/* Names */

HOOK(int, openat, (int dirfd, const char *path, int flags, ...))
{
    mode_t mode = 0;
    if (flags & (O_CREAT | O_TMPFILE)) {
        va_list list;
        va_start(list, flags);
        mode = va_arg(list, mode_t);
        va_end(list);
    }
    if (!(flags & O_CREAT) || !concerns_name(dirfd, path))
        return NEXT(openat)(dirfd, path, flags, mode);
    long now = before();
    int fd = NEXT(openat)(dirfd, path, flags, mode);
    if (fd >= 0)
        record(NULL, 0, "create %lu %s\n", inode(fd), base(path));
    after(now);
    return fd;
}
ALIAS(openat, openat64);

HOOK(int, unlinkat, (int dirfd, const char *path, int flags))
{
    if (!concerns_name(dirfd, path))
        return NEXT(unlinkat)(dirfd, path, flags);
    long now = before();
    int result = NEXT(unlinkat)(dirfd, path, flags);
    if (result == 0)
        record(NULL, 0, "unlink %s\n", base(path));
    after(now);
    return result;
}

/* A name has no "/", so one parts the two. */
static void record_pair(const char *change, const char *old, const char *new)
{
    record(NULL, 0, "%s %s/%s\n", change, base(old), base(new));
}

HOOK(int, renameat, (int olddir, const char *old, int newdir, const char *new))
{
    if (!concerns_name(olddir, old))
        return NEXT(renameat)(olddir, old, newdir, new);
    long now = before();
    int result = NEXT(renameat)(olddir, old, newdir, new);
    if (result == 0)
        record_pair("rename", old, new);
    after(now);
    return result;
}

HOOK(int, renameat2, (int olddir, const char *old, int newdir, const char *new, unsigned flags))
{
    if (!concerns_name(olddir, old))
        return NEXT(renameat2)(olddir, old, newdir, new, flags);
    long now = before();
    int result = NEXT(renameat2)(olddir, old, newdir, new, flags);
    if (result == 0)
        record_pair("rename", old, new);
    after(now);
    return result;
}

HOOK(int, linkat, (int olddir, const char *old, int newdir, const char *new, int flags))
{
    if (!concerns_name(olddir, old))
        return NEXT(linkat)(olddir, old, newdir, new, flags);
    long now = before();
    int result = NEXT(linkat)(olddir, old, newdir, new, flags);
    if (result == 0)
        record_pair("link", old, new);
    after(now);
    return result;
}

/* Time */

#define BILLION 1000000000LL

HOOK(int, clock_gettime, (clockid_t clock, struct timespec *now))
{
    int result = NEXT(clock_gettime)(clock, now);
    if (result != 0 || speed == 1 || clock != CLOCK_MONOTONIC)
        return result;
    long long passed = (now->tv_sec - start.tv_sec) * BILLION + now->tv_nsec - start.tv_nsec;
    long long shown = start.tv_sec * BILLION + start.tv_nsec + passed * speed;
    *now = (struct timespec){.tv_sec = shown / BILLION, .tv_nsec = shown % BILLION};
    return result;
}

static int shortened(int milliseconds)
{
    return milliseconds > 0 ? (int) ((milliseconds + speed - 1) / speed) : milliseconds;
}

HOOK(int, poll, (struct pollfd * list, nfds_t count, int milliseconds))
{
    return NEXT(poll)(list, count, shortened(milliseconds));
}

HOOK(int, epoll_wait, (int fd, struct epoll_event *events, int most, int milliseconds))
{
    return NEXT(epoll_wait)(fd, events, most, shortened(milliseconds));
}
