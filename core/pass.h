/* pass.h: the body of an answer that is read in order: into the window, as far as there is room.
 * SPDX-License-Identifier: MIT */
#ifndef LUADL_PASS_H
#define LUADL_PASS_H

#include "fetch.h"

/* Takes the bytes, all or a part of them. False: the window is full. The stream pauses with all of them, and gets them
 * again when the reader has made room. */
bool pass_body(struct fetch *fetch, const char *bytes, size_t length);

/* Of the bytes that come now so many came before the pause. */
size_t pass_known(const struct fetch *fetch, size_t length);

/* The reader has made room. */
void pass_resume(struct fetch *fetch);

/* The reader let it wait so long that the server may have lost its patience: its failure is no failure. */
bool pass_excuses(const struct fetch *fetch);

#endif
