/* ascii.h: digits and letters, the same in every locale.
 * SPDX-License-Identifier: MIT */
#ifndef LUADL_ASCII_H
#define LUADL_ASCII_H

#include <stdbool.h>

static inline bool ascii_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
}

#endif
