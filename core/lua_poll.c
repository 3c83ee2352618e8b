/* lua_poll.c: luadl.poll, a descriptor that is readable when one of several others is.
 * SPDX-License-Identifier: MIT
 *
 * The sessions of a Lua state share one loop; each has a descriptor that wakes it. An epoll instance is one descriptor
 * for all of them, for the loop to wait on and for foreign event loops to poll.
 */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "lua_compat.h"

#define POLLER "luadl.poller"
#define WAIT_MOST 3600.0 /* seconds of one epoll_wait(), whose time is an int of milliseconds */

struct poller {
    int fd; /* -1: closed */
};

/* poll.new() -> poller, or nil, message, errno */
static int poll_new(lua_State *L)
{
    struct poller *poller = lua_newuserdata(L, sizeof *poller);
    poller->fd = -1;
    luaL_setmetatable(L, POLLER);
    poller->fd = epoll_create1(EPOLL_CLOEXEC);
    return poller->fd >= 0 ? 1 : lua_push_failure(L, errno);
}

static struct poller *check_poller(lua_State *L)
{
    struct poller *poller = luaL_checkudata(L, 1, POLLER);
    luaL_argcheck(L, poller->fd >= 0, 1, "the poller is closed");
    return poller;
}

/* poller:add(fd) -> true, or nil, message, errno */
static int poller_add(lua_State *L)
{
    struct epoll_event event = {.events = EPOLLIN};
    const struct poller *poller = check_poller(L);
    int fd = (int) luaL_checkinteger(L, 2);
    int result = epoll_ctl(poller->fd, EPOLL_CTL_ADD, fd, &event);
    return lua_push_result(L, result == 0 ? 0 : errno);
}

/* poller:remove(fd): before fd is closed, for a child process may have it open, too; a closed poller has none */
static int poller_remove(lua_State *L)
{
    struct epoll_event event = {0};
    const struct poller *poller = luaL_checkudata(L, 1, POLLER);
    int fd = (int) luaL_checkinteger(L, 2);
    if (poller->fd >= 0)
        (void) epoll_ctl(poller->fd, EPOLL_CTL_DEL, fd, &event);
    return 0;
}

/* poller:wait([seconds]) -> true when a descriptor is readable, false after the time or a signal */
static int poller_wait(lua_State *L)
{
    struct epoll_event event;
    const struct poller *poller = check_poller(L);
    double seconds = luaL_optnumber(L, 2, WAIT_MOST);
    if (!(seconds > 0))
        seconds = 0;
    int most = (int) ceil(fmin(seconds, WAIT_MOST) * 1000);
    lua_pushboolean(L, epoll_wait(poller->fd, &event, 1, most) > 0);
    return 1;
}

/* poller:pollfd() -> a descriptor */
static int poller_pollfd(lua_State *L)
{
    lua_pushinteger(L, check_poller(L)->fd);
    return 1;
}

static int poller_close(lua_State *L)
{
    struct poller *poller = luaL_checkudata(L, 1, POLLER);
    if (poller->fd >= 0)
        close(poller->fd);
    poller->fd = -1;
    return 0;
}

static const luaL_Reg poller_methods[] = {
    {"add", poller_add},       {"remove", poller_remove}, {"wait", poller_wait},
    {"pollfd", poller_pollfd}, {"close", poller_close},   {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"new", poll_new},
    {NULL, NULL},
};

__attribute__((visibility("default"))) int luaopen_luadl_poll(lua_State *L);

int luaopen_luadl_poll(lua_State *L)
{
    lua_new_class(L, POLLER, poller_methods, poller_close);
    luaL_newlib(L, functions);
    return 1;
}
