/* chunk.c: the plan of missing bytes, a sorted array of chunks, short enough to be scanned.
 * SPDX-License-Identifier: MIT
 */
#include "chunk.h"

#include <assert.h>
#include <float.h>
#include <stdlib.h>
#include <string.h>

#define CHUNKS_MAX (1 << 16) /* a plan with more holes than this is a bug or an attack */
#define WORTH_BYTES ((int64_t) 64 << 10) /* less is not worth an answer that must skip */
#define WORTH_TURNAROUNDS 8
#define WORTH_SECONDS 0.25
#define YOUNG_ROUND_TRIPS 10 /* slow start: its rate says nothing yet */
#define STALL_SECONDS 1.0
#define BUFFER_BYTES ((int64_t) 512 << 10) /* may have come and wait to be written */
#define SAMPLE_SECONDS 0.05
#define SMOOTH_SECONDS 1.0

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static double longer(double a, double b)
{
    return a > b ? a : b;
}

static int64_t block_floor(const struct plan *plan, int64_t at)
{
    return at - at % plan->block;
}

/* The first block boundary after `at`, INT64_MAX where there is none. */
static int64_t block_after(const struct plan *plan, int64_t at)
{
    int64_t low = block_floor(plan, at);
    return low > INT64_MAX - plan->block ? INT64_MAX : low + plan->block;
}

static int64_t block_ceil(const struct plan *plan, int64_t at)
{
    return at % plan->block == 0 ? at : block_after(plan, at);
}

static int64_t block_nearest(const struct plan *plan, int64_t at)
{
    return at % plan->block < plan->block / 2 ? block_floor(plan, at) : block_after(plan, at);
}

/* The list */

static int64_t limit(const struct plan *plan)
{
    return plan->total < 0 ? INT64_MAX : plan->total;
}

static struct chunk *list_end(const struct plan *plan)
{
    return plan->list + plan->count;
}

static struct chunk *owned_by(const struct plan *plan, uint32_t who)
{
    for (struct chunk *chunk = plan->list; chunk < list_end(plan); chunk++)
        if (chunk->owner == who)
            return chunk;
    return NULL;
}

static struct chunk *claimed_by(const struct plan *plan, uint32_t who)
{
    for (struct chunk *chunk = plan->list; chunk < list_end(plan); chunk++)
        if (chunk->claimant == who)
            return chunk;
    return NULL;
}

static bool is_free(const struct chunk *chunk)
{
    return chunk->owner == 0 && chunk->claimant == 0 && !chunk->parked;
}

static struct chunk *first_free(const struct plan *plan)
{
    for (struct chunk *chunk = plan->list; chunk < list_end(plan); chunk++)
        if (is_free(chunk))
            return chunk;
    return NULL;
}

/* Room for so many more chunks; pointers into the list are stale afterwards. */
static int reserve(struct plan *plan, int more)
{
    if (more <= plan->size - plan->count)
        return 0;
    if (more > CHUNKS_MAX - plan->count)
        return -LDL_NO_MEMORY;
    int size = plan->count + (more > plan->count ? more : plan->count);
    struct chunk *list = realloc(plan->list, (size_t) size * sizeof *list);
    if (list == NULL)
        return -LDL_NO_MEMORY;
    plan->list = list;
    plan->size = size;
    return 0;
}

static void drop(struct plan *plan, struct chunk *chunk)
{
    memmove(chunk, chunk + 1, (size_t) (list_end(plan) - chunk - 1) * sizeof *chunk);
    plan->count--;
}

/* The part from `at` becomes a free chunk of its own. Room was reserved. */
static struct chunk *split(struct plan *plan, struct chunk *chunk, int64_t at)
{
    assert(chunk->busy <= at && chunk->pos < at && at < chunk->end && plan->count < plan->size);
    struct chunk *upper = chunk + 1;
    memmove(upper + 1, upper, (size_t) (list_end(plan) - upper) * sizeof *upper);
    plan->count++;
    *upper = (struct chunk){.pos = at, .busy = at, .end = chunk->end};
    chunk->end = at;
    return upper;
}

static void give(struct chunk *chunk, uint32_t who, double now, double rate)
{
    chunk->owner = who;
    chunk->busy = chunk->pos;
    chunk->since = chunk->last_byte = chunk->mark_time = now;
    chunk->mark_bytes = 0;
    chunk->rate = rate;
}

/* The largest power of two within min_split, where that is less than a block. */
static int64_t block_for(int64_t min_split)
{
    int64_t block = CHUNK_BLOCK;
    while (block > min_split && block > 1)
        block /= 2;
    return block;
}

static int add_gap(struct plan *plan, int64_t start, int64_t end)
{
    int err = start < end ? reserve(plan, 1) : 0;
    if (err == 0 && start < end)
        plan->list[plan->count++] = (struct chunk){.pos = start, .busy = start, .end = end};
    return err;
}

int plan_resume(struct plan *plan, int64_t total, int64_t min_split,
                const struct ldl_extent *written, size_t count)
{
    int64_t at = 0;
    *plan = (struct plan){
        .total = total, .min_split = min_split, .block = block_for(min_split), .edge = INT64_MAX};
    int err = reserve(plan, 4);
    for (size_t i = 0; err == 0 && i < count; i++) {
        err = add_gap(plan, at, written[i].start);
        at = written[i].end;
    }
    return err == 0 ? add_gap(plan, at, limit(plan)) : err;
}

int plan_init(struct plan *plan, int64_t total, int64_t min_split)
{
    return plan_resume(plan, total, min_split, NULL, 0);
}

void plan_free(struct plan *plan)
{
    free(plan->list);
    *plan = (struct plan){0};
}

/* In order */

void plan_read_in_order(struct plan *plan, int64_t piece, int64_t edge)
{
    plan->piece = block_ceil(plan, piece);
    plan->edge = edge;
}

void plan_move_edge(struct plan *plan, int64_t edge, double now)
{
    for (struct chunk *chunk = plan->list; chunk < list_end(plan); chunk++)
        if (chunk->owner != 0 && chunk->busy >= plan->edge) {
            chunk->since = chunk->last_byte = chunk->mark_time = now;
            chunk->mark_bytes = 0;
        }
    plan->edge = edge;
}

int64_t plan_first_missing(const struct plan *plan)
{
    return plan->count > 0 ? plan->list->pos : INT64_MAX;
}

/* Equal shares */

static struct chunk *largest(const struct plan *plan)
{
    struct chunk *best = NULL;
    for (struct chunk *chunk = plan->list; chunk < list_end(plan); chunk++) {
        if (chunk->claimant != 0 || chunk->parked)
            continue;
        if (best == NULL || chunk->end - chunk->busy > best->end - best->busy)
            best = chunk;
    }
    return best;
}

static int cut_equally(struct plan *plan, struct chunk *chunk, int shares)
{
    int64_t start = chunk->busy, end = chunk->end, left = end - start;
    int64_t least_share = most(plan->min_split, plan->block / 2); /* less is rounded away */
    int64_t count = least(shares, left / least_share);
    int made = 1;
    for (int64_t i = 1; i < count; i++) {
        int64_t cut = block_nearest(plan, start + left / count * i + left % count * i / count);
        if (cut - most(chunk->pos, start) < least_share || end - cut < least_share)
            continue;
        chunk = split(plan, chunk, cut);
        made++;
    }
    return made;
}

int plan_divide(struct plan *plan, int shares)
{
    int err = reserve(plan, shares > 1 ? shares - 1 : 0);
    struct chunk *chunk = largest(plan);
    if (chunk == NULL || err != 0)
        return err;
    return plan->total < 0 || plan->piece > 0 ? 1 : cut_equally(plan, chunk, shares);
}

/* Claims */

/* What is known about the speed of connections: of the owners, and of those who ended. */
struct pace {
    double sum;
    int count;
};

static struct pace pace_of(const struct plan *plan)
{
    struct pace pace = {plan->finished_rate, plan->finished_rate > 0};
    for (const struct chunk *chunk = plan->list; chunk < list_end(plan); chunk++) {
        pace.sum += chunk->rate;
        pace.count += chunk->rate > 0;
    }
    return pace;
}

/* The rate that a newcomer may expect: the mean of all but the victim, else the victim's own. */
static double expected_rate(struct pace pace, const struct chunk *victim)
{
    int others = pace.count - (victim->rate > 0);
    return others > 0 ? (pace.sum - victim->rate) / others : victim->rate;
}

static bool stalled(const struct plan *plan, const struct chunk *chunk, double now)
{
    double patience = longer(STALL_SECONDS, YOUNG_ROUND_TRIPS * plan->round_trip);
    return now - chunk->last_byte >= patience;
}

/* What the clock still allows: a stream that was fast, or should be, may have slowed down. */
static double rate_now(const struct chunk *chunk, double now)
{
    double most_bytes = (double) (chunk->mark_bytes + BUFFER_BYTES);
    double time = now - chunk->mark_time;
    return chunk->rate * time > most_bytes ? most_bytes / time : chunk->rate;
}

static double time_to_end(const struct plan *plan, const struct chunk *chunk, double now)
{
    if (stalled(plan, chunk, now))
        return DBL_MAX;
    return chunk->rate > 0 ? (double) (chunk->end - chunk->busy) / rate_now(chunk, now) : 0;
}

/* A steal costs a request, perhaps a connection: is it worth that? */
static bool pays(const struct plan *plan, const struct chunk *chunk, double now)
{
    double time = time_to_end(plan, chunk, now);
    return time > WORTH_TURNAROUNDS * plan->turnaround && time > WORTH_SECONDS
           && now - chunk->since > YOUNG_ROUND_TRIPS * plan->round_trip;
}

/* Where victim and thief, who starts a turnaround later, end at the same time. */
static int64_t fair_cut(const struct plan *plan, const struct chunk *chunk, double rate,
                        double thief_rate)
{
    double left = (double) (chunk->end - chunk->busy);
    double time = (left + thief_rate * plan->turnaround) / (rate + thief_rate);
    double kept = rate * time;
    return kept < left ? block_ceil(plan, chunk->busy + (int64_t) kept) : chunk->end;
}

static bool twice_as_fast(const struct plan *plan, const struct chunk *chunk, double rate,
                          double thief_rate)
{
    double left = (double) (chunk->end - chunk->busy);
    return 2 * (plan->turnaround + left / thief_rate) <= left / rate;
}

/* From which byte may a thief ask for this chunk? False: leave it alone. */
static bool steal_from(const struct plan *plan, const struct chunk *chunk, struct pace pace,
                       double now, int64_t *from)
{
    if (chunk->owner == 0 || chunk->claimant != 0 || chunk->busy == chunk->end
        || chunk->busy >= plan->edge)
        return false;
    *from = chunk->busy;
    if (stalled(plan, chunk, now))
        return true;
    if (!pays(plan, chunk, now))
        return false;
    double rate = rate_now(chunk, now), thief_rate = expected_rate(pace, chunk);
    int64_t cut = fair_cut(plan, chunk, rate, thief_rate);
    bool wanted = cut < chunk->end && cut < plan->edge;
    if (wanted && chunk->end - cut >= most(plan->block, plan->min_split)) {
        *from = cut;
        return true;
    }
    return twice_as_fast(plan, chunk, rate, thief_rate);
}

static struct chunk *best_victim(const struct plan *plan, double now, int64_t *from)
{
    struct pace pace = pace_of(plan);
    struct chunk *best = NULL;
    double longest = 0;
    for (struct chunk *chunk = plan->list; chunk < list_end(plan); chunk++) {
        int64_t cut;
        double time = time_to_end(plan, chunk, now);
        if (time <= longest || !steal_from(plan, chunk, pace, now, &cut))
            continue;
        best = chunk;
        longest = time;
        *from = cut;
    }
    return best;
}

/* What lies past the piece at its beginning is somebody else's. Pieces end on their multiples, but for crumbs. */
static void cut_piece(struct plan *plan, struct chunk *chunk)
{
    int64_t end = chunk->pos - chunk->pos % plan->piece;
    end += end + plan->piece - chunk->pos < plan->piece / 2 ? 2 * plan->piece : plan->piece;
    if (end < chunk->end)
        split(plan, chunk, end)->attempt = chunk->attempt;
}

/* What nobody has, and may be asked for: in order a piece of it. */
static struct chunk *next_free(struct plan *plan)
{
    int err = plan->piece > 0 ? reserve(plan, 1) : 0;
    struct chunk *chunk = first_free(plan);
    if (chunk == NULL || chunk->pos >= plan->edge || err != 0)
        return NULL;
    if (plan->piece > 0)
        cut_piece(plan, chunk);
    return chunk;
}

int chunk_claim(struct plan *plan, uint32_t who, double now, struct span *ask)
{
    assert(who != 0 && owned_by(plan, who) == NULL && claimed_by(plan, who) == NULL);
    struct chunk *chunk = next_free(plan);
    int64_t from = chunk != NULL ? chunk->pos : 0;
    if (chunk == NULL && plan->total >= 0)
        chunk = best_victim(plan, now, &from);
    if (chunk == NULL)
        return 0;
    chunk->claimant = who;
    chunk->claimed = from;
    *ask = (struct span){from, chunk->end};
    return 1;
}

const struct chunk *chunk_victim(const struct plan *plan, uint32_t who)
{
    const struct chunk *chunk = claimed_by(plan, who);
    return chunk && chunk->owner ? chunk : NULL;
}

/* Whoever was slow to answer may find that the others went on, and little is left. */
static bool worth_taking(struct span part, int64_t answered)
{
    int64_t left = part.end - part.first, skip = part.first - answered;
    return left > 0 && (skip == 0 || (left >= WORTH_BYTES && left >= skip));
}

/* The chunk shrinks to `part`; what lies around it stays, or becomes free. */
static struct chunk *carve(struct plan *plan, struct chunk *chunk, struct span part)
{
    int attempt = chunk->owner != 0 ? 0 : chunk->attempt;
    if (part.end < chunk->end)
        split(plan, chunk, part.end)->attempt = attempt;
    if (part.first > chunk->pos)
        chunk = split(plan, chunk, part.first);
    chunk->attempt = attempt;
    return chunk;
}

int chunk_accept(struct plan *plan, uint32_t who, double now, struct span got, int64_t *from)
{
    assert(owned_by(plan, who) == NULL);
    if (claimed_by(plan, who) == NULL)
        return 0;
    int err = reserve(plan, 2);
    if (err != 0)
        return err;
    struct chunk *chunk = claimed_by(plan, who);
    struct span part = {
        .first = most(most(chunk->claimed, chunk->busy), got.first),
        .end = least(chunk->end, got.end),
    };
    chunk->claimant = 0;
    if (!worth_taking(part, got.first))
        return 0;
    double rate = expected_rate(pace_of(plan), chunk);
    give(carve(plan, chunk, part), who, now, rate);
    *from = part.first;
    return 1;
}

int chunk_take_all(struct plan *plan, uint32_t who, double now)
{
    int err = reserve(plan, 1);
    if (err != 0)
        return err;
    plan->count = plan->total != 0;
    plan->list[0] = (struct chunk){.end = limit(plan)};
    give(plan->list, who, now, 0);
    return 0;
}

int chunk_take_rest(struct plan *plan, uint32_t who, double now, int64_t *from)
{
    int64_t first = plan_first_missing(plan);
    int err = chunk_take_all(plan, who, now);
    if (err == 0 && plan->count > 0)
        plan->list->pos = plan->list->busy = first;
    *from = first;
    return err;
}

/* Writing */

/* The owner's answer goes on where its chunk ends: it gets a block of what nobody owns there. */
static bool run_on(struct plan *plan, struct chunk *chunk, int64_t reach)
{
    struct chunk *next = chunk + 1;
    if (next == list_end(plan) || next->owner != 0 || next->pos != chunk->end
        || reach <= chunk->end)
        return false;
    chunk->end = least(least(reach, next->end), block_after(plan, chunk->end));
    next->pos = next->busy = chunk->end;
    if (next->pos == next->end)
        drop(plan, next);
    return true;
}

struct span chunk_begin_write(struct plan *plan, uint32_t who, int64_t want, int64_t reach)
{
    struct chunk *chunk = owned_by(plan, who);
    if (chunk == NULL || want <= 0)
        return (struct span){0, 0};
    assert(chunk->busy == chunk->pos);
    while (chunk->end - chunk->pos < want && chunk->end < plan->edge && run_on(plan, chunk, reach))
        ;
    int64_t end = chunk->pos + least(want, chunk->end - chunk->pos);
    chunk->busy = most(chunk->pos, least(end, plan->edge));
    return (struct span){chunk->pos, chunk->busy};
}

static void measure(struct chunk *chunk, int64_t bytes, double now)
{
    chunk->last_byte = now;
    chunk->mark_bytes += bytes;
    double time = now - chunk->mark_time;
    if (time < SAMPLE_SECONDS)
        return;
    double sample = (double) chunk->mark_bytes / time;
    bool first = chunk->mark_time == chunk->since;
    double weight = first ? 1 : time / (time + SMOOTH_SECONDS);
    chunk->rate += weight * (sample - chunk->rate);
    chunk->mark_time = now;
    chunk->mark_bytes = 0;
}

static void remember_rate(struct plan *plan, double rate)
{
    if (rate > 0)
        plan->finished_rate = plan->finished_rate > 0 ? (plan->finished_rate + rate) / 2 : rate;
}

bool chunk_end_write(struct plan *plan, uint32_t who, int64_t reach, double now)
{
    struct chunk *chunk = owned_by(plan, who);
    if (chunk == NULL)
        return false;
    if (chunk->busy > chunk->pos)
        measure(chunk, chunk->busy - chunk->pos, now);
    chunk->pos = chunk->busy;
    if (chunk->pos < chunk->end || run_on(plan, chunk, reach))
        return true;
    remember_rate(plan, chunk->rate);
    drop(plan, chunk);
    return false;
}

bool chunk_waits(const struct plan *plan, uint32_t who)
{
    const struct chunk *chunk = owned_by(plan, who);
    return chunk != NULL && chunk->pos >= plan->edge;
}

void chunk_excuse(struct plan *plan, uint32_t who, double now)
{
    struct chunk *chunk = owned_by(plan, who);
    if (chunk != NULL)
        chunk->last_byte = now;
}

void chunk_abort_write(struct plan *plan, uint32_t who)
{
    struct chunk *chunk = owned_by(plan, who);
    if (chunk != NULL)
        chunk->busy = chunk->pos;
}

bool chunk_owns(const struct plan *plan, uint32_t who)
{
    return owned_by(plan, who) != NULL;
}

int64_t chunk_left(const struct plan *plan, uint32_t who)
{
    const struct chunk *chunk = owned_by(plan, who);
    return chunk != NULL ? chunk->end - chunk->pos : 0;
}

/* Giving back */

static int set_aside(struct chunk *chunk, enum chunk_end end, bool progress)
{
    chunk->owner = 0;
    chunk->rate = 0;
    chunk->parked = end == CHUNK_PARKED;
    chunk->parked_at = chunk->pos;
    chunk->attempt = (progress ? 0 : chunk->attempt) + chunk->parked;
    return chunk->attempt;
}

/* What somebody claims of a chunk without an owner is a chunk of its own, and is not parked. */
static void part_claim(struct plan *plan, struct chunk *chunk)
{
    struct chunk *upper = chunk;
    if (chunk->claimed > chunk->pos) {
        upper = split(plan, chunk, chunk->claimed);
        upper->claimant = chunk->claimant;
        upper->claimed = chunk->claimed;
        chunk->claimant = 0;
    }
    upper->parked = false;
}

static int release_owned(struct plan *plan, uint32_t who, enum chunk_end end, bool progress)
{
    int err = reserve(plan, 1);
    struct chunk *chunk = owned_by(plan, who);
    int attempt = set_aside(chunk, end, progress);
    if (err != 0)
        chunk->claimant = 0; /* its answer will find the claim gone */
    if (chunk->claimant != 0)
        part_claim(plan, chunk);
    return attempt;
}

static int release_claim(struct chunk *chunk, enum chunk_end end, bool progress)
{
    chunk->claimant = 0;
    return chunk->owner != 0 ? 1 : set_aside(chunk, end, progress);
}

int chunk_release(struct plan *plan, uint32_t who, enum chunk_end end, bool progress,
                  struct span *rest)
{
    struct chunk *chunk = owned_by(plan, who);
    if (chunk != NULL) {
        assert(chunk->busy == chunk->pos);
        *rest = (struct span){chunk->pos, chunk->end};
        return release_owned(plan, who, end, progress);
    }
    chunk = claimed_by(plan, who);
    if (chunk != NULL) {
        *rest = (struct span){most(chunk->claimed, chunk->pos), chunk->end};
        return release_claim(chunk, end, progress);
    }
    *rest = (struct span){0, 0};
    return 0;
}

bool chunk_unpark(struct plan *plan, int64_t first)
{
    for (struct chunk *chunk = plan->list; chunk < list_end(plan); chunk++)
        if (chunk->parked && chunk->parked_at == first) {
            chunk->parked = false;
            return true;
        }
    return false;
}

/* The whole */

void plan_set_total(struct plan *plan, int64_t total)
{
    assert(plan->total < 0 && plan->count == 1 && plan->list->busy <= total);
    plan->total = total;
    plan->list->end = total;
    if (plan->list->pos == total)
        plan->count = 0;
}

bool plan_complete(const struct plan *plan)
{
    return plan->count == 0;
}

int64_t plan_written(const struct plan *plan)
{
    int64_t written = limit(plan);
    for (const struct chunk *chunk = plan->list; chunk < list_end(plan); chunk++)
        written -= chunk->end - chunk->pos;
    return written;
}

bool plan_has_free(const struct plan *plan)
{
    return first_free(plan) != NULL;
}

int plan_extents(const struct plan *plan, struct ldl_extent *out, int size)
{
    int count = 0;
    int64_t start = 0;
    for (int i = 0; i <= plan->count; i++) {
        int64_t end = i < plan->count ? plan->list[i].pos : limit(plan);
        if (start < end && count++ < size)
            out[count - 1] = (struct ldl_extent){start, end};
        start = i < plan->count ? plan->list[i].end : end;
    }
    return count;
}

int plan_streams(const struct plan *plan, struct ldl_stream *out, int size)
{
    int count = 0;
    for (int i = 0; i < plan->count; i++) {
        const struct chunk *chunk = &plan->list[i];
        if (chunk->owner == 0 || count++ >= size)
            continue;
        int64_t end = chunk->end == INT64_MAX ? -1 : chunk->end;
        out[count - 1] = (struct ldl_stream){(int) chunk->owner, chunk->pos, end};
    }
    return count;
}
