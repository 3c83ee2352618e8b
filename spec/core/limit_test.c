/* limit_test.c: how much passes a token bucket, and who gets it; on a clock that the test moves.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hosts.h"
#include "limit.h"

#define STEP \
    0.002 /* seconds between two looks of a stream at its claim: a thread's timer is no finer */
#define START 1000.0
#define STREAMS_MOST 32

struct stream {
    struct claim claim;
    int owner;       /* index of its transfer */
    double piece;    /* bytes that it asks for at once */
    double pause;    /* seconds between two pieces: what its server takes */
    double ready_at; /* when the next piece is there */
    bool asking;
    double got;
};

struct world {
    struct limit limit;
    double now;
    struct stream streams[STREAMS_MOST];
    int count;
};

static char owners[STREAMS_MOST]; /* addresses only */

static void begin(struct world *world, double rate)
{
    *world = (struct world){.now = START};
    limit_init(&world->limit);
    limit_set(&world->limit, rate, START);
}

static struct stream *add(struct world *world, int owner, double piece)
{
    struct stream *stream = &world->streams[world->count++];
    *stream = (struct stream){.owner = owner, .piece = piece};
    return stream;
}

static void end(struct world *world)
{
    for (int i = 0; i < world->count; i++)
        limit_drop(&world->limit, &world->streams[i].claim, 0);
    limit_destroy(&world->limit);
}

/* Takes all that it may have now. */
static void run_stream(struct world *world, struct stream *stream)
{
    while (stream->ready_at <= world->now) {
        if (!stream->asking)
            limit_ask(&world->limit, &stream->claim, &owners[stream->owner], stream->piece,
                      world->now);
        stream->asking = limit_wait(&world->limit, &stream->claim, world->now) > 0;
        if (stream->asking)
            return;
        stream->got += stream->piece;
        stream->ready_at = stream->pause > 0 ? world->now + stream->pause : stream->ready_at;
    }
}

static void run(struct world *world, double seconds)
{
    double until = world->now + seconds;
    for (; world->now < until; world->now += STEP)
        for (int i = 0; i < world->count; i++)
            run_stream(world, &world->streams[i]);
}

static double total(const struct world *world)
{
    double sum = 0;
    for (int i = 0; i < world->count; i++)
        sum += world->streams[i].got;
    return sum;
}

static void assert_between(double value, double least, double most)
{
    if (value < least || value > most)
        fail_msg("%g is not from %g to %g", value, least, most);
}

/* Rates */

static void measure(double rate, int streams, double piece)
{
    struct world world;
    begin(&world, rate);
    for (int i = 0; i < streams; i++)
        add(&world, 0, piece);
    run(&world, 10);
    assert_between(total(&world) / 10, 0.97 * rate, 1.03 * rate);
    end(&world);
}

static void keeps_the_rate_within_three_percent(void **state)
{
    (void) state;
    static const int streams[] = {1, 8, 16};
    for (int i = 0; i < 3; i++) {
        measure(20e3, streams[i], 2048);
        measure(1e6, streams[i], 16384);
        measure(100e6, streams[i], 1e6);
    }
}

static void lets_little_through_at_once_after_a_rest(void **state)
{
    struct world world;
    (void) state;
    begin(&world, 1e6);
    world.now += 3600;
    add(&world, 0, 1000);
    run(&world, 2 * STEP);
    assert_between(total(&world), 100e3, 110e3);
    end(&world);
}

static void says_for_how_long_to_wait(void **state)
{
    struct limit limit;
    struct claim first = {0}, second = {0};
    (void) state;
    limit_init(&limit);
    limit_set(&limit, 1000, START);
    limit_ask(&limit, &first, &owners[0], 2000, START);
    limit_ask(&limit, &second, &owners[0], 3000, START);
    assert_between(limit_wait(&limit, &first, START), 1.999, 2.001);
    assert_between(limit_wait(&limit, &second, START), 4.999, 5.001);
    assert_between(limit_wait(&limit, &second, START + 4), 0.999, 1.001);
    assert_true(limit_wait(&limit, &second, START + 5) == 0);
    limit_destroy(&limit);
}

static void costs_nothing_without_a_rate(void **state)
{
    struct limit limit;
    struct claim claim = {0};
    (void) state;
    limit_init(&limit);
    limit_ask(&limit, &claim, &owners[0], 1e15, START);
    assert_null(claim.owner);
    assert_true(limit_wait(&limit, &claim, START) == 0);
    limit_destroy(&limit);
}

/* Changes */

static void gives_no_burst_to_who_changes_it_often(void **state)
{
    struct world world;
    (void) state;
    begin(&world, 1e6);
    for (int i = 0; i < 4; i++)
        add(&world, i, 16384);
    for (int i = 0; i < 1000; i++) {
        limit_set(&world.limit, i % 2 ? 1e6 : 2e6, world.now);
        run(&world, 0.01);
    }
    assert_between(total(&world) / (world.now - START), 0.97 * 1.5e6, 1.03 * 1.5e6);
    end(&world);
}

static void lets_all_go_when_it_is_lifted(void **state)
{
    struct limit limit;
    struct claim first = {0}, second = {0};
    (void) state;
    limit_init(&limit);
    limit_set(&limit, 10, START);
    limit_ask(&limit, &first, &owners[0], 1e6, START);
    limit_ask(&limit, &second, &owners[1], 1e6, START);
    limit_set(&limit, 0, START);
    assert_true(limit_wait(&limit, &first, START) == 0);
    assert_true(limit_wait(&limit, &second, START) == 0);
    limit_destroy(&limit);
}

static void counts_a_new_rate_for_those_who_wait(void **state)
{
    struct limit limit;
    struct claim claim = {0};
    (void) state;
    limit_init(&limit);
    limit_set(&limit, 10, START);
    limit_ask(&limit, &claim, &owners[0], 1000, START);
    limit_set(&limit, 990, START + 1);
    assert_between(limit_wait(&limit, &claim, START + 1), 0.999, 1.001);
    limit_drop(&limit, &claim, 0);
    limit_destroy(&limit);
}

/* Shares */

static double got_by(const struct world *world, int owner)
{
    double sum = 0;
    for (int i = 0; i < world->count; i++)
        sum += world->streams[i].owner == owner ? world->streams[i].got : 0;
    return sum;
}

static void gives_transfers_equal_shares_however_many_streams_they_have(void **state)
{
    struct world world;
    (void) state;
    begin(&world, 1e6);
    for (int i = 0; i < 16; i++)
        add(&world, 0, 16384);
    add(&world, 1, 16384);
    run(&world, 10);
    assert_between(got_by(&world, 0) / got_by(&world, 1), 0.9, 1.1);
    end(&world);
}

static void gives_a_newcomer_its_share_at_once(void **state)
{
    struct world world;
    (void) state;
    begin(&world, 1e6);
    for (int i = 0; i < 16; i++)
        add(&world, 0, 16384);
    run(&world, 5);
    add(&world, 1, 16384);
    run(&world, 1);
    assert_between(got_by(&world, 1), 0.45e6, 0.55e6);
    end(&world);
}

static void leaves_to_others_what_a_slow_server_does_not_use(void **state)
{
    struct world world;
    (void) state;
    begin(&world, 1e6);
    add(&world, 0, 10e3)->pause = 0.1; /* 100 KB/s */
    add(&world, 1, 16384);
    run(&world, 10);
    assert_between(got_by(&world, 0), 0.9e6, 1.02e6);
    assert_between(total(&world) / 10, 0.97e6, 1.03e6);
    end(&world);
}

static void serves_streams_of_a_transfer_in_turn(void **state)
{
    struct world world;
    (void) state;
    begin(&world, 100e3);
    for (int i = 0; i < 8; i++)
        add(&world, 0, 4096);
    run(&world, 10);
    for (int i = 0; i < 8; i++)
        assert_between(world.streams[i].got, 100e3, 150e3);
    end(&world);
}

static void gives_back_what_was_not_used(void **state)
{
    struct limit limit;
    struct claim first = {0}, second = {0};
    (void) state;
    limit_init(&limit);
    limit_set(&limit, 1000, START);
    limit_ask(&limit, &first, &owners[0], 1000, START);
    limit_ask(&limit, &second, &owners[1], 900, START);
    assert_true(limit_wait(&limit, &first, START + 2) == 0);
    limit_ask(&limit, &first, &owners[0], 5000, START + 2);
    limit_drop(&limit, &first, 5000 + 100); /* 100 of the first thousand are left */
    assert_true(limit.tokens > 99 && limit.tokens < 201);
    limit_ask(&limit, &second, &owners[1], 500, START + 2);
    limit_drop(&limit, &second, 500);
    assert_null(limit.first);
    limit_destroy(&limit);
}

/* Hosts */

static void keeps_a_bucket_for_a_host_while_it_is_used(void **state)
{
    struct hosts hosts;
    (void) state;
    hosts_init(&hosts);
    hosts_limit(&hosts, NULL, 1e6, START);
    struct host *one = hosts_enter(&hosts, "cdn.example.org", START);
    struct host *same = hosts_enter(&hosts, "CDN.example.org.", START);
    struct host *other = hosts_enter(&hosts, "example.org", START);
    assert_ptr_equal(one, same);
    assert_ptr_not_equal(one, other);
    assert_true(one->limit.rate == 1e6);
    hosts_leave(&hosts, one);
    hosts_leave(&hosts, other);
    assert_ptr_equal(hosts.list, same);
    hosts_leave(&hosts, same);
    assert_null(hosts.list);
    hosts_destroy(&hosts);
}

static void lets_a_host_have_its_own_rate(void **state)
{
    struct hosts hosts;
    (void) state;
    hosts_init(&hosts);
    assert_false(hosts.limited);
    struct host *one = hosts_enter(&hosts, "a.org", START);
    struct host *two = hosts_enter(&hosts, "b.org", START);
    hosts_limit(&hosts, "a.org", 5, START);
    hosts_limit(&hosts, NULL, 7, START);
    assert_true(hosts.limited);
    assert_true(one->limit.rate == 5);
    assert_true(two->limit.rate == 7);
    hosts_leave(&hosts, one);
    hosts_leave(&hosts, two);
    one = hosts_enter(&hosts, "a.org", START);
    assert_true(one->limit.rate == 5); /* what was said of it is kept */
    hosts_leave(&hosts, one);
    hosts_destroy(&hosts);
}

static void gives_a_host_nothing_in_advance(void **state)
{
    struct hosts hosts;
    struct claim claim = {0};
    (void) state;
    hosts_init(&hosts);
    hosts_limit(&hosts, NULL, 1000, START);
    struct host *host = hosts_enter(&hosts, "a.org", START + 500);
    limit_ask(&host->limit, &claim, &owners[0], 1000, START + 500);
    assert_between(limit_wait(&host->limit, &claim, START + 500), 0.999, 1.001);
    limit_drop(&host->limit, &claim, 0);
    hosts_leave(&hosts, host);
    hosts_destroy(&hosts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_the_rate_within_three_percent),
        cmocka_unit_test(lets_little_through_at_once_after_a_rest),
        cmocka_unit_test(says_for_how_long_to_wait),
        cmocka_unit_test(costs_nothing_without_a_rate),
        cmocka_unit_test(gives_no_burst_to_who_changes_it_often),
        cmocka_unit_test(lets_all_go_when_it_is_lifted),
        cmocka_unit_test(counts_a_new_rate_for_those_who_wait),
        cmocka_unit_test(gives_transfers_equal_shares_however_many_streams_they_have),
        cmocka_unit_test(gives_a_newcomer_its_share_at_once),
        cmocka_unit_test(leaves_to_others_what_a_slow_server_does_not_use),
        cmocka_unit_test(serves_streams_of_a_transfer_in_turn),
        cmocka_unit_test(gives_back_what_was_not_used),
        cmocka_unit_test(keeps_a_bucket_for_a_host_while_it_is_used),
        cmocka_unit_test(lets_a_host_have_its_own_rate),
        cmocka_unit_test(gives_a_host_nothing_in_advance),
    };
    return cmocka_run_group_tests_name("limit", tests, NULL, NULL);
}
