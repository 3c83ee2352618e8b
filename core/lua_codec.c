/* lua_codec.c: luadl.codec_core, base64 and hexadecimal (RFC 4648), exactly.
 * SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "lua_compat.h"

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char for_urls[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char digits[] = "0123456789abcdef";

static const char *alphabet(lua_State *L, int index)
{
    return lua_toboolean(L, index) ? for_urls : standard;
}

/* Up to three bytes as up to four characters. */
static size_t encode_group(const unsigned char *bytes, size_t count, const char *with, char *out)
{
    uint32_t bits = (uint32_t) bytes[0] << 16 | (count > 1 ? (uint32_t) bytes[1] << 8 : 0)
                    | (count > 2 ? bytes[2] : 0);
    for (size_t i = 0; i <= count; i++)
        out[i] = with[bits >> (18 - 6 * i) & 63];
    return count + 1;
}

/* base64_encode(bytes, for_urls, padded) -> text */
static int base64_encode(lua_State *L)
{
    size_t length;
    const unsigned char *bytes = (const unsigned char *) luaL_checklstring(L, 1, &length);
    const char *with = alphabet(L, 2);
    bool padded = lua_toboolean(L, 3);
    luaL_Buffer buffer;
    luaL_buffinit(L, &buffer);
    for (size_t at = 0; at < length; at += 3) {
        char group[4] = "====";
        size_t size = encode_group(bytes + at, length - at < 3 ? length - at : 3, with, group);
        luaL_addlstring(&buffer, group, padded ? 4 : size);
    }
    luaL_pushresult(&buffer);
    return 1;
}

static size_t without_padding(const char *text, size_t length)
{
    if (length % 4 != 0)
        return length;
    for (int i = 0; i < 2 && length > 0 && text[length - 1] == '='; i++)
        length--;
    return length;
}

/* The bits of up to four characters, or -1. */
static int64_t group_bits(const char *text, size_t count, const char *with)
{
    int64_t bits = 0;
    for (size_t i = 0; i < 4; i++) {
        const char *found = i < count && text[i] ? strchr(with, text[i]) : with;
        if (!found || (i < count && !text[i]))
            return -1;
        bits = bits << 6 | (found - with);
    }
    return bits;
}

/* The number of bytes, or 0: no base64. What the last character has over must be zero. */
static size_t decode_group(const char *text, size_t count, const char *with, char out[3])
{
    int64_t bits = count < 2 ? -1 : group_bits(text, count, with);
    if (bits < 0 || (count == 2 && bits & 0xFFFF) || (count == 3 && bits & 0xFF))
        return 0;
    for (int i = 0; i < 3; i++)
        out[i] = (char) (bits >> (16 - 8 * i) & 0xFF);
    return count - 1;
}

/* base64_decode(text, for_urls) -> bytes | nil, position; the padding may be missing */
static int base64_decode(lua_State *L)
{
    size_t length;
    const char *text = luaL_checklstring(L, 1, &length);
    const char *with = alphabet(L, 2);
    length = without_padding(text, length);
    luaL_Buffer buffer;
    luaL_buffinit(L, &buffer);
    for (size_t at = 0; at < length; at += 4) {
        char group[3];
        size_t size = decode_group(text + at, length - at < 4 ? length - at : 4, with, group);
        if (size == 0) {
            lua_pushnil(L);
            lua_pushinteger(L, (lua_Integer) at + 1);
            return 2;
        }
        luaL_addlstring(&buffer, group, size);
    }
    luaL_pushresult(&buffer);
    return 1;
}

/* hex_encode(bytes) -> text in lower case */
static int hex_encode(lua_State *L)
{
    size_t length;
    const char *bytes = luaL_checklstring(L, 1, &length);
    luaL_Buffer buffer;
    luaL_buffinit(L, &buffer);
    for (size_t i = 0; i < length; i++) {
        luaL_addchar(&buffer, digits[(unsigned char) bytes[i] >> 4]);
        luaL_addchar(&buffer, digits[bytes[i] & 15]);
    }
    luaL_pushresult(&buffer);
    return 1;
}

static int digit(char character)
{
    const char lower = character >= 'A' && character <= 'F' ? (char) (character + 32) : character;
    const char *found = lower ? strchr(digits, lower) : NULL;
    return found ? (int) (found - digits) : -1;
}

/* hex_decode(text) -> bytes | nil, position */
static int hex_decode(lua_State *L)
{
    size_t length;
    const char *text = luaL_checklstring(L, 1, &length);
    luaL_Buffer buffer;
    luaL_buffinit(L, &buffer);
    for (size_t at = 0; at < length; at += 2) {
        int high = digit(text[at]), low = at + 1 < length ? digit(text[at + 1]) : -1;
        if (high < 0 || low < 0) {
            lua_pushnil(L);
            lua_pushinteger(L, (lua_Integer) at + 1);
            return 2;
        }
        luaL_addchar(&buffer, (char) (high << 4 | low));
    }
    luaL_pushresult(&buffer);
    return 1;
}

static const luaL_Reg functions[] = {
    {"base64_encode", base64_encode},
    {"base64_decode", base64_decode},
    {"hex_encode", hex_encode},
    {"hex_decode", hex_decode},
    {NULL, NULL},
};

__attribute__((visibility("default"))) int luaopen_luadl_codec_core(lua_State *L);

int luaopen_luadl_codec_core(lua_State *L)
{
    luaL_newlib(L, functions);
    return 1;
}
