/* send.c: the request of a fetch, and where a redirect leads it.
 * SPDX-License-Identifier: MIT
 *
 * Redirects are followed here and not by libcurl, which would take credentials, cookies and custom headers along to
 * another host and knows no limit (H60 to H64).
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
#include "date.h"
#include "jar.h"
#include "trace.h"

#define FEW 16 /* streams of the session up to which each gets a large receive buffer */

static const struct ldl_request *options_of(const struct fetch *fetch)
{
    return &fetch->transfer->request.options;
}

static bool trusted(const struct fetch *fetch)
{
    const struct ldl_request *options = options_of(fetch);
    for (size_t i = 0; !fetch->bare && i < options->trusted_host_count; i++)
        if (strcasecmp(options->trusted_hosts[i], fetch->url.host) == 0)
            return true;
    return false;
}

static bool harmless(const char *name)
{
    return strcasecmp(name, "Accept") == 0 || strcasecmp(name, "User-Agent") == 0;
}

static int append(struct fetch *fetch, const char *line)
{
    struct curl_slist *list = curl_slist_append(fetch->header_list, line);
    if (!list)
        return -LDL_NO_MEMORY;
    fetch->header_list = list;
    return 0;
}

/* Only strong validators go into If-Range (RFC 9110, 13.1.5). */
static int add_condition(struct fetch *fetch)
{
    char line[sizeof "If-Range: " + sizeof fetch->answer.seen.etag];
    char date[DATE_SIZE];
    struct transfer *transfer = fetch->transfer;
    if (!fetch->conditional)
        return 0;
    pthread_mutex_lock(&transfer->lock);
    const struct identity *known = &transfer->known;
    if (known->etag_strength == ETAG_NONE)
        date_format(known->last_modified, date);
    snprintf(line, sizeof line, "If-Range: %s",
             known->etag_strength == ETAG_NONE ? date : known->etag);
    pthread_mutex_unlock(&transfer->lock);
    return append(fetch, line);
}

/* An empty value is sent as "Name;", which is how libcurl is told so. */
static int add_header(struct fetch *fetch, const struct ldl_header *header)
{
    char *line = NULL;
    int length = header->value[0] ? asprintf(&line, "%s: %s", header->name, header->value)
                                  : asprintf(&line, "%s;", header->name);
    if (length < 0)
        return -LDL_NO_MEMORY;
    int result = append(fetch, line);
    free(line);
    return result;
}

/* libcurl would call any body a form, and wait a second for leave to send a large one. */
static int drop_defaults(struct fetch *fetch, bool typed)
{
    int result = append(fetch, "Expect:");
    return result == 0 && !typed ? append(fetch, "Content-Type:") : result;
}

/* What the caller wants sent, as it was last said. */
struct fields {
    const struct ldl_header *list;
    size_t count;
    struct head *held; /* one reference, or NULL */
};

static struct fields take_fields(struct fetch *fetch)
{
    struct transfer *transfer = fetch->transfer;
    const struct ldl_request *options = options_of(fetch);
    pthread_mutex_lock(&transfer->lock);
    struct head *held = head_ref(transfer->sent);
    pthread_mutex_unlock(&transfer->lock);
    return held ? (struct fields){held->headers, held->count, held}
                : (struct fields){options->headers, options->header_count, NULL};
}

static bool has_own_cookies(const struct fields *fields)
{
    for (size_t i = 0; i < fields->count; i++)
        if (strcasecmp(fields->list[i].name, "Cookie") == 0)
            return true;
    return false;
}

/* Of the session, unless the caller says which ones; none after a downgrade, as they are credentials. */
static int add_cookies(struct fetch *fetch, const struct fields *fields)
{
    struct jar *jar = fetch->transfer->jar;
    if (!jar || fetch->bare || has_own_cookies(fields))
        return 0;
    struct site site = fetch_site(fetch);
    char *cookies = jar_header(jar, &site, time(NULL));
    int result = cookies ? add_header(fetch, &(struct ldl_header){"Cookie", cookies}) : 0;
    free(cookies);
    return result;
}

static int add_fields(struct fetch *fetch, const struct fields *fields)
{
    bool all = !fetch->stripped || trusted(fetch);
    bool encoding = false, typed = false;
    int result = 0;
    for (size_t i = 0; result == 0 && i < fields->count; i++) {
        const struct ldl_header *header = &fields->list[i];
        if (!all && !harmless(header->name))
            continue;
        encoding = encoding || strcasecmp(header->name, "Accept-Encoding") == 0;
        typed = typed || strcasecmp(header->name, "Content-Type") == 0;
        result = add_header(fetch, header);
    }
    if (result == 0)
        result = add_cookies(fetch, fields);
    if (result == 0)
        result = add_condition(fetch);
    if (result == 0 && options_of(fetch)->body)
        result = drop_defaults(fetch, typed);
    /* Coded bytes have other offsets (H39): ask for none. */
    return result == 0 && !encoding ? append(fetch, "Accept-Encoding: identity") : result;
}

static int build_headers(struct fetch *fetch)
{
    struct fields fields = take_fields(fetch);
    int result = add_fields(fetch, &fields);
    head_unref(fields.held);
    return result;
}

static curl_socket_t open_socket(void *subject, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct fetch *fetch = subject;
    (void) purpose;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd < 0)
        fetch->socket_errno = errno; /* libcurl loses it (P6) */
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

static void set_security(CURL *easy, const struct ldl_request *options)
{
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, options->insecure ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, options->insecure ? 0L : 2L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
    if (options->cacert)
        curl_easy_setopt(easy, CURLOPT_CAINFO, options->cacert);
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
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, few ? 512L * 1024 : 128L * 1024);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, fetch);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, fetch->detail);
    if (options->proxy)
        curl_easy_setopt(easy, CURLOPT_PROXY, options->proxy);
}

static void set_http(struct fetch *fetch, CURL *easy, const struct ldl_request *options)
{
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_FAILONERROR, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT,
                     options->user_agent ? options->user_agent : "luadl/" LDL_VERSION);
    const char *user = fetch->url.user;
    if (!user && !fetch->bare && (!fetch->stripped || trusted(fetch)))
        user = options->user ? options->user : fetch->transfer->request.url.user;
    if (user && !fetch->bare) {
        curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long) CURLAUTH_BASIC);
        curl_easy_setopt(easy, CURLOPT_USERPWD, user);
    }
}

static void set_trace(struct fetch *fetch, CURL *easy, const struct ldl_request *options)
{
    if (!options->trace)
        return;
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, connection_trace_request);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, fetch);
}

static bool is_get(const char *method)
{
    return !method || strcmp(method, "GET") == 0;
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
    else if (method && (body || !is_get(method)))
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
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
    const struct ldl_request *options = options_of(fetch);
    send_clear(fetch);
    curl_easy_reset(easy);
    int result = build_headers(fetch);
    if (result != 0)
        return result;
    set_security(easy, options);
    set_network(fetch, easy, options);
    set_http(fetch, easy, options);
    set_trace(fetch, easy, options);
    set_method(fetch, easy, options);
    set_range(fetch, easy);
    pin_address(fetch, easy);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, fetch->header_list);
    CURLcode code = curl_easy_setopt(easy, CURLOPT_URL, fetch->url.text);
    return code == CURLE_OK ? 0 : -LDL_NO_MEMORY;
}

void send_clear(struct fetch *fetch)
{
    curl_slist_free_all(fetch->header_list);
    curl_slist_free_all(fetch->resolve_list);
    fetch->header_list = NULL;
    fetch->resolve_list = NULL;
}

/* Redirects */

static bool visited_before(const struct fetch *fetch, const char *url)
{
    for (int i = 0; i < fetch->hops; i++)
        if (strcmp(fetch->visited[i], url) == 0)
            return true;
    return strcmp(fetch->url.text, url) == 0;
}

static int refuse(struct fetch *fetch, int kind, const char *why, const char *where)
{
    char shown[160];
    url_redact(where, shown, sizeof shown);
    error_set(&fetch->error, kind, fetch->url.text, "%s: %s", why, shown);
    return -kind;
}

/* May the chain go on to `next`? */
static int judge_hop(struct fetch *fetch, const struct url *next)
{
    const struct ldl_request *options = options_of(fetch);
    bool downgrade = strcmp(fetch->url.scheme, "https") == 0 && strcmp(next->scheme, "http") == 0;
    if (downgrade && !options->allow_downgrade)
        return refuse(fetch, LDL_REDIRECT_FORBIDDEN, "redirect from https to http is refused",
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

int send_follow(struct fetch *fetch)
{
    char *joined = NULL;
    struct url next = {0};
    int result = url_join(fetch->url.text, fetch->location, &joined);
    if (result == 0)
        result = url_parse(joined, &next);
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
