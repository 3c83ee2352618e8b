/* lua_compat.h: what Lua 5.1 and LuaJIT lack of the C interface that the bindings use.
 * SPDX-License-Identifier: MIT */
#ifndef LUADL_LUA_COMPAT_H
#define LUADL_LUA_COMPAT_H

#include <lauxlib.h>
#include <lua.h>

#if LUA_VERSION_NUM < 502
#define luaL_newlib(L, functions) (lua_newtable(L), luaL_register(L, NULL, functions))
#endif

#endif
