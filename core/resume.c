/* resume.c: what an earlier run left beside the target: may it be gone on with?
 * SPDX-License-Identifier: MIT
 *
 * Only the journal is evidence, never a size (F18). What it counts is hashed again before it is believed, and belongs to
 * the identity that it names: whether the server still has that is shown later, see enum proof.
 */
#include "resume.h"

#include <stdlib.h>
#include <string.h>

#include "adoption.h"
#include "edges.h"

#define REUSE_MOST ((int64_t) 1 << 20)  /* a larger part without a journal isn't ours */
#define VERIFY_ALL ((int64_t) 1 << 30)  /* bytes held up to which each block is hashed again */
#define SAMPLES 64                      /* of more: blocks beside the gaps, and so many others */
#define HEAD_CHECK ((int64_t) 16 << 10) /* bytes to compare where no validator is strong (H25) */
#define TAIL_CHECK ((int64_t) 64 << 10)
#define ADOPTED_SAMPLES 8 /* of what nothing vouches for, further bytes are compared */

static int refuse(struct ldl_error *error, int kind, const char *why)
{
    error_set(error, kind, NULL, "%s", why);
    return -kind;
}

/* Reset */

int resume_reset(struct transfer *transfer)
{
    struct file *file = &transfer->file;
    int result = file_wipe(file);
    if (result == 0)
        result = record_discard(&transfer->record, file->dirfd, file->part);
    if (result != 0)
        return result;
    file->found = -1;
    pthread_mutex_lock(&transfer->lock);
    transfer->recorded = false;
    transfer->drop_part = false;
    pthread_mutex_unlock(&transfer->lock);
    return 0;
}

static int begin_at_zero(struct transfer *transfer, struct ldl_error *error)
{
    int result = resume_reset(transfer);
    if (result == 0)
        return RESUME_NOTHING;
    error_set(error, -result, NULL, "cannot empty %s: %s", transfer->file.part,
              strerror(transfer->file.errnum));
    return result;
}

/* Hash again */

struct survey {
    struct transfer *transfer;
    struct journal *journal;
    char *block;   /* room for one */
    bool strict;   /* what can't be hashed isn't believed either */
    int64_t bad;   /* blocks that were dropped */
    uint64_t seed; /* of the sample */
};

static int drop(struct survey *survey, struct ldl_extent bytes)
{
    survey->bad++;
    return journal_remove(survey->journal, bytes);
}

static bool is_intact(struct survey *survey, int64_t number)
{
    const struct journal *journal = survey->journal;
    struct ldl_extent block = journal_block(journal, number);
    size_t length = (size_t) (block.end - block.start);
    int errnum;
    if (journal->hashes[number] == 0)
        return !survey->strict;
    return file_read(&survey->transfer->file, survey->block, length, block.start, &errnum) == 0
           && journal_hash(survey->block, length) == journal->hashes[number];
}

static int check_block(struct survey *survey, int64_t number)
{
    if (atomic_load(&survey->transfer->over) || is_intact(survey, number))
        return 0;
    return drop(survey, journal_block(survey->journal, number));
}

static int check_all(struct survey *survey)
{
    const struct journal *journal = survey->journal;
    int64_t count = journal_block_count(journal);
    int result = 0;
    for (int64_t number = 0; result == 0 && number < count; number++) {
        struct ldl_extent block = journal_block(journal, number);
        bool held = false;
        for (size_t i = 0; !held && i < journal->extent_count; i++)
            held = journal->extents[i].start <= block.start && block.end <= journal->extents[i].end;
        if (held)
            result = check_block(survey, number);
    }
    return result;
}

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Blocks beside the gaps, where a crash would show, and some of the others. */
static int64_t count_bad_sample(struct survey *survey)
{
    const struct journal *journal = survey->journal;
    int64_t bad = 0;
    for (size_t i = 0; i < journal->extent_count; i++) {
        struct ldl_extent blocks = journal_blocks_in(journal, journal->extents[i]);
        int64_t count = blocks.end - blocks.start;
        if (count == 0)
            continue;
        bad += !is_intact(survey, blocks.start) || !is_intact(survey, blocks.end - 1);
        for (int sample = 0; sample < SAMPLES / (int) journal->extent_count + 1; sample++)
            bad += !is_intact(
                survey, blocks.start + (int64_t) (next_random(&survey->seed) % (uint64_t) count));
    }
    return bad;
}

static int64_t held_bytes(const struct journal *journal)
{
    int64_t sum = 0;
    for (size_t i = 0; i < journal->extent_count; i++)
        sum += journal->extents[i].end - journal->extents[i].start;
    return sum;
}

static bool wants_all(const struct survey *survey)
{
    return survey->strict || held_bytes(survey->journal) <= VERIFY_ALL
           || survey->transfer->request.options.resume_check == LDL_CHECK_ALL;
}

/* One sum vouches for all of them: where it is wrong, nothing says which are right. */
static void check_edges(struct survey *survey)
{
    struct journal *journal = survey->journal;
    uint64_t sum;
    if (edges_sum(&survey->transfer->file, journal, &sum) == 0 && sum == journal->edges)
        return;
    survey->bad++;
    journal_remove_edges(journal);
}

static int hash_again(struct survey *survey)
{
    if (!survey->journal->hashes)
        return 0;
    survey->block = malloc((size_t) 1 << survey->journal->block_shift);
    if (!survey->block)
        return -LDL_NO_MEMORY;
    int result = 0;
    if (wants_all(survey) || count_bad_sample(survey) > 0)
        result = check_all(survey);
    free(survey->block);
    return result;
}

/* A part of another length than it was given was changed by somebody (F16): only sums count then. */
static int verify(struct transfer *transfer, struct journal *journal)
{
    int64_t size = transfer->file.found, total = journal->identity.total;
    struct survey survey = {.transfer = transfer,
                            .journal = journal,
                            .strict = total >= 0 && size != total,
                            .seed = (uint64_t) (monotonic() * 1e9) | 1};
    if (journal->hashes)
        check_edges(&survey);
    int result = journal_remove(journal, (struct ldl_extent){size, INT64_MAX});
    if (result == 0)
        result = hash_again(&survey);
    if (survey.bad > 0 || survey.strict)
        transfer_warn(transfer,
                      "the part was changed since; what was wrong in it was fetched again");
    return result;
}

/* Go on */

/* A validator that both have proves it at once, where a head was answered already. */
static int choose_proof(const struct transfer *transfer, const struct identity *known)
{
    if (!identity_has_validator(known))
        return PROOF_OVERLAP;
    if (!transfer->head)
        return PROOF_VALIDATOR;
    return identity_shown(known, &transfer->known) ? PROOF_NONE : PROOF_OVERLAP;
}

static void add_check(struct transfer *transfer, int64_t first, int64_t end)
{
    if (first < end && transfer->check_count < CHECKS_MOST)
        transfer->checks[transfer->check_count++] = (struct span){first, end};
}

/* The beginning of what is held, and the end of the extents before a gap. */
static void choose_checks(struct transfer *transfer, const struct journal *journal, size_t extents)
{
    transfer->check_count = 0;
    for (size_t i = 0; i < journal->extent_count && i < extents; i++) {
        struct ldl_extent extent = journal->extents[i];
        int64_t head = extent.start + HEAD_CHECK, tail = extent.end - TAIL_CHECK;
        if (i == 0)
            add_check(transfer, extent.start, head < extent.end ? head : extent.end);
        add_check(transfer, tail > extent.start ? tail : extent.start, extent.end);
    }
}

/* Anything may have been lost within it (a power cut), and it knows no sums. */
static void choose_samples(struct transfer *transfer, const struct journal *journal)
{
    uint64_t seed = (uint64_t) (monotonic() * 1e9) | 1;
    choose_checks(transfer, journal, CHECKS_MOST - ADOPTED_SAMPLES - 1);
    for (int i = 0; i < ADOPTED_SAMPLES; i++) {
        struct ldl_extent extent =
            journal->extents[next_random(&seed) % (uint64_t) journal->extent_count];
        int64_t room = extent.end - extent.start - TAIL_CHECK;
        if (room > 0) {
            int64_t first = extent.start + (int64_t) (next_random(&seed) % (uint64_t) room);
            add_check(transfer, first, first + TAIL_CHECK);
        }
    }
}

static int load_sums(struct transfer *transfer, const struct journal *journal)
{
    sums_free(&transfer->sums);
    int result = sums_init(&transfer->sums, journal->identity.total, journal->block_shift);
    for (int64_t i = 0; result == 0 && journal->hashes && i < transfer->sums.count; i++)
        transfer->sums.list[i] = journal->hashes[i];
    return result;
}

/* Transfer lock held. */
static int load_plan(struct transfer *transfer, const struct journal *journal)
{
    struct plan measured = transfer->plan;
    int result = plan_resume(&transfer->plan, journal->identity.total,
                             transfer->request.options.min_split, journal->extents,
                             journal->extent_count);
    transfer->plan.turnaround = measured.turnaround;
    transfer->plan.round_trip = measured.round_trip;
    plan_free(&measured);
    return result;
}

/* The journal keeps the hash of the first URL, and the last one. */
static int renew_url(const struct transfer *transfer, struct journal *journal)
{
    char *url = strdup(transfer->request.url.text);
    if (!url)
        return -LDL_NO_MEMORY;
    free(journal->url);
    journal->url = url;
    return 0;
}

/* Transfer lock held. */
static int take_over(struct transfer *transfer, struct journal *journal)
{
    struct identity known = journal->identity;
    known.date = journal->date;
    int proof = choose_proof(transfer, &known);
    int result = load_plan(transfer, journal);
    if (result == 0)
        result = load_sums(transfer, journal);
    if (result == 0)
        result = renew_url(transfer, journal);
    if (result != 0)
        return result;
    choose_checks(transfer, journal, 1);
    identity_complete(&known, &transfer->known);
    transfer->known = known;
    transfer->proof = plan_complete(&transfer->plan) ? PROOF_NONE : proof;
    transfer->ranges = true; /* the next answer shows it */
    transfer->recorded = true;
    transfer->length_verified = known.total >= 0;
    transfer->resumed = held_bytes(journal);
    transfer->checkpointed = transfer->resumed;
    atomic_store(&transfer->received, transfer->resumed);
    transfer->state = LDL_RUNNING;
    return 0;
}

/* The head that was answered, if there is one, must speak of the same resource. */
static bool agrees(struct transfer *transfer, const struct journal *journal)
{
    return !transfer->head || identity_agrees(&journal->identity, &transfer->known);
}

/* Perhaps the page of a login portal: no word about the resource, and no reason to drop anything (H30). */
static bool is_stranger(const struct transfer *transfer, const struct journal *journal)
{
    const struct identity *seen = &transfer->known;
    return transfer->head && transfer->head->status == 200 && seen->etag_strength == ETAG_NONE
           && seen->last_modified < 0
           && (strcmp(journal->identity.type, seen->type) != 0
               || identity_total_differs(&journal->identity, seen));
}

static bool is_same_url(const struct transfer *transfer, const struct journal *journal)
{
    const char *url = transfer->request.url.text;
    return transfer->request.options.renewed || journal->url_hash == journal_hash(url, strlen(url))
           || (journal->url && strcmp(journal->url, url) == 0);
}

static int go_on(struct transfer *transfer, struct ldl_error *error)
{
    struct journal *journal = &transfer->record.journal;
    if (verify(transfer, journal) != 0)
        return refuse(error, LDL_NO_MEMORY, ldl_kind_text(LDL_NO_MEMORY));
    if (journal->extent_count == 0)
        return begin_at_zero(transfer, error);
    int result = file_allocate(&transfer->file, journal->identity.total);
    if (result != 0) {
        error_set(error, -result, NULL, "cannot reserve space for %s: %s", transfer->file.path,
                  strerror(transfer->file.errnum));
        return RESUME_REFUSED;
    }
    pthread_mutex_lock(&transfer->lock);
    result = take_over(transfer, journal);
    pthread_mutex_unlock(&transfer->lock);
    return result == 0 ? RESUME_HELD : refuse(error, LDL_NO_MEMORY, ldl_kind_text(LDL_NO_MEMORY));
}

/* Adopt */

/* Nothing is known of it but what the server's bytes will show: until then it is neither grown nor counted. */
static int take_adopted(struct transfer *transfer, struct ldl_error *error)
{
    struct journal journal;
    if (!transfer->head)
        return RESUME_NOTHING; /* the first answer tells the length */
    int result = adoption_read(transfer, &journal, error);
    if (result != 0)
        return result;
    pthread_mutex_lock(&transfer->lock);
    result = journal.extent_count > 0 ? take_over(transfer, &journal) : -LDL_LOCAL_CHANGED;
    if (result == 0) {
        choose_samples(transfer, &journal);
        transfer->proof = PROOF_OVERLAP;
        transfer->adopted = true;
        transfer->recorded = false;
    }
    pthread_mutex_unlock(&transfer->lock);
    journal_free(&journal);
    if (result == -LDL_LOCAL_CHANGED)
        return refuse(error, LDL_LOCAL_CHANGED, "nothing of it is known to be complete");
    return result == 0 ? RESUME_HELD : refuse(error, LDL_NO_MEMORY, ldl_kind_text(LDL_NO_MEMORY));
}

/* Look */

static int refuse_for_good(struct ldl_error *error, int kind, const char *why)
{
    (void) refuse(error, kind, why);
    return RESUME_REFUSED;
}

static int judge_record(struct transfer *transfer, struct ldl_error *error)
{
    const struct journal *journal = &transfer->record.journal;
    const struct ldl_request *options = &transfer->request.options;
    if (journal->extent_count == 0)
        return begin_at_zero(transfer, error);
    if (options->no_resume || transfer_is_part(transfer))
        return refuse(error, LDL_EXISTS, "the .part of an earlier run is in the way");
    if (!is_same_url(transfer, journal))
        return refuse(error, LDL_EXISTS, "its .part belongs to another URL");
    if (!transfer_expects(transfer, &journal->identity, NULL, error))
        return RESUME_REFUSED;
    if (options->max_size > 0 && journal->identity.total > options->max_size)
        return refuse_for_good(error, LDL_TOO_LARGE, "it is larger than max_size");
    if (is_stranger(transfer, journal))
        return refuse_for_good(error, LDL_RANGE_IGNORED,
                               "the server sent something else than what its .part is from");
    if (!agrees(transfer, journal))
        return refuse(error, LDL_REMOTE_CHANGED,
                      "the server has another file than the .part is from");
    if (options->resume_check == LDL_CHECK_STRICT && !identity_has_validator(&journal->identity))
        return refuse_for_good(
            error, LDL_REMOTE_CHANGED,
            "no strong validator tells whether the server still has the same file");
    /* A server that sends the whole in any case has to: what is held is of no use. */
    return transfer->head && !transfer->ranges ? begin_at_zero(transfer, error)
                                               : go_on(transfer, error);
}

static int without_record(struct transfer *transfer, int found, struct ldl_error *error)
{
    if (found == RECORD_FOREIGN)
        return refuse(error, LDL_JOURNAL_CORRUPT,
                      "the journal of its .part was written by another version of luadl");
    if (found == -LDL_LOCKED)
        return refuse(error, LDL_LOCKED, ldl_kind_text(LDL_LOCKED));
    if (transfer->request.options.adopt)
        return take_adopted(transfer, error);
    if (transfer->file.found <= REUSE_MOST)
        return begin_at_zero(transfer, error);
    return refuse(error, LDL_JOURNAL_CORRUPT,
                  found == RECORD_NONE ? "its .part has no journal that says what it holds"
                                       : "the journal of its .part is damaged");
}

int resume_look(struct transfer *transfer, struct ldl_error *error)
{
    if (transfer->file.found < 0)
        return RESUME_NOTHING;
    int found = record_find(&transfer->record, transfer->file.dirfd, transfer->file.part);
    pthread_mutex_lock(&transfer->lock);
    bool drop_part = transfer->drop_part;
    pthread_mutex_unlock(&transfer->lock);
    if (drop_part && found != -LDL_LOCKED)
        return begin_at_zero(transfer, error);
    return found == 0 ? judge_record(transfer, error) : without_record(transfer, found, error);
}
