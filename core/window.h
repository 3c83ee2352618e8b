/* window.h: a ring of memory between those who bring the bytes of a resource and the one who reads them in order.
 * SPDX-License-Identifier: MIT
 *
 * It holds [read, read + size) of the resource. Where a writer's span lies in it is the plan's business (chunk.h).
 */
#ifndef LUADL_WINDOW_H
#define LUADL_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct window {
    char *ring;   /* immutable once it is there; NULL: not open */
    int64_t size; /* the same */
    /* locked, as whoever owns it says: */
    int64_t read; /* offset of the reader's next byte */
    bool waiting; /* the reader has found nothing: it is to be told */
    bool told;    /* it was, and hasn't heard it yet */
};

/* Memory is taken as it is used. 0 or a negative kind. */
int window_open(struct window *window, int64_t size, int64_t first);
void window_close(struct window *window);

/* Puts bytes, which lie within it, at their place. */
void window_put(const struct window *window, int64_t offset, const char *bytes, size_t length);

/* The bytes from `offset` on, of which there are so many; returns how many of them lie together. */
size_t window_at(const struct window *window, int64_t offset, int64_t length, const char **bytes);

#endif
