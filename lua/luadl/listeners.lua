--- Who wants to be told of something, in the order in which they asked.
-- SPDX-License-Identifier: MIT

local listeners = {}

---@class luadl.listeners
local methods = {}
local metatable = { __name = "luadl.listeners", __index = methods }

---@return luadl.listeners
function listeners.new()
  return setmetatable({ handles = {}, first = 1, last = 0, count = 0 }, metatable)
end

--- Adds one, the last in the row; the handle that this returns removes it again.
---@param value any
---@return table handle
function methods:add(value)
  local handle = { value = value }
  self.last, self.count = self.last + 1, self.count + 1
  self.handles[self.last], handle.index = handle, self.last
  return handle
end

local function is_sparse(self)
  return self.last - self.first > 2 * self.count + 8
end

local function close_ranks(self)
  local handles, last = {}, 0
  for index = self.first, self.last do
    local handle = self.handles[index]
    if handle then
      last = last + 1
      handles[last], handle.index = handle, last
    end
  end
  self.handles, self.first, self.last = handles, 1, last
end

--- Takes one out; one that was told or removed already is left alone.
---@param handle table
---@return boolean was whether it was still there
function methods:remove(handle)
  local index = handle.index
  if not index then return false end
  self.handles[index], handle.index = nil, nil
  self.count = self.count - 1
  if is_sparse(self) then close_ranks(self) end
  return true
end

---@return boolean
function methods:is_empty()
  return self.count == 0
end

--- Takes out the one that has been there longest.
---@return any value or nil
function methods:take_first()
  while self.first <= self.last do
    local handle = self.handles[self.first]
    self.first = self.first + 1
    if handle and self:remove(handle) then return handle.value end
  end
  return nil
end

--- Takes out those that are there now and hands each to `tell`, but for those that somebody removes
--- meanwhile.
---@param tell fun(value: any, with: any)
---@param with any
function methods:tell_all(tell, with)
  for _ = 1, self.count do
    if self.count == 0 then return end
    tell(self:take_first(), with)
  end
end

return listeners
