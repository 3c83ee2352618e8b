/* starvedlua.c: runs a Lua program again and again, each time in a new state whose allocator
 * refuses once.
 * SPDX-License-Identifier: MIT
 *
 * usage: starvedlua PROGRAM FIRST STEP [ARGUMENT...]
 *
 * Allocations count from the program's call of starve(). The runs refuse number FIRST, FIRST + STEP
 * and so on, until one ends before its number came. Each run prints its number and what the program
 * returned, or "error: " and what it threw.
 */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static long first, allocations;
static bool starving;

/* Twice: after the first refusal Lua collects its garbage and asks again. */
static bool refused(void)
{
    allocations += starving;
    return starving && (allocations == first || allocations == first + 1);
}

static void *allocate(void *subject, void *block, size_t old, size_t size)
{
    (void) subject;
    if (size == 0) {
        free(block);
        return NULL;
    }
    bool grows = !block || size > old; /* what shrinks may not fail */
    return grows && refused() ? NULL : realloc(block, size);
}

static int starve(lua_State *L)
{
    (void) L;
    starving = true;
    return 0;
}

static int run(lua_State *L, char **arguments)
{
    int count = 0;
    luaL_openlibs(L);
    lua_register(L, "starve", starve);
    if (luaL_loadfile(L, arguments[1]) != LUA_OK)
        return LUA_ERRFILE;
    for (char **argument = arguments + 4; *argument; argument++, count++)
        lua_pushstring(L, *argument);
    return lua_pcall(L, count, 1, 0);
}

static void run_once(char **arguments)
{
    lua_State *L = lua_newstate(allocate, NULL);
    allocations = 0;
    starving = false;
    int status = L ? run(L, arguments) : LUA_ERRMEM;
    starving = false;
    printf("%ld\t%s%s\n", first,
           status == LUA_OK ? "" : "error: ", L && lua_isstring(L, -1) ? lua_tostring(L, -1) : "?");
    fflush(stdout);
    if (L)
        lua_close(L);
}

int main(int count, char **arguments)
{
    if (count < 4)
        return 2;
    long step = strtol(arguments[3], NULL, 10);
    first = strtol(arguments[2], NULL, 10);
    for (run_once(arguments); allocations > first; run_once(arguments))
        first += step;
    return 0;
}
