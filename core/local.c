/* local.c: files of this machine, as file: URLs name them.
 * SPDX-License-Identifier: MIT
 *
 * Not libcurl's: it reads all of a file in one call, which nothing can pause, while the thread's other streams wait.
 */
#include "local.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "code.h"
#include "receive.h"
#include "throttle.h"

#define PIECE ((size_t) 512 << 10)

static int fail(struct fetch *fetch, int kind, int errnum, const char *why)
{
    error_set(&fetch->error, kind, fetch->url.text, "cannot read it: %s", why);
    fetch->error.errnum = errnum;
    return -kind;
}

static int fail_errno(struct fetch *fetch, int errnum)
{
    bool absent = errnum == ENOENT || errnum == ENOTDIR;
    return fail(fetch, absent ? LDL_NOT_FOUND : code_of_errno(errnum), errnum, strerror(errnum));
}

/* A pipe would keep its opener waiting. */
static int open_path(struct fetch *fetch)
{
    const char *named = url_path(&fetch->url);
    char *path = curl_easy_unescape(fetch->easy, named, (int) strcspn(named, "?"), NULL);
    int fd = path ? open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) : -1;
    int errnum = path ? errno : ENOMEM;
    curl_free(path);
    return fd >= 0 ? fd : fail_errno(fetch, errnum);
}

int local_open(struct fetch *fetch)
{
    struct stat found;
    int fd = open_path(fetch);
    if (fd < 0)
        return fd;
    fetch->local.fd = fd;
    fetch->local.at = 0;
    if (fstat(fd, &found) != 0)
        return fail_errno(fetch, errno);
    if (!S_ISREG(found.st_mode))
        return fail(fetch, LDL_NOT_REGULAR, 0,
                    S_ISDIR(found.st_mode) ? "it is a folder" : "it is no regular file");
    fetch->local.length = found.st_size;
    fetch->local.modified = found.st_mtime;
    return 0;
}

bool local_is_ready(const struct fetch *fetch)
{
    return fetch->local.fd >= 0 && fetch->state != FETCH_PARKED && !fetch->blocked
           && !throttle_holds(fetch);
}

/* What isn't taken now is read again. */
static int hand_on(struct fetch *fetch, char *bytes, size_t length)
{
    size_t taken = receive_body(bytes, 1, length, fetch);
    if (taken == CURL_WRITEFUNC_PAUSE)
        return LOCAL_GOES_ON;
    fetch->local.at += (int64_t) length;
    return taken == length ? LOCAL_GOES_ON : CURLE_WRITE_ERROR;
}

int local_read(struct fetch *fetch)
{
    int64_t left = fetch->local.length - fetch->local.at;
    size_t piece = (size_t) throttle_buffer(fetch, PIECE);
    char *bytes = malloc(piece);
    if (!bytes)
        return CURLE_OUT_OF_MEMORY;
    ssize_t length = pread(fetch->local.fd, bytes, left < (int64_t) piece ? (size_t) left : piece,
                           fetch->local.at);
    int end = length < 0 ? CURLE_READ_ERROR : CURLE_OK;
    if (length < 0)
        fail_errno(fetch, errno);
    else if (length > 0)
        end = hand_on(fetch, bytes, (size_t) length);
    free(bytes);
    return end;
}

void local_close(struct fetch *fetch)
{
    if (fetch->local.fd >= 0)
        close(fetch->local.fd);
    fetch->local.fd = -1;
}
