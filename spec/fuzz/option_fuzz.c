/* option_fuzz.c: what callers write: headers that can't break the request, sizes and times.
 * SPDX-License-Identifier: MIT
 *
 * An input is lines: each a header, a size and a time at once.
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "request.h"
#include "script.h"

static const char read_line[] = "local headers = require('luadl.options.headers')\n"
                                "local units = require('luadl.units')\n"
                                "return function(line)\n"
                                "  local list = headers.read({ line })\n"
                                "  local name, value\n"
                                "  if list then name, value = list[1][1], list[1][2] end\n"
                                "  return name, value, units.bytes(line), (units.duration(line))\n"
                                "end\n";

/* What the policy lets through the engine takes, and it is one header on one line (S3). */
static void check_header(const char *name, const char *value)
{
    if (!name)
        return;
    const struct ldl_header header = {name, value};
    const struct ldl_request request = {
        .url = "http://host.test/", .headers = &header, .header_count = 1};
    assert(request_check(&request) == 0);
    assert(name[0] && !strpbrk(name, ": \t\r\n") && !strpbrk(value, "\r\n"));
}

static void check_units(lua_State *state)
{
    int whole = 0;
    lua_Integer bytes = lua_tointegerx(state, -2, &whole);
    assert(lua_isnil(state, -2) || (whole && lua_isinteger(state, -2) && bytes >= 0));
    lua_Number seconds = lua_tonumber(state, -1);
    assert(lua_isnil(state, -1) || (seconds >= 0 && isfinite(seconds)));
}

static void try_line(lua_State *state, const char *line)
{
    lua_pushstring(state, line);
    script_call(state, 1, 4);
    check_header(lua_tostring(state, -4), lua_tostring(state, -3));
    check_units(state);
    script_clear(state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static lua_State *state;
    struct input input = {(const char *) data, size};
    char *line;
    if (!state)
        state = script_open(read_line);
    while ((line = input_line(&input))) {
        try_line(state, line);
        free(line);
    }
    return 0;
}
