/* send.c: the request of a fetch, as libcurl is told of it.
 * SPDX-License-Identifier: MIT
 */
#include "send.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

#include "connection.h"
#include "header.h"
#include "login.h"
#include "route.h"
#include "single.h"
#include "throttle.h"
#include "tls.h"

#define FEW 16 /* streams of the session up to which each gets a large receive buffer */

static curl_socket_t open_socket(void *subject, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct fetch *fetch = subject;
    (void) purpose;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd < 0)
        fetch->socket_errno = errno; /* libcurl loses it (P6) */
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

/* What libcurl would do by itself, were it not told. */
static void set_limits(CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
}

/* libcurl gives each of a host's addresses half of what is left. A deadline that is nearer must leave the others their
 * share, too; then it ends the attempt before libcurl does. */
static long connect_milliseconds(const struct fetch *fetch, const struct ldl_request *options)
{
    double seconds = options->connect_timeout, deadline = fetch->transfer->deadline;
    double left = deadline > 0 ? deadline - monotonic() : seconds;
    seconds = left < seconds ? left : seconds;
    return (seconds > 0 ? (long) (seconds * 1000) : 0) + 1; /* 0 would be libcurl's own 300 s */
}

static void set_network(struct fetch *fetch, CURL *easy, const struct ldl_request *options)
{
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, connect_milliseconds(fetch, options));
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT,
                     1L); /* backstop only; our watchdogs are earlier */
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long) (60 + options->stall_timeout));
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, 60L);
    bool few = atomic_load(fetch->transfer->streams) <= FEW;
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE,
                     throttle_buffer(fetch, few ? 512L * 1024 : 128L * 1024));
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, fetch);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, fetch->detail);
}

/* HTTP/2 is for many small files: the ranges of a large one have connections of their own (L20, L21), and what can't be
 * asked twice must not depend on it (H51). */
static bool may_multiplex(const struct fetch *fetch, const struct ldl_request *options)
{
    return options->http == LDL_HTTP_2 && !fetch->http1 && !fetch_has_span(fetch)
           && request_is_get(options);
}

static void set_http(struct fetch *fetch, CURL *easy, const struct ldl_request *options)
{
    bool multiplexed = may_multiplex(fetch, options);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                     multiplexed ? (long) CURL_HTTP_VERSION_2TLS : (long) CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, (long) multiplexed);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_FAILONERROR, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT,
                     options->user_agent ? options->user_agent : "luadl/" LDL_VERSION);
}

static void set_login(struct fetch *fetch, CURL *easy, const struct ldl_request *options)
{
    const char *user = login_user(fetch);
    bool digest = options->auth == LDL_AUTH_DIGEST;
    if (!user)
        return;
    curl_easy_setopt(easy, CURLOPT_HTTPAUTH, digest ? CURLAUTH_DIGEST : CURLAUTH_BASIC);
    curl_easy_setopt(easy, CURLOPT_USERPWD, user);
}

static void set_trace(struct fetch *fetch, CURL *easy, const struct ldl_request *options)
{
    if (!options->trace)
        return;
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, connection_trace_request);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, fetch);
}

/* What a server may act on twice when it is asked twice (RFC 9110, 9.2.2); libcurl does that when a kept connection
 * turns out to be dead. */
static bool must_be_fresh(const char *method)
{
    return method && (strcmp(method, "POST") == 0 || strcmp(method, "PATCH") == 0);
}

/* The body goes along while the method is the caller's: after a redirect it may be a GET (RFC 9110, 15.4). */
static void set_method(struct fetch *fetch, CURL *easy, const struct ldl_request *options)
{
    const char *method = fetch->plain_get ? NULL : options->method;
    const void *body = fetch->plain_get ? NULL : options->body;
    if (body) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) options->body_length);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    }
    if (method && strcmp(method, "HEAD") == 0)
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    else if (method && (body || strcmp(method, "GET") != 0))
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
    if (must_be_fresh(!method && body ? "POST" : method))
        curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
}

static void set_range(struct fetch *fetch, CURL *easy)
{
    char range[48];
    if (!fetch->ranged)
        return;
    if (fetch->ask.end == INT64_MAX)
        snprintf(range, sizeof range, "%lld-", (long long) fetch->ask.first);
    else
        snprintf(range, sizeof range, "%lld-%lld", (long long) fetch->ask.first,
                 (long long) fetch->ask.end - 1);
    curl_easy_setopt(easy, CURLOPT_RANGE, range);
}

/* The address that answered the first request serves the others too: no thread resolves the name again (L32). */
static void pin_address(struct fetch *fetch, CURL *easy)
{
    struct transfer *transfer = fetch->transfer;
    pthread_mutex_lock(&transfer->lock);
    if (transfer->pinned && fetch_has_span(fetch))
        fetch->resolve_list = curl_slist_append(NULL, transfer->pinned);
    bool fresh = transfer->fresh;
    transfer->fresh = false;
    pthread_mutex_unlock(&transfer->lock);
    if (fetch->resolve_list)
        curl_easy_setopt(easy, CURLOPT_RESOLVE, fetch->resolve_list);
    if (fresh)
        curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
}

int send_configure(struct fetch *fetch)
{
    CURL *easy = fetch->easy;
    const struct ldl_request *options = fetch_options(fetch);
    send_clear(fetch);
    curl_easy_reset(easy);
    int result = header_build(fetch);
    if (result == 0)
        result = tls_set(fetch);
    if (result == 0)
        result = route_set(fetch);
    if (result != 0)
        return result;
    set_limits(easy);
    set_network(fetch, easy, options);
    set_http(fetch, easy, options);
    set_login(fetch, easy, options);
    set_trace(fetch, easy, options);
    set_method(fetch, easy, options);
    set_range(fetch, easy);
    pin_address(fetch, easy);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, fetch->header_list);
    CURLcode code = curl_easy_setopt(easy, CURLOPT_URL, fetch->url.text);
    if (code != CURLE_OK)
        return -LDL_NO_MEMORY;
    return fetch->url.web ? 0 : single_set(fetch);
}

void send_clear(struct fetch *fetch)
{
    curl_slist_free_all(fetch->header_list);
    curl_slist_free_all(fetch->resolve_list);
    curl_slist_free_all(fetch->connect_list);
    fetch->header_list = NULL;
    fetch->resolve_list = NULL;
    fetch->connect_list = NULL;
}
