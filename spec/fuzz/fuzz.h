/* fuzz.h: what the fuzz targets have in common: their entry, and response heads from bytes.
 * SPDX-License-Identifier: MIT
 *
 * A target is NAME_fuzz.c with its corpus in corpus/NAME. What must hold is asserted: a crash is a
 * finding. `make fuzz` links a target with libFuzzer, `make test` with replay.c.
 */
#ifndef LUADL_FUZZ_H
#define LUADL_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "field.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is not read yet. */
struct input {
    const char *at;
    size_t left;
};

/* The next line without its end, of any kind, as an owned string; NULL after the last. What stands
 * behind a NUL is lost. */
char *input_line(struct input *input);

/* The lines "Name: value" up to an empty one; lines without a colon are no headers. */
struct head {
    struct ldl_header *list;
    size_t count;
};

struct head head_read(struct input *input);
/* All lines up to the end, each a value of the header `name`. */
struct head head_of_values(struct input *input, const char *name);
void head_free(struct head *head);
struct fields head_fields(const struct head *head);
/* The n-th value of a name, from 0, or NULL. */
const char *head_value(const struct head *head, const char *name, size_t n);

#endif
