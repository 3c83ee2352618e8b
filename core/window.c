/* window.c: a ring of memory between those who bring the bytes of a resource and the one who reads them in order.
 * SPDX-License-Identifier: MIT */
#include "window.h"

#include <string.h>
#include <sys/mman.h>

#include "luadl.h"

int window_open(struct window *window, int64_t size, int64_t first)
{
    void *ring = mmap(NULL, (size_t) size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (ring == MAP_FAILED)
        return -LDL_NO_MEMORY;
    *window = (struct window){.ring = ring, .size = size, .read = first, .waiting = true};
    return 0;
}

void window_close(struct window *window)
{
    if (window->ring)
        munmap(window->ring, (size_t) window->size);
    window->ring = NULL;
}

static size_t to_wrap(const struct window *window, int64_t offset, int64_t length)
{
    int64_t left = window->size - offset % window->size;
    return (size_t) (length < left ? length : left);
}

void window_put(const struct window *window, int64_t offset, const char *bytes, size_t length)
{
    size_t part = to_wrap(window, offset, (int64_t) length);
    memcpy(window->ring + offset % window->size, bytes, part);
    memcpy(window->ring, bytes + part, length - part);
}

size_t window_at(const struct window *window, int64_t offset, int64_t length, const char **bytes)
{
    *bytes = window->ring + offset % window->size;
    return to_wrap(window, offset, length);
}
