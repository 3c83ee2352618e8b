/* lua_zlib.c: luadl.zlib_core, gzip, zlib and raw deflate by zlib, piece by piece and within bounds.
 * SPDX-License-Identifier: MIT
 *
 * A few bytes can become gigabytes: what comes out is bounded by a size and by a multiple of what
 * went in, and an inflater that passed one of them stays failed.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>

#include "lua_compat.h"

#define ZLIB "luadl.zlib_core"
#define SCRATCH 32768
#define FREE_OF_RATIO (1 << 20) /* bytes of output that need no input to justify them */

enum state { CLOSED, DEFLATING, INFLATING, BETWEEN /* two members, or after the last one */ };

struct pipe {
    z_stream stream;
    enum state state;
    bool is_gzip; /* members may follow each other (RFC 1952, section 2.2) */
    uint64_t taken, given;
    lua_Number size_most, ratio_most;
    unsigned char scratch[SCRATCH];
};

struct failure {
    const char *kind, *message;
};

static int window_bits(lua_State *L, int index)
{
    static const char *const formats[] = {"gzip", "zlib", "raw", NULL};
    static const int bits[] = {15 + 16, 15, -15};
    return bits[luaL_checkoption(L, index, NULL, formats)];
}

static struct pipe *new_pipe(lua_State *L)
{
    struct pipe *pipe = lua_newuserdata(L, sizeof *pipe);
    memset(pipe, 0, offsetof(struct pipe, scratch));
    luaL_setmetatable(L, ZLIB);
    return pipe;
}

static struct pipe *check_pipe(lua_State *L)
{
    struct pipe *pipe = luaL_checkudata(L, 1, ZLIB);
    luaL_argcheck(L, pipe->state != CLOSED, 1, "the filter is closed");
    return pipe;
}

static int pipe_close(lua_State *L)
{
    struct pipe *pipe = luaL_checkudata(L, 1, ZLIB);
    if (pipe->state == DEFLATING)
        deflateEnd(&pipe->stream);
    else if (pipe->state != CLOSED)
        inflateEnd(&pipe->stream);
    pipe->state = CLOSED;
    return 0;
}

/* inflater(format, size_most, ratio_most) */
static int zlib_inflater(lua_State *L)
{
    int bits = window_bits(L, 1);
    lua_Number size_most = luaL_checknumber(L, 2), ratio_most = luaL_checknumber(L, 3);
    struct pipe *pipe = new_pipe(L);
    pipe->size_most = size_most, pipe->ratio_most = ratio_most;
    pipe->is_gzip = bits > 15;
    if (inflateInit2(&pipe->stream, bits) != Z_OK)
        return luaL_error(L, "not enough memory");
    pipe->state = INFLATING;
    return 1;
}

/* deflater(format, level) */
static int zlib_deflater(lua_State *L)
{
    int bits = window_bits(L, 1), level = (int) luaL_checkinteger(L, 2);
    struct pipe *pipe = new_pipe(L);
    luaL_argcheck(L, level >= 0 && level <= 9, 2, "0 to 9 expected");
    if (deflateInit2(&pipe->stream, level, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return luaL_error(L, "not enough memory");
    pipe->state = DEFLATING;
    return 1;
}

static void offer_scratch(struct pipe *pipe)
{
    pipe->stream.next_out = pipe->scratch;
    pipe->stream.avail_out = SCRATCH;
}

static void drain(struct pipe *pipe, luaL_Buffer *out)
{
    size_t size = SCRATCH - pipe->stream.avail_out;
    pipe->given += size;
    luaL_addlstring(out, (const char *) pipe->scratch, size);
}

static void deflate_some(struct pipe *pipe, int flush, luaL_Buffer *out)
{
    do {
        offer_scratch(pipe);
        deflate(&pipe->stream, flush);
        drain(pipe, out);
    } while (pipe->stream.avail_out == 0);
}

static struct failure past_bounds(const struct pipe *pipe)
{
    if ((lua_Number) pipe->given > pipe->size_most)
        return (struct failure){"too_large", "it unpacks to more than max_size"};
    lua_Number allowed = pipe->ratio_most * (lua_Number) pipe->taken + FREE_OF_RATIO;
    if ((lua_Number) pipe->given > allowed)
        return (struct failure){"too_large", "it unpacks to more than max_ratio times its size"};
    return (struct failure){0};
}

/* Whether something follows the member; a tape's padding doesn't count. */
static bool next_member(struct pipe *pipe)
{
    z_stream *stream = &pipe->stream;
    while (pipe->is_gzip && stream->avail_in > 0 && *stream->next_in == 0)
        stream->next_in++, stream->avail_in--;
    return stream->avail_in > 0;
}

static struct failure inflate_member(struct pipe *pipe, luaL_Buffer *out)
{
    z_stream *stream = &pipe->stream;
    do {
        uInt before = stream->avail_in;
        offer_scratch(pipe);
        int code = inflate(stream, Z_NO_FLUSH);
        pipe->taken += before - stream->avail_in;
        drain(pipe, out);
        struct failure failure = past_bounds(pipe);
        if (failure.kind)
            return failure;
        if (code == Z_STREAM_END)
            pipe->state = BETWEEN;
        else if (code != Z_OK && code != Z_BUF_ERROR)
            return (struct failure){"encoding", stream->msg ? stream->msg : "not compressed data"};
    } while (pipe->state == INFLATING && (stream->avail_in > 0 || stream->avail_out == 0));
    return (struct failure){0};
}

static struct failure inflate_some(struct pipe *pipe, luaL_Buffer *out)
{
    struct failure failure = {0};
    while (!failure.kind && pipe->stream.avail_in > 0) {
        if (pipe->state == BETWEEN && !next_member(pipe))
            break;
        if (pipe->state == BETWEEN && !pipe->is_gzip)
            return (struct failure){"encoding", "something follows the compressed data"};
        if (pipe->state == BETWEEN)
            inflateReset(&pipe->stream);
        pipe->state = INFLATING;
        failure = inflate_member(pipe, out);
    }
    return failure;
}

static int push_failure(lua_State *L, struct failure failure)
{
    lua_pushnil(L);
    lua_pushstring(L, failure.kind);
    lua_pushstring(L, failure.message);
    return 3;
}

/* pipe:update(bytes) -> bytes | nil, kind, message */
static int pipe_update(lua_State *L)
{
    size_t length;
    struct failure failure = {0};
    struct pipe *pipe = check_pipe(L);
    const char *bytes = luaL_checklstring(L, 2, &length);
    luaL_argcheck(L, length <= UINT32_MAX, 2, "too long");
    luaL_Buffer out;
    luaL_buffinit(L, &out);
    pipe->stream.next_in = (Bytef *) bytes;
    pipe->stream.avail_in = (uInt) length;
    if (pipe->state == DEFLATING)
        deflate_some(pipe, Z_NO_FLUSH, &out);
    else
        failure = inflate_some(pipe, &out);
    if (failure.kind)
        return push_failure(L, failure);
    luaL_pushresult(&out);
    return 1;
}

/* pipe:finish() -> bytes | nil, kind, message */
static int pipe_finish(lua_State *L)
{
    struct pipe *pipe = check_pipe(L);
    bool is_cut = pipe->state == INFLATING;
    luaL_Buffer out;
    luaL_buffinit(L, &out);
    pipe->stream.avail_in = 0;
    if (pipe->state == DEFLATING)
        deflate_some(pipe, Z_FINISH, &out);
    luaL_pushresult(&out);
    pipe_close(L);
    if (is_cut)
        return push_failure(L, (struct failure){"encoding", "the compressed data ends too early"});
    return 1;
}

static const luaL_Reg methods[] = {
    {"update", pipe_update},
    {"finish", pipe_finish},
    {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"inflater", zlib_inflater},
    {"deflater", zlib_deflater},
    {NULL, NULL},
};

__attribute__((visibility("default"))) int luaopen_luadl_zlib_core(lua_State *L);

int luaopen_luadl_zlib_core(lua_State *L)
{
    lua_new_class(L, ZLIB, methods, pipe_close);
    luaL_newlib(L, functions);
    return 1;
}
