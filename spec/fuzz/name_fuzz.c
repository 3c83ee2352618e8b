/* name_fuzz.c: from Content-Disposition and URL to a file name that is safe to create.
 * SPDX-License-Identifier: MIT
 *
 * An input is a byte of options, a line with the URL, and the header's value. The checker here
 * shares nothing with the two in luadl.filename.
 */
#include <assert.h>
#include <string.h>
#include <strings.h>

#include "fuzz.h"
#include "script.h"

#define NAME_MOST 255
#define SUFFIX 8       /* ".part.lj" */
#define NAME_LEAST 64  /* of real file systems: eCryptfs has 143 */
#define DECODERS 4     /* options: who knows further charsets */
#define FOR_WINDOWS 8  /* names that Windows can't have are changed, too */
#define TRUST_FINAL 16 /* the URL is that of a redirect */
#define SMALL_NAMES 32 /* the file system has short names */
#define SMALL_MOST 40

static const char choose[] =
    "local filename = require('luadl.filename')\n"
    "local decoders = {\n"
    "  [1] = function(_, bytes) return bytes end,\n"
    "  [2] = function(charset) return charset .. '/../x' end,\n"
    "  [3] = function() return nil end,\n"
    "}\n"
    "local function choose(header, url, windows, name_max, decoder, trusted)\n"
    "  return filename.choose({\n"
    "    disposition = header, url = not trusted and url or nil, final_url = url,\n"
    "    trust_redirect_name = trusted, decode = decoders[decoder],\n"
    "    windows = windows, name_max = name_max,\n"
    "  })\n"
    "end\n"
    "return function(...)\n"
    "  local name = assert(choose(...))\n"
    "  local _, _, windows, name_max = ...\n"
    "  local opts = { windows = windows, name_max = name_max }\n"
    "  assert(filename.sanitise(name, opts) == name, 'not the same when done again')\n"
    "  return name, filename.alternative(name, 12, opts)\n"
    "end\n";

struct range {
    uint32_t first, last;
};

/* N1, N3, N4; what is not a character at all; and more that changes what a person reads. */
static const struct range forbidden[] = {{0x00, 0x1F},     {'/', '/'},        {'\\', '\\'},
                                         {0x7F, 0x9F},     {0x61C, 0x61C},    {0x200B, 0x200F},
                                         {0x2028, 0x202E}, {0x2066, 0x2069},  {0xD800, 0xDFFF},
                                         {0xFEFF, 0xFEFF}, {0xE0000, 0xE007F}};

static int length_of(unsigned char lead)
{
    return lead < 0x80   ? 1
           : lead < 0xC2 ? 0
           : lead < 0xE0 ? 2
           : lead < 0xF0 ? 3
           : lead < 0xF5 ? 4
                         : 0;
}

/* RFC 3629; asserts that it is a character. */
static uint32_t next_character(const unsigned char **at, const unsigned char *end)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    int length = length_of(**at);
    assert(length > 0 && end - *at >= length);
    uint32_t code = length == 1 ? **at : **at & (0x7Fu >> length);
    for (int i = 1; i < length; i++) {
        assert(((*at)[i] & 0xC0) == 0x80);
        code = code << 6 | ((*at)[i] & 0x3F);
    }
    assert(code >= least[length] && code <= 0x10FFFF);
    *at += length;
    return code;
}

static void check_characters(const char *name, size_t length, bool windows)
{
    const unsigned char *at = (const unsigned char *) name, *end = at + length;
    while (at < end) {
        uint32_t code = next_character(&at, end);
        for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++)
            assert(code < forbidden[i].first || code > forbidden[i].last);
        assert(!windows || code > 0x7F || !strchr("<>:\"|?*", (int) code));
    }
}

/* NUL.txt is the device, too. */
static bool is_device(const char *name)
{
    static const char *const devices[] = {"con", "prn", "aux", "nul"};
    size_t stem = strcspn(name, ".");
    while (stem > 0 && name[stem - 1] == ' ')
        stem--;
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
        if (stem == 3 && strncasecmp(name, devices[i], 3) == 0)
            return true;
    return stem == 4 && strchr("0123456789", name[3])
           && (strncasecmp(name, "com", 3) == 0 || strncasecmp(name, "lpt", 3) == 0);
}

static bool ends_with(const char *name, size_t length, const char *suffix)
{
    size_t size = strlen(suffix);
    return length >= size && strcasecmp(name + length - size, suffix) == 0;
}

static void check_name(const char *name, size_t length, size_t most, bool windows)
{
    assert(length > 0 && length <= most - SUFFIX && strlen(name) == length);
    check_characters(name, length, windows);
    assert(!strchr(".-~ ", name[0]) && !strchr(". ", name[length - 1]));
    assert(!ends_with(name, length, ".part") && !ends_with(name, length, ".part.lj"));
    assert(!windows || !is_device(name));
}

static void check_result(lua_State *state, int index, size_t most, bool windows)
{
    size_t length;
    const char *name = lua_tolstring(state, index, &length);
    assert(name != NULL);
    check_name(name, length, most, windows);
}

static void push_line(lua_State *state, struct input *input)
{
    const char *end = memchr(input->at, '\n', input->left);
    size_t length = end ? (size_t) (end - input->at) : input->left;
    lua_pushlstring(state, input->at, length);
    length += end != NULL;
    input->at += length;
    input->left -= length;
}

static void try_name(lua_State *state, unsigned options, struct input *input)
{
    bool windows = options & FOR_WINDOWS;
    size_t most = options & SMALL_NAMES ? NAME_LEAST + options % SMALL_MOST : NAME_MOST;
    push_line(state, input);
    lua_pushlstring(state, input->at, input->left);
    lua_insert(state, -2);
    lua_pushboolean(state, windows);
    lua_pushinteger(state, (lua_Integer) most);
    lua_pushinteger(state, options % DECODERS);
    lua_pushboolean(state, (options & TRUST_FINAL) != 0);
    script_call(state, 6, 2);
    check_result(state, -2, most, windows);
    check_result(state, -1, most, windows);
    script_clear(state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static lua_State *state;
    if (!state)
        state = script_open(choose);
    if (size > 0) {
        struct input input = {(const char *) data + 1, size - 1};
        try_name(state, data[0], &input);
    }
    return 0;
}
