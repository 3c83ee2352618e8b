--- A binary heap: gives what is in it in an order, and lets go of any of it at any time.
-- SPDX-License-Identifier: MIT
--
-- Whatever is in a heap keeps its place there in its field `index`; nil when it is in none.

local heap = {}

---@class luadl.heap
local methods = {}
local metatable = { __name = "luadl.heap", __index = methods }

--- An empty one.
---@param before fun(one: table, other: table): boolean whether `one` comes first
---@return luadl.heap
function heap.new(before)
  return setmetatable({ before = before }, metatable)
end

local function put(self, each, index)
  self[index], each.index = each, index
end

local function rise(self, each, index)
  local before = self.before
  while index > 1 do
    local above = math.floor(index / 2)
    if not before(each, self[above]) then break end
    put(self, self[above], index)
    index = above
  end
  put(self, each, index)
end

local function first_child(self, index)
  local left, right = self[2 * index], self[2 * index + 1]
  if right and self.before(right, left) then return right end
  return left
end

local function sink(self, each, index)
  local child = first_child(self, index)
  while child and self.before(child, each) do
    local place = child.index
    put(self, child, index)
    index, child = place, first_child(self, place)
  end
  put(self, each, index)
end

---@param each table which is in no heap
function methods:add(each)
  rise(self, each, #self + 1)
end

--- The one that comes first, or nil.
---@return table|nil
function methods:first()
  return self[1]
end

--- Takes one out; one that isn't in it any more is left alone.
---@param each table
function methods:remove(each)
  local index = each.index
  if not index then return end
  local last = self[#self]
  self[#self], each.index = nil, nil
  if last == each then return end
  if index > 1 and self.before(last, self[math.floor(index / 2)]) then
    rise(self, last, index)
  else
    sink(self, last, index)
  end
end

--- How many there are.
---@return integer
function methods:count()
  return #self
end

return heap
