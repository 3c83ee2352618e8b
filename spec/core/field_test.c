/* field_test.c: the strict readers of response fields and of HTTP dates, at their edges.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "date.h"
#include "field.h"

static void assert_date(const char *text, int64_t expected)
{
    int64_t date = -1;
    assert_true(date_parse(text, &date));
    assert_int_equal(date, expected);
}

static void assert_no_date(const char *text)
{
    int64_t date = -7;
    assert_false(date_parse(text, &date));
    assert_int_equal(date, -7);
}

static void all_three_forms_of_a_date_are_read(void **state)
{
    (void) state;
    assert_date("Sun, 06 Nov 1994 08:49:37 GMT", 784111777);
    assert_date("Sunday, 06-Nov-94 08:49:37 GMT", 784111777);
    assert_date("Sun Nov  6 08:49:37 1994", 784111777);
    assert_date(" sun, 6 NOV 1994 08:49:37 UTC ", 784111777);
}

static void dates_are_right_at_their_edges(void **state)
{
    (void) state;
    assert_date("Thu, 01 Jan 1970 00:00:00 GMT", 0);
    assert_date("Thu, 01 Jan 1970 00:00:01 GMT", 1);
    assert_date("Thu, 29 Feb 2024 23:59:59 GMT", 1709251199);
    assert_date("Fri, 01 Mar 2024 00:00:00 GMT", 1709251200);
    assert_date("Tue, 29 Feb 2000 12:00:00 GMT", 951825600);
    assert_date("Tue, 19 Jan 2038 03:14:08 GMT", 2147483648);
    assert_date("Fri, 31 Dec 9999 23:59:59 GMT", 253402300799);
    assert_date("Sat, 31 Dec 2016 23:59:60 GMT", 1483228800);
    assert_date("Monday, 31-Dec-68 23:59:59 GMT", 3124223999);
    assert_date("Thursday, 01-Jan-70 00:00:00 GMT", 0);
}

static void what_is_not_a_date_is_refused(void **state)
{
    (void) state;
    static const char *const texts[] = {
        "",
        "0",
        "-1",
        "Sun",
        "Sun,",
        "Sun, 06 Nov 1994",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 EST",
        "Sun, 06 Nov 1994 08:49:37 GMT+1",
        "Sun, 06 Nov 1994 08:49:37 GMT x",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 29 Feb 2023 08:49:37 GMT",
        "Sun, 29 Feb 2100 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 1994 8:49:37 GMT",
        "Wed, 31 Dec 1969 23:59:59 GMT",
        "Sun, 06 Nov 19940 08:49:37 GMT",
        "Sun, 06 Nox 1994 08:49:37 GMT",
        "Sun, 06-Nov 1994 08:49:37 GMT",
        "06 Nov 1994 08:49:37 GMT",
        "1994-11-06T08:49:37Z",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_no_date(texts[i]);
}

static void the_time_zone_does_not_matter(void **state)
{
    (void) state;
    setenv("TZ", "America/New_York", 1);
    assert_date("Sun, 06 Nov 1994 08:49:37 GMT", 784111777);
    unsetenv("TZ");
}

static int read_type(const char *value, char *out, size_t size)
{
    const struct ldl_header header = {"Content-Type", value};
    const struct fields fields = {&header, 1};
    return field_media_type(&fields, out, size);
}

static void media_type_is_lower_case_and_fits(void **state)
{
    (void) state;
    char type[10];
    assert_int_equal(read_type(" Text/HTML ; charset=x", type, sizeof type), FIELD_OK);
    assert_string_equal(type, "text/html");
    assert_int_equal(read_type("text/html5", type, sizeof type), FIELD_BAD);
    assert_int_equal(read_type(";", type, sizeof type), FIELD_BAD);
    assert_int_equal(read_type("", type, sizeof type), FIELD_BAD);
}

static void content_codings_are_cut_to_fit(void **state)
{
    (void) state;
    const struct ldl_header headers[] = {{"Content-Encoding", "gzip"}, {"Content-Encoding", "BR"}};
    const struct fields fields = {headers, 2};
    char coding[8];
    assert_int_equal(field_content_coding(&fields, coding, sizeof coding), FIELD_OK);
    assert_string_equal(coding, "gzip, b");
}

static void missing_names_and_values_are_skipped(void **state)
{
    (void) state;
    const struct ldl_header headers[] = {
        {NULL, "5"},
        {"Content-Length", NULL},
        {"Content-Lengt", "6"},
        {"Content-Lengths", "7"},
        {"CONTENT-length", "8"},
    };
    const struct fields fields = {headers, 5}, none = {NULL, 0};
    int64_t length = -7;
    assert_int_equal(field_content_length(&none, &length), FIELD_ABSENT);
    assert_int_equal(length, -7);
    assert_int_equal(field_content_length(&fields, &length), FIELD_OK);
    assert_int_equal(length, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_three_forms_of_a_date_are_read),
        cmocka_unit_test(dates_are_right_at_their_edges),
        cmocka_unit_test(what_is_not_a_date_is_refused),
        cmocka_unit_test(the_time_zone_does_not_matter),
        cmocka_unit_test(media_type_is_lower_case_and_fits),
        cmocka_unit_test(content_codings_are_cut_to_fit),
        cmocka_unit_test(missing_names_and_values_are_skipped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
