/* io.c: reading and writing all of something at an offset.
 * SPDX-License-Identifier: MIT */
#include "io.h"

#include <errno.h>
#include <unistd.h>

int io_write(int fd, const void *bytes, size_t length, int64_t offset)
{
    const char *next = bytes;
    while (length > 0) {
        ssize_t count = pwrite(fd, next, length, offset);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return count < 0 ? errno : EIO;
        next += count;
        length -= (size_t) count;
        offset += count;
    }
    return 0;
}

int io_read(int fd, void *bytes, size_t length, int64_t offset)
{
    char *next = bytes;
    while (length > 0) {
        ssize_t count = pread(fd, next, length, offset);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return count < 0 ? errno : IO_END;
        next += count;
        length -= (size_t) count;
        offset += count;
    }
    return 0;
}
