/* journal.c: the resume record: what is known of a half-finished download, as bytes.
 * SPDX-License-Identifier: MIT
 */
#include "journal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#if XXH_VERSION_NUMBER < 800
#error "XXH3 has its final form since xxHash 0.8.0"
#endif

#define VERSION 1
#define FIXED_BYTES 256                        /* more than all that isn't text, extent or hash */
#define VALIDATOR_BYTES (256 + 256 + 128 + 64) /* final name, ETag, media type, coding */
#define EXTENT_BYTES 16
#define HASH_BYTES 8
#define START_BYTES 16 /* magic, version, length */
#define SHIFT_LEAST 12
#define SHIFT_MOST 48
#define BLOCKS_WANTED ((int64_t) 1 << 18)
#define BLOCKS_LATE 512

enum flag { FLAG_TOTAL = 1, FLAG_RANGES = 2, FLAG_COMMITTED = 4, FLAG_ALL = 7 };

static const unsigned char magic[8] = "LUADLJ1";

void journal_init(struct journal *journal)
{
    *journal = (struct journal){.date = -1, .block_shift = JOURNAL_BLOCK_SHIFT};
    identity_clear(&journal->identity);
}

void journal_free(struct journal *journal)
{
    free(journal->url);
    free(journal->extents);
    free(journal->hashes);
    journal_init(journal);
}

uint64_t journal_hash(const void *bytes, size_t length)
{
    uint64_t sum = XXH3_64bits(bytes, length);
    return sum != 0 ? sum : 1;
}

/* Blocks */

static int64_t block_count(int64_t total, uint32_t shift)
{
    if (total < 0)
        return 0;
    int64_t rest = total & (((int64_t) 1 << shift) - 1);
    return (total >> shift) + (rest != 0);
}

int64_t journal_block_count(const struct journal *journal)
{
    return block_count(journal->identity.total, journal->block_shift);
}

static uint32_t shift_for(int64_t total, int64_t blocks)
{
    uint32_t shift = JOURNAL_BLOCK_SHIFT;
    while (block_count(total, shift) > blocks)
        shift++;
    return shift;
}

uint32_t journal_block_shift(int64_t total)
{
    return shift_for(total, BLOCKS_WANTED);
}

uint32_t journal_late_shift(int64_t total)
{
    return shift_for(total, BLOCKS_LATE);
}

struct ldl_extent journal_block(const struct journal *journal, int64_t number)
{
    int64_t size = (int64_t) 1 << journal->block_shift;
    int64_t start = number << journal->block_shift;
    int64_t left = journal->identity.total - start;
    return (struct ldl_extent){start, start + (left < size ? left : size)};
}

struct ldl_extent journal_blocks_in(const struct journal *journal, struct ldl_extent extent)
{
    if (journal->identity.total < 0)
        return (struct ldl_extent){0, 0};
    int64_t first = block_count(extent.start, journal->block_shift);
    int64_t end = extent.end == journal->identity.total ? journal_block_count(journal)
                                                        : extent.end >> journal->block_shift;
    return (struct ldl_extent){first, end > first ? end : first};
}

/* Extents */

static int64_t size_of(struct ldl_extent extent)
{
    return extent.end - extent.start;
}

static size_t count_at_least(const struct journal *journal, int64_t size)
{
    size_t count = 0;
    for (size_t i = 0; i < journal->extent_count; i++)
        count += size_of(journal->extents[i]) >= size;
    return count;
}

/* The least size of which there are at most so many extents. */
static int64_t size_of_the_largest(const struct journal *journal, size_t most)
{
    int64_t low = 1, high = INT64_MAX;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (count_at_least(journal, middle) <= most)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Of extents of one size, where not all fit, the first ones. */
static void keep_largest(const struct journal *journal, size_t most, struct ldl_extent *kept)
{
    if (most == 0)
        return;
    int64_t size = size_of_the_largest(journal, most);
    size_t ties = most - count_at_least(journal, size);
    for (size_t i = 0; i < journal->extent_count; i++) {
        struct ldl_extent extent = journal->extents[i];
        bool tied = size_of(extent) == size - 1 && ties > 0;
        ties -= tied;
        if (tied || size_of(extent) >= size)
            *kept++ = extent;
    }
}

static struct ldl_extent before(struct ldl_extent extent, int64_t at)
{
    return (struct ldl_extent){extent.start, extent.end < at ? extent.end : at};
}

static struct ldl_extent from(struct ldl_extent extent, int64_t at)
{
    return (struct ldl_extent){extent.start > at ? extent.start : at, extent.end};
}

static void append(struct ldl_extent *list, size_t *count, struct ldl_extent extent)
{
    if (size_of(extent) > 0)
        list[(*count)++] = extent;
}

static void forget_hashes(struct journal *journal, struct ldl_extent gone)
{
    int64_t count = journal->hashes != NULL ? journal_block_count(journal) : 0;
    int64_t number = from(gone, 0).start >> journal->block_shift;
    for (; number < count && journal_block(journal, number).start < gone.end; number++)
        if (journal_block(journal, number).end > gone.start) /* the last one is short */
            journal->hashes[number] = 0;
}

int journal_remove(struct journal *journal, struct ldl_extent gone)
{
    if (size_of(gone) <= 0)
        return 0;
    struct ldl_extent *list = calloc(journal->extent_count + 1, sizeof *list);
    if (list == NULL)
        return -LDL_NO_MEMORY;
    size_t count = 0;
    for (size_t i = 0; i < journal->extent_count; i++) {
        append(list, &count, before(journal->extents[i], gone.start));
        append(list, &count, from(journal->extents[i], gone.end));
    }
    free(journal->extents);
    journal->extents = list;
    journal->extent_count = count;
    forget_hashes(journal, gone);
    return 0;
}

void journal_edges(const struct journal *journal, struct ldl_extent extent,
                   struct ldl_extent out[2])
{
    struct ldl_extent blocks = journal_blocks_in(journal, extent);
    out[0] = out[1] = extent;
    if (blocks.start < blocks.end) {
        out[0].end = journal_block(journal, blocks.start).start;
        out[1].start = journal_block(journal, blocks.end - 1).end;
    } else {
        out[1].start = extent.end;
    }
}

void journal_remove_edges(struct journal *journal)
{
    size_t count = 0;
    for (size_t i = 0; i < journal->extent_count; i++) {
        struct ldl_extent edges[2];
        journal_edges(journal, journal->extents[i], edges);
        struct ldl_extent blocks = {edges[0].end, edges[1].start};
        append(journal->extents, &count, blocks);
    }
    journal->extent_count = count;
}

/* What a record must be, written or read */

static bool extents_sound(const struct journal *journal)
{
    int64_t total = journal->identity.total;
    int64_t last = -1; /* a gap of at least one byte lies between two */
    for (size_t i = 0; i < journal->extent_count; i++) {
        struct ldl_extent extent = journal->extents[i];
        if (extent.start <= last || extent.end <= extent.start)
            return false;
        last = extent.end;
    }
    if (total < 0)
        return journal->extent_count == 0
               || (journal->extent_count == 1 && journal->extents[0].start == 0);
    return last <= total;
}

/* These go into requests. */
static bool is_line(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char) *text < 0x20 || *text == 0x7f)
            return false;
    return true;
}

static bool is_opaque_tag(const char *text)
{
    size_t length = strlen(text);
    return length >= 2 && text[0] == '"' && strchr(text + 1, '"') == text + length - 1
           && is_line(text);
}

static bool identity_sound(const struct identity *identity)
{
    bool tag = identity->etag_strength == ETAG_NONE
               || ((identity->etag_strength == ETAG_WEAK || identity->etag_strength == ETAG_STRONG)
                   && is_opaque_tag(identity->etag));
    return tag && identity->total >= -1 && identity->last_modified >= -1 && is_line(identity->type)
           && is_line(identity->coding);
}

static bool is_component(const char *name)
{
    return name[0] != '\0' && strchr(name, '/') == NULL && strcmp(name, ".") != 0
           && strcmp(name, "..") != 0;
}

static const char *url_of(const struct journal *journal)
{
    return journal->url != NULL ? journal->url : "";
}

static bool is_sound(const struct journal *journal)
{
    return journal->seq != 0 && journal->date >= -1 && journal->block_shift >= SHIFT_LEAST
           && journal->block_shift <= SHIFT_MOST && identity_sound(&journal->identity)
           && (!journal->committed || is_component(journal->name)) && is_line(url_of(journal))
           && extents_sound(journal);
}

/* Layout */

static uint64_t page_ceil(uint64_t length)
{
    return (length + JOURNAL_PAGE - 1) / JOURNAL_PAGE * JOURNAL_PAGE;
}

static bool is_slot_length(size_t length)
{
    return length != 0 && length % JOURNAL_PAGE == 0 && length <= JOURNAL_SLOT_MOST;
}

static void set_layout(struct journal_layout *layout, uint32_t slot_length)
{
    layout->slot_length = slot_length;
    layout->file_size = JOURNAL_PAGE + 2 * (int64_t) slot_length;
}

int journal_layout(int64_t total, uint32_t block_shift, uint32_t extents, size_t url,
                   struct journal_layout *out)
{
    if (total < -1 || block_shift < SHIFT_LEAST || block_shift > SHIFT_MOST)
        return -LDL_USAGE;
    if (url > JOURNAL_SLOT_MOST)
        return -LDL_TOO_LARGE;
    uint64_t length = page_ceil(FIXED_BYTES + VALIDATOR_BYTES + url
                                + (uint64_t) extents * EXTENT_BYTES
                                + (uint64_t) block_count(total, block_shift) * HASH_BYTES);
    if (length > JOURNAL_SLOT_MOST)
        return -LDL_TOO_LARGE;
    set_layout(out, (uint32_t) length);
    return 0;
}

int64_t journal_slot_offset(const struct journal_layout *layout, uint64_t seq)
{
    return JOURNAL_PAGE + (int64_t) (seq & 1) * layout->slot_length;
}

/* Writing */

struct writer {
    unsigned char *at;
};

static void put_number(struct writer *writer, uint64_t number, int bytes)
{
    for (int i = 0; i < bytes; i++)
        *writer->at++ = (unsigned char) (number >> (8 * i));
}

static void put_u8(struct writer *writer, unsigned number)
{
    put_number(writer, number, 1);
}

static void put_u32(struct writer *writer, uint64_t number)
{
    put_number(writer, number, 4);
}

static void put_u64(struct writer *writer, uint64_t number)
{
    put_number(writer, number, 8);
}

static void put_bytes(struct writer *writer, const void *bytes, size_t length)
{
    memcpy(writer->at, bytes, length);
    writer->at += length;
}

static void put_text(struct writer *writer, const char *text)
{
    size_t length = strlen(text);
    put_u32(writer, length);
    put_bytes(writer, text, length);
}

static void put_start(struct writer *writer, uint32_t length)
{
    put_bytes(writer, magic, sizeof magic);
    put_u32(writer, VERSION);
    put_u32(writer, length);
}

/* Zeros and the hash, to the end of the whole. */
static void put_seal(struct writer *writer, unsigned char *start, size_t length)
{
    unsigned char *hash = start + length - HASH_BYTES;
    assert(writer->at <= hash);
    memset(writer->at, 0, (size_t) (hash - writer->at));
    writer->at = hash;
    put_u64(writer, journal_hash(start, length - HASH_BYTES));
}

void journal_encode_header(const struct journal_layout *layout, void *page)
{
    struct writer writer = {page};
    put_start(&writer, layout->slot_length);
    put_seal(&writer, page, JOURNAL_PAGE);
}

static void put_state(struct writer *writer, const struct journal *journal)
{
    put_u64(writer, journal->seq);
    put_u64(writer, (uint64_t) journal->identity.total);
    put_u8(writer, (journal->identity.total >= 0 ? FLAG_TOTAL : 0u)
                       | (journal->ranges_ok ? FLAG_RANGES : 0u)
                       | (journal->committed ? FLAG_COMMITTED : 0u));
    if (journal->committed)
        put_text(writer, journal->name);
}

static void put_identity(struct writer *writer, const struct journal *journal)
{
    const struct identity *identity = &journal->identity;
    put_u8(writer, (unsigned) identity->etag_strength);
    put_text(writer, identity->etag_strength != ETAG_NONE ? identity->etag : "");
    put_u64(writer, (uint64_t) identity->last_modified);
    put_u64(writer, (uint64_t) journal->date);
    put_text(writer, identity->type);
    put_text(writer, identity->coding);
}

static void put_extents(struct writer *writer, const struct journal *journal)
{
    put_u32(writer, journal->extent_count);
    for (size_t i = 0; i < journal->extent_count; i++) {
        put_u64(writer, (uint64_t) journal->extents[i].start);
        put_u64(writer, (uint64_t) journal->extents[i].end);
    }
}

static void put_hashes(struct writer *writer, const struct journal *journal)
{
    put_u32(writer, journal->block_shift);
    for (size_t i = 0; i < journal->extent_count; i++) {
        struct ldl_extent blocks = journal_blocks_in(journal, journal->extents[i]);
        for (int64_t number = blocks.start; number < blocks.end; number++)
            put_u64(writer, journal->hashes != NULL ? journal->hashes[number] : 0);
    }
}

static uint64_t text_bytes(const struct journal *journal)
{
    const struct identity *identity = &journal->identity;
    return strlen(journal->name) + strlen(identity->etag) + strlen(identity->type)
           + strlen(identity->coding) + strlen(url_of(journal));
}

static uint64_t bytes_without_extents(const struct journal *journal)
{
    return FIXED_BYTES + text_bytes(journal) + (uint64_t) journal_block_count(journal) * HASH_BYTES;
}

static int64_t complete_blocks(const struct journal *journal)
{
    int64_t count = 0;
    for (size_t i = 0; i < journal->extent_count; i++) {
        struct ldl_extent blocks = journal_blocks_in(journal, journal->extents[i]);
        count += blocks.end - blocks.start;
    }
    return count;
}

static size_t put_record(const struct journal *journal, unsigned char *slot)
{
    uint64_t bytes = FIXED_BYTES + text_bytes(journal) + journal->extent_count * EXTENT_BYTES
                     + (uint64_t) complete_blocks(journal) * HASH_BYTES;
    size_t length = (size_t) page_ceil(bytes);
    struct writer writer = {slot};
    put_start(&writer, (uint32_t) length);
    put_state(&writer, journal);
    put_identity(&writer, journal);
    put_text(&writer, url_of(journal));
    put_u64(&writer, journal->url_hash);
    put_extents(&writer, journal);
    put_hashes(&writer, journal);
    put_bytes(&writer, journal->boot_id, sizeof journal->boot_id);
    put_u64(&writer, journal->mount_id);
    put_u64(&writer, journal->edges);
    put_seal(&writer, slot, length);
    return length;
}

int journal_encode_slot(const struct journal *journal, void *slot, size_t length, size_t *used)
{
    if (!is_slot_length(length) || !is_sound(journal))
        return -LDL_USAGE;
    uint64_t others = bytes_without_extents(journal);
    if (others > length)
        return -LDL_TOO_LARGE;
    size_t most = (size_t) (length - others) / EXTENT_BYTES;
    struct journal fit = *journal;
    if (journal->extent_count > most) {
        fit.extent_count = most;
        fit.extents = calloc(most + 1, sizeof *fit.extents);
        if (fit.extents == NULL)
            return -LDL_NO_MEMORY;
        keep_largest(journal, most, fit.extents);
    }
    *used = put_record(&fit, slot);
    if (fit.extents != journal->extents)
        free(fit.extents);
    return 0;
}

/* Reading */

struct reader {
    const unsigned char *at;
    size_t left;
    bool bad; /* something was missing or impossible; from then on there is nothing left */
};

static void spoil(struct reader *reader)
{
    *reader = (struct reader){.bad = true};
}

static const unsigned char *take(struct reader *reader, size_t length)
{
    if (reader->bad || length > reader->left) {
        spoil(reader);
        return NULL;
    }
    const unsigned char *bytes = reader->at;
    reader->at += length;
    reader->left -= length;
    return bytes;
}

static uint64_t take_number(struct reader *reader, size_t length)
{
    const unsigned char *bytes = take(reader, length);
    uint64_t number = 0;
    for (size_t i = length; bytes != NULL && i > 0; i--)
        number = number << 8 | bytes[i - 1];
    return number;
}

static uint32_t take_u32(struct reader *reader)
{
    return (uint32_t) take_number(reader, 4);
}

static uint64_t take_u64(struct reader *reader)
{
    return take_number(reader, 8);
}

/* -1 or more; what doesn't fit is bad. */
static int64_t take_signed(struct reader *reader)
{
    uint64_t number = take_u64(reader);
    if (number == UINT64_MAX)
        return -1;
    if (number > INT64_MAX)
        spoil(reader);
    return number > INT64_MAX ? -1 : (int64_t) number;
}

static void take_text(struct reader *reader, char *out, size_t size)
{
    uint32_t length = take_u32(reader);
    const unsigned char *bytes = take(reader, length);
    if (bytes == NULL || length >= size || memchr(bytes, '\0', length) != NULL) {
        spoil(reader);
        length = 0;
    } else {
        memcpy(out, bytes, length);
    }
    out[length] = '\0';
}

/* 0 or -LDL_NO_MEMORY. */
static int take_url(struct reader *reader, char **out)
{
    struct reader ahead = *reader;
    const unsigned char *bytes = take(&ahead, take_u32(&ahead));
    size_t length = bytes != NULL ? (size_t) (ahead.at - bytes) : 0;
    *out = malloc(length + 1);
    if (*out == NULL)
        return -LDL_NO_MEMORY;
    take_text(reader, *out, length + 1);
    return 0;
}

/* Magic, version, length: what every version begins with. */
static bool take_start(struct reader *reader, uint32_t *version, uint32_t *length)
{
    const unsigned char *start = take(reader, sizeof magic);
    *version = take_u32(reader);
    *length = take_u32(reader);
    return !reader->bad && memcmp(start, magic, sizeof magic) == 0;
}

static bool hash_is_right(const unsigned char *bytes, size_t length)
{
    struct reader hash = {bytes + length - HASH_BYTES, HASH_BYTES, false};
    return take_u64(&hash) == journal_hash(bytes, length - HASH_BYTES);
}

int journal_read_header(const void *bytes, size_t size, struct journal_layout *out)
{
    struct reader reader = {bytes, size, false};
    uint32_t version, length;
    if (!take_start(&reader, &version, &length) || size < JOURNAL_PAGE
        || !hash_is_right(bytes, JOURNAL_PAGE))
        return -LDL_JOURNAL_CORRUPT;
    if (version != VERSION)
        return JOURNAL_FOREIGN_VERSION;
    if (!is_slot_length(length))
        return -LDL_JOURNAL_CORRUPT;
    set_layout(out, length);
    return 0;
}

static void take_state(struct reader *reader, struct journal *out)
{
    out->seq = take_u64(reader);
    out->identity.total = take_signed(reader);
    unsigned flags = (unsigned) take_number(reader, 1);
    bool known = (flags & FLAG_TOTAL) != 0;
    if ((flags & ~(unsigned) FLAG_ALL) != 0 || known != (out->identity.total >= 0))
        spoil(reader);
    out->ranges_ok = (flags & FLAG_RANGES) != 0;
    out->committed = (flags & FLAG_COMMITTED) != 0;
    if (out->committed)
        take_text(reader, out->name, sizeof out->name);
}

/* RFC 9110, 8.8.2.2; the same as at the answer that it is from. */
static bool is_strong(int64_t last_modified, int64_t date)
{
    return last_modified > 0 && last_modified < date;
}

static void take_identity(struct reader *reader, struct journal *out)
{
    struct identity *identity = &out->identity;
    identity->etag_strength = (int) take_number(reader, 1);
    take_text(reader, identity->etag, sizeof identity->etag);
    if (identity->etag_strength == ETAG_NONE && identity->etag[0] != '\0')
        spoil(reader);
    identity->last_modified = take_signed(reader);
    out->date = take_signed(reader);
    identity->last_modified_strong = is_strong(identity->last_modified, out->date);
    take_text(reader, identity->type, sizeof identity->type);
    take_text(reader, identity->coding, sizeof identity->coding);
}

static int take_extents(struct reader *reader, struct journal *out)
{
    uint32_t count = take_u32(reader);
    if (count > reader->left / EXTENT_BYTES)
        spoil(reader);
    if (reader->bad || count == 0)
        return 0;
    out->extents = calloc(count, sizeof *out->extents);
    if (out->extents == NULL)
        return -LDL_NO_MEMORY;
    for (; out->extent_count < count; out->extent_count++) {
        int64_t start = take_signed(reader);
        out->extents[out->extent_count] = (struct ldl_extent){start, take_signed(reader)};
    }
    return 0;
}

/* A slot has room for the hashes of all blocks: this bounds the memory they take. */
static int take_hashes(struct reader *reader, size_t slot_length, struct journal *out)
{
    uint64_t blocks = (uint64_t) journal_block_count(out);
    if (blocks > slot_length / HASH_BYTES)
        spoil(reader);
    if (reader->bad || blocks == 0)
        return 0;
    out->hashes = calloc(blocks, sizeof *out->hashes);
    if (out->hashes == NULL)
        return -LDL_NO_MEMORY;
    for (size_t i = 0; i < out->extent_count; i++) {
        struct ldl_extent within = journal_blocks_in(out, out->extents[i]);
        for (int64_t number = within.start; number < within.end; number++)
            out->hashes[number] = take_u64(reader);
    }
    return 0;
}

static int take_record(struct reader *reader, size_t slot_length, struct journal *out)
{
    take_state(reader, out);
    take_identity(reader, out);
    if (take_url(reader, &out->url) != 0)
        return -LDL_NO_MEMORY;
    out->url_hash = take_u64(reader);
    if (take_extents(reader, out) != 0)
        return -LDL_NO_MEMORY;
    out->block_shift = take_u32(reader);
    if (reader->bad || !is_sound(out))
        return -LDL_JOURNAL_CORRUPT;
    if (take_hashes(reader, slot_length, out) != 0)
        return -LDL_NO_MEMORY;
    const unsigned char *boot_id = take(reader, sizeof out->boot_id);
    if (boot_id != NULL)
        memcpy(out->boot_id, boot_id, sizeof out->boot_id);
    out->mount_id = take_u64(reader);
    out->edges = take_u64(reader);
    return reader->bad ? -LDL_JOURNAL_CORRUPT : 0;
}

/* Sets the reader to what lies between the start and the hash of an intact record. */
static int open_record(const void *slot, size_t length, struct reader *reader)
{
    *reader = (struct reader){slot, length, false};
    uint32_t version, used;
    if (!is_slot_length(length) || !take_start(reader, &version, &used))
        return -LDL_JOURNAL_CORRUPT;
    if (version != VERSION)
        return JOURNAL_FOREIGN_VERSION; /* who knows where its hash is? */
    if (!is_slot_length(used) || used > length || !hash_is_right(slot, used))
        return -LDL_JOURNAL_CORRUPT;
    reader->left = used - START_BYTES - HASH_BYTES;
    return 0;
}

int journal_decode_slot(const void *slot, size_t length, struct journal *out)
{
    journal_init(out);
    struct reader reader;
    int result = open_record(slot, length, &reader);
    if (result == 0)
        result = take_record(&reader, length, out);
    if (result != 0)
        journal_free(out);
    return result;
}

/* Where the header is damaged, the size tells. */
static int find_layout(const void *file, size_t size, struct journal_layout *out)
{
    int result = journal_read_header(file, size, out);
    if (result != -LDL_JOURNAL_CORRUPT || size < JOURNAL_PAGE)
        return result;
    size_t length = (size - JOURNAL_PAGE) / 2 / JOURNAL_PAGE * JOURNAL_PAGE;
    if (!is_slot_length(length))
        return result;
    set_layout(out, (uint32_t) length);
    return 0;
}

static int decode_nth(const void *file, size_t size, const struct journal_layout *layout,
                      unsigned nth, struct journal *out)
{
    journal_init(out);
    size_t offset = (size_t) journal_slot_offset(layout, nth);
    if (size < offset || size - offset < layout->slot_length)
        return -LDL_JOURNAL_CORRUPT;
    int result =
        journal_decode_slot((const unsigned char *) file + offset, layout->slot_length, out);
    if (result == 0 && (out->seq & 1) != nth) {
        journal_free(out);
        return -LDL_JOURNAL_CORRUPT;
    }
    return result;
}

static void exchange(struct journal *a, struct journal *b)
{
    struct journal was = *a;
    *a = *b;
    *b = was;
}

/* A lack of memory isn't a lack of progress: it is no reason to take the older slot. */
static int verdict(int even, int odd)
{
    if (even == -LDL_NO_MEMORY || odd == -LDL_NO_MEMORY)
        return -LDL_NO_MEMORY;
    if (even == 0 || odd == 0)
        return 0;
    return even == JOURNAL_FOREIGN_VERSION ? even : odd;
}

int journal_newest(const void *file, size_t size, struct journal *out,
                   struct journal_layout *layout)
{
    journal_init(out);
    int result = find_layout(file, size, layout);
    if (result != 0)
        return result;
    struct journal odd;
    int even_result = decode_nth(file, size, layout, 0, out);
    int odd_result = decode_nth(file, size, layout, 1, &odd);
    if (odd.seq > out->seq)
        exchange(out, &odd);
    journal_free(&odd);
    result = verdict(even_result, odd_result);
    if (result != 0)
        journal_free(out);
    return result;
}
