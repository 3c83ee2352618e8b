/* hook.h: how a preloaded shim stands before libc's calls, and finds out which file they are for.
 * SPDX-License-Identifier: MIT
 *
 * HOOK declares a call under its symbol, ALIAS adds a symbol, NEXT is the real one. Symbols are set
 * by asm label, because _FILE_OFFSET_BITS would rename them.
 */
#ifndef LUADL_HOOK_H
#define LUADL_HOOK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define VISIBLE __attribute__((visibility("default")))
#define HOOK(type, name, parameters)                    \
    VISIBLE type hook_##name parameters __asm__(#name); \
    typedef type name##_call parameters;                \
    type hook_##name parameters
#define ALIAS(name, symbol)                                               \
    extern VISIBLE __typeof__(hook_##name) hook_##symbol __asm__(#symbol) \
        __attribute__((alias(#name)))
#define NEXT(name) ((name##_call *) dlsym(RTLD_NEXT, #name))

/* What the descriptor leads to; "" when it leads nowhere. errno stays. */
static inline void path_of_fd(int fd, char path[PATH_MAX])
{
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int kept = errno;
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    errno = kept;
    path[length > 0 ? length : 0] = '\0';
}

static inline bool is_part(const char *path)
{
    const char *end = strrchr(path, '.');
    return end && strcmp(end, ".part") == 0;
}

static inline bool is_journal(const char *path)
{
    const char *end = strstr(path, ".part.lj");
    return end && end[strlen(".part.lj")] == '\0';
}

#endif
