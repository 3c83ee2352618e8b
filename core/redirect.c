/* redirect.c: where a redirect leads a fetch.
 * SPDX-License-Identifier: MIT
 *
 * Redirects are followed here and not by libcurl, which would take credentials, cookies and custom headers along to
 * another host and knows no limit (H60 to H64).
 */
#include "redirect.h"

#include <stdlib.h>
#include <string.h>

#include "trace.h"

/* RFC 9110, 15.4: 303 is answered by a GET, and so are 301 and 302 to a POST, as everybody does. */
void redirect_take(struct fetch *fetch, int status, const char *location)
{
    const struct ldl_request *options = fetch_options(fetch);
    const char *method = options->method ? options->method : options->body ? "POST" : "GET";
    bool post = strcmp(method, "POST") == 0;
    bool get = (status == 303 && strcmp(method, "HEAD") != 0) || (status < 303 && post);
    if (get && !fetch->plain_get)
        fetch->asked_otherwise = fetch->hops + 1;
    fetch->plain_get = fetch->plain_get || get;
    fetch->location = strdup(location);
    if (!fetch->location)
        fetch_refuse(fetch, LDL_NO_MEMORY);
}

/* The same question again, as far as the URL tells. */
static bool visited_before(const struct fetch *fetch, const char *url)
{
    for (int i = fetch->asked_otherwise; i < fetch->hops; i++)
        if (strcmp(fetch->visited[i], url) == 0)
            return true;
    return fetch->asked_otherwise <= fetch->hops && strcmp(fetch->url.text, url) == 0;
}

static int refuse(struct fetch *fetch, int kind, const char *why, const char *where)
{
    char shown[160];
    url_redact(where, shown, sizeof shown);
    error_set(&fetch->error, kind, fetch->url.text, "%s: %s", why, shown);
    return -kind;
}

/* What is sent may tell as much as a header does (H63): a form is how many log in. */
static bool gives_body_away(const struct fetch *fetch, const struct url *next, bool downgrade)
{
    if (!fetch_options(fetch)->body || fetch->plain_get)
        return false;
    return downgrade
           || (!url_same_origin(&fetch->transfer->request.url, next)
               && !request_trusts(fetch_options(fetch), next->host));
}

/* May the chain go on to `next`? */
static int judge_hop(struct fetch *fetch, const struct url *next)
{
    const struct ldl_request *options = fetch_options(fetch);
    bool downgrade = strcmp(fetch->url.scheme, "https") == 0 && strcmp(next->scheme, "http") == 0;
    if (downgrade && !options->allow_downgrade)
        return refuse(fetch, LDL_REDIRECT_FORBIDDEN, "redirect from https to http is refused",
                      next->text);
    if (gives_body_away(fetch, next, downgrade))
        return refuse(fetch, LDL_REDIRECT_FORBIDDEN, "what is sent isn't taken elsewhere",
                      next->text);
    if (fetch->hops >= options->max_redirects)
        return refuse(fetch, LDL_REDIRECT_LIMIT, "too many redirects, the next would go to",
                      next->text);
    if (visited_before(fetch, next->text))
        return refuse(fetch, LDL_REDIRECT_LIMIT, "redirect loop back to", next->text);
    fetch->bare = fetch->bare || downgrade;
    return 0;
}

static int remember_hop(struct fetch *fetch)
{
    char **list = realloc(fetch->visited, (size_t) (fetch->hops + 1) * sizeof *list);
    if (!list)
        return -LDL_NO_MEMORY;
    fetch->visited = list;
    list[fetch->hops] = strdup(fetch->url.text);
    if (!list[fetch->hops])
        return -LDL_NO_MEMORY;
    fetch->hops++;
    return 0;
}

static void move_to(struct fetch *fetch, struct url *next)
{
    fetch->stripped = fetch->stripped || !url_same_origin(&fetch->transfer->request.url, next);
    fetch->redirected = true;
    url_free(&fetch->url);
    fetch->url = *next;
}

int redirect_follow(struct fetch *fetch)
{
    char *joined = NULL;
    struct url next = {0};
    int result = url_join(fetch->url.text, fetch->location, &joined);
    if (result == 0)
        result = url_parse(joined, &next);
    if (result == 0 && !next.web)
        result = -LDL_BAD_URL;
    if (result != 0 && result != -LDL_NO_MEMORY)
        result = refuse(fetch, LDL_REDIRECT_FORBIDDEN, "redirect to what is not fetched",
                        joined ? joined : fetch->location);
    if (result == 0)
        result = judge_hop(fetch, &next);
    if (result == 0)
        result = remember_hop(fetch);
    if (result == 0)
        trace_step(fetch->transfer, LDL_STEP_REDIRECT, fetch->stream, fetch->ask, 0, next.text,
                   "from %s", fetch->url.host);
    if (result == 0)
        move_to(fetch, &next);
    else
        url_free(&next);
    free(joined);
    return result;
}
