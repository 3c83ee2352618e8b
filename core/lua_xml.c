/* lua_xml.c: luadl.xml_core, XML as a list of events that Lua pulls, by expat.
 * SPDX-License-Identifier: MIT
 *
 * Expat's handlers write events into a buffer and stop the parser when that is full; only then are
 * they handed to Lua. So no Lua function runs, and no error jumps, inside expat.
 *
 * What a document may not do: declare an entity that stands for more than a few characters or for
 * other entities, or give attributes default values; both let a small document become a large one.
 * What lies outside of it is never fetched: expat opens nothing by itself.
 */
#include <expat.h>
#include <iconv.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lua_compat.h"

#define XML "luadl.xml_core"
#define SEPARATOR 0xff /* between a namespace and a name: no byte of UTF-8 */
#define ENTITY_MOST 64 /* bytes that an entity may stand for */
#define BATCH 65536    /* bytes of events, more or less */

enum tag { START = '<', NAME = 'n', VALUE = 'v', OPEN = 'o', END = '>', TEXT = '=' };

struct reader {
    XML_Parser parser; /* NULL: closed */
    bool is_begun, is_ended, is_failed;
    int depth, depth_most;
    const char *refusal;              /* why the document isn't read on, or NULL */
    char *bytes;                      /* records: a tag, a length, the text */
    size_t size, capacity, last_text; /* last_text: where the last record's begins, if it is TEXT */
};

#define NO_TEXT SIZE_MAX
#define RECORD (1 + sizeof(uint32_t))

/* The buffer */

static void refuse(struct reader *reader, const char *why)
{
    if (!reader->refusal)
        reader->refusal = why;
    XML_StopParser(reader->parser, XML_FALSE);
}

static char *make_room(struct reader *reader, size_t length)
{
    size_t needed = reader->size + length;
    if (needed > reader->capacity) {
        size_t capacity = needed + needed / 2 + BATCH;
        char *bytes = realloc(reader->bytes, capacity);
        if (!bytes) {
            refuse(reader, "not enough memory");
            return NULL;
        }
        reader->bytes = bytes, reader->capacity = capacity;
    }
    char *at = reader->bytes + reader->size;
    reader->size = needed;
    return at;
}

static void put(struct reader *reader, enum tag tag, const char *text, size_t length)
{
    uint32_t size = (uint32_t) length;
    char *at = make_room(reader, RECORD + length);
    if (!at)
        return;
    at[0] = (char) tag;
    memcpy(at + 1, &size, sizeof size);
    if (length > 0)
        memcpy(at + RECORD, text, length);
    reader->last_text = tag == TEXT ? reader->size - length - RECORD : NO_TEXT;
}

static void pause_when_full(struct reader *reader)
{
    if (reader->size >= BATCH)
        XML_StopParser(reader->parser, XML_TRUE);
}

/* What expat calls */

static void on_start(void *data, const XML_Char *name, const XML_Char **attributes)
{
    struct reader *reader = data;
    if (++reader->depth > reader->depth_most) {
        refuse(reader, "its elements are nested too deeply");
        return;
    }
    put(reader, START, name, strlen(name));
    for (; attributes[0]; attributes += 2) {
        put(reader, NAME, attributes[0], strlen(attributes[0]));
        put(reader, VALUE, attributes[1], strlen(attributes[1]));
    }
    put(reader, OPEN, NULL, 0);
    pause_when_full(reader);
}

static void on_end(void *data, const XML_Char *name)
{
    struct reader *reader = data;
    (void) name;
    reader->depth--;
    put(reader, END, NULL, 0);
    pause_when_full(reader);
}

/* Expat brings each line on its own: they are joined here. */
static void on_text(void *data, const XML_Char *text, int length)
{
    struct reader *reader = data;
    uint32_t size;
    if (reader->last_text == NO_TEXT) {
        put(reader, TEXT, text, (size_t) length);
    } else {
        char *at = make_room(reader, (size_t) length);
        if (!at)
            return;
        memcpy(at, text, (size_t) length);
        memcpy(&size, reader->bytes + reader->last_text + 1, sizeof size);
        size += (uint32_t) length;
        memcpy(reader->bytes + reader->last_text + 1, &size, sizeof size);
    }
    pause_when_full(reader);
}

static void on_entity(void *data, const XML_Char *name, int is_parameter, const XML_Char *value,
                      int length, const XML_Char *base, const XML_Char *system,
                      const XML_Char *public, const XML_Char *notation)
{
    (void) name, (void) base, (void) system, (void) public, (void) notation;
    bool is_internal = value != NULL;
    if (is_internal
        && (is_parameter || length > ENTITY_MOST || memchr(value, '&', (size_t) length)))
        refuse(data, "it declares an entity that stands for too much");
}

static void on_attribute_list(void *data, const XML_Char *element, const XML_Char *name,
                              const XML_Char *type, const XML_Char *value, int required)
{
    (void) element, (void) name, (void) type, (void) required;
    if (value)
        refuse(data, "it declares default values of attributes");
}

/* The code point of each single byte; -1: none, or the first of several. */
static int on_encoding(void *data, const XML_Char *name, XML_Encoding *out)
{
    (void) data;
    iconv_t convert = iconv_open("UCS-4LE", name);
    if (convert == (iconv_t) -1) // NOLINT: how iconv says so
        return XML_STATUS_ERROR;
    for (int i = 0; i < 256; i++) {
        char byte = (char) i, *in = &byte;
        unsigned char code[4] = {0};
        char *to = (char *) code;
        size_t left = 1, room = sizeof code;
        bool ok = iconv(convert, &in, &left, &to, &room) != (size_t) -1 && room == 0;
        out->map[i] = ok ? code[0] | code[1] << 8 | code[2] << 16 : -1;
        iconv(convert, NULL, NULL, NULL, NULL);
    }
    iconv_close(convert);
    out->data = NULL, out->convert = NULL, out->release = NULL;
    return XML_STATUS_OK;
}

/* The binding */

static struct reader *check_reader(lua_State *L)
{
    struct reader *reader = luaL_checkudata(L, 1, XML);
    luaL_argcheck(L, reader->parser, 1, "the reader is closed");
    return reader;
}

static int reader_close(lua_State *L)
{
    struct reader *reader = luaL_checkudata(L, 1, XML);
    if (reader->parser)
        XML_ParserFree(reader->parser);
    free(reader->bytes);
    reader->parser = NULL, reader->bytes = NULL;
    return 0;
}

static void set_handlers(struct reader *reader)
{
    XML_SetUserData(reader->parser, reader);
    XML_SetElementHandler(reader->parser, on_start, on_end);
    XML_SetCharacterDataHandler(reader->parser, on_text);
    XML_SetEntityDeclHandler(reader->parser, on_entity);
    XML_SetAttlistDeclHandler(reader->parser, on_attribute_list);
    XML_SetUnknownEncodingHandler(reader->parser, on_encoding, NULL);
}

/* new(depth_most, encoding or nil: what the document says) -> reader */
static int xml_new(lua_State *L)
{
    int depth_most = (int) luaL_checkinteger(L, 1);
    const char *encoding = luaL_optstring(L, 2, NULL);
    struct reader *reader = lua_newuserdata(L, sizeof *reader);
    *reader = (struct reader){.depth_most = depth_most, .last_text = NO_TEXT};
    luaL_setmetatable(L, XML);
    reader->parser = XML_ParserCreateNS(encoding, (XML_Char) SEPARATOR);
    if (!reader->parser)
        return luaL_error(L, "not enough memory");
    set_handlers(reader);
    return 1;
}

/* A name and its namespace or false. */
static void push_name(lua_State *L, const char *text, size_t length)
{
    const char *end = memchr(text, SEPARATOR, length);
    if (end) {
        lua_pushlstring(L, end + 1, length - (size_t) (end + 1 - text));
        lua_pushlstring(L, text, (size_t) (end - text));
    } else {
        lua_pushlstring(L, text, length);
        lua_pushboolean(L, 0);
    }
}

/* "name" or "{namespace}name", as James Clark writes it. */
static void push_attribute(lua_State *L, const char *text, size_t length)
{
    push_name(L, text, length);
    if (lua_toboolean(L, -1)) {
        lua_pushfstring(L, "{%s}%s", lua_tostring(L, -1), lua_tostring(L, -2));
        lua_replace(L, -3);
    }
    lua_pop(L, 1);
}

/* Appends one record to the list on the top; its new length. */
static int append(lua_State *L, int count, char tag, const char *text, size_t length)
{
    if (tag == START) {
        push_name(L, text, length);
        lua_pushliteral(L, "<");
        lua_rawseti(L, -4, count + 1);
        lua_rawseti(L, -3, count + 3);
        lua_rawseti(L, -2, count + 2);
        return count + 3;
    }
    if (tag == TEXT)
        lua_pushliteral(L, "="), lua_rawseti(L, -2, ++count);
    if (tag == NAME)
        push_attribute(L, text, length);
    else if (tag == OPEN)
        lua_pushboolean(L, 0);
    else
        lua_pushlstring(L, tag == END ? ">" : text, tag == END ? 1 : length);
    lua_rawseti(L, -2, ++count);
    return count;
}

/* The events so far, flat: "<", name, namespace or false, then names and values, then false;
 * "=", text; ">". */
static void push_events(lua_State *L, const struct reader *reader)
{
    int count = 0;
    uint32_t length;
    lua_newtable(L);
    for (size_t at = 0; at < reader->size; at += RECORD + length) {
        const char *record = reader->bytes + at;
        memcpy(&length, record + 1, sizeof length);
        count = append(L, count, record[0], record + RECORD, length);
    }
}

static const char *why_failed(const struct reader *reader)
{
    return reader->refusal ? reader->refusal : XML_ErrorString(XML_GetErrorCode(reader->parser));
}

static int push_failure(lua_State *L, const struct reader *reader)
{
    lua_pushnil(L);
    lua_pushfstring(L, "line %d, column %d: %s", (int) XML_GetCurrentLineNumber(reader->parser),
                    (int) XML_GetCurrentColumnNumber(reader->parser) + 1, why_failed(reader));
    lua_pushboolean(L, reader->refusal != NULL);
    return 3;
}

static enum XML_Status read_on(struct reader *reader, const char *text, size_t length)
{
    if (reader->is_begun)
        return XML_ResumeParser(reader->parser);
    reader->is_begun = true;
    return XML_Parse(reader->parser, text, (int) length, XML_TRUE);
}

/* reader:next(text) -> events, or nothing after the last | nil, message, whether it is one that a
 * parser could read but this one refuses. Always the same text. What comes before a failure is
 * handed out first. */
static int reader_next(lua_State *L)
{
    size_t length;
    struct reader *reader = check_reader(L);
    const char *text = luaL_checklstring(L, 2, &length);
    luaL_argcheck(L, length < INT_MAX / 2, 2, "too long");
    if (reader->is_ended)
        return 0;
    if (reader->is_failed)
        return push_failure(L, reader);
    reader->size = 0, reader->last_text = NO_TEXT;
    enum XML_Status status = read_on(reader, text, length);
    reader->is_ended = status == XML_STATUS_OK;
    reader->is_failed = status == XML_STATUS_ERROR || reader->refusal;
    push_events(L, reader);
    return 1;
}

static const luaL_Reg methods[] = {
    {"next", reader_next},
    {"close", reader_close},
    {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"new", xml_new},
    {NULL, NULL},
};

__attribute__((visibility("default"))) int luaopen_luadl_xml_core(lua_State *L);

int luaopen_luadl_xml_core(lua_State *L)
{
    lua_new_class(L, XML, methods, reader_close);
    luaL_newlib(L, functions);
    return 1;
}
