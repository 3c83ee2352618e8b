/* request.h: what the caller asks for: checked, copied, with its defaults filled in.
 * SPDX-License-Identifier: MIT */
#ifndef LUADL_REQUEST_H
#define LUADL_REQUEST_H

#include <stdatomic.h>

#include "luadl.h"
#include "url.h"

#define CONNECTIONS_MOST 256

/* What is asked, but for the URL: owned copies, immutable, shared by the requests that are made of it. */
struct ldl_model {
    atomic_int refs;
    struct ldl_request options;
};

struct request {
    struct ldl_model *model;    /* one reference */
    struct ldl_request options; /* its pointers are the model's */
    struct url url;
};

/* No line break and no header of the engine's own gets into a request (S3). 0 or -LDL_USAGE. */
int request_check(const struct ldl_request *request);
int request_check_retry(const struct ldl_retry *how);

/* It may be asked in parts, and again (RFC 9110, 9.2). */
bool request_is_get(const struct ldl_request *request);

/* Is this a host that the caller trusts with what is meant for the first one? */
bool request_trusts(const struct ldl_request *request, const char *host);

/* Copies every string. 0 or -LDL_NO_MEMORY. */
int model_new(const struct ldl_request *given, struct ldl_model **out);
void model_unref(struct ldl_model *model); /* the last reference frees */

/* 0, -LDL_BAD_URL, -LDL_USAGE or -LDL_NO_MEMORY. request_free also after a failure. */
int request_init(struct request *request, struct ldl_model *model, const char *url);
void request_free(struct request *request);

#endif
