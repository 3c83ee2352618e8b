/* answer_fuzz.c: whatever a head says, the verdict moves no byte to where it does not belong.
 * SPDX-License-Identifier: MIT
 *
 * An input is a line "status first last max_size", the head that made the resource known (none:
 * nothing is known yet), an empty line, and the head to judge. first -1: no range is asked for.
 */
#include "answer.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define NOW 784111777.0

/* What the engine never asks is made something that it does. */
static struct asked read_asked(const char *line, int *status)
{
    int64_t first = 0, last = -1, most = 0;
    *status = 206;
    sscanf(line, "%d %18" SCNd64 " %18" SCNd64 " %18" SCNd64, status, &first, &last, &most);
    struct asked asked = {.ranged = first >= 0, .last = -1, .max_size = most, .host = "host.test"};
    if (first > 0)
        asked.first = first;
    if (first >= 0 && last >= first)
        asked.last = last;
    return asked;
}

static bool make_known(const struct head *head, struct identity *out)
{
    static const struct asked whole = {.last = -1};
    struct answer answer;
    answer_judge(&whole, NULL, 200, head->list, head->count, NOW, &answer);
    *out = answer.seen;
    return head->count > 0;
}

/* What joins says nothing else of the resource than what is known (H20). */
static void check_joined(const struct asked *asked, const struct identity *known,
                         const struct answer *answer)
{
    const struct identity *seen = &answer->seen;
    if (!asked->joining)
        return;
    assert(known->total < 0 || seen->total < 0 || known->total == seen->total);
    assert(known->etag_strength == ETAG_NONE || strcmp(known->etag, seen->etag) == 0);
    assert(!known->last_modified_strong || seen->last_modified < 0
           || known->last_modified == seen->last_modified);
}

static void check_range(const struct asked *asked, const struct identity *known,
                        const struct answer *answer)
{
    int64_t total = answer->seen.total >= 0 ? answer->seen.total : known->total;
    assert(asked->ranged && answer->first == asked->first);
    assert(answer->last >= answer->first && (asked->last < 0 || answer->last <= asked->last));
    assert(total > answer->last && (answer->seen.total >= 0 || asked->joining));
    assert(answer->length < 0 || answer->length > answer->last - answer->first);
    assert(asked->max_size <= 0 || answer->seen.total <= asked->max_size);
    check_joined(asked, known, answer);
}

static void check_whole(const struct asked *asked, const struct identity *known,
                        const struct answer *answer)
{
    assert((!asked->ranged || asked->first == 0) && answer->first == 0);
    assert(answer->length == answer->seen.total);
    assert(answer->last == (answer->length > 0 ? answer->length - 1 : -1));
    assert(asked->max_size <= 0 || answer->length <= asked->max_size);
    check_joined(asked, known, answer);
}

static void check_reason(const struct answer *answer)
{
    assert(answer->kind > LDL_OK && answer->kind < LDL_KINDS && answer->reason[0]);
    for (const char *c = answer->reason; *c; c++)
        assert((unsigned char) *c >= 0x20 && (unsigned char) *c < 0x7f);
}

static void check_verdict(const struct asked *asked, const struct identity *known, int status,
                          const struct answer *answer)
{
    switch (answer->verdict) {
    case ANSWER_RANGE:
        assert(status == 206 && answer->kind == LDL_OK);
        check_range(asked, known, answer);
        break;
    case ANSWER_WHOLE:
        assert(status == 200 && answer->kind == LDL_OK);
        check_whole(asked, known, answer);
        break;
    case ANSWER_REDIRECT:
        assert(status > 300 && status < 309 && answer->location && answer->location[0]);
        break;
    case ANSWER_PLAIN:
        assert(status == 416 && asked->ranged && asked->first == 0 && !asked->joining);
        break;
    case ANSWER_IGNORED:
        assert(status == 200 && asked->first > 0 && asked->joining);
        check_reason(answer);
        break;
    case ANSWER_FLIPPED: assert(asked->joining && identity_time_vouches(known, &answer->seen));
    /* fallthrough */
    default: check_reason(answer);
    }
    assert(answer->retry_after == -1 || answer->retry_after > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {(const char *) data, size};
    struct identity known;
    struct answer answer;
    int status;
    char *line = input_line(&input);
    struct asked asked = read_asked(line ? line : "", &status);
    struct head before = head_read(&input), head = head_read(&input);
    asked.joining = make_known(&before, &known);
    answer_judge(&asked, &known, status, head.list, head.count, NOW, &answer);
    check_verdict(&asked, &known, status, &answer);
    head_free(&before);
    head_free(&head);
    free(line);
    return 0;
}
