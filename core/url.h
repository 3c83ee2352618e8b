/* url.h: parse, join, compare and redact URLs (libcurl's URL API), and the rules of redirects.
 * SPDX-License-Identifier: MIT */
#ifndef LUADL_URL_H
#define LUADL_URL_H

#include <stdbool.h>
#include <stddef.h>

struct url {
    char *text; /* without user, password and fragment */
    char *scheme;
    bool web;   /* http or https; else one stream, without ranges, identity or redirects */
    bool local; /* file: host and port are "" */
    char *host;
    char *port;
    char *user; /* "name:password", decoded; or NULL */
};

/* 0, -LDL_BAD_URL (no URL, of another scheme, or not of one file) or -LDL_NO_MEMORY. */
int url_parse(const char *text, struct url *out);
/* Without the login. 0 or -LDL_NO_MEMORY. */
int url_copy(const struct url *url, struct url *out);
void url_free(struct url *url);

/* `location` as seen from `base` (RFC 3986, 5); the caller frees `out`. */
int url_join(const char *base, const char *location, char **out);

/* Scheme, host and port are the same (RFC 6454). */
bool url_same_origin(const struct url *a, const struct url *b);

/* `next` may take its place: of HTTP both, or of one scheme. */
bool url_may_follow(const struct url *url, const struct url *next);

/* Within its text, query and all; at least "/". */
const char *url_path(const struct url *url);

/* The URL without user and password, cut to fit; something harmless when it is no URL. */
void url_redact(const char *text, char *out, size_t size);

#endif
