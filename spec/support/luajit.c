/* Runs a Lua program under the Lua that it is linked with: luajit FILE [ARGUMENT...].
 * SPDX-License-Identifier: MIT */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>

static void set_arguments(lua_State *L, int argc, char **argv)
{
    lua_createtable(L, argc, 0);
    for (int i = 0; i < argc; i++) {
        lua_pushstring(L, argv[i]);
        lua_rawseti(L, -2, i - 1);
    }
    lua_setglobal(L, "arg");
}

int main(int argc, char **argv)
{
    lua_State *L = luaL_newstate();
    if (!L || argc < 2)
        return 2;
    luaL_openlibs(L);
    set_arguments(L, argc, argv);
    int status = luaL_loadfile(L, argv[1]);
    for (int i = 2; i < argc; i++)
        lua_pushstring(L, argv[i]);
    if (status == 0)
        status = lua_pcall(L, argc - 2, 0, 0);
    if (status != 0)
        fprintf(stderr, "%s\n", lua_tostring(L, -1));
    lua_close(L);
    return status == 0 ? 0 : 1;
}
