--- What brings a batch its items: sources, asked one after the other, in a task that may wait.
-- SPDX-License-Identifier: MIT

local context = require("luadl.context")
local errors = require("luadl.errors")
local identity = require("luadl.identity")

local feed = {}

---@class luadl.feed
local methods = {}
local metatable = { __name = "luadl.feed", __index = methods }

local IDLE = 0.001 -- seconds until a source is asked again that has nothing yet; twice that then
local IDLE_MOST = 0.05
local IN_A_ROW = 200 -- items that are left out before others have their turn
local ASIDE_MOST = 1000 -- items that are read past while their hosts have enough to do

--- Without sources.
---@param batch luadl.batch
---@param shard string|nil "2/8"
---@return luadl.feed
function feed.new(batch, shard)
  local part, parts = (shard or "1/1"):match("^(%d+)/(%d+)$")
  return setmetatable({
    batch = batch, loop = batch.loop, part = tonumber(part), parts = tonumber(parts),
    sources = {}, left_out = 0, idle = IDLE,
  }, metatable)
end

--- Adds one, the last to be asked.
---@param source function
function methods:add(source)
  table.insert(self.sources, source)
end

local function is_of_shard(self, opts)
  if self.parts == 1 or type(opts.url) ~= "string" then return true end
  return identity.part(opts.url, self.parts) == self.part
end

local function leave_out(self)
  self.left_out = self.left_out + 1
  if self.left_out % IN_A_ROW == 0 then self.loop:sleep(0) end
end

local function as_error(err)
  if errors.is(err) then return err end
  return errors.new("usage", tostring(err or "the source has brought no options"))
end

local function take(self, opts, err)
  if type(opts) == "string" then opts = { url = opts } end
  if type(opts) ~= "table" then return self.batch:refuse(as_error(err)) end
  if not is_of_shard(self, opts) then return leave_out(self) end
  self.batch:take_in(opts)
end

local function pull(self)
  local opts, err = self.sources[1](self.context)
  if opts == false and err == nil then
    self.context:sleep(self.idle)
    self.idle = math.min(2 * self.idle, IDLE_MOST)
    return
  end
  self.idle = IDLE
  if opts == nil then table.remove(self.sources, 1) end
  if opts ~= nil or err ~= nil then take(self, opts, err) end
end

local function is_wanted(self)
  local batch = self.batch
  return batch:appetite() > 0 and batch.waiting:count_aside() < ASIDE_MOST
end

local function run(self)
  while self.sources[1] do
    if is_wanted(self) then
      pull(self)
    else
      self.hungry = self.loop:signal()
      self.loop:await(self.hungry)
    end
  end
end

-- A source that throws is at its end.
local function ended(self)
  local failure = self.task.failure
  self.task = nil
  if failure then
    table.remove(self.sources, 1)
    self.batch:refuse(failure)
  end
  self.batch:ring()
end

local function begin(self)
  local above = self.batch.context or context.background(self.loop)
  self.context = self.context or above:with_cancel()
  self.task = self.loop:spawn("source", run, self)
  self.task.ended:listen(function() ended(self) end)
end

--- Goes on if there is a place.
function methods:look()
  if not self.sources[1] or not is_wanted(self) then return end
  if not self.task then begin(self) end
  if self.hungry then self.hungry:fire() end
end

--- Whether there is nothing to come.
---@return boolean
function methods:is_over()
  return self.task == nil and self.sources[1] == nil
end

--- Asks for nothing any more.
function methods:stop()
  self.sources = {}
  if self.context then self.context:cancel("the batch ends") end
  if self.hungry then self.hungry:fire() end
end

return feed
