/* request.c: what the caller asks for: checked, copied, with its defaults filled in.
 * SPDX-License-Identifier: MIT */
#include "request.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "chunk.h"

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

int request_check_retry(const struct ldl_retry *how)
{
    return is_clean(how->user) && are_headers(how->headers, how->header_count) ? 0 : -LDL_USAGE;
}

int request_check(const struct ldl_request *request)
{
    bool good = request->url && is_clean(request->user_agent) && is_clean(request->user)
                && request->range.start >= 0
                && (request->range.end == 0 || request->range.end > request->range.start)
                && (!request->method || is_token(request->method))
                && (request->in_memory || (!request->method && !request->body))
                && request->connections <= CONNECTIONS_MOST;
    good = good && (!request->target || (request->target->name && request->target->name[0]));
    return good && are_headers(request->headers, request->header_count) ? 0 : -LDL_USAGE;
}

/* Copies */

static bool copy(const char **out, const char *text)
{
    *out = text ? strdup(text) : NULL;
    return *out || !text;
}

static bool copy_headers(struct ldl_request *options, const struct ldl_header *given)
{
    size_t count = options->header_count;
    struct ldl_header *list = calloc(count + 1, sizeof *list);
    bool complete = list != NULL;
    for (size_t i = 0; complete && i < count; i++)
        complete = copy(&list[i].name, given[i].name) && copy(&list[i].value, given[i].value);
    options->headers = list;
    return complete;
}

static bool copy_hosts(struct ldl_request *options, const char *const *given)
{
    const char **list = calloc(options->trusted_host_count + 1, sizeof *list);
    bool complete = list != NULL;
    for (size_t i = 0; complete && i < options->trusted_host_count; i++)
        complete = copy(&list[i], given[i]);
    options->trusted_hosts = list;
    return complete;
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

/* A failure leaves NULLs from the first missing copy on: request_free frees what there is. */
int request_copy(const struct ldl_request *given, struct request *out)
{
    struct ldl_request *options = &out->options;
    *options = *given;
    options->target = NULL;
    options->headers = NULL;
    options->trusted_hosts = NULL;
    options->body = NULL;
    const char **texts[] = {&options->url,   &options->user_agent, &options->user,
                            &options->proxy, &options->cacert,     &options->expect_type,
                            &options->method};
    bool complete = true;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!complete)
            *texts[i] = NULL;
        else
            complete = copy(texts[i], *texts[i]);
    complete = complete && copy_body(options, given->body) && copy_headers(options, given->headers)
               && copy_hosts(options, given->trusted_hosts);
    set_defaults(options);
    return complete ? url_parse(options->url, &out->url) : -LDL_NO_MEMORY;
}

void request_free(struct request *request)
{
    struct ldl_request *options = &request->options;
    const char *texts[] = {options->url,    options->user_agent,  options->user,  options->proxy,
                           options->cacert, options->expect_type, options->method};
    free((void *) options->body);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        free((void *) texts[i]);
    for (size_t i = 0; options->headers && i < options->header_count; i++) {
        free((void *) options->headers[i].name);
        free((void *) options->headers[i].value);
    }
    for (size_t i = 0; options->trusted_hosts && i < options->trusted_host_count; i++)
        free((void *) options->trusted_hosts[i]);
    free((void *) options->headers);
    free((void *) options->trusted_hosts);
    url_free(&request->url);
}
