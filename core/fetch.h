/* fetch.h: one range request: send, follow redirects, receive, hand on.
 * SPDX-License-Identifier: MIT
 *
 * A fetch belongs to its network thread, from the message that brings it until fetch_leave. Its claim on the transfer's
 * plan is made by whoever creates it.
 */
#ifndef LUADL_FETCH_H
#define LUADL_FETCH_H

#include "cookie.h"
#include "lines.h"
#include "transfer.h"

enum fetch_purpose {
    FETCH_FIRST, /* the first request: establishes what the resource is, then parks */
    FETCH_RANGE, /* a claimed range of it */
    FETCH_CHECK, /* bytes that are held already, to be compared (H25) */
    FETCH_WHOLE, /* all of it once more, in one stream without ranges */
    FETCH_PAGE   /* an answer in memory */
};

enum fetch_state {
    FETCH_HEAD,
    FETCH_PARKED,
    FETCH_BODY,
    FETCH_COMPARE,
    FETCH_COLLECT,
    FETCH_DRAIN
};

/* The rate limits of a stream. */
enum { LIMIT_FILE, LIMIT_HOST, LIMIT_SESSION, LIMITS };

enum fetch_next {
    FETCH_KEEP,   /* parked: MESSAGE_GO goes on with it */
    FETCH_RESEND, /* prepared anew: add it to the multi again */
    FETCH_ENDED   /* fetch_leave */
};

struct fetch {
    struct message message;     /* to its thread */
    struct transfer *transfer;  /* one reference */
    struct note *note;          /* of the FAULT to come, so that posting it can't fail */
    struct fetch *next, **link; /* its thread's list */
    int loop;                   /* index of its thread */
    int purpose;                /* enum fetch_purpose */
    int state;                  /* enum fetch_state */
    uint32_t stream;            /* its number in the plan */
    struct span ask;            /* what was claimed */
    bool ranged;                /* a Range header is sent */
    bool delivering;            /* its answer was accepted */
    bool cut;                   /* its part is done or was taken over */
    bool ended;                 /* the body ended while it was parked, with `code` */
    int code;                   /* CURLcode */

    struct {
        int fd; /* of a file: URL, or -1 */
        int64_t length, modified, at;
    } local;
    bool leaving; /* single_cut: libcurl is to wait for nothing more */

    void *easy;        /* CURL * */
    void *header_list; /* struct curl_slist * */
    void *resolve_list;
    void *connect_list;
    bool attached;  /* the easy handle is in its thread's multi */
    struct url url; /* where it asks now */
    bool stripped;  /* of another origin than the request: no caller headers */
    bool bare;      /* was downgraded to http: no credentials ever */
    bool redirected;
    char **visited; /* the URLs of this chain of redirects */
    int hops;
    int asked_otherwise; /* so many of them with another method, or with other cookies */
    char *location;      /* of the redirect to follow */
    bool plain_get;      /* a redirect made a GET of it */
    bool drop_range;     /* ask once more without Range */
    bool http1;          /* no HTTP/2, whatever was asked for */
    bool drop_http2;     /* ask once more so */
    bool conditional;    /* an If-Range header is sent */
    bool drop_condition; /* ask once more without it (H21) */
    struct lines lines;  /* the header of the last response */
    size_t header_bytes; /* of all responses to this request */
    int interim;         /* 1xx responses */

    struct answer answer;
    struct ldl_error error;        /* found by a callback; kind LDL_OK: none */
    int socket_errno;              /* of a failed socket() */
    int socket;                    /* that it waits for, or -1 */
    const struct sockets *sockets; /* of its loop */
    int64_t position;              /* offset of the next byte that arrives */
    int64_t from;                  /* the first one that is wanted */
    int64_t reach;    /* one past the last that the answer carries; INT64_MAX: unknown */
    int64_t end;      /* of its chunk, as last seen */
    int64_t received; /* bytes written by it */
    int64_t drained;
    char *held; /* the first bytes of a small body, which come while its file is being opened */
    size_t held_used;
    char *buffer; /* coalesces [position - used, position) */
    size_t size, used;
    size_t piece; /* writes end on its multiples */
    struct hasher hasher;

    double asked; /* when it was sent; monotonic seconds, as all below */
    double last_byte;
    double flushed;
    double resume_at;    /* a rate limit may let it go on then; 0: not held back */
    double window_start; /* of the lowest-rate watchdog */
    int64_t window_bytes;
    char detail[256]; /* CURLOPT_ERRORBUFFER */

    /* pass.c's */
    bool blocked;         /* it has come to the window's edge */
    double blocked_since; /* when */
    double waited;        /* seconds, in all */
    size_t taken;         /* of the bytes that it gets again; they were dealt with already */

    /* throttle.c's */
    struct host *host; /* whose limit counts, or NULL */
    struct claim claims[LIMITS];
    double asked_for; /* bytes: what each of them is for; 0: none waits */
    double credit;    /* bytes that are paid for */
};

/* What the caller asked for; immutable. */
static inline const struct ldl_request *fetch_options(const struct fetch *fetch)
{
    return &fetch->transfer->request.options;
}

/* The claim `ask` of `stream` is in the plan already; NULL: out of memory. Any thread. */
struct fetch *fetch_new(struct transfer *transfer, int purpose, uint32_t stream, struct span ask);

/* Configures its easy handle. 0 or a negative kind. */
int fetch_prepare(struct fetch *fetch);
/* The easy handle's transfer ended with this CURLcode. */
int fetch_done(struct fetch *fetch, int code);
/* MESSAGE_GO: the file is open. Lays out the plan and goes on. */
int fetch_go(struct fetch *fetch);
/* Unpauses after the rate limit held it back. */
void fetch_resume(struct fetch *fetch);
/* Gives everything back, posts its fault if it has one, and frees it. It isn't in a multi any more. Returns its handle,
 * or NULL: the caller's now. */
void *fetch_leave(struct fetch *fetch);

/* For its own rooms: send, accept, receive, watch. */
bool fetch_stopped(const struct fetch *fetch);    /* its part is done, it failed, or all is over */
bool fetch_connected(struct fetch *fetch);        /* the request could be sent */
bool fetch_is_unsent(struct fetch *fetch);        /* no server has seen any of its requests */
void fetch_nudge(struct fetch *fetch);            /* what libcurl itself wouldn't look at in time */
void fetch_deliver(struct fetch *fetch);          /* its answer was accepted; transfer lock held */
bool fetch_has_span(const struct fetch *fetch);   /* it asks for `ask`, and not from byte 0 on */
void fetch_refuse(struct fetch *fetch, int kind); /* its error, with the kind's own words */
int64_t fetch_enough(int64_t asked); /* so much must come for a try to count as progress */
/* Where it asks now; valid until it moves on. */
struct site fetch_site(const struct fetch *fetch);

#endif
