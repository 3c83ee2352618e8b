/* date.h: HTTP dates (RFC 9110, 5.6.7). Pure, and the same in every locale and time zone.
 * SPDX-License-Identifier: MIT */
#ifndef LUADL_DATE_H
#define LUADL_DATE_H

#include <stdbool.h>
#include <stdint.h>

/* Seconds since the epoch from any of the three forms; false for others and before 1970. */
bool date_parse(const char *text, int64_t *out);
/* A date as cookies have it (RFC 6265, 5.1.1): in any form that has all its parts; from 1601 on. */
bool date_parse_cookie(const char *text, int64_t *out);

#define DATE_SIZE 30
/* "Sun, 06 Nov 1994 08:49:37 GMT"; seconds since the epoch, up to the year 9999. */
void date_format(int64_t seconds, char out[DATE_SIZE]);

#endif
