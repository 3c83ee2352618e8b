/* code.h: from errno to the kinds of luadl.h. Names and texts of the kinds are in code.c.
 * SPDX-License-Identifier: MIT */
#ifndef LUADL_CODE_H
#define LUADL_CODE_H

#include "luadl.h"

/* The kind that an errno of a file operation means; LDL_IO where nothing fits better. */
int code_of_errno(int errnum);

#endif
