/* window_test.c: pieces that are claimed front to back, and the ring that they are written to.
 * SPDX-License-Identifier: MIT
 */
#include "window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "chunk.h"

#define KIB ((int64_t) 1 << 10)
#define MIB ((int64_t) 1 << 20)
#define STREAMS 6
#define TURNS 100000

static struct plan plan_of(int64_t total, int64_t piece, int64_t edge)
{
    struct plan plan;
    assert_int_equal(plan_init(&plan, total, MIB), 0);
    plan_read_in_order(&plan, piece, edge);
    return plan;
}

static void expect_claim(struct plan *plan, uint32_t who, int64_t first, int64_t end)
{
    struct span ask;
    assert_int_equal(chunk_claim(plan, who, 0, &ask), 1);
    assert_int_equal(ask.first, first);
    assert_int_equal(ask.end, end);
}

static void expect_nothing(struct plan *plan, uint32_t who)
{
    struct span ask;
    assert_int_equal(chunk_claim(plan, who, 0, &ask), 0);
}

static void join(struct plan *plan, uint32_t who, int64_t first, int64_t end)
{
    int64_t from;
    assert_int_equal(chunk_accept(plan, who, 0, (struct span){first, end}, &from), 1);
    assert_int_equal(from, first);
}

/* The plan */

static void pieces_are_claimed_front_to_back(void **state)
{
    (void) state;
    struct plan plan = plan_of(10 * MIB, 4 * MIB, 10 * MIB);
    expect_claim(&plan, 1, 0, 4 * MIB);
    expect_claim(&plan, 2, 4 * MIB, 8 * MIB);
    expect_claim(&plan, 3, 8 * MIB, 10 * MIB);
    expect_nothing(&plan, 4);
    plan_free(&plan);
}

static void a_piece_that_begins_past_the_edge_is_claimed_when_the_edge_has_moved(void **state)
{
    (void) state;
    struct plan plan = plan_of(10 * MIB, 4 * MIB, 4 * MIB);
    expect_claim(&plan, 1, 0, 4 * MIB);
    expect_nothing(&plan, 2);
    plan_move_edge(&plan, 4 * MIB + 1, 0);
    expect_claim(&plan, 2, 4 * MIB, 8 * MIB);
    plan_free(&plan);
}

static void a_crumb_before_a_multiple_of_the_piece_goes_with_the_next_one(void **state)
{
    (void) state;
    struct ldl_extent written = {0, 3 * MIB};
    struct plan plan;
    assert_int_equal(plan_resume(&plan, 20 * MIB, MIB, &written, 1), 0);
    plan_read_in_order(&plan, 4 * MIB, 20 * MIB);
    expect_claim(&plan, 1, 3 * MIB, 8 * MIB);
    expect_claim(&plan, 2, 8 * MIB, 12 * MIB);
    plan_free(&plan);
}

static void a_plan_that_is_read_in_order_is_not_divided(void **state)
{
    (void) state;
    struct plan plan = plan_of(64 * MIB, 4 * MIB, 64 * MIB);
    assert_int_equal(plan_divide(&plan, 8), 1);
    assert_int_equal(plan.count, 1);
    plan_free(&plan);
}

static void a_stream_writes_up_to_the_edge_and_waits_there(void **state)
{
    (void) state;
    struct plan plan = plan_of(10 * MIB, 4 * MIB, 100);
    expect_claim(&plan, 1, 0, 4 * MIB);
    join(&plan, 1, 0, 4 * MIB);
    struct span span = chunk_begin_write(&plan, 1, 300, 4 * MIB);
    assert_int_equal(span.end, 100);
    assert_true(chunk_end_write(&plan, 1, 4 * MIB, 1));
    assert_true(chunk_waits(&plan, 1));
    span = chunk_begin_write(&plan, 1, 200, 4 * MIB);
    assert_int_equal(span.first, span.end);
    plan_move_edge(&plan, 150, 9);
    assert_false(chunk_waits(&plan, 1));
    span = chunk_begin_write(&plan, 1, 200, 4 * MIB);
    assert_int_equal(span.first, 100);
    assert_int_equal(span.end, 150);
    chunk_abort_write(&plan, 1);
    plan_free(&plan);
}

static void who_waits_at_the_edge_has_not_stalled(void **state)
{
    (void) state;
    struct span ask;
    struct plan plan = plan_of(10 * MIB, 10 * MIB, MIB);
    expect_claim(&plan, 1, 0, 10 * MIB);
    join(&plan, 1, 0, 10 * MIB);
    chunk_begin_write(&plan, 1, MIB, 10 * MIB);
    chunk_end_write(&plan, 1, 10 * MIB, 1);
    assert_int_equal(chunk_claim(&plan, 2, 100, &ask), 0);
    plan_move_edge(&plan, 2 * MIB, 100);
    assert_int_equal(chunk_claim(&plan, 2, 100.5, &ask), 0);
    assert_int_equal(chunk_claim(&plan, 2, 102, &ask), 1); /* now it has */
    plan_free(&plan);
}

static void a_stream_whose_answer_goes_on_runs_on_past_the_edge_once_it_has_moved(void **state)
{
    (void) state;
    struct plan plan = plan_of(10 * MIB, MIB, MIB);
    expect_claim(&plan, 1, 0, MIB);
    join(&plan, 1, 0, MIB);
    chunk_begin_write(&plan, 1, MIB, 10 * MIB);
    assert_true(chunk_end_write(&plan, 1, 10 * MIB, 1));
    assert_true(chunk_waits(&plan, 1));
    plan_move_edge(&plan, 3 * MIB, 1);
    struct span span = chunk_begin_write(&plan, 1, 5 * MIB, 10 * MIB);
    assert_int_equal(span.end, 3 * MIB);
    chunk_abort_write(&plan, 1);
    plan_free(&plan);
}

static void a_stream_from_byte_0_takes_the_rest_and_skips_what_is_there(void **state)
{
    (void) state;
    int64_t from;
    struct plan plan = plan_of(10 * MIB, MIB, 10 * MIB);
    expect_claim(&plan, 1, 0, MIB);
    expect_claim(&plan, 2, MIB, 2 * MIB);
    join(&plan, 2, MIB, 2 * MIB);
    join(&plan, 1, 0, MIB);
    chunk_begin_write(&plan, 1, 7, MIB);
    chunk_end_write(&plan, 1, MIB, 1);
    chunk_begin_write(&plan, 2, MIB, 2 * MIB);
    chunk_end_write(&plan, 2, 2 * MIB, 1);
    assert_int_equal(chunk_take_rest(&plan, 3, 1, &from), 0);
    assert_int_equal(from, 7);
    assert_int_equal(plan_first_missing(&plan), 7);
    assert_int_equal(plan_written(&plan), 7);
    plan_free(&plan);
}

/* The ring */

static void bytes_go_round_the_ring(void **state)
{
    (void) state;
    const char *at;
    struct window window = {0};
    assert_int_equal(window_open(&window, 10, 1000), 0);
    window_put(&window, 1000, "abcdefgh", 8);
    assert_int_equal(window_at(&window, 1000, 8, &at), 8);
    assert_memory_equal(at, "abcdefgh", 8);
    window_put(&window, 1008, "ijkl", 4);
    assert_int_equal(window_at(&window, 1008, 4, &at), 2);
    assert_memory_equal(at, "ij", 2);
    assert_int_equal(window_at(&window, 1010, 2, &at), 2);
    assert_memory_equal(at, "kl", 2);
    window_close(&window);
    window_close(&window);
}

/* All of it, at random: streams that claim, bring some, fail; a reader that takes some. */

struct scene {
    struct plan plan;
    struct window window;
    struct span asks[STREAMS + 1]; /* of who has claimed; of an owner what its answer carries */
    bool owns[STREAMS + 1], claims[STREAMS + 1];
    int64_t total;
    double now;
};

static char byte_at(int64_t offset)
{
    return (char) ((uint64_t) offset * 2654435761u >> 13);
}

static void bring_some(struct scene *scene, uint32_t who)
{
    char bytes[3000];
    struct span span =
        chunk_begin_write(&scene->plan, who, 1 + rand() % 3000, scene->asks[who].end);
    if (span.first == span.end) {
        assert_true(chunk_waits(&scene->plan, who) || !chunk_owns(&scene->plan, who));
        return;
    }
    assert_true(span.first >= scene->window.read);
    assert_true(span.end <= scene->window.read + scene->window.size);
    for (int64_t i = span.first; i < span.end; i++)
        bytes[i - span.first] = byte_at(i);
    window_put(&scene->window, span.first, bytes, (size_t) (span.end - span.first));
    scene->owns[who] = chunk_end_write(&scene->plan, who, scene->asks[who].end, scene->now);
}

static void act(struct scene *scene, uint32_t who)
{
    struct span rest;
    int64_t from;
    scene->owns[who] = scene->owns[who] && chunk_owns(&scene->plan, who);
    if (scene->owns[who] && rand() % 20 > 0) {
        bring_some(scene, who);
    } else if (scene->owns[who] || (scene->claims[who] && rand() % 8 == 0)) {
        chunk_release(&scene->plan, who, CHUNK_FREE, false, &rest);
        scene->owns[who] = scene->claims[who] = false;
    } else if (scene->claims[who]) {
        scene->claims[who] = false;
        scene->owns[who] = chunk_accept(&scene->plan, who, scene->now, scene->asks[who], &from)
                           == 1;
    } else {
        scene->claims[who] = chunk_claim(&scene->plan, who, scene->now, &scene->asks[who]) == 1;
    }
}

static void read_some(struct scene *scene)
{
    const char *at;
    int64_t end = plan_complete(&scene->plan) ? scene->total : plan_first_missing(&scene->plan);
    int64_t there = end - scene->window.read;
    assert_true(there >= 0 && there <= scene->window.size);
    if (there == 0)
        return;
    int64_t length =
        (int64_t) window_at(&scene->window, scene->window.read, 1 + rand() % there, &at);
    for (int64_t i = 0; i < length; i++)
        assert_int_equal(at[i], byte_at(scene->window.read + i));
    scene->window.read += length;
    plan_move_edge(&scene->plan, scene->window.read + scene->window.size, scene->now);
}

static void play(int seed)
{
    static const int64_t sizes[] = {1, 100, 5000, 64 * KIB};
    struct scene scene = {.now = 0};
    srand((unsigned) seed);
    int64_t size = sizes[seed % 4], piece = 1 + rand() % (32 * KIB);
    scene.total = size < 5000 ? 1 + rand() % 2000 : 1 + rand() % (300 * KIB);
    assert_int_equal(plan_init(&scene.plan, scene.total, 4 * KIB), 0);
    plan_read_in_order(&scene.plan, piece, size);
    assert_int_equal(window_open(&scene.window, size, 0), 0);
    for (int turn = 0; turn < TURNS && scene.window.read < scene.total; turn++) {
        scene.now += 0.01 * (rand() % 4);
        if (rand() % 3 == 0)
            read_some(&scene);
        else
            act(&scene, 1 + (uint32_t) (rand() % STREAMS));
    }
    assert_int_equal(scene.window.read, scene.total);
    assert_true(plan_complete(&scene.plan));
    plan_free(&scene.plan);
    window_close(&scene.window);
}

static void whatever_happens_all_bytes_are_read_in_order(void **state)
{
    (void) state;
    for (int seed = 0; seed < 400; seed++)
        play(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_claimed_front_to_back),
        cmocka_unit_test(a_piece_that_begins_past_the_edge_is_claimed_when_the_edge_has_moved),
        cmocka_unit_test(a_crumb_before_a_multiple_of_the_piece_goes_with_the_next_one),
        cmocka_unit_test(a_plan_that_is_read_in_order_is_not_divided),
        cmocka_unit_test(a_stream_writes_up_to_the_edge_and_waits_there),
        cmocka_unit_test(who_waits_at_the_edge_has_not_stalled),
        cmocka_unit_test(a_stream_whose_answer_goes_on_runs_on_past_the_edge_once_it_has_moved),
        cmocka_unit_test(a_stream_from_byte_0_takes_the_rest_and_skips_what_is_there),
        cmocka_unit_test(bytes_go_round_the_ring),
        cmocka_unit_test(whatever_happens_all_bytes_are_read_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
