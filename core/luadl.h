/* luadl.h: the engine's public interface. Downloads in ranges on network threads; no Lua, no libcurl, no threads to see.
 * SPDX-License-Identifier: MIT
 *
 * One thread, the owner, makes a session and calls everything here, except ldl_wakeup(), which any
 * thread and any signal handler may call. The engine never calls back: it queues events, the owner
 * pulls them with ldl_next() and answers by calling. A transfer that waits for an answer is parked;
 * it holds up nothing but itself.
 *
 *   new -> HEAD event -> ldl_start -> ... -> DONE event -> ldl_forget
 *                   FAULT events, answered by ldl_retry, ldl_start (stage open) or ldl_cancel
 *                   VERIFY event, where it was asked for, answered by ldl_accept or ldl_cancel
 *                   DATA events, where it is read in order (ahead), answered by ldl_peek and ldl_consume
 *
 * Offsets and lengths are bytes, times are seconds. Functions return 0 or a negative enum ldl_kind.
 */
#ifndef LUADL_H
#define LUADL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LDL_API __attribute__((visibility("default")))
#define LDL_VERSION "0.1.0"

enum ldl_kind {
    LDL_OK = 0,
    LDL_USAGE,
    LDL_BAD_URL,
    LDL_CLOSED,
    LDL_CANCELLED,
    LDL_DEADLINE,
    LDL_DNS,
    LDL_CONNECT,
    LDL_TLS,
    LDL_TLS_VERIFY,
    LDL_TIMEOUT,
    LDL_STALLED,
    LDL_HTTP_STATUS,
    LDL_NOT_FOUND,
    LDL_AUTH,
    LDL_RATE_LIMITED,
    LDL_REDIRECT_LIMIT,
    LDL_REDIRECT_FORBIDDEN,
    LDL_RANGE_IGNORED,
    LDL_RANGE_MISMATCH,
    LDL_REMOTE_CHANGED,
    LDL_SHORT_BODY,
    LDL_OVERLONG_BODY,
    LDL_PROTOCOL,
    LDL_ENCODING,
    LDL_TOO_LARGE,
    LDL_CHECKSUM,
    LDL_NO_SPACE,
    LDL_QUOTA,
    LDL_IO,
    LDL_READ_ONLY,
    LDL_PERMISSION,
    LDL_BAD_NAME,
    LDL_EXISTS,
    LDL_LOCKED,
    LDL_NOT_REGULAR,
    LDL_LOCAL_CHANGED,
    LDL_JOURNAL_CORRUPT,
    LDL_FD_LIMIT,
    LDL_NO_MEMORY,
    LDL_CALLBACK,
    LDL_SCRIPT_BUDGET,
    LDL_KINDS
};

typedef struct ldl_session ldl_session;
typedef struct ldl_model ldl_model; /* a request that is made often, with other URLs */
typedef int64_t ldl_id; /* a transfer; never reused, so a stale one is an error and not a crash */

struct ldl_header {
    const char *name;
    const char *value;
};

struct ldl_error {
    int kind;           /* enum ldl_kind; LDL_OK: no error */
    int status;         /* of the HTTP response, or 0 */
    int errnum;         /* errno, or 0 */
    int curl_code;      /* CURLcode, or 0 */
    double retry_after; /* seconds the server asks for, or -1 */
    double retry_at;    /* the same as seconds since the epoch, or -1 */
    bool unsent;        /* of an answer in memory: no server has seen the request */
    char url[512];      /* where it happened, without credentials; cut to fit */
    char message[256];  /* one line for people */
};

struct ldl_session_options {
    int loops;    /* network threads; 0: min(4, cores) */
    bool cookies; /* its transfers share what servers set, in memory */
};

/* Of the cookies in a file. */
struct ldl_cookies {
    int read;   /* how many */
    int broken; /* lines that are none */
    int line;   /* the first of them, from 1 */
};

enum ldl_exists { LDL_EXISTS_FAIL, LDL_EXISTS_REPLACE };

/* Where the bytes go: dir/name. name is one path component. */
struct ldl_target {
    const char *dir; /* NULL: the current directory */
    const char *name;
    int exists;    /* enum ldl_exists */
    bool restart;  /* what an earlier run left there is dropped */
    bool presumed; /* HEAD comes, and asks, where the first answer has a Content-Disposition */
};

enum ldl_check { LDL_CHECK_USUAL, LDL_CHECK_STRICT, LDL_CHECK_ALL };

struct ldl_extent {
    int64_t start, end; /* end is one past the last byte */
};

enum ldl_auth { LDL_AUTH_BASIC, LDL_AUTH_DIGEST };

enum ldl_http { LDL_HTTP_1, LDL_HTTP_2 };

/* Goes to `host` and to no other, whichever URL or redirect leads there; "*.example.org": to those below it. */
struct ldl_host_header {
    const char *host, *name, *value;
};

/* "name:password" for a host; of "": for the URL's own origin, where no other one is. */
struct ldl_login {
    const char *host, *user;
};

/* 0 and NULL mean the default. Everything is copied. */
struct ldl_request {
    const char *url;
    const struct ldl_header *headers;
    size_t header_count;
    const char *method; /* NULL: GET, or POST with a body; others than GET are one stream */
    const void *body;   /* of the request; may be NULL */
    size_t body_length;
    struct ldl_extent range; /* of the resource; the file has no more than that. end 0: all */
    int64_t ahead;  /* bytes: it is read in order, and so many are kept for the reader. 0: a file */
    bool in_memory; /* any answer is taken as it is, and comes with DONE; no HEAD, no FAULT */
    const char *user_agent;
    const char *user;   /* "name:password" at the URL's origin */
    int auth;           /* enum ldl_auth: how `user` and `logins` are sent */
    const char *bearer; /* token at the URL's origin */
    const struct ldl_login *logins;
    size_t login_count;
    const struct ldl_host_header *host_headers;
    size_t host_header_count;
    const char *proxy;
    const char *no_proxy;         /* hosts that are asked directly: "a.org,b.org", "*" */
    int proxy_auth;               /* enum ldl_auth */
    const char *const *addresses; /* "host:port:address": in the place of what DNS says */
    size_t address_count;
    const char *doh;          /* https URL that answers instead of DNS */
    const char *interface;    /* its name, or the address to come from */
    int ip;                   /* 4 or 6: no other; 0: both */
    int http;                 /* enum ldl_http: HTTP/2 is for small files over TLS */
    const char *cacert;       /* PEM file with the CAs to trust */
    const char *capath;       /* folder with the CAs to trust, by hash */
    const char *cert;         /* client certificate at the URL's origin: PEM or PKCS#12 */
    const char *key;          /* its key, where the certificate's file has none; SSH's */
    const char *known_hosts;  /* file with the keys of SSH hosts; NULL: ~/.ssh/known_hosts */
    const char *key_password; /* of the key */
    const char *pinned_key;   /* "sha256//BASE64;..." or a file: a server has this key */
    int tls_min;              /* 13: TLS 1.3; 0: 1.2 */
    const char *const *trusted_hosts; /* hosts that keep caller headers across a redirect */
    size_t trusted_host_count;
    bool insecure;                   /* no TLS verification */
    bool allow_downgrade;            /* follow https -> http, without any credentials */
    bool verify;                     /* VERIFY asks before the complete file gets its name */
    bool trace;                      /* TRACE events say each step */
    bool no_resume;                  /* neither goes on with a left-over part nor leaves one */
    bool restart;                    /* drops what an earlier run left */
    bool adopt;                      /* goes on with what another program left, once compared */
    bool renewed;                    /* what is left may be of another URL: the identity decides */
    int resume_check;                /* enum ldl_check: STRICT needs a strong validator, ALL hashes
                                        every block that is held */
    bool head_only;                  /* DONE after the head; nothing is saved (info) */
    const struct ldl_target *target; /* known already: no HEAD event, no answer; or NULL */
    int connections;                 /* 1..256; 0: 8 */
    int max_redirects;               /* -1: none are followed; 0: 10 */
    int64_t min_split;               /* bytes; 0: 1 MiB */
    int64_t max_size;                /* bytes; 0: no limit */
    double limit_rate;               /* bytes per second; 0: no limit; see ldl_limit */
    const char *if_none_match;       /* ETag of the caller's copy: 304 is the answer if it holds */
    int64_t if_modified_since;       /* the same by its date; seconds since the epoch, 0: none */
    int64_t expect_size;             /* bytes; -1 or 0: none */
    const char *expect_type;         /* media type, or NULL */
    double connect_timeout;          /* seconds; 0: 10 */
    double first_byte_timeout;       /* 0: 30 */
    double stall_timeout;            /* 0: 20 */
    double deadline;                 /* from now; 0: none */
};

/* An answer to FAULT. All zero: the same again. */
struct ldl_retry {
    const char *url;                  /* ask this URL from now on */
    const struct ldl_header *headers; /* in the place of the request's from now on, or NULL */
    size_t header_count;
    const char *user; /* log in so from now on, at the URL's own origin; or NULL */
    bool fresh;       /* on a new connection */
    bool fewer;       /* halve the number of connections, at least 1 */
    bool single;      /* one stream from now on */
    bool restart;     /* drop what was received and begin anew */
};

enum ldl_event_type {
    LDL_EVENT_HEAD = 1,
    LDL_EVENT_FAULT,
    LDL_EVENT_DONE,
    LDL_EVENT_TRACE,
    LDL_EVENT_VERIFY,
    LDL_EVENT_DATA /* ldl_peek had nothing, and has now */
};

enum ldl_step {
    LDL_STEP_DNS = 1,
    LDL_STEP_CONNECT,
    LDL_STEP_TLS,
    LDL_STEP_REQUEST,
    LDL_STEP_FIRST_BYTE,
    LDL_STEP_REDIRECT,
    LDL_STEP_SPLIT,   /* a stream asks for what nobody has */
    LDL_STEP_STEAL,   /* a stream asks for what another one is slow to bring */
    LDL_STEP_DEGRADE, /* no ranges from now on */
    LDL_STEP_RESUME,  /* what an earlier run brought is gone on with, once it is shown to belong */
    LDL_STEPS
};

enum ldl_stage { LDL_STAGE_REQUEST, LDL_STAGE_OPEN, LDL_STAGE_PUBLISH };

/* Valid until the next ldl_next(). */
struct ldl_event {
    int type;
    ldl_id id;
    /* HEAD, DONE; FAULT of a file, as far as it has come */
    const char *url; /* effective, without credentials */
    int status;
    int redirects;       /* that led to it */
    const char *address; /* of who answered, or "" */
    const struct ldl_header *headers;
    size_t header_count;
    int64_t total; /* -1: unknown */
    bool ranges;
    bool length_verified;         /* DONE: the length was known and is right */
    const char *content_encoding; /* DONE: coding of the saved bytes, or NULL */
    const char *warning;          /* DONE: something worth telling, or NULL */
    const char *path;             /* DONE: what was published, or NULL; VERIFY: of the part */
    const void *body;             /* DONE: of an answer in memory, or NULL */
    size_t body_length;
    double elapsed;
    int64_t received; /* DONE: of the file; FAULT: by the failed attempt */
    int64_t resumed;  /* DONE: bytes of it that an earlier run had brought */
    bool resumable;   /* DONE: it failed, and the same request goes on where it stopped */
    /* FAULT, DONE; of an answer in memory with LDL_OK, too: its retry_after */
    struct ldl_error error;
    int stage;           /* FAULT: enum ldl_stage */
    int64_t first, last; /* FAULT: the range asked for, inclusive; last -1: open */
    int attempt;         /* FAULT: failures of this range since it last made progress */
    bool progress;       /* FAULT: the attempt brought enough to go on at once */
    bool extra;          /* FAULT: of an additional connection */
    bool redirected;     /* FAULT: the URL that failed was reached by a redirect */
    /* TRACE: error.url says where, error.message what; first and last the range; elapsed: how long */
    int step;    /* enum ldl_step */
    int stream;  /* FAULT, TRACE: which one, from 1; 0: the whole */
    double time; /* monotonic seconds */
    int active;  /* FAULT: other streams that are delivering */
};

/* What a stream is at: it has written its part up to `position`, and has it to `end`. */
struct ldl_stream {
    int number;            /* as in FAULT and TRACE */
    int64_t position, end; /* end is one past the last; -1: unknown */
};

enum ldl_state { LDL_WAITING = 1, LDL_PARKED, LDL_RUNNING, LDL_PUBLISHING, LDL_FINISHED };

struct ldl_stat {
    int state;        /* enum ldl_state */
    int64_t total;    /* -1: unknown */
    int64_t received; /* bytes written to the file */
    int64_t resumed;  /* by an earlier run; received counts them */
    int connections;  /* streams that are delivering */
    double elapsed;
};

LDL_API const char *ldl_kind_name(int kind); /* "no_space"; any thread */
LDL_API const char *ldl_kind_text(int kind); /* "no space left on the device"; any thread */

/* Why the libcurl found can't be used (its version, its features), or NULL; any thread. */
LDL_API const char *ldl_unusable(void);

/* Can the libcurl found do HTTP/2? Any thread. */
LDL_API bool ldl_can_http2(void);

LDL_API int ldl_session_open(const struct ldl_session_options *options, ldl_session **out);
LDL_API void ldl_session_close(ldl_session *session); /* cancels all, joins for 2 s at most */

/* From and to a cookies.txt; 0, or a negative kind and errno as it was. The file that is written is its owner's alone,
 * and takes the place of the old one at once or not at all. The disk is waited for. */
LDL_API int ldl_cookies_load(ldl_session *session, const char *file, struct ldl_cookies *out);
LDL_API int ldl_cookies_save(ldl_session *session, const char *file);

LDL_API int ldl_new(ldl_session *session, const struct ldl_request *request, ldl_id *out);
/* The same in two steps: checked and copied once; the request's own URL and target count for nothing. */
LDL_API int ldl_model_new(const struct ldl_request *request, ldl_model **out);
LDL_API void ldl_model_free(ldl_model *model); /* transfers made of it go on */
LDL_API int ldl_new_like(ldl_session *session, ldl_model *model, const char *url,
                         const struct ldl_target *target, ldl_id *out);
/* target: NULL where it is read in order. */
LDL_API int ldl_start(ldl_session *session, ldl_id id, const struct ldl_target *target);
/* The next bytes of what is read in order, as many as lie together, until they are consumed; 0: none now, DATA follows,
 * or DONE: after the last byte was consumed, or a failure. */
LDL_API size_t ldl_peek(ldl_session *session, ldl_id id, const void **bytes);
LDL_API int ldl_consume(ldl_session *session, ldl_id id, size_t count);
LDL_API int ldl_retry(ldl_session *session, ldl_id id, int64_t first, const struct ldl_retry *how);
LDL_API int ldl_accept(ldl_session *session, ldl_id id); /* answers VERIFY: publish it */
/* Requests ask this URL from now on; what runs goes on. The identity decides as ever. */
LDL_API int ldl_renew(ldl_session *session, ldl_id id, const char *url);
LDL_API int ldl_cancel(ldl_session *session, ldl_id id, const struct ldl_error *reason);
LDL_API int ldl_connections(ldl_session *session, ldl_id id, int connections);
/* Opens no further connections for so many seconds; what runs goes on, and a retry or a new URL ends it. */
LDL_API int ldl_hold(ldl_session *session, ldl_id id, double seconds);
/* Bytes per second of a transfer, or (id 0) of all together; 0: no limit. */
LDL_API int ldl_limit(ldl_session *session, ldl_id id, double rate);
/* Of all that comes from a host, or (NULL) from each host that has no rate of its own. */
LDL_API int ldl_limit_host(ldl_session *session, const char *host, double rate);
LDL_API int ldl_stat(ldl_session *session, ldl_id id, struct ldl_stat *out);
/* The written extents, at most size of them; returns their number or a negative kind. */
LDL_API int ldl_extents(ldl_session *session, ldl_id id, struct ldl_extent *out, int size);
/* The streams that are delivering, at most size of them; returns their number or a negative kind. */
LDL_API int ldl_streams(ldl_session *session, ldl_id id, struct ldl_stream *out, int size);
LDL_API int ldl_forget(ldl_session *session, ldl_id id); /* after DONE */

/* What the journal beside a part says; strings are cut to fit. */
struct ldl_record {
    char url[4096];        /* without credentials */
    char name[256];        /* the final name */
    char etag[260];        /* as a header has it, or "" */
    int64_t last_modified; /* seconds since the epoch, or -1 */
    int64_t total;         /* -1: unknown */
    int64_t received;
    bool committed; /* complete: only its rename is missing */
};

/* part: the path of NAME.part, or of NAME.part.lj. Any thread; reads the disk. */
LDL_API int ldl_read_record(const char *part, struct ldl_record *out);

LDL_API const struct ldl_event *ldl_next(ldl_session *session);
LDL_API int ldl_pollfd(const ldl_session *session);         /* readable when an event waits */
LDL_API int ldl_wait(ldl_session *session, double timeout); /* 1: event, 0: timeout or signal */
LDL_API void ldl_wakeup(ldl_session *session);              /* any thread, any signal handler */

#endif
