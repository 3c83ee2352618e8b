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
  return setmetatable({ taken = {}, count = 0, before = {}, most = most or MOST }, metatable)
end

local function add(self, number)
  if self.count == self.most then self.before, self.taken, self.count = self.taken, {}, 0 end
  self.taken[number], self.count = true, self.count + 1
end

local function has(self, number)
  return self.taken[number] or self.before[number] or false
end

-- 48 bits of a digest: every Lua holds them.
local function number_of(item, path)
  local bytes = digest.raw("sha256", identity.request(item.opts) .. "\n" .. path)
  local a, b, c, d, e, f = bytes:byte(1, 6)
  return ((((a * 256 + b) * 256 + c) * 256 + d) * 256 + e) * 256 + f
end

--- An item is about to be written under this name.
---@param item luadl.item
---@param path string
function methods:take(item, path)
  local number = number_of(item, path)
  if item.claim == number then return end
  local is_free = not has(self, number)
  item.claim = is_free and number or nil
  if is_free then add(self, number) end
end

--- An item can't have this name: whether another one that asks for the same has it.
---@param item luadl.item
---@param path string
---@return boolean
function methods:is_taken(item, path)
  local number = number_of(item, path)
  if item.claim == number then self:drop(item) end
  return has(self, number)
end

--- An item has no file.
---@param item luadl.item
function methods:drop(item)
  if not item.claim then return end
  self.taken[item.claim], self.before[item.claim] = nil, nil
  item.claim = nil
end

return claims
