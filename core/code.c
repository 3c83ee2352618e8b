/* code.c: names and texts of the error kinds, from one table.
 * SPDX-License-Identifier: MIT */
#include "code.h"

#include <errno.h>

static const struct {
    const char *name, *text;
} kinds[LDL_KINDS] = {
    [LDL_OK] = {"ok", "no error"},
    [LDL_USAGE] = {"usage", "wrong use"},
    [LDL_BAD_URL] = {"bad_url", "not a usable URL"},
    [LDL_CLOSED] = {"closed", "the session is closed"},
    [LDL_CANCELLED] = {"cancelled", "cancelled"},
    [LDL_DEADLINE] = {"deadline", "the deadline passed"},
    [LDL_DNS] = {"dns", "the host name was not resolved"},
    [LDL_CONNECT] = {"connect", "no connection"},
    [LDL_TLS] = {"tls", "TLS failed"},
    [LDL_TLS_VERIFY] = {"tls_verify", "the server's certificate was not accepted"},
    [LDL_TIMEOUT] = {"timeout", "no answer in time"},
    [LDL_STALLED] = {"stalled", "no more bytes came"},
    [LDL_HTTP_STATUS] = {"http_status", "the server refused"},
    [LDL_NOT_FOUND] = {"not_found", "there is no such file"},
    [LDL_AUTH] = {"auth", "the server asks for authorisation"},
    [LDL_RATE_LIMITED] = {"rate_limited", "the server asks to slow down"},
    [LDL_REDIRECT_LIMIT] = {"redirect_limit", "too many redirects"},
    [LDL_REDIRECT_FORBIDDEN] = {"redirect_forbidden", "a redirect that is not followed"},
    [LDL_RANGE_IGNORED] = {"range_ignored", "the server ignores ranges"},
    [LDL_RANGE_MISMATCH] = {"range_mismatch", "not the range that was asked for"},
    [LDL_REMOTE_CHANGED] = {"remote_changed", "the resource changed"},
    [LDL_SHORT_BODY] = {"short_body", "the body ended early"},
    [LDL_OVERLONG_BODY] = {"overlong_body", "the body is longer than announced"},
    [LDL_PROTOCOL] = {"protocol", "not a valid HTTP response"},
    [LDL_ENCODING] = {"encoding", "an encoding that was not asked for"},
    [LDL_TOO_LARGE] = {"too_large", "larger than allowed"},
    [LDL_CHECKSUM] = {"checksum", "the checksum differs"},
    [LDL_NO_SPACE] = {"no_space", "no space left on the device"},
    [LDL_QUOTA] = {"quota", "the disk quota is used up"},
    [LDL_IO] = {"io", "the disk failed"},
    [LDL_READ_ONLY] = {"read_only", "the file system is read-only"},
    [LDL_PERMISSION] = {"permission", "not permitted"},
    [LDL_BAD_NAME] = {"bad_name", "not a usable file name"},
    [LDL_EXISTS] = {"exists", "the file exists"},
    [LDL_LOCKED] = {"locked", "another download writes this file"},
    [LDL_NOT_REGULAR] = {"not_regular", "not a regular file"},
    [LDL_LOCAL_CHANGED] = {"local_changed", "the partial file was changed by somebody else"},
    [LDL_JOURNAL_CORRUPT] = {"journal_corrupt", "the resume record is not usable"},
    [LDL_FD_LIMIT] = {"fd_limit", "too many open files"},
    [LDL_NO_MEMORY] = {"no_memory", "out of memory"},
    [LDL_CALLBACK] = {"callback", "a script failed"},
    [LDL_SCRIPT_BUDGET] = {"script_budget", "a script used up its budget"},
};

static int known(int kind)
{
    return kind >= 0 && kind < LDL_KINDS ? kind : LDL_USAGE;
}

const char *ldl_kind_name(int kind)
{
    return kinds[known(kind)].name;
}

const char *ldl_kind_text(int kind)
{
    return kinds[known(kind)].text;
}

int code_of_errno(int errnum)
{
    switch (errnum) {
    case ENOSPC: return LDL_NO_SPACE;
    case EDQUOT: return LDL_QUOTA;
    case EROFS: return LDL_READ_ONLY;
    case EACCES:
    case EPERM: return LDL_PERMISSION;
    case ENAMETOOLONG:
    case EINVAL: return LDL_BAD_NAME;
    case EEXIST:
    case EISDIR: return LDL_EXISTS;
    case ENOENT:
    case ENOTDIR: return LDL_BAD_NAME;
    case ELOOP: return LDL_NOT_REGULAR;
    case EFBIG: return LDL_TOO_LARGE;
    case EMFILE:
    case ENFILE: return LDL_FD_LIMIT;
    case ENOMEM: return LDL_NO_MEMORY;
    default: return LDL_IO;
    }
}
