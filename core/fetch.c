/* fetch.c: one range request: send, receive, hand on.
 * SPDX-License-Identifier: MIT
 *
 * Its states: HEAD (until the first body byte) -> PARKED (the first request, until its file is open) -> BODY, or DRAIN for a
 * body that nobody wants. A body byte is touched only after `answer_judge` has accepted its response.
 */
#include "fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

#include "send.h"

#define HEADERS_MOST 65536        /* bytes of all header lines of a response (H43) */
#define INTERIM_MOST 16           /* 1xx responses */
#define DRAIN_MOST 65536          /* bytes of an unwanted body, to keep its connection */
#define PIECE ((size_t) 512 << 10)
#define PIECE_LEAST ((size_t) 64 << 10)
#define POOL ((size_t) 16 << 20)  /* for the buffers of one transfer's streams */
#define HINT_EVERY ((int64_t) 8 << 20)
#define FLUSH_AFTER 0.25          /* seconds that received bytes wait at most */
#define PROGRESS ((int64_t) 64 << 10)
#define WINDOW 30.0               /* seconds of the lowest-rate watchdog */
#define SLOW_SHARE 50             /* a stream is a slow loris below this share of its siblings' mean */
#define FLIPS 2                   /* answers with another ETag before it is dropped (H26) */

static size_t on_header(char *bytes, size_t size, size_t count, void *subject);
static size_t on_body(char *bytes, size_t size, size_t count, void *subject);

/* Birth */

struct fetch *fetch_new(struct transfer *transfer, int purpose, uint32_t stream, struct span ask)
{
    struct fetch *fetch = calloc(1, sizeof *fetch);
    struct note *note = calloc(1, sizeof *note);
    if (!fetch || !note) {
        free(fetch);
        free(note);
        return NULL;
    }
    fetch->transfer = transfer;
    fetch->note = note;
    fetch->purpose = purpose;
    fetch->stream = stream;
    fetch->ask = ask;
    fetch->ranged = purpose != FETCH_WHOLE;
    transfer_ref(transfer);
    return fetch;
}

/* Later requests go straight to where the first one was led. */
static int take_url(struct fetch *fetch)
{
    struct transfer *transfer = fetch->transfer;
    if (fetch->url.text)
        return 0; /* a redirect set it */
    pthread_mutex_lock(&transfer->lock);
    int result = url_parse(transfer->url, &fetch->url);
    if (result == 0 && transfer->user && !(fetch->url.user = strdup(transfer->user)))
        result = -LDL_NO_MEMORY;
    fetch->stripped = transfer->stripped;
    fetch->bare = transfer->bare;
    fetch->redirected = transfer->redirected;
    if (fetch->purpose == FETCH_FIRST && transfer->asked_plain)
        fetch->ranged = false;
    pthread_mutex_unlock(&transfer->lock);
    return result;
}

int fetch_prepare(struct fetch *fetch)
{
    int result = take_url(fetch);
    if (result == 0 && !fetch->easy && !(fetch->easy = curl_easy_init()))
        result = -LDL_NO_MEMORY;
    if (result == 0)
        result = send_configure(fetch);
    if (result != 0)
        return result;
    curl_easy_setopt(fetch->easy, CURLOPT_PRIVATE, fetch);
    curl_easy_setopt(fetch->easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(fetch->easy, CURLOPT_HEADERDATA, fetch);
    curl_easy_setopt(fetch->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(fetch->easy, CURLOPT_WRITEDATA, fetch);
    fetch->state = FETCH_HEAD;
    fetch->ended = false;
    fetch->header_bytes = 0;
    fetch->interim = 0;
    fetch->drained = 0;
    fetch->asked = monotonic();
    fetch->last_byte = 0;
    return 0;
}

/* The head */

static void header_error(struct fetch *fetch)
{
    error_set(&fetch->error, LDL_PROTOCOL, fetch->url.text, "the header of the answer is too large");
}

static size_t on_header(char *bytes, size_t size, size_t count, void *subject)
{
    struct fetch *fetch = subject;
    size_t length = size * count;
    if (fetch->state != FETCH_HEAD)
        return length; /* trailers say nothing about framing or identity (H45) */
    if (length > 5 && memcmp(bytes, "HTTP/", 5) == 0)
        fetch->interim++;
    fetch->header_bytes += length;
    if (fetch->header_bytes <= HEADERS_MOST && fetch->interim <= INTERIM_MOST + 1)
        return length;
    header_error(fetch);
    return 0;
}

/* The headers of the final response; libcurl keeps their texts until the handle is used again. */
static struct ldl_header *read_headers(struct fetch *fetch, size_t *count)
{
    struct curl_header *header = NULL;
    size_t number = 0, room = 0;
    struct ldl_header *list = calloc(1, sizeof *list);
    while (list && (header = curl_easy_nextheader(fetch->easy, CURLH_HEADER, -1, header))) {
        if (number == room) {
            room = room ? 2 * room : 32;
            struct ldl_header *larger = realloc(list, room * sizeof *list);
            if (!larger) {
                free(list);
                return NULL;
            }
            list = larger;
        }
        list[number++] = (struct ldl_header){.name = header->name, .value = header->value};
    }
    *count = number;
    return list;
}

static void status_error(struct fetch *fetch, int status)
{
    const struct answer *answer = &fetch->answer;
    error_set(&fetch->error, answer->kind, fetch->url.text, "%s", answer->reason);
    fetch->error.status = status;
    fetch->error.retry_after = answer->retry_after;
    fetch->error.retry_at = answer->retry_at;
}

/* The type and length that the caller counts on (H30). */
static bool as_expected(struct fetch *fetch)
{
    const struct ldl_request *options = &fetch->transfer->request.options;
    const struct identity *seen = &fetch->answer.seen;
    const char *type = options->expect_type;
    if (options->expect_size > 0 && seen->total >= 0 && seen->total != options->expect_size)
        error_set(&fetch->error, LDL_REMOTE_CHANGED, fetch->url.text,
                  "expected %lld bytes, the server has %lld", (long long) options->expect_size,
                  (long long) seen->total);
    else if (type && strcasecmp(type, seen->type) != 0)
        error_set(&fetch->error, LDL_REMOTE_CHANGED, fetch->url.text, "expected %s, the server sends %s",
                  type, seen->type[0] ? seen->type : "no type");
    return fetch->error.kind == LDL_OK;
}

static void place_body(struct fetch *fetch)
{
    const struct answer *answer = &fetch->answer;
    fetch->position = answer->first;
    fetch->reach = answer->length == 0 ? answer->first : answer->last >= 0 ? answer->last + 1 : INT64_MAX;
    fetch->from = fetch->position;
    fetch->end = fetch->reach;
    fetch->flushed = fetch->last_byte = fetch->window_start = monotonic();
}

static void measure(struct fetch *fetch, struct plan *plan)
{
    double turnaround = monotonic() - fetch->asked;
    curl_off_t resolved = 0, connected = 0;
    long connections = 0;
    plan->turnaround = plan->turnaround > 0 ? (3 * plan->turnaround + turnaround) / 4 : turnaround;
    curl_easy_getinfo(fetch->easy, CURLINFO_NUM_CONNECTS, &connections);
    curl_easy_getinfo(fetch->easy, CURLINFO_NAMELOOKUP_TIME_T, &resolved);
    curl_easy_getinfo(fetch->easy, CURLINFO_CONNECT_TIME_T, &connected);
    if (connections > 0 && connected > resolved)
        plan->round_trip = (double) (connected - resolved) * 1e-6;
}

static void pin(struct fetch *fetch)
{
    struct transfer *transfer = fetch->transfer;
    const char *address = NULL;
    curl_easy_getinfo(fetch->easy, CURLINFO_PRIMARY_IP, &address);
    free(transfer->pinned);
    transfer->pinned = NULL;
    if (transfer->request.options.proxy || !address || !address[0])
        return;
    bool v6 = strchr(address, ':') != NULL;
    if (asprintf(&transfer->pinned, "+%s:%s:%s%s%s", fetch->url.host, fetch->url.port, v6 ? "[" : "",
                 address, v6 ? "]" : "")
        < 0)
        transfer->pinned = NULL;
}

/* Where the redirects have led. Transfer lock held. */
static int stay_there(struct fetch *fetch)
{
    struct transfer *transfer = fetch->transfer;
    char *url = strdup(fetch->url.text);
    char *user = fetch->url.user ? strdup(fetch->url.user) : NULL;
    if (!url || (fetch->url.user && !user)) {
        free(url);
        free(user);
        return -LDL_NO_MEMORY;
    }
    free(transfer->url);
    free(transfer->user);
    transfer->url = url;
    transfer->user = user;
    transfer->stripped = fetch->stripped;
    transfer->bare = fetch->bare;
    return 0;
}

/* What the first answer says holds from now on. Transfer lock held. */
static int identify(struct fetch *fetch, struct head *head)
{
    struct transfer *transfer = fetch->transfer;
    const struct answer *answer = &fetch->answer;
    if (stay_there(fetch) != 0)
        return -LDL_NO_MEMORY;
    transfer->redirected = fetch->redirected;
    transfer->known = answer->seen;
    transfer->identified = true;
    transfer->ranges = fetch->ranged && answer->accepts_ranges && answer->seen.total >= 0;
    transfer->length_verified = answer->length_framed;
    measure(fetch, &transfer->plan);
    pin(fetch);
    transfer_set_head(transfer, head);
    return 0;
}

static void finish_info(struct transfer *transfer)
{
    struct ldl_error none = {.kind = LDL_OK, .retry_after = -1, .retry_at = -1};
    transfer_fail(transfer, &none);
}

static void accept_first(struct fetch *fetch, int status, const struct ldl_header *headers, size_t count)
{
    struct transfer *transfer = fetch->transfer;
    bool info = transfer->request.options.head_only;
    if (!as_expected(fetch))
        return;
    struct head *head = head_new(fetch->url.text, status, headers, count);
    place_body(fetch);
    fetch->state = FETCH_PARKED;
    pthread_mutex_lock(&transfer->lock);
    transfer->first = fetch;
    if (!head || identify(fetch, head) != 0)
        error_set(&fetch->error, LDL_NO_MEMORY, fetch->url.text, "%s", ldl_kind_text(LDL_NO_MEMORY));
    pthread_mutex_unlock(&transfer->lock);
    if (info)
        finish_info(transfer);
}

/* Another ETag, but the same date and length: some clusters do that (H26). Its answer isn't used, and when it happens
 * again the ETag counts no more. */
static void count_flip(struct transfer *transfer)
{
    if (++transfer->flips < FLIPS)
        return;
    transfer->known.etag_strength = ETAG_NONE;
    transfer->warning = "the server's ETag differs from answer to answer; its date and length were relied on";
}

/* One stream brings all from byte 0. A length that only one of the answers tells holds for all. Transfer lock held. */
static void take_whole(struct fetch *fetch, double now)
{
    struct transfer *transfer = fetch->transfer;
    int64_t told = fetch->answer.seen.total;
    fetch->cut = chunk_take_all(&transfer->plan, fetch->stream, now) != 0;
    atomic_store(&transfer->received, 0);
    if (!fetch->cut && transfer->known.total < 0 && told >= 0) {
        transfer->known.total = told;
        plan_set_total(&transfer->plan, told);
    }
    if (transfer->known.total >= 0)
        fetch->reach = transfer->known.total;
    transfer->length_verified = transfer->known.total >= 0 || fetch->answer.length_framed;
}

/* Transfer lock held. */
static void join(struct fetch *fetch)
{
    struct transfer *transfer = fetch->transfer;
    double now = monotonic();
    fetch->state = FETCH_BODY;
    place_body(fetch);
    if (fetch->purpose == FETCH_WHOLE)
        take_whole(fetch, now);
    else
        fetch->cut = chunk_accept(&transfer->plan, fetch->stream, now,
                                  (struct span){fetch->position, fetch->reach}, &fetch->from)
                     != 1;
    if (fetch->cut)
        return;
    measure(fetch, &transfer->plan);
    fetch->end = fetch->from + chunk_left(&transfer->plan, fetch->stream);
    fetch->delivering = true;
    transfer->accepted++;
    atomic_fetch_add(&transfer->delivering, 1);
}

/* The server doesn't serve ranges after all (H1): nobody else is sent, the stream from byte 0 goes on. */
static void give_up_ranges(struct fetch *fetch)
{
    fetch->transfer->ranges = false;
    fetch->cut = true;
}

/* So much of what was asked must come for a try to count as progress. */
static int64_t enough(int64_t asked)
{
    return asked / 10 < PROGRESS ? (asked + 9) / 10 : PROGRESS;
}

/* An answer may be shorter than what was asked (H5), but with crumbs nobody comes to an end. */
static bool is_crumb(const struct fetch *fetch)
{
    const struct answer *answer = &fetch->answer;
    return fetch->purpose == FETCH_RANGE && answer->verdict == ANSWER_RANGE
           && answer->last - answer->first + 1 < enough(fetch->ask.end - fetch->ask.first);
}

static void refuse_crumb(struct fetch *fetch, int status)
{
    error_set(&fetch->error, LDL_RANGE_MISMATCH, fetch->url.text, "the answer has only %lld of %lld bytes",
              (long long) (fetch->answer.last - fetch->answer.first + 1),
              (long long) (fetch->ask.end - fetch->ask.first));
    fetch->error.status = status;
}

static void accept_joining(struct fetch *fetch)
{
    struct transfer *transfer = fetch->transfer;
    int verdict = fetch->answer.verdict;
    pthread_mutex_lock(&transfer->lock);
    fetch->cut = verdict == ANSWER_FLIPPED;
    if (fetch->cut)
        count_flip(transfer);
    else if (verdict == ANSWER_IGNORED)
        give_up_ranges(fetch);
    else
        join(fetch);
    pthread_mutex_unlock(&transfer->lock);
}

/* Where the body goes, from what the head says. */
static void apply(struct fetch *fetch, int status, const struct ldl_header *headers, size_t count)
{
    const struct answer *answer = &fetch->answer;
    fetch->state = FETCH_DRAIN;
    if (answer->verdict == ANSWER_FAULT)
        status_error(fetch, status);
    else if (answer->verdict == ANSWER_REDIRECT)
        fetch->location = strdup(answer->location);
    else if (answer->verdict == ANSWER_PLAIN)
        fetch->drop_range = true;
    else if (is_crumb(fetch))
        refuse_crumb(fetch, status);
    else if (fetch->purpose == FETCH_FIRST)
        accept_first(fetch, status, headers, count);
    else
        accept_joining(fetch);
}

static double wall_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now); /* HTTP dates are wall clock times */
    return (double) now.tv_sec + (double) now.tv_nsec * 1e-9;
}

static void judge(struct fetch *fetch)
{
    struct transfer *transfer = fetch->transfer;
    long status = 0;
    size_t count = 0;
    struct ldl_header *headers = read_headers(fetch, &count);
    if (!headers) {
        error_set(&fetch->error, LDL_NO_MEMORY, fetch->url.text, "%s", ldl_kind_text(LDL_NO_MEMORY));
        return;
    }
    curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
    pthread_mutex_lock(&transfer->lock);
    struct identity known = transfer->known;
    pthread_mutex_unlock(&transfer->lock);
    struct asked asked = {
        .ranged = fetch->ranged,
        .first = fetch->purpose == FETCH_RANGE ? fetch->ask.first : 0,
        .last = fetch->purpose == FETCH_RANGE ? fetch->ask.end - 1 : -1,
        .joining = fetch->purpose != FETCH_FIRST,
        .max_size = transfer->request.options.max_size,
        .host = fetch->url.host,
    };
    answer_judge(&asked, &known, (int) status, headers, count, wall_clock(), &fetch->answer);
    apply(fetch, (int) status, headers, count);
    free(headers);
}

/* The body */

static bool stopped(const struct fetch *fetch)
{
    return fetch->cut || fetch->error.kind != LDL_OK || atomic_load(&fetch->transfer->over);
}

static size_t piece_size(const struct fetch *fetch)
{
    size_t size = POOL / (size_t) fetch->transfer->request.options.connections;
    size = size > PIECE ? PIECE : size < PIECE_LEAST ? PIECE_LEAST : size;
    int64_t left = fetch->reach - fetch->position;
    return left < (int64_t) size ? (size_t) left : size;
}

static bool have_buffer(struct fetch *fetch)
{
    if (fetch->buffer)
        return true;
    fetch->size = piece_size(fetch);
    fetch->buffer = malloc(fetch->size);
    if (!fetch->buffer)
        error_set(&fetch->error, LDL_NO_MEMORY, fetch->url.text, "%s", ldl_kind_text(LDL_NO_MEMORY));
    return fetch->buffer != NULL;
}

static void disk_failed(struct fetch *fetch, int kind, int errnum)
{
    struct transfer *transfer = fetch->transfer;
    struct ldl_error error;
    error_set(&error, kind, NULL, "cannot write %s: %s", transfer->file.path, strerror(errnum));
    error.errnum = errnum;
    transfer_fail(transfer, &error); /* all its streams stop (F2, F4) */
}

static void hint(const struct fetch *fetch, struct span span)
{
    int64_t mark = span.end / HINT_EVERY * HINT_EVERY;
    if (mark > span.first)
        file_hint(&fetch->transfer->file, mark - HINT_EVERY, HINT_EVERY);
}

/* Writes the part of the buffer that may be written now. False: no more for this stream.
 * Threads take turns: writers of one file exclude each other in the kernel anyway, but there they spin, which cost
 * a fifth of all CPU time with two threads on tmpfs. */
static bool write_span(struct fetch *fetch, const char *bytes, struct span span)
{
    struct transfer *transfer = fetch->transfer;
    int errnum = 0;
    int64_t length = span.end - span.first;
    pthread_mutex_lock(&transfer->writing);
    int result = file_write(&transfer->file, bytes, (size_t) length, span.first, &errnum);
    pthread_mutex_unlock(&transfer->writing);
    if (result == 0) {
        hint(fetch, span);
        atomic_fetch_add(&transfer->received, length); /* before the file may be found complete */
    } else {
        disk_failed(fetch, -result, errnum);
    }
    pthread_mutex_lock(&transfer->lock);
    bool more = chunk_end_write(&transfer->plan, fetch->stream, fetch->reach, monotonic());
    fetch->end = span.end + chunk_left(&transfer->plan, fetch->stream);
    transfer_check_complete(transfer);
    pthread_mutex_unlock(&transfer->lock);
    fetch->received += length;
    return more && result == 0;
}

static struct span next_span(struct fetch *fetch, int64_t want)
{
    struct transfer *transfer = fetch->transfer;
    pthread_mutex_lock(&transfer->lock);
    bool stop = atomic_load(&transfer->over) || transfer->restarting;
    struct span span = {0, 0};
    if (!stop)
        span = chunk_begin_write(&transfer->plan, fetch->stream, want, fetch->reach);
    pthread_mutex_unlock(&transfer->lock);
    return span;
}

/* Writes what was collected. What lies past its part is somebody else's and is dropped. */
static void flush(struct fetch *fetch)
{
    size_t done = 0;
    bool more = true;
    while (more && done < fetch->used) {
        struct span span = next_span(fetch, (int64_t) (fetch->used - done));
        more = span.end > span.first && write_span(fetch, fetch->buffer + done, span);
        done += (size_t) (span.end - span.first);
    }
    fetch->used = 0;
    fetch->flushed = monotonic();
    fetch->cut = fetch->cut || !more;
}

/* How many bytes fit before the next write: cuts of the file lie on multiples of the piece. */
static size_t room(const struct fetch *fetch)
{
    size_t to_boundary = PIECE_LEAST;
    if (fetch->size >= PIECE_LEAST)
        to_boundary = fetch->size - (size_t) (fetch->position % (int64_t) fetch->size);
    else
        to_boundary = fetch->size - fetch->used;
    int64_t to_end = fetch->end - fetch->position;
    size_t least = fetch->size - fetch->used;
    least = to_boundary < least ? to_boundary : least;
    return to_end > 0 && to_end < (int64_t) least ? (size_t) to_end : least;
}

static void collect(struct fetch *fetch, const char *bytes, size_t length)
{
    while (length > 0 && !stopped(fetch)) {
        size_t fits = room(fetch);
        size_t taken = length < fits ? length : fits;
        memcpy(fetch->buffer + fetch->used, bytes, taken);
        fetch->used += taken;
        fetch->position += (int64_t) taken;
        bytes += taken;
        length -= taken;
        if (taken == fits)
            flush(fetch);
    }
}

/* Bytes of the answer that somebody else wrote already. */
static size_t skip(struct fetch *fetch, size_t length)
{
    int64_t before = fetch->from - fetch->position;
    size_t skipped = before <= 0 ? 0 : before < (int64_t) length ? (size_t) before : length;
    fetch->position += (int64_t) skipped;
    return skipped;
}

static bool too_large(struct fetch *fetch, size_t length)
{
    int64_t most = fetch->transfer->request.options.max_size;
    if (most <= 0 || fetch->position + (int64_t) length <= most)
        return false;
    error_set(&fetch->error, LDL_TOO_LARGE, fetch->url.text, "the body is larger than %lld bytes",
              (long long) most);
    return true;
}

static void hold_back(struct fetch *fetch, size_t length, double now)
{
    struct transfer *transfer = fetch->transfer;
    double own = limit_take(&transfer->limit, (double) length, now);
    double shared = limit_take(transfer->session_limit, (double) length, now);
    double pause = own > shared ? own : shared;
    fetch->resume_at = pause > 0 ? now + pause : 0;
}

static void receive(struct fetch *fetch, const char *bytes, size_t length)
{
    fetch->last_byte = monotonic();
    fetch->window_bytes += (int64_t) length;
    hold_back(fetch, length, fetch->last_byte);
    size_t skipped = skip(fetch, length);
    length -= skipped;
    if (fetch->reach - fetch->position < (int64_t) length)
        length = (size_t) (fetch->reach - fetch->position); /* never past the answer's range (H6) */
    if (!too_large(fetch, length) && have_buffer(fetch))
        collect(fetch, bytes + skipped, length);
}

static size_t drain(struct fetch *fetch, size_t length)
{
    fetch->drained += (int64_t) length;
    return fetch->drained <= DRAIN_MOST ? length : CURL_WRITEFUNC_ERROR;
}

/* May the connection serve another request? Not while bytes of this answer are to come, nor with bytes past its end,
 * which would be taken for the next one's (H38). */
static bool reusable(struct fetch *fetch)
{
    curl_socket_t fd = CURL_SOCKET_BAD;
    char byte;
    if (fetch->position < fetch->reach)
        return false;
    curl_easy_getinfo(fetch->easy, CURLINFO_ACTIVESOCKET, &fd);
    return fd != CURL_SOCKET_BAD && recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *subject)
{
    struct fetch *fetch = subject;
    size_t length = size * count;
    if (fetch->state == FETCH_HEAD)
        judge(fetch);
    if (fetch->state == FETCH_DRAIN && !atomic_load(&fetch->transfer->over))
        return drain(fetch, length);
    if (stopped(fetch))
        return CURL_WRITEFUNC_ERROR;
    if (fetch->state == FETCH_PARKED || fetch->resume_at > monotonic())
        return CURL_WRITEFUNC_PAUSE;
    receive(fetch, bytes, length);
    return stopped(fetch) && !reusable(fetch) ? CURL_WRITEFUNC_ERROR : length;
}

/* The end */

static const struct {
    int code, kind;
} kinds[] = {
    {CURLE_UNSUPPORTED_PROTOCOL, LDL_PROTOCOL}, {CURLE_URL_MALFORMAT, LDL_BAD_URL},
    {CURLE_COULDNT_RESOLVE_PROXY, LDL_DNS},     {CURLE_COULDNT_RESOLVE_HOST, LDL_DNS},
    {CURLE_COULDNT_CONNECT, LDL_CONNECT},       {CURLE_WEIRD_SERVER_REPLY, LDL_PROTOCOL},
    {CURLE_PARTIAL_FILE, LDL_SHORT_BODY},       {CURLE_OUT_OF_MEMORY, LDL_NO_MEMORY},
    {CURLE_OPERATION_TIMEDOUT, LDL_TIMEOUT},    {CURLE_SSL_CONNECT_ERROR, LDL_TLS},
    {CURLE_GOT_NOTHING, LDL_PROTOCOL},          {CURLE_SEND_ERROR, LDL_CONNECT},
    {CURLE_RECV_ERROR, LDL_CONNECT},            {CURLE_SSL_CERTPROBLEM, LDL_TLS},
    {CURLE_SSL_CIPHER, LDL_TLS},                {CURLE_PEER_FAILED_VERIFICATION, LDL_TLS_VERIFY},
    {CURLE_BAD_CONTENT_ENCODING, LDL_ENCODING}, {CURLE_SSL_CACERT_BADFILE, LDL_TLS_VERIFY},
    {CURLE_PROXY, LDL_CONNECT},                 {CURLE_SSL_ISSUER_ERROR, LDL_TLS_VERIFY},
};

static int kind_of(const struct fetch *fetch, int code)
{
    if (fetch->socket_errno == EMFILE || fetch->socket_errno == ENFILE)
        return LDL_FD_LIMIT;
    if (fetch->state == FETCH_BODY && code == CURLE_RECV_ERROR)
        return LDL_SHORT_BODY;
    if (fetch->state == FETCH_BODY && code == CURLE_OPERATION_TIMEDOUT)
        return LDL_STALLED;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].code == code)
            return kinds[i].kind;
    return LDL_PROTOCOL;
}

static bool connected(struct fetch *fetch)
{
    curl_off_t sent = 0;
    curl_easy_getinfo(fetch->easy, CURLINFO_PRETRANSFER_TIME_T, &sent);
    return sent > 0;
}

/* libcurl may call itself out of memory when a header line is over 100 KB (H43). */
static bool is_endless_line(struct fetch *fetch, int code)
{
    return code == CURLE_OUT_OF_MEMORY && fetch->state == FETCH_HEAD && connected(fetch);
}

static void curl_error(struct fetch *fetch, int code)
{
    const char *text = fetch->detail[0] ? fetch->detail : curl_easy_strerror((CURLcode) code);
    long errnum = 0;
    if (is_endless_line(fetch, code)) {
        header_error(fetch);
        return;
    }
    error_set(&fetch->error, kind_of(fetch, code), fetch->url.text, "%s", text);
    curl_easy_getinfo(fetch->easy, CURLINFO_OS_ERRNO, &errnum);
    fetch->error.errnum = fetch->socket_errno ? fetch->socket_errno : (int) errnum;
    fetch->error.curl_code = code;
}

/* Nobody had told the length: it is what came. */
static void learn_total(struct fetch *fetch)
{
    struct transfer *transfer = fetch->transfer;
    fetch->answer.seen.total = fetch->position;
    if (!as_expected(fetch))
        return;
    pthread_mutex_lock(&transfer->lock);
    plan_set_total(&transfer->plan, fetch->position);
    transfer->known.total = fetch->position;
    transfer_check_complete(transfer);
    pthread_mutex_unlock(&transfer->lock);
}

/* The answer came to its end: is that all of what it announced? */
static void end_body(struct fetch *fetch, int code)
{
    if (fetch->used > 0 && !stopped(fetch))
        flush(fetch);
    if (stopped(fetch))
        return;
    if (code != CURLE_OK) {
        curl_error(fetch, code);
    } else if (fetch->reach != INT64_MAX && fetch->position < fetch->reach) {
        error_set(&fetch->error, LDL_SHORT_BODY, fetch->url.text, "the body ended after %lld of %lld bytes",
                  (long long) (fetch->position - fetch->answer.first),
                  (long long) (fetch->reach - fetch->answer.first));
    } else if (fetch->reach == INT64_MAX) {
        learn_total(fetch);
    }
}

static int resend(struct fetch *fetch)
{
    int result = fetch->location ? send_follow(fetch) : 0;
    if (fetch->drop_range) {
        fetch->ranged = false;
        fetch->drop_range = false;
        pthread_mutex_lock(&fetch->transfer->lock);
        fetch->transfer->asked_plain = true;
        pthread_mutex_unlock(&fetch->transfer->lock);
    }
    free(fetch->location);
    fetch->location = NULL;
    if (result == 0)
        result = fetch_prepare(fetch);
    if (result != 0 && fetch->error.kind == LDL_OK)
        error_set(&fetch->error, -result, fetch->url.text, "%s", ldl_kind_text(-result));
    return result == 0 ? FETCH_RESEND : FETCH_ENDED;
}

int fetch_done(struct fetch *fetch, int code)
{
    if (fetch->state == FETCH_HEAD && code == CURLE_OK)
        judge(fetch); /* no body byte came */
    fetch->ended = true;
    fetch->code = code;
    if (fetch->error.kind != LDL_OK)
        return FETCH_ENDED;
    if (fetch->state == FETCH_PARKED)
        return FETCH_KEEP;
    if (fetch->location || fetch->drop_range)
        return resend(fetch);
    if (fetch->state == FETCH_BODY)
        end_body(fetch, code);
    else if (code != CURLE_OK && !stopped(fetch))
        curl_error(fetch, code);
    return FETCH_ENDED;
}

/* The plan: all is the first stream's, then shares for the others. Transfer lock held. */
static int lay_out(struct fetch *fetch)
{
    struct transfer *transfer = fetch->transfer;
    struct plan measured = transfer->plan;
    int result = plan_init(&transfer->plan, transfer->known.total, transfer->request.options.min_split);
    if (result != 0)
        return result;
    transfer->plan.turnaround = measured.turnaround;
    transfer->plan.round_trip = measured.round_trip;
    transfer->state = LDL_RUNNING;
    if (transfer->known.total != 0)
        result = chunk_take_all(&transfer->plan, fetch->stream, monotonic());
    if (transfer->ranges && transfer->known.total > 0)
        plan_divide(&transfer->plan, transfer->connections);
    fetch->end = chunk_left(&transfer->plan, fetch->stream);
    fetch->delivering = true;
    transfer->accepted++;
    atomic_fetch_add(&transfer->delivering, 1);
    transfer_check_complete(transfer);
    return result;
}

int fetch_go(struct fetch *fetch)
{
    struct transfer *transfer = fetch->transfer;
    if (stopped(fetch))
        return FETCH_ENDED;
    pthread_mutex_lock(&transfer->lock);
    transfer->first = NULL;
    int result = lay_out(fetch);
    pthread_mutex_unlock(&transfer->lock);
    fetch->state = FETCH_BODY;
    fetch->last_byte = fetch->flushed = fetch->window_start = monotonic();
    if (result != 0)
        error_set(&fetch->error, -result, fetch->url.text, "%s", ldl_kind_text(-result));
    if (fetch->ended || result != 0) {
        end_body(fetch, fetch->code);
        return FETCH_ENDED;
    }
    curl_easy_pause(fetch->easy, CURLPAUSE_CONT);
    return FETCH_KEEP;
}

void fetch_resume(struct fetch *fetch)
{
    fetch->resume_at = 0;
    fetch->last_byte = monotonic();
    curl_easy_pause(fetch->easy, CURLPAUSE_CONT);
}

/* Watchdogs */

static void late(struct fetch *fetch, int kind, const char *what, double seconds)
{
    error_set(&fetch->error, kind, fetch->url.text, "%s for %.3g s", what, seconds);
}

static void watch_head(struct fetch *fetch, double now)
{
    const struct ldl_request *options = &fetch->transfer->request.options;
    double waited = now - fetch->asked;
    if (!connected(fetch) && waited > options->connect_timeout)
        late(fetch, LDL_TIMEOUT, "no connection", waited);
    else if (waited > options->first_byte_timeout)
        late(fetch, LDL_TIMEOUT, "no answer", waited);
}

/* The mean rate of the other delivering streams, or 0 when there is none. */
static double siblings_rate(struct transfer *transfer, uint32_t stream)
{
    double sum = 0;
    int count = 0;
    for (int i = 0; i < transfer->plan.count; i++) {
        const struct chunk *chunk = &transfer->plan.list[i];
        if (chunk->owner && chunk->owner != stream) {
            sum += chunk->rate;
            count++;
        }
    }
    return count ? sum / count : 0;
}

/* Slow alone is not a fault; slow where others are fast is one (H57). */
static void watch_rate(struct fetch *fetch, double now)
{
    struct transfer *transfer = fetch->transfer;
    if (now - fetch->window_start < WINDOW)
        return;
    double rate = (double) fetch->window_bytes / (now - fetch->window_start);
    fetch->window_start = now;
    fetch->window_bytes = 0;
    pthread_mutex_lock(&transfer->lock);
    double others = siblings_rate(transfer, fetch->stream);
    pthread_mutex_unlock(&transfer->lock);
    if (rate * SLOW_SHARE < others)
        late(fetch, LDL_STALLED, "far slower than the other connections", WINDOW);
}

static void watch_body(struct fetch *fetch, double now)
{
    double silent = now - fetch->last_byte;
    if (fetch->resume_at > 0)
        return;
    if (fetch->used > 0 && now - fetch->flushed > FLUSH_AFTER)
        flush(fetch);
    if (silent > fetch->transfer->request.options.stall_timeout)
        late(fetch, LDL_STALLED, "no byte came", silent);
    else
        watch_rate(fetch, now);
}

static bool still_wanted(struct fetch *fetch)
{
    struct transfer *transfer = fetch->transfer;
    pthread_mutex_lock(&transfer->lock);
    bool wanted = !transfer->restarting && transfer->state != LDL_PUBLISHING
                  && (fetch->state != FETCH_BODY || chunk_owns(&transfer->plan, fetch->stream));
    pthread_mutex_unlock(&transfer->lock);
    return wanted;
}

bool fetch_watch(struct fetch *fetch, double now)
{
    if (stopped(fetch) || !still_wanted(fetch))
        return false;
    if (fetch->state == FETCH_BODY)
        watch_body(fetch, now);
    else if (fetch->state != FETCH_PARKED)
        watch_head(fetch, now);
    return !stopped(fetch);
}

/* Did it bring enough to go on at once? A stream from byte 0 has to come further than those before it (H54). */
static bool made_progress(struct fetch *fetch)
{
    struct transfer *transfer = fetch->transfer;
    int64_t total = transfer->known.total; /* the first request asks for all, whatever that is */
    int64_t asked = (total >= 0 && total < fetch->ask.end ? total : fetch->ask.end) - fetch->ask.first;
    int64_t gained = fetch->received;
    if (!transfer->ranges) {
        gained = fetch->position - transfer->furthest;
        transfer->furthest = gained > 0 ? fetch->position : transfer->furthest;
    }
    return gained >= enough(asked) && gained > 0;
}

static void describe_fault(struct fetch *fetch, struct span rest, int attempt, bool progress)
{
    struct transfer *transfer = fetch->transfer;
    fetch->note->single_use = true;
    fetch->note->generation = transfer->generation;
    fetch->note->event = (struct ldl_event){
        .error = fetch->error,
        .stage = LDL_STAGE_REQUEST,
        .first = rest.first,
        .last = rest.end == INT64_MAX ? -1 : rest.end - 1,
        .received = fetch->received,
        .attempt = attempt,
        .progress = progress,
        .extra = fetch->purpose == FETCH_RANGE && transfer->accepted > 0,
        .redirected = fetch->redirected,
        .active = atomic_load(&transfer->delivering),
    };
}

/* Attempts at streams that begin at byte 0 are counted here; those at ranges in the plan. */
static int count_attempt(struct fetch *fetch, bool progress, int in_plan)
{
    struct transfer *transfer = fetch->transfer;
    if (transfer->ranges && transfer->state == LDL_RUNNING)
        return in_plan;
    transfer->attempt = progress ? 1 : transfer->attempt + 1;
    return transfer->attempt;
}

/* An answer may be shorter than what was asked; one that brings next to nothing is a failed try (H5). */
static void check_share(struct fetch *fetch, bool progress)
{
    struct transfer *transfer = fetch->transfer;
    if (progress || !fetch->ended || stopped(fetch) || transfer->state != LDL_RUNNING
        || !chunk_owns(&transfer->plan, fetch->stream))
        return; /* of a range, what its answer leaves was set free when it was accepted */
    error_set(&fetch->error, LDL_SHORT_BODY, fetch->url.text, "the answer had only %lld of the bytes asked for",
              (long long) fetch->received);
}

/* Gives its part back. Returns whether a fault is to be posted. Transfer lock held. */
static bool give_back(struct fetch *fetch)
{
    struct transfer *transfer = fetch->transfer;
    bool progress = made_progress(fetch);
    check_share(fetch, progress);
    bool fault = fetch->error.kind != LDL_OK && !atomic_load(&transfer->over) && !transfer->restarting
                 && transfer->state != LDL_PUBLISHING;
    struct span rest = fetch->ask;
    int attempt = 0;
    if (transfer->state == LDL_RUNNING)
        attempt = chunk_release(&transfer->plan, fetch->stream, fault ? CHUNK_PARKED : CHUNK_FREE, progress,
                                &rest);
    if (fault) {
        describe_fault(fetch, rest, count_attempt(fetch, progress, attempt), progress);
        transfer->held++;
    }
    return fault;
}

static void free_fetch(struct fetch *fetch)
{
    send_clear(fetch);
    if (fetch->easy)
        curl_easy_cleanup(fetch->easy);
    for (int i = 0; i < fetch->hops; i++)
        free(fetch->visited[i]);
    free(fetch->visited);
    free(fetch->location);
    free(fetch->buffer);
    free(fetch->note);
    url_free(&fetch->url);
    free(fetch);
}

void fetch_leave(struct fetch *fetch)
{
    struct transfer *transfer = fetch->transfer;
    if (fetch->delivering)
        atomic_fetch_sub(&transfer->delivering, 1);
    pthread_mutex_lock(&transfer->lock);
    if (transfer->first == fetch)
        transfer->first = NULL;
    bool fault = give_back(fetch);
    transfer->active--;
    transfer->streams_on[fetch->loop]--;
    transfer_check_complete(transfer);
    transfer_settle(transfer);
    pthread_mutex_unlock(&transfer->lock);
    if (fault) {
        transfer_post(transfer, fetch->note, LDL_EVENT_FAULT);
        fetch->note = NULL; /* the owner's now */
    }
    transfer_schedule(transfer);
    free_fetch(fetch);
    transfer_unref(transfer);
}
