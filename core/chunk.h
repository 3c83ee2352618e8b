/* chunk.h: which bytes are missing and who fetches them. Pure: no thread, no clock, no file.
 * SPDX-License-Identifier: MIT
 *
 * A plan lists the missing bytes as chunks: sorted, disjoint, each free or owned by one stream.
 * A stream first claims (that is what it may ask the server for) and owns only when its answer was
 * accepted. Until then the victim of a steal goes on past its share, so a fast stream is never cut
 * for a slow newcomer. Streams are numbers from 1; 0 is nobody. All calls: transfer lock held.
 */
#ifndef LUADL_CHUNK_H
#define LUADL_CHUNK_H

#include <stdbool.h>
#include <stdint.h>

#include "luadl.h"

#define CHUNK_BLOCK ((int64_t) 1 << 20) /* cuts lie on multiples of this, or of less on request */

struct chunk {
    int64_t pos;       /* the first missing byte; what lies before was written */
    int64_t busy;      /* up to here the owner is writing at this moment: pos <= busy <= end */
    int64_t end;       /* one past the last */
    uint32_t owner;    /* 0: free */
    uint32_t claimant; /* asked for [claimed, end) and awaits the answer; 0: nobody */
    int64_t claimed;
    bool parked;       /* free, but waits for a decision: only a neighbour may run on into it */
    int64_t parked_at; /* its first missing byte when it was parked: the name of the decision */
    int attempt;       /* failures since it last made progress */
    double since;      /* when the owner's answer was accepted */
    double last_byte;  /* when it last wrote, at first `since` */
    double rate;       /* bytes per second, smoothed, at first that of the others; 0: not known */
    double mark_time;  /* of the rate's running sample */
    int64_t mark_bytes;
};

struct plan {
    int64_t total; /* -1: unknown; then one chunk [0, INT64_MAX) */
    int64_t min_split;
    int64_t block;     /* cuts lie on its multiples: CHUNK_BLOCK, or less for a smaller min_split */
    double turnaround; /* seconds from asking to the first byte, smoothed; 0: not known */
    double round_trip; /* seconds; 0: not known */
    double finished_rate; /* bytes per second of streams that ended their chunk; 0: none did */
    int64_t piece;        /* read in order: nobody asks for more than this at once; 0: not so */
    int64_t edge;         /* and nobody writes from here on, nor asks for what begins there */
    struct chunk *list;
    int count, size;
};

struct span {
    int64_t first, end; /* end is one past the last; empty when they are equal */
};

/* One free chunk, none if total is 0. 0 or -LDL_NO_MEMORY. */
int plan_init(struct plan *plan, int64_t total, int64_t min_split);
/* The same, with the extents that are written already: what lies between them are free chunks. */
int plan_resume(struct plan *plan, int64_t total, int64_t min_split,
                const struct ldl_extent *written, size_t count);
void plan_free(struct plan *plan);

/* From now on it is read in order, up to `edge` as yet. `piece` is made a multiple of the block. */
void plan_read_in_order(struct plan *plan, int64_t piece, int64_t edge);
/* There is room for more: who waited there goes on, and isn't slow for that. */
void plan_move_edge(struct plan *plan, int64_t edge, double now);
/* The first byte that isn't written, INT64_MAX when there is none. */
int64_t plan_first_missing(const struct plan *plan);

/* Cuts what the largest chunk still misses into `shares` equal ones on block boundaries, each at
 * least min_split. The first keeps its owner, the others are free. Returns how many there are
 * (0: no chunk can be cut), or a negative kind, and nothing is cut. Claimed and parked chunks
 * stay whole. Where it is read in order nothing is cut. */
int plan_divide(struct plan *plan, int shares);

/* What may `who`, who owns and claims nothing, ask for now? The first free, unclaimed, unparked
 * chunk if there is one; else something of the chunk with the longest time to its end: all of it
 * if it brought no byte for max(1 s, 10 round trips); else its upper part, where that pays (over
 * 8 turnarounds and 0.25 s, owner older than 10 round trips), cut so that victim and thief end
 * together. In order: at most a piece, and what begins within the edge. 1: `ask` is set; 0:
 * nothing. */
int chunk_claim(struct plan *plan, uint32_t who, double now, struct span *ask);

/* Of which chunk with an owner does `who` claim a part? NULL: of none. */
const struct chunk *chunk_victim(const struct plan *plan, uint32_t who);

/* The answer to the claim carries `got` (inside what was asked). `who` becomes the owner of
 * those of its bytes that nobody wrote or is writing; a victim is cut there, and what a short
 * answer leaves is free. `from` is the first byte that is wanted: what comes before it in the
 * answer is to be skipped. 1: go on; 0: not worth it any more (the claim is dropped); negative:
 * kind, the claim stands. */
int chunk_accept(struct plan *plan, uint32_t who, double now, struct span got, int64_t *from);

/* The whole resource comes in one stream: every chunk is given to `who`, from byte 0. What
 * others write at this moment may still land in the file: the caller waits for them where the
 * bytes could differ. */
int chunk_take_all(struct plan *plan, uint32_t who, double now);

/* The same, from the first byte on that isn't written: that is `from`. */
int chunk_take_rest(struct plan *plan, uint32_t who, double now, int64_t *from);

/* Which of the next `want` bytes may the owner write? At most up to the chunk's end; where its
 * answer reaches further (`reach`, exclusive), it runs on into following chunks that nobody owns
 * yet. Marks them busy. An empty span: its part is done or was taken over, or chunk_waits. */
struct span chunk_begin_write(struct plan *plan, uint32_t who, int64_t want, int64_t reach);

/* The bytes of the last begin_write are in the file. True while there is more for `who` to
 * write: at the end of its chunk it gets the next block of the following one on the same terms.
 * Whoever writes nothing for a second counts as stalled: write what came at least every 0.25 s. */
bool chunk_end_write(struct plan *plan, uint32_t who, int64_t reach, double now);

/* Does it own a chunk, and has come to the edge? */
bool chunk_waits(const struct plan *plan, uint32_t who);

/* That `who` writes nothing just now is our own doing: it hasn't stalled. */
void chunk_excuse(struct plan *plan, uint32_t who, double now);

/* The bytes of the last begin_write are not in the file. */
void chunk_abort_write(struct plan *plan, uint32_t who);

bool chunk_owns(const struct plan *plan, uint32_t who);
/* Bytes between the owner's position and the end of its chunk, 0 when it owns none. */
int64_t chunk_left(const struct plan *plan, uint32_t who);

enum chunk_end { CHUNK_FREE, CHUNK_PARKED };

/* `who` is gone, and is not writing: its claim is dropped, its chunk becomes free or parked,
 * except what somebody else claims of it. With progress the count of attempts starts anew.
 * `rest` is what it had or wanted, empty if it had lost that; returns the attempts (parked: this
 * one counted; a mere claim on what somebody owns: 1). */
int chunk_release(struct plan *plan, uint32_t who, enum chunk_end end, bool progress,
                  struct span *rest);

/* The chunk that was parked as `rest.first` is free again. False: there is none, a neighbour
 * took it. */
bool chunk_unpark(struct plan *plan, int64_t first);

/* The length became known at the end of a stream of unknown length. */
void plan_set_total(struct plan *plan, int64_t total);

bool plan_complete(const struct plan *plan);
int64_t plan_written(const struct plan *plan);
/* Is there a chunk that is neither owned nor claimed nor parked, for a new stream? */
bool plan_has_free(const struct plan *plan);
/* The complement of the chunks: what is written. Returns their number, fills at most `size`. */
int plan_extents(const struct plan *plan, struct ldl_extent *out, int size);
/* Who owns what. Returns their number, fills at most `size`. */
int plan_streams(const struct plan *plan, struct ldl_stream *out, int size);

#endif
