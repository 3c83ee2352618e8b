/* tls.h: whom a fetch trusts, and what it shows of itself, in TLS.
 * SPDX-License-Identifier: MIT */
#ifndef LUADL_TLS_H
#define LUADL_TLS_H

#include "fetch.h"

/* Sets its easy handle's options. 0; -LDL_USAGE: this libcurl has no such thing; or another negative kind. */
int tls_set(struct fetch *fetch);

#endif
