/* xml_fuzz.c: any document is read or refused, and a small one stays small.
 * SPDX-License-Identifier: MIT */
#include "fuzz.h"
#include "script.h"

int luaopen_luadl_xml_core(lua_State *L);

/* An entity of 64 bytes is the most that "&e;" may become; UTF-16 takes more bytes as UTF-8. */
static const char read_document[] =
    "local xml\n"
    "local function measure(element)\n"
    "  local size, count = #element.name, 1\n"
    "  for name, value in pairs(element.attributes) do size = size + #name + #value end\n"
    "  for _, child in ipairs(element) do\n"
    "    local inner, more = #child, 0\n"
    "    if type(child) == 'table' then inner, more = measure(child) end\n"
    "    size, count = size + inner, count + more\n"
    "  end\n"
    "  return size, count\n"
    "end\n"
    "return function(text)\n"
    "  xml = xml or require('luadl.xml')\n"
    "  local root, err = xml.parse(text)\n"
    "  local outermost, problem = xml.each(text, '//*', function() end)\n"
    "  assert((root == nil) == (outermost == nil) and (root or err.kind == problem.kind))\n"
    "  if not root then return end\n"
    "  assert(outermost == 1)\n"
    "  local size, count = measure(root)\n"
    "  assert(size <= 4096 + #text * #text and count <= #text)\n"
    "  assert(#root:text() <= 64 * #text)\n"
    "end\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static lua_State *state;
    if (!state) {
        state = script_open(read_document);
        script_preload(state, "luadl.xml_core", luaopen_luadl_xml_core);
    }
    lua_pushlstring(state, (const char *) data, size);
    script_call(state, 1, 0);
    script_clear(state);
    return 0;
}
