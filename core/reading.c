/* reading.c: a transfer that is read in order: its plan, its reader, and what both say to each other.
 * SPDX-License-Identifier: MIT */
#include "reading.h"

#define PIECE_MOST ((int64_t) 16 << 20)

static int64_t first_of(const struct transfer *transfer)
{
    return transfer->request.options.range.start;
}

/* The plan */

/* Twice as many as there are connections: each finds another one when it has ended its own. */
static int64_t piece_of(const struct transfer *transfer)
{
    int64_t piece = transfer->window.size / (2 * (int64_t) transfer->connections);
    int64_t least = transfer->plan.min_split;
    piece = piece < PIECE_MOST ? piece : PIECE_MOST;
    return piece > least ? piece : least;
}

void reading_lay_out(struct transfer *transfer)
{
    struct window *window = &transfer->window;
    if (transfer_is_read(transfer))
        plan_read_in_order(&transfer->plan, piece_of(transfer), window->read + window->size);
}

bool reading_has_begun(const struct transfer *transfer)
{
    return transfer_is_read(transfer) && transfer->window.ring
           && transfer->window.read > first_of(transfer);
}

/* Its beginning was handed out, or may be at this moment: of another version it must not be. */
bool reading_may_join(const struct transfer *transfer, const struct identity *seen)
{
    int64_t missing = plan_first_missing(&transfer->plan);
    bool cut = seen->total >= 0 && seen->total < missing;
    return missing == first_of(transfer) || (!cut && identity_shown(&transfer->known, seen));
}

/* The reader */

/* What may be read, up to the first byte that is missing. */
static int64_t available(const struct transfer *transfer)
{
    bool planned = transfer->state == LDL_RUNNING || transfer->state == LDL_PUBLISHING;
    if (!planned || transfer->restarting)
        return 0;
    int64_t end = plan_complete(&transfer->plan) ? first_of(transfer) + transfer_length(transfer)
                                                 : plan_first_missing(&transfer->plan);
    return end - transfer->window.read;
}

void reading_tell(struct transfer *transfer)
{
    struct window *window = &transfer->window;
    if (!window->waiting || window->told || available(transfer) == 0)
        return;
    window->waiting = false;
    window->told = true;
    transfer_post(transfer, &transfer->data_note, LDL_EVENT_DATA);
}

void reading_heard(struct transfer *transfer)
{
    pthread_mutex_lock(&transfer->lock);
    transfer->window.told = false;
    pthread_mutex_unlock(&transfer->lock);
}

int reading_start(struct transfer *transfer)
{
    pthread_mutex_lock(&transfer->lock);
    bool asked = transfer->unanswered;
    bool over = atomic_load(&transfer->over);
    int result = !asked ? -LDL_USAGE : 0;
    if (result == 0 && !over)
        result =
            window_open(&transfer->window, transfer->request.options.ahead, first_of(transfer));
    if (result == 0)
        transfer->unanswered = false;
    pthread_mutex_unlock(&transfer->lock);
    if (result == 0)
        transfer_go(transfer);
    return result;
}

size_t reading_peek(struct transfer *transfer, const void **bytes)
{
    struct window *window = &transfer->window;
    const char *at = NULL;
    size_t count = 0;
    pthread_mutex_lock(&transfer->lock);
    int64_t length = window->ring ? available(transfer) : 0;
    window->waiting = length == 0;
    if (length > 0)
        count = window_at(window, window->read, length, &at);
    pthread_mutex_unlock(&transfer->lock);
    *bytes = at;
    return count;
}

int reading_consume(struct transfer *transfer, size_t count)
{
    struct window *window = &transfer->window;
    pthread_mutex_lock(&transfer->lock);
    bool there = window->ring && (int64_t) count <= available(transfer);
    if (there) {
        window->read += (int64_t) count;
        plan_move_edge(&transfer->plan, window->read + window->size, monotonic());
        transfer_check_read(transfer);
    }
    pthread_mutex_unlock(&transfer->lock);
    if (there)
        transfer_schedule(transfer);
    return there ? 0 : -LDL_USAGE;
}
