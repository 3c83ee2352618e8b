/* lua_sys.c: luadl.sys, what programs need of the system: terminal, signals, limits, arguments; and its files.
 * SPDX-License-Identifier: MIT
 *
 * For those who own their process; the engine never touches signal dispositions. A handler
 * has no argument to carry state, hence the file's variables. Link with -z nodelete: a handler must
 * not be unloaded.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lua_compat.h"
#include "lua_sys.h"

enum {
    EXIT_INTERRUPTED = 7, /* aria2's number for unfinished downloads */
    FD_LIMIT = 65536,
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

/* catch_signals(wake_fd) -> true | nil, message, errno. From now on SIGINT, SIGTERM and SIGHUP are
 * counted and wake_fd, an eventfd (nil: none), is written; a second SIGINT or SIGTERM ends the
 * process at once. To write to a closed pipe or past a size limit is an error then, no death. */
static int sys_catch_signals(lua_State *L)
{
    int errnum = set_wake_fd((int) luaL_optinteger(L, 1, -1));
    if (errnum != 0)
        return lua_push_failure(L, errnum);
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

/* limits */

/* raise_fd_limit() -> how many files may be open, at most 65536 | nil, message, errno */
static int sys_raise_fd_limit(lua_State *L)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return lua_push_failure(L, errno);
    rlim_t wanted = limit.rlim_max < FD_LIMIT ? limit.rlim_max : FD_LIMIT;
    if (limit.rlim_cur < wanted) {
        limit.rlim_cur = wanted;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
            return lua_push_failure(L, errno);
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
        return lua_push_failure(L, errno);
    if (wanted > more && limit.rlim_cur > wanted) {
        limit.rlim_cur = wanted;
        if (setrlimit(RLIMIT_AS, &limit) != 0)
            return lua_push_failure(L, errno);
    }
    lua_pushboolean(L, 1);
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
    {"raise_fd_limit", sys_raise_fd_limit},
    {"limit_memory", sys_limit_memory},
    {"hide", sys_hide},
    {NULL, NULL},
};

__attribute__((visibility("default"))) int luaopen_luadl_sys(lua_State *L);

int luaopen_luadl_sys(lua_State *L)
{
    luaL_newlib(L, functions);
    sys_add_files(L);
    return 1;
}
