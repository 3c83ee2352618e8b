/* html_fuzz.c: the links of any page are URLs that can be asked for, and nothing throws.
 * SPDX-License-Identifier: MIT */
#include <assert.h>
#include <string.h>

#include "fuzz.h"
#include "script.h"

int luaopen_luadl_url_core(lua_State *L);

/* Every URL on a line of its own. A host may have letters beyond ASCII. */
static const char read_page[] =
    "local html, url\n"
    "return function(page)\n"
    "  html, url = html or require('luadl.html'), url or require('luadl.url')\n"
    "  local lines = {}\n"
    "  for _, link in ipairs(assert(html.links(page, 'http://host.test/a/b?c'))) do\n"
    "    local parts = assert(url.parse(link.url))\n"
    "    assert(#parts.host > 0 and type(link.tag) == 'string')\n"
    "    assert(not link.text or #link.text <= 3000)\n"
    "    lines[#lines + 1] = link.url\n"
    "  end\n"
    "  return table.concat(lines, '\\n')\n"
    "end\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static lua_State *state;
    if (!state) {
        state = script_open(read_page);
        script_preload(state, "luadl.url_core", luaopen_luadl_url_core);
    }
    lua_pushlstring(state, (const char *) data, size);
    script_call(state, 1, 1);
    size_t length;
    const char *urls = lua_tolstring(state, -1, &length);
    for (size_t i = 0; i < length; i++)
        assert(urls[i] == '\n' || ((unsigned char) urls[i] > ' ' && urls[i] != 127));
    script_clear(state);
    return 0;
}
