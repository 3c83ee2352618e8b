--- Downloads whose bytes go through a filter on their way into the file.
-- SPDX-License-Identifier: MIT
--
-- They are read in order, so nothing of them can be continued. The file is complete and right by
-- what is known of it before it has its name, as any other; the disk is waited for.

local core = require("luadl.file_core")
local errors = require("luadl.errors")
local summing = require("luadl.summing")
local transfer = require("luadl.transfer")

local filtering = {}

local BLOCK = 256 * 1024 -- bytes

local function unwritable(self, what, err)
  local message = ("%s %s: %s"):format(what, self.target.name, err.message)
  return errors.new(err.kind, message, { errno = err.errno, url = self.url })
end

--- Opens the file, or gives the one that is open another name.
---@param self luadl.download
---@return boolean|nil
---@return luadl.error|nil
function filtering.open(self)
  local where = self.target
  if self.file then
    local ok, wrong = self.file:rename(where.name)
    return ok, not ok and unwritable(self, "cannot write", wrong) or nil
  end
  local file, err = core.open(where.dir, where.name, where.replace)
  if not file then return nil, unwritable(self, "cannot write", err) end
  self.file = file
  return true
end

-- The filter

-- What a filter makes of these bytes, or (nil) of the end: nil for nothing.
local function apply(filter, bytes)
  if type(filter) == "function" then return filter(bytes) end
  if bytes then return filter:update(bytes) end
  return filter:finish()
end

local function failure(self, err)
  if errors.is(err) then return err end
  local message = type(err) == "string" and err or "the filter must answer a string or nil"
  return errors.new("callback", message, { url = self.url })
end

local function put(self, bytes)
  local made, err = apply(self.opts.filter, bytes)
  if err ~= nil or (made ~= nil and type(made) ~= "string") then return failure(self, err) end
  if not made or made == "" or not self.file then return nil end
  local ok, problem = self.file:write(made)
  return not ok and unwritable(self, "cannot write", problem) or nil
end

local function next_block(self)
  local bytes = not self.ended.fired and self.engine:read(self.id, BLOCK)
  if bytes then summing.add(self, bytes) end
  return bytes
end

-- Until all that is there has been written.
local function pump(self)
  local bytes = next_block(self)
  while bytes and not self.reason do
    self.has_begun = true
    local err = put(self, bytes)
    if err then return transfer.fail(self, err) end
    self.loop:sleep(0)
    bytes = next_block(self)
  end
end

--- There is something to read.
---@param self luadl.download
function filtering.answer_data(self)
  if self.pumping then
    self.has_more = true
    return
  end
  self.pumping = self.loop:signal()
  repeat
    self.has_more = false
    pump(self)
  until not self.has_more or self.reason
  local pumped = self.pumping
  self.pumping = nil
  pumped:fire()
end

--- The filter has thrown.
---@param self luadl.download
---@param err luadl.error
function filtering.failed(self, err)
  transfer.fail(self, err)
  self.pumping:fire()
  self.pumping = nil
end

-- The end

--- The last bytes of the filter; all is stable then.
---@param self luadl.download
---@param modified integer|nil seconds since the epoch
---@return string|nil part where the complete file is as yet
---@return luadl.error|nil
function filtering.complete(self, modified)
  while self.pumping do self.loop:await(self.pumping) end
  local err = self.reason or put(self, nil)
  if err then return nil, err end
  local ok, problem = self.file:finish(modified)
  if not ok then return nil, unwritable(self, "cannot complete", problem) end
  return self.file:part()
end

local function is_decided(self)
  return self.reason ~= nil or self.skipped ~= nil
end

--- Gives the complete file its name.
---@param self luadl.download
---@param taken fun(self: luadl.download, err: luadl.error) decides where the name is taken
---@return string|nil path
---@return luadl.error|nil
function filtering.publish(self, taken)
  local path, err = self.file:publish(self.target.replace)
  while not path and err.kind == "exists" do
    taken(self, unwritable(self, "cannot publish", err))
    if is_decided(self) then return nil, self.reason end
    path, err = self.file:publish(self.target.replace)
  end
  return path, not path and unwritable(self, "cannot publish", err) or nil
end

--- Nothing is left but what has its name.
---@param self luadl.download
function filtering.close(self)
  if self.file then self.file:close() end
  self.file = nil
end

return filtering
