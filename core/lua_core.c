/* lua_core.c: the engine for Lua: module luadl.core.
 * SPDX-License-Identifier: MIT
 *
 * An engine is a userdata that holds a session; transfers are integer ids. No Lua value is stored, no Lua function is
 * called: scripts pull events with engine:next() and answer by calling. Failures are nil and a table { kind, message };
 * wrong arguments are errors.
 */
#include <errno.h>
#include <iconv.h>
#include <lauxlib.h>
#include <lua.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "date.h"
#include "file.h"
#include "lua_compat.h"
#include "luadl.h"
#include "url.h"

#define ENGINE "luadl.engine"
#define MODEL "luadl.model"
#define LONGEST_CHARACTER 4 /* bytes of UTF-8 */
#define EXTENTS_MOST 4096
#define STREAMS_MOST 256

struct engine {
    ldl_session *session; /* NULL: closed */
};

/* Errors */

/* When the server wants to be asked again. */
static void push_patience(lua_State *L, const struct ldl_error *error)
{
    if (error->retry_after >= 0)
        lua_pushnumber(L, error->retry_after), lua_setfield(L, -2, "retry_after");
    if (error->retry_at >= 0)
        lua_pushnumber(L, error->retry_at), lua_setfield(L, -2, "retry_at");
}

static void push_error(lua_State *L, const struct ldl_error *error)
{
    lua_newtable(L);
    lua_pushstring(L, ldl_kind_name(error->kind)), lua_setfield(L, -2, "kind");
    lua_pushstring(L, error->message[0] ? error->message : ldl_kind_text(error->kind));
    lua_setfield(L, -2, "message");
    if (error->url[0])
        lua_pushstring(L, error->url), lua_setfield(L, -2, "url");
    if (error->status)
        lua_pushinteger(L, error->status), lua_setfield(L, -2, "status");
    if (error->errnum)
        lua_pushinteger(L, error->errnum), lua_setfield(L, -2, "errno");
    if (error->curl_code)
        lua_pushinteger(L, error->curl_code), lua_setfield(L, -2, "curl_code");
    if (error->unsent)
        lua_pushboolean(L, 1), lua_setfield(L, -2, "unsent");
    push_patience(L, error);
}

/* nil and an error table, for a negative result. */
static int push_failure(lua_State *L, int result)
{
    struct ldl_error error = {.kind = -result, .retry_after = -1, .retry_at = -1};
    lua_pushnil(L);
    push_error(L, &error);
    return 2;
}

static int push_result(lua_State *L, int result)
{
    if (result < 0)
        return push_failure(L, result);
    lua_pushboolean(L, 1);
    return 1;
}

/* Arguments */

static ldl_session *check_session(lua_State *L)
{
    struct engine *engine = luaL_checkudata(L, 1, ENGINE);
    luaL_argcheck(L, engine->session, 1, "the engine is closed");
    return engine->session;
}

/* Ids come and go: a stale one is an error, never a crash. */
static ldl_id check_id(lua_State *L)
{
    return (ldl_id) luaL_checkinteger(L, 2);
}

static const char *field_string(lua_State *L, int table, const char *name)
{
    lua_getfield(L, table, name);
    const char *text = NULL;
    if (!lua_isnil(L, -1)) {
        if (lua_type(L, -1) != LUA_TSTRING)
            luaL_error(L, "field '%s' must be a string", name);
        text = lua_tostring(L, -1);
        if (strlen(text) != lua_rawlen(L, -1))
            luaL_error(L, "field '%s' contains a NUL byte", name);
    }
    lua_pop(L, 1); /* the table keeps the string */
    return text;
}

static double field_number(lua_State *L, int table, const char *name)
{
    lua_getfield(L, table, name);
    double number = 0;
    if (!lua_isnil(L, -1)) {
        if (lua_type(L, -1) != LUA_TNUMBER)
            luaL_error(L, "field '%s' must be a number", name);
        number = lua_tonumber(L, -1);
        if (!(number >= 0 && number < 9.2e18))
            luaL_error(L, "field '%s' is out of range", name);
    }
    lua_pop(L, 1);
    return number;
}

static bool field_boolean(lua_State *L, int table, const char *name)
{
    lua_getfield(L, table, name);
    bool value = lua_toboolean(L, -1) != 0;
    lua_pop(L, 1);
    return value;
}

static size_t field_length(lua_State *L, int table, const char *name)
{
    lua_getfield(L, table, name);
    size_t length = 0;
    if (lua_istable(L, -1))
        length = lua_rawlen(L, -1);
    else if (!lua_isnil(L, -1))
        luaL_error(L, "field '%s' must be a list", name);
    lua_pop(L, 1);
    return length;
}

static const char *item_string(lua_State *L, int index)
{
    lua_rawgeti(L, -1, index);
    const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
    if (!text || strlen(text) != lua_rawlen(L, -1))
        luaL_error(L, "a list has strings without NUL, such as { name, value }");
    lua_pop(L, 1);
    return text;
}

/* A list of rows, each of so many strings, or of plain strings when `width` is 1; the table keeps them. */
static const void *read_rows(lua_State *L, int table, const char *name, int width, size_t *count)
{
    *count = field_length(L, table, name);
    if (*count == 0)
        return NULL;
    const char **list = lua_newuserdata(L, *count * (size_t) width * sizeof *list);
    lua_getfield(L, table, name); /* ... list rows */
    for (size_t i = 0; i < *count; i++) {
        if (width == 1) {
            list[i] = item_string(L, (int) i + 1);
            continue;
        }
        lua_rawgeti(L, -1, (int) i + 1); /* ... list rows row */
        luaL_checktype(L, -1, LUA_TTABLE);
        for (int k = 0; k < width; k++)
            list[i * (size_t) width + (size_t) k] = item_string(L, k + 1);
        lua_pop(L, 1);
    }
    lua_pop(L, 1); /* ... list */
    return list;
}

static int field_word(lua_State *L, int table, const char *field, const char *const words[])
{
    const char *given = field_string(L, table, field);
    for (int i = 0; given && words[i]; i++)
        if (strcmp(words[i], given) == 0)
            return i;
    return given ? luaL_error(L, "field '%s' is unknown: %s", field, given) : 0;
}

static const char *const CHECKS[] = {"usual", "strict", "all", NULL};
static const char *const AUTHS[] = {"basic", "digest", NULL};
static const char *const VERSIONS[] = {"1.1", "2", NULL};
static const char *const TLS[] = {"1.2", "1.3", NULL};

/* What a request sends; any bytes. */
static const void *field_bytes(lua_State *L, int table, const char *name, size_t *length)
{
    lua_getfield(L, table, name);
    if (!lua_isnil(L, -1) && lua_type(L, -1) != LUA_TSTRING)
        luaL_error(L, "field '%s' must be a string", name);
    const char *bytes = lua_tolstring(L, -1, length);
    lua_pop(L, 1); /* the table keeps the string */
    return bytes;
}

/* range = { first, last }, both included */
static void read_range(lua_State *L, int table, struct ldl_request *request)
{
    lua_getfield(L, table, "range");
    if (lua_istable(L, -1)) {
        lua_rawgeti(L, -1, 1), lua_rawgeti(L, -2, 2);
        request->range.start = (int64_t) luaL_checkinteger(L, -2);
        request->range.end = (int64_t) luaL_checkinteger(L, -1) + 1;
        lua_pop(L, 2);
    }
    lua_pop(L, 1);
}

static void read_request(lua_State *L, int table, struct ldl_request *request)
{
    *request = (struct ldl_request){
        .url = field_string(L, table, "url"),
        .user_agent = field_string(L, table, "user_agent"),
        .user = field_string(L, table, "user"),
        .auth = field_word(L, table, "auth", AUTHS),
        .bearer = field_string(L, table, "bearer"),
        .proxy = field_string(L, table, "proxy"),
        .no_proxy = field_string(L, table, "no_proxy"),
        .proxy_auth = field_word(L, table, "proxy_auth", AUTHS),
        .doh = field_string(L, table, "doh"),
        .interface = field_string(L, table, "interface"),
        .ip = (int) field_number(L, table, "ip"),
        .http = field_word(L, table, "http", VERSIONS),
        .cacert = field_string(L, table, "cacert"),
        .capath = field_string(L, table, "capath"),
        .cert = field_string(L, table, "cert"),
        .key = field_string(L, table, "key"),
        .known_hosts = field_string(L, table, "known_hosts"),
        .key_password = field_string(L, table, "key_password"),
        .pinned_key = field_string(L, table, "pinned_key"),
        .tls_min = field_word(L, table, "tls_min", TLS) ? 13 : 0,
        .expect_type = field_string(L, table, "expect_type"),
        .method = field_string(L, table, "method"),
        .ahead = (int64_t) field_number(L, table, "ahead"),
        .in_memory = field_boolean(L, table, "in_memory"),
        .insecure = field_boolean(L, table, "insecure"),
        .allow_downgrade = field_boolean(L, table, "allow_downgrade"),
        .head_only = field_boolean(L, table, "head_only"),
        .verify = field_boolean(L, table, "verify"),
        .trace = field_boolean(L, table, "trace"),
        .no_resume = field_boolean(L, table, "no_resume"),
        .restart = field_boolean(L, table, "restart"),
        .adopt = field_boolean(L, table, "adopt"),
        .renewed = field_boolean(L, table, "renewed"),
        .resume_check = field_word(L, table, "resume_check", CHECKS),
        .connections = (int) field_number(L, table, "connections"),
        .max_redirects = (int) field_number(L, table, "max_redirects"),
        .min_split = (int64_t) field_number(L, table, "min_split"),
        .max_size = (int64_t) field_number(L, table, "max_size"),
        .limit_rate = field_number(L, table, "limit_rate"),
        .if_none_match = field_string(L, table, "if_none_match"),
        .if_modified_since = (int64_t) field_number(L, table, "if_modified_since"),
        .expect_size = (int64_t) field_number(L, table, "expect_size"),
        .connect_timeout = field_number(L, table, "connect_timeout"),
        .first_byte_timeout = field_number(L, table, "first_byte_timeout"),
        .stall_timeout = field_number(L, table, "stall_timeout"),
        .deadline = field_number(L, table, "deadline"),
    };
    if (field_boolean(L, table, "no_redirects"))
        request->max_redirects = -1;
    read_range(L, table, request);
    request->body = field_bytes(L, table, "body", &request->body_length);
    request->headers = read_rows(L, table, "headers", 2, &request->header_count);
    request->trusted_hosts = read_rows(L, table, "trusted_hosts", 1, &request->trusted_host_count);
    request->logins = read_rows(L, table, "logins", 2, &request->login_count);
    request->host_headers = read_rows(L, table, "host_headers", 3, &request->host_header_count);
    request->addresses = read_rows(L, table, "addresses", 1, &request->address_count);
}

static void read_target(lua_State *L, int table, struct ldl_target *target)
{
    bool replace = field_boolean(L, table, "replace");
    *target = (struct ldl_target){
        .dir = field_string(L, table, "dir"),
        .name = field_string(L, table, "name"),
        .restart = field_boolean(L, table, "restart"),
        .exists = replace ? LDL_EXISTS_REPLACE : LDL_EXISTS_FAIL,
    };
    if (!target->name)
        luaL_error(L, "a target needs a name");
}

/* Transfers */

/* engine:new{ url =, headers =, connections =, ..., target = { dir =, name =, replace = } } -> id */
static int engine_new(lua_State *L)
{
    struct ldl_request request;
    struct ldl_target target;
    ldl_id id;
    ldl_session *session = check_session(L);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    read_request(L, 2, &request);
    lua_getfield(L, 2, "target");
    if (lua_istable(L, -1)) {
        read_target(L, lua_gettop(L), &target);
        request.target = &target;
    }
    int result = ldl_new(session, &request, &id);
    if (result < 0)
        return push_failure(L, result);
    lua_pushinteger(L, (lua_Integer) id);
    return 1;
}

/* engine:model{ headers =, connections =, ... } -> what is asked, for engine:like */
static int engine_model(lua_State *L)
{
    struct ldl_request request;
    check_session(L);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    read_request(L, 2, &request);
    ldl_model **model = lua_newuserdata(L, sizeof *model);
    *model = NULL;
    luaL_getmetatable(L, MODEL);
    lua_setmetatable(L, -2);
    int result = ldl_model_new(&request, model);
    return result < 0 ? push_failure(L, result) : 1;
}

static int model_free(lua_State *L)
{
    ldl_model **model = luaL_checkudata(L, 1, MODEL);
    ldl_model_free(*model);
    *model = NULL;
    return 0;
}

/* Without NUL. */
static const char *check_text(lua_State *L, int index)
{
    size_t length;
    const char *text = luaL_checklstring(L, index, &length);
    luaL_argcheck(L, strlen(text) == length, index, "contains a NUL byte");
    return text;
}

/* engine:like(model, url, dir | nil, name) -> id: asked of this URL; HEAD comes if the answer names the file, too */
static int engine_like(lua_State *L)
{
    ldl_id id;
    ldl_session *session = check_session(L);
    ldl_model **model = luaL_checkudata(L, 2, MODEL);
    const char *url = check_text(L, 3);
    struct ldl_target target = {.dir = lua_isnil(L, 4) ? NULL : check_text(L, 4),
                                .name = check_text(L, 5),
                                .presumed = true};
    int result = ldl_new_like(session, *model, url, &target, &id);
    if (result < 0)
        return push_failure(L, result);
    lua_pushinteger(L, (lua_Integer) id);
    return 1;
}

/* engine:start(id [, { dir =, name =, replace = }]) -> true; without a target where it is read in order */
static int engine_start(lua_State *L)
{
    struct ldl_target target;
    ldl_session *session = check_session(L);
    ldl_id id = check_id(L);
    bool read = lua_isnoneornil(L, 3); /* in order */
    if (!read)
        luaL_checktype(L, 3, LUA_TTABLE), read_target(L, 3, &target);
    return push_result(L, ldl_start(session, id, read ? NULL : &target));
}

/* engine:read(id, most) -> the next bytes, at most so many; nil: none now, "data" or "done" follows */
static int engine_read(lua_State *L)
{
    const void *bytes;
    ldl_session *session = check_session(L);
    ldl_id id = check_id(L);
    lua_Integer most = luaL_checkinteger(L, 3);
    luaL_argcheck(L, most > 0, 3, "must be above 0");
    size_t count = ldl_peek(session, id, &bytes);
    if (count == 0)
        return 0;
    if ((uint64_t) most < count)
        count = (size_t) most;
    lua_pushlstring(L, bytes, count);
    ldl_consume(session, id, count);
    return 1;
}

/* engine:retry(id, { first, last }, { url =, headers =, user =, fresh =, fewer =, single =, restart = }) -> true */
static int engine_retry(lua_State *L)
{
    struct ldl_retry how = {0};
    ldl_session *session = check_session(L);
    ldl_id id = check_id(L);
    luaL_checktype(L, 3, LUA_TTABLE);
    lua_settop(L, 4);
    lua_rawgeti(L, 3, 1);
    int64_t first = (int64_t) luaL_optinteger(L, -1, 0);
    if (lua_istable(L, 4)) {
        how.url = field_string(L, 4, "url");
        how.headers = read_rows(L, 4, "headers", 2, &how.header_count);
        how.user = field_string(L, 4, "user");
        how.fresh = field_boolean(L, 4, "fresh");
        how.fewer = field_boolean(L, 4, "fewer");
        how.single = field_boolean(L, 4, "single");
        how.restart = field_boolean(L, 4, "restart");
    }
    return push_result(L, ldl_retry(session, id, first, &how));
}

/* engine:renew(id, url) -> true: requests ask this URL from now on */
static int engine_renew(lua_State *L)
{
    ldl_session *session = check_session(L);
    return push_result(L, ldl_renew(session, check_id(L), luaL_checkstring(L, 3)));
}

/* engine:accept(id) -> true: the complete file that "verify" asks about is right */
static int engine_accept(lua_State *L)
{
    ldl_session *session = check_session(L);
    return push_result(L, ldl_accept(session, check_id(L)));
}

static int kind_from_name(const char *name)
{
    for (int kind = 1; name && kind < LDL_KINDS; kind++)
        if (strcmp(ldl_kind_name(kind), name) == 0)
            return kind;
    return LDL_CANCELLED;
}

static void read_reason(lua_State *L, int table, struct ldl_error *reason)
{
    const char *message = field_string(L, table, "message");
    *reason = (struct ldl_error){.retry_after = -1, .retry_at = -1};
    reason->kind = kind_from_name(field_string(L, table, "kind"));
    strncpy(reason->message, message ? message : ldl_kind_text(reason->kind),
            sizeof reason->message - 1);
}

/* engine:cancel(id [, { kind =, message = }]) -> true; DONE follows, exactly once */
static int engine_cancel(lua_State *L)
{
    struct ldl_error reason;
    ldl_session *session = check_session(L);
    ldl_id id = check_id(L);
    if (lua_istable(L, 3))
        read_reason(L, 3, &reason);
    return push_result(L, ldl_cancel(session, id, lua_istable(L, 3) ? &reason : NULL));
}

/* engine:connections(id, n) -> true: how many streams it may have from now on */
static int engine_connections(lua_State *L)
{
    ldl_session *session = check_session(L);
    return push_result(L, ldl_connections(session, check_id(L), (int) luaL_checkinteger(L, 3)));
}

/* engine:hold(id, seconds) -> true: no further connections for so long */
static int engine_hold(lua_State *L)
{
    ldl_session *session = check_session(L);
    return push_result(L, ldl_hold(session, check_id(L), luaL_checknumber(L, 3)));
}

/* engine:limit(id | 0, bytes per second) -> true; 0 as the id: the session; 0 as the rate: none */
static int engine_limit(lua_State *L)
{
    ldl_session *session = check_session(L);
    return push_result(L, ldl_limit(session, check_id(L), luaL_checknumber(L, 3)));
}

/* nil and an error that says what the system did, for a file of cookies. */
static int push_file_failure(lua_State *L, int result, const char *file)
{
    int errnum = errno;
    push_failure(L, result); /* nil error */
    lua_pushfstring(L, "%s: %s", file, strerror(errnum)), lua_setfield(L, -2, "message");
    lua_pushinteger(L, errnum), lua_setfield(L, -2, "errno");
    lua_pushstring(L, file), lua_setfield(L, -2, "path");
    return 2;
}

/* engine:load_cookies(file) -> { read =, broken =, line = the first broken one's or nil } */
static int engine_load_cookies(lua_State *L)
{
    struct ldl_cookies found;
    ldl_session *session = check_session(L);
    const char *file = luaL_checkstring(L, 2);
    int result = ldl_cookies_load(session, file, &found);
    if (result < 0)
        return push_file_failure(L, result, file);
    lua_createtable(L, 0, 3);
    lua_pushinteger(L, found.read), lua_setfield(L, -2, "read");
    lua_pushinteger(L, found.broken), lua_setfield(L, -2, "broken");
    if (found.line > 0)
        lua_pushinteger(L, found.line), lua_setfield(L, -2, "line");
    return 1;
}

/* engine:save_cookies(file) -> true */
static int engine_save_cookies(lua_State *L)
{
    ldl_session *session = check_session(L);
    const char *file = luaL_checkstring(L, 2);
    int result = ldl_cookies_save(session, file);
    return result < 0 ? push_file_failure(L, result, file) : push_result(L, result);
}

/* engine:limit_host(host | nil, bytes per second) -> true; nil: each that has no rate of its own */
static int engine_limit_host(lua_State *L)
{
    ldl_session *session = check_session(L);
    const char *host = lua_isnoneornil(L, 2) ? NULL : luaL_checkstring(L, 2);
    return push_result(L, ldl_limit_host(session, host, luaL_checknumber(L, 3)));
}

/* engine:forget(id) -> true, after DONE */
static int engine_forget(lua_State *L)
{
    ldl_session *session = check_session(L);
    return push_result(L, ldl_forget(session, check_id(L)));
}

static void push_extents(lua_State *L, ldl_session *session, ldl_id id)
{
    struct ldl_extent *list = lua_newuserdata(L, EXTENTS_MOST * sizeof *list);
    int count = ldl_extents(session, id, list, EXTENTS_MOST);
    lua_newtable(L); /* list extents */
    for (int i = 0; i < count && i < EXTENTS_MOST; i++) {
        lua_createtable(L, 2, 0);
        lua_pushinteger(L, (lua_Integer) list[i].start), lua_rawseti(L, -2, 1);
        lua_pushinteger(L, (lua_Integer) list[i].end - 1), lua_rawseti(L, -2, 2);
        lua_rawseti(L, -2, i + 1);
    }
    lua_remove(L, -2);
}

/* { number, position, last byte or nil } of each stream */
static void push_streams(lua_State *L, ldl_session *session, ldl_id id)
{
    struct ldl_stream list[STREAMS_MOST];
    int count = ldl_streams(session, id, list, STREAMS_MOST);
    lua_newtable(L);
    for (int i = 0; i < count && i < STREAMS_MOST; i++) {
        lua_createtable(L, 3, 0);
        lua_pushinteger(L, list[i].number), lua_rawseti(L, -2, 1);
        lua_pushinteger(L, (lua_Integer) list[i].position), lua_rawseti(L, -2, 2);
        if (list[i].end >= 0)
            lua_pushinteger(L, (lua_Integer) list[i].end - 1), lua_rawseti(L, -2, 3);
        lua_rawseti(L, -2, i + 1);
    }
}

/* engine:stat(id [, with_map]) -> { state, total, received, resumed, connections, elapsed,
 *   extents = { { first, last }, ... }, streams = { { number, position, last }, ... } } */
static int engine_stat(lua_State *L)
{
    static const char *const states[] = {"",        "waiting",    "parked",
                                         "running", "publishing", "finished"};
    struct ldl_stat stat;
    ldl_session *session = check_session(L);
    ldl_id id = check_id(L);
    int result = ldl_stat(session, id, &stat);
    if (result < 0)
        return push_failure(L, result);
    lua_createtable(L, 0, 6);
    lua_pushstring(L, states[stat.state]), lua_setfield(L, -2, "state");
    if (stat.total >= 0)
        lua_pushinteger(L, (lua_Integer) stat.total), lua_setfield(L, -2, "total");
    lua_pushinteger(L, (lua_Integer) stat.received), lua_setfield(L, -2, "received");
    lua_pushinteger(L, (lua_Integer) stat.resumed), lua_setfield(L, -2, "resumed");
    lua_pushinteger(L, stat.connections), lua_setfield(L, -2, "connections");
    lua_pushnumber(L, stat.elapsed), lua_setfield(L, -2, "elapsed");
    if (lua_toboolean(L, 3))
        push_extents(L, session, id), lua_setfield(L, -2, "extents"), push_streams(L, session, id),
            lua_setfield(L, -2, "streams");
    return 1;
}

/* Events */

/* "\nName: value" of each: nobody reads most of them, and one string costs less than many. */
static void push_headers(lua_State *L, const struct ldl_event *event)
{
    luaL_Buffer text;
    luaL_buffinit(L, &text);
    for (size_t i = 0; i < event->header_count; i++) {
        luaL_addchar(&text, '\n');
        luaL_addstring(&text, event->headers[i].name);
        luaL_addstring(&text, ": ");
        luaL_addstring(&text, event->headers[i].value);
    }
    luaL_pushresult(&text);
    lua_setfield(L, -2, "headers");
}

static void push_head(lua_State *L, const struct ldl_event *event)
{
    if (event->url) {
        lua_pushstring(L, event->url), lua_setfield(L, -2, "url");
        if (event->status > 0)
            lua_pushinteger(L, event->status), lua_setfield(L, -2, "status");
        lua_pushinteger(L, event->redirects), lua_setfield(L, -2, "redirects");
        if (event->address && event->address[0])
            lua_pushstring(L, event->address), lua_setfield(L, -2, "address");
        push_headers(L, event);
    }
    if (event->total >= 0)
        lua_pushinteger(L, (lua_Integer) event->total), lua_setfield(L, -2, "total");
    lua_pushboolean(L, event->ranges), lua_setfield(L, -2, "ranges");
}

static void push_range(lua_State *L, const struct ldl_event *event)
{
    lua_createtable(L, 2, 0);
    lua_pushinteger(L, (lua_Integer) event->first), lua_rawseti(L, -2, 1);
    if (event->last >= 0)
        lua_pushinteger(L, (lua_Integer) event->last), lua_rawseti(L, -2, 2);
    lua_setfield(L, -2, "range");
}

static void push_stream(lua_State *L, const struct ldl_event *event)
{
    if (event->stream > 0)
        lua_pushinteger(L, event->stream), lua_setfield(L, -2, "stream");
}

static void push_fault(lua_State *L, const struct ldl_event *event)
{
    static const char *const stages[] = {"request", "open", "publish"};
    lua_pushstring(L, stages[event->stage]), lua_setfield(L, -2, "stage");
    push_range(L, event);
    push_stream(L, event);
    lua_pushinteger(L, event->attempt), lua_setfield(L, -2, "attempt");
    lua_pushboolean(L, event->progress), lua_setfield(L, -2, "progress");
    lua_pushboolean(L, event->extra), lua_setfield(L, -2, "extra");
    lua_pushboolean(L, event->redirected), lua_setfield(L, -2, "redirected");
    lua_pushinteger(L, event->active), lua_setfield(L, -2, "active");
    lua_pushinteger(L, (lua_Integer) event->received), lua_setfield(L, -2, "received");
    push_error(L, &event->error), lua_setfield(L, -2, "error");
    if (event->url)
        push_head(L, event);
}

static void push_done(lua_State *L, const struct ldl_event *event)
{
    push_head(L, event);
    lua_pushboolean(L, event->length_verified), lua_setfield(L, -2, "length_verified");
    lua_pushstring(L, event->content_encoding), lua_setfield(L, -2, "content_encoding");
    lua_pushstring(L, event->warning), lua_setfield(L, -2, "warning");
    lua_pushstring(L, event->path), lua_setfield(L, -2, "path");
    if (event->body)
        lua_pushlstring(L, event->body, event->body_length), lua_setfield(L, -2, "body");
    lua_pushnumber(L, event->elapsed), lua_setfield(L, -2, "elapsed");
    lua_pushinteger(L, (lua_Integer) event->received), lua_setfield(L, -2, "received");
    lua_pushinteger(L, (lua_Integer) event->resumed), lua_setfield(L, -2, "resumed");
    lua_pushboolean(L, event->resumable), lua_setfield(L, -2, "resumable");
    if (event->error.kind != LDL_OK)
        push_error(L, &event->error), lua_setfield(L, -2, "error");
    else if (event->error.retry_at > 0)
        push_patience(L, &event->error);
}

static void push_trace(lua_State *L, const struct ldl_event *event)
{
    static const char *const steps[LDL_STEPS] = {"",        "dns",        "connect",  "tls",
                                                 "request", "first_byte", "redirect", "split",
                                                 "steal",   "degrade",    "resume"};
    lua_pushstring(L, steps[event->step]), lua_setfield(L, -2, "step");
    lua_pushnumber(L, event->time), lua_setfield(L, -2, "time");
    lua_pushnumber(L, event->elapsed), lua_setfield(L, -2, "seconds");
    lua_pushstring(L, event->error.message), lua_setfield(L, -2, "message");
    push_stream(L, event);
    if (event->error.url[0])
        lua_pushstring(L, event->error.url), lua_setfield(L, -2, "url");
    push_range(L, event);
}

static void push_verify(lua_State *L, const struct ldl_event *event)
{
    lua_pushstring(L, event->path), lua_setfield(L, -2, "path");
    lua_pushinteger(L, (lua_Integer) event->received), lua_setfield(L, -2, "received");
}

static void push_nothing(lua_State *L, const struct ldl_event *event)
{
    (void) L, (void) event;
}

/* engine:next() -> { kind = "head" | "fault" | "done" | "trace" | "verify" | "data", id =, ... } or nil */
static int engine_next(lua_State *L)
{
    static const char *const kinds[] = {"", "head", "fault", "done", "trace", "verify", "data"};
    static void (*const push[])(lua_State *, const struct ldl_event *) = {
        NULL, push_head, push_fault, push_done, push_trace, push_verify, push_nothing};
    const struct ldl_event *event = ldl_next(check_session(L));
    if (!event)
        return 0;
    lua_createtable(L, 0, 12);
    lua_pushstring(L, kinds[event->type]), lua_setfield(L, -2, "kind");
    lua_pushinteger(L, (lua_Integer) event->id), lua_setfield(L, -2, "id");
    push[event->type](L, event);
    return 1;
}

static int engine_pollfd(lua_State *L)
{
    lua_pushinteger(L, ldl_pollfd(check_session(L)));
    return 1;
}

/* engine:wait([seconds]) -> true when an event or a wake-up came, false after the time or a signal */
static int engine_wait(lua_State *L)
{
    ldl_session *session = check_session(L);
    lua_pushboolean(L, ldl_wait(session, luaL_optnumber(L, 2, -1)) > 0);
    return 1;
}

static int engine_close(lua_State *L)
{
    struct engine *engine = luaL_checkudata(L, 1, ENGINE);
    ldl_session *session = engine->session;
    engine->session = NULL;
    if (session)
        ldl_session_close(session);
    return 0;
}

/* The module */

/* core.session{ loops =, cookies = } -> engine */
static int core_session(lua_State *L)
{
    struct ldl_session_options options = {0};
    if (lua_istable(L, 1)) {
        options.loops = (int) field_number(L, 1, "loops");
        options.cookies = field_boolean(L, 1, "cookies");
    }
    struct engine *engine = lua_newuserdata(L, sizeof *engine);
    engine->session = NULL;
    luaL_getmetatable(L, ENGINE);
    lua_setmetatable(L, -2);
    int result = ldl_session_open(&options, &engine->session);
    if (result == 0)
        return 1;
    push_failure(L, result); /* engine nil error */
    if (ldl_unusable())
        lua_pushstring(L, ldl_unusable()), lua_setfield(L, -2, "message");
    return 2;
}

/* core.now() -> monotonic seconds */
static int core_now(lua_State *L)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    lua_pushnumber(L, (lua_Number) now.tv_sec + (lua_Number) now.tv_nsec * 1e-9);
    return 1;
}

/* core.redact(url) -> the URL without user and password */
static int core_redact(lua_State *L)
{
    char clean[2048];
    url_redact(luaL_checkstring(L, 1), clean, sizeof clean);
    lua_pushstring(L, clean);
    return 1;
}

/* core.name_max([dir]) -> the longest file name in bytes, or nil, error */
static int core_name_max(lua_State *L)
{
    int most = file_name_max(luaL_optstring(L, 1, NULL));
    if (most < 0)
        return push_failure(L, most);
    lua_pushinteger(L, most);
    return 1;
}

/* core.journal(path of a part) -> { url, name, etag, last_modified, total, received, committed } or nil, error */
static int core_journal(lua_State *L)
{
    struct ldl_record record;
    int result = ldl_read_record(luaL_checkstring(L, 1), &record);
    if (result < 0)
        return push_failure(L, result);
    lua_createtable(L, 0, 7);
    lua_pushstring(L, record.url), lua_setfield(L, -2, "url");
    lua_pushstring(L, record.name), lua_setfield(L, -2, "name");
    if (record.etag[0])
        lua_pushstring(L, record.etag), lua_setfield(L, -2, "etag");
    if (record.last_modified >= 0)
        lua_pushinteger(L, (lua_Integer) record.last_modified),
            lua_setfield(L, -2, "last_modified");
    if (record.total >= 0)
        lua_pushinteger(L, (lua_Integer) record.total), lua_setfield(L, -2, "total");
    lua_pushinteger(L, (lua_Integer) record.received), lua_setfield(L, -2, "received");
    lua_pushboolean(L, record.committed), lua_setfield(L, -2, "committed");
    return 1;
}

static bool convert(iconv_t to_utf8, char *in, size_t length, char *out, size_t *size)
{
    char *end = out;
    size_t room = *size;
    bool good = iconv(to_utf8, &in, &length, &end, &room) != (size_t) -1
                && iconv(to_utf8, NULL, NULL, &end, &room) != (size_t) -1;
    *size = (size_t) (end - out);
    return good;
}

/* core.decode(charset, bytes) -> UTF-8, or nil: unknown charset, or not valid in it */
static int core_decode(lua_State *L)
{
    size_t length;
    const char *charset = luaL_checkstring(L, 1);
    const char *bytes = luaL_checklstring(L, 2, &length);
    size_t size = length * LONGEST_CHARACTER + 64;
    char *out = lua_newuserdata(L, size);
    iconv_t to_utf8 = iconv_open("UTF-8", charset);
    if (to_utf8 == (iconv_t) -1) // NOLINT: how iconv says so
        return 0;
    bool good = convert(to_utf8, (char *) bytes, length, out, &size);
    iconv_close(to_utf8);
    if (!good)
        return 0;
    lua_pushlstring(L, out, size);
    return 1;
}

static const luaL_Reg engine_methods[] = {
    {"new", engine_new},
    {"model", engine_model},
    {"like", engine_like},
    {"start", engine_start},
    {"read", engine_read},
    {"retry", engine_retry},
    {"renew", engine_renew},
    {"accept", engine_accept},
    {"cancel", engine_cancel},
    {"connections", engine_connections},
    {"hold", engine_hold},
    {"limit", engine_limit},
    {"limit_host", engine_limit_host},
    {"stat", engine_stat},
    {"next", engine_next},
    {"pollfd", engine_pollfd},
    {"wait", engine_wait},
    {"load_cookies", engine_load_cookies},
    {"save_cookies", engine_save_cookies},
    {"forget", engine_forget},
    {"close", engine_close},
    {NULL, NULL},
};

static const luaL_Reg engine_metamethods[] = {
    {"__gc", engine_close},
    {"__close", engine_close},
    {NULL, NULL},
};

/* core.date(text) -> seconds since the epoch, or nil: it's no date of HTTP's */
static int core_date(lua_State *L)
{
    int64_t seconds = 0;
    if (!date_parse(luaL_checkstring(L, 1), &seconds))
        return 0;
    lua_pushinteger(L, (lua_Integer) seconds);
    return 1;
}

static const luaL_Reg core_functions[] = {
    {"session", core_session},   {"now", core_now},   {"redact", core_redact},
    {"name_max", core_name_max}, {"date", core_date}, {"decode", core_decode},
    {"journal", core_journal},   {NULL, NULL},
};

LDL_API int luaopen_luadl_core(lua_State *L);

int luaopen_luadl_core(lua_State *L)
{
    luaL_newmetatable(L, ENGINE);
    luaL_setfuncs(L, engine_metamethods, 0);
    luaL_newmetatable(L, MODEL);
    lua_pushcfunction(L, model_free), lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
    lua_newtable(L);
    luaL_setfuncs(L, engine_methods, 0);
    lua_setfield(L, -2, "__index");
    lua_newtable(L);
    luaL_setfuncs(L, core_functions, 0);
    lua_pushliteral(L, LDL_VERSION);
    lua_setfield(L, -2, "version");
    lua_createtable(L, 0, 1);
    lua_pushboolean(L, ldl_can_http2()), lua_setfield(L, -2, "http2");
    lua_setfield(L, -2, "features");
    return 1;
}
