--- One download: answers the engine's head, fault and done with the policies, and tells observers.
-- SPDX-License-Identifier: MIT
--
-- Every answer is a task of its own, so a policy that waits or throws holds up or fails nothing but
-- its own download.

local errors = require("luadl.errors")
local filename = require("luadl.filename")
local headers = require("luadl.headers")
local retry = require("luadl.retry")
local target = require("luadl.target")

local download = {}

---@class luadl.download
local methods = {}
local metatable = { __name = "luadl.download", __index = methods }

local PROGRESS_INTERVAL = 0.2 -- seconds between two calls of on_progress
local SPEED_WINDOW = 0.5 -- seconds between two samples of the speed
local SMOOTHING = 0.4 -- how much a new sample counts
local RAMP = 30 -- seconds until one more connection is tried after a sign of a limit
local MOST_ALTERNATIVES = 10000

local DROPPED = "the file changed on the server: what an earlier run had brought was dropped"

local EXISTS = { fail = true, rename = true, replace = true, skip = true }
local CHANGED = { restart = true, fail = true }
local IN_THE_WAY = { exists = true, locked = true, journal_corrupt = true } -- another name is free
local BY_SCRIPT = { callback = true, script_budget = true } -- says more than the engine's reason
local EEXIST = 17

-- Errors

local function from_core(err)
  local facts = {}
  for name, fact in pairs(err) do
    if name ~= "kind" and name ~= "message" then facts[name] = fact end
  end
  return errors.new(err.kind, err.message, facts)
end

local function fail(self, err)
  self.reason = self.reason or err
  self.engine:cancel(self.id, { kind = err.kind, message = err.message })
end

-- `failed` is told what the task threw.
local function run_or(failed, self, what, work, ...)
  local task = self.loop:spawn_for(self, what, work, self, ...)
  self.loop:spawn(what, function()
    self.loop:await(task.ended)
    if task.failure then failed(self, task.failure) end
  end)
  return task
end

local function run(...)
  return run_or(fail, ...)
end

-- The head: name, place, start

local function describe_head(self, event)
  local fields = headers.new(event.headers)
  local kind = (fields:get("content-type") or ""):match("^%s*([^;%s]+)")
  return {
    url = event.url,
    requested_url = self.url,
    status = event.status,
    headers = fields,
    total = event.total,
    ranges = event.ranges,
    etag = fields:get("etag"),
    last_modified = fields:get("last-modified"),
    content_type = kind and kind:lower(),
    content_encoding = fields:get("content-encoding"),
  }
end

local function path_of(self)
  return target.join(self.target.dir, self.target.name)
end

-- `restart` drops what an earlier run left, never what this one has brought.
local function place(self, where)
  where.replace = where.replace or self.opts.exists == "replace"
  where.restart = where.restart or (self.opts.restart and not self.opened) or nil
  return where
end

local function start(self, where)
  self.target = place(self, where)
  local ok, err = self.engine:start(self.id, self.target)
  if not ok then fail(self, from_core(err)) end
end

local function warn(self, message)
  self.warnings[#self.warnings + 1] = message
end

local function answer_head(self, event)
  local head = describe_head(self, event)
  self.head = head
  local where, err
  if self.opts.output then
    where, err = target.explicit(self.opts)
  else
    where, err = target.chosen(self.core, self.opts, head)
  end
  if not where then return fail(self, err) end
  start(self, where)
end

-- The option's word, or its policy's: nil is no opinion, false is no.
local function decide(self, option, words, default, question)
  local word = self.opts[option]
  if type(word) ~= "function" then return word end
  word = word(question)
  if word == nil then return default end
  if word and not words[word] then
    error(("the %s policy answered '%s'"):format(option, tostring(word)), 0)
  end
  return word or "fail"
end

-- The file exists

local function decide_exists(self, err)
  local found = { path = path_of(self), error = err, head = self.head }
  return decide(self, "exists", EXISTS, "fail", found)
end

local function next_name(self)
  self.alternatives = self.alternatives + 1
  self.first_name = self.first_name or self.target.name
  local name_max = target.name_limit(self.core, self.opts.dir)
  return filename.alternative(self.first_name, self.alternatives, { name_max = name_max })
end

local exists = {}

function exists.fail(self, err)
  fail(self, err)
end

function exists.rename(self, err)
  if self.alternatives >= MOST_ALTERNATIVES then return fail(self, err) end
  start(self, { dir = self.target.dir, name = next_name(self) })
end

function exists.replace(self, err)
  if self.target.replace or err.kind ~= "exists" then return fail(self, err) end
  start(self, { dir = self.target.dir, name = self.target.name, replace = true })
end

-- A folder of this name isn't the file.
function exists.skip(self, err)
  if err.kind ~= "exists" or err.errno ~= EEXIST then return fail(self, err) end
  self.skipped = { path = path_of(self), skipped = true }
  self.engine:cancel(self.id)
end

-- Tells an observer; returns what it threw, as an error that names it.
local function observe(self, name, ...)
  local observer = self.opts[name]
  if not observer then return nil end
  local task = self.loop:spawn(name, observer, ...)
  self.loop:await(task.ended)
  return task.failure
end

-- Requests that failed

local function describe_fault(self, event)
  local err = from_core(event.error)
  err.range, err.attempt = event.range, event.attempt
  return {
    download = self,
    error = err,
    stage = event.stage,
    url = err.url or self.url,
    range = event.range,
    attempt = event.attempt,
    progress = event.progress,
    received = event.received,
    active = event.active,
    extra = event.extra,
    redirected = event.redirected,
    restarts = self.restarts,
    saved = self:stats().received or 0,
    renewable = self.opts.renew ~= nil,
    renewed_ago = self.renewed_at and self.core.now() - self.renewed_at,
    host_delay = self.hosts:delay(self.origin),
  }
end

-- What came before the end or a restart needs no answer any more.
local function is_void(self, event)
  return self.ended.fired or self.restarts ~= event.restarts
end

-- A file that changed

local function may_restart(self, fault)
  return decide(self, "changed", CHANGED, "restart", fault) == "restart"
end

local function note_restart(self, fault)
  self.restarts = self.restarts + 1
  local held = fault.stage == "open" or (self:stats().resumed or 0) > 0
  if fault.error.kind == "remote_changed" and held then warn(self, DROPPED) end
end

-- What the server has now isn't what the .part is of.
local function answer_changed_part(self, event)
  local fault = describe_fault(self, event)
  if self.restarts > 0 or not may_restart(self, fault) then return fail(self, fault.error) end
  if is_void(self, event) then return end
  note_restart(self, fault)
  local where = self.target
  start(self, { dir = where.dir, name = where.name, replace = where.replace, restart = true })
end

local function answer_open_fault(self, event)
  local err = from_core(event.error)
  if err.kind == "remote_changed" then return answer_changed_part(self, event) end
  if not IN_THE_WAY[err.kind] then return fail(self, err) end
  exists[decide_exists(self, err)](self, err)
end

local function answer_publish_fault(self, event)
  self.opened = true
  answer_open_fault(self, event)
end

-- A link that ran out

-- Who waits, for a link or only for time to pass, goes on.
local function hurry(self)
  local waiting = self.go_on
  self.go_on = self.loop:signal()
  waiting:fire()
end

local function use_link(self, url)
  local ok, err = self.engine:renew(self.id, url)
  if not ok then return nil, from_core(err) end
  self.renewals, self.renewed_at = self.renewals + 1, self.core.now()
  hurry(self)
  return true
end

-- The policy's link, or the original URL, from which a redirect leads to a fresh one; else false.
local function fresh_link(self, fault)
  local url = self.opts.renew and self.opts.renew(fault)
  if url == nil then return fault.redirected and self.opts.url or false end
  if url and type(url) ~= "string" then error("the renew policy must answer a URL", 0) end
  return url
end

-- One link serves all ranges: who fails while it is made waits for it, who failed before it came
-- goes on with it. True, or nil and why not.
local function renew(self, event, fault)
  while self.renewing and not self.ended.fired do self.loop:await(self.go_on) end
  if is_void(self, event) or self.renewals ~= event.renewals then return true end
  self.renewing = true
  local url = fresh_link(self, fault)
  self.renewing = false
  if self.ended.fired then return true end
  if not url then return nil, fault.error end
  return use_link(self, url)
end

-- Requests that failed, answered

local function origin_of(url)
  return url:match("^(%a[%w+.-]*://[^/?#]*)") or url
end

-- One more connection every 30 s, up to what was asked for.
local function ramp(self)
  if self.ramping then return end
  self.ramping = true
  run(self, "ramp", function()
    local wanted = self.opts.connections
    repeat
      if self.loop:await(self.ended, RAMP) then return end
      local allowed = self.hosts:limit(self.origin, wanted)
      self.engine:connections(self.id, allowed)
    until allowed >= wanted
    self.ramping = false
  end)
end

local function note_host(self, fault, change)
  local err = fault.error
  if err.kind == "rate_limited" or (change and change.fewer) then
    local wait = err.retry_after and math.min(err.retry_after, self.opts.max_retry_after)
    self.hosts:failed(self.origin, fault.active + 1, wait)
  end
  if change and change.fewer then ramp(self) end
end

local function decide_retry(self, fault)
  local delay, change = self.opts.retry(fault)
  if delay == nil then delay, change = self.default_retry(fault) end
  local usable = type(delay) == "number" and delay == delay
  if delay and not (usable and (change == nil or type(change) == "table")) then
    error("the retry policy must answer a delay in seconds and perhaps a table", 0)
  end
  local anew = fault.error.kind == "remote_changed" and change and change.restart
  if delay and anew and not may_restart(self, fault) then return false end
  return delay, change
end

local function wait_out(self, event, delay)
  local fresh = self.renewals ~= event.renewals -- in the meantime
  if delay > 0 and not fresh then self.loop:await(self.go_on, delay) end
end

local function carry_out(self, event, fault, change)
  if change.renew then
    local ok, err = renew(self, event, fault)
    if not ok then return fail(self, err) end
    if is_void(self, event) then return end
  end
  if change.restart then note_restart(self, fault) end
  local ok, err = self.engine:retry(self.id, event.range, change)
  if not ok then fail(self, from_core(err)) end
end

local function answer_request_fault(self, event)
  if is_void(self, event) then return end
  local fault = describe_fault(self, event)
  local delay, change = decide_retry(self, fault)
  if is_void(self, event) then return end
  local asked = fault.error.retry_after or 0 -- more than anybody waits is this download's failure alone
  if delay or asked <= self.opts.max_retry_after then note_host(self, fault, change or nil) end
  if not delay then return fail(self, fault.error) end
  local failure = observe(self, "on_retry", fault, delay, change)
  if failure then return fail(self, failure) end
  wait_out(self, event, delay)
  if is_void(self, event) then return end
  carry_out(self, event, fault, change or {})
end

-- The end

-- A login page in a file's place has a right length, too (H30).
local function check_type(self, event)
  local kind = describe_head(self, event).content_type
  local extension = event.path:lower():match("%.([%w]+)$")
  local expected = not extension or extension:match("^x?html?$") or extension:match("^php%d?$")
    or extension:match("^aspx?$") or extension == "jsp"
  if not expected and (kind == "text/html" or kind == "application/xhtml+xml") then
    warn(self, "the server sent a web page (" .. kind .. ")")
  end
end

local function describe_result(self, event)
  check_type(self, event)
  if event.warning then warn(self, event.warning) end
  return {
    path = event.path,
    size = event.received,
    resumed = event.resumed,
    elapsed = event.elapsed,
    url = event.url,
    length_verified = event.length_verified,
    content_encoding = event.content_encoding,
    warnings = self.warnings,
  }
end

local function outcome(self, event)
  if self.skipped then
    self.skipped.elapsed, self.skipped.warnings = event.elapsed, self.warnings
    return self.skipped
  end
  if not event.error then
    return self.info and describe_head(self, event) or describe_result(self, event)
  end
  local reason = self.reason
  if not reason or (reason.kind ~= event.error.kind and not BY_SCRIPT[reason.kind]) then
    reason = from_core(event.error)
  end
  if self.target and not reason.path then reason.path = path_of(self) end
  reason.resumable = event.resumable or nil
  return nil, reason
end

local function finish(self, result, err)
  self.result, self.error = result, err
  self.ended:fire()
  hurry(self)
end

local function settle(self, result, err)
  self.last_stats = self:stats()
  self.engine:forget(self.id)
  self.session:drop(self)
  finish(self, result, err)
end

-- What an observer throws at the end fails the download, though the file is there.

local function answer_done(self, event)
  self.due = nil
  local result, err = outcome(self, event)
  if result and not self.info then
    local failure = observe(self, "on_progress", self:stats()) or observe(self, "on_done", result)
    if failure then result, err = nil, failure end
  end
  settle(self, result, err)
end

-- The engine has nothing more to say: that something threw must end it here.
local function settle_failed(self, err)
  if not self.ended.fired then settle(self, nil, err) end
end

local answers = {
  head = { "name policy", answer_head },
  done = { "done", answer_done, settle_failed },
  open = { "exists policy", answer_open_fault },
  publish = { "exists policy", answer_publish_fault },
  request = { "retry policy", answer_request_fault },
}

--- Takes an event of the engine.
function methods:handle(event)
  event.restarts, event.renewals = self.restarts, self.renewals
  local answer = answers[event.stage or event.kind]
  run_or(answer[3] or fail, self, answer[1], answer[2], event)
end

local function watch_progress(self)
  while not self.ended.fired do
    self.loop:await(self.ended, PROGRESS_INTERVAL)
    if not self.ended.fired then self.opts.on_progress(self:stats()) end
  end
end

-- Birth

local REQUEST_FIELDS = {
  "url", "headers", "user_agent", "user", "proxy", "cacert", "trusted_hosts", "insecure",
  "allow_downgrade", "restart", "resume_check", "adopt", "connections", "max_redirects",
  "min_split", "max_size", "connect_timeout", "first_byte_timeout", "stall_timeout", "deadline",
}

-- Nobody has to see the head first: the file is opened before any request. nil, nil: somebody has.
local function known_target(self)
  if not self.opts.output or self.info or type(self.opts.exists) == "function" then return nil end
  local where, err = target.explicit(self.opts)
  if not where then return nil, err end
  return place(self, where)
end

local function describe_request(self)
  local opts, request = self.opts, {}
  for _, name in ipairs(REQUEST_FIELDS) do request[name] = opts[name] end
  request.no_redirects = opts.max_redirects == 0
  request.no_resume = opts.resume == false
  request.renewed = self.replaces
  request.head_only = self.info
  request.connections = self.hosts:limit(self.origin, opts.connections)
  if opts.expect then
    request.expect_size = opts.expect.size
    request.expect_type = opts.expect.content_type and opts.expect.content_type:lower()
  end
  local err
  self.target, err = known_target(self)
  request.target = self.target
  if err then return nil, err end
  return request
end

local function retry_policy(opts)
  if type(opts.retry) == "function" then return opts.retry end
  return retry.backoff({ tries = opts.retry, max_retry_after = opts.max_retry_after })
end

local function default_policy(opts)
  return retry.backoff({ max_retry_after = opts.max_retry_after })
end

local function ask(self)
  local request, wrong = describe_request(self)
  if not request then return nil, wrong end
  local id, err = self.engine:new(request)
  if not id then
    err.url = err.url or errors.redact_url(self.opts.url)
    return nil, from_core(err)
  end
  self.id = id
  self.due = self.opts.deadline and self.core.now() + self.opts.deadline
  self.session:enter(self)
  if self.opts.on_progress then run(self, "on_progress", watch_progress) end
  if self.hosts:limit(self.origin, self.opts.connections) < self.opts.connections then
    ramp(self)
  end
  return true
end

-- The host asked for peace; the deadline runs meanwhile.
local function ask_later(self, delay)
  local deadline, begun = self.opts.deadline, self.core.now()
  self.session:enter(self)
  run(self, "request", function()
    local hurried = self.loop:await(self.go_on, math.min(delay, deadline or delay))
    self.session:drop(self)
    if self.ended.fired then return end
    if not hurried and deadline and deadline <= delay then
      local message = ("not complete after %.3g s"):format(deadline)
      return finish(self, nil, errors.new("deadline", message, { url = self.url }))
    end
    self.opts.deadline = deadline and deadline - (self.core.now() - begun)
    local ok, err = ask(self)
    if not ok then finish(self, nil, err) end
  end)
end

local function begin(self)
  local delay = self.hosts:delay(self.origin)
  if delay > 0 then return ask_later(self, delay) end
  local ok, err = ask(self)
  if not ok then finish(self, nil, err) end
end

-- Which URL it is of, and whether that is to take the place of a record's.
local function find_url(self)
  local opts, err = self.opts, nil
  if type(opts.resume) == "string" then
    self.replaces, err = target.continue(self.core, opts)
  end
  if not opts.url then return nil, err end
  self.url = self.core.redact(opts.url)
  self.origin = origin_of(self.url)
  return not err, err
end

--- A download of this session; a wrong URL or header is returned as an error by `wait`.
---@param session table luadl.session
---@param opts table checked options
---@param info boolean|nil only the head is wanted
---@return luadl.download
function download.new(session, opts, info)
  local self = setmetatable({
    session = session,
    engine = session.engine,
    core = session.core,
    loop = session.loop,
    hosts = session.hosts,
    opts = opts,
    info = info or false,
    warnings = {},
    alternatives = 0,
    restarts = 0,
    renewals = 0,
    ended = session.loop:signal(),
    go_on = session.loop:signal(),
  }, metatable)
  opts.retry = retry_policy(opts)
  self.default_retry = default_policy(opts)
  local ok, err = find_url(self)
  if ok then begin(self) else finish(self, nil, err) end
  return self
end

-- For everybody

--- Waits for the end.
---@param seconds number|nil
---@return table|nil result
---@return luadl.error|nil err of kind "timeout" when it is still running then
function methods:wait(seconds)
  if not seconds and not self.ended.fired and self.loop:owner() == self then
    error("a policy waits for its own download", 2)
  end
  if not self.loop:await(self.ended, seconds) then
    return nil, errors.new("timeout", "the download is still running", { url = self.url })
  end
  return self.result, self.error
end

--- Ends it; `wait` returns an error of kind "cancelled".
---@param reason string|nil
function methods:cancel(reason)
  if self.ended.fired then return end
  local err = errors.new("cancelled", reason or "cancelled", { url = self.url })
  if self.id then return fail(self, err) end
  finish(self, nil, err)
end

local OVER = "the download has ended: a new one with this url and `resume = PART` continues it"

--- Asks this URL from now on: a fresh link to the same file, whose identity is checked as ever.
--- Streams that run go on; what waits to be tried again goes on at once.
---@param url string
---@return boolean|nil
---@return luadl.error|nil
function methods:renew(url)
  if type(url) ~= "string" then error("renew: a URL is expected", 2) end
  if self.ended.fired then return nil, errors.new("closed", OVER, { url = url }) end
  if self.id then
    local ok, err = use_link(self, url)
    if not ok then return nil, err end
  end
  self.opts.url, self.url = url, self.core.redact(url)
  self.origin = origin_of(self.url)
  if not self.id then hurry(self) end
  return true
end

--- Whether its policies have no time left.
function methods:overdue()
  return self.due ~= nil and self.core.now() >= self.due
end

--- The session is about to go: nobody will answer any more.
function methods:abandon()
  if self.ended.fired then return end
  self.last_stats = self:stats()
  finish(self, nil, errors.new("closed", "the session was closed", { url = self.url }))
end

-- Of this run: what an earlier one brought came at no speed.
local function sample_speed(self, stats)
  local received = (stats.received or 0) - (stats.resumed or 0)
  local sample = self.sample or { elapsed = 0, received = 0, speed = nil }
  local seconds = stats.elapsed - sample.elapsed
  if seconds < SPEED_WINDOW and self.sample then return sample.speed end
  local speed = seconds > 0 and math.max(0, (received - sample.received) / seconds) or 0
  if sample.speed then speed = SMOOTHING * speed + (1 - SMOOTHING) * sample.speed end
  self.sample = { elapsed = stats.elapsed, received = received, speed = speed }
  return speed
end

--- Counters as they are now.
---@return { received: integer, resumed: integer?, total: integer?, connections: integer,
--- elapsed: number, speed: number, state: string, name: string?, path: string? }
function methods:stats()
  if self.last_stats then return self.last_stats end
  local stats = self.id and self.engine:stat(self.id)
    or { state = "waiting", received = 0, connections = 0, elapsed = 0 }
  stats.speed = sample_speed(self, stats)
  if self.target then
    stats.name = self.target.name
    stats.path = path_of(self)
  end
  return stats
end

return download
