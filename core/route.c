/* route.c: the way to the server: from which address, past which names, through which proxy.
 * SPDX-License-Identifier: MIT
 *
 * An address in the place of DNS is CURLOPT_CONNECT_TO's and not CURLOPT_RESOLVE's: that would put it into the names
 * that the other downloads of its thread share.
 */
#include "route.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "host:port:address" to libcurl's "host:port:address:port"; "*" is any host, an empty one to libcurl. */
static char *address_of(const char *entry)
{
    const char *port = strchr(entry, ':') + 1, *address = strchr(port, ':') + 1;
    int port_length = (int) (address - port - 1);
    bool any = entry[0] == '*', v6 = strchr(address, ':') && address[0] != '[';
    char *text = NULL;
    int length = asprintf(&text, "%.*s:%.*s:%s%s%s:%.*s", any ? 0 : (int) (port - entry - 1), entry,
                          port_length, port, v6 ? "[" : "", address, v6 ? "]" : "", port_length,
                          port);
    return length < 0 ? NULL : text;
}

static int add_address(struct fetch *fetch, const char *entry)
{
    char *text = address_of(entry);
    struct curl_slist *list = text ? curl_slist_append(fetch->connect_list, text) : NULL;
    free(text);
    if (!list)
        return -LDL_NO_MEMORY;
    fetch->connect_list = list;
    return 0;
}

static int set_addresses(struct fetch *fetch)
{
    const struct ldl_request *options = fetch_options(fetch);
    int result = 0;
    for (size_t i = 0; result == 0 && i < options->address_count; i++)
        result = add_address(fetch, options->addresses[i]);
    if (fetch->connect_list)
        curl_easy_setopt(fetch->easy, CURLOPT_CONNECT_TO, fetch->connect_list);
    return result;
}

static void set_proxy(CURL *easy, const struct ldl_request *options)
{
    bool digest = options->proxy_auth == LDL_AUTH_DIGEST;
    if (options->proxy)
        curl_easy_setopt(easy, CURLOPT_PROXY, options->proxy);
    if (options->no_proxy)
        curl_easy_setopt(easy, CURLOPT_NOPROXY, options->no_proxy);
    curl_easy_setopt(easy, CURLOPT_PROXYAUTH, digest ? CURLAUTH_DIGEST : CURLAUTH_BASIC);
}

int route_set(struct fetch *fetch)
{
    const struct ldl_request *options = fetch_options(fetch);
    CURLcode code = CURLE_OK;
    set_proxy(fetch->easy, options);
    if (options->ip)
        curl_easy_setopt(fetch->easy, CURLOPT_IPRESOLVE,
                         options->ip == 6 ? CURL_IPRESOLVE_V6 : CURL_IPRESOLVE_V4);
    if (options->interface)
        code = curl_easy_setopt(fetch->easy, CURLOPT_INTERFACE, options->interface);
    if (code == CURLE_OK && options->doh)
        code = curl_easy_setopt(fetch->easy, CURLOPT_DOH_URL, options->doh);
    return code == CURLE_OK ? set_addresses(fetch) : -LDL_USAGE;
}

/* As libcurl looks them up; its answer, CURLINFO_USED_PROXY, came with 8.7. */
static bool environment_has_proxy(void)
{
    static const char *const names[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
                                        "ALL_PROXY"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (getenv(names[i]))
            return true;
    return false;
}

bool route_is_direct(const struct fetch *fetch)
{
    const struct ldl_request *options = fetch_options(fetch);
    return !options->proxy && options->address_count == 0 && !environment_has_proxy();
}
