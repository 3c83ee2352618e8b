/* process_test.c: the engine and the process around it: fork, exit, threads that can't be had; rows
 * of the fault catalogue by their ids.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* In the test itself it comes before the C library, as it does when preloaded. */
#include "../support/faultfs.c"
#include "luadl.h"

enum { BOUND = 10 /* seconds for a child */, STATUS = 3 };

static int listener;
static char url[64];
static ldl_session *session, *other;

/* A server that never answers: the kernel accepts, nobody reads. */
static int begin(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    (void) state;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *) &address, sizeof address) != 0
        || listen(listener, 16) != 0
        || getsockname(listener, (struct sockaddr *) &address, &length) != 0)
        return -1;
    snprintf(url, sizeof url, "http://127.0.0.1:%d/silent", ntohs(address.sin_port));
    session = NULL;
    return 0;
}

static int finish(void **state)
{
    (void) state;
    faultfs_set(NULL);
    if (session)
        ldl_session_close(session);
    return close(listener);
}

static ldl_session *open_session(int loops)
{
    const struct ldl_session_options options = {.loops = loops};
    ldl_session *opened = NULL;
    return ldl_session_open(&options, &opened) == 0 ? opened : NULL;
}

static int start(ldl_session *where, ldl_id *id)
{
    const struct ldl_request request = {.url = url, .deadline = BOUND};
    return ldl_new(where, &request, id);
}

/* A session with a transfer that waits for the server, or NULL. */
static ldl_session *busy_session(void)
{
    ldl_id id;
    ldl_session *busy = open_session(2);
    return busy && start(busy, &id) == 0 && ldl_wait(busy, 0.1) == 0 ? busy : NULL;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double) now.tv_sec + (double) now.tv_nsec * 1e-9;
}

/* The exit status of a child that does this, or 128 and the signal that ended it. */
static int status_of(void (*work)(void))
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(BOUND);
        work();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int kind_of_end(ldl_session *where)
{
    double until = seconds() + BOUND;
    while (seconds() < until) {
        const struct ldl_event *event = ldl_next(where);
        if (event && event->type == LDL_EVENT_DONE)
            return event->error.kind;
        if (!event)
            ldl_wait(where, 1);
    }
    return -1;
}

/* P5, L46: a forked child */

static void use_what_the_parent_has(void)
{
    ldl_id id;
    struct ldl_stat stat;
    bool refused = start(session, &id) == -LDL_CLOSED && !ldl_next(session)
                   && ldl_wait(session, 0) == -LDL_CLOSED && ldl_cancel(session, 1, NULL) != 0
                   && ldl_stat(session, 1, &stat) != 0;
    ldl_session_close(session);
    exit(refused ? STATUS : 1);
}

static void p5_a_forked_child_cannot_use_the_engine(void **state)
{
    (void) state;
    session = busy_session();
    assert_non_null(session);
    assert_int_equal(status_of(use_what_the_parent_has), STATUS);
    assert_int_equal(ldl_cancel(session, 1, NULL), 0);
    assert_int_equal(kind_of_end(session), LDL_CANCELLED);
}

static void use_an_engine_of_its_own(void)
{
    other = busy_session();
    bool answered = other && ldl_cancel(other, 1, NULL) == 0;
    exit(answered && kind_of_end(other) == LDL_CANCELLED ? STATUS : 1);
}

static void p5_a_forked_child_may_open_an_engine_of_its_own(void **state)
{
    (void) state;
    session = open_session(1);
    assert_non_null(session);
    assert_int_equal(status_of(use_an_engine_of_its_own), STATUS);
}

/* P9, L47: the process ends */

static int count_threads(void)
{
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *entry; tasks && (entry = readdir(tasks)) != NULL;)
        count += entry->d_name[0] != '.';
    if (tasks)
        closedir(tasks);
    return count;
}

static int threads_before;

/* Registered before the engine's own handler, so it runs after that one. */
static void look_at_exit(void)
{
    _exit(count_threads() == threads_before ? STATUS : 1);
}

static void *do_nothing(void *subject)
{
    return subject;
}

/* With the first thread a sanitizer's runtime makes one of its own. */
static void watch_exit(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, do_nothing, NULL) == 0)
        pthread_join(thread, NULL);
    threads_before = count_threads();
    atexit(look_at_exit);
}

static void exit_with_two_sessions(void)
{
    watch_exit();
    session = busy_session();
    other = busy_session();
    exit(session && other ? 0 : 2);
}

static void *exit_here(void *subject)
{
    exit(subject ? 2 : 0);
}

static void exit_from_another_thread(void)
{
    pthread_t thread;
    watch_exit();
    threads_before++; /* the one that waits for the join */
    session = busy_session();
    if (!session || pthread_create(&thread, NULL, exit_here, NULL) != 0)
        _exit(2);
    pthread_join(thread, NULL);
}

static void close_late(void)
{
    ldl_session_close(session);
    _exit(STATUS);
}

static void exit_and_close_then(void)
{
    atexit(close_late);
    session = busy_session();
    exit(session ? 0 : 2);
}

static void exit_after_the_close(void)
{
    watch_exit();
    session = busy_session();
    if (!session)
        _exit(2);
    ldl_session_close(session);
    exit(0);
}

static void exit_with_a_thread_that_hangs(void)
{
    faultfs_set("getaddrinfo:SLOW30");
    const struct ldl_request request = {.url = "http://luadl.invalid/", .deadline = BOUND};
    ldl_id id;
    session = open_session(1);
    if (!session || ldl_new(session, &request, &id) != 0 || ldl_wait(session, 0.1) != 0)
        _exit(2);
    exit(STATUS);
}

static void p9_all_threads_are_gone_before_other_handlers_run(void **state)
{
    (void) state;
    assert_int_equal(status_of(exit_with_two_sessions), STATUS);
    assert_int_equal(status_of(exit_after_the_close), STATUS);
}

static void p9_any_thread_may_end_the_process(void **state)
{
    (void) state;
    assert_int_equal(status_of(exit_from_another_thread), STATUS);
}

static void p9_a_close_after_that_does_nothing(void **state)
{
    (void) state;
    assert_int_equal(status_of(exit_and_close_then), STATUS);
}

static void p9_the_end_is_in_time_though_a_name_is_looked_up(void **state)
{
    double began = seconds();
    (void) state;
    assert_int_equal(status_of(exit_with_a_thread_that_hangs), STATUS);
    assert_true(seconds() - began < 2.5);
}

/* P10: no threads to be had */

static void p10_fewer_threads_do_as_well(void **state)
{
    ldl_id id;
    (void) state;
    session = open_session(4);
    assert_non_null(session);
    faultfs_set("pthread_create:EAGAIN:2"); /* the disk's and one for the network */
    assert_int_equal(start(session, &id), 0);
    faultfs_set(NULL);
    assert_int_equal(ldl_cancel(session, id, NULL), 0);
    assert_int_equal(kind_of_end(session), LDL_CANCELLED);
}

static void p10_without_any_a_transfer_is_refused_and_a_later_one_is_not(void **state)
{
    static const char *const faults[] = {"pthread_create:EAGAIN", "pthread_create:EAGAIN:1"};
    ldl_id id;
    (void) state;
    session = open_session(2);
    assert_non_null(session);
    for (int i = 0; i < 2; i++) {
        faultfs_set(faults[i]);
        assert_int_equal(start(session, &id), -LDL_NO_MEMORY);
    }
    faultfs_set(NULL);
    assert_int_equal(start(session, &id), 0);
    assert_int_equal(ldl_cancel(session, id, NULL), 0);
    assert_int_equal(kind_of_end(session), LDL_CANCELLED);
}

/* P4: signals are the host's */

/* A line of a thread's status, as a number; 0 when it isn't there. */
static unsigned long long signals_of(const char *thread, const char *field)
{
    char path[300], line[128];
    unsigned long long set = 0;
    snprintf(path, sizeof path, "/proc/self/task/%s/status", thread);
    FILE *status = fopen(path, "r");
    while (status && fgets(line, sizeof line, status))
        if (strncmp(line, field, strlen(field)) == 0)
            set = strtoull(line + strlen(field) + 1, NULL, 16);
    if (status)
        fclose(status);
    return set;
}

static int count_deaf_threads(void)
{
    const unsigned long long usual = 1ULL << (SIGINT - 1) | 1ULL << (SIGTERM - 1)
                                     | 1ULL << (SIGPIPE - 1) | 1ULL << (SIGALRM - 1);
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *entry; tasks && (entry = readdir(tasks)) != NULL;)
        count += (signals_of(entry->d_name, "SigBlk:") & usual) == usual;
    if (tasks)
        closedir(tasks);
    return count;
}

static void p4_threads_take_no_signal_and_dispositions_stay(void **state)
{
    char self[16];
    (void) state;
    snprintf(self, sizeof self, "%d", (int) getpid());
    unsigned long long ignored = signals_of(self, "SigIgn:"), caught = signals_of(self, "SigCgt:");
    unsigned long long blocked = signals_of(self, "SigBlk:");
    int deaf = count_deaf_threads();
    session = busy_session();
    assert_non_null(session);
    assert_int_equal(count_deaf_threads() - deaf, 3); /* two for the network, one for the disk */
    assert_true(signals_of(self, "SigIgn:") == ignored);
    assert_true(signals_of(self, "SigCgt:") == caught);
    assert_true(signals_of(self, "SigBlk:") == blocked);
}

/* P6: no descriptors to be had */

static void p6_a_session_that_cannot_be_opened_leaves_nothing(void **state)
{
    struct rlimit usual, low;
    ldl_session *opened;
    int next = dup(0), failures = 0;
    (void) state;
    close(next);
    getrlimit(RLIMIT_NOFILE, &usual);
    low = usual;
    for (low.rlim_cur = (rlim_t) next; low.rlim_cur < (rlim_t) next + 64; low.rlim_cur++) {
        setrlimit(RLIMIT_NOFILE, &low);
        int result = ldl_session_open(NULL, &opened);
        setrlimit(RLIMIT_NOFILE, &usual);
        if (result == 0)
            break;
        failures++;
        assert_int_equal(result, -LDL_FD_LIMIT);
        int after = dup(0);
        close(after);
        assert_int_equal(after, next);
    }
    assert_in_range(failures, 3, 63);
    ldl_session_close(opened);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(p9_all_threads_are_gone_before_other_handlers_run),
        TEST(p9_any_thread_may_end_the_process),
        TEST(p9_a_close_after_that_does_nothing),
        TEST(p9_the_end_is_in_time_though_a_name_is_looked_up),
        TEST(p5_a_forked_child_cannot_use_the_engine),
        TEST(p5_a_forked_child_may_open_an_engine_of_its_own),
        TEST(p10_fewer_threads_do_as_well),
        TEST(p10_without_any_a_transfer_is_refused_and_a_later_one_is_not),
        TEST(p4_threads_take_no_signal_and_dispositions_stay),
        TEST(p6_a_session_that_cannot_be_opened_leaves_nothing),
    };
    return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
