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
#include <lualib.h> /* LUA_FILEHANDLE in Lua 5.1 */
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
static atomic_bool is_continued;

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

/* in_background(fd) -> whether the terminal listens to another job of its shell */
static int sys_in_background(lua_State *L)
{
    pid_t foreground = tcgetpgrp((int) luaL_checkinteger(L, 1));
    lua_pushboolean(L, foreground > 0 && foreground != getpgrp());
    return 1;
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

static void on_continue(int signal)
{
    (void) signal;
    atomic_store(&is_continued, true);
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
    handle(SIGCONT, on_continue);
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

/* continued() -> whether the process was stopped and goes on since the last call */
static int sys_continued(lua_State *L)
{
    lua_pushboolean(L, atomic_exchange(&is_continued, false));
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
        return push_failure(L, errno);
    int problem = check_private(fd, &status);
    if (problem == 0)
        problem = push_bytes(L, fd, (size_t) status.st_size);
    close(fd);
    return problem == 0 ? 1 : push_failure(L, problem);
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

/* stat(path) -> { size, modified (seconds since the epoch), is_file, is_own: nobody else but root may write it }
   | nil, message, errno */
static int sys_stat(lua_State *L)
{
    struct stat found;
    if (stat(luaL_checkstring(L, 1), &found) != 0)
        return push_failure(L, errno);
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
    if (fflush(file) != 0 || (fdatasync(fileno(file)) != 0 && errno != EINVAL))
        return push_failure(L, errno);
    lua_pushboolean(L, 1);
    return 1;
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
        return push_failure(L, errno);
    lua_pushlstring(L, bytes, (size_t) count);
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

/* An argument ends there, but for blanks, which a header's value has none of; or a URL's login. */
static bool ends(const char *at, const char *end)
{
    if (*at == '@')
        return true;
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    return at == end || *at == '\0';
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
        if (ends(at + length, end))
            memset(at, '*', length);
        at++;
    }
    return 0;
}

static const luaL_Reg functions[] = {
    {"is_terminal", sys_is_terminal},
    {"columns", sys_columns},
    {"in_background", sys_in_background},
    {"catch_signals", sys_catch_signals},
    {"interrupted", sys_interrupted},
    {"resized", sys_resized},
    {"continued", sys_continued},
    {"make_directories", sys_make_directories},
    {"writable", sys_writable},
    {"raise_fd_limit", sys_raise_fd_limit},
    {"limit_memory", sys_limit_memory},
    {"hide", sys_hide},
    {"lock", sys_lock},
    {"read_private", sys_read_private},
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

__attribute__((visibility("default"))) int luaopen_luadl_sys(lua_State *L);

int luaopen_luadl_sys(lua_State *L)
{
    lua_new_class(L, LOCK, lock_methods, lock_release);
    luaL_newlib(L, functions);
    return 1;
}
