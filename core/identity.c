/* identity.c: what a representation is known by, and whether two answers speak of the same one.
 * SPDX-License-Identifier: MIT */
#include "identity.h"

#include <string.h>

void identity_clear(struct identity *identity)
{
    *identity =
        (struct identity){.total = -1, .etag_strength = ETAG_NONE, .last_modified = -1, .date = -1};
}

bool identity_total_differs(const struct identity *known, const struct identity *seen)
{
    return known->total >= 0 && seen->total >= 0 && known->total != seen->total;
}

static bool both_have_etags(const struct identity *known, const struct identity *seen)
{
    return known->etag_strength != ETAG_NONE && seen->etag_strength != ETAG_NONE;
}

bool identity_etag_matches(const struct identity *known, const struct identity *seen)
{
    return both_have_etags(known, seen) && strcmp(known->etag, seen->etag) == 0;
}

bool identity_etag_differs(const struct identity *known, const struct identity *seen)
{
    return both_have_etags(known, seen) && strcmp(known->etag, seen->etag) != 0;
}

bool identity_etag_gone(const struct identity *known, const struct identity *seen)
{
    return known->etag_strength != ETAG_NONE && seen->etag_strength == ETAG_NONE;
}

/* Times that don't count as strong differ where the server stamps each answer with the present:
 * the same bytes outdo them. */
bool identity_time_differs(const struct identity *known, const struct identity *seen)
{
    if (known->last_modified < 0 || seen->last_modified < 0
        || known->last_modified == seen->last_modified)
        return false;
    return known->last_modified_strong || seen->last_modified_strong
           || !identity_proven(known, seen);
}

bool identity_proven(const struct identity *known, const struct identity *seen)
{
    return known->etag_strength == ETAG_STRONG && seen->etag_strength == ETAG_STRONG
           && identity_etag_matches(known, seen);
}

bool identity_time_vouches(const struct identity *known, const struct identity *seen)
{
    return known->last_modified_strong && seen->last_modified_strong
           && known->last_modified == seen->last_modified;
}

bool identity_shown(const struct identity *known, const struct identity *seen)
{
    return identity_proven(known, seen)
           || (known->etag_strength == ETAG_NONE && identity_time_vouches(known, seen));
}

/* A Last-Modified counts where there is no ETag, RFC 9110, 8.8.2.2. */
bool identity_has_validator(const struct identity *identity)
{
    return identity->etag_strength == ETAG_STRONG
           || (identity->etag_strength == ETAG_NONE && identity->last_modified_strong);
}

void identity_complete(struct identity *known, const struct identity *seen)
{
    if (known->total < 0)
        known->total = seen->total;
    if (known->etag_strength == ETAG_NONE) {
        known->etag_strength = seen->etag_strength;
        memcpy(known->etag, seen->etag, sizeof known->etag);
    }
    bool stronger = known->last_modified == seen->last_modified && seen->last_modified_strong;
    if (known->last_modified < 0 || stronger) {
        known->last_modified = seen->last_modified;
        known->last_modified_strong = seen->last_modified_strong;
        known->date = seen->date;
    }
}

bool identity_flipped(const struct identity *known, const struct identity *seen)
{
    return (identity_etag_differs(known, seen) || identity_etag_gone(known, seen))
           && identity_time_vouches(known, seen) && known->total >= 0
           && known->total == seen->total;
}

bool identity_agrees(const struct identity *known, const struct identity *seen)
{
    return !identity_total_differs(known, seen) && !identity_time_differs(known, seen)
           && !identity_etag_differs(known, seen) && !identity_etag_gone(known, seen);
}
