--- Times at which something is due: a binary heap, the earliest first, of equals the older one.
-- SPDX-License-Identifier: MIT

local timers = {}

---@class luadl.timers
local methods = {}
local metatable = { __name = "luadl.timers", __index = methods }

---@class luadl.timer
---@field at number seconds on the clock of whoever keeps it
---@field run fun()
---@field index integer|nil where it is in the heap; nil once it has run or was removed

---@return luadl.timers
function timers.new()
  return setmetatable({ heap = {}, added = 0 }, metatable)
end

local function before(one, other)
  if one.at ~= other.at then return one.at < other.at end
  return one.order < other.order
end

local function put(heap, timer, index)
  heap[index], timer.index = timer, index
end

local function rise(heap, timer, index)
  while index > 1 do
    local above = math.floor(index / 2)
    if not before(timer, heap[above]) then break end
    put(heap, heap[above], index)
    index = above
  end
  put(heap, timer, index)
end

local function earlier_child(heap, index)
  local left, right = heap[2 * index], heap[2 * index + 1]
  if right and before(right, left) then return right end
  return left
end

local function sink(heap, timer, index)
  local child = earlier_child(heap, index)
  while child and before(child, timer) do
    local place = child.index
    put(heap, child, index)
    index, child = place, earlier_child(heap, place)
  end
  put(heap, timer, index)
end

---@param at number
---@param run fun()
---@return luadl.timer
function methods:add(at, run)
  self.added = self.added + 1
  local timer = { at = at, run = run, order = self.added }
  rise(self.heap, timer, #self.heap + 1)
  return timer
end

--- The earliest one, or nil.
---@return luadl.timer|nil
function methods:first()
  return self.heap[1]
end

--- Takes one out; one that isn't in it any more is left alone.
---@param timer luadl.timer
function methods:remove(timer)
  local heap, index = self.heap, timer.index
  if not index then return end
  local last = heap[#heap]
  heap[#heap], timer.index = nil, nil
  if last == timer then return end
  if index > 1 and before(last, heap[math.floor(index / 2)]) then
    rise(heap, last, index)
  else
    sink(heap, last, index)
  end
end

--- Takes out the earliest one if it is due.
---@param now number
---@return luadl.timer|nil
function methods:take(now)
  local timer = self.heap[1]
  if not timer or timer.at > now then return nil end
  self:remove(timer)
  return timer
end

--- How many there are.
---@return integer
function methods:count()
  return #self.heap
end

return timers
