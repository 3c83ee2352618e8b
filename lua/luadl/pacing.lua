--- How often something may begin: "30/min" to the seconds until the next one's turn.
-- SPDX-License-Identifier: MIT
--
-- Pure: the clock is handed in. Turns come at even distances, so there are no bursts, and what
-- wasn't used isn't made up for.

local pacing = {}

local methods = {}
local metatable = { __name = "luadl.pacing", __index = methods }

local UNITS = {
  s = 1, sec = 1, m = 60, min = 60, h = 3600, hour = 3600, d = 86400, day = 86400,
}
local MOST = 1e6 -- a second

local function of_text(text)
  local count, times, unit = text:match("^%s*([%d.]+)%s*/%s*(%d*)%s*(%a+)%s*$")
  count, times = tonumber(count), times == "" and 1 or tonumber(times)
  return count and UNITS[unit] and count / (times * UNITS[unit])
end

--- Reads how often: "30/min", "5/s", "1000/h", "2/15m"; a number is for a second.
---@param value string|number
---@return number|nil often how many in a second
---@return string|nil message what is wrong
function pacing.read(value)
  local often = type(value) == "number" and value or of_text(tostring(value):lower())
  if not often or not (often > 0 and often <= MOST) then
    return nil, ("expected a pace like '30/min', got '%s'"):format(tostring(value))
  end
  return often
end

--- Turns at even distances.
---@param often number how many in a second
---@return luadl.pacing
function pacing.new(often)
  return setmetatable({ interval = 1 / often, next = -math.huge }, metatable)
end

--- Takes the next turn.
---@param now number seconds
---@return number delay seconds until it comes
function methods:take(now)
  local at = math.max(now, self.next)
  self.next = at + self.interval
  return at - now
end

return pacing
