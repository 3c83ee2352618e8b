/* adopt_fuzz.c: no bytes make extents outside the file, out of order or touching.
 * SPDX-License-Identifier: MIT
 *
 * The first byte of an input says whose record the rest is: axel's if odd, else aria2's.
 */
#include "adopt.h"

#include <assert.h>

#include "fuzz.h"

static void check_extents(const struct adopted *adopted)
{
    int64_t last = -1; /* a gap of at least one byte lies between two */
    assert(adopted->total > 0);
    for (size_t i = 0; i < adopted->count; i++) {
        assert(adopted->extents[i].start > last);
        assert(adopted->extents[i].end > adopted->extents[i].start);
        last = adopted->extents[i].end;
    }
    assert(last <= adopted->total);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct adopted adopted;
    if (size == 0)
        return 0;
    int result = data[0] % 2 == 1 ? adopt_axel(data + 1, size - 1, &adopted)
                                  : adopt_aria2(data + 1, size - 1, &adopted);
    assert(result == 0 || result == -LDL_JOURNAL_CORRUPT);
    if (result == 0)
        check_extents(&adopted);
    else
        assert(adopted.extents == NULL && adopted.count == 0);
    adopt_free(&adopted);
    return 0;
}
