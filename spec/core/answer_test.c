/* answer_test.c: every response, however odd, gets the verdict of its fault row.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "answer.h"

#define MODIFIED "Sun, 06 Nov 1994 08:49:37 GMT"
#define LATER "Sun, 06 Nov 1994 08:49:38 GMT"
#define NOW 784111777.0 /* MODIFIED */

#define HEADERS(...) ((const struct ldl_header[]){__VA_ARGS__, {NULL, NULL}})
#define NONE HEADERS({NULL, NULL})
#define JUDGE(asked, status, ...) judge(asked, NULL, status, HEADERS(__VA_ARGS__))
#define JOIN(asked, known, status, ...) judge(asked, known, status, HEADERS(__VA_ARGS__))

static const struct asked plain = {.first = 0, .last = -1};
static const struct asked first = {.ranged = true, .first = 0, .last = -1};
static const struct asked later = {.ranged = true, .first = 100, .last = 199, .joining = true};
static const struct asked open_ended = {.ranged = true, .first = 100, .last = -1, .joining = true};
static const struct asked again = {.ranged = true, .first = 0, .last = -1, .joining = true};

static const struct identity zip = {
    .total = 1000,
    .etag_strength = ETAG_STRONG,
    .etag = "\"one\"",
    .last_modified = 784111777,
    .last_modified_strong = true,
    .type = "application/zip",
};

static struct identity only_total(int64_t total)
{
    struct identity identity;
    identity_clear(&identity);
    identity.total = total;
    return identity;
}

static struct answer judge(const struct asked *asked, const struct identity *known, int status,
                           const struct ldl_header *headers)
{
    struct answer answer;
    size_t count = 0;
    while (headers[count].name)
        count++;
    answer_judge(asked, known, status, headers, count, NOW, &answer);
    return answer;
}

#define assert_fault(answer, expected) assert_settled(answer, ANSWER_FAULT, expected)

static void assert_settled(struct answer answer, int verdict, int kind)
{
    assert_int_equal(answer.verdict, verdict);
    assert_string_equal(ldl_kind_name(answer.kind), ldl_kind_name(kind));
    assert_true(answer.reason[0]);
}

static void assert_range(struct answer answer, int64_t from, int64_t to)
{
    assert_string_equal(answer.reason, "");
    assert_int_equal(answer.verdict, ANSWER_RANGE);
    assert_int_equal(answer.kind, LDL_OK);
    assert_int_equal(answer.first, from);
    assert_int_equal(answer.last, to);
    assert_true(answer.accepts_ranges);
}

static void assert_whole(struct answer answer, int64_t length)
{
    assert_string_equal(answer.reason, "");
    assert_int_equal(answer.verdict, ANSWER_WHOLE);
    assert_int_equal(answer.first, 0);
    assert_int_equal(answer.last, length > 0 ? length - 1 : -1);
    assert_int_equal(answer.length, length);
    assert_int_equal(answer.seen.total, length);
}

/* Range and body */

static void h1_whole_for_a_later_range_is_ranges_ignored(void **state)
{
    (void) state;
    assert_settled(JOIN(&later, &zip, 200, {"Content-Length", "1000"},
                        {"Content-Type", "application/zip; x=y"}, {"ETag", "\"one\""}),
                   ANSWER_IGNORED, LDL_RANGE_IGNORED);
    assert_settled(
        JOIN(&later, &zip, 200, {"Content-Length", "1000"}, {"Content-Type", "Application/ZIP"}),
        ANSWER_IGNORED, LDL_RANGE_IGNORED);
    assert_settled(JOIN(&open_ended, &zip, 200, {"Transfer-Encoding", "chunked"},
                        {"Content-Type", "application/zip"}, {"ETag", "\"one\""}),
                   ANSWER_IGNORED, LDL_RANGE_IGNORED);
}

static void h1_whole_for_a_later_range_of_something_unknown_is_a_failure(void **state)
{
    (void) state;
    struct asked part = {.ranged = true, .first = 100, .last = 199};
    assert_fault(JUDGE(&part, 200, {"Content-Length", "1000"}), LDL_RANGE_IGNORED);
}

static void h1_whole_of_a_changed_resource_is_changed(void **state)
{
    (void) state;
    assert_fault(JOIN(&later, &zip, 200, {"Content-Length", "1000"},
                      {"Content-Type", "application/zip"}, {"ETag", "\"two\""}),
                 LDL_REMOTE_CHANGED);
    assert_fault(JOIN(&later, &zip, 200, {"Content-Length", "1001"},
                      {"Content-Type", "application/zip"}, {"Last-Modified", LATER}),
                 LDL_REMOTE_CHANGED);
}

static void h2_whole_for_the_first_request_is_taken(void **state)
{
    (void) state;
    struct answer answer = JUDGE(&first, 200, {"Content-Length", "1000"});
    assert_whole(answer, 1000);
    assert_true(answer.length_framed);
    assert_whole(JUDGE(&plain, 200, {"content-length", " 1 "}), 1);
    assert_whole(JUDGE(&plain, 200, {"Content-Length", "9223372036854775807"}), INT64_MAX);
}

static void h2_whole_begun_again_must_agree(void **state)
{
    (void) state;
    struct asked whole_again = {.first = 0, .last = -1, .joining = true};
    assert_whole(JOIN(&again, &zip, 200, {"Content-Length", "1000"},
                      {"Content-Type", "application/zip"}, {"ETag", "\"one\""}),
                 1000);
    assert_whole(JOIN(&whole_again, &zip, 200, {"Content-Length", "1000"},
                      {"Content-Type", "application/zip"}, {"ETag", "W/\"one\""}),
                 1000);
    assert_fault(JOIN(&whole_again, &zip, 200, {"Content-Length", "1000"},
                      {"Content-Type", "application/zip"}, {"ETag", "\"two\""}),
                 LDL_REMOTE_CHANGED);
    assert_fault(
        JOIN(&again, &zip, 200, {"Content-Length", "1000"}, {"Content-Type", "application/zip"}),
        LDL_RANGE_IGNORED);
}

static void h2_whole_of_unknown_size_can_begin_again(void **state)
{
    (void) state;
    struct identity known = only_total(-1);
    assert_whole(JOIN(&again, &known, 200, {"Transfer-Encoding", "chunked"}), -1);
    known = only_total(1000);
    assert_fault(JOIN(&again, &known, 200, {"Transfer-Encoding", "chunked"}), LDL_RANGE_IGNORED);
}

static void a_part_sent_as_200_is_refused(void **state)
{
    (void) state;
    assert_fault(
        JUDGE(&first, 200, {"Content-Length", "100"}, {"Content-Range", "bytes 0-99/1000"}),
        LDL_RANGE_MISMATCH);
    assert_fault(JUDGE(&first, 200, {"Content-Range", "bytes 0-99/1000"}), LDL_RANGE_MISMATCH);
    assert_whole(
        JUDGE(&first, 200, {"Content-Length", "1000"}, {"Content-Range", "bytes 0-999/1000"}),
        1000);
    assert_whole(JUDGE(&first, 200, {"Content-Range", "bytes 0-999/1000"}), -1);
}

static void h3_wrong_start_is_refused(void **state)
{
    (void) state;
    struct answer answer = JOIN(&later, &zip, 206, {"Content-Range", "bytes 0-99/1000"});
    assert_fault(answer, LDL_RANGE_MISMATCH);
    assert_string_equal(answer.reason, "asked for bytes 100-199, the server sent 0-99 of 1000");
    assert_fault(JUDGE(&first, 206, {"Content-Range", "bytes 1-99/1000"}), LDL_RANGE_MISMATCH);
    assert_fault(JOIN(&later, &zip, 206, {"Content-Range", "bytes 101-199/1000"}),
                 LDL_RANGE_MISMATCH);
}

static void h3_wrong_start_says_nothing_about_a_change(void **state)
{
    (void) state;
    assert_fault(JOIN(&later, &zip, 206, {"Content-Range", "bytes 0-99/5"}, {"ETag", "\"two\""}),
                 LDL_RANGE_MISMATCH);
}

static void h4_part_without_content_range_is_refused(void **state)
{
    (void) state;
    assert_fault(JUDGE(&first, 206, {"Content-Length", "1000"}), LDL_RANGE_MISMATCH);
    assert_fault(JOIN(&later, &zip, 206, {"Content-Length", "100"}, {"ETag", "\"one\""}),
                 LDL_RANGE_MISMATCH);
}

static void a_part_that_was_not_asked_for_is_refused(void **state)
{
    (void) state;
    assert_fault(JUDGE(&plain, 206, {"Content-Range", "bytes 0-999/1000"}), LDL_RANGE_MISMATCH);
}

static void h5_shorter_part_is_taken_as_announced(void **state)
{
    (void) state;
    assert_range(JOIN(&later, &zip, 206, {"Content-Range", "bytes 100-150/1000"},
                      {"Content-Length", "51"}, {"ETag", "\"one\""}),
                 100, 150);
    struct answer answer = JUDGE(&first, 206, {"Content-Range", "bytes 0-0/1000"});
    assert_range(answer, 0, 0);
    assert_int_equal(answer.seen.total, 1000);
}

static void h6_longer_part_is_clipped(void **state)
{
    (void) state;
    struct answer answer = JOIN(&later, &zip, 206, {"Content-Range", "bytes 100-999/1000"},
                                {"Content-Length", "900"}, {"ETag", "\"one\""});
    assert_range(answer, 100, 199);
    assert_int_equal(answer.length, 900);
    assert_range(
        JOIN(&open_ended, &zip, 206, {"Content-Range", "bytes 100-999/1000"}, {"ETag", "\"one\""}),
        100, 999);
}

static void length_that_contradicts_the_range_is_refused(void **state)
{
    (void) state;
    assert_fault(JUDGE(&first, 206, {"Content-Range", "bytes 0-99/100"}, {"Content-Length", "99"}),
                 LDL_RANGE_MISMATCH);
    assert_fault(JUDGE(&first, 206, {"Content-Range", "bytes 0-99/100"}, {"Content-Length", "101"}),
                 LDL_RANGE_MISMATCH);
    assert_fault(JUDGE(&first, 206, {"Content-Range", "bytes 0-99/100"}, {"Content-Length", "0"}),
                 LDL_RANGE_MISMATCH);
}

static void h7_other_total_is_changed(void **state)
{
    (void) state;
    struct answer answer =
        JOIN(&later, &zip, 206, {"Content-Range", "bytes 100-199/1001"}, {"ETag", "\"one\""});
    assert_fault(answer, LDL_REMOTE_CHANGED);
    assert_non_null(strstr(answer.reason, "1000 bytes"));
    assert_non_null(strstr(answer.reason, "1001 bytes"));
}

static void h8_part_without_total_needs_a_known_one(void **state)
{
    (void) state;
    struct identity unknown = only_total(-1);
    assert_fault(JUDGE(&first, 206, {"Content-Range", "bytes 0-99/*"}), LDL_RANGE_MISMATCH);
    assert_fault(JOIN(&later, &unknown, 206, {"Content-Range", "bytes 100-199/*"}),
                 LDL_RANGE_MISMATCH);
    assert_range(
        JOIN(&open_ended, &zip, 206, {"Content-Range", "bytes 100-999/*"}, {"ETag", "\"one\""}),
        100, 999);
    assert_fault(
        JOIN(&open_ended, &zip, 206, {"Content-Range", "bytes 100-1000/*"}, {"ETag", "\"one\""}),
        LDL_RANGE_MISMATCH);
    assert_fault(JUDGE(&first, 206, {"Content-Range", "bytes */1000"}), LDL_RANGE_MISMATCH);
}

static void h9_common_spellings_are_read(void **state)
{
    (void) state;
    static const char *const spellings[] = {
        "bytes=0-9/10", "0-9/10",       "bytes 0 - 9 / 10", "  bytes  0-9/10 ",
        "BYTES 0-9/10", "bytes:0-9/10", "bytes 00-09/010",  "bytes\t0-9/10",
    };
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++)
        assert_range(JUDGE(&first, 206, {"Content-Range", spellings[i]}), 0, 9);
    assert_range(
        JUDGE(&first, 206, {"Content-Range", "bytes 0-9/10"}, {"content-range", "bytes 0-9/10"}), 0,
        9);
}

static void h9_impossible_numbers_are_refused(void **state)
{
    (void) state;
    static const char *const values[] = {
        "",
        "bytes",
        "bytes 0-9",
        "bytes 0-9/",
        "bytes 0-10/10",
        "bytes 9-0/10",
        "bytes -9/10",
        "bytes 0-/10",
        "bytes -0-9/10",
        "bytes 0-9/-1",
        "bytes +0-9/10",
        "bytes 0x0-9/10",
        "bytes 0-9/10x",
        "bytes 0-9/10, 0-9/10",
        "bytes 0-9/9223372036854775808",
        "bytes 0-9223372036854775807/*",
        "bytes 0-18446744073709551625/18446744073709551626",
        "bytes 0-0/0",
        "items 0-9/10",
        "bytes 0-9/10/10",
        "bytes */*",
        "bytes 0--9/10",
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        assert_fault(JUDGE(&first, 206, {"Content-Range", values[i]}), LDL_RANGE_MISMATCH);
        assert_fault(JOIN(&again, &zip, 206, {"Content-Range", values[i]}), LDL_RANGE_MISMATCH);
    }
    assert_fault(
        JUDGE(&first, 206, {"Content-Range", "bytes 0-9/10"}, {"Content-Range", "bytes 0-9/20"}),
        LDL_RANGE_MISMATCH);
    assert_fault(
        JOIN(&open_ended, &zip, 206, {"Content-Range", "bytes 100-99/1000"}, {"ETag", "\"one\""}),
        LDL_RANGE_MISMATCH);
}

static void h9_the_largest_total_is_read(void **state)
{
    (void) state;
    struct answer answer =
        JUDGE(&first, 206, {"Content-Range", "bytes 0-9223372036854775806/9223372036854775807"},
              {"Content-Length", "9223372036854775807"});
    assert_range(answer, 0, INT64_MAX - 1);
    assert_int_equal(answer.seen.total, INT64_MAX);
}

static void h10_multipart_is_refused(void **state)
{
    (void) state;
    assert_fault(JOIN(&later, &zip, 206, {"Content-Type", "Multipart/Byteranges; boundary=x"},
                      {"Content-Range", "bytes 100-199/1000"}, {"ETag", "\"one\""}),
                 LDL_RANGE_MISMATCH);
}

static void h11_unsatisfied_range_tells_the_total(void **state)
{
    (void) state;
    struct answer answer = JOIN(&later, &zip, 416, {"Content-Range", "bytes */1000"});
    assert_fault(answer, LDL_HTTP_STATUS);
    assert_int_equal(answer.seen.total, 1000);
}

static void h12_unsatisfied_range_of_another_total_is_changed(void **state)
{
    (void) state;
    assert_fault(JOIN(&later, &zip, 416, {"Content-Range", "bytes */50"}), LDL_REMOTE_CHANGED);
}

static void h13_unsatisfied_range_without_total_is_a_status(void **state)
{
    (void) state;
    struct answer answer = judge(&later, &zip, 416, NONE);
    assert_fault(answer, LDL_HTTP_STATUS);
    assert_int_equal(answer.seen.total, -1);
    assert_fault(JOIN(&later, &zip, 416, {"Content-Range", "bytes 0-9/50"}), LDL_HTTP_STATUS);
}

static void h14_unsatisfied_first_request_is_asked_plainly(void **state)
{
    (void) state;
    assert_int_equal(judge(&first, NULL, 416, NONE).verdict, ANSWER_PLAIN);
    assert_int_equal(JUDGE(&first, 416, {"Content-Range", "bytes */0"}).verdict, ANSWER_PLAIN);
    assert_int_equal(JUDGE(&first, 416, {"Content-Range", "bytes */9"}).verdict, ANSWER_PLAIN);
    assert_fault(judge(&plain, NULL, 416, NONE), LDL_HTTP_STATUS);
}

static void h14_empty_resource_is_whole(void **state)
{
    (void) state;
    struct answer answer = JUDGE(&plain, 200, {"Content-Length", "0"});
    assert_whole(answer, 0);
    assert_true(answer.length_framed);
}

static void h15_a_200_offers_ranges_only_when_it_says_so(void **state)
{
    (void) state;
    assert_false(JUDGE(&first, 200, {"Content-Length", "9"}).accepts_ranges);
    assert_true(JUDGE(&first, 200, {"Accept-Ranges", "bytes"}).accepts_ranges);
    assert_false(JUDGE(&first, 200, {"accept-ranges", " None "}).accepts_ranges);
    assert_true(JUDGE(&first, 206, {"Accept-Ranges", "none"}, {"Content-Range", "bytes 0-9/10"})
                    .accepts_ranges);
}

static void h16_first_part_is_the_probe(void **state)
{
    (void) state;
    struct answer answer = JUDGE(&first, 206, {"Content-Range", "bytes 0-999/1000"},
                                 {"Content-Length", "1000"}, {"ETag", "\"one\""},
                                 {"Last-Modified", MODIFIED}, {"Date", LATER},
                                 {"Content-Type", "Application/Zip;q=1"});
    assert_range(answer, 0, 999);
    assert_int_equal(answer.seen.total, zip.total);
    assert_int_equal(answer.seen.etag_strength, ETAG_STRONG);
    assert_string_equal(answer.seen.etag, zip.etag);
    assert_int_equal(answer.seen.last_modified, zip.last_modified);
    assert_true(answer.seen.last_modified_strong);
    assert_string_equal(answer.seen.type, zip.type);
    assert_string_equal(answer.seen.coding, "");
}

/* Identity and change */

static struct answer join_etag(const char *etag)
{
    return JOIN(&later, &zip, 206, {"Content-Range", "bytes 100-199/1000"}, {"ETag", etag});
}

static void h20_other_validator_is_changed(void **state)
{
    (void) state;
    assert_fault(join_etag("\"two\""), LDL_REMOTE_CHANGED);
    assert_fault(JOIN(&later, &zip, 206, {"Content-Range", "bytes 100-199/1000"},
                      {"ETag", "\"one\""}, {"Last-Modified", LATER}),
                 LDL_REMOTE_CHANGED);
    assert_range(JOIN(&later, &zip, 206, {"Content-Range", "bytes 100-199/1000"},
                      {"ETag", "\"one\""}, {"Last-Modified", MODIFIED}),
                 100, 199);
}

static void h20_etag_that_is_gone_is_changed(void **state)
{
    (void) state;
    assert_fault(JOIN(&later, &zip, 206, {"Content-Range", "bytes 100-199/1000"}),
                 LDL_REMOTE_CHANGED);
}

static void h20_validators_that_were_not_known_are_not_compared(void **state)
{
    (void) state;
    struct identity known = only_total(1000);
    assert_range(JOIN(&later, &known, 206, {"Content-Range", "bytes 100-199/1000"},
                      {"ETag", "\"new\""}, {"Last-Modified", LATER}),
                 100, 199);
}

static void h22_part_of_the_new_file_is_changed(void **state)
{
    (void) state;
    assert_fault(JOIN(&later, &zip, 206, {"Content-Range", "bytes 100-199/1000"},
                      {"ETag", "\"two\""}, {"Last-Modified", LATER}, {"Date", LATER}),
                 LDL_REMOTE_CHANGED);
}

static void h23_weak_and_strong_tags_match_by_their_opaque_part(void **state)
{
    (void) state;
    struct answer answer = join_etag("W/\"one\"");
    assert_range(answer, 100, 199);
    assert_int_equal(answer.seen.etag_strength, ETAG_WEAK);
    assert_fault(join_etag("W/\"two\""), LDL_REMOTE_CHANGED);
}

static void h24_last_modified_is_strong_one_second_before_date(void **state)
{
    (void) state;
    assert_true(
        JUDGE(&first, 200, {"Last-Modified", MODIFIED}, {"Date", LATER}).seen.last_modified_strong);
    assert_false(JUDGE(&first, 200, {"Last-Modified", MODIFIED}, {"Date", MODIFIED})
                     .seen.last_modified_strong);
    assert_false(
        JUDGE(&first, 200, {"Last-Modified", LATER}, {"Date", MODIFIED}).seen.last_modified_strong);
    assert_false(JUDGE(&first, 200, {"Last-Modified", MODIFIED}).seen.last_modified_strong);
    assert_false(
        JUDGE(&first, 200, {"Last-Modified", "Thu, 01 Jan 1970 00:00:00 GMT"}, {"Date", MODIFIED})
            .seen.last_modified_strong);
}

static void h24_stamps_of_the_present_yield_to_a_strong_etag(void **state)
{
    (void) state;
    struct identity known = zip;
    known.last_modified_strong = false;
    assert_range(JOIN(&later, &known, 206, {"Content-Range", "bytes 100-199/1000"},
                      {"ETag", "\"one\""}, {"Last-Modified", LATER}, {"Date", LATER}),
                 100, 199);
    assert_fault(JOIN(&later, &known, 206, {"Content-Range", "bytes 100-199/1000"},
                      {"ETag", "W/\"one\""}, {"Last-Modified", LATER}, {"Date", LATER}),
                 LDL_REMOTE_CHANGED);
}

static void h25_without_validators_the_total_must_agree(void **state)
{
    (void) state;
    struct identity known = only_total(1000);
    assert_range(JOIN(&later, &known, 206, {"Content-Range", "bytes 100-199/1000"}), 100, 199);
    assert_fault(JOIN(&later, &known, 206, {"Content-Range", "bytes 100-199/999"}),
                 LDL_REMOTE_CHANGED);
}

static void h26_etag_of_another_node_is_a_flip(void **state)
{
    (void) state;
    assert_settled(JOIN(&later, &zip, 206, {"Content-Range", "bytes 100-199/1000"},
                        {"ETag", "\"two\""}, {"Last-Modified", MODIFIED}, {"Date", LATER}),
                   ANSWER_FLIPPED, LDL_REMOTE_CHANGED);
    assert_settled(JOIN(&later, &zip, 206, {"Content-Range", "bytes 100-199/1000"},
                        {"Last-Modified", MODIFIED}, {"Date", LATER}),
                   ANSWER_FLIPPED, LDL_REMOTE_CHANGED);
    assert_settled(JOIN(&later, &zip, 200, {"Content-Length", "1000"},
                        {"Content-Type", "application/zip"}, {"ETag", "W/\"two\""},
                        {"Last-Modified", MODIFIED}, {"Date", LATER}),
                   ANSWER_FLIPPED, LDL_REMOTE_CHANGED);
    assert_settled(JOIN(&again, &zip, 200, {"Content-Length", "1000"},
                        {"Content-Type", "application/zip"}, {"Last-Modified", MODIFIED},
                        {"Date", LATER}),
                   ANSWER_FLIPPED, LDL_REMOTE_CHANGED);
}

static void h26_no_flip_without_a_strong_time_and_the_total(void **state)
{
    (void) state;
    assert_fault(JOIN(&later, &zip, 206, {"Content-Range", "bytes 100-199/1000"},
                      {"ETag", "\"two\""}, {"Last-Modified", MODIFIED}, {"Date", MODIFIED}),
                 LDL_REMOTE_CHANGED);
    assert_fault(JOIN(&later, &zip, 206, {"Content-Range", "bytes 100-199/1001"},
                      {"ETag", "\"two\""}, {"Last-Modified", MODIFIED}, {"Date", LATER}),
                 LDL_REMOTE_CHANGED);
    assert_fault(JOIN(&later, &zip, 206, {"Content-Range", "bytes 100-199/*"}, {"ETag", "\"two\""},
                      {"Last-Modified", MODIFIED}, {"Date", LATER}),
                 LDL_REMOTE_CHANGED);
}

static void h26_dropped_etag_flips_no_more(void **state)
{
    (void) state;
    struct identity known = zip;
    known.etag_strength = ETAG_NONE;
    assert_range(JOIN(&later, &known, 206, {"Content-Range", "bytes 100-199/1000"},
                      {"ETag", "\"two\""}, {"Last-Modified", MODIFIED}, {"Date", LATER}),
                 100, 199);
}

static int strength_of(const char *one, const char *two)
{
    return JUDGE(&first, 200, {"ETag", one}, {two ? "etag" : "X", two}).seen.etag_strength;
}

static void h27_distinct_or_malformed_tags_are_no_validator(void **state)
{
    (void) state;
    char longest[256], too_long[257];
    memset(longest, 'x', sizeof longest);
    memset(too_long, 'x', sizeof too_long);
    longest[0] = longest[254] = too_long[0] = too_long[255] = '"';
    longest[255] = too_long[256] = '\0';
    assert_int_equal(strength_of(longest, NULL), ETAG_STRONG);
    assert_int_equal(strength_of(too_long, NULL), ETAG_NONE);
    assert_int_equal(strength_of("\"a\"", "\"a\""), ETAG_STRONG);
    assert_int_equal(strength_of("\"a\"", "\"b\""), ETAG_NONE);
    assert_int_equal(strength_of("\"a\"", "W/\"a\""), ETAG_NONE);
    assert_int_equal(strength_of("\"a\", \"b\"", NULL), ETAG_NONE);
    assert_int_equal(strength_of("\"a", NULL), ETAG_NONE);
    assert_int_equal(strength_of("a\"", NULL), ETAG_NONE);
    assert_int_equal(strength_of("\"\"", NULL), ETAG_NONE);
    assert_int_equal(strength_of("", NULL), ETAG_NONE);
    assert_int_equal(strength_of("W/", NULL), ETAG_NONE);
    assert_int_equal(strength_of("abc", NULL), ETAG_WEAK);
}

static void h30_portal_page_is_a_failed_attempt(void **state)
{
    (void) state;
    assert_fault(JOIN(&later, &zip, 200, {"Content-Length", "812"}, {"Content-Type", "text/html"}),
                 LDL_RANGE_IGNORED);
    assert_fault(JOIN(&later, &zip, 200, {"Content-Length", "1000"}, {"Content-Type", "text/html"},
                      {"ETag", "\"portal\""}, {"Last-Modified", LATER}),
                 LDL_RANGE_IGNORED);
    assert_fault(
        JOIN(&later, &zip, 200, {"Content-Length", "812"}, {"Content-Type", "application/zip"}),
        LDL_RANGE_IGNORED);
    assert_fault(JOIN(&later, &zip, 200, {"Transfer-Encoding", "chunked"},
                      {"Content-Type", "application/zip"}),
                 LDL_RANGE_IGNORED);
    assert_fault(judge(&later, &zip, 200, NONE), LDL_RANGE_IGNORED);
}

static void h30_portal_page_never_begins_a_download_again(void **state)
{
    (void) state;
    assert_fault(JOIN(&again, &zip, 200, {"Content-Length", "812"}, {"Content-Type", "text/html"}),
                 LDL_RANGE_IGNORED);
    assert_fault(JOIN(&again, &zip, 200, {"Transfer-Encoding", "chunked"},
                      {"Content-Type", "text/html"}, {"Content-Encoding", "gzip"}),
                 LDL_RANGE_IGNORED);
}

/* Framing, lengths, encodings */

static void h33_body_that_the_close_ends_is_not_framed(void **state)
{
    (void) state;
    struct answer answer = judge(&first, NULL, 200, NONE);
    assert_whole(answer, -1);
    assert_false(answer.length_framed);
}

static void h34_chunked_part_is_framed(void **state)
{
    (void) state;
    struct answer answer =
        JUDGE(&first, 206, {"Content-Range", "bytes 0-99/100"}, {"Transfer-Encoding", "Chunked"});
    assert_range(answer, 0, 99);
    assert_int_equal(answer.length, -1);
    assert_true(answer.length_framed);
}

static void h35_lengths_that_differ_are_refused(void **state)
{
    (void) state;
    assert_fault(JUDGE(&first, 200, {"Content-Length", "1000"}, {"Content-Length", "1001"}),
                 LDL_PROTOCOL);
    assert_fault(JUDGE(&first, 200, {"Content-Length", "1000, 1001"}), LDL_PROTOCOL);
    assert_whole(JUDGE(&first, 200, {"Content-Length", "1000, 1000"}), 1000);
    assert_whole(JUDGE(&first, 200, {"Content-Length", "1000"}, {"content-length", "1000"}), 1000);
}

static void h36_length_that_is_not_a_number_is_refused(void **state)
{
    (void) state;
    static const char *const values[] = {
        "",
        "12abc",
        "-1",
        "+1",
        "0x10",
        "1 2",
        "1,",
        ",1",
        "1.0",
        "9223372036854775808",
        "18446744073709551616",
        "99999999999999999999999999",
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        assert_fault(JUDGE(&first, 200, {"Content-Length", values[i]}), LDL_PROTOCOL);
        assert_fault(
            JUDGE(&first, 206, {"Content-Length", values[i]}, {"Content-Range", "bytes 0-9/10"}),
            LDL_PROTOCOL);
    }
}

static void h37_length_beside_chunks_is_ignored(void **state)
{
    (void) state;
    struct answer answer =
        JUDGE(&first, 200, {"Content-Length", "5"}, {"Transfer-Encoding", "chunked"});
    assert_whole(answer, -1);
    assert_true(answer.length_framed);
    assert_whole(JUDGE(&first, 200, {"Transfer-Encoding", "identity"}, {"Content-Length", "5"}), 5);
}

static void h38_announced_length_is_what_counts(void **state)
{
    (void) state;
    assert_whole(JUDGE(&first, 200, {"Content-Length", "10"}), 10);
}

static void h39_coded_whole_is_taken_and_told(void **state)
{
    (void) state;
    struct answer answer =
        JUDGE(&first, 200, {"Content-Encoding", "GZIP"}, {"Content-Length", "133"});
    assert_whole(answer, 133);
    assert_string_equal(answer.seen.coding, "gzip");
    answer = JUDGE(&first, 200, {"Content-Encoding", "identity, br"}, {"Content-Encoding", "gzip"});
    assert_string_equal(answer.seen.coding, "br, gzip");
    answer = JUDGE(&first, 200, {"Content-Encoding", "identity"});
    assert_string_equal(answer.seen.coding, "");
}

static void h39_coded_part_needs_a_strong_etag(void **state)
{
    (void) state;
    assert_fault(
        JUDGE(&first, 206, {"Content-Range", "bytes 0-9/10"}, {"Content-Encoding", "gzip"}),
        LDL_ENCODING);
    assert_fault(JUDGE(&first, 206, {"Content-Range", "bytes 0-9/10"}, {"ETag", "W/\"one\""},
                       {"Content-Encoding", "gzip"}),
                 LDL_ENCODING);
    assert_range(JUDGE(&first, 206, {"Content-Range", "bytes 0-9/10"}, {"ETag", "\"one\""},
                       {"Content-Encoding", "gzip"}),
                 0, 9);
}

static void h39_other_coding_does_not_join(void **state)
{
    (void) state;
    struct identity coded = zip;
    strcpy(coded.coding, "gzip");
    assert_fault(JOIN(&later, &zip, 206, {"Content-Range", "bytes 100-199/1000"},
                      {"ETag", "\"one\""}, {"Content-Encoding", "gzip"}),
                 LDL_ENCODING);
    assert_range(JOIN(&later, &coded, 206, {"Content-Range", "bytes 100-199/1000"},
                      {"ETag", "\"one\""}, {"Content-Encoding", "gzip"}),
                 100, 199);
    assert_range(
        JOIN(&later, &coded, 206, {"Content-Range", "bytes 100-199/1000"}, {"ETag", "\"one\""}),
        100, 199);
    assert_fault(
        JOIN(&later, &coded, 206, {"Content-Range", "bytes 100-199/1000"}, {"ETag", "W/\"one\""}),
        LDL_REMOTE_CHANGED);
}

static void h40_transfer_encoding_other_than_chunked_is_refused(void **state)
{
    (void) state;
    static const char *const values[] = {"gzip, chunked", "gzip",        "chunked, chunked",
                                         "xchunked",      "chunked;q=1", "chunkedx"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        assert_fault(JUDGE(&first, 200, {"Transfer-Encoding", values[i]}), LDL_ENCODING);
    assert_fault(
        JUDGE(&first, 200, {"Transfer-Encoding", "gzip"}, {"Transfer-Encoding", "chunked"}),
        LDL_ENCODING);
}

static void h41_size_over_the_limit_is_refused(void **state)
{
    (void) state;
    struct asked limited = first;
    limited.max_size = 1000;
    assert_whole(JUDGE(&limited, 200, {"Content-Length", "1000"}), 1000);
    assert_fault(JUDGE(&limited, 200, {"Content-Length", "1001"}), LDL_TOO_LARGE);
    assert_range(JUDGE(&limited, 206, {"Content-Range", "bytes 0-9/1000"}), 0, 9);
    assert_fault(JUDGE(&limited, 206, {"Content-Range", "bytes 0-9/1001"}), LDL_TOO_LARGE);
    assert_whole(judge(&limited, NULL, 200, NONE), -1);
}

static void h48_old_server_that_ignores_ranges_is_noticed(void **state)
{
    (void) state;
    struct identity known = only_total(1000);
    known.last_modified = zip.last_modified;
    assert_settled(
        JOIN(&later, &known, 200, {"Content-Length", "1000"}, {"Last-Modified", MODIFIED}),
        ANSWER_IGNORED, LDL_RANGE_IGNORED);
}

static void h49_only_200_and_206_carry_the_file(void **state)
{
    (void) state;
    static const int statuses[] = {0,   -1,  100, 199, 201, 202, 203, 204, 205, 207, 226, 299, 300,
                                   301, 302, 303, 304, 305, 306, 307, 308, 399, 400, 404, 405, 408,
                                   410, 412, 425, 451, 499, 500, 501, 502, 503, 504, 599, 999};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        assert_fault(
            JUDGE(&first, statuses[i], {"Content-Length", "9"}, {"Content-Range", "bytes 0-8/9"}),
            LDL_HTTP_STATUS);
        assert_fault(JOIN(&later, &zip, statuses[i], {"Content-Range", "bytes 100-199/1000"},
                          {"ETag", "\"one\""}),
                     LDL_HTTP_STATUS);
    }
}

static void h49_redirects_need_one_location(void **state)
{
    (void) state;
    static const int statuses[] = {301, 302, 303, 307, 308};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        struct answer answer =
            JUDGE(&first, statuses[i], {"Location", " /x y"}, {"location", "/x y"});
        assert_int_equal(answer.verdict, ANSWER_REDIRECT);
        assert_string_equal(answer.location, "/x y");
        assert_fault(JUDGE(&first, statuses[i], {"Location", " "}), LDL_HTTP_STATUS);
        assert_fault(JUDGE(&first, statuses[i], {"Location", "/x"}, {"Location", "/y"}),
                     LDL_PROTOCOL);
    }
    assert_fault(JUDGE(&first, 300, {"Location", "/x"}), LDL_HTTP_STATUS);
    assert_fault(JUDGE(&first, 304, {"Location", "/x"}), LDL_HTTP_STATUS);
}

static void authorisation_has_its_own_kind(void **state)
{
    (void) state;
    assert_fault(judge(&first, NULL, 401, NONE), LDL_AUTH);
    assert_fault(judge(&first, NULL, 403, NONE), LDL_AUTH);
    assert_fault(judge(&later, &zip, 407, NONE), LDL_AUTH);
}

/* Load */

static void h52_limits_are_told_with_their_wait(void **state)
{
    (void) state;
    struct answer answer = JUDGE(&first, 503, {"Retry-After", "7"});
    assert_fault(answer, LDL_RATE_LIMITED);
    assert_true(answer.retry_after == 7 && answer.retry_at == NOW + 7);
    assert_fault(judge(&first, NULL, 429, NONE), LDL_RATE_LIMITED);
    assert_fault(judge(&first, NULL, 503, NONE), LDL_HTTP_STATUS);
    assert_fault(JUDGE(&first, 503, {"Retry-After", "soon"}), LDL_HTTP_STATUS);
}

static void h53_wait_until_a_date_is_counted_from_now(void **state)
{
    (void) state;
    struct answer answer = JUDGE(&first, 429, {"Retry-After", "Sun, 06 Nov 1994 08:54:37 GMT"});
    assert_true(answer.retry_after == 300 && answer.retry_at == NOW + 300);
}

static void h53_past_negative_and_junk_waits_are_none(void **state)
{
    (void) state;
    static const char *const values[] = {"",
                                         "0",
                                         "-1",
                                         "1.5",
                                         "7s",
                                         "0x7",
                                         "inf",
                                         "nan",
                                         "1e9",
                                         MODIFIED,
                                         "Sun, 06 Nov 1983 08:49:37 GMT",
                                         "06 Nov"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct answer answer = JUDGE(&first, 429, {"Retry-After", values[i]});
        assert_true(answer.retry_after == -1 && answer.retry_at == -1);
    }
}

static void h53_huge_wait_is_long_and_finite(void **state)
{
    (void) state;
    char digits[4096];
    memset(digits, '9', sizeof digits);
    digits[sizeof digits - 1] = '\0';
    struct answer answer = JUDGE(&first, 429, {"Retry-After", digits});
    assert_true(answer.retry_after == 2147483648.0);
    assert_true(answer.retry_at == NOW + 2147483648.0);
}

static void reasons_name_the_host_and_are_cut_to_fit(void **state)
{
    (void) state;
    char host[300];
    struct asked named = later;
    memset(host, 'h', sizeof host);
    host[sizeof host - 1] = '\0';
    named.host = "example.org";
    struct answer answer = JOIN(&named, &zip, 206, {"Content-Range", "bytes 0-99/1000"});
    assert_string_equal(answer.reason, "asked for bytes 100-199, example.org sent 0-99 of 1000");
    named.redirected = true;
    answer = judge(&named, &zip, 403, NONE);
    assert_string_equal(answer.reason, "example.org answered 403 after a redirect");
    named.host = host;
    answer = judge(&named, &zip, 404, NONE);
    assert_int_equal(strlen(answer.reason), sizeof answer.reason - 1);
}

static void reasons_have_no_control_characters(void **state)
{
    (void) state;
    struct answer answer = JOIN(&later, &zip, 206, {"Content-Range", "bytes 100-199/1000"},
                                {"ETag", "\"one\""}, {"Content-Encoding", "\033[2J\ngzip"});
    assert_fault(answer, LDL_ENCODING);
    for (const char *at = answer.reason; *at; at++)
        assert_true(*at >= ' ' && *at < 0x7f);
}

/* Anything at all */

static uint64_t random_state;

/* xorshift64: the same bytes on every machine */
static size_t random_below(size_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (size_t) (random_state >> 11) % limit;
}

#define PICK(array) ((array)[random_below(sizeof(array) / sizeof *(array))])

static void random_value(char *out, size_t size)
{
    static const char *const pieces[] = {
        "bytes ",
        "bytes=",
        "0-99",
        "100-199",
        "100-",
        "-",
        "/",
        "*",
        "/1000",
        "/*",
        "1000",
        "100",
        "9223372036854775807",
        "9223372036854775808",
        "0",
        ",",
        " ",
        "\"one\"",
        "\"",
        "W/",
        "one",
        "gzip",
        "chunked",
        "identity",
        "none",
        "application/zip",
        "text/html",
        ";",
        MODIFIED,
        LATER,
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "GMT",
        "\t",
        "\377",
    };
    size_t used = 0, count = random_below(5);
    out[0] = '\0';
    for (size_t i = 0; i < count; i++)
        used += (size_t) snprintf(out + used, size - used, "%s", PICK(pieces));
    if (used && random_below(3) == 0)
        out[random_below(used)] = (char) (1 + random_below(255));
}

static void random_header(struct ldl_header *header, char *value, size_t size)
{
    static const char *const names[] = {
        "Content-Range",
        "content-length",
        "ETag",
        "Last-Modified",
        "Date",
        "Content-Type",
        "Content-Encoding",
        "Transfer-Encoding",
        "Accept-Ranges",
        "Retry-After",
        "Location",
        "X",
        "",
    };
    static const struct ldl_header good[] = {
        {"Content-Range", "bytes 100-199/1000"},
        {"Content-Range", "bytes 0-999/1000"},
        {"Content-Type", "application/zip"},
        {"ETag", "\"one\""},
        {"Content-Length", "1000"},
        {"Date", LATER},
    };
    random_value(value, size);
    *header = random_below(2) ? PICK(good) : (struct ldl_header){PICK(names), value};
}

static void assert_sane(const struct asked *asked, const struct answer *answer)
{
    assert_non_null(memchr(answer->reason, '\0', sizeof answer->reason));
    assert_true(answer->retry_after == -1 || answer->retry_after > 0);
    if (answer->verdict == ANSWER_RANGE) {
        assert_int_equal(answer->first, asked->first);
        assert_true(answer->last >= answer->first);
        assert_true(asked->last < 0 || answer->last <= asked->last);
    } else if (answer->verdict == ANSWER_WHOLE) {
        assert_int_equal(answer->first, 0);
        assert_true(!asked->ranged || asked->first == 0);
    } else if (answer->verdict == ANSWER_REDIRECT) {
        assert_true(answer->location && answer->location[0]);
    } else if (answer->verdict != ANSWER_PLAIN) {
        assert_int_not_equal(answer->kind, LDL_OK);
        assert_true(answer->reason[0]);
    }
}

static void random_headers_never_move_a_byte(void **state)
{
    (void) state;
    static const struct asked *const questions[] = {&plain, &first, &later, &open_ended, &again};
    static const int statuses[] = {200, 206, 206, 206, 302, 416, 429, 503};
    int verdicts[ANSWER_FAULT + 1] = {0};
    random_state = 20240229;
    for (int round = 0; round < 200000; round++) {
        struct ldl_header headers[8];
        char values[8][512];
        size_t count = random_below(9);
        const struct asked *asked = PICK(questions);
        struct answer answer;
        for (size_t i = 0; i < count; i++)
            random_header(&headers[i], values[i], sizeof values[i]);
        answer_judge(asked, &zip, PICK(statuses), headers, count, NOW, &answer);
        assert_sane(asked, &answer);
        verdicts[answer.verdict]++;
    }
    for (int verdict = 0; verdict <= ANSWER_FAULT; verdict++)
        assert_true(verdicts[verdict] > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(h1_whole_for_a_later_range_is_ranges_ignored),
        cmocka_unit_test(h1_whole_for_a_later_range_of_something_unknown_is_a_failure),
        cmocka_unit_test(h1_whole_of_a_changed_resource_is_changed),
        cmocka_unit_test(h2_whole_for_the_first_request_is_taken),
        cmocka_unit_test(h2_whole_begun_again_must_agree),
        cmocka_unit_test(h2_whole_of_unknown_size_can_begin_again),
        cmocka_unit_test(a_part_sent_as_200_is_refused),
        cmocka_unit_test(h3_wrong_start_is_refused),
        cmocka_unit_test(h3_wrong_start_says_nothing_about_a_change),
        cmocka_unit_test(h4_part_without_content_range_is_refused),
        cmocka_unit_test(a_part_that_was_not_asked_for_is_refused),
        cmocka_unit_test(h5_shorter_part_is_taken_as_announced),
        cmocka_unit_test(h6_longer_part_is_clipped),
        cmocka_unit_test(length_that_contradicts_the_range_is_refused),
        cmocka_unit_test(h7_other_total_is_changed),
        cmocka_unit_test(h8_part_without_total_needs_a_known_one),
        cmocka_unit_test(h9_common_spellings_are_read),
        cmocka_unit_test(h9_impossible_numbers_are_refused),
        cmocka_unit_test(h9_the_largest_total_is_read),
        cmocka_unit_test(h10_multipart_is_refused),
        cmocka_unit_test(h11_unsatisfied_range_tells_the_total),
        cmocka_unit_test(h12_unsatisfied_range_of_another_total_is_changed),
        cmocka_unit_test(h13_unsatisfied_range_without_total_is_a_status),
        cmocka_unit_test(h14_unsatisfied_first_request_is_asked_plainly),
        cmocka_unit_test(h14_empty_resource_is_whole),
        cmocka_unit_test(h15_a_200_offers_ranges_only_when_it_says_so),
        cmocka_unit_test(h16_first_part_is_the_probe),
        cmocka_unit_test(h20_other_validator_is_changed),
        cmocka_unit_test(h20_etag_that_is_gone_is_changed),
        cmocka_unit_test(h20_validators_that_were_not_known_are_not_compared),
        cmocka_unit_test(h22_part_of_the_new_file_is_changed),
        cmocka_unit_test(h23_weak_and_strong_tags_match_by_their_opaque_part),
        cmocka_unit_test(h24_last_modified_is_strong_one_second_before_date),
        cmocka_unit_test(h24_stamps_of_the_present_yield_to_a_strong_etag),
        cmocka_unit_test(h25_without_validators_the_total_must_agree),
        cmocka_unit_test(h26_etag_of_another_node_is_a_flip),
        cmocka_unit_test(h26_no_flip_without_a_strong_time_and_the_total),
        cmocka_unit_test(h26_dropped_etag_flips_no_more),
        cmocka_unit_test(h27_distinct_or_malformed_tags_are_no_validator),
        cmocka_unit_test(h30_portal_page_is_a_failed_attempt),
        cmocka_unit_test(h30_portal_page_never_begins_a_download_again),
        cmocka_unit_test(h33_body_that_the_close_ends_is_not_framed),
        cmocka_unit_test(h34_chunked_part_is_framed),
        cmocka_unit_test(h35_lengths_that_differ_are_refused),
        cmocka_unit_test(h36_length_that_is_not_a_number_is_refused),
        cmocka_unit_test(h37_length_beside_chunks_is_ignored),
        cmocka_unit_test(h38_announced_length_is_what_counts),
        cmocka_unit_test(h39_coded_whole_is_taken_and_told),
        cmocka_unit_test(h39_coded_part_needs_a_strong_etag),
        cmocka_unit_test(h39_other_coding_does_not_join),
        cmocka_unit_test(h40_transfer_encoding_other_than_chunked_is_refused),
        cmocka_unit_test(h41_size_over_the_limit_is_refused),
        cmocka_unit_test(h48_old_server_that_ignores_ranges_is_noticed),
        cmocka_unit_test(h49_only_200_and_206_carry_the_file),
        cmocka_unit_test(h49_redirects_need_one_location),
        cmocka_unit_test(authorisation_has_its_own_kind),
        cmocka_unit_test(h52_limits_are_told_with_their_wait),
        cmocka_unit_test(h53_wait_until_a_date_is_counted_from_now),
        cmocka_unit_test(h53_past_negative_and_junk_waits_are_none),
        cmocka_unit_test(h53_huge_wait_is_long_and_finite),
        cmocka_unit_test(reasons_name_the_host_and_are_cut_to_fit),
        cmocka_unit_test(reasons_have_no_control_characters),
        cmocka_unit_test(random_headers_never_move_a_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
