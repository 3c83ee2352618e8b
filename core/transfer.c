/* transfer.c: what the owner, the network threads and the disk thread share of one download.
 * SPDX-License-Identifier: MIT */
#include "transfer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

double monotonic(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double) now.tv_sec + (double) now.tv_nsec * 1e-9;
}

void error_set(struct ldl_error *error, int kind, const char *url, const char *format, ...)
{
    va_list arguments;
    *error = (struct ldl_error){.kind = kind, .retry_after = -1, .retry_at = -1};
    if (url)
        url_redact(url, error->url, sizeof error->url);
    va_start(arguments, format);
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
}

/* Heads */

static char *keep(char **at, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = memcpy(*at, text, size);
    *at += size;
    return copy;
}

struct head *head_new(const char *url, int status, const struct ldl_header *headers, size_t count)
{
    size_t size = sizeof(struct head) + count * sizeof *headers + strlen(url) + 1;
    for (size_t i = 0; i < count; i++)
        size += strlen(headers[i].name) + strlen(headers[i].value) + 2;
    struct head *head = malloc(size);
    if (!head)
        return NULL;
    char *at = (char *) &head->headers[count];
    atomic_init(&head->refs, 1);
    head->url = keep(&at, url);
    head->status = status;
    head->redirects = 0;
    head->address[0] = '\0';
    head->count = count;
    for (size_t i = 0; i < count; i++) {
        head->headers[i].name = keep(&at, headers[i].name);
        head->headers[i].value = keep(&at, headers[i].value);
    }
    return head;
}

struct head *head_ref(struct head *head)
{
    if (head)
        atomic_fetch_add(&head->refs, 1);
    return head;
}

void head_unref(struct head *head)
{
    if (head && atomic_fetch_sub(&head->refs, 1) == 1)
        free(head);
}

/* Transfers */

static char *in_folder(const struct transfer *transfer, const char *dir)
{
    char *folder = NULL;
    bool relative = !dir || dir[0] != '/';
    if (relative && transfer->began_in)
        return asprintf(&folder, "%s/%s", transfer->began_in, dir ? dir : "") < 0 ? NULL : folder;
    return strdup(dir && *dir ? dir : ".");
}

int transfer_set_target(struct transfer *transfer, const struct ldl_target *target)
{
    char *dir = target->dir ? strdup(target->dir) : NULL;
    char *name = strdup(target->name), *folder = in_folder(transfer, target->dir);
    if (!name || !folder || (target->dir && !dir)) {
        free(dir);
        free(name);
        free(folder);
        return -LDL_NO_MEMORY;
    }
    free(transfer->dir);
    free(transfer->name);
    free(transfer->folder);
    transfer->dir = dir;
    transfer->name = name;
    transfer->folder = folder;
    transfer->replace = target->exists == LDL_EXISTS_REPLACE;
    transfer->presumed = target->presumed;
    transfer->drop_part = transfer->drop_part || target->restart;
    transfer->has_target = true;
    return 0;
}

int transfer_new(struct ldl_model *model, const char *url, const struct ldl_target *target,
                 struct transfer **out)
{
    const struct ldl_request *options = &model->options;
    struct transfer *transfer = calloc(1, sizeof *transfer);
    if (!transfer)
        return -LDL_NO_MEMORY;
    atomic_init(&transfer->refs, 1);
    pthread_mutex_init(&transfer->lock, NULL);
    pthread_mutex_init(&transfer->writing, NULL);
    limit_init(&transfer->limit);
    file_init(&transfer->file);
    record_init(&transfer->record);
    transfer->sums.total = -1;
    identity_clear(&transfer->known);
    transfer->state = LDL_WAITING;
    transfer->started = monotonic();
    limit_set(&transfer->limit, options->limit_rate, transfer->started);
    transfer->began_in = getcwd(NULL, 0);
    transfer->drop_part = options->restart;
    int result = request_init(&transfer->request, model, url);
    if (result == 0 && target)
        result = transfer_set_target(transfer, target);
    if (result == 0 && !(transfer->url = strdup(transfer->request.url.text)))
        result = -LDL_NO_MEMORY;
    if (result != 0) {
        transfer_unref(transfer);
        return result;
    }
    transfer->connections = transfer->request.options.connections;
    transfer->asked_plain = !request_is_get(&transfer->request.options);
    transfer->deadline = options->deadline > 0 ? transfer->started + options->deadline : 0;
    *out = transfer;
    return 0;
}

void transfer_ref(struct transfer *transfer)
{
    atomic_fetch_add(&transfer->refs, 1);
}

void transfer_unref(struct transfer *transfer)
{
    if (atomic_fetch_sub(&transfer->refs, 1) != 1)
        return;
    file_close(&transfer->file, !record_is_open(&transfer->record) && transfer->file.found < 0);
    record_close(&transfer->record);
    sums_free(&transfer->sums);
    plan_free(&transfer->plan);
    window_close(&transfer->window);
    head_unref(transfer->head);
    head_unref(transfer->sent);
    request_free(&transfer->request);
    limit_destroy(&transfer->limit);
    pthread_mutex_destroy(&transfer->lock);
    pthread_mutex_destroy(&transfer->writing);
    free(transfer->url);
    free(transfer->user);
    free(transfer->link);
    free(transfer->pinned);
    free(transfer->began_in);
    free(transfer->folder);
    free(transfer->dir);
    free(transfer->name);
    free(transfer->path);
    free(transfer->whole);
    free(transfer->page);
    free(transfer->part_path);
    free(transfer);
}

static void post(struct queue *queue, struct message *message, struct transfer *transfer, int type)
{
    message->type = type;
    message->subject = transfer;
    transfer_ref(transfer);
    queue_push(queue, message);
}

void transfer_schedule(struct transfer *transfer)
{
    if (!atomic_exchange(&transfer->schedule_posted, true))
        post(transfer->home, &transfer->schedule, transfer, MESSAGE_SCHEDULE);
}

void transfer_go(struct transfer *transfer)
{
    post(transfer->home, &transfer->go, transfer, MESSAGE_GO);
}

void transfer_job(struct transfer *transfer, int type)
{
    transfer->disk_busy = true;
    post(transfer->disk, &transfer->job, transfer, type);
}

void transfer_post(struct transfer *transfer, struct note *note, int type)
{
    note->event.type = type;
    note->event.id = transfer->id;
    post(transfer->events, &note->message, transfer, type);
}

void transfer_tell_head(struct transfer *transfer, struct note *note)
{
    struct ldl_event *event = &note->event;
    note->head = head_ref(transfer->head);
    event->total = transfer_length(transfer);
    event->ranges = transfer->ranges;
    if (note->head) {
        event->url = note->head->url;
        event->status = note->head->status;
        event->redirects = note->head->redirects;
        event->address = note->head->address;
        event->headers = note->head->headers;
        event->header_count = note->head->count;
    }
}

static void describe_head(struct transfer *transfer, struct note *note)
{
    transfer_tell_head(transfer, note);
    note->event.received = atomic_load(&transfer->received);
}

static void describe_end(struct transfer *transfer, struct ldl_event *event)
{
    event->error = transfer->error;
    event->elapsed = (transfer->finished > 0 ? transfer->finished : monotonic())
                     - transfer->started;
    event->length_verified = transfer->length_verified;
    if (transfer->error.kind == LDL_OK && transfer->known.coding[0])
        event->content_encoding = transfer->known.coding; /* nobody changes it any more */
    event->warning = transfer->warning;
    event->path = transfer->path;
    event->body = transfer->page;
    event->body_length = transfer->page_used;
    event->resumed = transfer->resumed;
    event->resumable = transfer->resumable;
}

void transfer_done(struct transfer *transfer)
{
    if (atomic_exchange(&transfer->done_taken, true))
        return;
    pthread_mutex_lock(&transfer->lock);
    describe_head(transfer, &transfer->done_note);
    describe_end(transfer, &transfer->done_note.event);
    pthread_mutex_unlock(&transfer->lock);
    transfer_post(transfer, &transfer->done_note, LDL_EVENT_DONE);
}

void transfer_warn(struct transfer *transfer, const char *warning)
{
    pthread_mutex_lock(&transfer->lock);
    transfer->warning = warning;
    pthread_mutex_unlock(&transfer->lock);
}

/* Transfer lock held. */
static void end(struct transfer *transfer, const struct ldl_error *error)
{
    transfer->error = *error;
    transfer->over_since = monotonic();
    atomic_store(&transfer->over, true);
    transfer_settle(transfer);
}

void transfer_fail(struct transfer *transfer, const struct ldl_error *error)
{
    pthread_mutex_lock(&transfer->lock);
    if (transfer->committing) {
        transfer->missed = *error; /* counts if the rename fails */
    } else if (!atomic_load(&transfer->over)) {
        end(transfer, error);
    }
    pthread_mutex_unlock(&transfer->lock);
    transfer_schedule(transfer); /* its home sweeps the streams away */
}

void transfer_write_failed(struct transfer *transfer, int kind, int errnum)
{
    struct ldl_error error;
    error_set(&error, kind, NULL, "cannot write %s: %s", transfer->file.path,
              errnum ? strerror(errnum) : ldl_kind_text(kind));
    error.errnum = errnum;
    transfer_fail(transfer, &error);
}

void transfer_check_deadline(struct transfer *transfer, double now)
{
    struct ldl_error error;
    if (transfer->deadline == 0 || now < transfer->deadline || atomic_load(&transfer->over))
        return;
    error_set(&error, LDL_DEADLINE, transfer->request.url.text, "not complete after %.3g s",
              transfer->deadline - transfer->started);
    transfer_fail(transfer, &error);
}

bool transfer_expects(const struct transfer *transfer, const struct identity *seen, const char *url,
                      struct ldl_error *error)
{
    const struct ldl_request *options = &transfer->request.options;
    const char *type = options->expect_type;
    bool length = options->expect_size <= 0 || seen->total < 0
                  || seen->total == options->expect_size;
    bool right = length && (!type || strcasecmp(type, seen->type) == 0);
    if (!length)
        error_set(error, LDL_REMOTE_CHANGED, url, "expected %lld bytes, the server has %lld",
                  (long long) options->expect_size, (long long) seen->total);
    else if (!right)
        error_set(error, LDL_REMOTE_CHANGED, url, "expected %s, the server sends %s", type,
                  seen->type[0] ? seen->type : "no type");
    return right;
}

bool transfer_is_part(const struct transfer *transfer)
{
    return transfer->request.options.range.end > 0;
}

bool transfer_is_read(const struct transfer *transfer)
{
    return transfer->request.options.ahead > 0;
}

int64_t transfer_length(const struct transfer *transfer)
{
    const struct ldl_extent *range = &transfer->request.options.range;
    int64_t total = transfer->known.total;
    if (total < 0 || !transfer_is_part(transfer))
        return total;
    return (range->end < total ? range->end : total) - range->start;
}

bool transfer_may_stream(const struct transfer *transfer)
{
    int places = transfer->connections;
    if (transfer->hold_until > 0 && monotonic() < transfer->hold_until)
        return false;
    if (places > LAUNCH_AT_ONCE + transfer->accepted)
        places = LAUNCH_AT_ONCE + transfer->accepted;
    return transfer->active + transfer->held < places;
}

static void begin_again(struct transfer *transfer)
{
    transfer->restarting = false;
    transfer->state = LDL_WAITING;
    free(transfer->whole);
    transfer->whole = NULL;
    transfer->open_due = false;
    plan_free(&transfer->plan);
    identity_clear(&transfer->known);
    transfer->flips = 0;
    transfer->etags_vary = false;
    transfer->furthest = 0;
    transfer->proof = PROOF_NONE;
    transfer->resumed = 0;
    atomic_store(&transfer->received, 0);
    if (transfer->file.fd >= 0)
        transfer_job(transfer, JOB_RESET);
    else
        transfer_schedule(transfer);
}

void transfer_settle(struct transfer *transfer)
{
    if (transfer->active > 0 || transfer->disk_busy || transfer->state == LDL_FINISHED)
        return;
    if (atomic_load(&transfer->over))
        transfer_job(transfer, JOB_DISCARD);
    else if (transfer->restarting)
        begin_again(transfer);
}

void transfer_restart(struct transfer *transfer)
{
    transfer->restarting = true;
    transfer->generation++;
    transfer->held = 0;
    transfer_settle(transfer);
}

static bool names_file(const struct head *head)
{
    for (size_t i = 0; i < head->count; i++)
        if (strcasecmp(head->headers[i].name, "Content-Disposition") == 0)
            return true;
    return false;
}

/* Is there a target that counts? What was presumed is forgotten where the answer says other. */
static bool settle_target(struct transfer *transfer)
{
    if (transfer->presumed && names_file(transfer->head))
        transfer->has_target = false;
    transfer->presumed = false;
    return transfer->has_target;
}

static bool is_small(const struct transfer *transfer)
{
    int64_t length = transfer_length(transfer);
    return length > 0 && length <= SMALL_MOST && transfer->request.url.web;
}

void transfer_open_due(struct transfer *transfer)
{
    if (!transfer->open_due)
        return;
    transfer->open_due = false;
    transfer_job(transfer, JOB_OPEN);
}

/* Posts HEAD where it has to be answered. A target that is known is opened at once, or with a small body, which then takes
 * one way to the disk thread. */
void transfer_set_head(struct transfer *transfer, struct head *head)
{
    head_unref(transfer->head);
    transfer->head = head;
    transfer->state = LDL_PARKED;
    if (transfer->request.options.head_only)
        return; /* DONE tells it */
    if (settle_target(transfer)) {
        transfer->open_due = true;
        if (!is_small(transfer))
            transfer_open_due(transfer);
        return;
    }
    if (transfer->window.ring) { /* answered before that stream was lost */
        transfer_go(transfer);
        return;
    }
    transfer->unanswered = true;
    describe_head(transfer, &transfer->head_note);
    transfer_post(transfer, &transfer->head_note, LDL_EVENT_HEAD);
}

void transfer_begin_anew(struct transfer *transfer)
{
    pthread_mutex_lock(&transfer->lock);
    if (transfer->state == LDL_PARKED && !transfer->restarting)
        transfer->state = LDL_WAITING;
    pthread_mutex_unlock(&transfer->lock);
}

int transfer_plan_anew(struct transfer *transfer)
{
    plan_free(&transfer->plan);
    transfer->proof = PROOF_NONE;
    transfer->resumed = 0;
    atomic_store(&transfer->received, 0);
    return plan_init(&transfer->plan, transfer->known.total, transfer->request.options.min_split);
}

void transfer_proven(struct transfer *transfer)
{
    transfer->proof = PROOF_NONE;
    transfer->check_count = 0;
    plan_divide(&transfer->plan, transfer->connections);
}

void transfer_check_complete(struct transfer *transfer)
{
    if (transfer->state != LDL_RUNNING || transfer->proof != PROOF_NONE
        || atomic_load(&transfer->over) || transfer->restarting || !plan_complete(&transfer->plan))
        return;
    transfer->state = LDL_PUBLISHING;
    if (transfer_is_read(transfer))
        transfer_check_read(transfer);
    else
        transfer_job(transfer, JOB_PUBLISH);
}

void transfer_check_read(struct transfer *transfer)
{
    static const struct ldl_error none = {.kind = LDL_OK, .retry_after = -1, .retry_at = -1};
    int64_t last = transfer->request.options.range.start + transfer_length(transfer);
    if (transfer->state != LDL_PUBLISHING || atomic_load(&transfer->over)
        || transfer->window.read < last)
        return;
    end(transfer, &none);
    transfer_schedule(transfer);
}
