/* request.c: what the caller asks for: checked, copied, with its defaults filled in.
 * SPDX-License-Identifier: MIT */
#include "request.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "chunk.h"

#define AHEAD_MOST ((int64_t) 1 << 40)

/* Checks */

static bool is_token(const char *text)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    const char *c = text;
    for (; *c; c++)
        if (!(*c >= '0' && *c <= '9') && !((*c | 32) >= 'a' && (*c | 32) <= 'z')
            && !strchr(others, *c))
            return false;
    return c > text;
}

static bool is_clean(const char *text)
{
    for (; text && *text; text++)
        if (((unsigned char) *text < 0x20 && *text != '\t') || *text == 0x7f)
            return false;
    return true;
}

/* What the engine itself must say, and what would change the framing. */
static bool is_reserved(const char *name)
{
    static const char *const names[] = {"Range", "If-Range", "Content-Length", "Transfer-Encoding",
                                        "Connection"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(names[i], name) == 0)
            return true;
    return false;
}

static bool are_headers(const struct ldl_header *list, size_t count)
{
    bool good = true;
    for (size_t i = 0; good && i < count; i++)
        good = list[i].name && list[i].value && is_token(list[i].name) && is_clean(list[i].value)
               && !is_reserved(list[i].name);
    return good;
}

static bool are_host_headers(const struct ldl_host_header *list, size_t count)
{
    bool good = true;
    for (size_t i = 0; good && i < count; i++) {
        struct ldl_header header = {list[i].name, list[i].value};
        good = list[i].host && is_clean(list[i].host) && are_headers(&header, 1);
    }
    return good;
}

static bool are_logins(const struct ldl_login *list, size_t count)
{
    bool good = true;
    for (size_t i = 0; good && i < count; i++)
        good = list[i].host && list[i].user && is_clean(list[i].user);
    return good;
}

/* "host:port:address", as far as the engine cuts it. */
static bool are_addresses(const char *const *list, size_t count)
{
    bool good = true;
    for (size_t i = 0; good && i < count; i++) {
        const char *port = list[i] ? strchr(list[i], ':') : NULL;
        good = port && strchr(port + 1, ':') && is_clean(list[i]);
    }
    return good;
}

/* A file can't be made of a HEAD. */
static bool is_method(const struct ldl_request *request)
{
    const char *method = request->method;
    return !method || (is_token(method) && (request->in_memory || strcmp(method, "HEAD") != 0));
}

/* Who reads in order has no file. */
static bool is_readable(const struct ldl_request *request)
{
    bool other = request->in_memory || request->head_only || request->verify || request->target;
    return request->ahead >= 0 && request->ahead <= AHEAD_MOST && !(request->ahead > 0 && other);
}

/* Whatever goes to a server, but for the lists. */
static bool are_texts_clean(const struct ldl_request *request)
{
    const char *const said[] = {request->user_agent, request->user,       request->bearer,
                                request->proxy,      request->no_proxy,   request->doh,
                                request->interface,  request->pinned_key, request->if_none_match};
    bool good = true;
    for (size_t i = 0; good && i < sizeof said / sizeof *said; i++)
        good = is_clean(said[i]);
    return good;
}

bool request_is_get(const struct ldl_request *request)
{
    return request->method ? strcmp(request->method, "GET") == 0 && !request->body : !request->body;
}

bool request_trusts(const struct ldl_request *request, const char *host)
{
    for (size_t i = 0; i < request->trusted_host_count; i++)
        if (strcasecmp(request->trusted_hosts[i], host) == 0)
            return true;
    return false;
}

int request_check_retry(const struct ldl_retry *how)
{
    return is_clean(how->user) && are_headers(how->headers, how->header_count) ? 0 : -LDL_USAGE;
}

int request_check(const struct ldl_request *request)
{
    bool good = are_texts_clean(request) && is_method(request) && request->range.start >= 0
                && (request->range.end == 0 || request->range.end > request->range.start)
                && request->connections <= CONNECTIONS_MOST && is_readable(request);
    good = good && are_host_headers(request->host_headers, request->host_header_count)
           && are_logins(request->logins, request->login_count)
           && are_addresses(request->addresses, request->address_count);
    return good && are_headers(request->headers, request->header_count) ? 0 : -LDL_USAGE;
}

/* Copies */

/* Where each text is that a request may have. */
static const size_t texts[] = {
    offsetof(struct ldl_request, user_agent),    offsetof(struct ldl_request, user),
    offsetof(struct ldl_request, bearer),        offsetof(struct ldl_request, proxy),
    offsetof(struct ldl_request, no_proxy),      offsetof(struct ldl_request, doh),
    offsetof(struct ldl_request, interface),     offsetof(struct ldl_request, cacert),
    offsetof(struct ldl_request, capath),        offsetof(struct ldl_request, cert),
    offsetof(struct ldl_request, key),           offsetof(struct ldl_request, known_hosts),
    offsetof(struct ldl_request, key_password),  offsetof(struct ldl_request, pinned_key),
    offsetof(struct ldl_request, expect_type),   offsetof(struct ldl_request, method),
    offsetof(struct ldl_request, if_none_match),
};

#define TEXTS (sizeof texts / sizeof *texts)

static const char **text_of(struct ldl_request *options, size_t index)
{
    return (const char **) ((char *) options + texts[index]);
}

static void free_list(const void *list, size_t count)
{
    const char *const *items = list;
    for (size_t i = 0; items && i < count; i++)
        free((void *) items[i]);
    free((void *) items);
}

static bool copy(const char **out, const char *text)
{
    *out = text ? strdup(text) : NULL;
    return *out || !text;
}

/* A list of texts, or of structs that have nothing else. */
static void *copy_list(const void *given, size_t count)
{
    const char *const *items = given;
    const char **list = calloc(count + 1, sizeof *list);
    bool complete = list != NULL;
    for (size_t i = 0; complete && i < count; i++)
        complete = copy(&list[i], items[i]);
    if (complete)
        return list;
    free_list(list, count);
    return NULL;
}

static bool copy_lists(struct ldl_request *options, const struct ldl_request *given)
{
    options->headers = copy_list(given->headers, 2 * given->header_count);
    options->trusted_hosts = copy_list(given->trusted_hosts, given->trusted_host_count);
    options->logins = copy_list(given->logins, 2 * given->login_count);
    options->host_headers = copy_list(given->host_headers, 3 * given->host_header_count);
    options->addresses = copy_list(given->addresses, given->address_count);
    return options->headers && options->trusted_hosts && options->logins && options->host_headers
           && options->addresses;
}

static bool copy_body(struct ldl_request *options, const void *body)
{
    void *bytes = body ? malloc(options->body_length + 1) : NULL;
    if (bytes)
        memcpy(bytes, body, options->body_length);
    options->body = bytes;
    return bytes || !body;
}

static void set_defaults(struct ldl_request *options)
{
    if (options->connections <= 0)
        options->connections = 8;
    options->no_resume = options->no_resume || options->ahead > 0 || !request_is_get(options);
    if (options->max_redirects == 0)
        options->max_redirects = 10;
    if (options->min_split <= 0)
        options->min_split = CHUNK_BLOCK;
    if (options->connect_timeout <= 0)
        options->connect_timeout = 10;
    if (options->first_byte_timeout <= 0)
        options->first_byte_timeout = 30;
    if (options->stall_timeout <= 0)
        options->stall_timeout = 20;
}

/* What isn't HTTP comes as one stream to a file, or fails. */
static int simplify(struct ldl_request *options)
{
    options->connections = 1;
    options->no_resume = true;
    options->adopt = false;
    bool simple = !options->in_memory && options->range.end == 0 && request_is_get(options);
    return simple ? 0 : -LDL_USAGE;
}

/* A failure leaves NULLs: model_unref frees what there is. */
static bool fill(struct ldl_request *options, const struct ldl_request *given)
{
    *options = *given;
    options->url = NULL;
    options->target = NULL;
    bool complete = true;
    for (size_t i = 0; i < TEXTS; i++)
        complete = copy(text_of(options, i), *text_of(options, i)) && complete;
    complete = copy_body(options, given->body) && complete;
    complete = copy_lists(options, given) && complete;
    set_defaults(options);
    return complete;
}

int model_new(const struct ldl_request *given, struct ldl_model **out)
{
    struct ldl_model *model = malloc(sizeof *model);
    *out = NULL;
    if (!model)
        return -LDL_NO_MEMORY;
    atomic_init(&model->refs, 1);
    if (fill(&model->options, given)) {
        *out = model;
        return 0;
    }
    model_unref(model);
    return -LDL_NO_MEMORY;
}

void model_unref(struct ldl_model *model)
{
    if (!model || atomic_fetch_sub(&model->refs, 1) != 1)
        return;
    struct ldl_request *options = &model->options;
    for (size_t i = 0; i < TEXTS; i++)
        free((void *) *text_of(options, i));
    free((void *) options->body);
    free_list(options->headers, 2 * options->header_count);
    free_list(options->trusted_hosts, options->trusted_host_count);
    free_list(options->logins, 2 * options->login_count);
    free_list(options->host_headers, 3 * options->host_header_count);
    free_list(options->addresses, options->address_count);
    free(model);
}

int request_init(struct request *request, struct ldl_model *model, const char *url)
{
    atomic_fetch_add(&model->refs, 1);
    request->model = model;
    request->options = model->options;
    int result = url_parse(url, &request->url);
    return result == 0 && !request->url.web ? simplify(&request->options) : result;
}

void request_free(struct request *request)
{
    model_unref(request->model);
    url_free(&request->url);
}
