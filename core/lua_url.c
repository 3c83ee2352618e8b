/* lua_url.c: luadl.url_core, URLs taken apart and joined by libcurl, as the engine does it.
 * SPDX-License-Identifier: MIT */
#include <curl/curl.h>
#include <stdlib.h>

#include "lua_compat.h"

/* Not only what libcurl can fetch; spaces and bytes beyond ASCII become percent-encoded. */
#define READING (CURLU_NON_SUPPORT_SCHEME | CURLU_URLENCODE)

static const struct part {
    const char *name;
    CURLUPart what;
} parts[] = {
    {"host", CURLUPART_HOST},         {"scheme", CURLUPART_SCHEME}, {"user", CURLUPART_USER},
    {"password", CURLUPART_PASSWORD}, {"path", CURLUPART_PATH},     {"query", CURLUPART_QUERY},
    {"fragment", CURLUPART_FRAGMENT}, {"port", CURLUPART_PORT},
};

enum { HOST, PARTS = sizeof parts / sizeof *parts };

/* Nothing of Lua is called while a handle is open: an error there would leave it behind. */
struct parsed {
    char *value[PARTS];
    char *text;
};

static void parsed_free(struct parsed *parsed)
{
    for (int i = 0; i < PARTS; i++)
        curl_free(parsed->value[i]);
    curl_free(parsed->text);
}

static CURLUcode read_parts(CURLU *handle, struct parsed *out)
{
    for (int i = 0; i < PARTS; i++)
        if (curl_url_get(handle, parts[i].what, &out->value[i], 0) == CURLUE_OUT_OF_MEMORY)
            return CURLUE_OUT_OF_MEMORY;
    if (!out->value[HOST]) /* file: */
        return CURLUE_NO_HOST;
    return curl_url_get(handle, CURLUPART_URL, &out->text, 0);
}

/* The reference may be NULL. */
static CURLUcode parse(const char *base, const char *reference, struct parsed *out)
{
    CURLU *handle = curl_url();
    if (!handle)
        return CURLUE_OUT_OF_MEMORY;
    CURLUcode code = curl_url_set(handle, CURLUPART_URL, base, READING);
    if (code == CURLUE_OK && reference)
        code = curl_url_set(handle, CURLUPART_URL, reference, READING);
    if (code == CURLUE_OK)
        code = read_parts(handle, out);
    curl_url_cleanup(handle);
    return code;
}

static int push_failure(lua_State *L, CURLUcode code)
{
    lua_pushnil(L);
    lua_pushstring(L, curl_url_strerror(code));
    return 2;
}

static int pushed_parts(lua_State *L)
{
    const struct parsed *parsed = lua_touserdata(L, 1);
    lua_createtable(L, 0, PARTS);
    for (int i = 0; i < PARTS; i++) {
        if (!parsed->value[i])
            continue;
        if (parts[i].what == CURLUPART_PORT)
            lua_pushinteger(L, strtol(parsed->value[i], NULL, 10));
        else
            lua_pushstring(L, parsed->value[i]);
        lua_setfield(L, -2, parts[i].name);
    }
    return 1;
}

static int pushed_text(lua_State *L)
{
    const struct parsed *parsed = lua_touserdata(L, 1);
    lua_pushstring(L, parsed->text);
    return 1;
}

/* What `push` makes of the URL; freed when that fails for want of memory, too. */
static int answer(lua_State *L, const char *base, const char *reference, lua_CFunction push)
{
    struct parsed parsed = {0};
    CURLUcode code = parse(base, reference, &parsed);
    if (code != CURLUE_OK) {
        parsed_free(&parsed);
        return push_failure(L, code);
    }
    lua_pushcfunction(L, push);
    lua_pushlightuserdata(L, &parsed);
    int status = lua_pcall(L, 1, 1, 0);
    parsed_free(&parsed);
    return status == 0 ? 1 : lua_error(L);
}

/* parse(url) -> { scheme, user, password, host, port, path, query, fragment } | nil, message */
static int url_parse(lua_State *L)
{
    return answer(L, luaL_checkstring(L, 1), NULL, pushed_parts);
}

/* join(base [, reference]) -> URL | nil, message */
static int url_join(lua_State *L)
{
    return answer(L, luaL_checkstring(L, 1), luaL_optstring(L, 2, NULL), pushed_text);
}

static void set_text(lua_State *L, const char *name, const char *text)
{
    if (text)
        lua_pushstring(L, text), lua_setfield(L, -2, name);
}

static void set_list(lua_State *L, const char *name, const char *const *list)
{
    lua_newtable(L);
    for (int i = 0; list && list[i]; i++)
        lua_pushstring(L, list[i]), lua_rawseti(L, -2, i + 1);
    lua_setfield(L, -2, name);
}

/* libcurl() -> { version, ssl, zlib, http2, ssh, certificates, certificate_folder = string or nil, protocols = list } */
static int url_libcurl(lua_State *L)
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    lua_newtable(L);
    set_text(L, "version", info->version);
    set_text(L, "ssl", info->ssl_version);
    set_text(L, "zlib", info->libz_version);
    set_text(L, "http2", info->nghttp2_ver_num ? info->nghttp2_version : NULL);
    set_text(L, "ssh", info->libssh_version);
    set_text(L, "certificates", info->cainfo);
    set_text(L, "certificate_folder", info->capath);
    set_list(L, "protocols", info->protocols);
    return 1;
}

static const luaL_Reg functions[] = {
    {"parse", url_parse},
    {"join", url_join},
    {"libcurl", url_libcurl},
    {NULL, NULL},
};

__attribute__((visibility("default"))) int luaopen_luadl_url_core(lua_State *L);

int luaopen_luadl_url_core(lua_State *L)
{
    luaL_newlib(L, functions);
    return 1;
}
