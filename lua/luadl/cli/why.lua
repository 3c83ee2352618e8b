--- The log of `--why`: each step and each decision on a line, with its time and its reason.
-- SPDX-License-Identifier: MIT
--
-- Such logs are shown to others: of a query, values that look like keys are left out.

local text = require("luadl.text")
local units = require("luadl.units")

local why = {}

local methods = {}
local metatable = { __name = "luadl.cli.why", __index = methods }

local SECRETS = { "sig", "token", "key", "secret", "pass", "auth", "credential", "code" }

-- What a step is about, where that isn't its bytes.
local SHOWS_URL = { start = true, redirect = true, renew = true }
local WITHOUT_RANGE = { dns = true, connect = true, tls = true, first_byte = true, resume = true }

---@return table
function why.new()
  return setmetatable({ began = nil }, metatable)
end

local function is_secret(name)
  name = name:lower()
  for _, word in ipairs(SECRETS) do
    if name:find(word, 1, true) then return true end
  end
  return false
end

--- Takes what looks like a key out of the URLs in a text.
---@param line string
---@return string
function why.hide(line)
  return (line:gsub("([?&][^=&#%s]*)=[^&#%s]+", function(name)
    return is_secret(name) and name .. "=..." or nil
  end))
end

local function shown_range(event)
  local range = not WITHOUT_RANGE[event.step] and event.range
  if not range then return nil end
  if range[2] then return ("bytes %d-%d"):format(range[1], range[2]) end
  return range[1] > 0 and ("bytes from %d"):format(range[1]) or nil
end

local function subject(event)
  if event.path then return event.path end
  return SHOWS_URL[event.step] and event.url or shown_range(event)
end

-- A request is told of when it is sent: what came before has lines of its own.
local function shown_seconds(event)
  if not event.seconds or event.seconds < 0.0005 or event.step == "request" then return "" end
  return ", " .. units.format_duration(event.seconds)
end

local function describe(event)
  local what = subject(event)
  local before = what and why.hide(what) .. ": " or ""
  return text.clean(before .. why.hide(event.message) .. shown_seconds(event))
end

--- Seconds since the first step.
---@param event luadl.step
---@return number
function methods:since(event)
  self.began = self.began or event.time
  return math.max(0, event.time - self.began)
end

--- A line for people.
---@param event luadl.step
---@param number integer|nil of the file, when there are several
---@return string
function methods:line(event, number)
  return ("%8.3fs  %s%-10s %-11s %s"):format(
    self:since(event),
    number and ("#%-3d "):format(number) or "",
    event.stream and "stream " .. event.stream or "",
    text.clean((event.step:gsub("_", " "))),
    describe(event)
  )
end

return why
