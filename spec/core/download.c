/* download.c: luadl from C: one URL into one file. usage: download URL DIR NAME [TIMEOUT]
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "luadl.h"

static void take_head(ldl_session *session, const struct ldl_event *event,
                      const struct ldl_target *target)
{
    if (ldl_start(session, event->id, target) != 0)
        ldl_cancel(session, event->id, NULL);
}

static int take_fault(ldl_session *session, const struct ldl_event *event)
{
    static const struct ldl_retry again = {0};
    fprintf(stderr, "%s: %s\n", ldl_kind_name(event->error.kind), event->error.message);
    if (event->stage != LDL_STAGE_REQUEST || event->attempt > 3)
        return ldl_cancel(session, event->id, &event->error);
    return ldl_retry(session, event->id, event->first, &again);
}

static int take_done(const struct ldl_event *event)
{
    if (event->error.kind != LDL_OK) {
        fprintf(stderr, "failed: %s\n", event->error.message);
        return 1;
    }
    printf("%s: %lld bytes\n", event->path, (long long) event->received);
    return 0;
}

/* Until DONE: 0 when the file is there. */
static int pump(ldl_session *session, const struct ldl_target *target)
{
    for (;;) {
        const struct ldl_event *event = ldl_next(session);
        if (!event)
            ldl_wait(session, -1);
        else if (event->type == LDL_EVENT_HEAD)
            take_head(session, event, target);
        else if (event->type == LDL_EVENT_FAULT)
            take_fault(session, event);
        else
            return take_done(event);
    }
}

int main(int count, char **arguments)
{
    ldl_session *session;
    ldl_id id;
    if (count < 4 || count > 5 || ldl_session_open(NULL, &session) != 0)
        return 2;
    double timeout = count == 5 ? strtod(arguments[4], NULL) : 0;
    struct ldl_request request = {
        .url = arguments[1],
        .first_byte_timeout = timeout,
        .stall_timeout = timeout,
    };
    struct ldl_target target = {.dir = arguments[2], .name = arguments[3]};
    int result = ldl_new(session, &request, &id);
    int status = result == 0 ? pump(session, &target) : 2;
    if (result != 0)
        fprintf(stderr, "%s\n", ldl_kind_text(-result));
    ldl_session_close(session);
    return status;
}
