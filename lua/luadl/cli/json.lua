--- Reports as JSON: one object per line on standard output, for programs.
-- SPDX-License-Identifier: MIT

local dkjson = require("dkjson")
local advice = require("luadl.cli.advice")
local errors = require("luadl.errors")
local lines = require("luadl.cli.lines")
local text = require("luadl.text")
local why = require("luadl.cli.why")

local json = {}

local methods = {}
local metatable = { __name = "luadl.cli.json", __index = methods }

local INTERVAL = 0.5 -- seconds between two progress objects of a file
local CHANGES = { "renew", "fewer", "single", "fresh", "restart" }

--- Counts up when something is taken away or comes to mean something else; what is added doesn't.
json.VERSION = 1

--- The fields of each type of object; those that there is nothing to say of are left out.
json.FIELDS = {
  version = { "version", "luadl" },
  start = { "id", "url" },
  postponed = { "id" },
  progress = {
    "id", "state", "name", "path", "received", "resumed", "total", "speed", "elapsed",
    "connections",
  },
  retry = {
    "id", "url", "attempt", "delay", "next_url", "renew", "fewer", "single", "fresh", "restart",
    "kind", "message", "status", "range",
  },
  trace = {
    "id", "time", "step", "stream", "message", "seconds", "range", "url", "path", "delay",
  },
  done = {
    "id", "path", "size", "resumed", "elapsed", "url", "status", "content_type", "etag",
    "last_modified", "length_verified", "verified", "content_encoding", "skipped", "retries",
    "warnings",
  },
  error = {
    "id", "url", "kind", "message", "retriable", "status", "path", "range", "attempt", "errno",
    "curl_code", "retry_after", "retry_at", "resumable", "retries", "advice",
  },
  info = {
    "name", "requested_url", "url", "status", "total", "ranges", "content_type",
    "content_encoding", "last_modified", "etag",
  },
  summary = { "status", "done", "failed", "skipped", "total", "bytes", "elapsed" },
}

---@param world table see luadl.cli.output
---@param command { quiet: boolean, progress: string|nil }
---@param tally table
---@param stream table where it writes
function json.new(world, command, tally, stream)
  return setmetatable({
    world = world,
    stream = stream,
    quiet = command.quiet,
    silent = command.quiet or command.progress == "none",
    tally = tally,
    why = why.new(),
    ids = {}, -- of active downloads
    started_count = 0,
    told_at = -math.huge,
  }, metatable)
end

-- JSON is UTF-8 (RFC 8259, section 8.1); paths and what servers say need not be.
local function representable(value)
  if type(value) == "string" then return text.utf8(value) end
  if type(value) ~= "table" then return value end
  local copy = {}
  for key, item in pairs(value) do copy[key] = representable(item) end
  return copy
end

local function pick(object, order, source, names)
  for _, name in ipairs(names) do
    if source[name] ~= nil and object[name] == nil then
      object[name] = representable(source[name])
      order[#order + 1] = name
    end
  end
end

--- An object on one line: its type, then the given pairs, then the named fields of `source`.
---@param kind string
---@param leading { [1]: string, [2]: any }[]
---@param source table|nil
---@param names string[]|nil default: all of this type
---@return string
function json.object(kind, leading, source, names)
  local object, order = { type = kind }, { "type" }
  for _, pair in ipairs(leading) do
    object[pair[1]] = representable(pair[2])
    order[#order + 1] = pair[1]
  end
  pick(object, order, source or {}, names or json.FIELDS[kind])
  return dkjson.encode(object, { keyorder = order })
end

--- What became of a URL that failed.
---@param leading { [1]: string, [2]: any }[]
---@param err table
---@return string
function json.failure(leading, err)
  local facts = setmetatable({ advice = advice.on(err) }, { __index = err })
  return json.object("error", leading, facts)
end

local function write(self, line)
  self.stream:write(line .. "\n")
  self.stream:flush()
end

local function tell(self, ...)
  if not self.quiet then write(self, json.object(...)) end
end

-- The first object says which words follow.
local function greet(self)
  if self.greeted then return end
  self.greeted = true
  tell(self, "version", { { "version", json.VERSION }, { "luadl", self.world.version } })
end

function methods:started(download)
  greet(self)
  self.started_count = self.started_count + 1
  self.ids[download] = self.started_count
  tell(self, "start", { { "id", self.started_count }, { "url", download.url } })
end

local function end_of(self, download)
  local id = self.ids[download]
  self.ids[download] = nil
  return id
end

function methods:postponed(download)
  tell(self, "postponed", { { "id", end_of(self, download) } })
end

function methods:finished(download, result, err)
  greet(self)
  local leading = { { "id", end_of(self, download) }, { "retries", self.tally:retries(download) } }
  if result then return tell(self, "done", leading, result) end
  leading[#leading + 1] = { "url", download.url }
  write(self, json.failure(leading, err))
end

function methods:skip(_, result)
  greet(self)
  tell(self, "done", {}, result)
end

function methods:retry(fault, delay, change)
  local leading = {
    { "id", self.ids[fault.download] }, { "url", fault.url }, { "attempt", fault.attempt },
    { "delay", delay },
  }
  change = change or {}
  if change.url then leading[#leading + 1] = { "next_url", errors.redact_url(change.url) } end
  for _, name in ipairs(CHANGES) do
    if change[name] then leading[#leading + 1] = { name, change[name] } end
  end
  tell(self, "retry", leading, fault.error)
end

local function without_keys(event)
  local shown = { message = why.hide(event.message), url = event.url and why.hide(event.url) }
  return setmetatable(shown, { __index = event })
end

--- A step of a download.
function methods:trace(event)
  tell(self, "trace", {
    { "id", self.ids[event.download] }, { "time", self.why:since(event) }, { "step", event.step },
  }, without_keys(event))
end

local function in_order(ids)
  local downloads = {}
  for download in pairs(ids) do downloads[#downloads + 1] = download end
  table.sort(downloads, function(a, b) return ids[a] < ids[b] end)
  return downloads
end

function methods:tick()
  local now = self.world.now()
  if self.silent or now - self.told_at < INTERVAL then return end
  self.told_at = now
  for _, download in ipairs(in_order(self.ids)) do
    tell(self, "progress", { { "id", self.ids[download] } }, download:stats() or {})
  end
end

function methods:notice(message)
  if not self.quiet then self.world.stderr:write(lines.warning(message), "\n") end
end

function methods:summary(summary, status)
  greet(self)
  local tally = self.tally
  tell(self, "summary", {
    { "status", status }, { "done", summary.done }, { "failed", summary.failed },
    { "skipped", tally.skipped }, { "total", summary.total }, { "bytes", tally.bytes },
    { "elapsed", tally:elapsed() },
  })
end

return json
