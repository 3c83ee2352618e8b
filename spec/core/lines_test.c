/* lines_test.c: header lines, as libcurl hands them on.
 * SPDX-License-Identifier: MIT */
#include "lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void add(struct lines *lines, const char *text)
{
    assert_true(lines_add(lines, text, strlen(text)));
}

static void expect(const struct lines *lines, const char *const *texts, size_t count)
{
    size_t found;
    struct ldl_header *list = lines_list(lines, &found);
    assert_non_null(list);
    assert_int_equal(found, count);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(list[i].name, texts[2 * i]);
        assert_string_equal(list[i].value, texts[2 * i + 1]);
    }
    free(list);
}

static void fields_are_taken_apart_and_trimmed(void **state)
{
    struct lines lines = {0};
    (void) state;
    add(&lines, "HTTP/1.1 200 OK\r\n");
    add(&lines, "ETag: \"a: b\"\r\n");
    add(&lines, "X-Blank: \t value \t\r\n");
    add(&lines, "X-Empty:\r\n");
    add(&lines, "x-none:nothing\n");
    add(&lines, "\r\n");
    const char *const wanted[] = {"ETag",    "\"a: b\"", "X-Blank", "value",
                                  "X-Empty", "",         "x-none",  "nothing"};
    expect(&lines, wanted, 4);
    lines_free(&lines);
}

static void a_folded_line_goes_on_the_last_value(void **state)
{
    struct lines lines = {0};
    (void) state;
    add(&lines, " nothing before it\r\n");
    add(&lines, "A: one\r\n");
    add(&lines, "\t  two: 2\r\n");
    add(&lines, "  \r\n");
    add(&lines, "B: three\r\n");
    const char *const wanted[] = {"A", "one two: 2", "B", "three"};
    expect(&lines, wanted, 2);
    lines_free(&lines);
}

static void a_status_line_begins_anew(void **state)
{
    struct lines lines = {0};
    (void) state;
    add(&lines, "HTTP/1.1 103 Early Hints\r\n");
    add(&lines, "Link: </a>\r\n");
    add(&lines, "HTTP/1.1 200 OK\r\n");
    add(&lines, "A: 1\r\n");
    const char *const wanted[] = {"A", "1"};
    expect(&lines, wanted, 1);
    lines_clear(&lines);
    expect(&lines, NULL, 0);
    lines_free(&lines);
}

static void what_is_no_field_is_left_out(void **state)
{
    struct lines lines = {0};
    (void) state;
    add(&lines, "no colon\r\n");
    add(&lines, "");
    add(&lines, "A: 1\r\n");
    const char *const wanted[] = {"A", "1"};
    expect(&lines, wanted, 1);
    lines_free(&lines);
}

static void many_long_lines_find_room(void **state)
{
    struct lines lines = {0};
    char line[1000];
    size_t count;
    (void) state;
    memset(line, 'v', sizeof line);
    memcpy(line, "Name:", 5);
    for (int i = 0; i < 60; i++)
        assert_true(lines_add(&lines, line, sizeof line));
    struct ldl_header *list = lines_list(&lines, &count);
    assert_int_equal(count, 60);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(list[i].name, "Name");
        assert_int_equal(strlen(list[i].value), sizeof line - 5);
    }
    free(list);
    lines_free(&lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_taken_apart_and_trimmed),
        cmocka_unit_test(a_folded_line_goes_on_the_last_value),
        cmocka_unit_test(a_status_line_begins_anew),
        cmocka_unit_test(what_is_no_field_is_left_out),
        cmocka_unit_test(many_long_lines_find_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
