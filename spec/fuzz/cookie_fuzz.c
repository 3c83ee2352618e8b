/* cookie_fuzz.c: no Set-Cookie reaches a host, a path or a scheme that it may not, or breaks a header or the file.
 * SPDX-License-Identifier: MIT
 *
 * An input is lines: a character that says who sends it, then a Set-Cookie, or a line of a cookies.txt.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "date.h"
#include "fuzz.h"
#include "jar.h"

#define NOW 1700000000

/* None of them shares a cookie with a stranger. */
static const struct site senders[] = {
    {"www.example.com", "/a/b/file?x", true},
    {"www.example.com", "/a/", false},
    {"example.com", "/", true},
    {"127.0.0.1", "/a", false},
    {"[::1]", "/a", true},
    {"me.github.io", "/", true},
    {"com.", "/", true},
    {"localhost", "", false},
};
#define SENDERS (sizeof senders / sizeof *senders)
static const struct site strangers[] = {
    {"victim.test", "/a/b/file", true}, {"example.com.evil.net", "/a/b", true},
    {"notexample.com", "/a/b", true},   {"github.io", "/", true},
    {"you.github.io", "/", true},       {"1.127.0.0.1", "/a", true},
    {"evil.com.", "/", true},
};

static void check_cookie(const struct cookie *cookie, const struct site *site)
{
    struct site asked = {site->host, cookie->path, true}, http = {site->host, cookie->path, false};
    assert(strlen(cookie->name) + strlen(cookie->value) <= COOKIE_MOST);
    assert(cookie->path[0] == '/' && cookie->domain[0] && cookie_same(cookie, cookie));
    assert(strncmp(cookie->name, "__Host-", 7) != 0 || (cookie->host_only && cookie->secure));
    assert(site->secure || !cookie->secure);
    assert(!cookie_protected(cookie, cookie));
    if (strpbrk(cookie->path, "?#"))
        return; /* no URL has such a path */
    assert(cookie_matches(cookie, &asked));
    assert(cookie_matches(cookie, &http) == !cookie->secure);
}

/* A line of the file means the same cookie. */
static void check_line(const struct cookie *cookie)
{
    char *line = cookie_to_line(cookie);
    assert(line && strchr(line, '\n') == line + strlen(line) - 1);
    struct cookie *again = cookie_from_line(line);
    assert(again && cookie_same(cookie, again) && strcmp(cookie->value, again->value) == 0);
    assert(cookie->secure == again->secure && cookie->http_only == again->http_only);
    assert(cookie->expires == again->expires || cookie->expires <= 0);
    free(again);
    free(line);
}

static void read_one(struct jar *jar, const char *line)
{
    const struct site *site = &senders[(unsigned char) line[0] % SENDERS];
    const char *text = line[0] ? line + 1 : line;
    int64_t date;
    struct cookie *cookie = cookie_parse(text, site, NOW);
    if (cookie)
        check_cookie(cookie, site);
    if (cookie && cookie->expires > 0)
        check_line(cookie);
    free(cookie);
    jar_put(jar, site, text, NOW);
    assert(!date_parse_cookie(text, &date) || date >= INT64_C(-11644473600));
    cookie = cookie_from_line(line);
    if (cookie)
        check_line(cookie);
    free(cookie);
}

static void check_header(struct jar *jar, const struct site *site)
{
    char *header = jar_header(jar, site, NOW);
    for (const char *c = header; c && *c; c++)
        assert((unsigned char) *c >= 0x20 && *c != 0x7f);
    assert(!header || (*header && strlen(header) <= JAR_HEADER_MOST));
    free(header);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {(const char *) data, size};
    struct jar jar;
    char *line;
    jar_init(&jar);
    while ((line = input_line(&input))) {
        read_one(&jar, line);
        free(line);
    }
    for (size_t i = 0; i < SENDERS; i++)
        check_header(&jar, &senders[i]);
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++)
        assert(jar_header(&jar, &strangers[i], NOW) == NULL);
    jar_destroy(&jar);
    return 0;
}
