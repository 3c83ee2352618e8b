/* adoption.c: goes on with what another program left.
 * SPDX-License-Identifier: MIT */
#include "adoption.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adopt.h"
#include "code.h"
#include "io.h"

#define CONTROL_MOST ((off_t) 64 << 20) /* bytes of a control file */

static const struct {
    const char *suffix;
    int (*read)(const void *bytes, size_t size, struct adopted *out);
} controls[] = {{".aria2", adopt_aria2}, {".st", adopt_axel}};

#define CONTROLS (sizeof controls / sizeof *controls)

/* Move */

static bool is_usable(int dirfd, const char *name)
{
    struct stat found;
    return fstatat(dirfd, name, &found, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(found.st_mode)
           && found.st_uid == geteuid() && found.st_nlink == 1;
}

static int open_directory(const struct transfer *transfer)
{
    return open(transfer->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Where this fails, opening the part will say why. */
void adoption_move(struct transfer *transfer)
{
    char part[2 * NAME_MAX];
    int dirfd = open_directory(transfer);
    if (dirfd < 0)
        return;
    snprintf(part, sizeof part, "%s.part", transfer->name);
    if (is_usable(dirfd, transfer->name)
        && renameat2(dirfd, transfer->name, dirfd, part, RENAME_NOREPLACE) == 0)
        transfer->moved = true;
    close(dirfd);
}

/* Reserved room would pass for content. */
static void give_length_back(struct file *file)
{
    struct stat now;
    if (fstat(file->fd, &now) == 0 && now.st_size > file->found
        && ftruncate(file->fd, file->found) != 0)
        file->errnum = errno;
}

/* An open part may have got another final name meanwhile, and its folder another place. */
static void give_name_back(struct transfer *transfer)
{
    char part[2 * NAME_MAX], name[2 * NAME_MAX];
    bool held = transfer->file.fd >= 0;
    int dirfd = held ? transfer->file.dirfd : open_directory(transfer);
    if (held)
        snprintf(part, sizeof part, "%s", transfer->file.part);
    else
        snprintf(part, sizeof part, "%s.part", transfer->name);
    snprintf(name, sizeof name, "%.*s", (int) (strlen(part) - strlen(".part")), part);
    (void) renameat2(dirfd, part, dirfd, name, RENAME_NOREPLACE);
    if (!held && dirfd >= 0)
        close(dirfd);
}

void adoption_return(struct transfer *transfer)
{
    struct file *file = &transfer->file;
    if (file->fd >= 0 && file->found < 0)
        return; /* it was emptied, as was asked for */
    if (file->fd >= 0)
        give_length_back(file);
    if (transfer->moved)
        give_name_back(transfer);
    transfer->moved = false;
}

/* Read */

static int refuse(struct ldl_error *error, int kind, const char *why)
{
    error_set(error, kind, NULL, "%s", why);
    return -kind;
}

/* 1: there is no such file. */
static int read_file(int dirfd, const char *name, char **bytes, size_t *size)
{
    struct stat now;
    int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 1 : -code_of_errno(errno);
    int result = fstat(fd, &now) == 0 && S_ISREG(now.st_mode) && now.st_size <= CONTROL_MOST
                     ? 0
                     : -LDL_JOURNAL_CORRUPT;
    *size = result == 0 ? (size_t) now.st_size : 0;
    *bytes = malloc(*size + 1);
    if (result == 0 && !*bytes)
        result = -LDL_NO_MEMORY;
    if (result == 0 && io_read(fd, *bytes, *size, 0) != 0)
        result = -LDL_JOURNAL_CORRUPT;
    close(fd);
    return result;
}

/* 1: there is none. */
static int read_control(struct transfer *transfer, struct adopted *out)
{
    const struct file *file = &transfer->file;
    int result = 1;
    transfer->control = NULL;
    for (size_t i = 0; result == 1 && i < CONTROLS; i++) {
        char name[2 * NAME_MAX], *bytes = NULL;
        size_t size = 0;
        snprintf(name, sizeof name, "%s%s", file->name, controls[i].suffix);
        result = read_file(file->dirfd, name, &bytes, &size);
        if (result == 0)
            result = controls[i].read(bytes, size, out);
        if (result == 0)
            transfer->control = controls[i].suffix;
        free(bytes);
    }
    return result;
}

/* Without a control file it is the beginning, and nothing else. */
static int take_beginning(const struct transfer *transfer, struct adopted *out)
{
    *out =
        (struct adopted){.total = transfer->known.total, .extents = malloc(sizeof *out->extents)};
    if (!out->extents)
        return -LDL_NO_MEMORY;
    out->extents[0] = (struct ldl_extent){0, transfer->file.found};
    out->count = transfer->file.found > 0;
    return 0;
}

static int describe(const struct transfer *transfer, struct adopted *adopted, struct journal *out)
{
    journal_init(out);
    out->identity = transfer->known;
    out->date = transfer->known.date;
    out->ranges_ok = true;
    out->block_shift = journal_block_shift(adopted->total);
    out->extents = adopted->extents;
    out->extent_count = adopted->count;
    return journal_remove(out, (struct ldl_extent){transfer->file.found, INT64_MAX});
}

int adoption_read(struct transfer *transfer, struct journal *out, struct ldl_error *error)
{
    struct adopted adopted = {.total = -1};
    if (transfer_is_part(transfer))
        return refuse(error, LDL_LOCAL_CHANGED, "what is asked for isn't the whole file");
    if (!transfer->ranges || transfer->known.total < 0)
        return refuse(error, LDL_LOCAL_CHANGED,
                      "the server serves no ranges: nothing of it can be compared");
    int result = read_control(transfer, &adopted);
    if (result == 1)
        result = take_beginning(transfer, &adopted);
    if (result != 0)
        return refuse(error, -result, "its control file of another program can't be read");
    if (adopted.total != transfer->known.total || transfer->file.found > adopted.total) {
        adopt_free(&adopted);
        return refuse(error, LDL_LOCAL_CHANGED, "the server's file has another length");
    }
    result = describe(transfer, &adopted, out);
    if (result == 0)
        return 0;
    journal_free(out);
    return refuse(error, -result, ldl_kind_text(-result));
}

void adoption_finish(struct transfer *transfer)
{
    char name[2 * NAME_MAX];
    if (!transfer->control)
        return;
    snprintf(name, sizeof name, "%s%s", transfer->file.name, transfer->control);
    if (is_usable(transfer->file.dirfd, name))
        (void) unlinkat(transfer->file.dirfd, name, 0);
}
