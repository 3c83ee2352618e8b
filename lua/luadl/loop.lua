--- Tasks, timers and signals: the one place in Lua that waits.
-- SPDX-License-Identifier: MIT
--
-- A task is a coroutine that the loop resumes. Whoever waits inside a task yields; whoever waits
-- outside of one, or in a coroutine of somebody else's, blocks and drives the loop meanwhile, if no
-- foreign event loop does. The world is handed in: `now()` in seconds, `wait(seconds)` until
-- something comes, `poll()` takes it; for foreign event loops also `pollfd()`, and `patience()`:
-- after how many seconds it wants to be polled though nothing came, if at all.

local errors = require("luadl.errors")
local listeners = require("luadl.listeners")
local timers = require("luadl.timers")

local loop = {}

---@class luadl.loop
local methods = {}
local metatable = { __name = "luadl.loop", __index = methods }

---@class luadl.signal
---@field fired boolean
local signal_methods = {}
local signal_metatable = { __name = "luadl.signal", __index = signal_methods }

--- A task; it has ended when its signal fires.
---@class luadl.task
---@field ended luadl.signal
---@field results table { n = number of results, ... }
---@field failure luadl.error|nil what it threw
---@field on_failure fun(owner: any, failure: luadl.error)|nil called then

local AWAIT = {} -- what our own waits yield; anything else came from a stranger
local BUDGET = 1000000 -- instructions between two looks at whether a task may go on
-- What ends a task says so itself.
local BY_GUARD = { script_budget = true, no_memory = true, cancelled = true }
local MOST_NESTED = 16 -- tasks that block inside each other; the C stack bears few (L-9)

local unpack = table.unpack or unpack -- luacheck: ignore

-- LuaJIT has one hook for all threads: here it is somebody else who runs.
local function is_running(task)
  return task and task.owner and coroutine.running() == task.thread
end

-- Runs in the thread of the task. A script that catches what this throws meets it again, at its
-- next instruction.
local function new_guard(self)
  local function guard()
    local task = self.closing or self.current
    if not is_running(task) then return end
    local over, kind = task.owner:overdue()
    if not over then return end
    local when = kind and "it was interrupted" or "its time was up"
    local err = errors.new(kind or "script_budget", task.what .. ": still busy when " .. when)
    debug.sethook(function()
      if is_running(task) then error(err, 0) end
      debug.sethook(guard, "", BUDGET)
    end, "", 1)
    error(err, 0)
  end
  return guard
end

---@param world { now: (fun(): number), wait: fun(seconds: number|nil), poll: fun(),
--- pollfd: (fun(): integer)|nil, patience: (fun(): number|nil)|nil }
---@return luadl.loop
---@package
function loop.new(world)
  local self = setmetatable({
    world = world,
    timers = timers.new(),
    ready = {}, -- from `first` to `last`
    first = 1,
    last = 0,
    current = nil, -- the task that runs
    driver = nil, -- the foreign event loop
  }, metatable)
  self.guard = new_guard(self)
  return self
end

local function stir(self)
  if self.driver then self.driver.stirred() end
end

local function make_ready(self, task, value)
  task.value = value
  self.last = self.last + 1
  self.ready[self.last] = task
  stir(self)
end

-- Signals

--- Something that happens once; who waits for it is resumed then.
---@return luadl.signal
function methods:signal()
  return setmetatable({ loop = self, fired = false, waiting = nil }, signal_metatable)
end

--- Has `who`, a function, called when it fires.
---@param who fun()
---@return table handle for `ignore`
---@package
function signal_methods:listen(who)
  if not self.waiting then self.waiting = listeners.new() end
  return self.waiting:add(who)
end

---@param handle table
---@return boolean was whether it hadn't been called yet
---@package
function signal_methods:ignore(handle)
  return self.waiting:remove(handle)
end

local function tell(who, self)
  if type(who) == "function" then return who() end
  make_ready(self, who, true)
end

--- Resumes all who wait, once and for all.
function signal_methods:fire()
  if self.fired then return end
  self.fired = true
  if self.waiting then self.waiting:tell_all(tell, self.loop) end
end

-- Timers

--- Runs `run` after some seconds, unless the timer that it returns is given to `forget`.
---@param seconds number
---@param run fun()
---@return luadl.timer
---@package
function methods:after(seconds, run)
  return self:at(self.world.now() + (seconds > 0 and seconds or 0), run)
end

--- The same at a time of the loop's clock.
---@param time number
---@param run fun()
---@return luadl.timer
---@package
function methods:at(time, run)
  local timer = self.timers:add(time, run)
  stir(self)
  return timer
end

---@param timer luadl.timer
---@package
function methods:forget(timer)
  self.timers:remove(timer)
end

--- The loop's clock: monotonic seconds.
---@return number
function methods:now()
  return self.world.now()
end

-- Tasks

local function failure_of(task, thrown)
  if errors.is(thrown) and BY_GUARD[thrown.kind] then return thrown end
  return errors.wrap_thrown(thrown, task.what, task.thread)
end

-- What a task that failed had open in to-be-closed variables.
local function unwind(task)
  local self = task.ended.loop
  if not coroutine.close then return end
  self.closing = task
  coroutine.close(task.thread)
  self.closing = nil
end

local NO_RESULTS = { n = 0 }

local function finish(task, ok, ...)
  local count = select("#", ...)
  task.results = ok and count > 0 and { n = count, ... } or NO_RESULTS
  if not ok then
    task.failure = failure_of(task, (...))
    unwind(task)
  end
  if task.scope then task.scope.live = task.scope.live - 1 end
  if task.failure and task.on_failure then task.on_failure(task.owner, task.failure) end
  task.ended:fire()
end

local function stranger(task)
  return ("%s: only luadl's own waits may yield here"):format(task.what)
end

local function settle(self, task, ok, ...)
  self.current, task.before = task.before, nil
  if not ok or coroutine.status(task.thread) ~= "suspended" then
    return finish(task, ok, ...)
  end
  if (...) ~= AWAIT then finish(task, false, stranger(task)) end
end

local function resume(self, task)
  local arguments = task.arguments
  task.before, self.current, task.arguments = self.current, task, nil
  if arguments then
    return settle(self, task, coroutine.resume(task.thread, unpack(arguments, 1, arguments.n)))
  end
  return settle(self, task, coroutine.resume(task.thread, task.value))
end

local function start(self, owner, scope, what, run, ...)
  local task = {
    what = what, thread = coroutine.create(run), owner = owner, scope = scope,
    ended = self:signal(), arguments = { n = select("#", ...), ... },
  }
  if owner then debug.sethook(task.thread, self.guard, "", BUDGET) end
  if scope then scope.live = scope.live + 1 end
  make_ready(self, task)
  return task
end

--- Starts `run(...)` as a task, at the next step. What it throws becomes an error of kind
--- "callback" in `task.failure`; `what` names it there. It has the owner and the scope of the task
--- that starts it.
---@param what string
---@param run function
---@param ... any
---@return luadl.task
function methods:spawn(what, run, ...)
  return start(self, self:owner(), self:scope(), what, run, ...)
end

--- The same for another owner; a task that never waits is ended once `owner:overdue()` (L-2).
---@param owner { overdue: fun(self): boolean }|nil
---@param what string
---@param run function
---@return luadl.task
---@package
function methods:spawn_for(owner, what, run, ...)
  return start(self, owner, self:scope(), what, run, ...)
end

--- The same with the owner and the scope that `kin` names.
---@param kin { owner: table|nil, scope: luadl.scope|nil }
---@param what string
---@param run function
---@return luadl.task
---@package
function methods:spawn_like(kin, what, run, ...)
  return start(self, kin.owner, kin.scope, what, run, ...)
end

--- Whose task runs now.
---@package
function methods:owner()
  return self.current and self.current.owner
end

--- Says what the task that runs now is about, for errors; returns what it was about.
---@param what string
---@return string
---@package
function methods:describe(what)
  local task = self.current
  local before = task.what
  task.what = what
  return before
end

--- What a task failed with: what it threw, or what it returned as `nil, err`.
---@param task luadl.task one that has ended
---@return any err or nil
---@package
function loop.failure(task)
  if task.failure then return task.failure end
  if not task.results[1] then return task.results[2] end
  return nil
end

-- Scopes: what a task starts, and what that starts, can be waited for as a whole.

---@class luadl.scope
---@field live integer what has begun in it and not ended
---@field failure luadl.error|nil of a task whose result nobody asks for

---@return luadl.scope
---@package
function loop.new_scope()
  return { live = 0, failure = nil }
end

--- The scope of the task that runs now.
---@return luadl.scope|nil
---@package
function methods:scope()
  return self.current and self.current.scope
end

local function nothing() end

--- Something begins that isn't a task; it has ended when the function that this returns is called.
---@return fun() release may be called twice
---@package
function methods:hold()
  local scope = self:scope()
  if not scope then return nothing end
  scope.live = scope.live + 1
  return function()
    if scope then scope.live = scope.live - 1 end
    scope = nil
  end
end

-- Waiting

local function in_task(self)
  return self.current and coroutine.running() == self.current.thread
end

local function yield_for(self, signal, seconds)
  local task = self.current
  local handle = signal:listen(task)
  local timer = seconds and self:after(seconds, function()
    if signal:ignore(handle) then make_ready(self, task, false) end -- else it fired in this step
  end)
  local fired = coroutine.yield(AWAIT)
  if timer then self:forget(timer) end
  return fired
end

local function block_for(self, signal, seconds)
  local until_time = seconds and self.world.now() + seconds
  while not signal.fired do
    local left = until_time and until_time - self.world.now()
    if left and left <= 0 then return false end
    self:step(left)
  end
  return true
end

--- Waits for the signal.
---@param signal luadl.signal
---@param seconds number|nil
---@return boolean fired false: the time ran out
function methods:await(signal, seconds)
  if signal.fired then return true end
  if in_task(self) then return yield_for(self, signal, seconds) end
  local driver, fired = self.driver, nil
  if driver and driver.await then fired = driver.await(signal, seconds) end
  if fired ~= nil then return fired end
  return block_for(self, signal, seconds)
end

--- Waits some seconds.
---@param seconds number
function methods:sleep(seconds)
  self:await(self:signal(), seconds)
end

-- Steps

local function due_in(self)
  if self.first <= self.last then return 0 end
  local timer = self.timers:first()
  return timer and math.max(0, timer.at - self.world.now())
end

local function run_timers(self)
  local now = self.world.now()
  local timer = self.timers:take(now)
  while timer do
    timer.run()
    timer = self.timers:take(now)
  end
end

-- Those that are ready now; a task that blocks meanwhile runs the rest of them itself.
local function run_ready(self)
  local last = self.last
  while self.first <= last do
    local task = self.ready[self.first]
    self.ready[self.first] = nil
    self.first = self.first + 1
    resume(self, task)
  end
end

local function check_depth(self)
  local depth, task = 0, self.current
  while task do depth, task = depth + 1, task.before end
  if depth > MOST_NESTED then
    error("too many tasks block inside each other: wait in the task, not in a coroutine of its own")
  end
end

--- Waits at most so long (nil: until something comes), then does all that is due.
---@param seconds number|nil
function methods:step(seconds)
  if self.current then check_depth(self) end
  local due = due_in(self)
  if due and (not seconds or due < seconds) then seconds = due end
  self.world.wait(seconds)
  self.world.poll()
  run_timers(self)
  run_ready(self)
end

-- For a foreign event loop: it calls step(0) when `pollfd` has one of the `events`, or `timeout`
-- has passed.

--- A descriptor that is readable when there is something to do.
---@return integer
function methods:pollfd()
  return self.world.pollfd()
end

--- What to poll the descriptor for, in the words of cqueues.
---@return string
function methods.events(_)
  return "r"
end

--- Seconds until something is due, 0 when something is, nil when nothing is planned.
---@return number|nil
function methods:timeout()
  local due, patience = due_in(self), self.world.patience and self.world.patience()
  if due and patience then return math.min(due, patience) end
  return due or patience
end

--- A foreign event loop steps this one from now on: `stirred` is called when `timeout` may have
--- become shorter; `await`, if there is one, waits as the foreign loop does, or returns nil where
--- that can't be done.
---@param driver { stirred: fun(), await: function|nil }|nil nil: nobody does any more
function methods:driven_by(driver)
  self.driver = driver
end

--- Tells the foreign event loop that the world has begun something.
---@package
function methods:stir()
  stir(self)
end

return loop
