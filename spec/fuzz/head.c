/* head.c: response heads from the bytes of an input.
 * SPDX-License-Identifier: MIT
 *
 * Every name and value is an allocation of its own, so that AddressSanitizer sees a read past its
 * end.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fuzz.h"

static void *must(void *memory)
{
    assert(memory != NULL);
    return memory;
}

char *input_line(struct input *input)
{
    if (input->left == 0)
        return NULL;
    const char *end = memchr(input->at, '\n', input->left);
    size_t length = end ? (size_t) (end - input->at) : input->left;
    size_t text = length > 0 && input->at[length - 1] == '\r' ? length - 1 : length;
    char *line = must(strndup(input->at, text));
    length += end != NULL;
    input->at += length;
    input->left -= length;
    return line;
}

static void add(struct head *head, const char *name, size_t length, const char *value)
{
    head->list = must(realloc(head->list, (head->count + 1) * sizeof *head->list));
    head->list[head->count++] =
        (struct ldl_header){must(strndup(name, length)), must(strdup(value))};
}

struct head head_read(struct input *input)
{
    struct head head = {0};
    char *line;
    while ((line = input_line(input)) && line[0]) {
        const char *colon = strchr(line, ':');
        if (colon)
            add(&head, line, (size_t) (colon - line), colon + 1);
        free(line);
    }
    free(line);
    return head;
}

struct head head_of_values(struct input *input, const char *name)
{
    struct head head = {0};
    char *line;
    while ((line = input_line(input))) {
        add(&head, name, strlen(name), line);
        free(line);
    }
    return head;
}

void head_free(struct head *head)
{
    for (size_t i = 0; i < head->count; i++) {
        free((void *) head->list[i].name);
        free((void *) head->list[i].value);
    }
    free(head->list);
    *head = (struct head){0};
}

struct fields head_fields(const struct head *head)
{
    return (struct fields){head->list, head->count};
}

const char *head_value(const struct head *head, const char *name, size_t n)
{
    for (size_t i = 0; i < head->count; i++)
        if (strcasecmp(head->list[i].name, name) == 0 && n-- == 0)
            return head->list[i].value;
    return NULL;
}
