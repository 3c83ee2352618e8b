/* origin.h: a server in a thread that answers with the bytes of an input.
 * SPDX-License-Identifier: MIT
 *
 * The input is cut into parts at lines "%% n". Each request, on a connection of its own, gets the
 * next part as it stands, then n bytes of the resource, from the offset that the part's
 * Content-Range names, else from 0; then the connection is closed. "$a" and "$b" in a part are the
 * first and last byte that were asked for. When the parts are used up, it only closes.
 *
 * Where every part has one strong ETag and nothing else that identifies it, other ETags are other
 * bytes; else the resource never changes.
 */
#ifndef LUADL_ORIGIN_H
#define LUADL_ORIGIN_H

#include <pthread.h>
#include <stdbool.h>

#include "fuzz.h"

#define ORIGIN_PARTS 16
#define ORIGIN_MOST (2 << 20) /* bytes of the resource in one answer */

struct part {
    struct input text;
    size_t bytes;
    uint32_t version; /* of the resource */
};

struct origin {
    struct part parts[ORIGIN_PARTS];
    size_t count;
    size_t next;  /* the server thread's */
    int listener; /* of the process */
    int port;
    int stop; /* an eventfd */
    pthread_t thread;
};

void origin_open(struct origin *origin, struct input input);
void origin_close(struct origin *origin); /* when no client is left */

/* Each part is a whole head without a body, or a framing, of its own: the resource alone is what comes. */
bool origin_is_true(const struct origin *origin);
unsigned char origin_byte(uint32_t version, size_t offset);

#endif
