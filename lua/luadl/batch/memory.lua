--- What a batch remembers beyond its end: its archive and its journal, as one.
-- SPDX-License-Identifier: MIT

local archive = require("luadl.batch.archive")
local journal = require("luadl.batch.journal")

local memory = {}

---@class luadl.memory
local methods = {}
local metatable = { __name = "luadl.memory", __index = methods }

local ROOMS = { archive = archive, journal = journal }

local function open(self, name, path)
  if not path then return true end
  local room, err = ROOMS[name].open(path)
  if not room then return nil, err end
  self.rooms[#self.rooms + 1] = room
  return true
end

--- Opens what the options name.
---@param opts { archive: string?, journal: string? }
---@return luadl.memory|nil
---@return luadl.error|nil
function memory.open(opts)
  local self = setmetatable({ rooms = {} }, metatable)
  local ok, err = open(self, "journal", opts.journal)
  if ok then ok, err = open(self, "archive", opts.archive) end
  if ok then return self end
  self:close()
  return nil, err
end

--- Whether there is nothing to remember.
---@return boolean
function methods:is_empty()
  return self.rooms[1] == nil
end

local function first(self, question, ...)
  for index = 1, #self.rooms do
    local room = self.rooms[index]
    local answer = room[question](room, ...)
    if answer then return answer end
  end
  return nil
end

local function tell(self, what, ...)
  for index = 1, #self.rooms do
    local room = self.rooms[index]
    room[what](room, ...)
  end
end

--- Why an item need not be downloaded, or nil.
---@param item luadl.item
---@return string|nil
function methods:known(item)
  return first(self, "known", item)
end

--- The same, when the server has answered.
---@param item luadl.item
---@param head luadl.head
---@return string|nil
function methods:known_by_head(item, head)
  return first(self, "known_by_head", item, head)
end

--- The ETag of what is there already, or nil.
---@param item luadl.item
---@param path string
---@param size integer of the file there
---@return string|nil
function methods:etag_of(item, path, size)
  return first(self, "etag_of", item, path, size)
end

--- Why what has the item's name already is the item, or nil.
---@param item luadl.item
---@param path string
---@param head luadl.head|nil
---@return string|nil
function methods:owns(item, path, head)
  return first(self, "owns", item, path, head)
end

--- An item has its name.
---@param item luadl.item
---@param path string
function methods:named(item, path)
  tell(self, "named", item, path)
end

--- Others took an item's place.
---@param item luadl.item
function methods:unfolded(item)
  tell(self, "unfolded", item)
end

--- An item has ended.
---@param item luadl.item
---@param result table|nil
---@param err luadl.error|nil
function methods:ended(item, result, err)
  tell(self, "ended", item, result, err)
end

local function each_file(self, work)
  local failure
  for _, room in ipairs(self.rooms) do
    local ok, err = work(room.records)
    if not ok then failure = failure or err end
  end
  return failure
end

--- Writes what has been told.
---@param now number seconds
---@return luadl.error|nil failure the first
function methods:save(now)
  return each_file(self, function(kept)
    local ok, err = kept:flush()
    if ok then ok, err = kept:sync(now) end
    return ok, err
  end)
end

--- How many lines of the files can't be read.
---@return integer
function methods:count_unreadable()
  local count = 0
  for _, room in ipairs(self.rooms) do count = count + room.records.unreadable end
  return count
end

--- Writes the rest and gives the files back.
---@return luadl.error|nil failure the first
function methods:close()
  return each_file(self, function(kept) return kept:close() end)
end

return memory
