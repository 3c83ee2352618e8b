/* lua_outlet.c: luadl.outlet, a descriptor to write to without ever being held up by whoever reads it.
 * SPDX-License-Identifier: MIT
 *
 * Standard output is shared with other processes, so it isn't made non-blocking. A pipe is opened once more for that. What
 * can't be, a terminal, say, gets no more at once than fits when poll() says that something does. Files don't block.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lua_compat.h"

#define OUTLET "luadl.outlet"

enum {
    AT_ONCE = 1 << 20,
    PIPE_ROOM =
        1 << 20, /* bytes that a pipe of our own opening may hold, if the system allows it */
};

struct outlet {
    int fd;
    bool owned; /* to be closed */
    bool socket;
    size_t most; /* bytes of one write */
};

static void reopen(struct outlet *outlet, int fd)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int again = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (again < 0)
        return; /* somebody else's, or nobody reads it: the first write will tell */
    fcntl(again, F_SETPIPE_SZ, PIPE_ROOM);
    *outlet = (struct outlet){.fd = again, .owned = true, .most = AT_ONCE};
}

/* A program that was started without standard output finds there what it has opened first: an eventfd, say. */
static bool is_writable(mode_t mode)
{
    return S_ISREG(mode) || S_ISFIFO(mode) || S_ISSOCK(mode) || S_ISCHR(mode) || S_ISBLK(mode);
}

/* outlet.open(fd) -> outlet | nil, message, errno */
static int outlet_open(lua_State *L)
{
    struct stat found;
    int fd = (int) luaL_checkinteger(L, 1);
    if (fstat(fd, &found) != 0)
        return lua_push_failure(L, errno);
    if (!is_writable(found.st_mode))
        return lua_push_failure(L, EBADF);
    struct outlet *outlet = lua_newuserdata(L, sizeof *outlet);
    bool free = S_ISREG(found.st_mode) || S_ISSOCK(found.st_mode);
    *outlet = (struct outlet){
        .fd = fd, .socket = S_ISSOCK(found.st_mode), .most = free ? AT_ONCE : PIPE_BUF};
    luaL_setmetatable(L, OUTLET);
    if (S_ISFIFO(found.st_mode))
        reopen(outlet, fd);
    return 1;
}

static ssize_t put(const struct outlet *outlet, const char *bytes, size_t length)
{
    if (outlet->socket)
        return send(outlet->fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    return write(outlet->fd, bytes, length);
}

static bool is_for_later(int errnum)
{
    return errnum == EAGAIN || errnum == EWOULDBLOCK || errnum == EINTR;
}

/* outlet:write(bytes, from, seconds) -> how many of the bytes from there on were written, after at most so many seconds: 0
 * when none could be, or a signal came | nil, message, errno */
static int outlet_write(lua_State *L)
{
    size_t length;
    const struct outlet *outlet = luaL_checkudata(L, 1, OUTLET);
    const char *bytes = luaL_checklstring(L, 2, &length);
    lua_Integer from = luaL_checkinteger(L, 3);
    struct pollfd polled = {.fd = outlet->fd, .events = POLLOUT};
    luaL_argcheck(L, from >= 1 && (size_t) from <= length, 3, "not within the bytes");
    length -= (size_t) from - 1;
    ssize_t written = 0;
    if (poll(&polled, 1, (int) (luaL_checknumber(L, 4) * 1000)) > 0)
        written = put(outlet, bytes + from - 1, length < outlet->most ? length : outlet->most);
    if (written < 0 && !is_for_later(errno))
        return lua_push_failure(L, errno);
    lua_pushinteger(L, written > 0 ? (lua_Integer) written : 0);
    return 1;
}

/* outlet:close() */
static int outlet_close(lua_State *L)
{
    struct outlet *outlet = luaL_checkudata(L, 1, OUTLET);
    if (outlet->owned)
        close(outlet->fd);
    *outlet = (struct outlet){.fd = -1};
    return 0;
}

static const luaL_Reg functions[] = {
    {"open", outlet_open},
    {NULL, NULL},
};

static const luaL_Reg methods[] = {
    {"write", outlet_write},
    {"close", outlet_close},
    {NULL, NULL},
};

__attribute__((visibility("default"))) int luaopen_luadl_outlet(lua_State *L);

int luaopen_luadl_outlet(lua_State *L)
{
    lua_new_class(L, OUTLET, methods, outlet_close);
    luaL_newlib(L, functions);
    return 1;
}
