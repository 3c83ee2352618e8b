/* validator_fuzz.c: what two heads say of themselves, and the laws that comparing them obeys.
 * SPDX-License-Identifier: MIT
 *
 * An input is two heads with an empty line between them.
 */
#include <assert.h>
#include <string.h>

#include "answer.h"
#include "fuzz.h"

#define NOW 784111777.0

static struct identity identify(const struct head *head)
{
    static const struct asked whole = {.last = -1};
    struct answer answer;
    answer_judge(&whole, NULL, 200, head->list, head->count, NOW, &answer);
    return answer.seen;
}

/* H23, H27: strong is one quoted value, sent once or always the same, and nothing else. */
static void check_etag(const struct head *head, const struct identity *seen)
{
    const char *first = head_value(head, "ETag", 0), *other;
    if (seen->etag_strength == ETAG_NONE)
        return;
    size_t length = strlen(seen->etag);
    assert(first != NULL && length >= 3 && length < sizeof seen->etag);
    assert(seen->etag[0] == '"' && strchr(seen->etag + 1, '"') == seen->etag + length - 1);
    for (size_t n = 0; (other = head_value(head, "ETag", n)); n++) {
        const char *start = other + strspn(other, " \t");
        assert(strncmp(start, first + strspn(first, " \t"), length - 2) == 0);
        if (seen->etag_strength == ETAG_STRONG)
            assert(strncmp(start, seen->etag, length) == 0
                   && strspn(start + length, " \t") == strlen(start + length));
    }
}

static void check_time(const struct identity *seen)
{
    assert(seen->last_modified >= -1);
    assert(!seen->last_modified_strong || seen->last_modified > 0);
}

static void check_alone(const struct head *head, const struct identity *seen)
{
    check_etag(head, seen);
    check_time(seen);
    assert(identity_agrees(seen, seen) && !identity_flipped(seen, seen));
    assert(identity_proven(seen, seen) == (seen->etag_strength == ETAG_STRONG));
    assert(identity_time_vouches(seen, seen) == seen->last_modified_strong);
}

static void check_symmetry(const struct identity *a, const struct identity *b)
{
    assert(identity_total_differs(a, b) == identity_total_differs(b, a));
    assert(identity_etag_matches(a, b) == identity_etag_matches(b, a));
    assert(identity_etag_differs(a, b) == identity_etag_differs(b, a));
    assert(identity_time_differs(a, b) == identity_time_differs(b, a));
    assert(identity_proven(a, b) == identity_proven(b, a));
    assert(identity_time_vouches(a, b) == identity_time_vouches(b, a));
}

static void check_laws(const struct identity *known, const struct identity *seen)
{
    bool agrees = identity_agrees(known, seen), proven = identity_proven(known, seen);
    assert(!proven || (identity_etag_matches(known, seen) && !identity_time_differs(known, seen))
           || known->last_modified_strong || seen->last_modified_strong);
    assert(!(identity_etag_matches(known, seen) && identity_etag_differs(known, seen)));
    assert(!(identity_time_vouches(known, seen) && identity_time_differs(known, seen)));
    assert(!(agrees && identity_flipped(known, seen)));
    assert(!agrees || known->total < 0 || seen->total < 0 || known->total == seen->total);
    assert(!agrees || known->etag_strength == ETAG_NONE || strcmp(known->etag, seen->etag) == 0);
    assert(!agrees || !known->last_modified_strong || seen->last_modified < 0
           || known->last_modified == seen->last_modified);
}

/* What is written at an offset of the known resource agrees with it (I3, H20). */
static void check_join(const struct identity *known, const struct head *head)
{
    static const struct asked again = {.ranged = true, .last = -1, .joining = true};
    struct answer answer;
    answer_judge(&again, known, 200, head->list, head->count, NOW, &answer);
    if (answer.verdict != ANSWER_WHOLE)
        return;
    assert(identity_agrees(known, &answer.seen));
    assert(strcmp(known->type, answer.seen.type) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {(const char *) data, size};
    struct head first = head_read(&input), second = head_read(&input);
    struct identity known = identify(&first), seen = identify(&second);
    check_alone(&first, &known);
    check_alone(&second, &seen);
    check_symmetry(&known, &seen);
    check_laws(&known, &seen);
    check_laws(&seen, &known);
    check_join(&known, &second);
    head_free(&first);
    head_free(&second);
    return 0;
}
