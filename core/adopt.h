/* adopt.h: what aria2 and axel left of a download, as extents. Pure.
 * SPDX-License-Identifier: MIT
 *
 * Their records are hostile until they add up, and even then they know no identity and no hash, and
 * were never synced: before an extent counts, the total must be the server's, the data file must
 * reach to the extent's end, and the bytes must have been compared.
 *
 * NAME.aria2, big endian since version 1, before that in the machine's order, which is taken to be
 * little endian:
 *
 *   u16 version (big endian), u32 extension and u32 length of an info hash: 0 unless BitTorrent
 *   u32 piece length, u64 total, u64 uploaded
 *   u32 length of the bitfield, bitfield: a bit per piece, the highest one first; spare ones are 0
 *   u32 count, {u32 piece, u32 its length, u32 length of its bitfield, its bitfield}[]: in flight
 *
 * Only complete pieces count: of one in flight at most a piece length is fetched again.
 *
 * NAME.st of axel 2.17, in the machine's order, taken to be little endian:
 *
 *   u16 count, u64 bytes done, {u64 position, u64 end}[]: the connections
 *
 * An idle connection takes over the second half of another's range and forgets its own, which is
 * complete. So what lies between a position and its end is missing, all else is there, and the
 * total is the bytes done and what is missing. An older axel's ends are the last bytes themselves:
 * by those the total comes out too small.
 */
#ifndef LUADL_ADOPT_H
#define LUADL_ADOPT_H

#include <stddef.h>
#include <stdint.h>

#include "luadl.h"

struct adopted {
    int64_t total;              /* at least 1 */
    struct ldl_extent *extents; /* sorted, disjoint, coalesced, within the total */
    size_t count;
};

/* Return 0, -LDL_JOURNAL_CORRUPT or -LDL_NO_MEMORY; free in any case. */
int adopt_aria2(const void *bytes, size_t size, struct adopted *out);
int adopt_axel(const void *bytes, size_t size, struct adopted *out);

void adopt_free(struct adopted *adopted);

#endif
