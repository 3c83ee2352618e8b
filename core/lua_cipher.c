/* lua_cipher.c: luadl.cipher_core, AES in CBC and CTR mode by OpenSSL, piece by piece.
 * SPDX-License-Identifier: MIT */
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>

#include "lua_compat.h"

#define CIPHER "luadl.cipher_core"
#define BLOCK 16
#define PIECE 16384

struct cipher {
    EVP_CIPHER_CTX *context; /* NULL: closed */
};

static struct cipher *check_cipher(lua_State *L)
{
    struct cipher *cipher = luaL_checkudata(L, 1, CIPHER);
    luaL_argcheck(L, cipher->context, 1, "the cipher is closed");
    return cipher;
}

static int cipher_close(lua_State *L)
{
    struct cipher *cipher = luaL_checkudata(L, 1, CIPHER);
    EVP_CIPHER_CTX_free(cipher->context);
    cipher->context = NULL;
    return 0;
}

static const EVP_CIPHER *check_algorithm(lua_State *L, size_t key_length)
{
    char name[16];
    const char *mode = luaL_checkstring(L, 1);
    snprintf(name, sizeof name, "aes-%zu-%s", 8 * key_length, mode);
    const EVP_CIPHER *algorithm = EVP_get_cipherbyname(name);
    luaL_argcheck(L, algorithm, 1, "no such cipher");
    return algorithm;
}

/* new(mode, key, iv, encrypting, padded) -> cipher; the mode is "cbc" or "ctr" */
static int cipher_new(lua_State *L)
{
    size_t key_length, iv_length;
    const unsigned char *key = (const unsigned char *) luaL_checklstring(L, 2, &key_length);
    const unsigned char *iv = (const unsigned char *) luaL_checklstring(L, 3, &iv_length);
    const EVP_CIPHER *algorithm = check_algorithm(L, key_length);
    luaL_argcheck(L, iv_length == BLOCK, 3, "16 bytes expected");
    struct cipher *cipher = lua_newuserdata(L, sizeof *cipher);
    cipher->context = NULL;
    luaL_setmetatable(L, CIPHER);
    cipher->context = EVP_CIPHER_CTX_new();
    if (!cipher->context
        || EVP_CipherInit_ex(cipher->context, algorithm, NULL, key, iv, lua_toboolean(L, 4)) != 1)
        return luaL_error(L, "OpenSSL can't begin with this cipher");
    EVP_CIPHER_CTX_set_padding(cipher->context, lua_toboolean(L, 5));
    return 1;
}

/* cipher:update(bytes) -> bytes | nil, kind, message */
static int cipher_update(lua_State *L)
{
    size_t length;
    struct cipher *cipher = check_cipher(L);
    const unsigned char *bytes = (const unsigned char *) luaL_checklstring(L, 2, &length);
    luaL_Buffer buffer;
    luaL_buffinit(L, &buffer);
    while (length > 0) {
        unsigned char out[PIECE + BLOCK];
        int size = 0, count = length < PIECE ? (int) length : PIECE;
        if (EVP_CipherUpdate(cipher->context, out, &size, bytes, count) != 1)
            return luaL_error(L, "OpenSSL can't go on with this cipher");
        luaL_addlstring(&buffer, (const char *) out, (size_t) size);
        bytes += count, length -= (size_t) count;
    }
    luaL_pushresult(&buffer);
    return 1;
}

/* cipher:finish() -> bytes | nil, kind, message */
static int cipher_finish(lua_State *L)
{
    unsigned char out[BLOCK];
    int size = 0;
    struct cipher *cipher = check_cipher(L);
    bool ok = EVP_CipherFinal_ex(cipher->context, out, &size) == 1;
    cipher_close(L);
    if (ok) {
        lua_pushlstring(L, (const char *) out, (size_t) size);
        return 1;
    }
    lua_pushnil(L);
    lua_pushliteral(L, "encoding");
    lua_pushliteral(L, "not whole blocks, or not this key: the padding is wrong");
    return 3;
}

static const luaL_Reg methods[] = {
    {"update", cipher_update},
    {"finish", cipher_finish},
    {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"new", cipher_new},
    {NULL, NULL},
};

__attribute__((visibility("default"))) int luaopen_luadl_cipher_core(lua_State *L);

int luaopen_luadl_cipher_core(lua_State *L)
{
    lua_new_class(L, CIPHER, methods, cipher_close);
    luaL_newlib(L, functions);
    return 1;
}
