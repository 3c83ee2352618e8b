/* url.c: parse, join, compare and redact URLs (libcurl's URL API).
 * SPDX-License-Identifier: MIT */
#include "url.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "luadl.h"

/* The part as an owned string of malloc's, or NULL. */
static char *part(CURLU *handle, CURLUPart what, unsigned int flags)
{
    char *value = NULL;
    if (curl_url_get(handle, what, &value, flags) != CURLUE_OK)
        return NULL;
    char *copy = strdup(value);
    curl_free(value);
    return copy;
}

/* Of libcurl's own memory; NULL in *out when the URL has none. */
static int optional_part(CURLU *handle, CURLUPart what, char **out)
{
    CURLUcode code = curl_url_get(handle, what, out, CURLU_URLDECODE);
    return code == CURLUE_OUT_OF_MEMORY ? -LDL_NO_MEMORY : 0;
}

static int credentials(CURLU *handle, char **out)
{
    char *user = NULL, *password = NULL;
    int result = optional_part(handle, CURLUPART_USER, &user);
    if (result == 0)
        result = optional_part(handle, CURLUPART_PASSWORD, &password);
    if (result == 0 && (user || password)
        && asprintf(out, "%s:%s", user ? user : "", password ? password : "") < 0) {
        *out = NULL;
        result = -LDL_NO_MEMORY;
    }
    curl_free(user);
    curl_free(password);
    return result;
}

static void strip(CURLU *handle)
{
    curl_url_set(handle, CURLUPART_USER, NULL, 0);
    curl_url_set(handle, CURLUPART_PASSWORD, NULL, 0);
    curl_url_set(handle, CURLUPART_FRAGMENT, NULL, 0);
}

static bool has_control(const char *text)
{
    for (; *text; text++)
        if ((unsigned char) *text < 0x20 || *text == 0x7f)
            return true;
    return false;
}

static bool know_scheme(struct url *url)
{
    static const char *const singles[] = {"ftp", "ftps", "sftp", "file"};
    bool known = url->web = strcmp(url->scheme, "http") == 0 || strcmp(url->scheme, "https") == 0;
    url->local = strcmp(url->scheme, "file") == 0;
    for (size_t i = 0; !known && i < sizeof singles / sizeof *singles; i++)
        known = strcmp(url->scheme, singles[i]) == 0;
    return known;
}

/* Elsewhere the path goes to the server decoded, among commands that end with a line; one that ends with a slash lists a
 * folder, and ";type=" (RFC 1738, 3.2.2) has other things done than to send the file as it is. */
static int check_path(CURLU *handle)
{
    char *path = NULL;
    CURLUcode code = curl_url_get(handle, CURLUPART_PATH, &path, CURLU_URLDECODE);
    bool good = code == CURLUE_OK && !has_control(path) && path[0] && path[strlen(path) - 1] != '/'
                && !strstr(path, ";type=");
    curl_free(path);
    return good ? 0 : code == CURLUE_OUT_OF_MEMORY ? -LDL_NO_MEMORY : -LDL_BAD_URL;
}

/* file: has neither. */
static char *place(CURLU *handle, CURLUPart what, bool local)
{
    return local ? strdup("") : part(handle, what, CURLU_DEFAULT_PORT);
}

static int fill(CURLU *handle, struct url *out)
{
    out->scheme = part(handle, CURLUPART_SCHEME, 0);
    if (!out->scheme)
        return -LDL_NO_MEMORY;
    int result = !know_scheme(out) ? -LDL_BAD_URL : out->web ? 0 : check_path(handle);
    if (result != 0)
        return result;
    out->host = place(handle, CURLUPART_HOST, out->local);
    out->port = place(handle, CURLUPART_PORT, out->local);
    result = credentials(handle, &out->user);
    strip(handle);
    out->text = part(handle, CURLUPART_URL, 0);
    return result == 0 && out->host && out->port && out->text ? 0 : -LDL_NO_MEMORY;
}

int url_parse(const char *text, struct url *out)
{
    *out = (struct url){0};
    if (has_control(text))
        return -LDL_BAD_URL;
    CURLU *handle = curl_url();
    if (!handle)
        return -LDL_NO_MEMORY;
    CURLUcode code =
        curl_url_set(handle, CURLUPART_URL, text, CURLU_GUESS_SCHEME | CURLU_URLENCODE);
    int result = code == CURLUE_OK ? fill(handle, out)
                                   : (code == CURLUE_OUT_OF_MEMORY ? -LDL_NO_MEMORY : -LDL_BAD_URL);
    curl_url_cleanup(handle);
    if (result != 0)
        url_free(out);
    return result;
}

int url_copy(const struct url *url, struct url *out)
{
    *out = *url;
    out->text = strdup(url->text);
    out->scheme = strdup(url->scheme);
    out->host = strdup(url->host);
    out->port = strdup(url->port);
    out->user = NULL;
    if (out->text && out->scheme && out->host && out->port)
        return 0;
    url_free(out);
    return -LDL_NO_MEMORY;
}

void url_free(struct url *url)
{
    free(url->text);
    free(url->scheme);
    free(url->host);
    free(url->port);
    free(url->user);
    *url = (struct url){0};
}

int url_join(const char *base, const char *location, char **out)
{
    *out = NULL;
    CURLU *handle = curl_url();
    if (!handle)
        return -LDL_NO_MEMORY;
    CURLUcode code = curl_url_set(handle, CURLUPART_URL, base, 0);
    if (code == CURLUE_OK)
        code = curl_url_set(handle, CURLUPART_URL, location,
                            CURLU_URLENCODE | CURLU_ALLOW_SPACE | CURLU_NON_SUPPORT_SCHEME);
    if (code == CURLUE_OK)
        *out = part(handle, CURLUPART_URL, 0);
    curl_url_cleanup(handle);
    bool starved = code == CURLUE_OUT_OF_MEMORY || (code == CURLUE_OK && !*out);
    return starved ? -LDL_NO_MEMORY : code == CURLUE_OK ? 0 : -LDL_BAD_URL;
}

bool url_same_origin(const struct url *a, const struct url *b)
{
    return strcmp(a->scheme, b->scheme) == 0 && strcasecmp(a->host, b->host) == 0
           && strcmp(a->port, b->port) == 0;
}

bool url_may_follow(const struct url *url, const struct url *next)
{
    return url->web ? next->web : strcmp(url->scheme, next->scheme) == 0;
}

const char *url_path(const struct url *url)
{
    return strchr(url->text + strlen(url->scheme) + strlen("://"), '/');
}

void url_redact(const char *text, char *out, size_t size)
{
    CURLU *handle = curl_url();
    char *clean = NULL;
    if (handle
        && curl_url_set(handle, CURLUPART_URL, text,
                        CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME | CURLU_URLENCODE)
               == CURLUE_OK) {
        strip(handle);
        clean = part(handle, CURLUPART_URL, 0);
    }
    curl_url_cleanup(handle);
    snprintf(out, size, "%s", clean ? clean : "(not a URL)");
    free(clean);
}
