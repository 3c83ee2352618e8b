--- Which names the items of a batch have taken: the same request for the same file is one download
--- (B1), however often a list has it.
-- SPDX-License-Identifier: MIT
--
-- A list may be endless: the last ones are known, so many and up to as many before.

local digest = require("luadl.digest")
local identity = require("luadl.identity")

local claims = {}

---@class luadl.claims
local methods = {}
local metatable = { __name = "luadl.claims", __index = methods }

local MOST = 100000

--- None yet.
---@param most integer|nil how many are known at least, 100000
---@return luadl.claims
function claims.new(most)
  return setmetatable({
    taken = {}, count = 0, before = {}, most = most or MOST,
    owners = {}, owner_count = 0, -- by path, where files may be replaced: the request
  }, metatable)
end

local function count_of(self, number)
  return (self.taken[number] or 0) + (self.before[number] or 0)
end

local function add(self, number)
  if self.count == self.most then self.before, self.taken, self.count = self.taken, {}, 0 end
  local others = self.taken[number]
  if not others then self.count = self.count + 1 end
  self.taken[number] = (others or 0) + 1
end

local function remove(self, number)
  local list = self.taken[number] and self.taken or self.before
  local left = (list[number] or 0) - 1
  list[number] = left > 0 and left or nil
end

-- 48 bits of a digest: every Lua holds them.
local function number_of(item, path)
  local bytes = digest.raw("sha256", identity.request(item.opts) .. "\n" .. path)
  local a, b, c, d, e, f = bytes:byte(1, 6)
  return ((((a * 256 + b) * 256 + c) * 256 + d) * 256 + e) * 256 + f
end

local function let_go(self, item)
  if item.claim then remove(self, item.claim) end
  item.claim = nil
end

--- An item is about to be written under this name; of those that ask for the same, nobody knows
--- as yet who opens the file first.
---@param item luadl.item
---@param path string
function methods:take(item, path)
  local number = number_of(item, path)
  if item.claim == number then return end
  let_go(self, item)
  add(self, number)
  item.claim = number
end

--- An item can't have this name: whether another one that asks for the same has it, or will.
---@param item luadl.item
---@param path string
---@return boolean
function methods:is_taken(item, path)
  local number = number_of(item, path)
  if item.claim == number then let_go(self, item) end
  return count_of(self, number) > 0
end

--- Whether an item may replace what has this name: that may be the file of another request of the
--- same batch.
---@param item luadl.item
---@param path string
---@return boolean
function methods:may_replace(item, path)
  local request, owner = identity.request(item.opts), self.owners[path]
  if owner then return owner == request end
  if self.owner_count == self.most then self.owners, self.owner_count = {}, 0 end
  self.owners[path], self.owner_count, item.owned = request, self.owner_count + 1, path
  return true
end

--- An item has no file.
---@param item luadl.item
function methods:drop(item)
  if item.owned then self.owners[item.owned], item.owned = nil, nil end
  let_go(self, item)
end

return claims
