/* script.h: Lua under a fuzzer: the lines that it runs count as coverage.
 * SPDX-License-Identifier: MIT */
#ifndef LUADL_SCRIPT_H
#define LUADL_SCRIPT_H

#include <lauxlib.h>
#include <lua.h>

/* A state that finds the modules, with what `chunk` returns on its stack. */
lua_State *script_open(const char *chunk);
/* Lets it find a module of ours that is linked in. */
void script_preload(lua_State *state, const char *name, lua_CFunction open);
/* lua_call on a copy of that; an error is a finding. */
void script_call(lua_State *state, int arguments, int results);
/* Forgets the results. */
void script_clear(lua_State *state);

#endif
