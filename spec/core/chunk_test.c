/* chunk_test.c: the plan of missing bytes, in sentences, at random, and on a virtual clock.
 * SPDX-License-Identifier: MIT
 */
#include "chunk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define KIB ((int64_t) 1 << 10)
#define MIB ((int64_t) 1 << 20)

/* What must hold between any two calls. */

static bool chunk_valid(const struct chunk *chunk)
{
    bool idle = chunk->owner != 0 || chunk->busy == chunk->pos;
    bool waiting = !chunk->parked || (chunk->owner == 0 && chunk->claimant == 0);
    bool asked = chunk->claimant == 0 || chunk->owner != 0 || chunk->claimed <= chunk->pos;
    return chunk->pos < chunk->end && chunk->pos <= chunk->busy && chunk->busy <= chunk->end && idle
           && waiting && asked && (chunk->owner == 0 || chunk->owner != chunk->claimant);
}

static bool strangers(const struct chunk *a, const struct chunk *b)
{
    bool owners = a->owner == 0 || (a->owner != b->owner && a->owner != b->claimant);
    bool claimants = a->claimant == 0 || (a->claimant != b->claimant && a->claimant != b->owner);
    return owners && claimants;
}

static bool plan_valid(const struct plan *plan)
{
    int64_t limit = plan->total < 0 ? INT64_MAX : plan->total;
    int64_t start = 0;
    for (int i = 0; i < plan->count; i++) {
        const struct chunk *chunk = &plan->list[i];
        if (!chunk_valid(chunk) || chunk->pos < start || chunk->end > limit)
            return false;
        start = chunk->end;
        for (int j = i + 1; j < plan->count; j++)
            if (!strangers(chunk, &plan->list[j]))
                return false;
    }
    return plan->count <= plan->size;
}

/* Short words for the sentences below. */

static struct plan plan_of(int64_t total)
{
    struct plan plan;
    assert_int_equal(plan_init(&plan, total, MIB), 0);
    return plan;
}

static void done_with(struct plan *plan)
{
    assert_true(plan_valid(plan));
    plan_free(plan);
}

static struct span claim(struct plan *plan, uint32_t who, double now)
{
    struct span ask = {0, 0};
    int answer = chunk_claim(plan, who, now, &ask);
    assert_int_equal(answer, ask.end > ask.first);
    assert_true(plan_valid(plan));
    return ask;
}

static int64_t accept_part(struct plan *plan, uint32_t who, double now, int64_t first, int64_t end)
{
    int64_t from = -1;
    int answer = chunk_accept(plan, who, now, (struct span){first, end}, &from);
    assert_true(plan_valid(plan));
    assert_int_equal(answer, from >= 0);
    return from;
}

static struct span join(struct plan *plan, uint32_t who, double now)
{
    struct span ask = claim(plan, who, now);
    assert_true(ask.end > ask.first);
    assert_int_equal(accept_part(plan, who, now, ask.first, ask.end), ask.first);
    return ask;
}

static bool put(struct plan *plan, uint32_t who, int64_t bytes, int64_t reach, double now)
{
    struct span span = chunk_begin_write(plan, who, bytes, reach);
    assert_true(plan_valid(plan));
    bool more = span.end > span.first && chunk_end_write(plan, who, reach, now);
    assert_true(plan_valid(plan));
    return more;
}

/* A second of steady delivery, in eighths. */
static void bring(struct plan *plan, uint32_t who, int64_t rate, double now)
{
    for (int i = 1; i <= 8; i++)
        put(plan, who, rate / 8, 0, now + i * 0.125);
}

static const struct chunk *of(const struct plan *plan, uint32_t who)
{
    for (int i = 0; i < plan->count; i++)
        if (plan->list[i].owner == who)
            return &plan->list[i];
    fail_msg("stream %u owns nothing", who);
    return NULL;
}

static int attempts(struct plan *plan, uint32_t who, enum chunk_end end, bool progress)
{
    struct span rest;
    int count = chunk_release(plan, who, end, progress, &rest);
    assert_true(plan_valid(plan));
    return count;
}

#define assert_span(value, a, b)           \
    do {                                   \
        struct span value_ = (value);      \
        assert_int_equal(value_.first, a); \
        assert_int_equal(value_.end, b);   \
    } while (0)

/* Beginnings */

static void an_empty_resource_is_complete_at_once(void **state)
{
    (void) state;
    struct plan plan = plan_of(0);
    assert_true(plan_complete(&plan));
    assert_span(claim(&plan, 1, 0), 0, 0);
    assert_int_equal(plan_written(&plan), 0);
    done_with(&plan);
}

static void the_first_stream_asks_for_everything_and_owns_it_once_accepted(void **state)
{
    (void) state;
    struct plan plan = plan_of(10 * MIB);
    assert_span(claim(&plan, 1, 0), 0, 10 * MIB);
    assert_false(chunk_owns(&plan, 1));
    assert_int_equal(accept_part(&plan, 1, 0, 0, 10 * MIB), 0);
    assert_true(chunk_owns(&plan, 1));
    assert_int_equal(chunk_left(&plan, 1), 10 * MIB);
    done_with(&plan);
}

static void shares_are_equal_and_lie_on_blocks_and_each_goes_to_one_stream(void **state)
{
    (void) state;
    struct plan plan = plan_of(16 * MIB + 5);
    join(&plan, 1, 0);
    assert_int_equal(plan_divide(&plan, 4), 4);
    assert_int_equal(chunk_left(&plan, 1), 4 * MIB);
    assert_true(plan_has_free(&plan));
    assert_span(claim(&plan, 2, 0), 4 * MIB, 8 * MIB);
    assert_span(claim(&plan, 3, 0), 8 * MIB, 12 * MIB);
    assert_span(claim(&plan, 4, 0), 12 * MIB, 16 * MIB + 5);
    assert_false(plan_has_free(&plan));
    assert_span(claim(&plan, 5, 0), 0, 0);
    done_with(&plan);
}

static void a_share_is_never_smaller_than_min_split(void **state)
{
    (void) state;
    struct plan plan = plan_of(10 * MIB);
    plan.min_split = 3 * MIB;
    join(&plan, 1, 0);
    assert_int_equal(plan_divide(&plan, 16), 3);
    for (int i = 0; i < plan.count; i++)
        assert_true(plan.list[i].end - plan.list[i].pos >= 3 * MIB);
    done_with(&plan);
}

static void a_cut_whose_rounding_makes_a_share_too_small_is_left_out(void **state)
{
    (void) state;
    struct plan plan = plan_of(46 * MIB / 10);
    plan.min_split = 22 * MIB / 10;
    assert_int_equal(plan_divide(&plan, 2), 1); /* 2.3 becomes 2 */
    plan_free(&plan);
    plan = plan_of(34 * MIB / 10);
    plan.min_split = 16 * MIB / 10;
    assert_int_equal(plan_divide(&plan, 2), 1); /* 1.7 becomes 2, 1.4 are left */
    done_with(&plan);
}

static void a_parked_chunk_is_not_divided(void **state)
{
    (void) state;
    struct plan plan = plan_of(8 * MIB);
    claim(&plan, 1, 0);
    assert_int_equal(plan_divide(&plan, 2), 0); /* nor a claimed one */
    attempts(&plan, 1, CHUNK_PARKED, false);
    assert_int_equal(plan_divide(&plan, 2), 0);
    assert_int_equal(plan.count, 1);
    done_with(&plan);
}

static void a_small_resource_stays_one_chunk(void **state)
{
    (void) state;
    struct plan plan = plan_of(2 * MIB - 1);
    join(&plan, 1, 0);
    assert_int_equal(plan_divide(&plan, 16), 1);
    assert_int_equal(plan.count, 1);
    done_with(&plan);
}

static void only_what_is_still_missing_is_divided(void **state)
{
    (void) state;
    struct plan plan = plan_of(12 * MIB);
    join(&plan, 1, 0);
    put(&plan, 1, 4 * MIB, 0, 1);
    struct span busy = chunk_begin_write(&plan, 1, 2 * MIB, 0);
    assert_int_equal(plan_divide(&plan, 3), 3);
    assert_true(plan_valid(&plan));
    assert_span(busy, 4 * MIB, 6 * MIB);
    assert_int_equal(of(&plan, 1)->end, 8 * MIB);
    assert_span(claim(&plan, 2, 1), 8 * MIB, 10 * MIB);
    done_with(&plan);
}

/* Unknown length */

static void an_unknown_length_is_never_divided_stolen_or_shared(void **state)
{
    (void) state;
    struct plan plan = plan_of(-1);
    assert_span(claim(&plan, 1, 0), 0, INT64_MAX);
    assert_span(claim(&plan, 2, 0), 0, 0);
    assert_int_equal(accept_part(&plan, 1, 0, 0, INT64_MAX), 0);
    assert_int_equal(plan_divide(&plan, 8), 1);
    bring(&plan, 1, MIB, 0);
    assert_span(claim(&plan, 2, 1), 0, 0);
    assert_span(claim(&plan, 2, 100), 0, 0);
    done_with(&plan);
}

static void the_end_of_an_unknown_length_completes_the_plan(void **state)
{
    (void) state;
    struct plan plan = plan_of(-1);
    join(&plan, 1, 0);
    put(&plan, 1, 12345, INT64_MAX, 1);
    assert_int_equal(plan_written(&plan), 12345);
    assert_false(plan_complete(&plan));
    plan_set_total(&plan, 12345);
    assert_true(plan_complete(&plan));
    assert_false(chunk_owns(&plan, 1));
    assert_int_equal(plan_written(&plan), 12345);
    done_with(&plan);
}

/* Running on */

static void the_first_stream_runs_on_block_by_block_while_nobody_owns_what_follows(void **state)
{
    (void) state;
    struct plan plan = plan_of(12 * MIB);
    join(&plan, 1, 0);
    plan_divide(&plan, 3);
    assert_true(put(&plan, 1, 4 * MIB, 12 * MIB, 1)); /* into a free chunk */
    assert_int_equal(of(&plan, 1)->end, 5 * MIB);
    claim(&plan, 2, 1);
    assert_span(chunk_begin_write(&plan, 1, 3 * MIB, 12 * MIB), 4 * MIB, 7 * MIB); /* claimed */
    assert_true(chunk_end_write(&plan, 1, 12 * MIB, 1));
    claim(&plan, 3, 1);
    attempts(&plan, 3, CHUNK_PARKED, false);
    assert_false(put(&plan, 1, 5 * MIB, 12 * MIB, 1)); /* parked */
    assert_true(plan_complete(&plan));
    done_with(&plan);
}

static void nobody_runs_on_into_what_another_stream_owns(void **state)
{
    (void) state;
    struct plan plan = plan_of(8 * MIB);
    join(&plan, 1, 0);
    plan_divide(&plan, 2);
    join(&plan, 2, 0);
    assert_span(chunk_begin_write(&plan, 1, 6 * MIB, 8 * MIB), 0, 4 * MIB);
    assert_false(chunk_end_write(&plan, 1, 8 * MIB, 1));
    assert_false(chunk_owns(&plan, 1));
    assert_int_equal(chunk_left(&plan, 2), 4 * MIB);
    done_with(&plan);
}

static void a_stream_runs_on_only_as_far_as_its_answer_reaches(void **state)
{
    (void) state;
    struct plan plan = plan_of(8 * MIB);
    join(&plan, 1, 0);
    plan_divide(&plan, 2);
    assert_span(chunk_begin_write(&plan, 1, 8 * MIB, 4 * MIB + 100), 0, 4 * MIB + 100);
    assert_false(chunk_end_write(&plan, 1, 4 * MIB + 100, 1));
    assert_span(claim(&plan, 2, 1), 4 * MIB + 100, 8 * MIB);
    done_with(&plan);
}

static void a_claimant_that_was_partly_overtaken_gets_the_rest(void **state)
{
    (void) state;
    struct plan plan = plan_of(16 * MIB);
    join(&plan, 1, 0);
    plan_divide(&plan, 2);
    assert_span(claim(&plan, 2, 0), 8 * MIB, 16 * MIB);
    put(&plan, 1, 8 * MIB + 10, 16 * MIB, 1);
    assert_int_equal(accept_part(&plan, 2, 1, 8 * MIB, 16 * MIB), 9 * MIB);
    assert_int_equal(chunk_left(&plan, 1), MIB - 10);
    assert_int_equal(chunk_left(&plan, 2), 7 * MIB);
    done_with(&plan);
}

static void a_claimant_that_was_overtaken_too_far_gets_nothing(void **state)
{
    (void) state;
    struct plan plan = plan_of(16 * MIB);
    join(&plan, 1, 0);
    plan_divide(&plan, 2);
    claim(&plan, 2, 0);
    put(&plan, 1, 13 * MIB, 16 * MIB, 1);
    assert_int_equal(accept_part(&plan, 2, 1, 8 * MIB, 16 * MIB), -1);
    assert_true(plan_has_free(&plan)); /* its claim is gone */
    done_with(&plan);
}

static void a_claimant_whose_chunk_was_finished_by_others_gets_nothing(void **state)
{
    (void) state;
    struct plan plan = plan_of(16 * MIB);
    join(&plan, 1, 0);
    plan_divide(&plan, 2);
    claim(&plan, 2, 0);
    put(&plan, 1, 16 * MIB, 16 * MIB, 1);
    assert_int_equal(accept_part(&plan, 2, 1, 8 * MIB, 16 * MIB), -1);
    struct span rest;
    assert_int_equal(chunk_release(&plan, 2, CHUNK_PARKED, false, &rest), 0);
    assert_span(rest, 0, 0);
    done_with(&plan);
}

static void a_small_chunk_that_nobody_touched_is_accepted(void **state)
{
    (void) state;
    struct plan plan = plan_of(1);
    assert_span(join(&plan, 1, 0), 0, 1);
    assert_false(put(&plan, 1, 1, 1, 0));
    assert_true(plan_complete(&plan));
    done_with(&plan);
}

/* Steals */

/* Two streams of 1 MiB/s, a second old, 31 MiB to go each. */
static struct plan two_streams(void)
{
    struct plan plan = plan_of(64 * MIB);
    join(&plan, 1, 0);
    plan_divide(&plan, 2);
    join(&plan, 2, 0);
    bring(&plan, 1, MIB, 0);
    bring(&plan, 2, MIB, 0);
    return plan;
}

static void a_thief_takes_the_half_of_an_equal(void **state)
{
    (void) state;
    struct plan plan = two_streams();
    assert_span(claim(&plan, 3, 1), 17 * MIB, 32 * MIB); /* 16.5, rounded up */
    done_with(&plan);
}

static void victim_and_thief_end_at_the_same_time(void **state)
{
    (void) state;
    struct plan plan = two_streams();
    plan.turnaround = 2;
    for (int i = 0; i < plan.count; i++)
        plan.list[i].rate = i == 0 ? 1 * MIB : 3 * MIB;
    struct span ask = claim(&plan, 3, 1);
    double victim = (double) (ask.first - of(&plan, 1)->pos) / MIB;
    double thief = 2 + (double) (ask.end - ask.first) / (3 * MIB);
    assert_int_equal(ask.end, 32 * MIB);
    assert_int_equal(ask.first % CHUNK_BLOCK, 0);
    assert_true(victim - thief < 1.4 && thief - victim < 1.4); /* a block */
    done_with(&plan);
}

static void the_victim_has_the_longest_time_not_the_most_bytes(void **state)
{
    (void) state;
    struct plan plan = two_streams();
    put(&plan, 2, 10 * MIB, 0, 1.05);
    plan.list[0].rate = 8 * MIB;
    plan.list[1].rate = 1 * MIB;
    assert_int_equal(claim(&plan, 3, 1.1).end, 64 * MIB);
    done_with(&plan);
}

static void a_chunk_is_stolen_from_by_one_at_a_time(void **state)
{
    (void) state;
    struct plan plan = two_streams();
    assert_int_equal(claim(&plan, 3, 1).end, 32 * MIB);
    assert_int_equal(claim(&plan, 4, 1).end, 64 * MIB);
    assert_span(claim(&plan, 5, 1), 0, 0);
    done_with(&plan);
}

static void the_victim_goes_on_until_the_thief_is_accepted(void **state)
{
    (void) state;
    struct plan plan = two_streams();
    assert_int_equal(claim(&plan, 3, 1).first, 17 * MIB);
    put(&plan, 1, 20 * MIB, 0, 1.1); /* to 21 MiB */
    assert_int_equal(accept_part(&plan, 3, 1.2, 17 * MIB, 32 * MIB), 21 * MIB);
    assert_span(chunk_begin_write(&plan, 1, MIB, 0), 0, 0);
    assert_int_equal(chunk_left(&plan, 3), 11 * MIB);
    done_with(&plan);
}

static void a_victim_that_did_not_get_so_far_keeps_what_lies_before_the_cut(void **state)
{
    (void) state;
    struct plan plan = two_streams();
    plan.list[0].attempt = 3;
    claim(&plan, 3, 1);
    assert_int_equal(accept_part(&plan, 3, 1.2, 17 * MIB, 32 * MIB), 17 * MIB);
    assert_int_equal(chunk_left(&plan, 1), 16 * MIB);
    assert_int_equal(of(&plan, 3)->attempt, 0);
    done_with(&plan);
}

static void bytes_that_are_being_written_are_not_given_away(void **state)
{
    (void) state;
    struct plan plan = two_streams();
    claim(&plan, 3, 1);
    assert_span(chunk_begin_write(&plan, 1, 20 * MIB, 0), MIB, 21 * MIB);
    assert_int_equal(accept_part(&plan, 3, 1.2, 17 * MIB, 32 * MIB), 21 * MIB);
    assert_int_equal(chunk_left(&plan, 1), 20 * MIB);
    assert_false(chunk_end_write(&plan, 1, 0, 1.3));
    assert_false(chunk_owns(&plan, 1));
    done_with(&plan);
}

static void a_thief_that_comes_too_late_gets_nothing(void **state)
{
    (void) state;
    struct plan plan = two_streams();
    claim(&plan, 3, 1);
    put(&plan, 1, 31 * MIB - 32 * KIB, 0, 1.1);
    assert_int_equal(accept_part(&plan, 3, 1.2, 17 * MIB, 32 * MIB), -1);
    assert_int_equal(chunk_left(&plan, 1), 32 * KIB);
    assert_int_equal(of(&plan, 1)->claimant, 0);
    done_with(&plan);
}

static void a_stream_of_unknown_speed_is_no_victim(void **state)
{
    (void) state;
    struct plan plan = plan_of(64 * MIB);
    join(&plan, 1, 0);
    assert_span(claim(&plan, 2, 0.9), 0, 0);
    done_with(&plan);
}

static void a_young_stream_is_no_victim(void **state)
{
    (void) state;
    struct plan plan = two_streams();
    plan.round_trip = 0.1;
    assert_span(claim(&plan, 3, 1), 0, 0);
    assert_int_equal(claim(&plan, 3, 1.01).end, 32 * MIB);
    done_with(&plan);
}

static void a_stream_that_ends_within_eight_turnarounds_is_no_victim(void **state)
{
    (void) state;
    struct plan plan = two_streams();
    plan.turnaround = 3.9; /* the rest takes 31 s */
    assert_span(claim(&plan, 3, 1), 0, 0);
    plan.turnaround = 3.7;
    assert_int_equal(claim(&plan, 3, 1).end, 32 * MIB);
    done_with(&plan);
}

static void a_stream_that_ends_within_a_quarter_of_a_second_is_no_victim(void **state)
{
    (void) state;
    struct plan plan = two_streams();
    plan.list[0].rate = plan.list[1].rate = 125 * MIB;
    assert_span(claim(&plan, 3, 1), 0, 0);
    plan.list[0].rate = plan.list[1].rate = 120 * MIB;
    assert_int_equal(claim(&plan, 3, 1).end, 32 * MIB);
    done_with(&plan);
}

static void less_than_a_block_is_left_to_a_victim_of_the_same_speed(void **state)
{
    (void) state;
    struct plan plan = two_streams();
    put(&plan, 1, 30 * MIB, 0, 1.05);
    put(&plan, 2, 30 * MIB, 0, 1.05);
    plan.list[0].rate = plan.list[1].rate = MIB;
    assert_span(claim(&plan, 3, 1.1), 0, 0);
    done_with(&plan);
}

static void a_thief_does_not_ask_for_less_than_a_block_or_min_split(void **state)
{
    (void) state;
    struct plan plan = plan_of(63 * MIB + MIB / 2);
    join(&plan, 1, 0);
    bring(&plan, 1, 8 * MIB, 0);
    put(&plan, 1, 53 * MIB, 0, 1); /* 2.5 MiB to go, the middle rounds to 63 MiB */
    plan.list[0].rate = MIB;
    assert_span(claim(&plan, 2, 1.1), 0, 0);
    plan_free(&plan);
    plan = two_streams();
    plan.min_split = 16 * MIB;
    assert_span(claim(&plan, 3, 1), 0, 0);
    plan.min_split = 15 * MIB;
    assert_span(claim(&plan, 3, 1), 17 * MIB, 32 * MIB);
    done_with(&plan);
}

static void less_than_a_block_of_a_much_slower_victim_is_taken_whole(void **state)
{
    (void) state;
    struct plan plan = two_streams();
    put(&plan, 1, 30 * MIB + 10, 0, 1.05);
    plan.list[0].rate = 100 * KIB;
    plan.list[1].rate = 30 * MIB;
    struct span busy = chunk_begin_write(&plan, 1, 20, 0);
    assert_span(claim(&plan, 3, 1.1), busy.end, 32 * MIB);
    assert_int_equal(accept_part(&plan, 3, 1.2, busy.end, 32 * MIB), busy.end);
    assert_int_equal(chunk_left(&plan, 1), 20);
    done_with(&plan);
}

static void the_last_stream_is_judged_by_the_speed_of_those_that_finished(void **state)
{
    (void) state;
    struct plan plan = two_streams();
    plan.list[0].rate = 15 * MIB;
    plan.list[1].rate = MIB;
    assert_false(put(&plan, 1, 31 * MIB, 0, 1.01));
    assert_span(claim(&plan, 1, 1.1), 35 * MIB, 64 * MIB); /* 31/16 for the victim */
    done_with(&plan);
}

/* Takeovers */

static void a_chunk_that_brought_nothing_for_a_second_is_taken_whole(void **state)
{
    (void) state;
    struct plan plan = plan_of(8 * MIB);
    join(&plan, 1, 0);
    assert_span(claim(&plan, 2, 0.99), 0, 0);
    assert_span(claim(&plan, 2, 1), 0, 8 * MIB);
    assert_int_equal(accept_part(&plan, 2, 1.1, 0, 8 * MIB), 0);
    assert_false(chunk_owns(&plan, 1));
    assert_span(chunk_begin_write(&plan, 1, 10, 8 * MIB), 0, 0);
    done_with(&plan);
}

static void ten_round_trips_of_silence_are_granted(void **state)
{
    (void) state;
    struct plan plan = plan_of(8 * MIB);
    plan.round_trip = 0.5;
    join(&plan, 1, 0);
    put(&plan, 1, 10, 0, 0.04);
    assert_span(claim(&plan, 2, 5.03), 0, 0);
    assert_span(claim(&plan, 2, 5.05), 10, 8 * MIB);
    done_with(&plan);
}

static void the_little_that_a_revived_owner_left_is_not_taken(void **state)
{
    (void) state;
    struct plan plan = plan_of(100 * KIB);
    join(&plan, 1, 0);
    assert_span(claim(&plan, 2, 1), 0, 100 * KIB);
    put(&plan, 1, 40 * KIB, 0, 1.1);
    assert_int_equal(accept_part(&plan, 2, 1.2, 0, 100 * KIB), -1);
    assert_int_equal(chunk_left(&plan, 1), 60 * KIB);
    done_with(&plan);
}

static void a_stalled_owner_that_is_writing_keeps_those_bytes(void **state)
{
    (void) state;
    struct plan plan = plan_of(8 * MIB);
    join(&plan, 1, 0);
    chunk_begin_write(&plan, 1, 100, 0);
    assert_span(claim(&plan, 2, 2), 100, 8 * MIB);
    assert_int_equal(accept_part(&plan, 2, 2, 100, 8 * MIB), 100);
    assert_int_equal(chunk_left(&plan, 1), 100);
    assert_false(chunk_end_write(&plan, 1, 8 * MIB, 2));
    assert_false(chunk_owns(&plan, 1));
    assert_int_equal(chunk_left(&plan, 2), 8 * MIB - 100);
    done_with(&plan);
}

static void a_stalled_chunk_is_taken_before_a_running_one(void **state)
{
    (void) state;
    struct plan plan = two_streams();
    bring(&plan, 1, MIB, 1);
    assert_span(claim(&plan, 3, 2.05), 33 * MIB, 64 * MIB);
    done_with(&plan);
}

static void an_owner_that_is_held_back_has_not_stalled(void **state)
{
    (void) state;
    struct plan plan = two_streams();
    chunk_excuse(&plan, 2, 1.5);
    chunk_excuse(&plan, 9, 1.5); /* owns nothing */
    assert_span(claim(&plan, 3, 2.05), MIB, 32 * MIB);
    done_with(&plan);
}

/* Short answers */

static void what_a_short_answer_leaves_is_free_and_keeps_its_attempts(void **state)
{
    (void) state;
    struct plan plan = plan_of(8 * MIB);
    claim(&plan, 1, 0);
    attempts(&plan, 1, CHUNK_PARKED, false);
    chunk_unpark(&plan, 0);
    claim(&plan, 2, 0);
    assert_int_equal(accept_part(&plan, 2, 0, 0, 1000), 0);
    assert_int_equal(chunk_left(&plan, 2), 1000);
    assert_span(claim(&plan, 3, 0), 1000, 8 * MIB);
    assert_int_equal(attempts(&plan, 3, CHUNK_PARKED, false), 2);
    done_with(&plan);
}

static void behind_a_short_answer_to_a_thief_is_a_free_chunk(void **state)
{
    (void) state;
    struct plan plan = two_streams();
    claim(&plan, 3, 1);
    assert_int_equal(accept_part(&plan, 3, 1.1, 17 * MIB, 20 * MIB), 17 * MIB);
    assert_int_equal(of(&plan, 1)->end, 17 * MIB);
    assert_int_equal(chunk_left(&plan, 3), 3 * MIB);
    assert_span(claim(&plan, 4, 1.1), 20 * MIB, 32 * MIB);
    done_with(&plan);
}

static void a_short_answer_that_the_victim_has_passed_leaves_all_to_the_victim(void **state)
{
    (void) state;
    struct plan plan = two_streams();
    claim(&plan, 3, 1);
    put(&plan, 1, 19 * MIB, 0, 1.05);
    assert_int_equal(accept_part(&plan, 3, 1.1, 17 * MIB, 20 * MIB), -1);
    assert_int_equal(of(&plan, 1)->end, 32 * MIB);
    done_with(&plan);
}

/* Failures */

static void attempts_count_up_until_there_is_progress(void **state)
{
    (void) state;
    struct plan plan = plan_of(8 * MIB);
    for (int i = 1; i <= 3; i++) {
        claim(&plan, (uint32_t) i, 0);
        assert_int_equal(attempts(&plan, (uint32_t) i, CHUNK_PARKED, false), i);
        assert_span(claim(&plan, 9, 0), 0, 0);
        assert_true(chunk_unpark(&plan, 0));
    }
    join(&plan, 4, 0);
    put(&plan, 4, MIB, 0, 1);
    assert_int_equal(attempts(&plan, 4, CHUNK_PARKED, true), 1);
    assert_false(chunk_unpark(&plan, 0));
    assert_true(chunk_unpark(&plan, MIB));
    join(&plan, 5, 0);
    assert_int_equal(attempts(&plan, 5, CHUNK_FREE, false), 1);
    join(&plan, 6, 0);
    assert_int_equal(attempts(&plan, 6, CHUNK_FREE, true), 0);
    done_with(&plan);
}

static void the_shares_of_a_chunk_that_had_failed_begin_without_failures(void **state)
{
    (void) state;
    struct plan plan = plan_of(8 * MIB);
    claim(&plan, 1, 0);
    attempts(&plan, 1, CHUNK_PARKED, false);
    chunk_unpark(&plan, 0);
    join(&plan, 2, 0);
    plan_divide(&plan, 2);
    claim(&plan, 3, 0);
    assert_int_equal(attempts(&plan, 3, CHUNK_PARKED, false), 1);
    assert_int_equal(attempts(&plan, 2, CHUNK_PARKED, false), 2);
    done_with(&plan);
}

static void a_thief_that_is_refused_changes_nothing(void **state)
{
    (void) state;
    struct plan plan = two_streams();
    struct span ask = claim(&plan, 3, 1), rest;
    assert_int_equal(chunk_release(&plan, 3, CHUNK_PARKED, false, &rest), 1);
    assert_span(rest, ask.first, ask.end);
    assert_int_equal(chunk_left(&plan, 1), 31 * MIB);
    assert_int_equal(plan.count, 2);
    assert_false(chunk_unpark(&plan, ask.first));
    done_with(&plan);
}

static void an_overtaken_claimant_that_fails_parks_what_is_left(void **state)
{
    (void) state;
    struct plan plan = plan_of(8 * MIB);
    join(&plan, 1, 0);
    plan_divide(&plan, 2);
    claim(&plan, 2, 0);
    put(&plan, 1, 5 * MIB, 8 * MIB, 0.5);
    struct span rest;
    assert_int_equal(chunk_release(&plan, 2, CHUNK_PARKED, false, &rest), 1);
    assert_span(rest, 6 * MIB, 8 * MIB);
    assert_true(chunk_unpark(&plan, rest.first));
    done_with(&plan);
}

static void a_failing_victim_leaves_the_thiefs_part_to_the_thief(void **state)
{
    (void) state;
    struct plan plan = two_streams();
    struct span ask = claim(&plan, 3, 1), rest;
    assert_int_equal(chunk_release(&plan, 1, CHUNK_PARKED, true, &rest), 1);
    assert_span(rest, MIB, 32 * MIB);
    assert_span(claim(&plan, 4, 1.1), 49 * MIB, 64 * MIB); /* the other running one */
    assert_int_equal(accept_part(&plan, 3, 1.2, ask.first, ask.end), 17 * MIB);
    assert_int_equal(chunk_left(&plan, 3), 15 * MIB);
    assert_true(chunk_unpark(&plan, MIB));
    assert_span(claim(&plan, 5, 1.2), MIB, 17 * MIB);
    done_with(&plan);
}

static void a_chunk_that_was_wholly_claimed_when_its_owner_failed_is_not_parked(void **state)
{
    (void) state;
    struct plan plan = plan_of(8 * MIB);
    join(&plan, 1, 0);
    claim(&plan, 2, 2);
    assert_int_equal(attempts(&plan, 1, CHUNK_PARKED, false), 1);
    assert_false(chunk_unpark(&plan, 0));
    assert_int_equal(attempts(&plan, 2, CHUNK_PARKED, false), 2);
    done_with(&plan);
}

static void a_parked_chunk_is_found_by_its_first_byte_after_a_neighbour_ran_into_it(void **state)
{
    (void) state;
    struct plan plan = plan_of(8 * MIB);
    join(&plan, 1, 0);
    plan_divide(&plan, 2);
    claim(&plan, 2, 0);
    attempts(&plan, 2, CHUNK_PARKED, false);
    put(&plan, 1, 5 * MIB, 8 * MIB, 0.5);
    assert_false(plan_has_free(&plan));
    assert_true(chunk_unpark(&plan, 4 * MIB));
    assert_false(chunk_unpark(&plan, 4 * MIB));
    assert_span(claim(&plan, 3, 0.5), 6 * MIB, 8 * MIB);
    done_with(&plan);
}

/* Speed */

static void the_first_sample_counts_from_the_answer_and_later_ones_are_smoothed(void **state)
{
    (void) state;
    struct plan plan = plan_of(64 * MIB);
    join(&plan, 1, 10);
    put(&plan, 1, 1000, 0, 10.04);
    assert_true(of(&plan, 1)->rate == 0); /* too short to tell */
    put(&plan, 1, 1000, 0, 10.5);
    double first = of(&plan, 1)->rate;
    assert_true(first > 3999 && first < 4001);
    put(&plan, 1, 8000, 0, 11.5);
    double second = of(&plan, 1)->rate;
    assert_true(second > 5000 && second < 7000);
    done_with(&plan);
}

/* The whole */

static void one_stream_may_take_all_from_the_first_byte(void **state)
{
    (void) state;
    struct plan plan = two_streams();
    claim(&plan, 3, 1);
    assert_int_equal(chunk_take_all(&plan, 4, 1), 0);
    assert_true(plan_valid(&plan));
    assert_int_equal(plan_written(&plan), 0);
    assert_int_equal(chunk_left(&plan, 4), 64 * MIB);
    assert_false(chunk_owns(&plan, 1) || chunk_owns(&plan, 2));
    assert_int_equal(accept_part(&plan, 3, 1, 17 * MIB, 32 * MIB), -1);
    assert_false(put(&plan, 4, 64 * MIB, 64 * MIB, 2));
    assert_true(plan_complete(&plan));
    assert_int_equal(chunk_take_all(&plan, 5, 3), 0); /* even a complete one */
    assert_int_equal(chunk_left(&plan, 5), 64 * MIB);
    done_with(&plan);
}

static void a_write_that_ends_after_another_took_all_counts_for_nothing(void **state)
{
    (void) state;
    struct plan plan = two_streams();
    chunk_begin_write(&plan, 1, MIB, 0);
    assert_int_equal(chunk_take_all(&plan, 3, 1), 0);
    assert_false(chunk_end_write(&plan, 1, 0, 1));
    assert_int_equal(plan_written(&plan), 0);
    done_with(&plan);
}

static void extents_are_what_is_written(void **state)
{
    (void) state;
    struct plan plan = two_streams();
    struct ldl_extent extents[4];
    assert_int_equal(plan_extents(&plan, extents, 4), 2);
    assert_int_equal(extents[0].end, plan.list[0].pos);
    assert_int_equal(extents[1].start, 32 * MIB);
    chunk_begin_write(&plan, 1, MIB, 0); /* is not written yet */
    assert_int_equal(plan_written(&plan), plan.list[0].pos + plan.list[1].pos - 32 * MIB);
    chunk_end_write(&plan, 1, 0, 1);
    put(&plan, 2, 32 * MIB, 0, 1);
    assert_int_equal(plan_extents(&plan, extents, 1), 2);
    assert_int_equal(plan_extents(&plan, extents, 4), 2);
    assert_int_equal(extents[1].end, 64 * MIB);
    put(&plan, 1, 32 * MIB, 0, 1);
    assert_int_equal(plan_extents(&plan, extents, 4), 1);
    assert_int_equal(extents[0].end, 64 * MIB);
    done_with(&plan);
}

static void streams_are_where_their_owners_write(void **state)
{
    (void) state;
    struct plan plan = two_streams();
    struct ldl_stream streams[4];
    assert_int_equal(plan_streams(&plan, streams, 4), 2);
    assert_int_equal(streams[1].number, 2);
    assert_int_equal(streams[1].position, plan.list[1].pos);
    assert_int_equal(streams[1].end, 64 * MIB);
    assert_int_equal(plan_streams(&plan, streams, 1), 2);
    put(&plan, 2, 32 * MIB, 0, 1);
    assert_int_equal(plan_streams(&plan, streams, 4), 1);
    assert_int_equal(streams[0].number, 1);
    done_with(&plan);
    plan = plan_of(-1);
    join(&plan, 7, 0);
    assert_int_equal(plan_streams(&plan, streams, 4), 1);
    assert_int_equal(streams[0].end, -1);
    done_with(&plan);
}

static void the_largest_resource_does_not_overflow(void **state)
{
    (void) state;
    struct plan plan = plan_of(INT64_MAX);
    join(&plan, 1, 0);
    assert_int_equal(plan_divide(&plan, 256), 256);
    for (uint32_t who = 2; who <= 256; who++)
        join(&plan, who, 0);
    assert_span(chunk_begin_write(&plan, 256, INT64_MAX, INT64_MAX), plan.list[255].pos, INT64_MAX);
    assert_false(chunk_end_write(&plan, 256, INT64_MAX, 1));
    plan.list[254].rate = 1e12;
    assert_int_equal(claim(&plan, 256, 0.5).end, plan.list[254].end);
    assert_int_equal(chunk_take_all(&plan, 1, 2), 0);
    assert_false(put(&plan, 1, INT64_MAX, INT64_MAX, 3));
    assert_int_equal(plan_written(&plan), INT64_MAX);
    done_with(&plan);
}

static void a_plan_that_would_grow_without_bound_is_refused_and_unchanged(void **state)
{
    (void) state;
    struct plan plan = plan_of(INT64_MAX);
    join(&plan, 1, 0);
    assert_int_equal(plan_divide(&plan, 1 << 30), -LDL_NO_MEMORY);
    assert_int_equal(plan.count, 1);
    assert_int_equal(plan_divide(&plan, 1 << 16), 1 << 16);
    struct span ask, rest;
    assert_int_equal(chunk_claim(&plan, 2, 0, &ask), 1);
    int64_t from;
    assert_int_equal(chunk_accept(&plan, 2, 0, ask, &from), -LDL_NO_MEMORY);
    assert_int_equal(plan.count, 1 << 16);
    assert_int_equal(chunk_release(&plan, 2, CHUNK_FREE, false, &rest), 0);
    assert_int_equal(chunk_release(&plan, 1, CHUNK_PARKED, false, &rest), 1);
    plan_free(&plan);
}

static void a_failing_victim_keeps_the_thiefs_part_when_there_is_no_memory_to_cut_it(void **state)
{
    (void) state;
    struct plan plan = plan_of(INT64_MAX);
    join(&plan, 1, 0);
    plan_divide(&plan, 1 << 16);
    for (int i = 1; i < plan.count; i++)
        plan.list[i].parked = true;
    plan.list[0].rate = 1e12;
    struct span ask, rest;
    int64_t from;
    assert_int_equal(chunk_claim(&plan, 2, 0.5, &ask), 1);
    assert_true(ask.first > 0);
    assert_int_equal(chunk_release(&plan, 1, CHUNK_PARKED, false, &rest), 1);
    assert_int_equal(chunk_accept(&plan, 2, 0.6, ask, &from), 0);
    assert_true(chunk_unpark(&plan, 0));
    assert_int_equal(chunk_claim(&plan, 3, 0.7, &ask), 1);
    assert_span(ask, rest.first, rest.end);
    plan_free(&plan);
}

/* At random: each unit of a byte map is written once, by its owner, and the end is reached. */

#define UNIT KIB
#define UNITS (24 * 1024 + 3)
#define ACTORS 9
#define TROUBLE_STEPS 4000
#define MOST_STEPS 60000

enum actor_state { IDLE, ASKED, RUNNING, WRITING, STALLED };

struct actor {
    enum actor_state state;
    uint32_t id;
    struct span ask, busy;
    int64_t at, reach; /* the next byte of its answer; where that ends */
};

struct world {
    struct plan plan;
    struct actor actors[ACTORS];
    uint32_t seed, ids;
    uint32_t writer[UNITS];
    bool written[UNITS];
    int64_t count;
    double now;
    bool trouble;
};

static int64_t least_of(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static uint32_t draw(struct world *world, uint32_t below)
{
    world->seed ^= world->seed << 13;
    world->seed ^= world->seed >> 17;
    world->seed ^= world->seed << 5;
    return world->seed % below;
}

static bool happens(struct world *world, uint32_t percent)
{
    return world->trouble && draw(world, 100) < percent;
}

static void actor_leaves(struct world *world, struct actor *actor)
{
    struct span rest;
    enum chunk_end end = draw(world, 2) ? CHUNK_PARKED : CHUNK_FREE;
    chunk_release(&world->plan, actor->id, end, draw(world, 2), &rest);
    actor->state = IDLE;
}

static void actor_asks(struct world *world, struct actor *actor)
{
    actor->id = ++world->ids;
    if (chunk_claim(&world->plan, actor->id, world->now, &actor->ask) == 1)
        actor->state = ASKED;
}

static struct span answer_to(struct world *world, struct span ask)
{
    struct span got = ask;
    if (happens(world, 15))
        got.end = ask.first + UNIT * (1 + draw(world, (uint32_t) ((ask.end - ask.first) / UNIT)));
    if (happens(world, 3) && got.end - got.first > 2 * UNIT)
        got.first += UNIT;
    return got;
}

static void actor_is_answered(struct world *world, struct actor *actor)
{
    if (happens(world, 15)) {
        actor_leaves(world, actor);
        return;
    }
    struct span got = answer_to(world, actor->ask);
    int answer = chunk_accept(&world->plan, actor->id, world->now, got, &actor->at);
    assert_in_range(answer, 0, 1);
    assert_int_equal(chunk_owns(&world->plan, actor->id), answer);
    assert_true(answer == 0 || (got.first <= actor->at && actor->at < got.end));
    bool open = got.end == actor->ask.end && draw(world, 3) == 0;
    actor->reach = open ? UNITS * UNIT : got.end;
    actor->state = answer == 0 ? IDLE : RUNNING;
}

static void actor_begins(struct world *world, struct actor *actor)
{
    if (happens(world, 4)) {
        actor_leaves(world, actor);
        return;
    }
    if (happens(world, 2)) {
        actor->state = STALLED;
        return;
    }
    uint32_t size = draw(world, 20) == 0 ? 2000 : 12;
    int64_t want = least_of(actor->reach - actor->at, UNIT * (1 + draw(world, size)));
    actor->busy = chunk_begin_write(&world->plan, actor->id, want, actor->reach);
    if (actor->busy.first == actor->busy.end) {
        assert_false(chunk_owns(&world->plan, actor->id));
        actor->state = IDLE;
        return;
    }
    assert_int_equal(actor->busy.first, actor->at);
    assert_true(actor->busy.end <= actor->at + want);
    for (int64_t unit = actor->busy.first / UNIT; unit < actor->busy.end / UNIT; unit++) {
        assert_true(!world->written[unit] && world->writer[unit] == 0);
        world->writer[unit] = actor->id;
    }
    actor->state = WRITING;
}

static void actor_ends(struct world *world, struct actor *actor)
{
    for (int64_t unit = actor->busy.first / UNIT; unit < actor->busy.end / UNIT; unit++) {
        assert_int_equal(world->writer[unit], actor->id);
        world->writer[unit] = 0;
        world->written[unit] = true;
        world->count++;
    }
    actor->at = actor->busy.end;
    bool more = chunk_end_write(&world->plan, actor->id, actor->reach, world->now);
    assert_int_equal(more, chunk_owns(&world->plan, actor->id));
    assert_true(!more || actor->at < actor->reach);
    actor->state = more ? RUNNING : IDLE;
}

static void actor_acts(struct world *world, struct actor *actor)
{
    switch (actor->state) {
    case IDLE: actor_asks(world, actor); break;
    case ASKED: actor_is_answered(world, actor); break;
    case RUNNING: actor_begins(world, actor); break;
    case WRITING: actor_ends(world, actor); break;
    case STALLED:
        if (!world->trouble || happens(world, 2))
            actor_leaves(world, actor);
        break;
    }
}

static void one_takes_all(struct world *world)
{
    struct actor *taker = NULL;
    for (int i = 0; i < ACTORS; i++) {
        if (world->actors[i].state == WRITING)
            return;
        if (world->actors[i].state == IDLE)
            taker = &world->actors[i];
    }
    if (taker == NULL)
        return;
    *taker = (struct actor){.state = RUNNING, .id = ++world->ids, .reach = UNITS * UNIT};
    assert_int_equal(chunk_take_all(&world->plan, taker->id, world->now), 0);
    memset(world->written, 0, sizeof world->written);
    world->count = 0;
}

static void policy_decides(struct world *world)
{
    if (world->plan.count == 0)
        return;
    struct chunk *chunk = &world->plan.list[draw(world, (uint32_t) world->plan.count)];
    if (chunk->parked)
        assert_true(chunk_unpark(&world->plan, chunk->parked_at));
    if (happens(world, 10))
        assert_true(plan_divide(&world->plan, 1 + (int) draw(world, 8)) >= 0);
    if (happens(world, 1) && draw(world, 8) == 0)
        one_takes_all(world);
}

static void check(const struct world *world)
{
    assert_true(plan_valid(&world->plan));
    assert_int_equal(plan_written(&world->plan), world->count * UNIT);
}

static void check_extents(const struct world *world)
{
    struct ldl_extent extents[256];
    int count = plan_extents(&world->plan, extents, 256);
    int64_t sum = 0;
    for (int i = 0; i < count; i++)
        for (int64_t unit = extents[i].start / UNIT; unit < extents[i].end / UNIT; unit++, sum++)
            assert_true(world->written[unit]);
    assert_int_equal(sum, world->count);
}

static int play(struct world *world)
{
    int step = 0;
    for (; !plan_complete(&world->plan) && step < MOST_STEPS; step++) {
        world->trouble = step < TROUBLE_STEPS;
        world->now += draw(world, 40) * 0.001;
        actor_acts(world, &world->actors[draw(world, ACTORS)]);
        policy_decides(world);
        check(world);
        if (step % 500 == 0)
            check_extents(world);
    }
    return step;
}

static void at_random_every_byte_is_written_once_by_its_owner_and_the_end_is_reached(void **state)
{
    (void) state;
    for (uint32_t seed = 1; seed <= 100; seed++) {
        struct world *world = test_calloc(1, sizeof *world);
        assert_int_equal(plan_init(&world->plan, UNITS * UNIT, MIB), 0);
        world->seed = seed * 2654435761u;
        world->plan.turnaround = draw(world, 3) * 0.02;
        world->plan.round_trip = world->plan.turnaround / 2;
        int steps = play(world);
        if (steps == MOST_STEPS)
            fail_msg("seed %u does not end", seed);
        check_extents(world);
        assert_int_equal(world->count, UNITS);
        plan_free(&world->plan);
        test_free(world);
    }
}

/* On a virtual clock: what a download takes, against what its healthy streams could carry. */

#define STREAMS 16
#define TICK 0.0005
#define FLUSH (512 * KIB)
#define FLUSH_SECONDS 0.25

struct stream {
    enum actor_state state;
    double speed, ready, buffer;
    double flushed; /* when */
    double dies_at; /* brings nothing from then on; 0: lives */
    struct span ask;
};

struct path {
    struct plan plan;
    struct stream streams[STREAMS];
    double capacity; /* of what all streams share; 0: unlimited */
    double now;
};

static void path_init(struct path *path, int64_t total, double speed, double turnaround)
{
    *path = (struct path){0};
    assert_int_equal(plan_init(&path->plan, total, MIB), 0);
    path->plan.turnaround = path->plan.round_trip = turnaround;
    for (int i = 0; i < STREAMS; i++)
        path->streams[i].speed = speed;
}

static void stream_runs(struct path *path, uint32_t who, double speed)
{
    struct stream *stream = &path->streams[who - 1];
    stream->buffer += speed * TICK;
    double left = (double) chunk_left(&path->plan, who);
    bool late = path->now - stream->flushed >= FLUSH_SECONDS && stream->buffer >= 1;
    if (stream->buffer < FLUSH && stream->buffer < left && !late)
        return;
    stream->flushed = path->now;
    int64_t reach = who == 1 ? path->plan.total : 0;
    struct span span = chunk_begin_write(&path->plan, who, (int64_t) stream->buffer, reach);
    stream->buffer -= (double) (span.end - span.first);
    if (span.first == span.end || !chunk_end_write(&path->plan, who, reach, path->now))
        stream->state = IDLE;
}

static void stream_asks(struct path *path, uint32_t who)
{
    struct stream *stream = &path->streams[who - 1];
    if (chunk_claim(&path->plan, who, path->now, &stream->ask) != 1)
        return;
    stream->ready = path->now + path->plan.turnaround;
    stream->state = ASKED;
}

static void stream_is_answered(struct path *path, uint32_t who)
{
    struct stream *stream = &path->streams[who - 1];
    int64_t from;
    int answer = chunk_accept(&path->plan, who, path->now, stream->ask, &from);
    stream->state = answer == 1 ? RUNNING : IDLE;
    stream->flushed = path->now;
    stream->buffer = answer == 1 ? (double) (stream->ask.first - from) : 0; /* skipped first */
}

static double speed_of(const struct path *path, const struct stream *stream)
{
    if (stream->dies_at > 0 && path->now >= stream->dies_at)
        return 0;
    if (path->capacity == 0)
        return stream->speed;
    int running = 0;
    for (int i = 0; i < STREAMS; i++)
        running += path->streams[i].state == RUNNING;
    return path->capacity / running;
}

static void stream_acts(struct path *path, uint32_t who)
{
    struct stream *stream = &path->streams[who - 1];
    if (stream->state == RUNNING)
        stream_runs(path, who, speed_of(path, stream));
    if (stream->state == IDLE && !(stream->dies_at > 0 && path->now > stream->dies_at))
        stream_asks(path, who);
    if (stream->state == ASKED && path->now >= stream->ready)
        stream_is_answered(path, who);
}

/* Seconds from the first answer to the last byte. */
static double path_takes(struct path *path)
{
    stream_asks(path, 1);
    stream_is_answered(path, 1);
    assert_int_equal(plan_divide(&path->plan, STREAMS), STREAMS);
    while (!plan_complete(&path->plan) && path->now < 1000) {
        for (uint32_t who = 1; who <= STREAMS; who++)
            stream_acts(path, who);
        path->now += TICK;
    }
    assert_true(plan_valid(&path->plan));
    plan_free(&path->plan);
    return path->now;
}

/* All but the first begin a turnaround later. */
static double ideal(int64_t total, int healthy, double speed, double turnaround)
{
    return ((double) total + (healthy - 1) * speed * turnaround) / (healthy * speed);
}

#define SPEED 8e6
#define SIZE (256 * MIB)

static void assert_within(double took, double best, double factor)
{
    if (took > best * factor)
        fail_msg("took %.3f s, %.3f of the ideal %.3f s", took, took / best, best);
}

static void sixteen_equal_connections_cost_at_most_one_percent(void **state)
{
    (void) state;
    struct path path;
    path_init(&path, SIZE, SPEED, 0.001);
    assert_within(path_takes(&path), ideal(SIZE, 16, SPEED, 0.001), 1.01);
}

static void fifty_milliseconds_of_turnaround_cost_at_most_one_percent(void **state)
{
    (void) state;
    struct path path;
    path_init(&path, SIZE, SPEED, 0.05);
    assert_within(path_takes(&path), ideal(SIZE, 16, SPEED, 0.05), 1.01);
}

static void two_slow_connections_cost_at_most_ten_percent(void **state)
{
    (void) state;
    for (int slow = 0; slow < STREAMS; slow++) {
        struct path path;
        path_init(&path, SIZE, SPEED, 0.001);
        path.streams[slow].speed /= 50;
        path.streams[(slow + 5) % STREAMS].speed /= 50;
        assert_within(path_takes(&path), ideal(SIZE, 14, SPEED, 0.001), 1.10);
    }
}

static void a_connection_that_stalls_for_good_costs_at_most_ten_percent(void **state)
{
    (void) state;
    for (int stalled = 0; stalled < STREAMS; stalled++) {
        struct path path;
        path_init(&path, SIZE, SPEED, 0.001);
        path.streams[stalled].dies_at = 0.1 + 0.05 * stalled;
        assert_within(path_takes(&path), ideal(SIZE, 15, SPEED, 0.001), 1.10);
    }
}

static void connections_that_share_a_full_path_are_not_slower_than_one(void **state)
{
    (void) state;
    struct path path;
    path_init(&path, 64 * MIB, SPEED, 0.05);
    path.capacity = 80e6;
    assert_within(path_takes(&path), (double) (64 * MIB) / 80e6, 1.10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_resource_is_complete_at_once),
        cmocka_unit_test(the_first_stream_asks_for_everything_and_owns_it_once_accepted),
        cmocka_unit_test(shares_are_equal_and_lie_on_blocks_and_each_goes_to_one_stream),
        cmocka_unit_test(a_share_is_never_smaller_than_min_split),
        cmocka_unit_test(a_cut_whose_rounding_makes_a_share_too_small_is_left_out),
        cmocka_unit_test(a_parked_chunk_is_not_divided),
        cmocka_unit_test(a_small_resource_stays_one_chunk),
        cmocka_unit_test(only_what_is_still_missing_is_divided),
        cmocka_unit_test(an_unknown_length_is_never_divided_stolen_or_shared),
        cmocka_unit_test(the_end_of_an_unknown_length_completes_the_plan),
        cmocka_unit_test(the_first_stream_runs_on_block_by_block_while_nobody_owns_what_follows),
        cmocka_unit_test(nobody_runs_on_into_what_another_stream_owns),
        cmocka_unit_test(a_stream_runs_on_only_as_far_as_its_answer_reaches),
        cmocka_unit_test(a_claimant_that_was_partly_overtaken_gets_the_rest),
        cmocka_unit_test(a_claimant_that_was_overtaken_too_far_gets_nothing),
        cmocka_unit_test(a_claimant_whose_chunk_was_finished_by_others_gets_nothing),
        cmocka_unit_test(a_small_chunk_that_nobody_touched_is_accepted),
        cmocka_unit_test(a_thief_takes_the_half_of_an_equal),
        cmocka_unit_test(victim_and_thief_end_at_the_same_time),
        cmocka_unit_test(the_victim_has_the_longest_time_not_the_most_bytes),
        cmocka_unit_test(a_chunk_is_stolen_from_by_one_at_a_time),
        cmocka_unit_test(the_victim_goes_on_until_the_thief_is_accepted),
        cmocka_unit_test(a_victim_that_did_not_get_so_far_keeps_what_lies_before_the_cut),
        cmocka_unit_test(bytes_that_are_being_written_are_not_given_away),
        cmocka_unit_test(a_thief_that_comes_too_late_gets_nothing),
        cmocka_unit_test(a_stream_of_unknown_speed_is_no_victim),
        cmocka_unit_test(a_young_stream_is_no_victim),
        cmocka_unit_test(a_stream_that_ends_within_eight_turnarounds_is_no_victim),
        cmocka_unit_test(a_stream_that_ends_within_a_quarter_of_a_second_is_no_victim),
        cmocka_unit_test(less_than_a_block_is_left_to_a_victim_of_the_same_speed),
        cmocka_unit_test(a_thief_does_not_ask_for_less_than_a_block_or_min_split),
        cmocka_unit_test(less_than_a_block_of_a_much_slower_victim_is_taken_whole),
        cmocka_unit_test(the_last_stream_is_judged_by_the_speed_of_those_that_finished),
        cmocka_unit_test(a_chunk_that_brought_nothing_for_a_second_is_taken_whole),
        cmocka_unit_test(ten_round_trips_of_silence_are_granted),
        cmocka_unit_test(the_little_that_a_revived_owner_left_is_not_taken),
        cmocka_unit_test(a_stalled_owner_that_is_writing_keeps_those_bytes),
        cmocka_unit_test(a_stalled_chunk_is_taken_before_a_running_one),
        cmocka_unit_test(an_owner_that_is_held_back_has_not_stalled),
        cmocka_unit_test(what_a_short_answer_leaves_is_free_and_keeps_its_attempts),
        cmocka_unit_test(behind_a_short_answer_to_a_thief_is_a_free_chunk),
        cmocka_unit_test(a_short_answer_that_the_victim_has_passed_leaves_all_to_the_victim),
        cmocka_unit_test(attempts_count_up_until_there_is_progress),
        cmocka_unit_test(the_shares_of_a_chunk_that_had_failed_begin_without_failures),
        cmocka_unit_test(a_thief_that_is_refused_changes_nothing),
        cmocka_unit_test(an_overtaken_claimant_that_fails_parks_what_is_left),
        cmocka_unit_test(a_failing_victim_leaves_the_thiefs_part_to_the_thief),
        cmocka_unit_test(a_chunk_that_was_wholly_claimed_when_its_owner_failed_is_not_parked),
        cmocka_unit_test(a_parked_chunk_is_found_by_its_first_byte_after_a_neighbour_ran_into_it),
        cmocka_unit_test(the_first_sample_counts_from_the_answer_and_later_ones_are_smoothed),
        cmocka_unit_test(one_stream_may_take_all_from_the_first_byte),
        cmocka_unit_test(a_write_that_ends_after_another_took_all_counts_for_nothing),
        cmocka_unit_test(extents_are_what_is_written),
        cmocka_unit_test(streams_are_where_their_owners_write),
        cmocka_unit_test(the_largest_resource_does_not_overflow),
        cmocka_unit_test(a_plan_that_would_grow_without_bound_is_refused_and_unchanged),
        cmocka_unit_test(a_failing_victim_keeps_the_thiefs_part_when_there_is_no_memory_to_cut_it),
        cmocka_unit_test(at_random_every_byte_is_written_once_by_its_owner_and_the_end_is_reached),
        cmocka_unit_test(sixteen_equal_connections_cost_at_most_one_percent),
        cmocka_unit_test(fifty_milliseconds_of_turnaround_cost_at_most_one_percent),
        cmocka_unit_test(two_slow_connections_cost_at_most_ten_percent),
        cmocka_unit_test(a_connection_that_stalls_for_good_costs_at_most_ten_percent),
        cmocka_unit_test(connections_that_share_a_full_path_are_not_slower_than_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
