/* jar.h: the cookies of a session, shared by all its requests.
 * SPDX-License-Identifier: MIT */
#ifndef LUADL_JAR_H
#define LUADL_JAR_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "cookie.h"
#include "luadl.h"

#define JAR_MOST 3000        /* cookies; the oldest go */
#define JAR_DOMAIN_MOST 180  /* of one domain */
#define JAR_HEADER_MOST 8190 /* bytes of a header: more than that is refused by many a server */

struct jar {
    pthread_mutex_t lock; /* a leaf */
    struct cookie **list; /* oldest first. locked */
    size_t count, size;   /* locked */
};

/* A jar of zeros may be destroyed. */
void jar_init(struct jar *jar);
void jar_destroy(struct jar *jar);

/* One Set-Cookie of an answer of `site`. What is wrong with it, or finds no memory, is dropped. Any thread. */
void jar_put(struct jar *jar, const struct site *site, const char *set_cookie, int64_t now);

/* "a=1; b=2" for a request to `site`, of malloc's: longest path first, then the oldest; or NULL. Any thread. */
char *jar_header(struct jar *jar, const struct site *site, int64_t now);

/* From and to a cookies.txt in Netscape's format. 0 or an errno. A file that is written has mode 0600, and takes the
 * place of the old one at once or not at all. Any thread. */
int jar_read(struct jar *jar, const char *file, int64_t now, struct ldl_cookies *out);
int jar_write(struct jar *jar, const char *file, int64_t now);

#endif
