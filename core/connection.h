/* connection.h: what libcurl tells of the connection that an answer came on.
 * SPDX-License-Identifier: MIT */
#ifndef LUADL_CONNECTION_H
#define LUADL_CONNECTION_H

#include "fetch.h"

/* The plan learns how long a request takes. Transfer lock held. */
void connection_measure(struct fetch *fetch);

/* Who answered, or "": into `address`. */
void connection_address(struct fetch *fetch, char *address, size_t size);

/* The address that answered serves the next streams, too. Transfer lock held. */
void connection_pin(struct fetch *fetch);

/* Several requests share it. */
bool connection_is_http2(struct fetch *fetch);

/* TRACE events for its beginning and for the request that is about to be sent: a
 * CURLOPT_PREREQFUNCTION whose subject is the fetch. */
int connection_trace_request(void *subject, char *address, char *local, int port, int local_port);

/* A TRACE event for the first byte. */
void connection_trace_answer(struct fetch *fetch, int status);

#endif
