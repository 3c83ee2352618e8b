--- Tasks that end together: the first error cancels the rest, and is what one gets (Go's errgroup).
-- SPDX-License-Identifier: MIT

local context = require("luadl.context")
local listeners = require("luadl.listeners")
local loop = require("luadl.loop")

local group = {}

local unpack = table.unpack or unpack -- luacheck: ignore

---@class luadl.group
---@field context luadl.context what its tasks get; ends with the first error, or with `wait`
local methods = {}
local metatable = { __name = "luadl.group", __index = methods }

local function read_limit(opts)
  for name in pairs(opts or {}) do
    if name ~= "limit" then error(("group: unknown option '%s'"):format(tostring(name)), 3) end
  end
  local limit = opts and opts.limit
  if limit == nil or type(limit) == "number" and limit >= 1 then return limit end
  error("group: 'limit' is the number of tasks at once, from 1", 3)
end

--- A group without tasks.
---@param ctx luadl.context what ends it ends the group's tasks
---@param opts { limit: integer|nil }|nil limit: how many tasks run at once
---@return luadl.group
function group.new(ctx, opts)
  if not context.is(ctx) then error("group: a context is expected", 2) end
  local limit = read_limit(opts)
  return setmetatable({
    loop = ctx.loop,
    context = ctx:with_cancel(),
    limit = limit or math.huge,
    running = 0,
    queue = listeners.new(), -- who is called when there is a place
    empty = nil, -- who waits for the end waits for this
    failure = nil,
  }, metatable)
end

local function fail(self, err)
  if self.failure ~= nil then return end
  self.failure = err
  self.context:cancel(err)
end

-- The place goes to who waits longest.
local function leave(self)
  local heir = self.queue:take_first()
  if heir then return heir() end
  self.running = self.running - 1
  if self.running == 0 and self.empty then self.empty:fire() end
end

local function is_inside(self)
  local current = self.loop.current
  return current ~= nil and current.group == self
end

local function launch(self, fn, ...)
  local task = self.loop:spawn("group task", fn, self.context, ...)
  task.group = self
  task.ended:listen(function()
    local err = loop.failure(task)
    if err ~= nil then fail(self, err) end
    leave(self)
  end)
  return task
end

-- With a place. Nothing begins any more once the context has ended, and that is a failure, too.
local function begin(self, fn, ...)
  local err = self.context:err()
  if not err then return launch(self, fn, ...) end
  fail(self, err)
  return leave(self) -- a tail call: the whole queue may follow
end

-- A task of the group has a place already: it would wait for itself.
local function begin_later(self, fn, ...)
  local arguments = { n = select("#", ...), ... }
  self.queue:add(function() return begin(self, fn, unpack(arguments, 1, arguments.n)) end)
end

-- Whether there is a place; not when the context ends first.
local function wait_for_place(self)
  local place = self.loop:signal()
  local handle = self.queue:add(function() place:fire() end)
  local got, err = self.context:await(place)
  if got then return true end
  self.queue:remove(handle)
  fail(self, err)
  return false
end

--- Starts `fn(ctx, ...)` as a task; waits for a place first if there is a limit. In a task of the
--- same group it doesn't wait: `fn` is started when there is a place. A task fails by an error, or
--- by returning nil and a reason.
---@param fn fun(ctx: luadl.context, ...)
---@param ... any
---@return boolean|nil true
---@return any err the group has failed or its context has ended: nothing was started
function methods:go(fn, ...)
  if type(fn) ~= "function" then error("group: a function is expected", 2) end
  if self.over then error("group: it has ended", 2) end
  if self.running < self.limit then
    self.running = self.running + 1
    begin(self, fn, ...)
  elseif is_inside(self) then
    begin_later(self, fn, ...)
  elseif wait_for_place(self) then
    begin(self, fn, ...)
  end
  if self.failure ~= nil then return nil, self.failure end
  return true
end

--- Waits until all its tasks have ended.
---@return boolean|nil true
---@return any err of the task that failed first
function methods:wait()
  if is_inside(self) then error("group: a task of the group waits for it", 2) end
  while self.running > 0 do
    self.empty = self.loop:signal()
    self.loop:await(self.empty)
  end
  self.over = true
  self.context:cancel("the group has ended")
  if self.failure ~= nil then return nil, self.failure end
  return true
end

--- Runs `fn(ctx, item, index)` for each item of a list, and waits for all.
---@param list any[]
---@param fn fun(ctx: luadl.context, item: any, index: integer): any
---@return any[]|nil results the first result of each, in the order of the list
---@return any err of the task that failed first
function methods:map(list, fn)
  local results = {}
  for index, item in ipairs(list) do
    local going = self:go(function(ctx)
      local result, err = fn(ctx, item, index)
      results[index] = result
      return result, err
    end)
    if not going then break end
  end
  local ok, err = self:wait()
  if not ok then return nil, err end
  return results
end

return group
