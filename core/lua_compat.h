/* lua_compat.h: what Lua 5.1 and LuaJIT lack of the C interface that the bindings use; classes, failures.
 * SPDX-License-Identifier: MIT */
#ifndef LUADL_LUA_COMPAT_H
#define LUADL_LUA_COMPAT_H

#include <lauxlib.h>
#include <lua.h>
#include <string.h>

#if LUA_VERSION_NUM < 502
#define luaL_newlib(L, functions) (lua_newtable(L), luaL_register(L, NULL, functions))
#define luaL_setfuncs(L, functions, ups) luaL_register(L, NULL, functions)
#define luaL_setmetatable(L, name) (luaL_getmetatable(L, name), lua_setmetatable(L, -2))
#define lua_rawlen lua_objlen
#endif

/* Registers the metatable of a userdata once for each state; `collect` is safe to call twice. */
static inline void lua_new_class(lua_State *L, const char *name, const luaL_Reg *methods,
                                 lua_CFunction collect)
{
    if (luaL_newmetatable(L, name)) {
        lua_pushcfunction(L, collect), lua_setfield(L, -2, "__gc");
        lua_pushcfunction(L, collect), lua_setfield(L, -2, "__close");
        lua_newtable(L), luaL_setfuncs(L, methods, 0), lua_setfield(L, -2, "__index");
    }
    lua_pop(L, 1);
}

/* What failed in the system: nil, message, errno. */
static inline int lua_push_failure(lua_State *L, int errnum)
{
    lua_pushnil(L);
    lua_pushstring(L, strerror(errnum));
    lua_pushinteger(L, errnum);
    return 3;
}

/* true, or what failed. */
static inline int lua_push_result(lua_State *L, int errnum)
{
    if (errnum != 0)
        return lua_push_failure(L, errnum);
    lua_pushboolean(L, 1);
    return 1;
}

#endif
