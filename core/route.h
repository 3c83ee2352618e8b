/* route.h: the way to the server: from which address, past which names, through which proxy.
 * SPDX-License-Identifier: MIT */
#ifndef LUADL_ROUTE_H
#define LUADL_ROUTE_H

#include "fetch.h"

/* Sets its easy handle's options, and fetch->connect_list, which the caller frees. 0 or a negative kind. */
int route_set(struct fetch *fetch);

/* No proxy is between, and no address in the place of its own: the one that answers is the server's, for everybody. */
bool route_is_direct(const struct fetch *fetch);

#endif
