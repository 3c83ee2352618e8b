/* faultmem.c: makes an allocation of the engine or of libcurl fail, linked into a program with
 * --wrap for each function here.
 * SPDX-License-Identifier: MIT
 *
 * LUADL_MEMORY="first[:times]": of all allocations, counted from 1, these fail (times: 1; 0: all
 * from there on). At the end a line on stderr says how many there were. Wrapped and not preloaded:
 * a sanitizer's own allocator stays below, and what the C library needs for itself isn't counted.
 */
#include <curl/curl.h>
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
char *__real_strdup(const char *text);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
char *__wrap_strdup(const char *text);
int __wrap_asprintf(char **out, const char *format, ...) __attribute__((format(printf, 2, 3)));
CURLcode __wrap_curl_global_init(long flags);

static int first, times;
static atomic_int allocations;

static void report(void)
{
    fprintf(stderr, "allocations: %d\n", atomic_load(&allocations));
}

__attribute__((constructor)) static void read_environment(void)
{
    const char *text = getenv("LUADL_MEMORY");
    times = 1;
    if (text && sscanf(text, "%d:%d", &first, &times) >= 1)
        atexit(report);
}

static bool refused(void)
{
    int number = atomic_fetch_add(&allocations, 1) + 1;
    bool due = first > 0 && number >= first && (times == 0 || number - first < times);
    if (due)
        errno = ENOMEM;
    return due;
}

void *__wrap_malloc(size_t size)
{
    return refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return refused() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    return refused() ? NULL : __real_realloc(block, size);
}

char *__wrap_strdup(const char *text)
{
    return refused() ? NULL : __real_strdup(text);
}

int __wrap_asprintf(char **out, const char *format, ...)
{
    va_list list;
    if (refused())
        return -1;
    va_start(list, format);
    int length = vasprintf(out, format, list);
    va_end(list);
    return length;
}

CURLcode __wrap_curl_global_init(long flags)
{
    return curl_global_init_mem(flags, __wrap_malloc, free, __wrap_realloc, __wrap_strdup,
                                __wrap_calloc);
}
