/* field.c: strict readers of the response fields that say what a body is.
 * SPDX-License-Identifier: MIT */
#include "field.h"

#include <string.h>

#include "ascii.h"
#include "date.h"

/* A wait is at most this many seconds (68 years), which keeps sums with the clock exact. */
#define LONGEST_WAIT 2147483648.0

struct slice {
    const char *at;
    size_t length;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Printable, so what it passes can stand in a message. */
static bool is_visible(char c)
{
    return c > 0x20 && c < 0x7f;
}

static struct slice slice_trim(struct slice slice)
{
    while (slice.length && is_blank(*slice.at)) {
        slice.at++;
        slice.length--;
    }
    while (slice.length && is_blank(slice.at[slice.length - 1]))
        slice.length--;
    return slice;
}

static bool slice_is(struct slice slice, const char *word)
{
    size_t i = 0;
    for (; i < slice.length && word[i]; i++)
        if (ascii_lower(slice.at[i]) != ascii_lower(word[i]))
            return false;
    return i == slice.length && !word[i];
}

static bool slice_equal(struct slice a, struct slice b)
{
    return a.length == b.length && memcmp(a.at, b.at, a.length) == 0;
}

/* The next value of `name` from *position on, trimmed. */
static bool next_value(const struct fields *fields, const char *name, size_t *position,
                       struct slice *out)
{
    while (*position < fields->count) {
        const struct ldl_header *header = &fields->items[(*position)++];
        if (!header->name || !header->value)
            continue;
        if (!slice_is((struct slice){header->name, strlen(header->name)}, name))
            continue;
        *out = slice_trim((struct slice){header->value, strlen(header->value)});
        return true;
    }
    return false;
}

/* The one value of `name`; the same value again is no harm. */
static int single_value(const struct fields *fields, const char *name, struct slice *out)
{
    size_t position = 0;
    struct slice other;
    if (!next_value(fields, name, &position, out))
        return FIELD_ABSENT;
    while (next_value(fields, name, &position, &other))
        if (!slice_equal(*out, other))
            return FIELD_BAD;
    return FIELD_OK;
}

/* Cuts the next element, perhaps an empty one, off a list; after the last list->at is NULL. */
static bool next_element(struct slice *list, struct slice *out)
{
    if (!list->at)
        return false;
    const char *comma = memchr(list->at, ',', list->length);
    size_t length = comma ? (size_t) (comma - list->at) : list->length;
    *out = slice_trim((struct slice){list->at, length});
    list->at = comma ? comma + 1 : NULL;
    list->length -= comma ? length + 1 : length;
    return true;
}

/* Takes digits off the front; false if there are none or they pass 2^63 - 1. */
static bool take_number(struct slice *text, int64_t *out)
{
    int64_t number = 0;
    if (!text->length || !ascii_is_digit(*text->at))
        return false;
    for (; text->length && ascii_is_digit(*text->at); text->at++, text->length--) {
        int digit = *text->at - '0';
        if (number > (INT64_MAX - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *out = number;
    return true;
}

static bool take_char(struct slice *text, char expected)
{
    *text = slice_trim(*text);
    if (!text->length || *text->at != expected)
        return false;
    *text = slice_trim((struct slice){text->at + 1, text->length - 1});
    return true;
}

/* Equal lengths, as repeated fields or as a list, are one length (RFC 9110, 8.6). */
int field_content_length(const struct fields *fields, int64_t *out)
{
    int64_t length = -1, number;
    size_t position = 0;
    struct slice list, element;
    while (next_value(fields, "Content-Length", &position, &list))
        while (next_element(&list, &element)) {
            if (!take_number(&element, &number) || element.length)
                return FIELD_BAD;
            if (length >= 0 && length != number)
                return FIELD_BAD;
            length = number;
        }
    if (length < 0)
        return FIELD_ABSENT;
    *out = length;
    return FIELD_OK;
}

/* "bytes ", also as "bytes=", "bytes:" or not there; any other unit is not ours to count. */
static void take_unit(struct slice *text)
{
    if (text->length < 5 || !slice_is((struct slice){text->at, 5}, "bytes"))
        return;
    *text = slice_trim((struct slice){text->at + 5, text->length - 5});
    if (!take_char(text, '='))
        take_char(text, ':');
}

/* "a-b", or "*" as first = last = -1 */
static bool take_positions(struct slice *text, struct content_range *range)
{
    range->first = range->last = -1;
    if (take_char(text, '*'))
        return true;
    return take_number(text, &range->first) && take_char(text, '-')
           && take_number(text, &range->last);
}

static bool take_total(struct slice *text, int64_t *total)
{
    *total = -1;
    return take_char(text, '*') || take_number(text, total);
}

/* The last byte is below 2^63 - 1, so a length and an end always fit. */
static bool is_range(const struct content_range *range)
{
    if (range->first < 0)
        return range->total >= 0;
    return range->first <= range->last && range->last < INT64_MAX
           && (range->total < 0 || range->last < range->total);
}

int field_content_range(const struct fields *fields, struct content_range *out)
{
    struct slice text;
    struct content_range range;
    int found = single_value(fields, "Content-Range", &text);
    if (found != FIELD_OK)
        return found;
    take_unit(&text);
    if (!take_positions(&text, &range) || !take_char(&text, '/') || !take_total(&text, &range.total)
        || text.length || !is_range(&range))
        return FIELD_BAD;
    *out = range;
    return FIELD_OK;
}

int field_transfer_encoding(const struct fields *fields)
{
    int chunked = 0;
    size_t position = 0;
    struct slice list, element;
    while (next_value(fields, "Transfer-Encoding", &position, &list))
        while (next_element(&list, &element)) {
            if (!element.length || slice_is(element, "identity"))
                continue;
            if (!slice_is(element, "chunked") || chunked++)
                return FIELD_BAD;
        }
    return chunked ? FIELD_OK : FIELD_ABSENT;
}

/* Quotes only at both ends or nowhere, no space and no control characters. */
static bool is_opaque(struct slice tag, bool quoted)
{
    if (quoted && (tag.length < 3 || tag.at[tag.length - 1] != '"'))
        return false;
    size_t end = quoted ? tag.length - 1 : tag.length;
    for (size_t i = quoted; i < end; i++)
        if ((unsigned char) tag.at[i] <= 0x20 || tag.at[i] == 0x7f || tag.at[i] == '"')
            return false;
    return tag.length > 0;
}

/* Many applications forget the quotes: what they send shows a change, but vouches for nothing. */
int field_etag(const struct fields *fields, char *out, size_t size, bool *weak)
{
    struct slice tag;
    int found = single_value(fields, "ETag", &tag);
    if (found != FIELD_OK)
        return found;
    bool marked = tag.length >= 2 && ascii_lower(tag.at[0]) == 'w' && tag.at[1] == '/';
    if (marked)
        tag = (struct slice){tag.at + 2, tag.length - 2};
    bool quoted = tag.length && *tag.at == '"';
    size_t quotes = quoted ? 0 : 2;
    if (!is_opaque(tag, quoted) || tag.length + quotes >= size)
        return FIELD_BAD;
    *weak = marked || !quoted;
    memcpy(out + !quoted, tag.at, tag.length);
    out[0] = out[tag.length + quotes - 1] = '"';
    out[tag.length + quotes] = '\0';
    return FIELD_OK;
}

int field_date(const struct fields *fields, const char *name, int64_t *out)
{
    struct slice text;
    int found = single_value(fields, name, &text);
    if (found != FIELD_OK)
        return found;
    return date_parse(text.at, out) ? FIELD_OK : FIELD_BAD;
}

int field_location(const struct fields *fields, const char **out)
{
    struct slice text;
    int found = single_value(fields, "Location", &text);
    if (found == FIELD_OK && !text.length)
        return FIELD_ABSENT;
    if (found == FIELD_OK)
        *out = text.at;
    return found;
}

/* Seconds; more digits than fit are a long wait and not junk. */
static bool delay_seconds(struct slice text, double *out)
{
    double seconds = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (!ascii_is_digit(text.at[i]))
            return false;
        seconds = seconds * 10 + (text.at[i] - '0');
        if (seconds > LONGEST_WAIT)
            seconds = LONGEST_WAIT;
    }
    *out = seconds;
    return text.length > 0;
}

int field_retry_after(const struct fields *fields, double now, double *after, double *at)
{
    struct slice text;
    double seconds;
    int64_t date;
    int found = single_value(fields, "Retry-After", &text);
    if (found != FIELD_OK)
        return found;
    if (!delay_seconds(text, &seconds)) {
        if (!date_parse(text.at, &date))
            return FIELD_BAD;
        seconds = (double) date - now;
    }
    if (!(seconds > 0))
        return FIELD_BAD;
    *after = seconds < LONGEST_WAIT ? seconds : LONGEST_WAIT;
    *at = now + *after;
    return FIELD_OK;
}

bool field_offers_ranges(const struct fields *fields)
{
    bool bytes = false, none = false;
    size_t position = 0;
    struct slice list, element;
    while (next_value(fields, "Accept-Ranges", &position, &list))
        while (next_element(&list, &element)) {
            bytes = bytes || slice_is(element, "bytes");
            none = none || slice_is(element, "none");
        }
    return bytes && !none;
}

int field_media_type(const struct fields *fields, char *out, size_t size)
{
    struct slice text;
    size_t length = 0;
    int found = single_value(fields, "Content-Type", &text);
    if (found != FIELD_OK)
        return found;
    while (length < text.length && is_visible(text.at[length]) && text.at[length] != ';'
           && text.at[length] != ',')
        length++;
    if (length == 0 || length >= size)
        return FIELD_BAD;
    for (size_t i = 0; i < length; i++)
        out[i] = ascii_lower(text.at[i]);
    out[length] = '\0';
    return FIELD_OK;
}

static size_t append(char *out, size_t used, size_t size, struct slice text)
{
    for (size_t i = 0; i < text.length && used + 1 < size; i++)
        out[used++] = is_visible(text.at[i]) || text.at[i] == ' ' ? ascii_lower(text.at[i]) : '?';
    out[used] = '\0';
    return used;
}

int field_content_coding(const struct fields *fields, char *out, size_t size)
{
    size_t position = 0, used = 0;
    struct slice list, element;
    while (next_value(fields, "Content-Encoding", &position, &list))
        while (next_element(&list, &element)) {
            if (!element.length || slice_is(element, "identity"))
                continue;
            if (used)
                used = append(out, used, size, (struct slice){", ", 2});
            used = append(out, used, size, element);
        }
    return used ? FIELD_OK : FIELD_ABSENT;
}
