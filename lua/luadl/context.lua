--- Cancellation, deadlines and values for all that belongs to one undertaking: a tree, as in Go.
-- SPDX-License-Identifier: MIT
--
-- A child knows its parent; a parent knows of a child only while somebody listens to it, and only
-- then does a timer run for its deadline. Everything else is looked up when it is asked for. So
-- nothing is left of a child that ended or was dropped, and one costs nothing until it is used.

local errors = require("luadl.errors")
local listeners = require("luadl.listeners")

local context = {}

---@class luadl.context
---@field private loop luadl.loop
---@field private parent luadl.context|nil
---@field private due number|nil its own deadline
---@field private failure luadl.error|nil why it ended
---@field private ended number|nil when
local methods = {}
local metatable = { __name = "luadl.context", __index = methods }

local function new(loop, parent, fields)
  fields.loop, fields.parent = loop, parent
  return setmetatable(fields, metatable)
end

--- The root of a tree: it has no values and no deadline.
---@param loop luadl.loop
---@return luadl.context
---@package
function context.background(loop)
  return new(loop, nil, {})
end

--- Whether the value is a context.
---@param value any
---@return boolean
function context.is(value)
  return getmetatable(value) == metatable
end

-- Children

--- A child that can be cancelled without its parent.
---@return luadl.context
function methods:with_cancel()
  return new(self.loop, self, {})
end

local function check_number(value, name)
  if type(value) ~= "number" or value ~= value then
    error(("%s: expected a number of seconds, got %s"):format(name, tostring(value)), 3)
  end
end

--- A child that ends at a time of the loop's clock (`luadl.now()`), or with its parent.
---@param time number
---@return luadl.context
function methods:with_deadline(time)
  check_number(time, "with_deadline")
  return new(self.loop, self, { due = time })
end

--- A child that ends in so many seconds, or with its parent.
---@param seconds number
---@return luadl.context
function methods:with_timeout(seconds)
  check_number(seconds, "with_timeout")
  return new(self.loop, self, { due = self.loop:now() + seconds })
end

--- A child with a value; a key may be anything but nil.
---@param key any
---@param value any
---@return luadl.context
function methods:with_value(key, value)
  if key == nil then error("with_value: a key is expected", 2) end
  return new(self.loop, self, { key = key, held = value })
end

-- What it knows

--- The value of the nearest ancestor that has the key, itself included.
---@param key any
---@return any
function methods:value(key)
  local at = self
  while at do
    if at.key ~= nil and at.key == key then return at.held end
    at = at.parent
  end
  return nil
end

--- When it ends by itself, on the loop's clock: the earliest deadline from here to the root.
---@return number|nil
function methods:deadline()
  local earliest, at = nil, self
  while at do
    if at.due and (not earliest or at.due < earliest) then earliest = at.due end
    at = at.parent
  end
  return earliest
end

local function close(self, failure, time)
  self.failure, self.ended = failure, time
end

--- Why it has ended: an error of kind "cancelled" or "deadline", the same one for ever; nil while
--- it hasn't. Whatever came first counts.
---@return luadl.error|nil
function methods:err()
  if self.failure then return self.failure end
  local parent = self.parent
  local inherited = parent and parent:err()
  local over = self.due and self.due <= self.loop:now()
  if over and not (inherited and parent.ended <= self.due) then
    close(self, errors.new("deadline", "the deadline passed"), self.due)
  elseif inherited then
    close(self, inherited, parent.ended)
  end
  return self.failure
end

-- Its end

local function unlisten(self)
  if self.above then self.parent:ignore(self.above) end
  if self.timer then self.loop:forget(self.timer) end
  self.above, self.timer = nil, nil
end

local function tell(who, failure)
  who(failure)
end

local function notify(self)
  if not self.listeners then return end
  unlisten(self)
  self.listeners:tell_all(tell, self.failure)
end

local function explain(reason)
  if type(reason) == "string" then return errors.new("cancelled", reason) end
  return errors.new("cancelled", reason == nil and "the context was cancelled" or nil, {
    cause = reason,
  })
end

--- Ends it and all that descends from it. What came first counts: later calls change nothing.
---@param reason string|luadl.error|any|nil a text is the error's message, anything else its cause
function methods:cancel(reason)
  if not self:err() then close(self, explain(reason), self.loop:now()) end
  notify(self)
end

local function expire(self)
  if self:err() then notify(self) end
end

-- While it has listeners it listens to its parent, and to the clock where the parent does not.
local function watch(self)
  local parent = self.parent
  if parent then self.above = parent:listen(function() expire(self) end) end
  local earlier = parent and parent:deadline()
  if self.due and not (earlier and earlier <= self.due) then
    self.timer = self.loop:at(self.due, function() expire(self) end)
  end
end

--- Has a function of luadl's own called, at once and with the error, when it ends.
---@param who fun(err: luadl.error) must neither wait nor throw
---@return table|nil handle for `ignore`; nil: it had ended and `who` was called
---@package
function methods:listen(who)
  if self:err() then
    notify(self)
    who(self.failure)
    return nil
  end
  self.listeners = self.listeners or listeners.new()
  if self.listeners:is_empty() then watch(self) end
  return self.listeners:add(who)
end

---@param handle table|nil
---@package
function methods:ignore(handle)
  if not handle or not self.listeners then return end
  self.listeners:remove(handle)
  if self.listeners:is_empty() then unlisten(self) end
end

-- Nobody waits for what a listener does: the program that it is part of is told what it threw.
local function run_listener(self, kin, listener, err)
  local task = self.loop:spawn_like(kin, "on_cancel", listener, err)
  task.ended:listen(function()
    if kin.scope then kin.scope.failure = kin.scope.failure or task.failure end
  end)
end

--- Has `listener(err)` run as a task of its own when it ends; at the next step if it has.
---@param listener fun(err: luadl.error)
---@return fun() remove takes the listener off again
function methods:on_cancel(listener)
  if type(listener) ~= "function" then error("on_cancel: a function is expected", 2) end
  local kin = { owner = self.loop:owner(), scope = self.loop:scope() }
  local handle = self:listen(function(err) run_listener(self, kin, listener, err) end)
  return function() self:ignore(handle) end
end

-- Waiting

--- Waits for the signal, at most so long, and no longer than this context lasts.
---@param signal luadl.signal|nil nil: only for the time to pass
---@param seconds number|nil
---@return boolean|nil fired false: the time ran out
---@return luadl.error|nil err why the context ended
function methods:await(signal, seconds)
  if signal and signal.fired then return true end
  local err = self:err()
  if err then return nil, err end
  local wake = self.loop:signal()
  local function fire() wake:fire() end
  local here, there = self:listen(fire), signal and signal:listen(fire)
  local woken = self.loop:await(wake, seconds)
  self:ignore(here)
  if there then signal:ignore(there) end
  if signal and signal.fired then return true end
  if woken then return nil, self:err() end
  return false
end

--- Waits some seconds.
---@param seconds number
---@return boolean|nil true
---@return luadl.error|nil err why the context ended before the time was up, at once when it does
function methods:sleep(seconds)
  check_number(seconds, "sleep")
  local woken, err = self:await(nil, seconds)
  if woken == nil then return nil, err end
  return true
end

return context
