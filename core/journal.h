/* journal.h: the resume record: what is known of a half-finished download, as bytes. Pure.
 * SPDX-License-Identifier: MIT
 *
 * A journal file is a header page and two slots of equal length. Records are written to the slots
 * in turn, by the parity of seq: a torn write can only hurt the older one. Bytes that are read are
 * hostile until proven otherwise.
 *
 * Header page: magic, u32 version, u32 slot length, zeros, and in its last 8 bytes the XXH3 of all
 * before; all but the slot length stays where it is in every version. A record fills whole pages
 * from the slot's start; all numbers are little endian:
 *
 *   magic "LUADLJ1\0", u32 version, u32 length of the record, u64 seq, u64 total (unknown: ~0)
 *   u8 flags: 1 total known, 2 ranges work, 4 committed, and then: text final name
 *   u8 ETag strength, text ETag, i64 Last-Modified, i64 Date (unknown: -1)
 *   text media type, text content coding
 *   text URL, u64 hash of the original URL
 *   u32 count, {u64 start, u64 end}[]: sorted, disjoint, coalesced; total unknown: at most [0, n)
 *   u32 block shift, u64 XXH3[]: of each block wholly within an extent, in order; 0: none known
 *   u8 boot id[16], u64 mount id, u64 XXH3 of the bytes of extents that lie in no whole block
 *   zeros, and at the very end the u64 XXH3 of all before
 *
 * A text is a u32 length and so many bytes. Total unknown: no blocks, no hashes.
 */
#ifndef LUADL_JOURNAL_H
#define LUADL_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "identity.h"
#include "luadl.h"

#define JOURNAL_PAGE 4096
#define JOURNAL_SLOT_MOST ((size_t) 64 << 20)
#define JOURNAL_FILE_MOST (JOURNAL_PAGE + 2 * JOURNAL_SLOT_MOST) /* don't read a larger file */
#define JOURNAL_BLOCK_SHIFT 20

/* Besides 0 and negative kinds: another version's, to be left as it is (F19). */
enum { JOURNAL_FOREIGN_VERSION = 1 };

struct journal {
    uint64_t seq;             /* from 1; its parity is the slot */
    struct identity identity; /* total -1: unknown; strength of Last-Modified follows from date */
    int64_t date;             /* of the answer that Last-Modified is from; -1: unknown */
    bool ranges_ok;
    bool committed;    /* all is there and synced: renaming it to `name` is what is left */
    char name[256];    /* one path component; "" unless committed */
    char *url;         /* without userinfo; NULL is "" */
    uint64_t url_hash; /* journal_hash of the original URL, which a replaced one keeps */
    struct ldl_extent *extents;
    size_t extent_count;
    uint32_t block_shift;
    uint64_t *hashes; /* one for each of journal_block_count(), 0: none known; or NULL */
    uint64_t edges;   /* of journal_edges of all extents; 0: not known */
    unsigned char boot_id[16];
    uint64_t mount_id;
};

struct journal_layout {
    uint32_t slot_length;
    int64_t file_size;
};

/* Nothing known; block_shift JOURNAL_BLOCK_SHIFT. */
void journal_init(struct journal *journal);
/* url, extents and hashes, where they are on the heap; then it is as after journal_init. */
void journal_free(struct journal *journal);

/* XXH3_64bits (of a block, a URL), never 0: a sum of 0 becomes 1. */
uint64_t journal_hash(const void *bytes, size_t length);

/* Blocks of 1 MiB; larger ones where a record would have over 2 MiB of hashes. */
uint32_t journal_block_shift(int64_t total);
/* The same for a total that became known late: its slots were laid out for none. */
uint32_t journal_late_shift(int64_t total);

/* Room for so many extents and a URL so long, and for the hashes of all blocks. total -1: unknown.
 * -LDL_TOO_LARGE: a slot would exceed JOURNAL_SLOT_MOST; -LDL_USAGE: impossible numbers. */
int journal_layout(int64_t total, uint32_t block_shift, uint32_t extents, size_t url,
                   struct journal_layout *out);
int64_t journal_slot_offset(const struct journal_layout *layout, uint64_t seq);

void journal_encode_header(const struct journal_layout *layout, void *page);
/* 0, JOURNAL_FOREIGN_VERSION or -LDL_JOURNAL_CORRUPT. */
int journal_read_header(const void *bytes, size_t size, struct journal_layout *out);

/* Writes the first `used` bytes of the slot, whole pages; the rest of it doesn't matter. Extents
 * that don't fit are left out, the smallest first: that loses progress and never correctness.
 * -LDL_USAGE: not a record that could be read again; -LDL_TOO_LARGE: not even without extents;
 * -LDL_NO_MEMORY. */
int journal_encode_slot(const struct journal *journal, void *slot, size_t length, size_t *used);
/* 0 (then journal_free it), JOURNAL_FOREIGN_VERSION, -LDL_JOURNAL_CORRUPT or -LDL_NO_MEMORY. Its
 * extents are sorted, disjoint, coalesced and within the total; the name is one component, the
 * other texts have no control characters; its memory is bounded by `length`. Whether the URL is
 * one to be fetched the caller's rules say. */
int journal_decode_slot(const void *slot, size_t length, struct journal *out);
/* The valid slot with the highest seq, and the layout to write on with (where the header is damaged
 * or the file is short, it has to be made whole before). Results as above. */
int journal_newest(const void *file, size_t size, struct journal *out,
                   struct journal_layout *layout);

/* 0 when the total is unknown. */
int64_t journal_block_count(const struct journal *journal);
/* The bytes of a block; the last one may be short. */
struct ldl_extent journal_block(const struct journal *journal, int64_t number);
/* The numbers of the blocks that lie wholly within the extent: [start, end), empty if equal. */
struct ldl_extent journal_blocks_in(const struct journal *journal, struct ldl_extent extent);
/* The bytes before and after them: all of the extent and nothing where it has no whole block. */
void journal_edges(const struct journal *journal, struct ldl_extent extent,
                   struct ldl_extent out[2]);
/* Takes all edges out of the extents. */
void journal_remove_edges(struct journal *journal);
/* Takes bytes out of the extents (a bad block, or all past the end of a truncated part) and forgets
 * the hashes of the blocks they are in. Extents are on the heap. 0 or -LDL_NO_MEMORY. */
int journal_remove(struct journal *journal, struct ldl_extent gone);

#endif
