/* lua_sys.h: what luadl.sys is made of.
 * SPDX-License-Identifier: MIT */
#ifndef LUADL_LUA_SYS_H
#define LUADL_LUA_SYS_H

#include <lua.h>

/* Adds the functions of lua_sys_file.c to the table on top of the stack. */
void sys_add_files(lua_State *L);

#endif
