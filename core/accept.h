/* accept.h: the head of an answer: read, judged, and applied to its transfer.
 * SPDX-License-Identifier: MIT
 */
#ifndef LUADL_ACCEPT_H
#define LUADL_ACCEPT_H

#include "fetch.h"

/* libcurl's header callback: bounds what a server may send before the body. */
size_t accept_header(char *bytes, size_t size, size_t count, void *fetch);
void accept_refuse_header(struct fetch *fetch);

/* At the first body byte, or at the end of an empty body: PARKED, BODY or DRAIN, or fetch->error. */
void accept_head(struct fetch *fetch);

/* Nobody had told the length, and the body has ended: it is what came. */
void accept_total(struct fetch *fetch);

/* The stream takes its part of the plan, or is cut. Transfer lock held. */
void accept_join(struct fetch *fetch);

#endif
