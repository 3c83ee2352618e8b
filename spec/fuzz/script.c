/* script.c: Lua under a fuzzer: the lines that it runs count as coverage.
 * SPDX-License-Identifier: MIT
 *
 * The fuzzer sees what the compiler has instrumented, which Lua code is not. A hook tells it: each
 * step from line to line has a counter in the section where libFuzzer looks for such.
 */
#include "script.h"

#include <assert.h>
#include <lualib.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define COUNTERS 8192

__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t counters[COUNTERS];

static const char paths[] = "package.path = 'lua/?.lua;lua/?/init.lua;' .. package.path";

static void count_step(lua_State *state, lua_Debug *at)
{
    static unsigned before;
    lua_getinfo(state, "S", at);
    unsigned here = (unsigned) (at->currentline * 31 + at->linedefined) * 2654435761u;
    for (const char *c = at->short_src; *c; c++)
        here = here * 31 + (unsigned char) *c;
    counters[(here ^ before) % COUNTERS]++;
    before = here >> 1;
}

static void check(lua_State *state, int status)
{
    if (status == LUA_OK)
        return;
    fprintf(stderr, "Lua: %s\n", lua_tostring(state, -1));
    abort();
}

lua_State *script_open(const char *chunk)
{
    lua_State *state = luaL_newstate();
    assert(state != NULL);
    luaL_openlibs(state);
    check(state, luaL_dostring(state, paths));
    check(state, luaL_dostring(state, chunk));
    lua_sethook(state, count_step, LUA_MASKLINE, 0);
    return state;
}

void script_preload(lua_State *state, const char *name, lua_CFunction open)
{
    luaL_getsubtable(state, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushcfunction(state, open);
    lua_setfield(state, -2, name);
    lua_pop(state, 1);
}

void script_call(lua_State *state, int arguments, int results)
{
    lua_pushvalue(state, 1);
    lua_insert(state, -arguments - 1);
    check(state, lua_pcall(state, arguments, results, 0));
}

void script_clear(lua_State *state)
{
    lua_settop(state, 1);
}
