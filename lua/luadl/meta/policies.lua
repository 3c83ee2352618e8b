--- What policies and observers are asked and told, for editors; never loaded.
-- SPDX-License-Identifier: MIT
--
-- nil is no opinion: the next script decides, then the default. Each may wait.

---@meta luadl.meta.policies

--- Which requests a URL stands for: a URL, options of a download, or a list of such; true: itself;
--- false: it is refused; an empty list: none.
---@alias luadl.policy.resolve fun(request: luadl.question, ctx: luadl.context): string|luadl.options.download|(string|luadl.options.download)[]|boolean|nil

--- What the next attempt sends otherwise, such as a signature or a fresh token.
---@alias luadl.policy.request fun(attempt: luadl.attempt, ctx: luadl.context): luadl.attempt.changes|false|nil

--- The file's name; it is made safe. False: the file is refused.
---@alias luadl.policy.name fun(head: luadl.head, ctx: luadl.context): string|false|nil

--- What to do where the name is taken; false is "fail".
---@alias luadl.policy.exists fun(found: luadl.found, ctx: luadl.context): "fail"|"rename"|"replace"|"skip"|false|nil

--- Whether to go on: true; false or a text, the reason, refuse; a table changes how.
---@alias luadl.policy.accept fun(head: luadl.head, ctx: luadl.context): boolean|string|luadl.policy.accepted|nil

--- Seconds until the next try, and what is different then; false: give up.
---@alias luadl.policy.retry fun(fault: luadl.fault, ctx: luadl.context): number|false|nil, luadl.change?

--- A fresh link to the same file; false: there is none.
---@alias luadl.policy.renew fun(fault: luadl.fault, ctx: luadl.context): string|false|nil

--- What to do when the file has changed on the server; false is "fail".
---@alias luadl.policy.changed fun(fault: luadl.fault, ctx: luadl.context): "restart"|"fail"|false|nil

--- Other URLs of the same file; false: there are none.
---@alias luadl.policy.mirror fun(fault: luadl.fault, ctx: luadl.context): string|string[]|false|nil

--- Whether the complete file at `path`, which has no name yet, is right: true; false or a text, the
--- reason, refuse.
---@alias luadl.policy.verify fun(path: string, file: luadl.candidate, ctx: luadl.context): boolean|string|nil

--- Called before the first request.
---@alias luadl.observer.start fun(download: luadl.download, ctx: luadl.context)

--- Called five times a second, and at the end.
---@alias luadl.observer.progress fun(stats: luadl.stats, ctx: luadl.context)

--- Called before another try is waited for.
---@alias luadl.observer.retry fun(fault: luadl.fault, delay: number, change: luadl.change?, ctx: luadl.context)

--- Called when the file is there.
---@alias luadl.observer.done fun(result: luadl.result, ctx: luadl.context)

--- Called when the download has failed.
---@alias luadl.observer.error fun(err: luadl.error, ctx: luadl.context)

--- Called for each step and each decision.
---@alias luadl.observer.trace fun(step: luadl.step, ctx: luadl.context)

--- What the policy `accept` may choose.
---@class luadl.policy.accepted
---@field connections integer? for this file

--- A URL that may stand for others.
---@class luadl.question
---@field url string
---@field dir string
---@field labels luadl.labels?

--- What is about to be sent.
---@class luadl.attempt
---@field url string
---@field headers luadl.headers the download's or fetch's own
---@field attempt integer from 1
---@field download luadl.download? nil: it is a fetch
---@field range luadl.range? of the attempt before
---@field error luadl.error? of the attempt before
---@field labels luadl.labels?

--- What is sent otherwise.
---@class luadl.attempt.changes
---@field url string?
---@field headers luadl.options.headers? in the place of their namesakes
---@field user string? "name:password"

--- What a server says of a file, before any byte of it is kept.
---@class luadl.head
---@field url string the one that answered, without credentials
---@field requested_url string
---@field status integer? none over ftp, sftp and file
---@field headers luadl.headers
---@field total integer? bytes; nil: the server doesn't say
---@field ranges boolean it can be fetched in parts
---@field etag string?
---@field last_modified string? as it was sent
---@field content_type string? in lower case, without parameters
---@field content_encoding string?
---@field labels luadl.labels?

--- A name that is taken.
---@class luadl.found
---@field path string
---@field error luadl.error
---@field head luadl.head? nil: the server wasn't asked yet

--- What went wrong, and how things stand.
---@class luadl.fault
---@field error luadl.error
---@field stage "request"|"open"|"publish" what failed
---@field url string? without credentials
---@field attempt integer which try of this range has failed, from 1
---@field progress boolean it brought bytes
---@field received integer bytes that it brought
---@field active integer other connections that bring bytes
---@field extra boolean it was an additional connection
---@field redirected boolean a redirect led to the URL that failed
---@field restarts integer how often the download has begun anew
---@field saved integer bytes that the download has
---@field renewable boolean there is a policy `renew`
---@field renewed_ago number? seconds since the last fresh link
---@field host_delay number seconds for which the host wants peace
---@field download luadl.download? nil: it is a fetch
---@field stream integer? which request of the download
---@field range luadl.range?
---@field labels luadl.labels?

--- What is done differently at the next try.
---@class luadl.change
---@field url string? ask this one
---@field renew boolean? with a fresh link
---@field restart boolean? from the beginning
---@field single boolean? as one stream
---@field fewer boolean? with fewer connections
---@field fresh boolean? on a new connection

--- A complete file that has no name yet.
---@class luadl.candidate
---@field path string where it is going to be
---@field size integer
---@field url string
---@field head luadl.head?
---@field labels luadl.labels?

--- Counters as they are now.
---@class luadl.stats
---@field state "waiting"|"parked"|"running"|"publishing"|"finished"
---@field received integer bytes of the file that are there
---@field resumed integer? those that an earlier run brought
---@field total integer? nil: not known
---@field connections integer
---@field elapsed number seconds
---@field speed number bytes per second, smoothed
---@field name string?
---@field path string?

--- A file that is there, complete.
---@class luadl.result
---@field path string
---@field elapsed number seconds
---@field size integer? bytes; nil: it was there, and skipped
---@field url string? the one that answered
---@field status integer? of its answer
---@field redirects integer? that led to it
---@field address string? of who answered
---@field content_type string? without parameters
---@field etag string?
---@field last_modified string?
---@field checksum string? as it was asked for, and is right
---@field resumed integer? bytes that an earlier run had brought
---@field length_verified boolean? the server said how long it is
---@field verified boolean? a checksum or the policy `verify` was right
---@field skipped boolean? it was there, and is untouched
---@field content_encoding string? the file is as it was sent, in this coding
---@field warnings string[]?
---@field labels luadl.labels?
