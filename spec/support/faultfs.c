/* faultfs.c: makes system calls fail on demand, preloaded (LD_PRELOAD) or linked into a test.
 * SPDX-License-Identifier: MIT
 *
 * LUADL_FAULT="call:effect[:skip[:times]][,...]": after `skip` calls, `times` of them (all when
 * absent) have the effect: an errno by its name (EIO), an EAI_ name for getaddrinfo, SHORT (half of
 * the bytes are written), SLOWn (n seconds, then the call goes on) or TWO (each name leads to
 * 127.0.0.2, then to 127.0.0.1). A test in the same process says it with faultfs_set(). Calls on files are touched for NAME.part alone; "journal-" before
 * one makes it that of NAME.part.lj.
 */
#include "hook.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

void faultfs_set(const char *text);

enum { RULES = 16, EFFECT_ERROR, EFFECT_SHORT, EFFECT_SLOW, EFFECT_TWO };

static struct rule {
    char call[24];
    int effect;
    int value; /* errno or EAI code, or seconds */
    int skip, times;
    atomic_int seen;
} rules[RULES];
static atomic_int rule_count;

static const char *const calls[] = {
    "pwrite", "fsync",    "fdatasync", "fallocate", "ftruncate",   "sync_file_range", "close",
    "openat", "renameat", "renameat2", "linkat",    "getaddrinfo", "pthread_create",  NULL,
};

static const struct {
    const char *name;
    int value;
} errors[] = {
    {"EACCES", EACCES},         {"EAGAIN", EAGAIN},
    {"EDQUOT", EDQUOT},         {"EEXIST", EEXIST},
    {"EFBIG", EFBIG},           {"EINTR", EINTR},
    {"EINVAL", EINVAL},         {"EIO", EIO},
    {"EMFILE", EMFILE},         {"ENFILE", ENFILE},
    {"ENOENT", ENOENT},         {"ENOMEM", ENOMEM},
    {"ENOSPC", ENOSPC},         {"ENOSYS", ENOSYS},
    {"EOPNOTSUPP", EOPNOTSUPP}, {"EPERM", EPERM},
    {"EROFS", EROFS},           {"ESTALE", ESTALE},
    {"EXDEV", EXDEV},           {"EAI_AGAIN", EAI_AGAIN},
    {"EAI_FAIL", EAI_FAIL},     {"EAI_NONAME", EAI_NONAME},
    {"EAI_MEMORY", EAI_MEMORY},
};

/* the rules */

/* A rule that means nothing would let a test pass for nothing. */
static void refuse_rule(const char *text)
{
    fprintf(stderr, "faultfs: not a rule: %s\n", text);
    abort();
}

#define JOURNAL "journal-"

static void check_call(const char *name)
{
    const char *const *call = calls;
    if (strncmp(name, JOURNAL, strlen(JOURNAL)) == 0)
        name += strlen(JOURNAL);
    while (*call && strcmp(*call, name) != 0)
        call++;
    if (!*call)
        refuse_rule(name);
}

static void parse_effect(struct rule *rule, const char *effect)
{
    rule->effect = EFFECT_ERROR;
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        rule->value = errors[i].value;
        if (strcmp(errors[i].name, effect) == 0)
            return;
    }
    if (strcmp(effect, "SHORT") == 0)
        rule->effect = EFFECT_SHORT;
    else if (strcmp(effect, "TWO") == 0)
        rule->effect = EFFECT_TWO;
    else if (sscanf(effect, "SLOW%d", &rule->value) == 1)
        rule->effect = EFFECT_SLOW;
    else
        refuse_rule(effect);
}

static void parse_rule(struct rule *rule, const char *text)
{
    char effect[24];
    rule->skip = 0;
    rule->times = INT_MAX;
    atomic_store(&rule->seen, 0);
    const char *form = "%23[^:]:%23[^:]:%d:%d";
    if (sscanf(text, form, rule->call, effect, &rule->skip, &rule->times) < 2)
        refuse_rule(text);
    check_call(rule->call);
    parse_effect(rule, effect);
}

/* NULL: nothing fails. Not while other threads call. */
void faultfs_set(const char *text)
{
    char copy[512], *rest = copy, *one;
    int count = 0;
    atomic_store(&rule_count, 0);
    snprintf(copy, sizeof copy, "%s", text ? text : "");
    while ((one = strsep(&rest, ",")) != NULL && count < RULES)
        if (*one)
            parse_rule(&rules[count++], one);
    atomic_store(&rule_count, count);
}

__attribute__((constructor)) static void read_environment(void)
{
    faultfs_set(getenv("LUADL_FAULT"));
}

static void wait_seconds(int seconds)
{
    struct timespec left = {.tv_sec = seconds};
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ; /* the rest */
}

static bool is_due(struct rule *rule, const char *call)
{
    if (strcmp(rule->call, call) != 0)
        return false;
    int seen = atomic_fetch_add(&rule->seen, 1);
    return seen >= rule->skip && seen - rule->skip < rule->times;
}

/* The rule that this call meets, or NULL. Has waited already where the rule says so. */
static const struct rule *meet(const char *call)
{
    for (int i = 0; i < atomic_load(&rule_count); i++) {
        if (!is_due(&rules[i], call))
            continue;
        if (rules[i].effect != EFFECT_SLOW)
            return &rules[i];
        wait_seconds(rules[i].value);
    }
    return NULL;
}

static const struct rule *meet_path(const char *call, const char *path)
{
    char name[sizeof rules->call];
    if (atomic_load(&rule_count) == 0)
        return NULL;
    if (is_part(path))
        return meet(call);
    snprintf(name, sizeof name, JOURNAL "%s", call);
    return is_journal(path) ? meet(name) : NULL;
}

static const struct rule *meet_fd(const char *call, int fd)
{
    char path[PATH_MAX];
    path_of_fd(fd, path);
    return meet_path(call, path);
}

/* Sets errno and is true where the rule is an error. */
static bool fails(const struct rule *rule)
{
    if (!rule || rule->effect != EFFECT_ERROR)
        return false;
    errno = rule->value;
    return true;
}

/* the calls */

HOOK(ssize_t, pwrite, (int fd, const void *bytes, size_t length, int64_t offset))
{
    const struct rule *rule = meet_fd("pwrite", fd);
    if (fails(rule))
        return -1;
    if (rule && length > 1)
        length /= 2;
    return NEXT(pwrite)(fd, bytes, length, offset);
}
ALIAS(pwrite, pwrite64);

HOOK(int, fsync, (int fd))
{
    return fails(meet_fd("fsync", fd)) ? -1 : NEXT(fsync)(fd);
}

HOOK(int, fdatasync, (int fd))
{
    return fails(meet_fd("fdatasync", fd)) ? -1 : NEXT(fdatasync)(fd);
}

HOOK(int, fallocate, (int fd, int mode, int64_t offset, int64_t length))
{
    return fails(meet_fd("fallocate", fd)) ? -1 : NEXT(fallocate)(fd, mode, offset, length);
}
ALIAS(fallocate, fallocate64);

HOOK(int, ftruncate, (int fd, int64_t length))
{
    return fails(meet_fd("ftruncate", fd)) ? -1 : NEXT(ftruncate)(fd, length);
}
ALIAS(ftruncate, ftruncate64);

HOOK(int, sync_file_range, (int fd, int64_t offset, int64_t length, unsigned flags))
{
    return fails(meet_fd("sync_file_range", fd)) ? -1
                                                 : NEXT(sync_file_range)(fd, offset, length, flags);
}

/* The descriptor is closed in any case, as Linux does. */
HOOK(int, close, (int fd))
{
    const struct rule *rule = meet_fd("close", fd);
    int result = NEXT(close)(fd);
    return fails(rule) ? -1 : result;
}

HOOK(int, openat, (int dirfd, const char *path, int flags, ...))
{
    mode_t mode = 0;
    if (flags & (O_CREAT | O_TMPFILE)) {
        va_list list;
        va_start(list, flags);
        mode = va_arg(list, mode_t);
        va_end(list);
    }
    return fails(meet_path("openat", path)) ? -1 : NEXT(openat)(dirfd, path, flags, mode);
}
ALIAS(openat, openat64);

HOOK(int, renameat, (int olddir, const char *old, int newdir, const char *new))
{
    return fails(meet_path("renameat", old)) ? -1 : NEXT(renameat)(olddir, old, newdir, new);
}

HOOK(int, renameat2, (int olddir, const char *old, int newdir, const char *new, unsigned flags))
{
    return fails(meet_path("renameat2", old)) ? -1
                                              : NEXT(renameat2)(olddir, old, newdir, new, flags);
}

HOOK(int, linkat, (int olddir, const char *old, int newdir, const char *new, int flags))
{
    return fails(meet_path("linkat", old)) ? -1 : NEXT(linkat)(olddir, old, newdir, new, flags);
}

typedef int resolve_call(const char *node, const char *service, const struct addrinfo *hints,
                         struct addrinfo **result);

static int resolve_two(resolve_call *resolve, const char *service, const struct addrinfo *hints,
                       struct addrinfo **result)
{
    int failure = resolve("127.0.0.2", service, hints, result);
    struct addrinfo **end = result;
    while (failure == 0 && *end)
        end = &(*end)->ai_next;
    return failure == 0 ? resolve("127.0.0.1", service, hints, end) : failure;
}

HOOK(int, getaddrinfo,
     (const char *node, const char *service, const struct addrinfo *hints,
      struct addrinfo **result))
{
    const struct rule *rule = meet("getaddrinfo");
    if (rule && rule->effect == EFFECT_TWO)
        return resolve_two(NEXT(getaddrinfo), service, hints, result);
    return fails(rule) ? (rule->value < 0 ? rule->value : EAI_SYSTEM)
                       : NEXT(getaddrinfo)(node, service, hints, result);
}

HOOK(int, pthread_create,
     (pthread_t * thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument))
{
    const struct rule *rule = meet("pthread_create");
    return fails(rule) ? rule->value : NEXT(pthread_create)(thread, attributes, start, argument);
}
