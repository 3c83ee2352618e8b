/* transfer.h: what the owner, the network threads and the disk thread share of one download.
 * SPDX-License-Identifier: MIT
 *
 * Its life: WAITING (for the first answer) -> PARKED (HEAD posted) -> RUNNING -> PUBLISHING -> FINISHED. References: the
 * session's table, its home's list, each stream, each posted message and event hold one; the last one frees.
 */
#ifndef LUADL_TRANSFER_H
#define LUADL_TRANSFER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "answer.h"
#include "chunk.h"
#include "file.h"
#include "hasher.h"
#include "hosts.h"
#include "limit.h"
#include "luadl.h"
#include "queue.h"
#include "record.h"
#include "request.h"
#include "url.h"
#include "window.h"

#define LOOPS_MAX 16
#define SMALL_MOST ((int64_t) 64 << 10) /* bytes; such a body is held until its file is open */
#define LAUNCH_AT_ONCE 16               /* connections; further ones as the earlier ones answer */

enum message_type {
    MESSAGE_STREAM = 1,
    MESSAGE_GO,
    MESSAGE_SCHEDULE,
    JOB_OPEN,
    JOB_RESET,
    JOB_RECORD,
    JOB_PUBLISH,
    JOB_DISCARD
};

/* How the server's answers are to show that what is held of an earlier run belongs to the same resource. */
enum proof {
    PROOF_NONE,      /* shown, or there is nothing to show */
    PROOF_VALIDATOR, /* by a strong validator: If-Range, and the answer's own */
    PROOF_OVERLAP    /* by bytes: what `checks` name is fetched again and compared (H25) */
};

#define CHECKS_MOST 32

struct jar;

/* An accepted head. Immutable; the last reference frees. */
struct head {
    atomic_int refs;
    char *url; /* effective, without credentials */
    int status;
    int redirects;    /* that led there */
    char address[46]; /* of who answered, or "" */
    size_t count;
    struct ldl_header headers[];
};

/* An event on its way to the owner. */
struct note {
    struct message message; /* subject: the transfer, one reference */
    struct ldl_event event;
    struct head *head; /* one reference, or NULL */
    bool single_use;   /* freed after it was read */
    int generation;    /* of the transfer, when it is a stream's fault */
};

struct transfer {
    /* immutable after transfer_new */
    ldl_id id;
    struct request request;
    double started;       /* monotonic seconds */
    char *began_in;       /* the current directory then, or NULL */
    double deadline;      /* monotonic seconds, or 0 */
    struct queue *events; /* to the owner */
    struct queue *home;   /* to the network thread that starts its streams */
    struct queue *disk;   /* to the disk thread */
    struct limit *session_limit;
    struct hosts *hosts; /* their limits */
    struct jar *jar;     /* the session's cookies, or NULL */
    atomic_int *streams; /* of the whole session */
    struct limit limit;  /* has its own lock */

    atomic_int refs;
    atomic_bool over;       /* finished or about to be: streams stop, nobody waits for them */
    atomic_bool done_taken; /* somebody posts DONE; exactly once */
    atomic_bool schedule_posted;
    atomic_int_least64_t received; /* bytes in the file */
    atomic_int delivering;         /* streams whose answer was accepted */

    pthread_mutex_t writing; /* a leaf, around pwrite: see write_span */

    pthread_mutex_t lock;
    /* locked */
    int state; /* enum ldl_state */
    struct plan plan;
    struct identity known;
    struct head *head;
    char *url;     /* effective, without credentials */
    char *user;    /* credentials that `url` itself brought, or NULL */
    char *link;    /* that took the request's URL's place, or NULL */
    bool stripped; /* it is of another origin: caller headers stay behind */
    bool bare;     /* it was downgraded to http: no credentials ever */
    bool redirected;
    bool plain_get;       /* a redirect made a GET of it */
    bool http1;           /* HTTP/2 has failed: not again */
    struct window window; /* of what is read in order */
    struct head *sent;    /* headers in the place of the request's, or NULL */
    char *pinned;         /* "+host:port:address" for the next streams, or NULL */
    bool ranges;          /* the server serves ranges, and they can be trusted */
    bool restarting;      /* streams stop; the first request is sent again when they are gone */
    int generation;       /* restarts so far; the owner alone changes it. Older faults are void */
    bool fresh;           /* the next stream opens a connection of its own */
    int connections;      /* how many streams there may be */
    double hold_until;    /* further ones not before; monotonic seconds */
    int active;           /* streams that exist */
    int held;             /* faults that wait for an answer; each holds a connection's place */
    int accepted;         /* streams accepted so far */
    int attempt;          /* failures of the stream from byte 0 since it made progress */
    int64_t furthest;     /* how far a stream from byte 0 came */
    int flips;            /* answers with another ETag but the same date and length */
    uint64_t flipped;     /* the sum of the last of these ETags; 0: it had none */
    bool etags_vary;      /* from answer to answer: they don't tell versions */
    bool length_verified;
    bool asked_plain; /* ranges confuse the server (416, 206 of something else): none from now on */
    uint32_t last_stream;
    bool disk_busy;            /* a job is with the disk thread */
    bool unanswered;           /* HEAD, VERIFY, or a FAULT of stage open or publish */
    bool committing;           /* the rename is under way: a cancel comes too late */
    bool verified;             /* nobody is to be asked about the complete file any more */
    bool keep_part;            /* complete, but not published */
    int streams_on[LOOPS_MAX]; /* by network thread */
    bool has_target;           /* dir, name and replace are set */
    bool presumed;             /* they count if the first answer names no file */
    bool replace;
    char *dir, *name; /* as given */
    char *folder;     /* dir, from where the transfer began: the program may go elsewhere (P11) */
    char *path;       /* what was published, or NULL; set once, before DONE */
    char *part_path;  /* of VERIFY */
    char *whole;      /* all of a small file, until it is open; or NULL */
    bool open_due;    /* it is opened when all of it has come, or nothing more comes */
    char *page;       /* the body of an answer in memory; its stream's until DONE */
    size_t page_size, page_used;
    const char *warning; /* static text, or NULL */
    int proof;           /* enum proof: one stream at a time until it is shown */
    struct span checks[CHECKS_MOST];
    int check_count;
    int64_t resumed;         /* bytes that an earlier run had brought */
    bool moved;              /* the part had the final name, and another program's content */
    bool adopted;            /* what is held is of another program: counted when it is shown */
    const char *control;     /* the suffix of that program's control file, or NULL */
    bool drop_part;          /* what an earlier run left is not wanted */
    bool recorded;           /* the journal may count bytes */
    bool resumable;          /* it failed, and the same request goes on where it stopped */
    double finished;         /* when, for elapsed */
    double over_since;       /* when `over` was set */
    struct ldl_error error;  /* why it ended, when state is FINISHED or over is set */
    struct ldl_error missed; /* an end that was told while committing */

    /* the disk thread's while a job runs; the descriptor and path are immutable from MESSAGE_GO on */
    struct file file;
    struct block_sums sums; /* set while no stream writes */

    /* the disk thread's */
    struct record record;
    int64_t checkpointed; /* `received` at the last checkpoint */
    struct transfer *next_recorded, **link_recorded;

    /* each in one queue at most */
    struct message go, schedule, job;
    struct note head_note, done_note, disk_note, data_note;

    /* the home thread's */
    struct transfer *next_home, **link_home;
    void *first; /* the stream that is parked at its head, or NULL */

    /* the owner's */
    struct transfer *next_in_table;
};

double monotonic(void); /* seconds */

/* target: NULL where it isn't known yet. */
int transfer_new(struct ldl_model *model, const char *url, const struct ldl_target *target,
                 struct transfer **out);
void transfer_ref(struct transfer *transfer);
void transfer_unref(struct transfer *transfer);

/* Any thread, no lock held: */
void transfer_schedule(
    struct transfer *transfer);              /* the home thread looks for work for new streams */
void transfer_go(struct transfer *transfer); /* the file is open: the parked stream may go on */
void transfer_fail(struct transfer *transfer,
                   const struct ldl_error *error); /* ends it; DONE follows */
void transfer_write_failed(struct transfer *transfer, int kind, int errnum);
void transfer_warn(struct transfer *transfer, const char *warning); /* a literal, for DONE */
/* Ends it when its deadline has passed. */
void transfer_check_deadline(struct transfer *transfer, double now);
void transfer_post(struct transfer *transfer, struct note *note, int type);
/* Posts DONE unless it was posted. */
void transfer_done(struct transfer *transfer);

/* Are this the length and the type that the caller counts on (H30)? Else `error` says what isn't. */
bool transfer_expects(const struct transfer *transfer, const struct identity *seen, const char *url,
                      struct ldl_error *error);

/* dir, name and how; 0 or a negative kind. Transfer lock held, or nobody else knows it yet. */
int transfer_set_target(struct transfer *transfer, const struct ldl_target *target);

/* What is fetched is a part of the resource; immutable. */
bool transfer_is_part(const struct transfer *transfer);
/* It has no file, but a reader; immutable. */
bool transfer_is_read(const struct transfer *transfer);

/* The file is open, but the stream that was parked for it is lost: the first request is sent again. */
void transfer_begin_anew(struct transfer *transfer);

/* Transfer lock held: */
int64_t transfer_length(const struct transfer *transfer);  /* of the file; -1: unknown */
bool transfer_may_stream(const struct transfer *transfer); /* is another stream allowed now? */
void transfer_job(struct transfer *transfer, int type);    /* to the disk thread */
/* The body that the file is to be opened with is there, or won't be. */
void transfer_open_due(struct transfer *transfer);
/* A stream or a job has ended: gives the next step its turn when it was the last one. */
void transfer_settle(struct transfer *transfer);
void transfer_set_head(struct transfer *transfer, struct head *head); /* takes the reference */
/* Into an event, as far as it has come. */
void transfer_tell_head(struct transfer *transfer, struct note *note);
/* Everything is written: publish. */
void transfer_check_complete(struct transfer *transfer);
/* Everything was read: the end. */
void transfer_check_read(struct transfer *transfer);
/* It is shown that what is held may be used. Others may join now: transfer_schedule. */
void transfer_proven(struct transfer *transfer);
/* All of it is missing again. 0 or a negative kind. */
int transfer_plan_anew(struct transfer *transfer);
/* The identity and all received bytes are dropped; begins anew when the streams are gone. */
void transfer_restart(struct transfer *transfer);

struct head *head_new(const char *url, int status, const struct ldl_header *headers, size_t count);
struct head *head_ref(struct head *head); /* NULL: NULL */
void head_unref(struct head *head);

/* Fills an error: kind, redacted url, and a message in printf style. */
void error_set(struct ldl_error *error, int kind, const char *url, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
