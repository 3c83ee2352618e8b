/* replay.c: gives every file named as an argument to a fuzz target, without a fuzzer.
 * SPDX-License-Identifier: MIT */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

#define SECONDS_MOST 60 /* for one file */

static const char *current = "nothing";

/* Sanitizers end a program in ways of their own: this one tells which file it was. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "abort_on_error=1";
}

static void tell(int number)
{
    static const char text[] = "replaying ";
    ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
    written += write(STDERR_FILENO, current, strlen(current));
    written += write(STDERR_FILENO, "\n", 1);
    _exit(written > 0 ? 128 + number : 1);
}

static unsigned char *read_all(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0)
        return NULL;
    *size = (size_t) ftell(file);
    rewind(file);
    unsigned char *bytes = malloc(*size ? *size : 1);
    if (bytes && fread(bytes, 1, *size, file) != *size) {
        free(bytes);
        bytes = NULL;
    }
    fclose(file);
    return bytes;
}

static int replay(const char *path)
{
    size_t size = 0;
    unsigned char *bytes = read_all(path, &size);
    if (!bytes) {
        perror(path);
        return 1;
    }
    current = path;
    alarm(SECONDS_MOST);
    LLVMFuzzerTestOneInput(bytes, size);
    free(bytes);
    return 0;
}

int main(int count, char **arguments)
{
    int result = count > 1 ? 0 : 2;
    signal(SIGABRT, tell);
    signal(SIGALRM, tell);
    for (int i = 1; i < count && result == 0; i++)
        result = replay(arguments[i]);
    if (result == 0)
        printf("%d inputs\n", count - 1);
    return result;
}
