/* hosts.c: a token bucket for each host, made when somebody needs it and dropped when nobody does.
 * SPDX-License-Identifier: MIT
 *
 * By the host's name alone: whoever limits a host means the machines behind it, whichever port and scheme they serve, and
 * with a last dot or without.
 */
#include "hosts.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void hosts_init(struct hosts *hosts)
{
    *hosts = (struct hosts){.list = NULL};
    pthread_mutex_init(&hosts->lock, NULL);
}

static void drop(struct host **link)
{
    struct host *host = *link;
    *link = host->next;
    limit_destroy(&host->limit);
    free(host->name);
    free(host);
}

void hosts_destroy(struct hosts *hosts)
{
    while (hosts->list)
        drop(&hosts->list);
    pthread_mutex_destroy(&hosts->lock);
}

static size_t length_of(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && name[length - 1] == '.' ? length - 1 : length;
}

static bool is_same(const char *one, const char *other)
{
    size_t length = length_of(one);
    return length == length_of(other) && strncasecmp(one, other, length) == 0;
}

static struct host *find(const struct hosts *hosts, const char *name)
{
    struct host *host = hosts->list;
    while (host && !is_same(host->name, name))
        host = host->next;
    return host;
}

static struct host *find_or_make(struct hosts *hosts, const char *name, double now)
{
    struct host *host = find(hosts, name);
    if (host)
        return host;
    host = calloc(1, sizeof *host);
    if (!host || !(host->name = strdup(name))) {
        free(host);
        return NULL;
    }
    limit_init(&host->limit);
    limit_set(&host->limit, hosts->rate, now); /* nothing has gathered */
    host->next = hosts->list;
    hosts->list = host;
    return host;
}

static int limit_one(struct hosts *hosts, const char *name, double rate, double now)
{
    struct host *host = find_or_make(hosts, name, now);
    if (!host)
        return -1;
    host->own = true;
    limit_set(&host->limit, rate, now);
    return 0;
}

static int limit_each(struct hosts *hosts, double rate, double now)
{
    hosts->rate = rate;
    for (struct host *host = hosts->list; host; host = host->next)
        if (!host->own)
            limit_set(&host->limit, rate, now);
    return 0;
}

int hosts_limit(struct hosts *hosts, const char *name, double rate, double now)
{
    pthread_mutex_lock(&hosts->lock);
    int result = name ? limit_one(hosts, name, rate, now) : limit_each(hosts, rate, now);
    pthread_mutex_unlock(&hosts->lock);
    if (result == 0 && rate > 0)
        atomic_store(&hosts->limited, true);
    return result;
}

struct host *hosts_enter(struct hosts *hosts, const char *name, double now)
{
    pthread_mutex_lock(&hosts->lock);
    struct host *host = find_or_make(hosts, name, now);
    if (host)
        host->users++;
    pthread_mutex_unlock(&hosts->lock);
    return host;
}

static struct host **link_to(struct hosts *hosts, const struct host *host)
{
    struct host **link = &hosts->list;
    while (*link != host)
        link = &(*link)->next;
    return link;
}

void hosts_leave(struct hosts *hosts, struct host *host)
{
    if (!host)
        return;
    pthread_mutex_lock(&hosts->lock);
    host->users--;
    if (host->users == 0 && !host->own)
        drop(link_to(hosts, host));
    pthread_mutex_unlock(&hosts->lock);
}
