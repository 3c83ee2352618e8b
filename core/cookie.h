/* cookie.h: one cookie (RFC 6265bis): read from a Set-Cookie or a line of cookies.txt, and who gets it. Pure.
 * SPDX-License-Identifier: MIT
 *
 * Every byte is a server's, and may be meant ill.
 */
#ifndef LUADL_COOKIE_H
#define LUADL_COOKIE_H

#include <stdbool.h>
#include <stdint.h>

#define COOKIE_MOST 4096         /* bytes of name and value together */
#define COOKIE_SESSION INT64_MAX /* expires: with the session */

/* Who sets a cookie, or would get it. */
struct site {
    const char *host; /* as in a URL */
    const char *path; /* as in a URL; what follows a "?" is no part of it */
    bool secure;      /* over https */
};

/* Immutable. One block of malloc's: free() frees it. */
struct cookie {
    int64_t expires; /* seconds since the epoch */
    bool host_only;  /* the domain's subdomains don't get it */
    bool secure;     /* https alone gets it */
    bool http_only;  /* kept for the file's sake: no script ever sees one */
    const char *name, *value, *domain, *path;
    char text[];
};

/* From one Set-Cookie of an answer of `site`; NULL: refused, or no memory. */
struct cookie *cookie_parse(const char *set_cookie, const struct site *site, int64_t now);

/* From one line of a cookies.txt (Netscape's format, "#HttpOnly_" included); NULL: a comment, refused, or no memory. */
struct cookie *cookie_from_line(const char *line);
/* The line with its end, of malloc's; NULL: no memory. */
char *cookie_to_line(const struct cookie *cookie);

/* Does the site get it? Whether it has expired is not asked. */
bool cookie_matches(const struct cookie *cookie, const struct site *site);
/* The newer one takes the place of the older one: name, domain and path are the same. */
bool cookie_same(const struct cookie *a, const struct cookie *b);
/* `held` is one of https that `added`, of http, would replace or hide. */
bool cookie_protected(const struct cookie *held, const struct cookie *added);

#endif
