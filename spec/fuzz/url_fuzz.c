/* url_fuzz.c: no URL has a scheme of its own or shows a password, and none that isn't HTTP names more than a file.
 * SPDX-License-Identifier: MIT
 *
 * An input is a URL, a line with the Location that it answers, and so on.
 */
#include "url.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define SECRET "name:s3cr3t"

/* Userinfo ends at the last "@" of the authority (RFC 3986, 3.2). */
static bool has_userinfo(const char *text)
{
    const char *authority = strstr(text, "://");
    if (!authority)
        return false;
    authority += 3;
    return memchr(authority, '@', strcspn(authority, "/?#")) != NULL;
}

static bool is_printable(const char *text)
{
    for (; *text; text++)
        if ((unsigned char) *text < 0x20 || *text == 0x7f)
            return false;
    return true;
}

static void check_redacted(const char *text)
{
    char all[4096], some[16];
    url_redact(text, all, sizeof all);
    url_redact(text, some, sizeof some);
    assert(!has_userinfo(all));
    assert(strncmp(all, some, sizeof some - 1) == 0);
}

static void check_scheme(const struct url *url)
{
    static const char *const singles[] = {"ftp", "ftps", "sftp", "file"};
    bool single = false;
    for (size_t i = 0; i < sizeof singles / sizeof *singles; i++)
        single = single || strcmp(url->scheme, singles[i]) == 0;
    assert(single == !url->web);
    assert(single || strcmp(url->scheme, "http") == 0 || strcmp(url->scheme, "https") == 0);
    assert(url->local == (strcmp(url->scheme, "file") == 0));
}

/* A command that carries the path would end there. */
static void check_path(const struct url *url)
{
    static const char *const ends[] = {"%0d", "%0D", "%0a", "%0A", "%00"};
    const char *path = url_path(url);
    size_t length = strcspn(path, "?");
    assert(length > 1 && path[length - 1] != '/');
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        assert(!memmem(path, length, ends[i], strlen(ends[i])));
}

static void check_url(const struct url *url)
{
    check_scheme(url);
    if (!url->web)
        check_path(url);
    assert(strncmp(url->text, url->scheme, strlen(url->scheme)) == 0);
    assert(url->local || (url->host[0] && url->port[0]));
    assert(strspn(url->port, "0123456789") == strlen(url->port));
    assert(!has_userinfo(url->text) && !strchr(url->text, '#') && is_printable(url->text));
    assert(url_same_origin(url, url));
    assert(*url_path(url) == '/');
}

/* Its text alone means the same. */
static void check_again(const struct url *url)
{
    struct url again;
    int result = url_parse(url->text, &again);
    assert(result == 0 && again.user == NULL);
    assert(url_same_origin(url, &again) && url_same_origin(&again, url));
    assert(strcmp(url->text, again.text) == 0);
    url_free(&again);
}

/* A password in front of the same rest: it goes to `user` and nowhere else. */
static void check_secret(const char *line)
{
    char *text = NULL, shown[4096];
    struct url url;
    int length = asprintf(&text, "http://" SECRET "@%s", line);
    assert(length > 0);
    url_redact(text, shown, sizeof shown);
    assert(strstr(line, "s3cr3t") || !strstr(shown, "s3cr3t"));
    if (url_parse(text, &url) == 0) {
        assert(url.user != NULL);
        assert(strstr(line, "s3cr3t") || !strstr(url.text, "s3cr3t"));
    }
    url_free(&url);
    free(text);
}

static bool read_url(const char *text, struct url *out)
{
    check_redacted(text);
    check_secret(text);
    if (url_parse(text, out) != 0)
        return false;
    check_url(out);
    check_again(out);
    return true;
}

/* As a chain of redirects does it: join, then parse. */
static bool follow(struct url *url, const char *location)
{
    char *joined = NULL;
    struct url next = {0};
    check_redacted(location);
    bool good = url_join(url->text, location, &joined) == 0 && read_url(joined, &next);
    free(joined);
    if (good) {
        url_free(url);
        *url = next;
    }
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {(const char *) data, size};
    struct url url = {0};
    char *line = input_line(&input);
    bool more = line && read_url(line, &url);
    free(line);
    while (more && (line = input_line(&input))) {
        more = follow(&url, line);
        free(line);
    }
    url_free(&url);
    return 0;
}
