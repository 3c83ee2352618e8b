/* answer.c: is this response what we asked for? Status and headers in, verdict out.
 * SPDX-License-Identifier: MIT
 *
 * Checks run from what makes a response unreadable (framing) over what makes it another answer
 * (range) to what makes it another resource (identity): a wrong start says nothing about a change.
 */
#include "answer.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "field.h"

struct response {
    const struct asked *asked;
    const struct identity *known;
    struct fields fields;
    int status;
    struct answer *out;
};

/* Verdict and reason; false, so that a check can return it. */
__attribute__((format(printf, 4, 5))) static bool settle(struct response *response, int verdict,
                                                         int kind, const char *format, ...)
{
    struct answer *out = response->out;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out->reason, sizeof out->reason, format, arguments);
    va_end(arguments);
    out->verdict = verdict;
    out->kind = kind;
    return false;
}

#define refuse(response, kind, ...) settle(response, ANSWER_FAULT, kind, __VA_ARGS__)

struct text {
    char text[64];
};

static const char *server(const struct response *response)
{
    const char *host = response->asked->host;
    return host && *host ? host : "the server";
}

/* "bytes 100-199", "the whole" */
static struct text wanted(const struct asked *asked)
{
    struct text out;
    if (!asked->ranged)
        snprintf(out.text, sizeof out.text, "the whole");
    else if (asked->last < 0)
        snprintf(out.text, sizeof out.text, "bytes %" PRId64 "-", asked->first);
    else
        snprintf(out.text, sizeof out.text, "bytes %" PRId64 "-%" PRId64, asked->first,
                 asked->last);
    return out;
}

static struct text bytes(int64_t total)
{
    struct text out;
    if (total < 0)
        snprintf(out.text, sizeof out.text, "an unknown size");
    else
        snprintf(out.text, sizeof out.text, "%" PRId64 " bytes", total);
    return out;
}

/* "0-99 of 1000" */
static struct text sent(const struct content_range *range)
{
    struct text out;
    if (range->total < 0)
        snprintf(out.text, sizeof out.text, "%" PRId64 "-%" PRId64, range->first, range->last);
    else
        snprintf(out.text, sizeof out.text, "%" PRId64 "-%" PRId64 " of %" PRId64, range->first,
                 range->last, range->total);
    return out;
}

/* What the response says about itself. */

static void read_etag(const struct fields *fields, struct identity *seen)
{
    bool weak;
    if (field_etag(fields, seen->etag, sizeof seen->etag, &weak) == FIELD_OK)
        seen->etag_strength = weak ? ETAG_WEAK : ETAG_STRONG;
}

/* Files that were given no time say 1970: such a time tells a change, but never vouches. */
static void read_last_modified(const struct fields *fields, struct identity *seen)
{
    if (field_date(fields, "Last-Modified", &seen->last_modified) != FIELD_OK)
        return;
    seen->last_modified_strong = field_date(fields, "Date", &seen->date) == FIELD_OK
                                 && seen->last_modified > 0 && seen->last_modified < seen->date;
}

static void read_identity(struct response *response)
{
    struct identity *seen = &response->out->seen;
    read_etag(&response->fields, seen);
    read_last_modified(&response->fields, seen);
    field_media_type(&response->fields, seen->type, sizeof seen->type);
    field_content_coding(&response->fields, seen->coding, sizeof seen->coding);
}

/* Content-Length counts only without Transfer-Encoding (RFC 9112, 6.3). */
static bool framing_holds(struct response *response)
{
    struct answer *out = response->out;
    int chunked = field_transfer_encoding(&response->fields);
    if (chunked == FIELD_BAD)
        return refuse(response, LDL_ENCODING, "%s used a transfer encoding that was not asked for",
                      server(response));
    out->length_framed = true;
    if (chunked == FIELD_OK)
        return true;
    int length = field_content_length(&response->fields, &out->length);
    if (length == FIELD_BAD)
        return refuse(response, LDL_PROTOCOL, "%s sent a Content-Length that is not one number",
                      server(response));
    out->length_framed = length == FIELD_OK;
    return true;
}

/* Does it agree with what is known? */

static bool flip(struct response *response)
{
    return settle(response, ANSWER_FLIPPED, LDL_REMOTE_CHANGED,
                  "%s sent another ETag, with the same size and Last-Modified", server(response));
}

static bool changed(struct response *response)
{
    const struct identity *known = response->known, *seen = &response->out->seen;
    if (identity_total_differs(known, seen))
        return refuse(response, LDL_REMOTE_CHANGED, "the resource had %s, %s now says %s",
                      bytes(known->total).text, server(response), bytes(seen->total).text);
    const char *what = identity_time_differs(known, seen) ? "another Last-Modified"
                       : identity_etag_gone(known, seen)  ? "no ETag any more"
                                                          : "another ETag";
    return refuse(response, LDL_REMOTE_CHANGED, "the resource changed: %s sent %s",
                  server(response), what);
}

static bool coding_joins(struct response *response)
{
    const struct identity *known = response->known, *seen = &response->out->seen;
    if (strcmp(known->coding, seen->coding) == 0)
        return true;
    if (seen->coding[0])
        return refuse(response, LDL_ENCODING, "%s sent content coding %s instead of %s",
                      server(response), seen->coding,
                      known->coding[0] ? known->coding : "identity");
    /* A 206 may leave out what its ETag implies (RFC 9110, 15.3.7). */
    return identity_proven(known, seen)
           || refuse(response, LDL_REMOTE_CHANGED, "the content coding was %s, %s now sends none",
                     known->coding, server(response));
}

static bool size_allowed(struct response *response)
{
    int64_t total = response->out->seen.total, most = response->asked->max_size;
    return most <= 0 || total <= most
           || refuse(response, LDL_TOO_LARGE, "%s has %s, more than the %s allowed",
                     server(response), bytes(total).text, bytes(most).text);
}

/* 206 */

static bool range_mismatch(struct response *response, const char *what)
{
    return refuse(response, LDL_RANGE_MISMATCH, "asked for %s, %s sent %s",
                  wanted(response->asked).text, server(response), what);
}

static bool range_readable(struct response *response, struct content_range *range)
{
    if (!response->asked->ranged)
        return range_mismatch(response, "a part");
    if (strcmp(response->out->seen.type, "multipart/byteranges") == 0)
        return range_mismatch(response, "several parts");
    switch (field_content_range(&response->fields, range)) {
    case FIELD_ABSENT: return range_mismatch(response, "a part without Content-Range");
    case FIELD_BAD: return range_mismatch(response, "an unusable Content-Range");
    default: return range->first >= 0 || range_mismatch(response, "no range");
    }
}

/* Without a total in the answer, the range must lie in the total that is known. */
static bool total_readable(struct response *response, const struct content_range *range)
{
    const struct asked *asked = response->asked;
    int64_t known = asked->joining ? response->known->total : -1;
    response->out->seen.total = range->total;
    return range->total >= 0 || range->last < known
           || range_mismatch(response, "a range without the total");
}

static bool range_holds(struct response *response, const struct content_range *range)
{
    int64_t announced = response->out->length, length = range->last - range->first + 1;
    if (range->first != response->asked->first)
        return range_mismatch(response, sent(range).text);
    if (!total_readable(response, range))
        return false;
    return announced < 0 || announced == length
           || refuse(response, LDL_RANGE_MISMATCH, "%s sent %s with a Content-Length of %" PRId64,
                     server(response), sent(range).text, announced);
}

/* Offsets in coded bytes mean the same thing twice only under a strong ETag. */
static bool part_coding_holds(struct response *response)
{
    const struct identity *seen = &response->out->seen;
    return !seen->coding[0] || seen->etag_strength == ETAG_STRONG
           || refuse(response, LDL_ENCODING, "%s sent a part of %s coding without a strong ETag",
                     server(response), seen->coding);
}

static bool part_joins(struct response *response)
{
    const struct identity *known = response->known, *seen = &response->out->seen;
    if (!response->asked->joining)
        return true;
    if (!coding_joins(response))
        return false;
    if (identity_flipped(known, seen))
        return flip(response);
    return identity_agrees(known, seen) || changed(response);
}

static void judge_part(struct response *response)
{
    struct answer *out = response->out;
    const struct asked *asked = response->asked;
    struct content_range range;
    read_identity(response);
    if (!framing_holds(response) || !range_readable(response, &range)
        || !range_holds(response, &range) || !part_coding_holds(response) || !part_joins(response)
        || !size_allowed(response))
        return;
    out->verdict = ANSWER_RANGE;
    out->accepts_ranges = true;
    out->first = range.first;
    out->last = asked->last >= 0 && asked->last < range.last ? asked->last : range.last;
}

/* 200 */

static bool is_later(const struct asked *asked)
{
    return asked->ranged && asked->first > 0;
}

/* A total that is not announced is taken from a validator that is the same. */
static bool total_joins(const struct identity *known, const struct identity *seen)
{
    if (known->total < 0 || seen->total == known->total)
        return true;
    return seen->total < 0
           && (identity_etag_matches(known, seen) || identity_time_vouches(known, seen));
}

/* Perhaps the page of a login portal: a failed attempt and no word about the resource. */
static bool stranger(struct response *response)
{
    const struct identity *seen = &response->out->seen;
    return refuse(response, LDL_RANGE_IGNORED, "asked for %s, %s sent a whole %s of %s",
                  wanted(response->asked).text, server(response),
                  seen->type[0] ? seen->type : "body", bytes(seen->total).text);
}

static bool whole_joins(struct response *response)
{
    const struct identity *known = response->known, *seen = &response->out->seen;
    if (strcmp(known->type, seen->type) != 0)
        return stranger(response);
    if (!coding_joins(response))
        return false;
    if (identity_time_differs(known, seen))
        return changed(response);
    if (identity_etag_differs(known, seen))
        return identity_flipped(known, seen) ? flip(response) : changed(response);
    if (!total_joins(known, seen))
        return stranger(response);
    if (is_later(response->asked))
        return settle(response, ANSWER_IGNORED, LDL_RANGE_IGNORED,
                      "asked for %s, %s sent the whole: it ignores ranges",
                      wanted(response->asked).text, server(response));
    if (identity_etag_gone(known, seen))
        return identity_flipped(known, seen) ? flip(response) : stranger(response);
    return true;
}

/* Some applications send a part as 200: its Content-Range names a larger whole than the body is. */
static bool is_really_whole(struct response *response)
{
    struct content_range range;
    int64_t total = response->out->seen.total;
    if (field_content_range(&response->fields, &range) != FIELD_OK || range.total < 0)
        return true;
    bool complete = range.first == 0 && range.last + 1 == range.total;
    if (range.total == total || range.first < 0 || (total < 0 && complete))
        return true;
    return refuse(response, LDL_RANGE_MISMATCH, "%s sent %s as if it were the whole",
                  server(response), sent(&range).text);
}

static void judge_whole(struct response *response)
{
    struct answer *out = response->out;
    const struct asked *asked = response->asked;
    read_identity(response);
    if (!framing_holds(response))
        return;
    out->seen.total = out->length;
    out->accepts_ranges = field_offers_ranges(&response->fields);
    if (!is_really_whole(response) || (asked->joining && !whole_joins(response)))
        return;
    if (is_later(asked)) {
        stranger(response);
        return;
    }
    if (!size_allowed(response))
        return;
    out->verdict = ANSWER_WHOLE;
    out->first = 0;
    out->last = out->length > 0 ? out->length - 1 : -1;
}

/* Everything else has no bytes of the file. */

static int status_kind(const struct response *response)
{
    switch (response->status) {
    case 401:
    case 403:
    case 407: return LDL_AUTH;
    case 429: return LDL_RATE_LIMITED;
    case 503: return response->out->retry_after > 0 ? LDL_RATE_LIMITED : LDL_HTTP_STATUS;
    default: return LDL_HTTP_STATUS;
    }
}

static void judge_status(struct response *response)
{
    refuse(response, status_kind(response), "%s answered %d%s", server(response), response->status,
           response->asked->redirected ? " after a redirect" : "");
}

static void judge_redirect(struct response *response)
{
    struct answer *out = response->out;
    switch (field_location(&response->fields, &out->location)) {
    case FIELD_OK: out->verdict = ANSWER_REDIRECT; return;
    case FIELD_BAD:
        refuse(response, LDL_PROTOCOL, "%s redirected to several places at once", server(response));
        return;
    default:
        refuse(response, LDL_HTTP_STATUS, "%s answered %d without a Location", server(response),
               response->status);
    }
}

static void judge_unsatisfied(struct response *response)
{
    const struct asked *asked = response->asked;
    struct answer *out = response->out;
    struct content_range range;
    if (field_content_range(&response->fields, &range) == FIELD_OK && range.first < 0)
        out->seen.total = range.total;
    if (!asked->joining && asked->ranged && asked->first == 0)
        out->verdict = ANSWER_PLAIN;
    else if (asked->joining && identity_total_differs(response->known, &out->seen))
        changed(response);
    else
        refuse(response, LDL_HTTP_STATUS, "asked for %s, %s answered 416: no such range",
               wanted(asked).text, server(response));
}

static void answer_clear(struct answer *out)
{
    *out = (struct answer){.verdict = ANSWER_FAULT,
                           .kind = LDL_OK,
                           .last = -1,
                           .length = -1,
                           .retry_after = -1,
                           .retry_at = -1};
    identity_clear(&out->seen);
}

void answer_judge(const struct asked *asked, const struct identity *known, int status,
                  const struct ldl_header *headers, size_t count, double now, struct answer *out)
{
    struct response response = {asked, known, {headers, count}, status, out};
    answer_clear(out);
    field_retry_after(&response.fields, now, &out->retry_after, &out->retry_at);
    switch (status) {
    case 200: judge_whole(&response); break;
    case 206: judge_part(&response); break;
    case 301:
    case 302:
    case 303:
    case 307:
    case 308: judge_redirect(&response); break;
    case 416: judge_unsatisfied(&response); break;
    default: judge_status(&response);
    }
}
