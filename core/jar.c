/* jar.c: the cookies of a session, shared by all its requests (RFC 6265bis, 5.7 and 5.8).
 * SPDX-License-Identifier: MIT
 */
#include "jar.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"

void jar_init(struct jar *jar)
{
    *jar = (struct jar){.count = 0};
    pthread_mutex_init(&jar->lock, NULL);
}

void jar_destroy(struct jar *jar)
{
    for (size_t i = 0; i < jar->count; i++)
        free(jar->list[i]);
    free(jar->list);
    pthread_mutex_destroy(&jar->lock);
}

static void drop(struct jar *jar, size_t index)
{
    free(jar->list[index]);
    jar->count--;
    memmove(jar->list + index, jar->list + index + 1, (jar->count - index) * sizeof *jar->list);
}

static void drop_expired(struct jar *jar, int64_t now)
{
    size_t kept = 0;
    for (size_t i = 0; i < jar->count; i++)
        if (jar->list[i]->expires > now)
            jar->list[kept++] = jar->list[i];
        else
            free(jar->list[i]);
    jar->count = kept;
}

/* Room in its domain: the oldest goes, but none of https while there is another, and none for one of http: it can't push
 * those out. */
static bool thin_out(struct jar *jar, const struct cookie *added)
{
    size_t number = 0, oldest = jar->count, insecure = jar->count;
    for (size_t i = jar->count; i-- > 0;) {
        if (strcmp(jar->list[i]->domain, added->domain) != 0)
            continue;
        number++;
        oldest = i;
        if (!jar->list[i]->secure)
            insecure = i;
    }
    size_t surplus = insecure < jar->count ? insecure : added->secure ? oldest : jar->count;
    if (number < JAR_DOMAIN_MOST)
        return true;
    if (surplus == jar->count)
        return false;
    drop(jar, surplus);
    return true;
}

static bool make_room(struct jar *jar, const struct cookie *added)
{
    if (!thin_out(jar, added))
        return false;
    if (jar->count >= JAR_MOST)
        drop(jar, 0);
    if (jar->count < jar->size)
        return true;
    size_t size = jar->size ? jar->size * 2 : 16;
    struct cookie **list = realloc(jar->list, size * sizeof *list);
    if (!list)
        return false;
    jar->list = list;
    jar->size = size;
    return true;
}

static size_t find_same(const struct jar *jar, const struct cookie *cookie)
{
    size_t index = 0;
    while (index < jar->count && !cookie_same(jar->list[index], cookie))
        index++;
    return index;
}

/* Takes the cookie. One that takes another's place keeps its age, too; one that has expired just removes it. Jar lock
 * held. */
static void add(struct jar *jar, struct cookie *cookie, int64_t now)
{
    size_t index = find_same(jar, cookie);
    bool live = cookie->expires > now;
    if (live && index < jar->count) {
        free(jar->list[index]);
        jar->list[index] = cookie;
    } else if (live && make_room(jar, cookie)) {
        jar->list[jar->count++] = cookie;
    } else {
        free(cookie);
        if (index < jar->count)
            drop(jar, index);
    }
}

/* Jar lock held. */
static bool is_hidden_by(const struct jar *jar, const struct cookie *cookie)
{
    for (size_t i = 0; i < jar->count; i++)
        if (cookie_protected(jar->list[i], cookie))
            return true;
    return false;
}

void jar_put(struct jar *jar, const struct site *site, const char *set_cookie, int64_t now)
{
    struct cookie *cookie = cookie_parse(set_cookie, site, now);
    if (!cookie)
        return;
    pthread_mutex_lock(&jar->lock);
    drop_expired(jar, now);
    if (site->secure || !is_hidden_by(jar, cookie))
        add(jar, cookie, now);
    else
        free(cookie);
    pthread_mutex_unlock(&jar->lock);
}

/* The header */

/* Both point into the jar's list: the earlier one is the older one. */
static int by_path_and_age(const void *left, const void *right)
{
    struct cookie *const *a = *(struct cookie *const *const *) left;
    struct cookie *const *b = *(struct cookie *const *const *) right;
    size_t of_a = strlen((*a)->path), of_b = strlen((*b)->path);
    if (of_a != of_b)
        return of_a > of_b ? -1 : 1;
    return a < b ? -1 : a > b;
}

static size_t append(char *text, size_t used, const struct cookie *cookie)
{
    size_t left = JAR_HEADER_MOST + 1 - used;
    int length = snprintf(text + used, left, "%s%s%s%s", used ? "; " : "", cookie->name,
                          cookie->name[0] ? "=" : "", cookie->value);
    bool fits = length > 0 && (size_t) length < left;
    if (!fits)
        text[used] = '\0';
    return fits ? used + (size_t) length : used;
}

static char *join(struct cookie **const *chosen, size_t count)
{
    char *text = malloc(JAR_HEADER_MOST + 1);
    size_t used = 0;
    for (size_t i = 0; text && i < count; i++)
        used = append(text, used, *chosen[i]);
    return text;
}

/* Jar lock held. */
static char *header_for(struct jar *jar, const struct site *site)
{
    struct cookie ***chosen = jar->count ? malloc(jar->count * sizeof *chosen) : NULL;
    size_t count = 0;
    for (size_t i = 0; chosen && i < jar->count; i++)
        if (cookie_matches(jar->list[i], site))
            chosen[count++] = &jar->list[i];
    if (count > 0)
        qsort(chosen, count, sizeof *chosen, by_path_and_age);
    char *text = count > 0 ? join(chosen, count) : NULL;
    free(chosen);
    return text;
}

char *jar_header(struct jar *jar, const struct site *site, int64_t now)
{
    pthread_mutex_lock(&jar->lock);
    drop_expired(jar, now);
    char *text = header_for(jar, site);
    pthread_mutex_unlock(&jar->lock);
    return text;
}

/* The file */

static bool is_blank(const char *line)
{
    static const char hidden[] = "#HttpOnly_";
    line += strspn(line, " \t\r\n");
    return !*line || (*line == '#' && strncmp(line, hidden, strlen(hidden)) != 0);
}

static bool add_line(struct jar *jar, const char *line, int64_t now)
{
    struct cookie *cookie = cookie_from_line(line);
    if (!cookie)
        return false;
    pthread_mutex_lock(&jar->lock);
    add(jar, cookie, now);
    pthread_mutex_unlock(&jar->lock);
    return true;
}

static void read_line(struct jar *jar, const char *line, int number, int64_t now,
                      struct ldl_cookies *out)
{
    if (is_blank(line))
        return;
    if (add_line(jar, line, now)) {
        out->read++;
    } else if (out->broken++ == 0) {
        out->line = number;
    }
}

int jar_read(struct jar *jar, const char *file, int64_t now, struct ldl_cookies *out)
{
    FILE *stream = fopen(file, "re");
    char *line = NULL;
    size_t size = 0;
    *out = (struct ldl_cookies){0};
    if (!stream)
        return errno;
    errno = 0;
    for (int number = 1; getline(&line, &size, stream) >= 0; number++)
        read_line(jar, line, number, now, out);
    int problem = feof(stream) ? 0 : errno ? errno : EIO;
    free(line);
    fclose(stream);
    return problem;
}

/* Jar lock held. */
static bool print_all(const struct jar *jar, FILE *stream)
{
    bool good = fputs("# Netscape HTTP Cookie File\n\n", stream) >= 0;
    for (size_t i = 0; good && i < jar->count; i++) {
        char *line = cookie_to_line(jar->list[i]);
        good = line && fputs(line, stream) >= 0;
        free(line);
    }
    return good;
}

/* Into memory first: nobody waits for a disk while the jar is locked. */
static char *print(struct jar *jar, int64_t now)
{
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    if (!stream)
        return NULL;
    pthread_mutex_lock(&jar->lock);
    drop_expired(jar, now);
    bool good = print_all(jar, stream);
    pthread_mutex_unlock(&jar->lock);
    if (fclose(stream) == 0 && good)
        return text;
    free(text);
    return NULL;
}

/* mkostemp makes it readable for its owner alone. */
static int save(const char *text, char *draft, const char *file)
{
    int fd = mkostemp(draft, O_CLOEXEC);
    if (fd < 0)
        return errno;
    int problem = io_write(fd, text, strlen(text), 0);
    if (problem == 0 && fsync(fd) != 0)
        problem = errno;
    if (close(fd) != 0 && problem == 0)
        problem = errno;
    if (problem == 0 && rename(draft, file) != 0)
        problem = errno;
    if (problem != 0)
        unlink(draft);
    return problem;
}

/* What is to be replaced: the file that a link leads to, but no device. A link that the system doesn't follow (a stranger's in
 * /tmp) isn't followed here either. */
static int find_target(const char *file, char **out)
{
    struct stat found;
    if (stat(file, &found) != 0)
        *out = strdup(file);
    else if (S_ISREG(found.st_mode))
        *out = realpath(file, NULL);
    else
        return EEXIST;
    return *out ? 0 : errno;
}

static int write_text(const char *text, const char *file)
{
    char *draft = NULL;
    if (asprintf(&draft, "%s.XXXXXX", file) < 0)
        return ENOMEM;
    int problem = save(text, draft, file);
    free(draft);
    return problem;
}

int jar_write(struct jar *jar, const char *file, int64_t now)
{
    char *target = NULL;
    int problem = find_target(file, &target);
    if (problem != 0)
        return problem;
    char *text = print(jar, now);
    problem = text ? write_text(text, target) : ENOMEM;
    free(text);
    free(target);
    return problem;
}
