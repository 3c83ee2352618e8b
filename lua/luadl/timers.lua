--- Times at which something is due: the earliest first, of equals the older one.
-- SPDX-License-Identifier: MIT

local heap = require("luadl.heap")

local timers = {}

---@class luadl.timers
local methods = {}
local metatable = { __name = "luadl.timers", __index = methods }

---@class luadl.timer
---@field at number seconds on the clock of whoever keeps it
---@field run fun()
---@field index integer|nil where it is in the heap; nil once it has run or was removed

local function before(one, other)
  if one.at ~= other.at then return one.at < other.at end
  return one.order < other.order
end

---@return luadl.timers
function timers.new()
  return setmetatable({ heap = heap.new(before), added = 0 }, metatable)
end

---@param at number
---@param run fun()
---@return luadl.timer
function methods:add(at, run)
  self.added = self.added + 1
  local timer = { at = at, run = run, order = self.added }
  self.heap:add(timer)
  return timer
end

--- The earliest one, or nil.
---@return luadl.timer|nil
function methods:first()
  return self.heap:first()
end

--- Takes one out; one that isn't in it any more is left alone.
---@param timer luadl.timer
function methods:remove(timer)
  self.heap:remove(timer)
end

--- Takes out the earliest one if it is due.
---@param now number
---@return luadl.timer|nil
function methods:take(now)
  local timer = self.heap:first()
  if not timer or timer.at > now then return nil end
  self.heap:remove(timer)
  return timer
end

--- How many there are.
---@return integer
function methods:count()
  return self.heap:count()
end

return timers
