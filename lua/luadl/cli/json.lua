--- Reports as JSON: one object per line on standard output, for programs.
-- SPDX-License-Identifier: MIT

local dkjson = require("dkjson")
local lines = require("luadl.cli.lines")
local text = require("luadl.text")
local why = require("luadl.cli.why")

local json = {}

local methods = {}
local metatable = { __name = "luadl.cli.json", __index = methods }

local INTERVAL = 0.5 -- seconds between two progress objects of a file

local PROGRESS = {
  "state", "name", "path", "received", "resumed", "total", "speed", "elapsed", "connections",
}
local RESULT = {
  "path", "size", "resumed", "elapsed", "url", "length_verified", "content_encoding", "skipped",
  "warnings",
}
local ERROR = {
  "kind", "message", "retriable", "status", "url", "path", "range", "attempt", "errno", "curl_code",
  "retry_after", "retry_at", "resumable",
}
local CHANGE = { "url", "renew", "fewer", "single", "fresh", "restart" }
local STEP = { "stream", "message", "seconds", "range", "url", "path", "delay" }
local SUMMARY = { "done", "failed", "total" }

---@param world table see luadl.cli.output
---@param volume { quiet: boolean, verbose: boolean }
function json.new(world, volume)
  return setmetatable({
    world = world,
    quiet = volume.quiet,
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

--- An object on one line: first the given pairs, then the named fields of `source`.
---@param leading { [1]: string, [2]: any }[]
---@param source table|nil
---@param names string[]|nil
---@return string
function json.object(leading, source, names)
  local object, order = {}, {}
  for _, pair in ipairs(leading) do
    object[pair[1]] = representable(pair[2])
    order[#order + 1] = pair[1]
  end
  pick(object, order, source or {}, names or {})
  return dkjson.encode(object, { keyorder = order })
end

--- What became of a URL that failed.
---@param leading { [1]: string, [2]: any }[]
---@param err table
---@return string
function json.failure(leading, err)
  table.insert(leading, 1, { "type", "error" })
  return json.object(leading, err, ERROR)
end

local function tell_line(self, line)
  self.world.stdout:write(line, "\n")
  self.world.stdout:flush()
end

local function tell(self, ...)
  tell_line(self, json.object(...))
end

function methods:started(download)
  self.started_count = self.started_count + 1
  self.ids[download] = self.started_count
  if self.quiet then return end
  tell(self, { { "type", "start" }, { "id", self.started_count }, { "url", download.url } })
end

function methods:postponed(download)
  local id = self.ids[download]
  self.ids[download] = nil
  if not self.quiet then tell(self, { { "type", "postponed" }, { "id", id } }) end
end

function methods:finished(download, result, err)
  local id = self.ids[download]
  self.ids[download] = nil
  if not result then
    tell_line(self, json.failure({ { "id", id }, { "url", download.url } }, err))
  elseif not self.quiet then
    tell(self, { { "type", "done" }, { "id", id } }, result, RESULT)
  end
end

function methods:retry(fault, delay, change)
  if self.quiet then return end
  local leading = {
    { "type", "retry" }, { "id", self.ids[fault.download] }, { "url", fault.url },
    { "attempt", fault.attempt }, { "delay", delay },
  }
  for _, name in ipairs(CHANGE) do
    if change and change[name] then leading[#leading + 1] = { name, change[name] } end
  end
  tell(self, leading, fault.error, { "kind", "message", "status", "range" })
end

--- A step of a download.
function methods:trace(event)
  tell(self, {
    { "type", "trace" }, { "id", self.ids[event.download] }, { "time", self.why:since(event) },
    { "step", event.step },
  }, event, STEP)
end

local function in_order(ids)
  local downloads = {}
  for download in pairs(ids) do downloads[#downloads + 1] = download end
  table.sort(downloads, function(a, b) return ids[a] < ids[b] end)
  return downloads
end

function methods:tick()
  local now = self.world.now()
  if self.quiet or now - self.told_at < INTERVAL then return end
  self.told_at = now
  for _, download in ipairs(in_order(self.ids)) do
    local stats = download:stats() or {}
    tell(self, { { "type", "progress" }, { "id", self.ids[download] } }, stats, PROGRESS)
  end
end

function methods:notice(message)
  if not self.quiet then self.world.stderr:write(lines.warning(message), "\n") end
end

function methods:summary(summary, status)
  if self.quiet then return end
  tell(self, { { "type", "summary" }, { "status", status } }, summary, SUMMARY)
end

function methods.close() end

return json
