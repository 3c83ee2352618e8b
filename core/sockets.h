/* sockets.h: which descriptor a connection has, by its local port.
 * SPDX-License-Identifier: MIT
 *
 * libcurl names the socket of a request only when it wants it watched, and an answer may come before. Of two connections
 * whose ports share a place the later one is known.
 */
#ifndef LUADL_SOCKETS_H
#define LUADL_SOCKETS_H

#define SOCKETS_MOST 256

struct sockets {
    struct {
        long port; /* 0: none */
        int fd;
    } list[SOCKETS_MOST];
};

static inline void sockets_note(struct sockets *sockets, long port, int fd)
{
    if (port <= 0)
        return;
    sockets->list[port % SOCKETS_MOST].port = port;
    sockets->list[port % SOCKETS_MOST].fd = fd;
}

/* -1: not known. */
static inline int sockets_find(const struct sockets *sockets, long port)
{
    return port > 0 && sockets->list[port % SOCKETS_MOST].port == port
               ? sockets->list[port % SOCKETS_MOST].fd
               : -1;
}

#endif
