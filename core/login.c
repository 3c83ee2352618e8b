/* login.c: as whom a fetch asks, and where the caller's own words go.
 * SPDX-License-Identifier: MIT
 *
 * A redirect may lead anywhere: what tells who somebody is goes to the origin of the URL that they named, and to hosts
 * that they named with it. What was asked for over https goes nowhere over http.
 */
#include "login.h"

#include <string.h>
#include <strings.h>

bool login_is_known(const struct fetch *fetch)
{
    return !fetch->bare
           && (!fetch->stripped || request_trusts(fetch_options(fetch), fetch->url.host));
}

bool login_is_at(const struct fetch *fetch, const char *host)
{
    const char *here = fetch->url.host;
    size_t length = strlen(here);
    if (fetch->bare)
        return false;
    if (host[0] != '*' || host[1] != '.')
        return strcasecmp(host, here) == 0;
    size_t tail = strlen(++host);
    return length > tail && strcasecmp(here + length - tail, host) == 0;
}

static const char *find(const struct fetch *fetch)
{
    const struct ldl_request *options = fetch_options(fetch);
    const char *otherwise = NULL;
    for (size_t i = 0; i < options->login_count; i++) {
        const struct ldl_login *login = &options->logins[i];
        if (login_is_at(fetch, login->host))
            return login->user;
        if (!login->host[0] && !fetch->stripped && !otherwise)
            otherwise = login->user;
    }
    return otherwise;
}

/* The URL's own, else the caller's, else what is noted for the host. */
const char *login_user(const struct fetch *fetch)
{
    const struct request *request = &fetch->transfer->request;
    if (fetch->bare)
        return NULL;
    if (fetch->url.user)
        return fetch->url.user;
    if (login_is_known(fetch) && request->options.user)
        return request->options.user;
    if (login_is_known(fetch) && request->url.user)
        return request->url.user;
    return login_bearer(fetch) ? NULL : find(fetch);
}

const char *login_bearer(const struct fetch *fetch)
{
    return login_is_known(fetch) ? fetch_options(fetch)->bearer : NULL;
}
