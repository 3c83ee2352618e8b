/* date.c: HTTP dates (RFC 9110, 5.6.7), without strptime, which follows the locale.
 * SPDX-License-Identifier: MIT */
#include "date.h"

#include <stddef.h>
#include <stdio.h>

#include "ascii.h"

struct date {
    int year, month, day, hour, minute, second;
};

static bool take(const char **at, char expected)
{
    if (**at != expected)
        return false;
    ++*at;
    return true;
}

static bool take_blanks(const char **at)
{
    const char *start = *at;
    while (**at == ' ' || **at == '\t')
        ++*at;
    return *at > start;
}

/* Between `least` and `most` digits; `most` is 4 here, so nothing overflows. */
static bool take_number(const char **at, int least, int most, int *out)
{
    int digits = 0, number = 0;
    for (; digits < most && ascii_is_digit(**at); digits++, ++*at)
        number = number * 10 + (**at - '0');
    *out = number;
    return digits >= least;
}

/* "Sun" or "Sunday". Which day it is follows from the date, so it isn't compared. */
static bool take_weekday(const char **at)
{
    int letters = 0;
    for (; ascii_lower(**at) >= 'a' && ascii_lower(**at) <= 'z'; ++*at)
        letters++;
    return letters >= 3;
}

static bool take_month(const char **at, int *out)
{
    static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    const char *text = *at;
    for (int month = 1; month <= 12; month++) {
        const char *name = names + (size_t) (month - 1) * 3;
        if (ascii_lower(text[0]) == name[0] && ascii_lower(text[1]) == name[1]
            && ascii_lower(text[2]) == name[2]) {
            *out = month;
            *at += 3;
            return true;
        }
    }
    return false;
}

static bool take_clock(const char **at, struct date *date)
{
    return take_number(at, 2, 2, &date->hour) && take(at, ':')
           && take_number(at, 2, 2, &date->minute) && take(at, ':')
           && take_number(at, 2, 2, &date->second);
}

static bool take_zone(const char **at)
{
    const char *text = *at;
    bool zone = (text[0] == 'G' && text[1] == 'M' && text[2] == 'T')
                || (text[0] == 'U' && text[1] == 'T' && text[2] == 'C');
    *at += zone ? 3 : 0;
    return zone;
}

/* Two digits: the pivot of POSIX. */
static bool take_short_year(const char **at, int *out)
{
    if (!take_number(at, 2, 2, out))
        return false;
    *out += *out < 69 ? 2000 : 1900;
    return true;
}

/* " 06 Nov 1994 08:49:37 GMT" and " 06-Nov-94 08:49:37 GMT" */
static bool take_fixed(const char **at, struct date *date)
{
    take_blanks(at);
    if (!take_number(at, 1, 2, &date->day))
        return false;
    bool dashes = take(at, '-');
    if (!(dashes || take_blanks(at)) || !take_month(at, &date->month)
        || !(dashes ? take(at, '-') : take_blanks(at)))
        return false;
    const char *year = *at;
    if (!take_number(at, 4, 4, &date->year)) {
        *at = year;
        if (!take_short_year(at, &date->year))
            return false;
    }
    return take_blanks(at) && take_clock(at, date) && take_blanks(at) && take_zone(at);
}

/* " Nov  6 08:49:37 1994" */
static bool take_asctime(const char **at, struct date *date)
{
    return take_blanks(at) && take_month(at, &date->month) && take_blanks(at)
           && take_number(at, 1, 2, &date->day) && take_blanks(at) && take_clock(at, date)
           && take_blanks(at) && take_number(at, 4, 4, &date->year);
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

static bool is_possible(const struct date *date)
{
    return date->day >= 1 && date->day <= days_in_month(date->year, date->month) && date->hour < 24
           && date->minute < 60 && date->second <= 60; /* 60: a leap second */
}

static int64_t days_before_year(int year)
{
    int past = year - 1;
    return (int64_t) past * 365 + past / 4 - past / 100 + past / 400;
}

static int64_t to_epoch(const struct date *date)
{
    int64_t days = days_before_year(date->year) - days_before_year(1970) + date->day - 1;
    for (int month = 1; month < date->month; month++)
        days += days_in_month(date->year, month);
    return ((days * 24 + date->hour) * 60 + date->minute) * 60 + date->second;
}

bool date_parse(const char *text, int64_t *out)
{
    struct date date = {0};
    take_blanks(&text);
    if (!take_weekday(&text))
        return false;
    if (!(take(&text, ',') ? take_fixed(&text, &date) : take_asctime(&text, &date)))
        return false;
    take_blanks(&text);
    if (*text || date.year < 1970 || !is_possible(&date))
        return false;
    *out = to_epoch(&date);
    return true;
}

/* Dates of cookies: words in any order, of which the first that can be the time, the day, the month and the year are it
 */

struct found {
    bool time, day, month, year;
};

static bool is_delimiter(char c)
{
    return c == '\t' || (c >= 0x20 && c <= 0x2f) || (c >= 0x3b && c <= 0x40)
           || (c >= 0x5b && c <= 0x60) || (c >= 0x7b && c <= 0x7e);
}

static bool is_time(const char *word, struct date *date)
{
    struct date read = *date;
    bool good = take_number(&word, 1, 2, &read.hour) && take(&word, ':')
                && take_number(&word, 1, 2, &read.minute) && take(&word, ':')
                && take_number(&word, 1, 2, &read.second) && !ascii_is_digit(*word);
    if (good)
        *date = read;
    return good;
}

/* What follows its digits doesn't matter. */
static bool is_number(const char *word, int least, int most, int *out)
{
    int number;
    if (!take_number(&word, least, most, &number) || ascii_is_digit(*word))
        return false;
    *out = number;
    return true;
}

static int full_year(int year)
{
    return year + (year < 70 ? 2000 : year < 100 ? 1900 : 0);
}

static void take_word(const char *word, struct date *date, struct found *found)
{
    if (!found->time && is_time(word, date))
        found->time = true;
    else if (!found->day && is_number(word, 1, 2, &date->day))
        found->day = true;
    else if (!found->month && take_month(&word, &date->month))
        found->month = true;
    else if (!found->year && is_number(word, 2, 4, &date->year))
        found->year = true;
}

bool date_parse_cookie(const char *text, int64_t *out)
{
    struct date date = {0};
    struct found found = {0};
    for (bool inside = false; *text; text++) {
        bool start = !inside && !is_delimiter(*text);
        inside = !is_delimiter(*text);
        if (start)
            take_word(text, &date, &found);
    }
    date.year = full_year(date.year);
    if (!found.time || !found.day || !found.month || !found.year || date.year < 1601
        || date.second > 59 || !is_possible(&date))
        return false;
    *out = to_epoch(&date);
    return true;
}

/* The inverse of to_epoch. */
static struct date from_epoch(int64_t seconds)
{
    int64_t days = seconds / 86400 + days_before_year(1970);
    int rest = (int) (seconds % 86400);
    struct date date = {.year = (int) (days / 366) + 1, .month = 1};
    while (days_before_year(date.year + 1) <= days)
        date.year++;
    days -= days_before_year(date.year);
    for (; days >= days_in_month(date.year, date.month); date.month++)
        days -= days_in_month(date.year, date.month);
    date.day = (int) days + 1;
    date.hour = rest / 3600;
    date.minute = rest / 60 % 60;
    date.second = rest % 60;
    return date;
}

void date_format(int64_t seconds, char out[DATE_SIZE])
{
    static const char days[] = "ThuFriSatSunMonTueWed"; /* the epoch was a Thursday */
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct date date = from_epoch(seconds);
    snprintf(out, DATE_SIZE, "%.3s, %02u %.3s %04u %02u:%02u:%02u GMT",
             days + seconds / 86400 % 7 * 3, (unsigned) date.day % 100,
             months + (size_t) (date.month - 1) % 12 * 3, (unsigned) date.year % 10000,
             (unsigned) date.hour % 100, (unsigned) date.minute % 100,
             (unsigned) date.second % 100);
}
