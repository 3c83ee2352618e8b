--- The engine for Lua, for editors; never loaded.
-- SPDX-License-Identifier: MIT
--
-- Failures are nil and a plain table { kind, message, ... }. Events are pulled; answers are calls.

---@meta luadl.core

local core = {}

--- The engine's version.
---@type string
core.version = nil

--- A running engine; its threads start with the first transfer.
---@param opts { loops: integer?, cookies: boolean? }?
---@return luadl.engine? engine
---@return luadl.core.failure? err
function core.session(opts) end

--- What this libcurl can do.
---@type { http2: boolean }
core.features = nil

--- Monotonic seconds.
---@return number
function core.now() end

--- The URL without user and password.
---@param url string
---@return string
function core.redact(url) end

--- How many bytes a file name may have.
---@param dir string? where
---@return integer? most
---@return luadl.core.failure? err
function core.name_max(dir) end

--- A date as HTTP has it (RFC 9110, section 5.6.7).
---@param text string
---@return integer? seconds since the epoch; nil: it is none
function core.date(text) end

--- Bytes of a charset as UTF-8.
---@param charset string
---@param bytes string
---@return string? text nil: an unknown charset, or not valid in it
function core.decode(charset, bytes) end

--- What the record beside a .part says.
---@param path string of the .part
---@return luadl.core.record? record
---@return luadl.core.failure? err
function core.journal(path) end

--- Why a call failed.
---@class luadl.core.failure
---@field kind luadl.error.kind
---@field message string
---@field url string?
---@field status integer?
---@field errno integer?
---@field curl_code integer?
---@field retry_after number? seconds
---@field retry_at number? seconds since the epoch
---@field unsent boolean? the server has seen nothing of the request

--- What the record of a .part says.
---@class luadl.core.record
---@field url string
---@field name string
---@field etag string?
---@field last_modified integer? seconds since the epoch
---@field total integer?
---@field received integer
---@field committed boolean

--- Where a file goes.
---@class luadl.core.target
---@field name string
---@field dir string?
---@field replace boolean? a file of this name is replaced
---@field restart boolean? what an earlier run left is dropped

--- An engine: transfers are integers, which are never used anew.
---@class luadl.engine
local engine = {}

--- A new transfer; "head" and "done", or "fault", follow.
---@param request table as luadl.download makes it
---@return integer? id
---@return luadl.core.failure? err
function engine:new(request) end

--- What is asked of many URLs: checked and copied once.
---@param request table as for `new`; its URL and target count for nothing
---@return userdata? model
---@return luadl.core.failure? err
function engine:model(request) end

--- A new transfer: the model's request, of this URL. "head" comes only if the server names the
--- file, too.
---@param model userdata
---@param url string
---@param dir string? nil: the current folder
---@param name string
---@return integer? id
---@return luadl.core.failure? err
function engine:like(model, url, dir, name) end

--- Answers "head", or "fault" of the stages "open" and "publish": where to write.
---@param id integer
---@param target luadl.core.target? nil where it is read in order
---@return boolean? ok
---@return luadl.core.failure? err
function engine:start(id, target) end

--- The next bytes of what is read in order.
---@param id integer
---@param most integer
---@return string? bytes nil: none now; "data" follows, or "done" after the last byte
function engine:read(id, most) end

--- Answers "fault" of the stage "request": this range again.
---@param id integer
---@param range luadl.range
---@param change luadl.change|luadl.attempt.changes|nil
---@return boolean? ok
---@return luadl.core.failure? err
function engine:retry(id, range, change) end

--- Requests ask this URL from now on.
---@param id integer
---@param url string
---@return boolean? ok
---@return luadl.core.failure? err
function engine:renew(id, url) end

--- Answers "verify": the complete file is right.
---@param id integer
---@return boolean? ok
---@return luadl.core.failure? err
function engine:accept(id) end

--- Ends it; "done" follows in every case, exactly once.
---@param id integer
---@param reason { kind: luadl.error.kind, message: string? }?
---@return boolean? ok
---@return luadl.core.failure? err
function engine:cancel(id, reason) end

--- How many connections it may have from now on.
---@param id integer
---@param count integer
---@return boolean? ok
---@return luadl.core.failure? err
function engine:connections(id, count) end

--- No further connections for so long: what runs goes on. A retry or another URL ends it.
---@param id integer
---@param seconds number
---@return boolean? ok
---@return luadl.core.failure? err
function engine:hold(id, seconds) end

--- Bounds the speed.
---@param id integer 0: of the whole session
---@param rate number bytes per second; 0: no bound
---@return boolean? ok
---@return luadl.core.failure? err
function engine:limit(id, rate) end

--- Bounds the speed of all that comes from a host.
---@param host string? its name; nil: each host that has no bound of its own
---@param rate number bytes per second; 0: no bound
---@return boolean? ok
---@return luadl.core.failure? err
function engine:limit_host(host, rate) end

--- Counters as they are now.
---@param id integer
---@param with_map boolean? also which bytes are there, and who brings more
---@return luadl.core.stat? stat
---@return luadl.core.failure? err
function engine:stat(id, with_map) end

--- A transfer's counters.
---@class luadl.core.stat
---@field state "waiting"|"parked"|"running"|"publishing"|"finished"
---@field received integer
---@field resumed integer
---@field total integer?
---@field connections integer
---@field elapsed number seconds
---@field extents luadl.range[]?
---@field streams integer[][]? each { stream, position, last }: its part's last byte, nil: unknown

--- The next event, if there is one.
---@return luadl.core.event?
function engine:next() end

--- What happened; further fields are those that the kind needs.
---@class luadl.core.event
---@field kind "head"|"fault"|"done"|"trace"|"verify"
---@field id integer

--- A descriptor that is readable when there are events; eight bytes written to it wake `wait`.
---@return integer
function engine:pollfd() end

--- Waits for an event.
---@param seconds number? nil: as long as it takes
---@return boolean came false: the time ran out, or a signal came
function engine:wait(seconds) end

--- Adds the cookies of a file to those that it shares.
---@param file string
---@return { read: integer, broken: integer, line: integer? }? found `line`: the first broken one
---@return luadl.core.failure? err
function engine:load_cookies(file) end

--- Writes them.
---@param file string
---@return boolean? ok
---@return luadl.core.failure? err
function engine:save_cookies(file) end

--- Drops what is known of a transfer, after its "done".
---@param id integer
---@return boolean? ok
---@return luadl.core.failure? err
function engine:forget(id) end

--- Ends all transfers and joins the threads.
function engine:close() end

return core
