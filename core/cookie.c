/* cookie.c: one cookie (RFC 6265bis, 5.6 and 5.7).
 * SPDX-License-Identifier: MIT
 */
#include "cookie.h"

#include <inttypes.h>
#include <libpsl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ascii.h"
#include "date.h"

#define HOST_SIZE 256       /* longer ones are no names (RFC 1035, 2.3.4) */
#define ATTRIBUTE_MOST 1024 /* bytes of an attribute's value; longer ones are ignored */
#define LIFETIME_MOST (400 * INT64_C(86400))

struct slice {
    const char *at;
    size_t length;
};

/* What is read so far. The slices belong to others. */
struct draft {
    struct slice name, value, domain, path;
    struct slice asked; /* the Domain attribute; empty: none */
    int64_t now;
    int64_t expires;
    bool aged; /* by Max-Age, which beats Expires */
    bool host_only, secure, http_only;
};

static struct slice slice_of(const char *text)
{
    return (struct slice){text, strlen(text)};
}

static struct slice trim(struct slice text)
{
    while (text.length > 0 && (*text.at == ' ' || *text.at == '\t'))
        text.at++, text.length--;
    while (text.length > 0 && (text.at[text.length - 1] == ' ' || text.at[text.length - 1] == '\t'))
        text.length--;
    return text;
}

/* What stands before the separator, or all of it. */
static struct slice take(struct slice *rest, char separator)
{
    const char *found = rest->length > 0 ? memchr(rest->at, separator, rest->length) : NULL;
    struct slice taken = {rest->at, found ? (size_t) (found - rest->at) : rest->length};
    size_t passed = taken.length + (found ? 1 : 0);
    rest->at += passed;
    rest->length -= passed;
    return taken;
}

static bool equals(struct slice text, const char *other)
{
    return strlen(other) == text.length && strncasecmp(text.at, other, text.length) == 0;
}

static bool starts_with(struct slice text, const char *prefix)
{
    size_t length = strlen(prefix);
    return text.length >= length && strncasecmp(text.at, prefix, length) == 0;
}

/* A tab, too: it would end a field of cookies.txt. */
static bool has_control(struct slice text)
{
    for (size_t i = 0; i < text.length; i++)
        if ((unsigned char) text.at[i] < 0x20 || text.at[i] == 0x7f)
            return true;
    return false;
}

/* Hosts */

/* "127.0.0.1", "[::1]"; a name doesn't end in a number. */
static bool is_address(const char *host)
{
    const char *dot = strrchr(host, '.');
    const char *last = dot ? dot + 1 : host;
    return strchr(host, ':') || (*last && strspn(last, "0123456789") == strlen(last));
}

/* Either the same, or a subdomain of it. */
static bool is_below(const char *host, const char *domain)
{
    size_t all = strlen(host), tail = strlen(domain);
    if (all < tail || strcasecmp(host + all - tail, domain) != 0)
        return false;
    return all == tail || (host[all - tail - 1] == '.' && !is_address(host));
}

/* In lower case, as libpsl wants names. */
static bool copy_host(struct slice text, char out[HOST_SIZE])
{
    if (text.length == 0 || text.length >= HOST_SIZE || *text.at == '.' || has_control(text))
        return false;
    for (size_t i = 0; i < text.length; i++)
        out[i] = ascii_lower(text.at[i]);
    out[text.length] = '\0';
    return true;
}

/* No dot at its end, which would hide a public suffix from the list. */
static bool is_plain(const char *domain)
{
    for (const char *c = domain; *c; c++)
        if ((unsigned char) *c > 0x7e)
            return false;
    return domain[strlen(domain) - 1] != '.';
}

/* May `host` set a cookie for `domain`? Where a domain is a public suffix, its cookie is for that host alone. */
static bool judge_domain(struct draft *draft, const char *host, const char *domain)
{
    const psl_ctx_t *list = psl_builtin();
    if (!is_plain(domain))
        return false;
    if (strcmp(host, domain) == 0)
        draft->host_only = is_address(host) || !list || psl_is_public_suffix(list, domain);
    else
        return list && is_below(host, domain)
               && psl_is_cookie_domain_acceptable(list, host, domain);
    return true;
}

/* `host` and `domain` are where the names go. */
static bool settle_domain(struct draft *draft, struct slice from, char host[HOST_SIZE],
                          char domain[HOST_SIZE])
{
    struct slice asked = draft->asked;
    if (!copy_host(from, host))
        return false;
    if (asked.length > 0 && *asked.at == '.')
        asked.at++, asked.length--;
    draft->host_only = asked.length == 0;
    draft->domain = slice_of(host);
    if (draft->host_only)
        return true;
    if (!copy_host(asked, domain) || !judge_domain(draft, host, domain))
        return false;
    draft->domain = slice_of(domain);
    return true;
}

/* Paths */

static struct slice path_of(const struct site *site)
{
    return (struct slice){site->path, strcspn(site->path, "?#")};
}

/* 5.1.4: the folder of what was asked for. */
static struct slice default_path(const struct site *site)
{
    struct slice path = path_of(site);
    if (path.length == 0 || *path.at != '/')
        return slice_of("/");
    while (path.at[path.length - 1] != '/')
        path.length--;
    if (path.length > 1)
        path.length--;
    return path;
}

static bool is_inside(struct slice path, const char *folder)
{
    size_t length = strlen(folder);
    if (path.length < length || memcmp(path.at, folder, length) != 0)
        return false;
    return path.length == length || folder[length - 1] == '/' || path.at[length] == '/';
}

/* Attributes */

static void read_expires(struct draft *draft, struct slice value)
{
    char text[ATTRIBUTE_MOST + 1];
    int64_t when;
    snprintf(text, sizeof text, "%.*s", (int) value.length, value.at);
    if (!draft->aged && date_parse_cookie(text, &when))
        draft->expires = when;
}

static void read_max_age(struct draft *draft, struct slice value)
{
    bool past = value.length > 0 && *value.at == '-';
    int64_t age = 0;
    for (size_t i = past; i < value.length; i++) {
        if (!ascii_is_digit(value.at[i]))
            return;
        if (age < LIFETIME_MOST)
            age = age * 10 + (value.at[i] - '0');
    }
    if (value.length <= (size_t) past)
        return;
    draft->aged = true;
    draft->expires = past || age == 0 ? INT64_MIN : draft->now + age;
}

static void read_domain(struct draft *draft, struct slice value)
{
    draft->asked = value;
}

static void read_path(struct draft *draft, struct slice value)
{
    bool good = value.length > 0 && *value.at == '/' && !has_control(value);
    draft->path = good ? value : (struct slice){0};
}

static void read_secure(struct draft *draft, struct slice value)
{
    (void) value;
    draft->secure = true;
}

static void read_http_only(struct draft *draft, struct slice value)
{
    (void) value;
    draft->http_only = true;
}

static const struct {
    const char *name;
    void (*read)(struct draft *draft, struct slice value);
} attributes[] = {
    {"Expires", read_expires}, {"Max-Age", read_max_age}, {"Domain", read_domain},
    {"Path", read_path},       {"Secure", read_secure},   {"HttpOnly", read_http_only},
};

static void read_attribute(struct draft *draft, struct slice text)
{
    struct slice name = trim(take(&text, '='));
    struct slice value = trim(text);
    for (size_t i = 0; value.length <= ATTRIBUTE_MOST && i < sizeof attributes / sizeof *attributes;
         i++)
        if (equals(name, attributes[i].name))
            attributes[i].read(draft, value);
}

static void read_pair(struct draft *draft, struct slice pair)
{
    if (pair.length > 0 && memchr(pair.at, '=', pair.length))
        draft->name = trim(take(&pair, '='));
    draft->value = trim(pair);
}

/* From the draft to the cookie */

/* What a name promises of its cookie (5.4); one without a name would be sent as if it had one. */
static bool keeps_promise(const struct draft *draft)
{
    struct slice name = draft->name.length > 0 ? draft->name : draft->value;
    bool named = draft->name.length > 0;
    if (starts_with(name, "__Secure-"))
        return named && draft->secure;
    if (starts_with(name, "__Host-"))
        return named && draft->secure && draft->host_only && equals(draft->path, "/");
    return true;
}

static bool is_good(const struct draft *draft)
{
    size_t length = draft->name.length + draft->value.length;
    return length > 0 && length <= COOKIE_MOST && !has_control(draft->name)
           && !has_control(draft->value) && keeps_promise(draft);
}

static const char *put(char **at, struct slice text)
{
    char *start = *at;
    if (text.length > 0)
        memcpy(start, text.at, text.length);
    start[text.length] = '\0';
    *at += text.length + 1;
    return start;
}

static struct cookie *make(const struct draft *draft)
{
    size_t size = draft->name.length + draft->value.length + draft->domain.length
                  + draft->path.length + 4;
    struct cookie *cookie = malloc(sizeof *cookie + size);
    if (!cookie)
        return NULL;
    char *at = cookie->text;
    cookie->expires = draft->expires;
    cookie->host_only = draft->host_only;
    cookie->secure = draft->secure;
    cookie->http_only = draft->http_only;
    cookie->name = put(&at, draft->name);
    cookie->value = put(&at, draft->value);
    cookie->domain = put(&at, draft->domain);
    cookie->path = put(&at, draft->path);
    return cookie;
}

static bool has_forbidden(const char *text)
{
    for (; *text; text++)
        if (*text != '\t' && has_control((struct slice){text, 1}))
            return true;
    return false;
}

struct cookie *cookie_parse(const char *set_cookie, const struct site *site, int64_t now)
{
    char host[HOST_SIZE], domain[HOST_SIZE];
    struct draft draft = {.now = now, .expires = COOKIE_SESSION};
    struct slice rest = slice_of(set_cookie);
    if (has_forbidden(set_cookie))
        return NULL;
    read_pair(&draft, take(&rest, ';'));
    while (rest.length > 0)
        read_attribute(&draft, take(&rest, ';'));
    if (!settle_domain(&draft, slice_of(site->host), host, domain) || !is_good(&draft)
        || (draft.secure && !site->secure))
        return NULL;
    if (draft.path.length == 0)
        draft.path = default_path(site);
    if (draft.expires != COOKIE_SESSION && draft.expires > now + LIFETIME_MOST)
        draft.expires = now + LIFETIME_MOST;
    return make(&draft);
}

/* Who gets it */

bool cookie_matches(const struct cookie *cookie, const struct site *site)
{
    bool ours = cookie->host_only ? strcasecmp(site->host, cookie->domain) == 0
                                  : is_below(site->host, cookie->domain);
    return ours && (site->secure || !cookie->secure) && is_inside(path_of(site), cookie->path);
}

bool cookie_same(const struct cookie *a, const struct cookie *b)
{
    return a->host_only == b->host_only && strcmp(a->name, b->name) == 0
           && strcmp(a->domain, b->domain) == 0 && strcmp(a->path, b->path) == 0;
}

bool cookie_protected(const struct cookie *held, const struct cookie *added)
{
    return held->secure && !added->secure && strcmp(held->name, added->name) == 0
           && (is_below(held->domain, added->domain) || is_below(added->domain, held->domain))
           && is_inside(slice_of(added->path), held->path);
}

/* cookies.txt: domain, its subdomains too?, path, https alone?, expires, name, value; tabs between them */

static bool read_number(struct slice text, int64_t *out)
{
    int64_t number = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (!ascii_is_digit(text.at[i]) || number > INT64_MAX / 100)
            return false;
        number = number * 10 + (text.at[i] - '0');
    }
    *out = number;
    return text.length > 0;
}

static bool read_fields(struct draft *draft, struct slice *rest, struct slice *domain)
{
    *domain = take(rest, '\t');
    if (domain->length > 0 && *domain->at == '.')
        domain->at++, domain->length--;
    if (equals(take(rest, '\t'), "TRUE"))
        draft->asked = *domain;
    read_path(draft, take(rest, '\t'));
    draft->secure = equals(take(rest, '\t'), "TRUE");
    bool good = read_number(take(rest, '\t'), &draft->expires);
    if (draft->expires == 0)
        draft->expires = COOKIE_SESSION;
    draft->name = take(rest, '\t');
    draft->value = *rest;
    return good && draft->path.length > 0;
}

struct cookie *cookie_from_line(const char *line)
{
    static const char hidden[] = "#HttpOnly_";
    char host[HOST_SIZE], domain[HOST_SIZE];
    struct draft draft = {0};
    struct slice rest = {line, strcspn(line, "\r\n")}, from;
    draft.http_only = starts_with(rest, hidden);
    if (draft.http_only)
        rest.at += sizeof hidden - 1, rest.length -= sizeof hidden - 1;
    else if (rest.length > 0 && *rest.at == '#')
        return NULL;
    if (!read_fields(&draft, &rest, &from) || !settle_domain(&draft, from, host, domain)
        || !is_good(&draft))
        return NULL;
    return make(&draft);
}

char *cookie_to_line(const struct cookie *cookie)
{
    char *line = NULL;
    int64_t expires = cookie->expires == COOKIE_SESSION ? 0 : cookie->expires;
    int length = asprintf(&line, "%s%s%s\t%s\t%s\t%s\t%" PRId64 "\t%s\t%s\n",
                          cookie->http_only ? "#HttpOnly_" : "", cookie->host_only ? "" : ".",
                          cookie->domain, cookie->host_only ? "FALSE" : "TRUE", cookie->path,
                          cookie->secure ? "TRUE" : "FALSE", expires, cookie->name, cookie->value);
    return length < 0 ? NULL : line;
}
