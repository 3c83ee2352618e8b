--- What went wrong with a download and can be put right: another try, a fresh link, another name.
-- SPDX-License-Identifier: MIT

local asking = require("luadl.asking")
local attempt = require("luadl.attempt")
local freshness = require("luadl.freshness")
local opening = require("luadl.opening")
local penalties = require("luadl.penalties")
local requesting = require("luadl.requesting")
local sources = require("luadl.sources")
local trace = require("luadl.trace")
local transfer = require("luadl.transfer")

local faults = {}

local fail, from_core, is_void = transfer.fail, transfer.from_core, transfer.is_void

local RAMP = 30 -- seconds until one more connection is tried after a sign of a limit
local LOOK = 1 -- seconds between two looks whether the other streams are still there

local DROPPED = "the file changed on the server: what an earlier run had brought was dropped"

local CHANGED = { restart = true, fail = true }
local IN_THE_WAY = { exists = true, locked = true, journal_corrupt = true } -- another name is free

-- What policies see

local function saved_of(self)
  local counters = self.engine:stat(self.id)
  return counters and counters.received or 0
end

local function describe_fault(self, event)
  local err = from_core(event.error)
  err.range, err.attempt = event.range, sources.attempt(self, event)
  return {
    download = self,
    error = err,
    stage = event.stage,
    stream = event.stream,
    url = err.url or self.url,
    range = event.range,
    attempt = err.attempt,
    progress = event.progress,
    received = event.received,
    active = event.active,
    extra = event.extra,
    redirected = event.redirected,
    restarts = self.restarts,
    saved = saved_of(self),
    renewable = asking.has(self, "renew"),
    renewed_ago = self.renewed_at and self.core.now() - self.renewed_at,
    host_delay = penalties.delay(self, err.url),
    labels = self.opts.labels,
  }
end

-- A file that changed

local function may_restart(self, fault)
  local default = self.replaces and "fail" or "restart" -- a new URL may be of another file
  local word = asking.word(self, "changed", CHANGED, default, fault)
  trace.note(self, "changed", ("%s: %s"):format(fault.error.message, word), { url = fault.url })
  return word == "restart"
end

local function note_restart(self, fault)
  self.restarts = self.restarts + 1
  local held = fault.stage == "open" or (self:stats().resumed or 0) > 0
  if fault.error.kind == "remote_changed" and held then transfer.warn(self, DROPPED) end
end

-- What the server has now isn't what the .part is of.
local function answer_changed_part(self, event)
  local fault = describe_fault(self, event)
  if self.restarts > 0 or not may_restart(self, fault) then return fail(self, fault.error) end
  if is_void(self, event) then return end
  note_restart(self, fault)
  local where = self.target
  opening.start(self, {
    dir = where.dir, name = where.name, replace = where.replace, restart = true,
  })
end

--- Answers that the target couldn't be opened.
---@param self luadl.download
---@param event table
function faults.answer_open(self, event)
  local err = from_core(event.error)
  if not self.answer and event.headers then self.answer = event end -- the name was presumed
  if err.kind == "remote_changed" then return answer_changed_part(self, event) end
  if not IN_THE_WAY[err.kind] then return fail(self, err) end
  opening.taken(self, err)
end

--- Answers that the complete file couldn't get its name.
---@param self luadl.download
---@param event table
function faults.answer_publish(self, event)
  self.opened = true
  faults.answer_open(self, event)
end

-- Connections

--- Tries one more connection every 30 s, up to what was asked for.
---@param self luadl.download
function faults.ramp(self)
  if self.ramping then return end
  self.ramping = true
  transfer.run(self, "ramp", function()
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
    penalties.refused(self, fault.active, faults.ramp)
    local wait = err.retry_after and math.min(err.retry_after, self.opts.max_retry_after)
    if wait then penalties.wait(self, err.url, wait) end
  end
  if change and change.fewer then faults.ramp(self) end
end

-- A wait that is longer than anybody's patience is this download's failure alone.
local function is_patient(self, fault, delay)
  return delay or (fault.error.retry_after or 0) <= self.opts.max_retry_after
end

-- Another try

-- What a server may have done already isn't asked for again.
local function may_be_repeated(self, fault)
  local method = requesting.method(self.opts.method, self.opts.body)
  return fault.error.unsent or requesting.is_idempotent(method)
end

-- Nothing is known of the file yet but what was expected of it: that isn't what the server has.
local function is_unexpected(self, fault)
  return self.opts.expect ~= nil and self.answer == nil and fault.saved == 0
end

-- A URL that has another file is of no use: nothing begins anew for its sake.
local function has_another(self, fault)
  return fault.error.kind == "remote_changed" and (self.mirror or is_unexpected(self, fault))
end

local function decide_retry(self, fault)
  if has_another(self, fault) then return false end
  local delay, change = asking.retry(self, fault)
  if change and change.restart and self.has_begun then return false end
  local anew = fault.error.kind == "remote_changed" and change and change.restart
  if delay and anew and not may_restart(self, fault) then return false end
  return delay, change
end

-- An additional connection's range waits for the other streams: not for nothing when they are gone.
local function is_alone(self)
  local stats = self.engine:stat(self.id)
  return stats ~= nil and stats.connections == 0
end

local function wait_out(self, event, delay)
  local fresh = self.renewals ~= event.renewals -- in the meantime
  if fresh then return end
  if not event.extra or (event.active or 0) == 0 then
    if delay > 0 then self.loop:await(transfer.turn(self), delay) end
    return
  end
  while delay > 0 and not is_alone(self) do
    if self.loop:await(transfer.turn(self), math.min(delay, LOOK)) then return end
    delay = delay - LOOK
  end
end

local function ask_again(self, event, fault, change)
  local wish = attempt.ask(self, fault)
  if is_void(self, event) then return end
  for name, value in pairs(wish or {}) do change[name] = value end
  if change.restart then note_restart(self, fault) end
  local ok, err = self.engine:retry(self.id, event.range, change)
  if not ok then fail(self, from_core(err)) end
end

local function carry_out(self, event, fault, change)
  if change.renew then
    local ok, err = sources.renew(self, event, fault)
    if not ok then return fail(self, err) end
    if is_void(self, event) then return end
  end
  ask_again(self, event, fault, change)
end

-- This URL is given up.
local function turn_to_mirror(self, event, fault)
  local ok, err = sources.turn(self, event, fault)
  if not ok then return fail(self, err) end
  if is_void(self, event) then return end
  local change = { url = self.mirror }
  local failure = asking.tell(self, "on_retry", fault, 0, change)
  if failure then return fail(self, failure) end
  if not is_void(self, event) then ask_again(self, event, fault, {}) end
end

--- Answers that a request failed.
---@param self luadl.download
---@param event table
function faults.answer_request(self, event)
  if is_void(self, event) then return end
  if freshness.holds(self, event) then return opening.skip(self, freshness.UNCHANGED) end
  local fault = describe_fault(self, event)
  trace.fault(self, fault)
  requesting.learn(self, fault.error)
  if not may_be_repeated(self, fault) then return fail(self, fault.error) end
  local delay, change = decide_retry(self, fault)
  if is_void(self, event) then return end
  if is_patient(self, fault, delay) then note_host(self, fault, change or nil) end
  if not delay then return turn_to_mirror(self, event, fault) end
  trace.retry(self, fault, delay, change)
  local failure = asking.tell(self, "on_retry", fault, delay, change)
  if failure then return fail(self, failure) end
  wait_out(self, event, delay)
  if is_void(self, event) then return end
  carry_out(self, event, fault, change or {})
end

return faults
