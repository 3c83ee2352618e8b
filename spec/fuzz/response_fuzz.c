/* response_fuzz.c: the engine against sequences of responses: an end in time, never a wrong file.
 * SPDX-License-Identifier: MIT
 *
 * An input is a byte of options, then the parts of origin.h. What fails is tried a second time in
 * the same folder, so that a resume is part of the game.
 */
#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "luadl.h"
#include "origin.h"

#define NAME "file"
#define SECONDS_MOST 10.0 /* for one download; the server is in this process */
#define FAULTS_MOST 4

enum {
    ONE_CONNECTION = 1,
    SINGLE = 2, /* how a fault is answered */
    RESTART = 4,
    FEWER = 8,
    KNOWN_TARGET = 16,
    EXPECT_SIZE = 32
};

struct outcome {
    bool published, verified;
    int64_t total, received;
};

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double) now.tv_sec + (double) now.tv_nsec * 1e-9;
}

/* The folder */

static const char *folder(void)
{
    static char path[64];
    if (!path[0]) {
        bool memory = access("/dev/shm", W_OK) == 0;
        snprintf(path, sizeof path, "%s/luadl-fuzz-XXXXXX", memory ? "/dev/shm" : "/tmp");
        char *made = mkdtemp(path);
        assert(made != NULL);
    }
    return path;
}

static void empty_folder(void)
{
    DIR *dir = opendir(folder());
    struct dirent *entry;
    assert(dir != NULL);
    while ((entry = readdir(dir)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
}

static void remove_folder(void)
{
    rmdir(folder());
}

/* One run */

static void answer_fault(ldl_session *session, const struct ldl_event *event, unsigned options,
                         int faults)
{
    const struct ldl_retry how = {
        .single = options & SINGLE, .restart = options & RESTART, .fewer = options & FEWER};
    int result = event->stage == LDL_STAGE_REQUEST && faults < FAULTS_MOST
                     ? ldl_retry(session, event->id, event->first, &how)
                     : ldl_cancel(session, event->id, &event->error);
    assert(result == 0 || result == -LDL_USAGE || result == -LDL_CLOSED);
}

static struct outcome take_done(const struct ldl_event *event)
{
    bool good = event->error.kind == LDL_OK;
    assert(good || event->error.message[0]);
    assert(good == (event->path != NULL));
    return (struct outcome){good, event->length_verified, event->total, event->received};
}

/* Until DONE, which comes in time. */
static struct outcome pump(ldl_session *session, const struct ldl_target *target, unsigned options)
{
    double end = seconds() + SECONDS_MOST;
    int faults = 0;
    for (;;) {
        const struct ldl_event *event = ldl_next(session);
        assert(seconds() < end);
        if (!event)
            ldl_wait(session, end - seconds());
        else if (event->type == LDL_EVENT_HEAD)
            ldl_start(session, event->id, target);
        else if (event->type == LDL_EVENT_FAULT)
            answer_fault(session, event, options, faults++);
        else
            return take_done(event);
    }
}

static struct outcome run(int port, unsigned options)
{
    char url[64];
    ldl_session *session;
    ldl_id id;
    const struct ldl_target target = {.dir = folder(), .name = NAME};
    snprintf(url, sizeof url, "http://127.0.0.1:%d/" NAME, port);
    const struct ldl_request request = {
        .url = url,
        .target = options & KNOWN_TARGET ? &target : NULL,
        .connections = options & ONE_CONNECTION ? 1 : 4,
        .expect_size = options & EXPECT_SIZE ? 100 : -1,
        .min_split = 16384,
        .max_size = ORIGIN_MOST - 1,
        .connect_timeout = 2,
        .first_byte_timeout = 3,
        .stall_timeout = 2,
    };
    int result = ldl_session_open(&(struct ldl_session_options){.loops = 1}, &session);
    assert(result == 0);
    result = ldl_new(session, &request, &id);
    assert(result == 0);
    struct outcome outcome = pump(session, &target, options);
    ldl_session_close(session);
    return outcome;
}

/* What it left */

static bool is_version(int file, int64_t size, uint32_t version)
{
    unsigned char bytes[16384];
    bool same = true;
    for (int64_t offset = 0; same && offset < size;) {
        ssize_t got = pread(file, bytes, sizeof bytes, offset);
        assert(got > 0);
        for (ssize_t i = 0; i < got; i++)
            same = same && bytes[i] == origin_byte(version, (size_t) (offset + i));
        offset += got;
    }
    return same;
}

/* Never bytes of two versions (H20, H21). */
static bool is_one_version(int file, int64_t size, const struct origin *origin)
{
    for (size_t i = 0; i < origin->count; i++)
        if (is_version(file, size, origin->parts[i].version))
            return true;
    return false;
}

/* The final name stands for a complete file, or isn't there (I1). */
static void check_file(const struct outcome *outcome, const struct origin *origin)
{
    char path[128];
    struct stat about;
    snprintf(path, sizeof path, "%s/" NAME, folder());
    int file = open(path, O_RDONLY | O_CLOEXEC);
    assert((file >= 0) == outcome->published);
    if (file < 0)
        return;
    int result = fstat(file, &about);
    assert(result == 0 && S_ISREG(about.st_mode) && about.st_size == outcome->received);
    assert(!outcome->verified || outcome->total < 0 || about.st_size == outcome->total);
    assert(!origin_is_true(origin) || is_one_version(file, about.st_size, origin));
    close(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    struct origin origin;
    if (size == 0)
        return 0;
    if (!ready)
        ready = atexit(remove_folder) == 0;
    origin_open(&origin, (struct input){(const char *) data + 1, size - 1});
    struct outcome outcome = run(origin.port, data[0]);
    check_file(&outcome, &origin);
    if (!outcome.published) {
        outcome = run(origin.port, data[0]);
        check_file(&outcome, &origin);
    }
    origin_close(&origin);
    empty_folder();
    return 0;
}
