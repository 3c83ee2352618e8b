/* header.c: the header fields of a request, and who gets which of them.
 * SPDX-License-Identifier: MIT
 */
#include "header.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "date.h"
#include "jar.h"
#include "login.h"

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

/* What the caller wants sent there, as it was last said. */
struct fields {
    size_t count;
    struct ldl_header list[];
};

/* Is it for this host alone, and more to the point than its namesake for all? */
static bool is_scoped(const struct fetch *fetch, const char *name)
{
    const struct ldl_request *options = fetch_options(fetch);
    for (size_t i = 0; i < options->host_header_count; i++) {
        const struct ldl_host_header *scoped = &options->host_headers[i];
        if (strcasecmp(scoped->name, name) == 0 && login_is_at(fetch, scoped->host))
            return true;
    }
    return false;
}

/* It describes a body that a redirect has left behind (RFC 9110, 15.4). */
static bool is_void(const struct fetch *fetch, const char *name)
{
    return fetch->plain_get && strncasecmp(name, "Content-", strlen("Content-")) == 0;
}

static void choose(struct fields *out, const struct fetch *fetch, const struct ldl_header *list,
                   size_t count)
{
    bool all = login_is_known(fetch);
    for (size_t i = 0; i < count; i++)
        if ((all || harmless(list[i].name)) && !is_scoped(fetch, list[i].name)
            && !is_void(fetch, list[i].name))
            out->list[out->count++] = list[i];
}

static void choose_scoped(struct fields *out, const struct fetch *fetch)
{
    const struct ldl_request *options = fetch_options(fetch);
    for (size_t i = 0; i < options->host_header_count; i++) {
        const struct ldl_host_header *scoped = &options->host_headers[i];
        if (login_is_at(fetch, scoped->host))
            out->list[out->count++] = (struct ldl_header){scoped->name, scoped->value};
    }
}

/* `sent`: in the place of the request's own, or NULL. */
static struct fields *choose_all(const struct fetch *fetch, const struct head *sent)
{
    const struct ldl_request *options = fetch_options(fetch);
    size_t count = sent ? sent->count : options->header_count;
    size_t most = count + options->host_header_count;
    struct fields *out = malloc(sizeof *out + most * sizeof *out->list);
    if (!out)
        return NULL;
    out->count = 0;
    choose(out, fetch, sent ? sent->headers : options->headers, count);
    choose_scoped(out, fetch);
    return out;
}

static bool has(const struct fields *fields, const char *name)
{
    for (size_t i = 0; i < fields->count; i++)
        if (strcasecmp(fields->list[i].name, name) == 0)
            return true;
    return false;
}

/* Of the session, unless the caller says which ones; none after a downgrade, as they are credentials. */
static int add_cookies(struct fetch *fetch, const struct fields *fields)
{
    struct jar *jar = fetch->transfer->jar;
    if (!jar || fetch->bare || has(fields, "Cookie"))
        return 0;
    struct site site = fetch_site(fetch);
    char *cookies = jar_header(jar, &site, time(NULL));
    int result = cookies ? add_header(fetch, &(struct ldl_header){"Cookie", cookies}) : 0;
    free(cookies);
    return result;
}

static int add_bearer(struct fetch *fetch, const struct fields *fields)
{
    const char *token = login_bearer(fetch);
    char *value = NULL;
    if (!token || has(fields, "Authorization"))
        return 0;
    if (asprintf(&value, "Bearer %s", token) < 0)
        return -LDL_NO_MEMORY;
    int result = add_header(fetch, &(struct ldl_header){"Authorization", value});
    free(value);
    return result;
}

/* Does the caller's copy still hold? Asked once, of the whole (RFC 9110, 13.1.2 and 13.1.3). */
static int add_question(struct fetch *fetch, const struct fields *fields)
{
    const struct ldl_request *options = fetch_options(fetch);
    char date[DATE_SIZE];
    int result = 0;
    if (fetch->purpose != FETCH_FIRST || has(fields, "If-None-Match")
        || has(fields, "If-Modified-Since"))
        return 0;
    if (options->if_none_match)
        result = add_header(fetch, &(struct ldl_header){"If-None-Match", options->if_none_match});
    if (result != 0 || options->if_modified_since <= 0)
        return result;
    date_format(options->if_modified_since, date);
    return add_header(fetch, &(struct ldl_header){"If-Modified-Since", date});
}

static int add_fields(struct fetch *fetch, const struct fields *fields)
{
    int result = 0;
    for (size_t i = 0; result == 0 && i < fields->count; i++)
        result = add_header(fetch, &fields->list[i]);
    if (result == 0)
        result = add_bearer(fetch, fields);
    if (result == 0)
        result = add_cookies(fetch, fields);
    if (result == 0)
        result = add_condition(fetch);
    if (result == 0)
        result = add_question(fetch, fields);
    if (result == 0 && fetch_options(fetch)->body && !fetch->plain_get)
        result = drop_defaults(fetch, has(fields, "Content-Type"));
    /* Coded bytes have other offsets (H39): ask for none. */
    if (result == 0 && !has(fields, "Accept-Encoding"))
        result = append(fetch, "Accept-Encoding: identity");
    return result;
}

int header_build(struct fetch *fetch)
{
    struct transfer *transfer = fetch->transfer;
    pthread_mutex_lock(&transfer->lock);
    struct head *sent = head_ref(transfer->sent);
    pthread_mutex_unlock(&transfer->lock);
    struct fields *fields = choose_all(fetch, sent);
    int result = fields ? add_fields(fetch, fields) : -LDL_NO_MEMORY;
    free(fields);
    head_unref(sent);
    return result;
}
