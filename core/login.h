/* login.h: as whom a fetch asks, and where the caller's own words go.
 * SPDX-License-Identifier: MIT */
#ifndef LUADL_LOGIN_H
#define LUADL_LOGIN_H

#include "fetch.h"

/* Where it asks now may know who the caller is: the origin of its URL, and the hosts that it trusts (H63). */
bool login_is_known(const struct fetch *fetch);

/* "name:password" for where it asks now, or NULL. */
const char *login_user(const struct fetch *fetch);

/* The token for where it asks now, or NULL. */
const char *login_bearer(const struct fetch *fetch);

/* Is `host`, as the caller writes it ("*.example.org": all below), where it asks now? Nothing is after a downgrade. */
bool login_is_at(const struct fetch *fetch, const char *host);

#endif
