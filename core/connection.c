/* connection.c: what libcurl tells of the connection that an answer came on.
 * SPDX-License-Identifier: MIT */
#include "connection.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "route.h"
#include "trace.h"

void connection_measure(struct fetch *fetch)
{
    struct plan *plan = &fetch->transfer->plan;
    double turnaround = monotonic() - fetch->asked;
    curl_off_t resolved = 0, connected = 0;
    long connections = 0;
    plan->turnaround = plan->turnaround > 0 ? (3 * plan->turnaround + turnaround) / 4 : turnaround;
    curl_easy_getinfo(fetch->easy, CURLINFO_NUM_CONNECTS, &connections);
    curl_easy_getinfo(fetch->easy, CURLINFO_NAMELOOKUP_TIME_T, &resolved);
    curl_easy_getinfo(fetch->easy, CURLINFO_CONNECT_TIME_T, &connected);
    if (connections > 0 && connected > resolved)
        plan->round_trip = (double) (connected - resolved) * 1e-6;
}

void connection_address(struct fetch *fetch, char *address, size_t size)
{
    const char *found = NULL;
    curl_easy_getinfo(fetch->easy, CURLINFO_PRIMARY_IP, &found);
    snprintf(address, size, "%s", found ? found : "");
}

void connection_pin(struct fetch *fetch)
{
    struct transfer *transfer = fetch->transfer;
    const char *address = NULL;
    curl_easy_getinfo(fetch->easy, CURLINFO_PRIMARY_IP, &address);
    free(transfer->pinned);
    transfer->pinned = NULL;
    if (!route_is_direct(fetch) || !address || !address[0])
        return;
    bool v6 = strchr(address, ':') != NULL;
    if (asprintf(&transfer->pinned, "+%s:%s:%s%s%s", fetch->url.host, fetch->url.port,
                 v6 ? "[" : "", address, v6 ? "]" : "")
        < 0)
        transfer->pinned = NULL;
}

bool connection_is_http2(struct fetch *fetch)
{
    long version = 0;
    curl_easy_getinfo(fetch->easy, CURLINFO_HTTP_VERSION, &version);
    return version == CURL_HTTP_VERSION_2_0;
}

static double seconds_of(struct fetch *fetch, CURLINFO what)
{
    curl_off_t microseconds = 0;
    curl_easy_getinfo(fetch->easy, what, &microseconds);
    return (double) microseconds * 1e-6;
}

static void trace_connection(struct fetch *fetch, const char *address)
{
    struct transfer *transfer = fetch->transfer;
    double dns = seconds_of(fetch, CURLINFO_NAMELOOKUP_TIME_T);
    double connect = seconds_of(fetch, CURLINFO_CONNECT_TIME_T);
    double tls = seconds_of(fetch, CURLINFO_APPCONNECT_TIME_T);
    trace_step(transfer, LDL_STEP_DNS, fetch->stream, fetch->ask, dns, NULL, "%s", fetch->url.host);
    trace_step(transfer, LDL_STEP_CONNECT, fetch->stream, fetch->ask, connect - dns, NULL, "to %s",
               address);
    if (tls > 0)
        trace_step(transfer, LDL_STEP_TLS, fetch->stream, fetch->ask, tls - connect, NULL,
                   "with %s", fetch->url.host);
}

int connection_trace_request(void *subject, char *address, char *local, int port, int local_port)
{
    struct fetch *fetch = subject;
    long connections = 0;
    (void) local, (void) port, (void) local_port;
    curl_easy_getinfo(fetch->easy, CURLINFO_NUM_CONNECTS, &connections);
    if (connections > 0)
        trace_connection(fetch, address ? address : "");
    trace_step(fetch->transfer, LDL_STEP_REQUEST, fetch->stream, fetch->ask,
               monotonic() - fetch->asked, fetch->url.text,
               connections > 0 ? "on a new connection" : "on a kept connection");
    return CURL_PREREQFUNC_OK;
}

void connection_trace_answer(struct fetch *fetch, int status)
{
    double sent = seconds_of(fetch, CURLINFO_PRETRANSFER_TIME_T);
    double first = seconds_of(fetch, CURLINFO_STARTTRANSFER_TIME_T);
    trace_step(fetch->transfer, LDL_STEP_FIRST_BYTE, fetch->stream, fetch->ask,
               first > sent ? first - sent : 0, fetch->url.text,
               fetch->url.web ? "status %d" : "of the file", status);
}
