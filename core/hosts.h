/* hosts.h: a token bucket for each host, made when somebody needs it and dropped when nobody does.
 * SPDX-License-Identifier: MIT */
#ifndef LUADL_HOSTS_H
#define LUADL_HOSTS_H

#include "limit.h"

struct host {
    struct limit limit;
    /* the list's lock: */
    struct host *next;
    char *name;
    int users;
    bool own; /* its rate was set for it alone */
};

struct hosts {
    atomic_bool limited; /* some host has a limit, or had one */
    pthread_mutex_t lock;
    double rate; /* of each that has none of its own; 0: no limit. locked, as the list */
    struct host *list;
};

void hosts_init(struct hosts *hosts);
void hosts_destroy(struct hosts *hosts); /* nobody uses one */

/* Any thread: */
/* The rate of this host, or (NULL) of each that has none of its own. 0 or -1: out of memory. */
int hosts_limit(struct hosts *hosts, const char *name, double rate, double now);
/* The host's, until hosts_leave; NULL: out of memory. */
struct host *hosts_enter(struct hosts *hosts, const char *name, double now);
void hosts_leave(struct hosts *hosts, struct host *host); /* NULL: nothing */

#endif
