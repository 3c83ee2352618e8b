/* lua_digest.c: luadl.digest_core, message digests and HMAC by OpenSSL.
 * SPDX-License-Identifier: MIT
 *
 * A digest is a userdata that stays open: its value can be asked for at any time, and more bytes
 * can follow.
 */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "lua_compat.h"

#define DIGEST "luadl.digest_core"

struct digest {
    EVP_MD_CTX *context; /* NULL: closed */
};

static struct digest *check_digest(lua_State *L)
{
    struct digest *digest = luaL_checkudata(L, 1, DIGEST);
    luaL_argcheck(L, digest->context, 1, "the digest is closed");
    return digest;
}

static int digest_close(lua_State *L)
{
    struct digest *digest = luaL_checkudata(L, 1, DIGEST);
    EVP_MD_CTX_free(digest->context);
    digest->context = NULL;
    return 0;
}

/* new(algorithm) -> digest, or nil: OpenSSL has none of that name */
static int digest_new(lua_State *L)
{
    const EVP_MD *algorithm = EVP_get_digestbyname(luaL_checkstring(L, 1));
    struct digest *digest = lua_newuserdata(L, sizeof *digest);
    digest->context = NULL;
    luaL_setmetatable(L, DIGEST);
    if (!algorithm)
        return 0;
    digest->context = EVP_MD_CTX_new();
    if (!digest->context)
        return luaL_error(L, "not enough memory");
    return EVP_DigestInit_ex(digest->context, algorithm, NULL) == 1 ? 1 : 0;
}

/* digest:update(bytes) */
static int digest_update(lua_State *L)
{
    size_t length;
    struct digest *digest = check_digest(L);
    const char *bytes = luaL_checklstring(L, 2, &length);
    if (EVP_DigestUpdate(digest->context, bytes, length) != 1)
        return luaL_error(L, "OpenSSL can't go on with this digest");
    return 0;
}

/* digest:raw() -> its value so far */
static int digest_raw(lua_State *L)
{
    unsigned char value[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    struct digest *digest = check_digest(L);
    EVP_MD_CTX *copy = EVP_MD_CTX_new();
    int ok = copy && EVP_MD_CTX_copy_ex(copy, digest->context) == 1
             && EVP_DigestFinal_ex(copy, value, &size) == 1;
    EVP_MD_CTX_free(copy);
    if (!ok)
        return luaL_error(L, "OpenSSL can't end this digest");
    lua_pushlstring(L, (const char *) value, size);
    return 1;
}

/* hash(algorithm, bytes) -> raw value, or nil: OpenSSL has no such algorithm */
static int digest_hash(lua_State *L)
{
    unsigned char value[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    size_t length;
    const EVP_MD *algorithm = EVP_get_digestbyname(luaL_checkstring(L, 1));
    const char *bytes = luaL_checklstring(L, 2, &length);
    if (!algorithm || EVP_Digest(bytes, length, value, &size, algorithm, NULL) != 1)
        return 0;
    lua_pushlstring(L, (const char *) value, size);
    return 1;
}

/* hmac(algorithm, key, bytes) -> raw value, or nil: OpenSSL has no such algorithm */
static int digest_hmac(lua_State *L)
{
    unsigned char value[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    size_t key_length, length;
    const EVP_MD *algorithm = EVP_get_digestbyname(luaL_checkstring(L, 1));
    const char *key = luaL_checklstring(L, 2, &key_length);
    const char *bytes = luaL_checklstring(L, 3, &length);
    luaL_argcheck(L, key_length <= INT32_MAX, 2, "too long");
    if (!algorithm
        || !HMAC(algorithm, key, (int) key_length, (const unsigned char *) bytes, length, value,
                 &size))
        return 0;
    lua_pushlstring(L, (const char *) value, size);
    return 1;
}

/* equal(a, b): takes as long for any two strings of one length */
static int digest_equal(lua_State *L)
{
    size_t length, other;
    const char *a = luaL_checklstring(L, 1, &length);
    const char *b = luaL_checklstring(L, 2, &other);
    lua_pushboolean(L, length == other && CRYPTO_memcmp(a, b, length) == 0);
    return 1;
}

static const luaL_Reg methods[] = {
    {"update", digest_update},
    {"raw", digest_raw},
    {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"new", digest_new},     {"hash", digest_hash}, {"hmac", digest_hmac},
    {"equal", digest_equal}, {NULL, NULL},
};

__attribute__((visibility("default"))) int luaopen_luadl_digest_core(lua_State *L);

int luaopen_luadl_digest_core(lua_State *L)
{
    lua_new_class(L, DIGEST, methods, digest_close);
    luaL_newlib(L, functions);
    return 1;
}
