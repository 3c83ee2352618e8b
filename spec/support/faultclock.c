/* faultclock.c: makes the wall clock jump while a program runs, preloaded (LD_PRELOAD).
 * SPDX-License-Identifier: MIT
 *
 * LUADL_CLOCK="seconds:after": `after` seconds (a fraction, too) from the start every clock that
 * people can set is `seconds` further, or back. The monotonic ones go on, as the kernel's do. With
 * ":boot" behind it the time since boot jumps, too: the machine slept.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#include "hook.h"

static long jump;
static double jump_at; /* monotonic seconds */
static bool slept;

static double monotonic(void);

__attribute__((constructor)) static void read_environment(void)
{
    const char *text = getenv("LUADL_CLOCK");
    double after;
    if (!text || sscanf(text, "%ld:%lf", &jump, &after) != 2) {
        fprintf(stderr, "faultclock: LUADL_CLOCK=seconds:after\n");
        abort();
    }
    jump_at = monotonic() + after;
    slept = strstr(text, ":boot") != NULL;
}

static time_t shift(void)
{
    return monotonic() >= jump_at ? jump : 0;
}

static bool is_wall_clock(clockid_t clock)
{
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI
           || (slept && clock == CLOCK_BOOTTIME);
}

/* Not the next library's: a sanitizer asks for the time while dlsym looks for it. */
static int kernel_time(clockid_t clock, struct timespec *now)
{
    return (int) syscall(SYS_clock_gettime, clock, now);
}

HOOK(int, clock_gettime, (clockid_t clock, struct timespec *now))
{
    int result = kernel_time(clock, now);
    if (result == 0 && is_wall_clock(clock))
        now->tv_sec += shift();
    return result;
}

/* libc's own would not go through the hook above. */
HOOK(int, gettimeofday, (struct timeval *restrict now, void *restrict zone))
{
    int result = NEXT(gettimeofday)(now, zone);
    if (result == 0)
        now->tv_sec += shift();
    return result;
}

HOOK(time_t, time, (time_t * out))
{
    time_t now = NEXT(time)(NULL) + shift();
    if (out)
        *out = now;
    return now;
}

static double monotonic(void)
{
    struct timespec now;
    kernel_time(CLOCK_MONOTONIC, &now);
    return (double) now.tv_sec + (double) now.tv_nsec * 1e-9;
}
