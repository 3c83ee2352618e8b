--- One download: answers the engine's head, fault and done with the policies, and tells observers.
-- SPDX-License-Identifier: MIT
--
-- Every answer is a task of its own, so a policy that waits or throws holds up or fails nothing but
-- its own download.

local asking = require("luadl.asking")
local beginning = require("luadl.beginning")
local chunkmap = require("luadl.chunkmap")
local context = require("luadl.context")
local ending = require("luadl.ending")
local errors = require("luadl.errors")
local faults = require("luadl.faults")
local filtering = require("luadl.filtering")
local freshness = require("luadl.freshness")
local host = require("luadl.host")
local lifetime = require("luadl.lifetime")
local meter = require("luadl.meter")
local opening = require("luadl.opening")
local options = require("luadl.options")
local reading = require("luadl.reading")
local requesting = require("luadl.requesting")
local schedule = require("luadl.schedule")
local scheme = require("luadl.scheme")
local sources = require("luadl.sources")
local trace = require("luadl.trace")
local transfer = require("luadl.transfer")
local verifying = require("luadl.verifying")

local download = {}

---@class luadl.download
---@field url string? what it asks, without credentials
local methods = {}
local metatable = { __name = "luadl.download", __index = methods }

local fail, from_core, run = transfer.fail, transfer.from_core, transfer.run
local fail_early = ending.fail_early

local PROGRESS_INTERVAL = 0.2 -- seconds between two calls of on_progress

-- Answers

local answers = {
  head = { "name policy", opening.answer_head },
  done = { "done", ending.answer_done, ending.settle_failed },
  open = { "exists policy", faults.answer_open },
  publish = { "exists policy", faults.answer_publish },
  data = { "data", transfer.wake_reader },
  filter = { "filter", filtering.answer_data, filtering.failed },
  request = { "retry policy", faults.answer_request },
  verify = { "verify policy", verifying.answer },
}

-- A task costs more than most answers: where nobody of these is asked or told, none can wait.
local ASKED = {
  head = { "accept", "name", "on_trace" },
  data = {},
  done = { "on_progress", "on_done", "on_error", "on_trace" },
}

local function may_wait(self, kind)
  if self.filtered then return true end
  local names = ASKED[kind]
  if names and not self.scripts[1] then return false end
  for _, name in ipairs(names or {}) do
    if asking.has(self, name) then return true end
  end
  return not names
end

--- Takes an event of the engine.
---@package
function methods:handle(event)
  if event.kind == "trace" then return trace.take(self, event) end
  event.restarts, event.renewals = self.restarts, self.renewals
  local is_filtered = self.filtered and event.kind == "data"
  local answer = answers[is_filtered and "filter" or event.stage or event.kind]
  local begin = may_wait(self, event.kind) and transfer.run_or or transfer.do_or
  begin(answer[3] or fail, self, answer[1], answer[2], event)
end

local function watch_progress(self)
  while not self.ended.fired do
    self.loop:await(self.ended, PROGRESS_INTERVAL)
    local failure = not self.ended.fired
      and asking.tell(self, "on_progress", self:stats())
    if failure then return fail(self, failure) end
  end
end

-- Birth

local function describe_request(self)
  local opts = self.opts
  local request, wrong = requesting.of(self, opts)
  if not request then return nil, wrong end
  request.no_resume = opts.resume == false or opts.range ~= nil
  request.trace = trace.is_wanted(self)
  request.renewed = self.replaces
  request.head_only = self.info
  request.ahead = self.reading and opts.ahead or nil
  request.verify = verifying.is_wanted(self) or nil
  request.connections = scheme.is_single(opts.url or "") and 1
    or self.hosts:limit(self.origin, opts.connections)
  request.deadline = lifetime.for_engine(self)
  if opts.expect then
    request.expect_size = opts.expect.size
    request.expect_type = opts.expect.content_type and opts.expect.content_type:lower()
  end
  local err
  self.target, err = opening.known_target(self)
  request.target = self.target
  if err then return nil, err end
  freshness.ask(self, request)
  if self.wish then
    for name, value in pairs(self.wish) do request[name] = value end
  end
  return request
end

local function note_start(self, request)
  local plan = ("over at most %d connections"):format(request.connections)
  trace.note(self, "start", plan, { url = self.url, path = self.target and opening.path(self) })
end

local function ask(self)
  local suits, unsuitable = scheme.suits(self.opts)
  if suits then suits, unsuitable = reading.suits(self) end
  if not suits then return nil, unsuitable end
  self.hosts:enter(self.origin, self)
  local request, wrong = describe_request(self)
  if not request then return nil, wrong end
  local id, err = self.engine:new(request)
  if not id then
    err.url = err.url or errors.redact_url(self.opts.url)
    return nil, from_core(err)
  end
  self.id = id
  self.due = self.ends_at
  if trace.is_wanted(self) then note_start(self, request) end
  self.session:enter(self)
  if asking.has(self, "on_progress") then run(self, "on_progress", watch_progress) end
  if self.hosts:limit(self.origin, self.opts.connections) < self.opts.connections then
    faults.ramp(self)
  end
  return true
end

-- The host may ask for more peace meanwhile. Nil and an error: nothing is to be asked any more.
local function wait_for_turn(self, delay)
  repeat
    local left = lifetime.left(self)
    local hurried = self.loop:await(transfer.turn(self), math.min(delay, left))
    if ending.is_near(self) then return nil, self.error end
    if not hurried and left <= delay then return nil, lifetime.too_late(self) end
    delay = hurried and 0 or self.hosts:delay(self.origin)
  until delay == 0
  return true
end

-- The deadline runs meanwhile.
local function ask_later(self, delay)
  self.session:enter(self)
  run(self, "request", function()
    local ok, err = wait_for_turn(self, delay)
    self.session:drop(self)
    if ok then ok, err = ask(self) end
    if not ok then fail_early(self, err) end
  end)
end

local function stop(self, err)
  if self.ended.fired then return end
  if self.id then return fail(self, err) end
  fail_early(self, err)
end

local function ask_in_time(self)
  local delay = requesting.delay(self)
  if delay > 0 then return ask_later(self, delay) end
  local ok, err = ask(self)
  if not ok then fail_early(self, err) end
end

local function prepare(self)
  local ok, err = beginning.prepare(self)
  self.session:drop(self)
  if ending.is_near(self) then return end
  if not ok then return fail_early(self, err) end
  if self.unfold then return ending.finish(self, self.requests) end
  ask_in_time(self)
end

local function prepare_failed(self, err)
  self.session:drop(self)
  stop(self, err)
end

-- A policy may wait.
local function prepare_later(self)
  self.due = self.ends_at
  self.session:enter(self)
  transfer.run_or(prepare_failed, self, "before the request", prepare)
end

-- A context that has ended keeps it from all I/O (L-12).
local function begin(self)
  local over = lifetime.refusal(self)
  if over then return fail_early(self, over) end
  lifetime.follow(self, stop)
  if beginning.is_wanted(self) then return prepare_later(self) end
  ask_in_time(self)
end

local function born(session, opts, purpose, keeper)
  local filtered = opts.filter ~= nil and (purpose or "file") == "file"
  return setmetatable({
    session = session,
    engine = session.engine,
    core = session.core,
    loop = session.loop,
    hosts = session.hosts,
    opts = opts,
    info = purpose == "info",
    unfold = purpose == "unfold",
    reading = purpose == "reading" or filtered,
    filtered = filtered, -- read by the download itself
    keeper = keeper,
    within = asking.within(session.loop),
    warnings = {},
    alternatives = 0,
    restarts = 0,
    renewals = 0,
    ended = session.loop:signal(),
    id = nil, -- the engine's, from the first request on
    url = nil, origin = nil, -- what it asks, and whom, without credentials
  }, metatable)
end

--- A download of this session; a wrong URL or header is returned as an error by `wait`.
---@param session table luadl.session
---@param opts table checked options
---@param purpose "file"|"info"|"unfold"|"reading"|nil what is wanted, if not a file: the head
--- alone; what its URL stands for; its bytes in order
---@param keeper luadl.item|nil whose download it is
---@return luadl.download
---@package
function download.new(session, opts, purpose, keeper)
  local self = born(session, opts, purpose, keeper)
  lifetime.begin(self)
  local ok, err = beginning.take(self, opts)
  if ok then begin(self) else fail_early(self, err) end
  return self
end

--- Makes a whole download of a brief one, in place; it goes on with what that one began.
---@param self table without a metatable
---@param was { session: luadl.session, engine: luadl.engine, given: table, keeper: luadl.item,
--- within: table?, id: integer, url: string, origin: string, target: table, release: fun(),
--- done: table?, result: table? }
---@package
function download.take_over(self, was)
  local opts = options.read(was.given, "download", was.session.defaults)
  for name, value in next, born(was.session, opts, "file", was.keeper) do self[name] = value end
  setmetatable(self, metatable)
  lifetime.begin(self)
  self.release() -- where it was begun counts
  self.release, self.within = was.release, was.within
  self.scripts = asking.scripts(opts, nil, was.within)
  self.engine, self.id, self.target, self.presumed = was.engine, was.id, was.target, true
  self.url, self.origin = was.url, was.origin
  self.done, self.result = was.done, was.result
  if self.result then self.ended:fire() end
end

-- For everybody

-- True, or nil and why nobody waits any longer for a download that goes on.
local function await_end(self, bound)
  if context.is(bound) then return bound:await(self.ended) end
  if self.loop:await(self.ended, bound) then return true end
  return nil, errors.new("timeout", "the download is still running", { url = self.url })
end

--- Waits for the end.
---@param bound number|luadl.context|nil seconds, or a context: how long at most
---@return luadl.result|nil
---@return luadl.error|nil err of kind "timeout", or the context's, when it is still running then
function methods:wait(bound)
  if not bound and not self.ended.fired and self.loop:owner() == self then
    error("a policy waits for its own download", 2)
  end
  local ended, err = await_end(self, bound)
  if not ended then return nil, err end
  return self.result, self.error
end

--- Ends it; `wait` returns an error of kind "cancelled".
---@param reason string|nil
function methods:cancel(reason)
  stop(self, errors.new("cancelled", reason or "cancelled", { url = self.url }))
end

local OVER = "the download has ended: a new one with this url and `resume = PART` continues it"

--- Limits its rate from now on.
---@param rate number|string|table bytes per second, as in the option `limit_rate`; 0: no limit
---@return boolean|nil
---@return luadl.error|nil
function methods:limit(rate)
  local plan, message = schedule.read(rate)
  if not plan then error("limit: " .. message, 2) end
  if self.ended.fired then return nil, errors.new("closed", OVER, { url = self.url }) end
  self.opts.file_limit_rate = plan
  local now = self.session.limits:of_file(plan)
  if self.id then self.engine:limit(self.id, now) end
  return true
end

--- Asks this URL from now on: a fresh link to the same file, whose identity is checked as ever.
--- Streams that run go on; what waits to be tried again goes on at once.
---@param url string
---@return boolean|nil
---@return luadl.error|nil
function methods:renew(url)
  if type(url) ~= "string" then error("renew: a URL is expected", 2) end
  if self.ended.fired then return nil, errors.new("closed", OVER, { url = url }) end
  if self.id then
    local ok, err = sources.use(self, url)
    if not ok then return nil, err end
  end
  self.opts.url, self.url = url, self.core.redact(url)
  self.origin = host.origin(self.url)
  if self.id then self.hosts:enter(self.origin, self) else transfer.hurry(self) end
  return true
end

--- Whether its policies have no time left: it ran out, or the user wants to stop.
---@package
function methods:overdue()
  if self.due ~= nil and self.core.now() >= self.due then return true end
  local interrupted = self.session.interrupted
  return interrupted ~= nil and interrupted(), "cancelled"
end

--- The session is about to go: nobody will answer any more.
---@package
function methods:abandon()
  if self.ended.fired then return end
  self.last_stats = self:stats()
  ending.finish(self, nil, errors.new("closed", "the session was closed", { url = self.url }))
end

-- Of this run: what an earlier one brought came at no speed.
local function speed_of(self, stats)
  self.meter = self.meter or meter.new()
  return self.meter:sample(stats.elapsed, (stats.received or 0) - (stats.resumed or 0))
end

-- The engine forgets it then; its last word has them.
local function counters_at_end(done)
  return {
    state = "finished", total = done.total, received = done.received, resumed = done.resumed,
    connections = 0, elapsed = done.elapsed,
  }
end

local function counters(self)
  if self.done then return counters_at_end(self.done) end
  return self.id and self.engine:stat(self.id)
    or { state = "waiting", received = 0, connections = 0, elapsed = 0 }
end

--- Counters as they are now.
---@return luadl.stats
function methods:stats()
  if self.last_stats then return self.last_stats end
  local stats = counters(self)
  stats.speed = speed_of(self, stats)
  if self.target then
    stats.name = self.target.name
    stats.path = opening.path(self)
  end
  if self.ended.fired then self.last_stats = stats end
  return stats
end

--- Which bytes are there, and which connection brings which.
---@return luadl.map|nil nil: there is nothing to be shown yet, or any more
function methods:map()
  local stat = self.id and not self.done and not self.last_stats and self.engine:stat(self.id, true)
  return stat and chunkmap.read(stat, self.opts.range and self.opts.range[1] or 0) or nil
end

return download
