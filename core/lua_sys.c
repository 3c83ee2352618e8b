/* lua_sys.c: luadl.sys, what programs need of the system: terminal, signals, limits, shared files.
 * SPDX-License-Identifier: MIT
 *
 * For those who own their process; the engine never touches signal dispositions. A handler
 * has no argument to carry state, hence the file's variables. Link with -z nodelete: a handler must
 * not be unloaded.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "io.h"
#include "lua_compat.h"

#define LOCK "luadl.sys.lock"

enum {
    EXIT_INTERRUPTED = 7, /* aria2's number for unfinished downloads */
    FD_LIMIT = 65536,
    LOCK_PACE = 10, /* milliseconds from one look at a lock to the next */
};

static atomic_int wake_fd = -1;
static atomic_int interrupts; /* SIGINT, SIGTERM, SIGHUP */
static atomic_int requests;   /* of these, SIGINT and SIGTERM: somebody waits for the end */
static atomic_bool is_resized;

/* terminal */

static int sys_is_terminal(lua_State *L)
{
    lua_pushboolean(L, isatty((int) luaL_checkinteger(L, 1)));
    return 1;
}

/* columns(fd) -> width of the terminal, and its height in rows; nil when unknown */
static int sys_columns(lua_State *L)
{
    struct winsize size = {0};
    int fd = (int) luaL_checkinteger(L, 1);
    if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushinteger(L, size.ws_col);
    lua_pushinteger(L, size.ws_row);
    return 2;
}

/* signals: in the handlers only what signal-safety(7) allows */

static void wake(void)
{
    const uint64_t one = 1;
    int kept = errno, fd = atomic_load(&wake_fd);
    ssize_t written = fd >= 0 ? write(fd, &one, sizeof one) : 0;
    (void) written; /* full: a wakeup waits already */
    errno = kept;
}

static void on_interrupt(int signal)
{
    atomic_fetch_add(&interrupts, 1);
    if (signal != SIGHUP && atomic_fetch_add(&requests, 1) > 0)
        _exit(EXIT_INTERRUPTED);
    wake();
}

static void on_resize(int signal)
{
    (void) signal;
    atomic_store(&is_resized, true);
}

static void handle(int signal, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigfillset(&action.sa_mask);
    sigaction(signal, &action, NULL);
}

/* nohup asks for it to stay ignored. (Of SIGINT this can't be known: lua(1) has set it already.) */
static void handle_unless_ignored(int signal, void (*handler)(int))
{
    struct sigaction old;
    if (sigaction(signal, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
        handle(signal, handler);
}

/* A duplicate of its own, so that the handler never writes into a number that was used anew. */
static int set_wake_fd(int fd)
{
    int own = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (fd >= 0 && own < 0)
        return errno;
    int old = atomic_exchange(&wake_fd, own);
    if (old >= 0)
        close(old);
    return 0;
}

static int push_failure(lua_State *L, int errnum)
{
    lua_pushnil(L);
    lua_pushstring(L, strerror(errnum));
    lua_pushinteger(L, errnum);
    return 3;
}

/* catch_signals(wake_fd) -> true | nil, message, errno. From now on SIGINT, SIGTERM and SIGHUP are
 * counted and wake_fd, an eventfd (nil: none), is written; a second SIGINT or SIGTERM ends the
 * process at once. To write to a closed pipe or past a size limit is an error then, no death. */
static int sys_catch_signals(lua_State *L)
{
    int errnum = set_wake_fd((int) luaL_optinteger(L, 1, -1));
    if (errnum != 0)
        return push_failure(L, errnum);
    handle(SIGINT, on_interrupt);
    handle_unless_ignored(SIGTERM, on_interrupt);
    handle_unless_ignored(SIGHUP, on_interrupt);
    handle(SIGWINCH, on_resize);
    handle(SIGPIPE, SIG_IGN);
    handle(SIGXFSZ, SIG_IGN);
    lua_pushboolean(L, 1);
    return 1;
}

/* interrupted() -> how many SIGINT, SIGTERM and SIGHUP came */
static int sys_interrupted(lua_State *L)
{
    lua_pushinteger(L, atomic_load(&interrupts));
    return 1;
}

/* resized() -> whether the terminal changed its size since the last call */
static int sys_resized(lua_State *L)
{
    lua_pushboolean(L, atomic_exchange(&is_resized, false));
    return 1;
}

/* directories and limits */

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
    int errnum = make_directories(copy);
    if (errnum != 0)
        return push_failure(L, errnum);
    lua_pushboolean(L, 1);
    return 1;
}

/* writable(directory) -> true | nil, message, errno */
static int sys_writable(lua_State *L)
{
    if (faccessat(AT_FDCWD, luaL_checkstring(L, 1), W_OK | X_OK, AT_EACCESS) != 0)
        return push_failure(L, errno);
    lua_pushboolean(L, 1);
    return 1;
}

/* raise_fd_limit() -> how many files may be open, at most 65536 | nil, message, errno */
static int sys_raise_fd_limit(lua_State *L)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return push_failure(L, errno);
    rlim_t wanted = limit.rlim_max < FD_LIMIT ? limit.rlim_max : FD_LIMIT;
    if (limit.rlim_cur < wanted) {
        limit.rlim_cur = wanted;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
            return push_failure(L, errno);
    }
    lua_pushinteger(L, (lua_Integer) (limit.rlim_cur < FD_LIMIT ? limit.rlim_cur : FD_LIMIT));
    return 1;
}

/* Pages of address space in use, or 0. */
static rlim_t used_pages(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file)
        return 0;
    if (fscanf(file, "%lu", &pages) != 1)
        pages = 0;
    fclose(file);
    return pages;
}

/* limit_memory(bytes) -> true: the process may take so much more address space | nil, message, errno */
static int sys_limit_memory(lua_State *L)
{
    struct rlimit limit;
    rlim_t more = (rlim_t) luaL_checkinteger(L, 1);
    rlim_t wanted = used_pages() * (rlim_t) sysconf(_SC_PAGESIZE) + more;
    if (getrlimit(RLIMIT_AS, &limit) != 0)
        return push_failure(L, errno);
    if (wanted > more && limit.rlim_cur > wanted) {
        limit.rlim_cur = wanted;
        if (setrlimit(RLIMIT_AS, &limit) != 0)
            return push_failure(L, errno);
    }
    lua_pushboolean(L, 1);
    return 1;
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
    return push_failure(L, errnum);
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
    int errnum = replace_file(path, scratch, bytes, length);
    if (errnum != 0)
        return push_failure(L, errnum);
    lua_pushboolean(L, 1);
    return 1;
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

/* arguments: what was typed stays readable for everybody in /proc until it is written over */

/* The fields arg_start and arg_end of proc(5). */
static bool find_arguments(char **start, char **end)
{
    char text[2048];
    unsigned long first, last;
    int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[length > 0 ? length : 0] = '\0';
    const char *at = strrchr(text, ')');
    for (int field = 2; at && field < 48; field++)
        at = strchr(at + 1, ' ');
    if (!at || sscanf(at, " %lu %lu", &first, &last) != 2)
        return false;
    *start = (char *) (uintptr_t) first;
    *end = (char *) (uintptr_t) last;
    return true;
}

/* hide(secret): overwrites it in the process's arguments where one ends with it, or where an "@"
 * follows, as in a URL. */
static int sys_hide(lua_State *L)
{
    size_t length;
    char *at, *end;
    const char *secret = luaL_checklstring(L, 1, &length);
    if (length == 0 || !find_arguments(&at, &end))
        return 0;
    while ((at = memmem(at, (size_t) (end - at), secret, length)) != NULL && at + length < end) {
        if (at[length] == '\0' || at[length] == '@')
            memset(at, '*', length);
        at++;
    }
    return 0;
}

static const luaL_Reg functions[] = {
    {"is_terminal", sys_is_terminal},
    {"columns", sys_columns},
    {"catch_signals", sys_catch_signals},
    {"interrupted", sys_interrupted},
    {"resized", sys_resized},
    {"make_directories", sys_make_directories},
    {"writable", sys_writable},
    {"raise_fd_limit", sys_raise_fd_limit},
    {"limit_memory", sys_limit_memory},
    {"hide", sys_hide},
    {"lock", sys_lock},
    {"replace", sys_replace},
    {"stamp", sys_stamp},
    {NULL, NULL},
};

static const luaL_Reg lock_methods[] = {
    {"release", lock_release},
    {NULL, NULL},
};

__attribute__((visibility("default"))) int luaopen_luadl_sys(lua_State *L);

int luaopen_luadl_sys(lua_State *L)
{
    lua_new_class(L, LOCK, lock_methods, lock_release);
    luaL_newlib(L, functions);
    return 1;
}
