/* cookie_test.c: what is kept of a Set-Cookie, who gets it, and what becomes of a jar that is full.
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "date.h"
#include "jar.h"

#define NOW 1700000000 /* Tue, 14 Nov 2023 22:13:20 GMT */
#define DAY 86400

static const struct site HTTPS = {"www.example.com", "/a/b/file?x=/y/", true};
static const struct site HTTP = {"www.example.com", "/a/b/file", false};

static struct site at(const char *host, const char *path)
{
    return (struct site){host, path, true};
}

static void assert_header(struct jar *jar, struct site site, int64_t now, const char *expected)
{
    char *header = jar_header(jar, &site, now);
    if (expected) {
        assert_non_null(header);
        assert_string_equal(header, expected);
    } else {
        assert_null(header);
    }
    free(header);
}

/* In a jar of its own: what `set` leads to at `asked`. */
static void assert_trip(struct site from, const char *set, struct site asked, const char *expected)
{
    struct jar jar;
    jar_init(&jar);
    jar_put(&jar, &from, set, NOW);
    assert_header(&jar, asked, NOW, expected);
    jar_destroy(&jar);
}

static void assert_kept(const char *set, const char *expected)
{
    assert_trip(HTTPS, set, HTTPS, expected);
}

static void assert_refused(const char *set)
{
    struct site everywhere = at("www.example.com", "/a/b/c/d");
    assert_trip(HTTPS, set, everywhere, NULL);
}

static void a_pair_is_read_as_it_stands(void **state)
{
    (void) state;
    assert_kept("a=1", "a=1");
    assert_kept(" \t a \t=\t 1 \t", "a=1");
    assert_kept("a=\"b c\"; x", "a=\"b c\"");
    assert_kept("a=b=c==", "a=b=c==");
    assert_kept("a=;", "a=");
    assert_kept("a", "a");
    assert_kept("=a", "a");
    assert_kept("\xc3\xa9=\xff", "\xc3\xa9=\xff");
    assert_kept("a=1, b=2", "a=1, b=2");
}

static void what_is_no_pair_is_refused(void **state)
{
    (void) state;
    static const char *const texts[] = {
        "",       "=",      ";",        " \t; Secure",     "a=1\r\nX: y", "a=\x01",   "a\x7f=1",
        "a=1\t2", "a\tb=1", "=;Path=/", "a=1; Path=/\x1f", "a=1; \x02",   "\x08=\x08"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_refused(texts[i]);
}

static void a_pair_may_have_4096_bytes(void **state)
{
    (void) state;
    static char text[COOKIE_MOST + 3];
    memset(text, 'x', COOKIE_MOST + 1);
    text[1] = '=';
    assert_kept(text, text);
    text[COOKIE_MOST + 1] = 'x';
    assert_refused(text);
}

static void a_host_keeps_its_cookies_to_itself(void **state)
{
    (void) state;
    assert_trip(HTTPS, "a=1", at("WWW.Example.com", "/a/b/"), "a=1");
    assert_trip(HTTPS, "a=1", at("example.com", "/a/b/"), NULL);
    assert_trip(HTTPS, "a=1", at("x.www.example.com", "/a/b/"), NULL);
    assert_trip(HTTPS, "a=1; Domain=", at("x.www.example.com", "/a/b/"), NULL);
    assert_trip(HTTPS, "a=1; Domain=.", at("x.www.example.com", "/a/b/"), NULL);
}

static void a_domain_is_the_host_or_above_it(void **state)
{
    (void) state;
    const char *set = "a=1; Path=/; domain = .EXAMPLE.com ";
    assert_trip(HTTPS, set, at("example.com", "/"), "a=1");
    assert_trip(HTTPS, set, at("deep.other.example.com", "/"), "a=1");
    assert_trip(HTTPS, set, at("notexample.com", "/"), NULL);
    assert_trip(HTTPS, set, at("example.com.evil.net", "/"), NULL);
    assert_trip(HTTPS, "a=1; Domain=www.example.com", at("x.www.example.com", "/a/b"), "a=1");
    assert_refused("a=1; Domain=other.example.com");
    assert_refused("a=1; Domain=x.www.example.com");
    assert_refused("a=1; Domain=ample.com");
    assert_refused("a=1; Domain=..example.com");
    assert_refused("a=1; Domain=example.com.");
    assert_refused("a=1; Domain=ex\xc3\xa4mple.com");
    assert_kept("a=1; Domain=evil.net; Domain=example.com", "a=1");
}

static void a_public_suffix_sets_cookies_for_itself_alone(void **state)
{
    (void) state;
    assert_refused("a=1; Domain=com");
    assert_refused("a=1; Domain=.COM.");
    assert_trip(at("a.co.uk", "/"), "a=1; Domain=co.uk", at("a.co.uk", "/"), NULL);
    assert_trip(at("me.github.io", "/"), "a=1; Domain=github.io", at("me.github.io", "/"), NULL);
    assert_trip(at("github.io", "/"), "a=1; Domain=github.io", at("github.io", "/"), "a=1");
    assert_trip(at("github.io", "/"), "a=1; Domain=github.io", at("me.github.io", "/"), NULL);
    assert_trip(at("localhost", "/"), "a=1; Domain=localhost", at("localhost", "/"), "a=1");
    assert_trip(at("localhost", "/"), "a=1; Domain=localhost", at("x.localhost", "/"), NULL);
    assert_trip(at("x.internal", "/"), "a=1; Domain=internal", at("x.internal", "/"), NULL);
    assert_trip(at("com.", "/"), "a=1; Domain=com.", at("evil.com.", "/"), NULL);
}

static void an_address_has_no_domain(void **state)
{
    (void) state;
    assert_trip(at("127.0.0.1", "/"), "a=1", at("127.0.0.1", "/"), "a=1");
    assert_trip(at("127.0.0.1", "/"), "a=1; Domain=127.0.0.1", at("127.0.0.1", "/"), "a=1");
    assert_trip(at("127.0.0.1", "/"), "a=1; Domain=127.0.0.1", at("x.127.0.0.1", "/"), NULL);
    assert_trip(at("127.0.0.1", "/"), "a=1; Domain=0.0.1", at("127.0.0.1", "/"), NULL);
    assert_trip(at("[::1]", "/"), "a=1", at("[::1]", "/"), "a=1");
    assert_trip(at("[::1]", "/"), "a=1; Domain=[::1]", at("[::1]", "/"), "a=1");
}

static void a_path_is_a_folder(void **state)
{
    (void) state;
    assert_kept("a=1; Path=/a", "a=1");
    assert_kept("a=1; Path=/a/", "a=1");
    assert_kept("a=1; Path=/a/b/file", "a=1");
    assert_kept("a=1; Path=/", "a=1");
    assert_kept("a=1; Path=/x; Path=", "a=1");
    assert_refused("a=1; Path=/a/b/fil");
    assert_refused("a=1; Path=/a/b/c/d/e");
    assert_refused("a=1; Path=/A");
    assert_trip(HTTPS, "a=1; Path=/a/b", at("www.example.com", "/a/bc"), NULL);
    assert_trip(HTTPS, "a=1; Path=/a/b/", at("www.example.com", "/a/b"), NULL);
    assert_trip(HTTPS, "a=1; Path=/y", HTTPS, NULL);
}

static void without_a_path_it_is_the_folder_of_what_was_asked(void **state)
{
    (void) state;
    assert_kept("a=1; Path=relative", "a=1");
    assert_trip(HTTPS, "a=1", at("www.example.com", "/a/b"), "a=1");
    assert_trip(HTTPS, "a=1", at("www.example.com", "/a/b/other"), "a=1");
    assert_trip(HTTPS, "a=1", at("www.example.com", "/a"), NULL);
    assert_trip(at("example.com", "/a"), "a=1", at("example.com", "/z"), "a=1");
    assert_trip(at("example.com", ""), "a=1", at("example.com", "/z"), "a=1");
    assert_trip(at("example.com", "/?a/b/c"), "a=1", at("example.com", "/z"), "a=1");
}

static void secure_ones_are_of_https_alone(void **state)
{
    (void) state;
    assert_kept("a=1; SECURE=whatever", "a=1");
    assert_trip(HTTPS, "a=1; Secure", HTTP, NULL);
    assert_trip(HTTP, "a=1; Secure", HTTPS, NULL);
    assert_trip(HTTP, "a=1", HTTPS, "a=1");
}

static void http_changes_no_cookie_of_https(void **state)
{
    struct jar jar;
    (void) state;
    jar_init(&jar);
    jar_put(&jar, &HTTPS, "a=1; Secure; Path=/a", NOW);
    jar_put(&jar, &HTTP, "a=2; Path=/a", NOW);
    jar_put(&jar, &HTTP, "a=2; Path=/a; Max-Age=0", NOW);
    jar_put(&jar, &HTTP, "a=2; Path=/a/b; Domain=example.com", NOW);
    assert_header(&jar, HTTPS, NOW, "a=1");
    jar_put(&jar, &HTTP, "a=3; Path=/", NOW); /* comes after it, and hides nothing */
    jar_put(&jar, &HTTP, "A=4; Path=/", NOW);
    assert_header(&jar, HTTPS, NOW, "a=1; a=3; A=4");
    jar_put(&jar, &HTTPS, "a=5; Path=/a", NOW);
    assert_header(&jar, HTTP, NOW, "a=5; a=3; A=4");
    jar_destroy(&jar);
}

static void prefixes_keep_their_promise(void **state)
{
    (void) state;
    assert_kept("__Secure-a=1; Secure", "__Secure-a=1");
    assert_refused("__Secure-a=1");
    assert_refused("__SECURE-a=1");
    assert_kept("__Host-a=1; Secure; Path=/", "__Host-a=1");
    assert_refused("__Host-a=1; Path=/");
    assert_refused("__Host-a=1; Secure");
    assert_refused("__Host-a=1; Secure; Path=/a");
    assert_refused("__host-a=1; Secure; Path=/; Domain=example.com");
    assert_refused("=__Host-a=1; Secure; Path=/");
    assert_refused("__Secure-a; Secure");
}

static void max_age_beats_expires(void **state)
{
    (void) state;
    assert_kept("a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT", NULL);
    assert_kept("a=1; Expires=Mon, 01-Jan-1601 00:00:00 GMT", NULL);
    assert_kept("a=1; Expires=Fri, 01 Jan 2038 00:00:00 GMT", "a=1");
    assert_kept("a=1; Expires=never", "a=1");
    assert_kept("a=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "a=1");
    assert_kept("a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60", "a=1");
    assert_kept("a=1; Max-Age=0", NULL);
    assert_kept("a=1; Max-Age=-1", NULL);
    assert_kept("a=1; Max-Age=-99999999999999999999", NULL);
    assert_kept("a=1; Max-Age=-", "a=1");
    assert_kept("a=1; Max-Age=", "a=1");
    assert_kept("a=1; Max-Age=1x", "a=1");
    assert_kept("a=1; Max-Age=99999999999999999999", "a=1");
    assert_kept("a=1; Max-Age=5; Max-Age=0", NULL);
}

static void cookies_expire(void **state)
{
    struct jar jar;
    (void) state;
    jar_init(&jar);
    jar_put(&jar, &HTTPS, "a=1; Max-Age=60", NOW);
    jar_put(&jar, &HTTPS, "b=1; Max-Age=99999999999999999999", NOW);
    jar_put(&jar, &HTTPS, "c=1", NOW);
    assert_header(&jar, HTTPS, NOW + 59, "a=1; b=1; c=1");
    assert_header(&jar, HTTPS, NOW + 60, "b=1; c=1");
    assert_header(&jar, HTTPS, NOW + 400 * DAY, "c=1");
    assert_int_equal(jar.count, 1);
    jar_destroy(&jar);
}

static void a_newer_one_takes_the_place_of_the_older_one(void **state)
{
    struct jar jar;
    (void) state;
    jar_init(&jar);
    jar_put(&jar, &HTTPS, "a=1; Path=/", NOW);
    jar_put(&jar, &HTTPS, "b=1; Path=/", NOW);
    jar_put(&jar, &HTTPS, "a=2; Path=/; Max-Age=60", NOW);
    assert_header(&jar, HTTPS, NOW, "a=2; b=1");
    jar_put(&jar, &HTTPS, "a=3; Path=/; Domain=www.example.com", NOW);
    assert_header(&jar, HTTPS, NOW, "a=2; b=1; a=3");
    jar_put(&jar, &HTTPS, "a=; Path=/; Max-Age=0", NOW);
    assert_header(&jar, HTTPS, NOW, "b=1; a=3");
    jar_destroy(&jar);
}

static void the_longest_path_comes_first_then_the_oldest(void **state)
{
    struct jar jar;
    (void) state;
    jar_init(&jar);
    jar_put(&jar, &HTTPS, "a=1; Path=/", NOW);
    jar_put(&jar, &HTTPS, "b=2; Path=/a/b", NOW);
    jar_put(&jar, &HTTPS, "c=3; Path=/", NOW);
    jar_put(&jar, &HTTPS, "d=4; Path=/a", NOW);
    jar_put(&jar, &HTTPS, "e=5; Path=/a/b; Domain=example.com", NOW);
    assert_header(&jar, HTTPS, NOW, "b=2; e=5; d=4; a=1; c=3");
    jar_destroy(&jar);
}

static void put_many(struct jar *jar, const struct site *site, int first, int count,
                     const char *attributes)
{
    char text[64];
    for (int i = first; i < first + count; i++) {
        snprintf(text, sizeof text, "n%d=1; Path=/%d%s", i, i, attributes);
        jar_put(jar, site, text, NOW);
    }
}

static void assert_held(struct jar *jar, int number, bool held)
{
    char path[16], expected[16];
    snprintf(path, sizeof path, "/%d", number);
    snprintf(expected, sizeof expected, "n%d=1", number);
    assert_header(jar, at("www.example.com", path), NOW, held ? expected : NULL);
}

static void a_domain_has_180_at_most(void **state)
{
    struct jar jar;
    (void) state;
    jar_init(&jar);
    put_many(&jar, &HTTPS, 0, 1, "; Secure");
    put_many(&jar, &HTTPS, 1, 180, "");
    assert_int_equal(jar.count, JAR_DOMAIN_MOST);
    assert_held(&jar, 0, true);
    assert_held(&jar, 1, false); /* the oldest that isn't of https alone */
    assert_held(&jar, 2, true);
    put_many(&jar, &HTTPS, 200, 200, "; Secure");
    assert_int_equal(jar.count, JAR_DOMAIN_MOST);
    assert_held(&jar, 219, false);
    put_many(&jar, &HTTP, 500, 10, ""); /* pushes out none of https */
    assert_held(&jar, 220, true);
    assert_held(&jar, 509, false);
    jar_destroy(&jar);
}

static void a_jar_has_3000_at_most(void **state)
{
    struct jar jar;
    char host[32];
    (void) state;
    jar_init(&jar);
    for (int i = 0; i <= JAR_MOST; i++) {
        snprintf(host, sizeof host, "h%d.example.com", i);
        struct site site = at(host, "/");
        jar_put(&jar, &site, "a=1", NOW);
    }
    assert_int_equal(jar.count, JAR_MOST);
    assert_header(&jar, at("h0.example.com", "/"), NOW, NULL);
    assert_header(&jar, at("h1.example.com", "/"), NOW, "a=1");
    assert_header(&jar, at(host, "/"), NOW, "a=1");
    jar_destroy(&jar);
}

static void a_header_stays_within_what_servers_take(void **state)
{
    static char text[COOKIE_MOST + 3];
    struct jar jar;
    (void) state;
    jar_init(&jar);
    for (char name = 'a'; name <= 'c'; name++) {
        memset(text, 'x', COOKIE_MOST + 1);
        text[0] = name, text[1] = '=';
        jar_put(&jar, &HTTPS, text, NOW);
    }
    jar_put(&jar, &HTTPS, "d=1", NOW);
    char *header = jar_header(&jar, &HTTPS, NOW);
    assert_non_null(header);
    assert_true(strlen(header) <= JAR_HEADER_MOST);
    assert_string_equal(header + strlen(header) - 5, "; d=1");
    assert_int_equal(strlen(header), COOKIE_MOST + 1 + 5);
    free(header);
    jar_destroy(&jar);
}

/* Dates of cookies */

static void assert_date(const char *text, int64_t expected)
{
    int64_t date = -1;
    assert_true(date_parse_cookie(text, &date));
    assert_int_equal(date, expected);
}

static void dates_come_in_any_order(void **state)
{
    (void) state;
    assert_date("Sun, 06 Nov 1994 08:49:37 GMT", 784111777);
    assert_date("Sunday, 06-Nov-94 08:49:37 GMT", 784111777);
    assert_date("Sun Nov  6 08:49:37 1994", 784111777);
    assert_date("8:49:37 6th november 1994 +0200", 784111777);
    assert_date("08:49:37x5 6 nov. 94", 784111777);
    assert_date("1 Jan 69 00:00:00", 3124224000);
    assert_date("1 Jan 70 00:00:00", 0);
    assert_date("1 Jan 1601 00:00:00", -11644473600);
    assert_date("1 2 Jan 2024 0:0:0", 1704067200); /* "2" is no year */
}

static void what_lacks_a_part_is_no_date(void **state)
{
    (void) state;
    static const char *const texts[] = {
        "",
        "0",
        "never",
        "06 Nov 1994",
        "Nov 1994 08:49:37",
        "06 1994 08:49:37",
        "06 Nov 08:49:37",
        "06 Nov 1600 08:49:37",
        "30 Feb 1994 08:49:37",
        "06 Nov 1994 24:49:37",
        "06 Nov 1994 08:60:37",
        "06 Nov 1994 08:49:60",
        "06 Nov 12345 08:49:37",
        "06 Nov 199 08:49:37",
        "006 Nov 1994 08:49:37",
        "00 Nov 1994 08:49:37",
        "06 Nov 1994 08:49:375",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        int64_t date = -7;
        assert_false(date_parse_cookie(texts[i], &date));
        assert_int_equal(date, -7);
    }
}

/* The file */

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static char *read_text(const char *path)
{
    static char text[4096];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static int make_folder(void **state)
{
    static char folder[32];
    snprintf(folder, sizeof folder, "/tmp/luadl-cookie-XXXXXX");
    *state = mkdtemp(folder);
    return *state && chdir(folder) == 0 ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void) unlink("cookies.txt");
    return chdir("/") == 0 && rmdir(*state) == 0 ? 0 : -1; /* fails when a draft is left */
}

static void a_jar_survives_in_a_file(void **state)
{
    struct jar jar, other;
    struct ldl_cookies found;
    struct stat status;
    (void) state;
    jar_init(&jar), jar_init(&other);
    write_text("cookies.txt", "what stood there before");
    jar_put(&jar, &HTTPS, "a=1; Secure; HttpOnly; Domain=example.com; Path=/; Max-Age=60", NOW);
    jar_put(&jar, &HTTPS, "b=", NOW);
    jar_put(&jar, &HTTPS, "alone", NOW);
    jar_put(&jar, &HTTPS, "gone=1; Max-Age=1", NOW);
    assert_int_equal(jar_write(&jar, "cookies.txt", NOW + 1), 0);
    assert_string_equal(read_text("cookies.txt"),
                        "# Netscape HTTP Cookie File\n\n"
                        "#HttpOnly_.example.com\tTRUE\t/\tTRUE\t1700000060\ta\t1\n"
                        "www.example.com\tFALSE\t/a/b\tFALSE\t0\tb\t\n"
                        "www.example.com\tFALSE\t/a/b\tFALSE\t0\t\talone\n");
    assert_int_equal(stat("cookies.txt", &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(jar_read(&other, "cookies.txt", NOW, &found), 0);
    assert_header(&other, HTTPS, NOW, "b=; alone; a=1");
    assert_header(&other, HTTPS, NOW + 60, "b=; alone");
    assert_true(other.list[0]->host_only);
    jar_destroy(&jar), jar_destroy(&other);
}

static void lines_that_mean_nothing_are_passed_over(void **state)
{
    struct jar jar;
    struct ldl_cookies found;
    (void) state;
    jar_init(&jar);
    write_text("cookies.txt", "# a comment\n\n\t\t\t\t\t\t\nwww.example.com\n"
                              "www.example.com\tFALSE\t/\tFALSE\tsoon\ta\t1\n"
                              "www.example.com\tFALSE\tno\tFALSE\t0\tb\t1\n"
                              "www.example.com\tFALSE\t/\tFALSE\t0\tc\t1\x01\n"
                              "www.example.com\tFALSE\t/\tFALSE\t0\td\t1\t2\n"
                              "www.example.com\tFALSE\t/\tFALSE\t0\t__Host-e\t1\n"
                              "www.example.com\tFALSE\t/\tFALSE\t1\tf\t1\n"
                              ".com\tTRUE\t/\tFALSE\t0\tg\t1\n"
                              ".example.com\tTRUE\t/\tFALSE\t0\th\t1\r\n"
                              "www.example.com\tFALSE\t/\tFALSE\t99999999999\ti");
    assert_int_equal(jar_read(&jar, "cookies.txt", NOW, &found), 0);
    assert_int_equal(found.read, 4); /* one has expired, one is nobody's */
    assert_int_equal(found.broken, 6);
    assert_int_equal(found.line, 4);
    assert_header(&jar, HTTPS, NOW, "h=1; i=");
    jar_destroy(&jar);
}

static void a_file_that_fails_says_why(void **state)
{
    struct jar jar;
    struct ldl_cookies found;
    (void) state;
    jar_init(&jar);
    jar_put(&jar, &HTTPS, "a=1", NOW);
    assert_int_equal(jar_read(&jar, "none", NOW, &found), ENOENT);
    assert_int_equal(jar_read(&jar, ".", NOW, &found), EISDIR);
    assert_int_equal(jar_write(&jar, "none/cookies.txt", NOW), ENOENT);
    assert_int_equal(mkdir("cookies.txt", 0700), 0);
    assert_int_equal(jar_write(&jar, "cookies.txt", NOW), EEXIST);
    assert_int_equal(rmdir("cookies.txt"), 0);
    jar_destroy(&jar);
}

int main(void)
{
#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pair_is_read_as_it_stands),
        cmocka_unit_test(what_is_no_pair_is_refused),
        cmocka_unit_test(a_pair_may_have_4096_bytes),
        cmocka_unit_test(a_host_keeps_its_cookies_to_itself),
        cmocka_unit_test(a_domain_is_the_host_or_above_it),
        cmocka_unit_test(a_public_suffix_sets_cookies_for_itself_alone),
        cmocka_unit_test(an_address_has_no_domain),
        cmocka_unit_test(a_path_is_a_folder),
        cmocka_unit_test(without_a_path_it_is_the_folder_of_what_was_asked),
        cmocka_unit_test(secure_ones_are_of_https_alone),
        cmocka_unit_test(http_changes_no_cookie_of_https),
        cmocka_unit_test(prefixes_keep_their_promise),
        cmocka_unit_test(max_age_beats_expires),
        cmocka_unit_test(cookies_expire),
        cmocka_unit_test(a_newer_one_takes_the_place_of_the_older_one),
        cmocka_unit_test(the_longest_path_comes_first_then_the_oldest),
        cmocka_unit_test(a_domain_has_180_at_most),
        cmocka_unit_test(a_jar_has_3000_at_most),
        cmocka_unit_test(a_header_stays_within_what_servers_take),
        cmocka_unit_test(dates_come_in_any_order),
        cmocka_unit_test(what_lacks_a_part_is_no_date),
        WITH_FOLDER(a_jar_survives_in_a_file),
        WITH_FOLDER(lines_that_mean_nothing_are_passed_over),
        WITH_FOLDER(a_file_that_fails_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
