/* session.c: sessions, transfers and events: all that the owner thread does.
 * SPDX-License-Identifier: MIT
 *
 * Threads start with the first transfer. What the owner thread calls never touches the disk or the network.
 */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "code.h"
#include "disk.h"
#include "exit.h"
#include "fork.h"
#include "jar.h"
#include "loop.h"
#include "reading.h"
#include "transfer.h"

#define LOOPS_DEFAULT 4
#define JOIN_WITHIN 2.0   /* seconds that close waits for the threads */
#define ANSWER_WITHIN 0.1 /* seconds until a cancelled transfer is reported, whatever hangs (I6) */
#define WAIT_MOST 3600.0  /* seconds of one poll(), whose time is an int of milliseconds */
#define BUCKETS 256

struct ldl_session {
    struct runner runner; /* the first member: a pointer to it is one to the session */
    int forks;            /* before it; a forked child must not use it */
    pthread_t owner;
    struct queue events;
    struct limit limit;
    struct hosts hosts;
    struct jar jar;
    bool cookies;       /* the jar is in use */
    atomic_int streams; /* of all transfers */
    struct latch threads;
    struct loops loops;
    struct disk disk;
    bool started;
    int next_home;
    ldl_id last_id;
    struct transfer *table[BUCKETS];
    struct note current; /* what the last ldl_next returned; without a subject: nothing */
    int count;           /* transfers in the table */
    double checked;      /* when the overdue ones were last looked for */
};

/* Open and close */

static int count_loops(const struct ldl_session_options *options)
{
    int wanted = options ? options->loops : 0;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (wanted <= 0)
        wanted = cores < LOOPS_DEFAULT ? (int) cores : LOOPS_DEFAULT;
    return wanted < 1 ? 1 : wanted > LOOPS_MAX ? LOOPS_MAX : wanted;
}

/* Their number is that of the open ones, also after a failure. */
static int open_loops(struct loops *loops, int wanted)
{
    loops->list = calloc((size_t) wanted, sizeof *loops->list);
    int result = loops->list ? 0 : -LDL_NO_MEMORY;
    while (result == 0 && loops->count < wanted) {
        struct loop *loop = &loops->list[loops->count];
        loop->index = loops->count;
        loop->all = loops;
        result = loop_open(loop);
        loops->count += result == 0;
    }
    return result;
}

static void free_session(struct ldl_session *session)
{
    for (int i = 0; i < session->loops.count; i++)
        loop_close(&session->loops.list[i]);
    free(session->loops.list);
    queue_destroy(&session->disk.jobs);
    queue_destroy(&session->events);
    limit_destroy(&session->limit);
    hosts_destroy(&session->hosts);
    jar_destroy(&session->jar);
    latch_destroy(&session->threads);
    free(session);
}

static void stop_at_exit(struct runner *runner);

const char *ldl_unusable(void)
{
    return loop_check_library();
}

bool ldl_can_http2(void)
{
    return loop_can_multiplex();
}

int ldl_session_open(const struct ldl_session_options *options, ldl_session **out)
{
    if (ldl_unusable())
        return -LDL_USAGE;
    struct ldl_session *session = calloc(1, sizeof *session);
    if (!session)
        return -LDL_NO_MEMORY;
    session->forks = fork_count();
    session->owner = pthread_self();
    session->runner.stop = stop_at_exit;
    session->events.wake_fd = session->disk.jobs.wake_fd = -1;
    limit_init(&session->limit);
    hosts_init(&session->hosts);
    jar_init(&session->jar);
    session->cookies = options && options->cookies;
    latch_init(&session->threads);
    session->disk.threads = session->loops.threads = &session->threads;
    int result = queue_init(&session->events);
    if (result == 0)
        result = queue_init(&session->disk.jobs);
    if (result == 0)
        result = open_loops(&session->loops, count_loops(options));
    if (result != 0) {
        free_session(session);
        return result;
    }
    exit_watch(&session->runner);
    *out = session;
    return 0;
}

static int start_loops(struct ldl_session *session)
{
    struct loops *loops = &session->loops;
    int running = 0;
    while (running < loops->count && loop_start(&loops->list[running]) == 0)
        running++;
    for (int i = running; running > 0 && i < loops->count; i++)
        loop_close(&loops->list[i]);
    if (running > 0)
        loops->count = running; /* fewer do as well (P10) */
    return running > 0 ? 0 : -LDL_NO_MEMORY;
}

/* Signals belong to the host program's threads: ours start with all of them blocked. */
static int start_threads(struct ldl_session *session)
{
    sigset_t all, before;
    if (session->started)
        return 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int result = session->disk.running ? 0 : disk_start(&session->disk);
    if (result == 0)
        result = start_loops(session);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    session->started = result == 0;
    return result;
}

static void join(pthread_t thread, bool *running)
{
    if (*running)
        pthread_join(thread, NULL);
    *running = false;
}

/* A loop may have been sent something by another thread after its own had ended. */
static void drain_loops(struct ldl_session *session)
{
    for (int i = 0; i < session->loops.count; i++)
        loop_drain(&session->loops.list[i]);
}

/* Draining a stream posts to the loop of its transfer: hence twice. */
static void end_loops(struct ldl_session *session)
{
    for (int i = 0; i < session->loops.count; i++)
        join(session->loops.list[i].thread, &session->loops.list[i].running);
    drain_loops(session);
    drain_loops(session);
}

/* The loops first: their streams hand the last jobs to the disk thread. */
static bool stop_threads(struct ldl_session *session)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t) JOIN_WITHIN;
    for (int i = 0; i < session->loops.count; i++)
        loop_stop(&session->loops.list[i]);
    bool joined = latch_wait(&session->threads, 1, &until);
    if (joined)
        end_loops(session);
    disk_stop(&session->disk);
    bool ended = joined && latch_wait(&session->threads, 0, &until);
    if (ended)
        join(session->disk.thread, &session->disk.running);
    return ended;
}

static void release(struct note *note)
{
    head_unref(note->head);
    note->head = NULL;
    transfer_unref(note->message.subject);
}

static void drop_note(struct note *note)
{
    bool single_use = note->single_use;
    release(note); /* may free the transfer that a note for several uses is part of */
    if (single_use)
        free(note);
}

static void drop_current(struct ldl_session *session)
{
    if (session->current.message.subject)
        release(&session->current);
    session->current.message.subject = NULL;
}

static void drop_events(struct ldl_session *session)
{
    struct message *message;
    drop_current(session);
    while ((message = queue_pop(&session->events)))
        drop_note((struct note *) message);
}

static void cancel(struct transfer *transfer, int kind)
{
    struct ldl_error error;
    error_set(&error, kind, transfer->request.url.text, "%s", ldl_kind_text(kind));
    transfer_fail(transfer, &error);
}

static void drop_table(struct ldl_session *session)
{
    for (int i = 0; i < BUCKETS; i++)
        while (session->table[i]) {
            struct transfer *transfer = session->table[i];
            session->table[i] = transfer->next_in_table;
            transfer_unref(transfer);
        }
}

static void cancel_all(struct ldl_session *session)
{
    for (int i = 0; i < BUCKETS; i++)
        for (struct transfer *t = session->table[i]; t; t = t->next_in_table)
            cancel(t, LDL_CLOSED);
}

/* The threads are the parent's, and so is what they use. */
static bool is_inherited(const struct ldl_session *session)
{
    return session->forks != fork_count();
}

/* The process ends without a close (P9). Its memory goes with it. */
static void stop_at_exit(struct runner *runner)
{
    struct ldl_session *session = (struct ldl_session *) runner;
    if (is_inherited(session))
        return;
    if (pthread_equal(session->owner, pthread_self())) /* the table is the owner's */
        cancel_all(session);
    (void) stop_threads(session);
}

void ldl_session_close(ldl_session *session)
{
    if (is_inherited(session) || !exit_forget(&session->runner))
        return; /* or they were stopped because the process ends */
    queue_release();
    cancel_all(session);
    if (!stop_threads(session))
        return; /* a thread hangs in a system call: it keeps the memory that it uses */
    drain_loops(session);
    drop_events(session);
    drop_table(session);
    free_session(session);
}

/* Cookies */

int ldl_cookies_load(ldl_session *session, const char *file, struct ldl_cookies *out)
{
    errno = jar_read(&session->jar, file, time(NULL), out);
    return errno == 0 ? 0 : -code_of_errno(errno);
}

int ldl_cookies_save(ldl_session *session, const char *file)
{
    errno = jar_write(&session->jar, file, time(NULL));
    return errno == 0 ? 0 : -code_of_errno(errno);
}

/* Transfers */

static int check_session(const struct ldl_session *session)
{
    return is_inherited(session) ? -LDL_CLOSED : 0;
}

static struct transfer *find(struct ldl_session *session, ldl_id id)
{
    if (check_session(session) != 0)
        return NULL;
    struct transfer *transfer = session->table[(uint64_t) id % BUCKETS];
    while (transfer && transfer->id != id)
        transfer = transfer->next_in_table;
    return transfer;
}

static void enter(struct ldl_session *session, struct transfer *transfer)
{
    struct loop *home = &session->loops.list[session->next_home++ % session->loops.count];
    struct transfer **bucket = &session->table[(uint64_t) ++session->last_id % BUCKETS];
    transfer->id = session->last_id;
    transfer->events = &session->events;
    transfer->home = &home->inbox;
    transfer->disk = &session->disk.jobs;
    transfer->session_limit = &session->limit;
    transfer->hosts = &session->hosts;
    transfer->jar = session->cookies ? &session->jar : NULL;
    transfer->streams = &session->streams;
    transfer->next_in_table = *bucket;
    *bucket = transfer;
    session->count++;
}

/* With the file that is known already, or with the first request. */
static void begin(struct transfer *transfer)
{
    pthread_mutex_lock(&transfer->lock);
    bool open_first = transfer->has_target && !transfer->presumed
                      && !transfer->request.options.head_only;
    if (open_first)
        transfer_job(transfer, JOB_OPEN);
    pthread_mutex_unlock(&transfer->lock);
    if (!open_first)
        transfer_schedule(transfer);
}

int ldl_model_new(const struct ldl_request *request, ldl_model **out)
{
    int result = request_check(request);
    return result == 0 ? model_new(request, out) : result;
}

void ldl_model_free(ldl_model *model)
{
    model_unref(model);
}

static bool is_name(const struct ldl_target *target)
{
    return target->name && target->name[0];
}

/* What is read in order has none. */
static bool may_have(const struct ldl_model *model, const struct ldl_target *target)
{
    return !target || (is_name(target) && model->options.ahead == 0);
}

int ldl_new_like(ldl_session *session, ldl_model *model, const char *url,
                 const struct ldl_target *target, ldl_id *out)
{
    struct transfer *transfer;
    int result = check_session(session);
    if (result == 0 && !may_have(model, target))
        result = -LDL_USAGE;
    if (result == 0)
        result = start_threads(session);
    if (result == 0)
        result = transfer_new(model, url, target, &transfer);
    if (result != 0)
        return result;
    enter(session, transfer);
    *out = transfer->id;
    begin(transfer);
    return 0;
}

int ldl_new(ldl_session *session, const struct ldl_request *request, ldl_id *out)
{
    ldl_model *model;
    int result = request->url ? ldl_model_new(request, &model) : -LDL_USAGE;
    if (result != 0)
        return result;
    result = ldl_new_like(session, model, request->url, request->target, out);
    ldl_model_free(model);
    return result;
}

static int replace_text(char **text, const char *with)
{
    char *copy = with ? strdup(with) : NULL;
    if (with && !copy)
        return -LDL_NO_MEMORY;
    free(*text);
    *text = copy;
    return 0;
}

/* The file is there, complete, and only its name was taken: it gets another one. */
static int rename_target(struct transfer *transfer, const char *name)
{
    int result = transfer->file.fd >= 0 ? file_set_name(&transfer->file, name) : 0;
    transfer->keep_part = false;
    return result;
}

static int set_target(struct transfer *transfer, const struct ldl_target *target)
{
    int result = transfer_set_target(transfer, target);
    if (result == 0)
        result = rename_target(transfer, target->name);
    if (result != 0)
        return result;
    transfer->unanswered = false;
    transfer_job(transfer, transfer->state == LDL_PUBLISHING ? JOB_PUBLISH : JOB_OPEN);
    return 0;
}

int ldl_start(ldl_session *session, ldl_id id, const struct ldl_target *target)
{
    struct transfer *transfer = find(session, id);
    if (!transfer || transfer_is_read(transfer) != !target)
        return -LDL_USAGE;
    if (!target)
        return reading_start(transfer);
    if (!is_name(target))
        return -LDL_USAGE;
    pthread_mutex_lock(&transfer->lock);
    int result = 0;
    if (!transfer->unanswered)
        result = -LDL_USAGE;
    else if (!atomic_load(&transfer->over)) /* else DONE is on its way, and the file the disk's */
        result = set_target(transfer, target);
    pthread_mutex_unlock(&transfer->lock);
    return result;
}

size_t ldl_peek(ldl_session *session, ldl_id id, const void **bytes)
{
    struct transfer *transfer = find(session, id);
    *bytes = NULL;
    return transfer && transfer_is_read(transfer) ? reading_peek(transfer, bytes) : 0;
}

int ldl_consume(ldl_session *session, ldl_id id, size_t count)
{
    struct transfer *transfer = find(session, id);
    bool read = transfer && transfer_is_read(transfer);
    return read ? reading_consume(transfer, count) : -LDL_USAGE;
}

/* May it be asked in the place of the request's own? What is sent goes where a redirect may take it, too. */
static int judge_url(const struct transfer *transfer, const struct url *url)
{
    const struct request *request = &transfer->request;
    if (!url_may_follow(&request->url, url))
        return -LDL_BAD_URL;
    bool meant = url_same_origin(&request->url, url)
                 || request_trusts(&request->options, url->host);
    return meant || !request->options.body ? 0 : -LDL_REDIRECT_FORBIDDEN;
}

/* Headers meant for one origin don't follow to another. */
static int change_url(struct transfer *transfer, const char *text)
{
    struct url url;
    int result = url_parse(text, &url);
    if (result == 0)
        result = judge_url(transfer, &url);
    if (result != 0) {
        url_free(&url);
        return result;
    }
    transfer->stripped = !url_same_origin(&transfer->request.url, &url);
    transfer->redirected = false;
    transfer->hold_until = 0;
    transfer->bare = false;
    transfer->plain_get = false;
    result = replace_text(&transfer->url, url.text);
    if (result == 0)
        result = replace_text(&transfer->user, url.user);
    if (result == 0)
        result = replace_text(&transfer->link, text);
    url_free(&url);
    return result;
}

static int change_headers(struct transfer *transfer, const struct ldl_retry *how)
{
    if (!how->headers)
        return 0;
    struct head *sent = head_new("", 0, how->headers, how->header_count);
    if (!sent)
        return -LDL_NO_MEMORY;
    head_unref(transfer->sent);
    transfer->sent = sent;
    return 0;
}

/* A login is for the request's own origin. */
static int change_user(struct transfer *transfer, const char *user)
{
    return user && !transfer->stripped ? replace_text(&transfer->user, user) : 0;
}

/* Half of those in use; all connections to the host may have had to become fewer meanwhile. */
static int fewer(const struct transfer *transfer)
{
    int half = transfer->active > 1 ? (transfer->active + 1) / 2 : 1;
    return half < transfer->connections ? half : transfer->connections;
}

static int apply_retry(struct transfer *transfer, int64_t first, const struct ldl_retry *how)
{
    const char *first_url = transfer->link ? transfer->link : transfer->request.url.text;
    const char *url = how->url ? how->url : how->restart ? first_url : NULL;
    int result = transfer->unanswered ? -LDL_USAGE : 0;
    if (how->restart && reading_has_begun(transfer))
        result = -LDL_REMOTE_CHANGED; /* what was handed out can't be taken back */
    if (result == 0 && url)
        result = change_url(transfer, url);
    if (result == 0)
        result = change_headers(transfer, how);
    if (result == 0)
        result = change_user(transfer, how->user);
    if (result != 0)
        return result;
    transfer->hold_until = 0;
    if (transfer->held > 0)
        transfer->held--;
    if (how->fewer)
        transfer->connections = fewer(transfer);
    if (how->single) {
        transfer->ranges = false;
        transfer->asked_plain = true;
    }
    transfer->fresh = transfer->fresh || how->fresh;
    if (transfer->state == LDL_RUNNING)
        chunk_unpark(&transfer->plan, first);
    if (how->restart && transfer->state != LDL_PUBLISHING)
        transfer_restart(transfer);
    return 0;
}

int ldl_retry(ldl_session *session, ldl_id id, int64_t first, const struct ldl_retry *how)
{
    struct transfer *transfer = find(session, id);
    if (!transfer || request_check_retry(how) != 0)
        return -LDL_USAGE;
    pthread_mutex_lock(&transfer->lock);
    int result = apply_retry(transfer, first, how);
    pthread_mutex_unlock(&transfer->lock);
    if (result == 0)
        transfer_schedule(transfer);
    return result;
}

int ldl_accept(ldl_session *session, ldl_id id)
{
    struct transfer *transfer = find(session, id);
    if (!transfer)
        return -LDL_USAGE;
    pthread_mutex_lock(&transfer->lock);
    bool asked = transfer->unanswered && transfer->state == LDL_PUBLISHING
                 && transfer->request.options.verify && !transfer->verified;
    if (asked && !atomic_load(&transfer->over)) {
        transfer->verified = true;
        transfer->unanswered = false;
        transfer_job(transfer, JOB_PUBLISH);
    }
    pthread_mutex_unlock(&transfer->lock);
    return asked ? 0 : -LDL_USAGE;
}

int ldl_renew(ldl_session *session, ldl_id id, const char *url)
{
    struct transfer *transfer = find(session, id);
    if (!transfer || !url)
        return -LDL_USAGE;
    pthread_mutex_lock(&transfer->lock);
    int result = change_url(transfer, url);
    pthread_mutex_unlock(&transfer->lock);
    return result;
}

int ldl_cancel(ldl_session *session, ldl_id id, const struct ldl_error *reason)
{
    struct transfer *transfer = find(session, id);
    if (!transfer)
        return -LDL_USAGE;
    if (reason)
        transfer_fail(transfer, reason);
    else
        cancel(transfer, LDL_CANCELLED);
    return 0;
}

int ldl_connections(ldl_session *session, ldl_id id, int connections)
{
    struct transfer *transfer = find(session, id);
    if (!transfer || connections < 1 || connections > CONNECTIONS_MOST)
        return -LDL_USAGE;
    pthread_mutex_lock(&transfer->lock);
    transfer->connections = connections;
    pthread_mutex_unlock(&transfer->lock);
    transfer_schedule(transfer);
    return 0;
}

int ldl_hold(ldl_session *session, ldl_id id, double seconds)
{
    struct transfer *transfer = find(session, id);
    if (!transfer || !(seconds >= 0))
        return -LDL_USAGE;
    pthread_mutex_lock(&transfer->lock);
    transfer->hold_until = monotonic() + seconds; /* its home looks ten times a second */
    pthread_mutex_unlock(&transfer->lock);
    return 0;
}

int ldl_limit(ldl_session *session, ldl_id id, double rate)
{
    struct transfer *transfer = id ? find(session, id) : NULL;
    if ((id && !transfer) || !(rate >= 0) || isinf(rate))
        return -LDL_USAGE;
    limit_set(transfer ? &transfer->limit : &session->limit, rate, monotonic());
    return 0;
}

int ldl_limit_host(ldl_session *session, const char *host, double rate)
{
    if (check_session(session) != 0 || !(rate >= 0) || isinf(rate))
        return -LDL_USAGE;
    return hosts_limit(&session->hosts, host, rate, monotonic()) == 0 ? 0 : -LDL_NO_MEMORY;
}

int ldl_stat(ldl_session *session, ldl_id id, struct ldl_stat *out)
{
    struct transfer *transfer = find(session, id);
    if (!transfer)
        return -LDL_USAGE;
    pthread_mutex_lock(&transfer->lock);
    out->state = transfer->state;
    out->total = transfer_length(transfer);
    out->resumed = transfer->resumed;
    out->elapsed = (transfer->finished > 0 ? transfer->finished : monotonic()) - transfer->started;
    pthread_mutex_unlock(&transfer->lock);
    out->received = atomic_load(&transfer->received);
    out->connections = atomic_load(&transfer->delivering);
    return 0;
}

int ldl_extents(ldl_session *session, ldl_id id, struct ldl_extent *out, int size)
{
    struct transfer *transfer = find(session, id);
    if (!transfer)
        return -LDL_USAGE;
    pthread_mutex_lock(&transfer->lock);
    bool planned = transfer->state == LDL_RUNNING || transfer->state == LDL_PUBLISHING;
    int count = planned ? plan_extents(&transfer->plan, out, size) : 0;
    pthread_mutex_unlock(&transfer->lock);
    return count;
}

int ldl_streams(ldl_session *session, ldl_id id, struct ldl_stream *out, int size)
{
    struct transfer *transfer = find(session, id);
    if (!transfer)
        return -LDL_USAGE;
    pthread_mutex_lock(&transfer->lock);
    int count = transfer->state == LDL_RUNNING ? plan_streams(&transfer->plan, out, size) : 0;
    pthread_mutex_unlock(&transfer->lock);
    return count;
}

int ldl_forget(ldl_session *session, ldl_id id)
{
    struct transfer **link = &session->table[(uint64_t) id % BUCKETS];
    while (*link && (*link)->id != id)
        link = &(*link)->next_in_table;
    struct transfer *transfer = *link;
    if (!transfer || !atomic_load(&transfer->done_taken))
        return -LDL_USAGE;
    *link = transfer->next_in_table;
    session->count--;
    transfer_unref(transfer);
    return 0;
}

/* Events */

static bool overdue(struct transfer *transfer, double now)
{
    if (!atomic_load(&transfer->over) || atomic_load(&transfer->done_taken))
        return false;
    pthread_mutex_lock(&transfer->lock);
    bool late = now - transfer->over_since > ANSWER_WITHIN;
    pthread_mutex_unlock(&transfer->lock);
    return late;
}

/* Deadlines and cancels are answered in time though a network or disk thread hangs in a system call. */
static void check_overdue(struct ldl_session *session)
{
    double now = monotonic();
    if (now - session->checked < ANSWER_WITHIN / 4)
        return;
    session->checked = now;
    for (int i = 0; i < BUCKETS; i++)
        for (struct transfer *t = session->table[i]; t; t = t->next_in_table) {
            transfer_check_deadline(t, now);
            if (overdue(t, now))
                transfer_done(t);
        }
}

/* The fault of a stream from before a restart: nobody waits for its answer any more. */
static bool is_stale(const struct note *note)
{
    const struct transfer *transfer = note->message.subject;
    return note->event.type == LDL_EVENT_FAULT && note->single_use
           && note->generation != transfer->generation;
}

static struct note *pop_note(struct ldl_session *session)
{
    struct note *note = (struct note *) queue_pop(&session->events);
    while (note && is_stale(note)) {
        drop_note(note);
        note = (struct note *) queue_pop(&session->events);
    }
    return note;
}

/* A copy, because an answer may have the note itself posted again at once. */
static const struct ldl_event *take_note(struct ldl_session *session, struct note *note)
{
    session->current = *note;
    note->head = NULL;
    if (note->event.type == LDL_EVENT_DATA)
        reading_heard(note->message.subject);
    if (note->single_use)
        free(note);
    return &session->current.event;
}

const struct ldl_event *ldl_next(ldl_session *session)
{
    if (check_session(session) != 0)
        return NULL;
    drop_current(session);
    check_overdue(session);
    struct note *note = pop_note(session);
    if (!note) {
        queue_clear_wake(&session->events);
        while (!note && !queue_is_idle(&session->events))
            note = pop_note(session);
        if (note) /* what comes behind it wakes nobody */
            queue_wake(&session->events);
    }
    if (!note) {
        queue_release();
        return NULL;
    }
    queue_hold(); /* until all events are answered */
    return take_note(session, note);
}

int ldl_pollfd(const ldl_session *session)
{
    return session->events.wake_fd;
}

/* With transfers under way it looks up often enough to answer cancels and deadlines in time. */
int ldl_wait(ldl_session *session, double timeout)
{
    struct pollfd ready = {.fd = session->events.wake_fd, .events = POLLIN};
    queue_release();
    double until = monotonic() + (timeout < 0 ? INFINITY : timeout);
    if (check_session(session) != 0)
        return -LDL_CLOSED;
    for (;;) {
        double left = until - monotonic();
        double slice = session->count > 0 ? ANSWER_WITHIN / 4 : WAIT_MOST;
        slice = left < slice ? left : slice;
        int count = poll(&ready, 1, slice <= 0 ? 0 : (int) (slice * 1000) + 1);
        if (count != 0)
            return count > 0;
        check_overdue(session);
        if (monotonic() >= until)
            return 0;
    }
}

void ldl_wakeup(ldl_session *session)
{
    queue_wake(&session->events);
}
