-- A session without network, disk and time: a clock that waiting moves, an engine that takes notes.
-- SPDX-License-Identifier: MIT

local download = require("luadl.download")
local errors = require("luadl.errors")
local host = require("luadl.host")
local hosts = require("luadl.options.hosts")
local limits = require("luadl.limits")
local loop = require("luadl.loop")
local options = require("luadl.options")
local merged = require("spec.support.merged")

local world = {}
local methods = {}
local metatable = { __index = methods, __name = "luadl.spec.world" }

local START = 1000 -- seconds
local EXACT = 1e-6 -- seconds; sums of fractions end beside the mark
local SETTLED = 20 -- steps in which one task has told the next

-- The clock

local function next_event(self)
  local first
  for index, event in ipairs(self.events) do
    if not first or event.at < self.events[first].at then first = index end
  end
  return first
end

local function wait(self, seconds)
  local index = next_event(self)
  local at = index and self.events[index].at
  if at and (not seconds or at <= self.time + seconds) then
    self.time = math.max(self.time, at)
  elseif seconds then
    self.time = self.time + seconds
  else
    error("waits for ever: nothing is planned", 0)
  end
end

local function poll(self)
  local index = next_event(self)
  while index and self.events[index].at <= self.time do
    local event = table.remove(self.events, index)
    event.run()
    index = next_event(self)
  end
end

--- Does something when the clock gets there.
function methods:at(seconds, run)
  self.events[#self.events + 1] = { at = START + seconds, run = run }
end

--- Seconds since the world began.
function methods:elapsed()
  return self.time - START
end

--- Does all that is due now.
function methods:settle()
  for _ = 1, SETTLED do self.loop:step(0) end
end

--- Lets time pass until so many seconds after the beginning.
function methods:run_until(seconds)
  while seconds - self:elapsed() > EXACT do self.loop:step(seconds - self:elapsed()) end
  self:settle()
end

--- The local time of day; the world begins at midnight.
function methods:date()
  local seconds = math.floor(self:elapsed() + EXACT)
  local minutes, hours = math.floor(seconds / 60), math.floor(seconds / 3600)
  return {
    sec = seconds % 60, min = minutes % 60, hour = hours % 24,
    wday = math.floor(hours / 24) % 7 + 1,
  }
end

-- The engine

local engine = {}

local function note(self, call, ...)
  self.calls[#self.calls + 1] = { call = call, time = self.time - START, ... }
  local answer = self.answers[call]
  if answer then return answer(...) end
  return true
end

function engine:new(request)
  local world_of = self.world
  local ok, err = note(world_of, "new", request)
  if not ok then return nil, err end
  world_of.last_id = world_of.last_id + 1
  return world_of.last_id
end

function engine:start(id, target) return note(self.world, "start", id, target) end

function engine:retry(id, range, change) return note(self.world, "retry", id, range, change) end

function engine:connections(id, number) return note(self.world, "connections", id, number) end

function engine:hold(id, seconds) return note(self.world, "hold", id, seconds) end

function engine:limit(id, rate) return note(self.world, "limit", id, rate) end

function engine:limit_host(name, rate) return note(self.world, "limit_host", name, rate) end

function engine:renew(id, url) return note(self.world, "renew", id, url) end

-- Nothing, unless `answers.read` has something.
function engine:read(id, most)
  local answer = self.world.answers.read
  return answer and answer(id, most) or nil
end

function engine:accept(id) return note(self.world, "accept", id) end

function engine:forget(id) return note(self.world, "forget", id) end

-- As the real one: DONE follows, exactly once.
function engine:cancel(id, reason)
  note(self.world, "cancel", id, reason)
  if self.world.over[id] then return end
  self.world:done(id, { error = reason or { kind = "cancelled", message = "cancelled" } })
end

function engine:stat()
  return {
    state = "running", total = 100, connections = self.world.connections or 1,
    received = self.world.received, resumed = self.world.resumed, elapsed = self.world.time - START,
    extents = self.world.extents, streams = self.world.streams,
  }
end

-- As the engine writes them.
local function wire(fields)
  local lines = {}
  for _, field in ipairs(fields) do lines[#lines + 1] = ("\n%s: %s"):format(field[1], field[2]) end
  return table.concat(lines)
end

local function deliver(self, id, event, fields)
  event.id = id
  for name, value in pairs(fields or {}) do event[name] = value end
  event.headers = event.headers and wire(event.headers)
  self:at(self:elapsed(), function()
    local target = self.session.downloads[id]
    if target then target:handle(event) end
  end)
end

--- The head came; `fields` change what it says.
function methods:head(id, fields)
  deliver(self, id, {
    kind = "head", status = 200, url = "http://host/file.bin", total = 100, ranges = true,
    headers = {},
  }, fields)
end

--- A request failed.
function methods:fault(id, fields)
  deliver(self, id, {
    kind = "fault", stage = "request", range = { 0, 99 }, attempt = 1, progress = false,
    extra = false, redirected = false, active = 0, received = 0,
    error = { kind = "http_status", message = "the host answered 500", status = 500 },
  }, fields)
end

--- There is something to read.
function methods:data(id)
  deliver(self, id, { kind = "data" })
end

--- The target couldn't be opened: its name is taken.
function methods:taken(id)
  self:fault(id, { stage = "open", error = { kind = "exists", message = "exists", errno = 17 } })
end

--- The file is complete, and has no name yet.
function methods:complete(id, path)
  deliver(self, id, { kind = "verify", path = path or "file.bin.part" })
end

--- It is over; well, unless `fields` has an error.
function methods:done(id, fields)
  self.over[id] = true
  deliver(self, id, {
    kind = "done", url = "http://host/file.bin", path = "file.bin", received = 100, elapsed = 1,
    length_verified = true, headers = {}, status = 200,
  }, fields)
end

--- What the engine was told: all calls of this name, in order.
function methods:told(call)
  local found = {}
  for _, each in ipairs(self.calls) do
    if each.call == call then found[#found + 1] = each end
  end
  return found
end

--- A download in this world.
function methods:download(opts, purpose)
  local all = merged({ url = "http://host/file.bin" }, opts)
  all.url = all.url or nil -- false: it has none
  local defaults = self.session.by_host:defaults_for(all.url)
  return download.new(self.session, options.check(all, "download", defaults), purpose)
end

--- A fresh world.
---@param defaults table|nil of the session
function world.new(defaults)
  local self = setmetatable({
    time = START,
    events = {},
    calls = {},
    answers = {}, -- by call: what the engine answers, when it isn't true
    over = {}, -- ids whose DONE is on its way
    last_id = 0,
    received = 0,
    resumed = 0, -- of the bytes received
    records = {}, -- by path of the .part
    no_record = { kind = "journal_corrupt", message = "not usable" },
    defaults = options.check(defaults, "session"),
  }, metatable)
  local function now() return self.time end
  self.loop = loop.new({
    now = now,
    wait = function(seconds) wait(self, seconds) end,
    poll = function() poll(self) end,
  })
  self.session = {
    core = {
      now = now,
      redact = function(url) return url end,
      name_max = function() return 255 end,
      decode = function() return nil end,
      journal = function(path) return self.records[path] or nil, self.no_record end,
    },
    engine = setmetatable({ world = self }, { __index = engine }),
    loop = self.loop,
    defaults = self.defaults,
    by_host = assert(hosts.new(self.defaults.host, self.defaults)),
    hosts = host.new(now),
    policies = {},
    downloads = {},
    enter = function(session, each) session.downloads[each.id or each] = each end,
    drop = function(session, each) session.downloads[each.id or each] = nil end,
    download_for = function(session, keeper, opts)
      local checked, message = options.read(opts, "download", self.defaults)
      if not checked then return nil, errors.new("usage", message) end
      checked.context = checked.context or keeper.context
      return download.new(session, checked, "file", keeper)
    end,
  }
  self.session.limits = limits.new(self.session, function() return self:date() end)
  return self
end

return world
