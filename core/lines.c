/* lines.c: the header lines of an answer, taken apart as they come.
 * SPDX-License-Identifier: MIT */
#include "lines.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 1024

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool make_room(struct lines *lines, size_t more)
{
    size_t size = lines->size ? lines->size : FIRST_SIZE;
    while (size < lines->used + more)
        size *= 2;
    char *text = size > lines->size ? realloc(lines->text, size) : lines->text;
    if (!text)
        return false;
    lines->text = text;
    lines->size = size;
    return true;
}

static void append(struct lines *lines, const char *bytes, size_t length)
{
    memcpy(lines->text + lines->used, bytes, length);
    lines->used += length;
    lines->text[lines->used++] = '\0';
}

/* A line that goes on the last one's value (RFC 9112, 5.2): one space takes the place of the break. */
static void unfold(struct lines *lines, const char *bytes, size_t length)
{
    if (lines->count == 0 || length == 0)
        return;
    lines->text[lines->used - 1] = ' ';
    append(lines, bytes, length);
}

bool lines_add(struct lines *lines, const char *bytes, size_t length)
{
    bool folded = length > 0 && (*bytes == ' ' || *bytes == '\t');
    if (length >= 5 && memcmp(bytes, "HTTP/", 5) == 0) {
        lines_clear(lines);
        return true;
    }
    if (!make_room(lines, length + 2))
        return false;
    for (; length > 0 && is_blank(bytes[length - 1]); length--)
        ;
    const char *colon = folded ? bytes : memchr(bytes, ':', length);
    const char *value = colon ? colon + !folded : NULL;
    for (; value && value < bytes + length && is_blank(*value); value++)
        ;
    if (folded) {
        unfold(lines, value, (size_t) (bytes + length - value));
    } else if (colon) {
        append(lines, bytes, (size_t) (colon - bytes));
        append(lines, value, (size_t) (bytes + length - value));
        lines->count++;
    }
    return true;
}

struct ldl_header *lines_list(const struct lines *lines, size_t *count)
{
    struct ldl_header *list = calloc(lines->count + 1, sizeof *list);
    const char *at = lines->text;
    *count = list ? lines->count : 0;
    for (size_t i = 0; i < *count; i++) {
        list[i].name = at;
        list[i].value = at + strlen(at) + 1;
        at = list[i].value + strlen(list[i].value) + 1;
    }
    return list;
}

void lines_clear(struct lines *lines)
{
    lines->used = 0;
    lines->count = 0;
}

void lines_free(struct lines *lines)
{
    free(lines->text);
    *lines = (struct lines){0};
}
