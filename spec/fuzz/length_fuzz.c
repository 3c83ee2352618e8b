/* length_fuzz.c: lengths, dates and waits are right or absent: checked against the C library.
 * SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "date.h"
#include "fuzz.h"

#define NOW 784111777.0
#define UNTOUCHED (-77)
#define LAST_SECOND INT64_C(253402300800) /* a leap second at the end of 9999 */

/* Lengths */

/* One element of a list; -1: not a length. */
static int64_t number_of(const char *text, size_t length)
{
    char digits[24];
    while (length > 0 && (*text == ' ' || *text == '\t')) {
        text++;
        length--;
    }
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t'))
        length--;
    while (length > 1 && *text == '0') {
        text++;
        length--;
    }
    if (length == 0 || length > 19)
        return -1;
    memcpy(digits, text, length);
    digits[length] = '\0';
    if (strspn(digits, "0123456789") != length)
        return -1;
    errno = 0;
    long long number = strtoll(digits, NULL, 10);
    return errno ? -1 : number;
}

/* All elements of a value must be `*length`, or the first of them if that is UNTOUCHED. */
static bool agree(const char *value, int64_t *length)
{
    for (;;) {
        size_t element = strcspn(value, ",");
        int64_t number = number_of(value, element);
        if (number < 0 || (*length != UNTOUCHED && number != *length))
            return false;
        *length = number;
        if (!value[element])
            return true;
        value += element + 1;
    }
}

static void check_length(const struct head *head)
{
    struct fields fields = head_fields(head);
    int64_t length = UNTOUCHED, expected = UNTOUCHED;
    bool good = true;
    const char *value = head_value(head, "Content-Length", 0);
    int wanted = value ? FIELD_OK : FIELD_ABSENT;
    for (size_t n = 0; good && (value = head_value(head, "Content-Length", n)); n++)
        good = agree(value, &expected);
    if (!good) {
        wanted = FIELD_BAD;
        expected = UNTOUCHED;
    }
    int found = field_content_length(&fields, &length);
    assert(found == wanted && length == expected);
}

/* Dates */

/* Written anew in a form of RFC 9110, 5.6.7 it is the same second. */
static void check_form(int64_t date, const char *format)
{
    char text[64];
    struct tm parts;
    time_t seconds = (time_t) date;
    int64_t again = UNTOUCHED;
    size_t length = strftime(text, sizeof text, format, gmtime_r(&seconds, &parts));
    assert(length > 0);
    bool read = date_parse(text, &again);
    assert(read && again == date);
}

static void check_formats(int64_t date)
{
    char text[DATE_SIZE];
    int64_t again = UNTOUCHED;
    if (date == LAST_SECOND)
        return;
    date_format(date, text);
    bool read = date_parse(text, &again);
    assert(read && again == date);
    check_form(date, "%a, %d %b %Y %H:%M:%S GMT");
    check_form(date, "%a %b %e %H:%M:%S %Y");
    if (date < INT64_C(3124224000)) /* 2069: two digits would mean 1969 */
        check_form(date, "%A, %d-%b-%y %H:%M:%S GMT");
}

/* The C library reads the plain form alike. */
static void check_meaning(const char *text, int64_t date)
{
    struct tm parts = {0};
    const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    if (!end || *end || parts.tm_year < 70) /* a year of two digits it takes as it is */
        return;
    int64_t meant = timegm(&parts);
    assert(meant == date);
}

static void check_date(const struct head *head)
{
    struct fields fields = head_fields(head);
    int64_t date = UNTOUCHED;
    int found = field_date(&fields, "Last-Modified", &date);
    if (found != FIELD_OK) {
        assert(date == UNTOUCHED);
        return;
    }
    assert(date >= 0 && date <= LAST_SECOND);
    check_formats(date);
    check_meaning(head_value(head, "Last-Modified", 0), date);
}

/* Waits */

static void check_wait(const struct head *head)
{
    struct fields fields = head_fields(head);
    double after = UNTOUCHED, at = UNTOUCHED;
    int found = field_retry_after(&fields, NOW, &after, &at);
    if (found == FIELD_OK)
        assert(after > 0 && after <= 2147483648.0 && at == NOW + after);
    else
        assert(after == UNTOUCHED && at == UNTOUCHED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {(const char *) data, size};
    struct head head = head_read(&input);
    check_length(&head);
    check_date(&head);
    check_wait(&head);
    head_free(&head);
    return 0;
}
