/* codec_fuzz.c: what a decoder takes is exactly what its encoder gives; what is unpacked is bounded.
 * SPDX-License-Identifier: MIT */
#include "fuzz.h"
#include "script.h"

int luaopen_luadl_codec_core(lua_State *L);
int luaopen_luadl_zlib_core(lua_State *L);
int luaopen_luadl_cipher_core(lua_State *L);

static const char try_all[] =
    "local codec\n"
    "local function exact(decoded, text, encode, ...)\n"
    "  if decoded then assert(encode(decoded, ...) == text) end\n"
    "end\n"
    "local function bounded(unpack, text, opts)\n"
    "  opts.max_size = 10000\n"
    "  local bytes, err = unpack(text, opts)\n"
    "  if bytes then assert(#bytes <= 10000) else assert(err.kind and err.message) end\n"
    "  return bytes\n"
    "end\n"
    "local function pieces(filter, text)\n"
    "  local out = {}\n"
    "  for at = 1, #text, 7 do\n"
    "    out[#out + 1] = filter:update(text:sub(at, at + 6)) or nil\n"
    "  end\n"
    "  local last = filter:finish()\n"
    "  return last and table.concat(out) .. last\n"
    "end\n"
    "return function(text)\n"
    "  codec = codec or require('luadl.codec')\n"
    "  exact(codec.base64_decode(text), text, codec.base64_encode, { padding = text:find('=') ~= "
    "nil })\n"
    "  exact(codec.base64_decode(text, { url = true }), text, codec.base64_encode,\n"
    "    { url = true, padding = text:find('=') ~= nil })\n"
    "  exact(codec.hex_decode(text), text:lower(), codec.hex_encode)\n"
    "  local whole = bounded(codec.gunzip, text, {})\n"
    "  assert(whole == pieces(codec.filter.gunzip({ max_size = 10000 }), text))\n"
    "  bounded(codec.inflate, text, {})\n"
    "  bounded(codec.inflate, text, { raw = true })\n"
    "  assert(codec.gunzip(codec.gzip(text)) == text)\n"
    "  local key, iv = ('k'):rep(16), ('i'):rep(16)\n"
    "  local plain = codec.aes_decrypt('cbc', key, iv, text)\n"
    "  assert(not plain or codec.aes_encrypt('cbc', key, iv, plain) == text)\n"
    "  assert(plain == pieces(codec.filter.aes('cbc', key, iv), text))\n"
    "end\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static lua_State *state;
    if (!state) {
        state = script_open(try_all);
        script_preload(state, "luadl.codec_core", luaopen_luadl_codec_core);
        script_preload(state, "luadl.zlib_core", luaopen_luadl_zlib_core);
        script_preload(state, "luadl.cipher_core", luaopen_luadl_cipher_core);
    }
    lua_pushlstring(state, (const char *) data, size);
    script_call(state, 1, 0);
    script_clear(state);
    return 0;
}
