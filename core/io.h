/* io.h: reading and writing all of something at an offset: short counts and EINTR are continued.
 * SPDX-License-Identifier: MIT */
#ifndef LUADL_IO_H
#define LUADL_IO_H

#include <stddef.h>
#include <stdint.h>

#define IO_END (-1) /* the file ends before */

/* 0 or an errno. Any thread. */
int io_write(int fd, const void *bytes, size_t length, int64_t offset);
/* 0, an errno or IO_END. Any thread. */
int io_read(int fd, void *bytes, size_t length, int64_t offset);

#endif
