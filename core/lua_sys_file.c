/* lua_sys_file.c: folders and files for luadl.sys: made, locked, replaced, read by nobody else.
 * SPDX-License-Identifier: MIT */
#include "lua_sys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <lualib.h> /* LUA_FILEHANDLE in Lua 5.1 */
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "io.h"
#include "lua_compat.h"

#define LOCK "luadl.sys.lock"
#define LOCK_PACE 10 /* milliseconds from one look at a lock to the next */

/* folders */

static int make_directory(const char *path)
{
    struct stat found;
    if (mkdir(path, 0777) == 0)
        return 0;
    int errnum = errno;
    if (errnum != EEXIST)
        return errnum;
    if (stat(path, &found) != 0)
        return errno;
    return S_ISDIR(found.st_mode) ? 0 : ENOTDIR;
}

/* Makes each directory on the way; path is cut for a moment after each of its components. */
static int make_directories(char *path)
{
    for (char *at = path + 1; *at; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        int errnum = make_directory(path);
        *at = '/';
        if (errnum != 0)
            return errnum;
    }
    return make_directory(path);
}

/* make_directories(path) -> true | nil, message, errno; what is there already is fine */
static int sys_make_directories(lua_State *L)
{
    size_t length;
    const char *path = luaL_checklstring(L, 1, &length);
    luaL_argcheck(L, length > 0 && strlen(path) == length, 1, "not a path");
    char *copy = lua_newuserdata(L, length + 1);
    memcpy(copy, path, length + 1);
    return lua_push_result(L, make_directories(copy));
}

/* writable(directory) -> true | nil, message, errno */
static int sys_writable(lua_State *L)
{
    int result = faccessat(AT_FDCWD, luaL_checkstring(L, 1), W_OK | X_OK, AT_EACCESS);
    return lua_push_result(L, result == 0 ? 0 : errno);
}

/* files that nobody else may read */

#define PRIVATE_MOST 1048576 /* bytes */

/* An errno; EPERM: others may read it, or it is somebody else's. */
static int check_private(int fd, struct stat *status)
{
    if (fstat(fd, status) != 0)
        return errno;
    if (!S_ISREG(status->st_mode))
        return EISDIR;
    if (status->st_uid != geteuid() || (status->st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return EPERM;
    return status->st_size > PRIVATE_MOST ? EFBIG : 0;
}

/* An errno, or 0 and the bytes on the stack. */
static int push_bytes(lua_State *L, int fd, size_t length)
{
    luaL_Buffer buffer;
    luaL_buffinit(L, &buffer);
    int problem = 0;
    for (size_t read = 0, piece; problem == 0 && read < length; read += piece) {
        piece = length - read < LUAL_BUFFERSIZE ? length - read : LUAL_BUFFERSIZE;
        problem = io_read(fd, luaL_prepbuffer(&buffer), piece, (int64_t) read);
        luaL_addsize(&buffer, problem == 0 ? piece : 0);
    }
    luaL_pushresult(&buffer);
    return problem == IO_END ? EIO : problem;
}

/* read_private(path) -> bytes | nil, message, errno; EPERM when others may read it */
static int sys_read_private(lua_State *L)
{
    struct stat status;
    int fd = open(luaL_checkstring(L, 1), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return lua_push_failure(L, errno);
    int problem = check_private(fd, &status);
    if (problem == 0)
        problem = push_bytes(L, fd, (size_t) status.st_size);
    close(fd);
    return problem == 0 ? 1 : lua_push_failure(L, problem);
}

/* files that several processes change */

struct lock {
    int fd; /* -1: released */
};

static int lock_release(lua_State *L)
{
    struct lock *lock = luaL_checkudata(L, 1, LOCK);
    if (lock->fd >= 0)
        close(lock->fd);
    lock->fd = -1;
    return 0;
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

/* 0 or an errno; EWOULDBLOCK: somebody else had it all the time. */
static int wait_for_lock(int fd, double seconds)
{
    double end = seconds_now() + seconds;
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EINTR && (errno != EWOULDBLOCK || seconds_now() >= end))
            return errno;
        poll(NULL, 0, LOCK_PACE);
    }
    return 0;
}

/* lock(path, seconds) -> lock | nil, message, errno. The file is made where it is missing, and
 * stays. lock:release(), or the collector, or the end of the process gives it back. */
static int sys_lock(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    lua_Number seconds = luaL_checknumber(L, 2);
    struct lock *lock = lua_newuserdata(L, sizeof *lock);
    lock->fd = -1;
    luaL_setmetatable(L, LOCK);
    lock->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    int errnum = lock->fd < 0 ? errno : wait_for_lock(lock->fd, (double) seconds);
    if (errnum == 0)
        return 1;
    if (lock->fd >= 0)
        close(lock->fd);
    lock->fd = -1;
    return lua_push_failure(L, errnum);
}

/* The bytes as a new file; 0 or an errno. */
static int write_synced(const char *path, const char *bytes, size_t length)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return errno;
    int errnum = io_write(fd, bytes, length, 0);
    if (errnum == 0 && fsync(fd) != 0)
        errnum = errno;
    if (close(fd) != 0 && errnum == 0)
        errnum = errno;
    return errnum;
}

/* The directory of `path` is synced, so that the name survives a power cut. */
static int sync_folder(const char *path)
{
    char folder[PATH_MAX];
    const char *end = strrchr(path, '/');
    if (snprintf(folder, sizeof folder, "%.*s/", end ? (int) (end - path) : 1, end ? path : ".")
        >= (int) sizeof folder)
        return ENAMETOOLONG;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    int errnum = fsync(fd) == 0 || errno == EINVAL ? 0 : errno;
    close(fd);
    return errnum;
}

static int replace_file(const char *path, const char *scratch, const char *bytes, size_t length)
{
    int errnum = write_synced(scratch, bytes, length);
    if (errnum == 0 && rename(scratch, path) != 0)
        errnum = errno;
    if (errnum != 0) {
        unlink(scratch);
        return errnum;
    }
    return sync_folder(path);
}

/* replace(path, bytes) -> true | nil, message, errno. The file has the old bytes or the new ones,
 * whatever happens; "path.new" is in use meanwhile, so only who holds a lock may call this. */
static int sys_replace(lua_State *L)
{
    size_t length;
    const char *path = luaL_checkstring(L, 1);
    const char *bytes = luaL_checklstring(L, 2, &length);
    const char *scratch = lua_pushfstring(L, "%s.new", path);
    return lua_push_result(L, replace_file(path, scratch, bytes, length));
}

/* stamp(path) -> text that changes when replace() was there, or nil: no file */
static int sys_stamp(lua_State *L)
{
    struct stat found;
    char text[96];
    if (stat(luaL_checkstring(L, 1), &found) != 0)
        return 0;
    snprintf(text, sizeof text, "%jx:%jx:%jx.%jx", (uintmax_t) found.st_ino,
             (uintmax_t) found.st_size, (uintmax_t) found.st_mtim.tv_sec,
             (uintmax_t) found.st_mtim.tv_nsec);
    lua_pushstring(L, text);
    return 1;
}

/* stat(path) -> { size, modified (seconds since the epoch), is_file, is_own: nobody else but root may write it }
   | nil, message, errno */
static int sys_stat(lua_State *L)
{
    struct stat found;
    if (stat(luaL_checkstring(L, 1), &found) != 0)
        return lua_push_failure(L, errno);
    bool own = found.st_uid == geteuid() || found.st_uid == 0;
    lua_createtable(L, 0, 4);
    lua_pushboolean(L, own && !(found.st_mode & (S_IWGRP | S_IWOTH)));
    lua_setfield(L, -2, "is_own");
    lua_pushinteger(L, (lua_Integer) found.st_size);
    lua_setfield(L, -2, "size");
    lua_pushinteger(L, (lua_Integer) found.st_mtim.tv_sec);
    lua_setfield(L, -2, "modified");
    lua_pushboolean(L, S_ISREG(found.st_mode));
    lua_setfield(L, -2, "is_file");
    return 1;
}

/* open files */

/* FILE * comes first in what Lua has of a file, in every version. */
static FILE *check_file(lua_State *L)
{
    FILE *file = *(FILE **) luaL_checkudata(L, 1, LUA_FILEHANDLE);
    luaL_argcheck(L, file, 1, "the file is closed");
    return file;
}

/* sync(file) -> true | nil, message, errno. What was written survives a power cut. What can't be
 * synced, such as a pipe, needs none. */
static int sys_sync(lua_State *L)
{
    FILE *file = check_file(L);
    bool failed = fflush(file) != 0 || (fdatasync(fileno(file)) != 0 && errno != EINVAL);
    return lua_push_result(L, failed ? errno : 0);
}

static bool is_readable(int fd)
{
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    return poll(&polled, 1, 0) != 0; /* an error, too, is for read() to tell */
}

/* read(file, most) -> bytes, "" at the end | false: nothing has come yet | nil, message, errno. Past
 * the file's buffer. The descriptor may be shared with others: it isn't made non-blocking. */
static int sys_read(lua_State *L)
{
    int fd = fileno(check_file(L));
    size_t most = (size_t) luaL_checkinteger(L, 2);
    if (!is_readable(fd)) {
        lua_pushboolean(L, 0);
        return 1;
    }
    char *bytes = lua_newuserdata(L, most);
    ssize_t count = read(fd, bytes, most);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) {
        lua_pushboolean(L, 0);
        return 1;
    }
    if (count < 0)
        return lua_push_failure(L, errno);
    lua_pushlstring(L, bytes, (size_t) count);
    return 1;
}

static const luaL_Reg functions[] = {
    {"make_directories", sys_make_directories},
    {"writable", sys_writable},
    {"read_private", sys_read_private},
    {"lock", sys_lock},
    {"replace", sys_replace},
    {"stamp", sys_stamp},
    {"stat", sys_stat},
    {"sync", sys_sync},
    {"read", sys_read},
    {NULL, NULL},
};

static const luaL_Reg lock_methods[] = {
    {"release", lock_release},
    {NULL, NULL},
};

void sys_add_files(lua_State *L)
{
    lua_new_class(L, LOCK, lock_methods, lock_release);
    luaL_setfuncs(L, functions, 0);
}
