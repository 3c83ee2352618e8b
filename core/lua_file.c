/* lua_file.c: luadl.file_core, a file that gets its name when it is complete, for what Lua makes of a download.
 * SPDX-License-Identifier: MIT
 *
 * The same as the engine's own (file.h), written from its beginning to its end. It blocks where the disk does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "code.h"
#include "file.h"
#include "lua_compat.h"

#define FILE_CLASS "luadl.file"
#define HINT_EVERY ((int64_t) 8 << 20)

struct output {
    struct file file;
    int64_t size; /* bytes written */
};

/* nil and { kind, message, errno } */
static int push_failure(lua_State *L, int kind, int errnum)
{
    lua_pushnil(L);
    lua_createtable(L, 0, 3);
    lua_pushstring(L, ldl_kind_name(kind)), lua_setfield(L, -2, "kind");
    lua_pushstring(L, errnum ? strerror(errnum) : ldl_kind_text(kind));
    lua_setfield(L, -2, "message");
    if (errnum)
        lua_pushinteger(L, errnum), lua_setfield(L, -2, "errno");
    return 2;
}

static int push_result(lua_State *L, const struct output *output, int result)
{
    if (result < 0)
        return push_failure(L, -result, output->file.errnum);
    lua_pushboolean(L, 1);
    return 1;
}

/* file_core.open(dir | nil, name, replace) -> file | nil, err. A part that is there already is somebody else's. */
static int file_core_open(lua_State *L)
{
    const char *dir = luaL_optstring(L, 1, NULL);
    const char *name = luaL_checkstring(L, 2);
    struct output *output = lua_newuserdata(L, sizeof *output);
    *output = (struct output){.size = 0};
    file_init(&output->file);
    luaL_setmetatable(L, FILE_CLASS);
    int result = file_open(&output->file, dir, name, lua_toboolean(L, 3) != 0);
    if (result < 0)
        return push_failure(L, -result, output->file.errnum);
    if (output->file.found < 0)
        return 1;
    file_close(&output->file, false);
    return push_failure(L, LDL_LOCKED, 0);
}

static struct output *check_output(lua_State *L)
{
    struct output *output = luaL_checkudata(L, 1, FILE_CLASS);
    luaL_argcheck(L, output->file.fd >= 0, 1, "the file is closed");
    return output;
}

/* file:write(bytes) -> true | nil, err */
static int output_write(lua_State *L)
{
    size_t length;
    int errnum = 0;
    struct output *output = check_output(L);
    const char *bytes = luaL_checklstring(L, 2, &length);
    int result = file_write(&output->file, bytes, length, output->size, &errnum);
    if (result < 0)
        return push_failure(L, -result, errnum);
    int64_t end = output->size + (int64_t) length, mark = end / HINT_EVERY * HINT_EVERY;
    if (mark > output->size)
        file_hint(&output->file, mark - HINT_EVERY, HINT_EVERY);
    output->size = end;
    lua_pushboolean(L, 1);
    return 1;
}

/* file:size() -> bytes written */
static int output_size(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer) check_output(L)->size);
    return 1;
}

/* file:part() -> the path of the file that hasn't its name yet */
static int output_part(lua_State *L)
{
    const struct file *file = &check_output(L)->file;
    size_t folder = strlen(file->path) - strlen(file->name);
    lua_pushlstring(L, file->path, folder);
    lua_pushstring(L, file->part);
    lua_concat(L, 2);
    return 1;
}

/* file:finish(modified | nil) -> true | nil, err: all is written, and stable */
static int output_finish(lua_State *L)
{
    struct output *output = check_output(L);
    int64_t modified = (int64_t) luaL_optnumber(L, 2, -1);
    return push_result(L, output, file_finish(&output->file, output->size, modified));
}

/* file:rename(name) -> true | nil, err: another name to be given */
static int output_rename(lua_State *L)
{
    struct output *output = check_output(L);
    return push_result(L, output, file_set_name(&output->file, luaL_checkstring(L, 2)));
}

/* file:publish(replace) -> path | nil, err */
static int output_publish(lua_State *L)
{
    struct output *output = check_output(L);
    int result = file_publish(&output->file, lua_toboolean(L, 2) != 0);
    if (result < 0)
        return push_result(L, output, result);
    (void) file_sync_directory(&output->file);
    lua_pushstring(L, output->file.path);
    return 1;
}

/* file:close(): what has no name yet is dropped */
static int output_close(lua_State *L)
{
    struct output *output = luaL_checkudata(L, 1, FILE_CLASS);
    file_close(&output->file, true);
    return 0;
}

static const luaL_Reg functions[] = {
    {"open", file_core_open},
    {NULL, NULL},
};

static const luaL_Reg methods[] = {
    {"write", output_write},   {"size", output_size},
    {"part", output_part},     {"finish", output_finish},
    {"rename", output_rename}, {"publish", output_publish},
    {"close", output_close},   {NULL, NULL},
};

LDL_API int luaopen_luadl_file_core(lua_State *L);

int luaopen_luadl_file_core(lua_State *L)
{
    lua_new_class(L, FILE_CLASS, methods, output_close);
    luaL_newlib(L, functions);
    return 1;
}
