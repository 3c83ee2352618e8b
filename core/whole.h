/* whole.h: a small body that came as a whole before its file was open.
 * SPDX-License-Identifier: MIT
 *
 * Its stream has ended, and its connection serves the next request. Whoever has the file open first writes it: the disk
 * thread, which then needs nobody's help to publish it, or the transfer's home.
 */
#ifndef LUADL_WHOLE_H
#define LUADL_WHOLE_H

#include "transfer.h"

/* Keeps the bytes, which are the transfer's from now on, if they are all that its file will have. Transfer lock not held. */
bool whole_keep(struct transfer *transfer, char *bytes, size_t size);

/* Writes the one that waits for the file, which is open now. What fails ends the transfer. False: none was waiting. */
bool whole_write(struct transfer *transfer);

#endif
