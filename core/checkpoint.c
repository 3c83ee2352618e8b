/* checkpoint.c: what is written is made stable, and then counted in the journal.
 * SPDX-License-Identifier: MIT
 *
 * The order is all: a snapshot of what was written, then the sync of the part, then the slot and its sync. So each byte
 * that a valid slot counts was in the file before its sync began.
 */
#include "checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edges.h"

/* Begin */

static bool deserves(const struct transfer *transfer)
{
    int64_t total = transfer->known.total;
    return !transfer->request.options.no_resume && !transfer_is_part(transfer)
           && (total < 0 || total > CHECKPOINT_WORTH);
}

static int describe(struct transfer *transfer)
{
    struct journal *journal = &transfer->record.journal;
    const char *url = transfer->request.url.text;
    journal_free(journal);
    journal->identity = transfer->known;
    journal->date = transfer->known.date;
    journal->ranges_ok = transfer->ranges;
    journal->block_shift = journal_block_shift(transfer->known.total);
    journal->url_hash = journal_hash(url, strlen(url));
    journal->url = strdup(url);
    sums_free(&transfer->sums);
    int result = sums_init(&transfer->sums, transfer->known.total, journal->block_shift);
    return journal->url ? result : -LDL_NO_MEMORY;
}

int checkpoint_begin(struct transfer *transfer)
{
    struct file *file = &transfer->file;
    pthread_mutex_lock(&transfer->lock);
    bool wanted = deserves(transfer);
    bool known = transfer->known.total >= 0; /* else it may turn out too small to deserve a sync */
    int result = wanted ? describe(transfer) : 0;
    pthread_mutex_unlock(&transfer->lock);
    transfer->checkpointed = 0;
    if (wanted && result == 0)
        result = record_create(&transfer->record, file->dirfd, file->part, known);
    return result;
}

/* Snapshot */

static int copy_extents(const struct plan *plan, struct journal *journal)
{
    int count = plan_extents(plan, NULL, 0);
    struct ldl_extent *list = malloc((size_t) (count + 1) * sizeof *list);
    if (!list)
        return -LDL_NO_MEMORY;
    plan_extents(plan, list, count);
    free(journal->extents);
    journal->extents = list;
    journal->extent_count = (size_t) count;
    return 0;
}

static int copy_sums(const struct block_sums *sums, struct journal *journal)
{
    if (!sums->list) {
        journal->block_shift = journal_late_shift(journal->identity.total);
        return 0;
    }
    if (!journal->hashes)
        journal->hashes = calloc((size_t) sums->count, sizeof *journal->hashes);
    if (!journal->hashes)
        return -LDL_NO_MEMORY;
    for (int64_t i = 0; i < sums->count; i++)
        journal->hashes[i] = sums->list[i];
    journal->block_shift = sums->shift;
    return 0;
}

/* Transfer lock held. */
static int snapshot(struct transfer *transfer)
{
    struct journal *journal = &transfer->record.journal;
    journal->identity = transfer->known;
    journal->date = transfer->known.date;
    journal->ranges_ok = transfer->ranges;
    journal->committed = false; /* an earlier run's may not have been whole */
    int result = copy_extents(&transfer->plan, journal);
    return result == 0 ? copy_sums(&transfer->sums, journal) : result;
}

/* A stream that began within a block has no sum of it. */
static void read_missing_sums(struct transfer *transfer)
{
    struct journal *journal = &transfer->record.journal;
    size_t size = (size_t) 1 << journal->block_shift;
    char *block = NULL;
    for (size_t i = 0; journal->hashes && i < journal->extent_count; i++) {
        struct ldl_extent within = journal_blocks_in(journal, journal->extents[i]);
        for (int64_t number = within.start; number < within.end; number++) {
            struct ldl_extent bytes = journal_block(journal, number);
            size_t length = (size_t) (bytes.end - bytes.start);
            int errnum;
            if (journal->hashes[number] != 0 || (!block && !(block = malloc(size)))
                || file_read(&transfer->file, block, length, bytes.start, &errnum) != 0)
                continue;
            journal->hashes[number] = journal_hash(block, length);
            transfer->sums.list[number] = journal->hashes[number];
        }
    }
    free(block);
}

static void sum_edges(struct transfer *transfer)
{
    struct journal *journal = &transfer->record.journal;
    if (!journal->hashes || edges_sum(&transfer->file, journal, &journal->edges) != 0)
        journal->edges = 0;
}

static void complete_sums(struct transfer *transfer)
{
    read_missing_sums(transfer);
    sum_edges(transfer);
}

/* Count */

static void count(struct transfer *transfer)
{
    pthread_mutex_lock(&transfer->lock);
    transfer->recorded = true; /* before the slot may be there */
    pthread_mutex_unlock(&transfer->lock);
    if (record_write(&transfer->record) != 0)
        transfer_warn(transfer,
                      "the journal could not be written: not all of it could have been resumed");
}

/* What the first slot counts lies in a file whose name and size are stable, too. */
static int sync_part(struct transfer *transfer)
{
    struct record *record = &transfer->record;
    if (record->settled)
        return file_sync(&transfer->file);
    (void) record_settle(record); /* the journal first: a large part without one isn't ours */
    int result = file_sync_all(&transfer->file);
    record->settled = result == 0;
    return result;
}

/* A journal that was made for what turns out too small to deserve one stays as it is. */
static bool is_worth(const struct transfer *transfer, int64_t received)
{
    const struct record *record = &transfer->record;
    bool small = record->journal.identity.total < 0 && received <= CHECKPOINT_WORTH;
    return record_is_open(record) && !record->broken && !small;
}

int checkpoint_take(struct transfer *transfer)
{
    int64_t received = atomic_load(&transfer->received);
    if (received == transfer->checkpointed || !is_worth(transfer, received))
        return 0;
    pthread_mutex_lock(&transfer->lock);
    bool planned = transfer->state == LDL_RUNNING && !transfer->restarting;
    int result = planned ? snapshot(transfer) : 0;
    pthread_mutex_unlock(&transfer->lock);
    if (!planned || result != 0)
        return 0; /* out of memory: the next one may succeed */
    result = sync_part(transfer);
    if (result != 0)
        return result;
    complete_sums(transfer);
    count(transfer);
    transfer->checkpointed = received;
    return 0;
}

int checkpoint_adopt(struct transfer *transfer)
{
    struct file *file = &transfer->file;
    struct record *record = &transfer->record;
    pthread_mutex_lock(&transfer->lock);
    bool wanted = deserves(transfer);
    int result = wanted ? describe(transfer) : 0;
    if (wanted && result == 0)
        result = snapshot(transfer);
    pthread_mutex_unlock(&transfer->lock);
    if (wanted && result == 0)
        result = file_sync_all(file);
    if (!wanted || result != 0)
        return result;
    complete_sums(transfer);
    result = record_create(record, file->dirfd, file->part, true);
    file->errnum = record->errnum;
    pthread_mutex_lock(&transfer->lock);
    transfer->recorded = result == 0;
    pthread_mutex_unlock(&transfer->lock);
    return result;
}

void checkpoint_commit(struct transfer *transfer)
{
    struct journal *journal = &transfer->record.journal;
    if (!is_worth(transfer, atomic_load(&transfer->received)))
        return;
    pthread_mutex_lock(&transfer->lock);
    int result = snapshot(transfer);
    pthread_mutex_unlock(&transfer->lock);
    if (result != 0)
        return;
    complete_sums(transfer);
    journal->committed = true;
    snprintf(journal->name, sizeof journal->name, "%s", transfer->file.name);
    count(transfer);
}
