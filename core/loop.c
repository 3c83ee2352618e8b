/* loop.c: one network thread: a curl_multi on epoll, an inbox, timers and watchdogs.
 * SPDX-License-Identifier: MIT
 *
 * epoll and curl_multi_socket_action, because libcurl's own waiting looks at every handle each time. The multi is made
 * and destroyed by the session's owner while no thread runs, and used by this thread alone in between.
 */
#include "loop.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "code.h"
#include "fetch.h"
#include "local.h"
#include "pass.h"
#include "single.h"
#include "throttle.h"
#include "trace.h"
#include "watch.h"
#include "whole.h"

#define TICK 0.1 /* seconds between two looks at the watchdogs */
#define EVENTS_MOST 64
#define LAUNCH_MOST 256
#define ASLEEP 5.0   /* seconds that the machine slept, after which no connection is believed in */
#define DISTRUST 60. /* seconds; idle connections that are older than that aren't used anyway */
#define IDLE_PART 16 /* of so many descriptors, one is for connections that a thread keeps */

/* The library */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const char *unusable; /* written once, under pthread_once */

static void check_library(void)
{
    const long wanted = CURL_VERSION_THREADSAFE | CURL_VERSION_ASYNCHDNS | CURL_VERSION_SSL
                        | CURL_VERSION_LARGEFILE;
    if (curl_global_init(CURL_GLOBAL_ALL) != CURLE_OK) {
        unusable = "libcurl cannot be initialised";
        return;
    }
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    if (info->version_num < 0x075700)
        unusable = "libcurl 7.87 or newer is needed";
    else if ((info->features & wanted) != wanted)
        unusable = "libcurl lacks threads, a threaded resolver, TLS or large files";
}

const char *loop_check_library(void)
{
    pthread_once(&once, check_library);
    return unusable;
}

bool loop_can_multiplex(void)
{
    return (curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_HTTP2) != 0;
}

/* Streams of this thread */

static bool add_local(struct loop *loop, struct fetch *fetch)
{
    fetch->attached = local_open(fetch) == 0;
    loop->locals += fetch->attached;
    return fetch->attached;
}

static bool add(struct loop *loop, struct fetch *fetch)
{
    if (fetch->url.local)
        return add_local(loop, fetch);
    if (monotonic() < loop->distrust_until)
        curl_easy_setopt(fetch->easy, CURLOPT_FRESH_CONNECT, 1L);
    fetch->attached = curl_multi_add_handle(loop->multi, fetch->easy) == CURLM_OK;
    if (!fetch->attached)
        fetch_refuse(fetch, LDL_NO_MEMORY);
    return fetch->attached;
}

/* To make a handle, and the buffers that it grows, costs more than a small file does. Nothing of what was set is left:
 * it is reset before each request. */
static void *take_spare(struct loop *loop)
{
    return loop->spare_count > 0 ? loop->spare[--loop->spare_count] : NULL;
}

static void keep_spare(struct loop *loop, void *easy)
{
    if (!easy)
        return;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, NULL);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL);
    if (loop->spare_count < SPARE_MOST)
        loop->spare[loop->spare_count++] = easy;
    else
        curl_easy_cleanup(easy);
}

static void attach(struct loop *loop, struct fetch *fetch)
{
    fetch->easy = take_spare(loop);
    int result = fetch_prepare(fetch);
    if (result == 0)
        (void) add(loop, fetch);
    else if (fetch->error.kind == LDL_OK)
        fetch_refuse(fetch, -result);
}

static void detach(struct loop *loop, struct fetch *fetch)
{
    bool attached = fetch->attached;
    fetch->attached = false;
    if (fetch->url.local) {
        loop->locals -= attached;
        local_close(fetch);
    } else if (attached) {
        single_cut(fetch);
        curl_multi_remove_handle(loop->multi, fetch->easy);
    }
}

static void drop(struct loop *loop, struct fetch *fetch)
{
    detach(loop, fetch);
    *fetch->link = fetch->next;
    if (fetch->next)
        fetch->next->link = fetch->link;
    keep_spare(loop, fetch_leave(fetch));
}

static void adopt(struct loop *loop, struct fetch *fetch)
{
    fetch->sockets = &loop->sockets;
    fetch->next = loop->fetches;
    fetch->link = &loop->fetches;
    if (fetch->next)
        fetch->next->link = &fetch->next;
    loop->fetches = fetch;
    if (!atomic_load(&fetch->transfer->over))
        attach(loop, fetch);
    if (!fetch->attached)
        drop(loop, fetch);
}

static void proceed(struct loop *loop, struct fetch *fetch, int next)
{
    if (next == FETCH_ENDED || (next == FETCH_RESEND && !add(loop, fetch)))
        drop(loop, fetch);
}

static void collect_finished(struct loop *loop)
{
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(loop->multi, &left))) {
        struct fetch *fetch = NULL;
        int code = message->data.result;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &fetch);
        detach(loop, fetch); /* `message` is gone with this */
        proceed(loop, fetch, fetch_done(fetch, code));
    }
}

/* Files of this machine: some of each in turn. */
static void read_locals(struct loop *loop)
{
    if (loop->locals == 0)
        return;
    for (struct fetch *fetch = loop->fetches, *next; fetch; fetch = next) {
        int code = local_is_ready(fetch) ? local_read(fetch) : LOCAL_GOES_ON;
        next = fetch->next;
        if (code == LOCAL_GOES_ON)
            continue;
        detach(loop, fetch);
        proceed(loop, fetch, fetch_done(fetch, code));
    }
}

/* New streams for a transfer that lives here */

static int least_busy(const struct loop *loop, const struct transfer *transfer)
{
    int best = loop->index;
    for (int i = 0; i < loop->all->count; i++)
        if (transfer->streams_on[i] < transfer->streams_on[best])
            best = i;
    return best;
}

static struct fetch *create(struct loop *loop, struct transfer *transfer, int purpose,
                            struct span ask)
{
    struct fetch *fetch = fetch_new(transfer, purpose, transfer->last_stream, ask);
    loop->starved = !fetch && transfer->active == 0;
    if (!fetch)
        return NULL;
    bool anywhere = fetch_has_span(fetch) && !transfer_is_read(transfer);
    fetch->loop = anywhere ? least_busy(loop, transfer) : loop->index;
    transfer->streams_on[fetch->loop]++;
    transfer->active++;
    atomic_fetch_add(transfer->streams, 1);
    return fetch;
}

static void trace_claim(struct transfer *transfer, uint32_t stream, struct span ask)
{
    const struct chunk *victim = chunk_victim(&transfer->plan, stream);
    if (!victim)
        trace_step(transfer, LDL_STEP_SPLIT, stream, ask, 0, NULL, "nobody had asked for it");
    else if (victim->rate > 0)
        trace_step(transfer, LDL_STEP_STEAL, stream, ask, 0, NULL,
                   "stream %u would be busy for %.3g s more", victim->owner,
                   (double) (victim->end - victim->pos) / victim->rate);
    else
        trace_step(transfer, LDL_STEP_STEAL, stream, ask, 0, NULL, "stream %u brings nothing",
                   victim->owner);
}

static struct fetch *create_range(struct loop *loop, struct transfer *transfer)
{
    struct span ask;
    uint32_t stream = transfer->last_stream + 1;
    if (!transfer_may_stream(transfer)
        || chunk_claim(&transfer->plan, stream, monotonic(), &ask) != 1)
        return NULL;
    transfer->last_stream = stream;
    struct fetch *fetch = create(loop, transfer, FETCH_RANGE, ask);
    if (!fetch) {
        chunk_release(&transfer->plan, stream, CHUNK_FREE, false, &ask);
        return NULL;
    }
    trace_claim(transfer, stream, ask);
    return fetch;
}

/* Whether what is held may be used: one stream at a time until that is shown. */
static struct fetch *create_proof(struct loop *loop, struct transfer *transfer)
{
    if (transfer->proof == PROOF_VALIDATOR)
        return create_range(loop, transfer);
    transfer->last_stream++;
    return create(loop, transfer, FETCH_CHECK, transfer->checks[0]);
}

static struct fetch *create_whole(struct loop *loop, struct transfer *transfer)
{
    const struct ldl_extent *range = &transfer->request.options.range;
    struct span all = {0, INT64_MAX}, asked = {range->start, range->end};
    int purpose = transfer->request.options.in_memory ? FETCH_PAGE
                  : transfer->state == LDL_WAITING    ? FETCH_FIRST
                                                      : FETCH_WHOLE;
    bool part = transfer_is_part(transfer) && purpose != FETCH_WHOLE;
    transfer->last_stream++;
    return create(loop, transfer, purpose, part ? asked : all);
}

/* The next stream that this transfer may have now, or NULL. Transfer lock held. */
static struct fetch *next_stream(struct loop *loop, struct transfer *transfer)
{
    bool running = transfer->state == LDL_RUNNING;
    bool idle = transfer->active == 0 && transfer->held == 0;
    if (atomic_load(&transfer->over) || transfer->restarting)
        return NULL;
    if (running && transfer->ranges && transfer->proof == PROOF_NONE)
        return create_range(loop, transfer);
    if (!idle || (transfer->state != LDL_WAITING && !running) || transfer->disk_busy
        || transfer->unanswered)
        return NULL;
    return running && transfer->ranges ? create_proof(loop, transfer)
                                       : create_whole(loop, transfer);
}

static void send_to_loop(struct loop *loop, struct fetch *fetch)
{
    fetch->message.type = MESSAGE_STREAM;
    fetch->message.subject = fetch;
    queue_push(&loop->all->list[fetch->loop].inbox, &fetch->message);
}

/* No memory for its only stream: nothing would ever happen to it again (P7). */
static void give_up(struct loop *loop, struct transfer *transfer)
{
    struct ldl_error error;
    loop->starved = false;
    error_set(&error, LDL_NO_MEMORY, transfer->request.url.text, "%s",
              ldl_kind_text(LDL_NO_MEMORY));
    transfer_fail(transfer, &error);
}

static void schedule(struct loop *loop, struct transfer *transfer)
{
    for (int i = 0; i < LAUNCH_MOST; i++) {
        pthread_mutex_lock(&transfer->lock);
        struct fetch *fetch = next_stream(loop, transfer);
        pthread_mutex_unlock(&transfer->lock);
        if (loop->starved)
            give_up(loop, transfer);
        if (!fetch)
            return;
        if (fetch->loop == loop->index)
            adopt(loop, fetch);
        else
            send_to_loop(loop, fetch);
    }
}

static void make_home(struct loop *loop, struct transfer *transfer)
{
    if (transfer->link_home || atomic_load(&transfer->over))
        return;
    transfer_ref(transfer);
    transfer->next_home = loop->homed;
    transfer->link_home = &loop->homed;
    if (loop->homed)
        loop->homed->link_home = &transfer->next_home;
    loop->homed = transfer;
}

static void leave_home(struct transfer *transfer)
{
    *transfer->link_home = transfer->next_home;
    if (transfer->next_home)
        transfer->next_home->link_home = transfer->link_home;
    transfer->link_home = NULL;
    transfer_unref(transfer);
}

static void sweep(struct loop *loop, struct transfer *transfer)
{
    for (struct fetch *fetch = loop->fetches, *next; fetch; fetch = next) {
        next = fetch->next;
        if (fetch->transfer == transfer)
            drop(loop, fetch);
    }
}

/* Its reader has made room. */
static void resume_blocked(struct loop *loop, const struct transfer *transfer)
{
    for (struct fetch *fetch = loop->fetches; fetch; fetch = fetch->next)
        if (fetch->transfer == transfer)
            pass_resume(fetch);
}

static void on_schedule(struct loop *loop, struct transfer *transfer)
{
    atomic_store(&transfer->schedule_posted, false);
    make_home(loop, transfer);
    if (atomic_load(&transfer->over))
        sweep(loop, transfer);
    else
        schedule(loop, transfer);
    if (transfer_is_read(transfer))
        resume_blocked(loop, transfer);
}

static void on_go(struct loop *loop, struct transfer *transfer)
{
    struct fetch *fetch = transfer->first;
    if (fetch)
        proceed(loop, fetch, fetch_go(fetch));
    else if (!whole_write(transfer))
        transfer_begin_anew(transfer);
    schedule(loop, transfer);
}

static void read_inbox(struct loop *loop)
{
    struct message *message;
    while ((message = queue_pop(&loop->inbox))) {
        if (message->type == MESSAGE_STREAM) {
            adopt(loop, message->subject);
            continue;
        }
        struct transfer *transfer = message->subject;
        if (message->type == MESSAGE_GO)
            on_go(loop, transfer);
        else
            on_schedule(loop, transfer);
        transfer_unref(transfer);
    }
}

/* Time */

static void watch_fetches(struct loop *loop, double now)
{
    for (struct fetch *fetch = loop->fetches, *next; fetch; fetch = next) {
        next = fetch->next;
        if (!watch_fetch(fetch, now))
            drop(loop, fetch);
    }
}

/* Also looks for work for idle connections: a stream may have become slow meanwhile. */
static void watch_transfers(struct loop *loop, double now)
{
    for (struct transfer *transfer = loop->homed, *next; transfer; transfer = next) {
        next = transfer->next_home;
        transfer_check_deadline(transfer, now);
        if (atomic_load(&transfer->over))
            leave_home(transfer);
        else
            schedule(loop, transfer);
    }
}

/* Seconds that only a clock which counts sleep has counted. */
static double slept(void)
{
    struct timespec boot;
    clock_gettime(CLOCK_BOOTTIME, &boot);
    return (double) boot.tv_sec + (double) boot.tv_nsec * 1e-9 - monotonic();
}

static bool replaceable(struct fetch *fetch)
{
    pthread_mutex_lock(&fetch->transfer->lock);
    bool ranges = fetch->transfer->ranges;
    pthread_mutex_unlock(&fetch->transfer->lock);
    return ranges && fetch->state != FETCH_PARKED;
}

/* After a suspend the network may be another one. What can go on elsewhere does so at once, at no try's cost (H66); a
 * single stream would begin again, so it has the time that the watchdogs give it. */
static void look_for_suspend(struct loop *loop, double now)
{
    double before = loop->slept;
    loop->slept = slept();
    if (loop->slept - before < ASLEEP)
        return;
    loop->distrust_until = now + DISTRUST;
    for (struct fetch *fetch = loop->fetches, *next; fetch; fetch = next) {
        next = fetch->next;
        if (replaceable(fetch))
            drop(loop, fetch);
    }
}

static void resume_held_back(struct loop *loop, double now)
{
    for (struct fetch *fetch = loop->fetches, *next; fetch; fetch = next) {
        next = fetch->next;
        if (throttle_holds(fetch) && fetch->resume_at <= now && throttle_due(fetch, now))
            fetch_resume(fetch);
    }
}

static void tick(struct loop *loop, double now)
{
    if (now < loop->tick_due)
        return;
    loop->tick_due = now + TICK;
    look_for_suspend(loop, now);
    watch_fetches(loop, now);
    watch_transfers(loop, now);
}

static double earlier(double a, double b)
{
    return b > 0 && b < a ? b : a;
}

/* Milliseconds until something is due; -1: nothing is. */
static int time_to_wait(struct loop *loop, double now)
{
    if (!queue_is_idle(&loop->inbox))
        return 0;
    if (!loop->fetches && !loop->homed && loop->curl_due == 0)
        return -1;
    double due = earlier(loop->tick_due, loop->curl_due);
    for (const struct fetch *fetch = loop->fetches; fetch; fetch = fetch->next)
        due = local_is_ready(fetch) ? now : earlier(due, fetch->resume_at);
    return due <= now ? 0 : (int) ((due - now) * 1000) + 1;
}

/* libcurl's side */

/* libcurl may have closed it by now: then the number is nobody's or another thread's, and nothing is removed. */
static void forget_socket(struct loop *loop, int fd)
{
    epoll_ctl(loop->epoll, EPOLL_CTL_DEL, fd, NULL);
}

static void note_socket(struct loop *loop, CURL *easy, int fd)
{
    long port = 0;
    if (curl_easy_getinfo(easy, CURLINFO_LOCAL_PORT, &port) == CURLE_OK)
        sockets_note(&loop->sockets, port, fd);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *subject, void *known)
{
    struct loop *loop = subject;
    struct epoll_event event = {.data.fd = fd};
    struct fetch *fetch = NULL;
    (void) known;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &fetch);
    if (fetch)
        fetch->socket = what == CURL_POLL_REMOVE ? -1 : fd;
    if (what == CURL_POLL_REMOVE)
        return forget_socket(loop, fd), 0;
    note_socket(loop, easy, fd);
    event.events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
    if (epoll_ctl(loop->epoll, EPOLL_CTL_MOD, fd, &event) < 0
        && epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) < 0 && fetch)
        error_set(&fetch->error, LDL_NO_MEMORY, fetch->url.text, "epoll: %s", strerror(errno));
    return 0; /* a failure told to libcurl would end every stream of this thread */
}

static int on_timer(CURLM *multi, long milliseconds, void *subject)
{
    struct loop *loop = subject;
    (void) multi;
    loop->curl_due = milliseconds < 0 ? 0 : monotonic() + (double) milliseconds * 1e-3;
    return 0;
}

/* libcurl opens two descriptors for itself, which take the lowest free numbers; before 8.8 a child process would get
 * them too (P5). */
static CURLM *open_multi(int any_fd)
{
    int taken[2];
    for (int i = 0; i < 2; i++)
        taken[i] = fcntl(any_fd, F_DUPFD_CLOEXEC, 0);
    for (int i = 0; i < 2; i++)
        if (taken[i] >= 0)
            close(taken[i]);
    CURLM *multi = curl_multi_init();
    for (int i = 0; i < 2; i++)
        if (taken[i] >= 0)
            fcntl(taken[i], F_SETFD, FD_CLOEXEC);
    return multi;
}

/* Without memory there is none, and whatever is asked of it fails. */
static void make_multi(struct loop *loop)
{
    CURLM *multi = loop->multi = open_multi(loop->epoll);
    curl_multi_setopt(multi, CURLMOPT_PIPELINING,
                      (long) CURLPIPE_MULTIPLEX); /* of those that ask for HTTP/2 alone (L21) */
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, loop);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, loop);
}

/* libcurl keeps connections for later requests, by itself only as many as streams are under way at that moment would
 * need; of few descriptors it gets a part (P6). */
static void limit_idle(struct loop *loop)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    rlim_t part = limit.rlim_cur / IDLE_PART;
    long most = part < 1 ? 1 : part < CONNECTIONS_MOST ? (long) part : CONNECTIONS_MOST;
    curl_multi_setopt(loop->multi, CURLMOPT_MAXCONNECTS, most);
}

/* libcurl 7.88 divides by zero later on when memory was refused to a multi: it is replaced, and its
 * streams fail (P7). */
static void replace_multi(struct loop *loop)
{
    for (struct fetch *fetch = loop->fetches; fetch; fetch = loop->fetches) {
        fetch_refuse(fetch, LDL_NO_MEMORY);
        drop(loop, fetch);
    }
    curl_multi_cleanup(loop->multi);
    loop->curl_due = 0;
    make_multi(loop);
    limit_idle(loop);
}

static void act(struct loop *loop, int fd, int mask)
{
    int running;
    if (curl_multi_socket_action(loop->multi, fd, mask, &running) != CURLM_OK)
        replace_multi(loop);
}

static void on_ready(struct loop *loop, const struct epoll_event *event)
{
    int mask = 0;
    if (event->data.fd == loop->inbox.wake_fd) {
        queue_clear_wake(&loop->inbox);
        return;
    }
    mask |= event->events & EPOLLIN ? CURL_CSELECT_IN : 0;
    mask |= event->events & EPOLLOUT ? CURL_CSELECT_OUT : 0;
    mask |= event->events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0;
    act(loop, event->data.fd, mask);
}

static void run_due(struct loop *loop)
{
    double now = monotonic();
    if (loop->curl_due > 0 && now >= loop->curl_due) {
        loop->curl_due = 0;
        act(loop, CURL_SOCKET_TIMEOUT, 0);
    }
    resume_held_back(loop, now);
    read_locals(loop);
    collect_finished(loop);
    tick(loop, now);
}

static void end_all(struct loop *loop)
{
    while (loop->fetches)
        drop(loop, loop->fetches);
    read_inbox(loop);
    while (loop->fetches)
        drop(loop, loop->fetches);
    while (loop->homed)
        leave_home(loop->homed);
}

static void *run(void *subject)
{
    struct loop *loop = subject;
    struct epoll_event events[EVENTS_MOST];
    pthread_setname_np(pthread_self(), "luadl network"); /* for who looks at the process */
    while (!atomic_load(&loop->stopping)) {
        int count = epoll_wait(loop->epoll, events, EVENTS_MOST, time_to_wait(loop, monotonic()));
        queue_hold();
        for (int i = 0; i < count; i++)
            on_ready(loop, &events[i]);
        run_due(loop);
        read_inbox(loop);
        queue_release();
    }
    end_all(loop);
    latch_leave(loop->all->threads);
    return NULL;
}

/* The owner's side */

static int watch_inbox(struct loop *loop)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = loop->inbox.wake_fd};
    return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->inbox.wake_fd, &event) < 0
               ? -code_of_errno(errno)
               : 0;
}

int loop_open(struct loop *loop)
{
    int result = queue_init(&loop->inbox);
    loop->epoll = -1;
    loop->slept = slept();
    if (result != 0)
        return result;
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll >= 0)
        make_multi(loop);
    result = loop->epoll < 0 ? -code_of_errno(errno)
             : !loop->multi  ? -LDL_NO_MEMORY
                             : watch_inbox(loop);
    if (result != 0)
        loop_close(loop);
    return result;
}

int loop_start(struct loop *loop)
{
    limit_idle(loop);
    latch_enter(loop->all->threads);
    loop->running = pthread_create(&loop->thread, NULL, run, loop) == 0;
    if (!loop->running)
        latch_leave(loop->all->threads);
    return loop->running ? 0 : -LDL_NO_MEMORY;
}

void loop_stop(struct loop *loop)
{
    atomic_store(&loop->stopping, true);
    queue_wake(&loop->inbox);
}

void loop_drain(struct loop *loop)
{
    end_all(loop);
}

void loop_close(struct loop *loop)
{
    while (loop->spare_count > 0)
        curl_easy_cleanup(take_spare(loop));
    if (loop->multi)
        curl_multi_cleanup(loop->multi);
    if (loop->epoll >= 0)
        close(loop->epoll);
    loop->multi = NULL;
    loop->epoll = -1;
    queue_destroy(&loop->inbox);
}
