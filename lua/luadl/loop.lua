--- Tasks, timers and signals: the one place in Lua that waits.
-- SPDX-License-Identifier: MIT
--
-- A task is a coroutine that the loop resumes. Whoever waits inside a task yields; whoever waits
-- outside of one, or in a coroutine of somebody else's, blocks and drives the loop meanwhile. The
-- world is handed in: `now()` in seconds, `wait(seconds)` until something comes, `poll()` takes it.

local errors = require("luadl.errors")

local loop = {}

---@class luadl.loop
local methods = {}
local metatable = { __name = "luadl.loop", __index = methods }

---@class luadl.signal
local signal_methods = {}
local signal_metatable = { __name = "luadl.signal", __index = signal_methods }

local AWAIT = {} -- what our own waits yield; anything else came from a stranger
local BUDGET = 1000000 -- instructions between two looks at whether a task may go on

---@param world { now: (fun(): number), wait: fun(seconds: number|nil), poll: fun() }
---@return luadl.loop
function loop.new(world)
  return setmetatable({ world = world, ready = {}, timers = {}, current = nil }, metatable)
end

--- Something that happens once; who waits for it is resumed then.
---@return luadl.signal
function methods:signal()
  return setmetatable({ loop = self, fired = false, waiting = {} }, signal_metatable)
end

local function make_ready(self, task, ...)
  self.ready[#self.ready + 1] = { task, ... }
end

function signal_methods:fire()
  if self.fired then return end
  self.fired = true
  for task in pairs(self.waiting) do make_ready(self.loop, task, true) end
  self.waiting = {}
end

-- Timers are few: the earliest is looked for.
local function add_timer(self, at, run)
  local timer = { at = at, run = run }
  self.timers[timer] = true
  return timer
end

local function next_timer(self)
  local first
  for timer in pairs(self.timers) do
    if not first or timer.at < first.at then first = timer end
  end
  return first
end

--- Runs `run` after some seconds, unless the handle that it returns is given to `forget`.
---@param seconds number
---@param run fun()
function methods:after(seconds, run)
  return add_timer(self, self.world.now() + seconds, run)
end

function methods:forget(timer)
  self.timers[timer] = nil
end

local function failure_of(task, thrown)
  if errors.is(thrown, "script_budget") then return thrown end
  return errors.wrap_thrown(thrown, task.what, task.thread)
end

local function finish(self, task, ok, ...)
  task.failure = not ok and failure_of(task, (...)) or nil
  task.results = { n = select("#", ...), ... }
  self.current = task.before
  task.ended:fire()
end

local function stranger(task)
  return false, ("%s: only luadl's own waits may yield here"):format(task.what)
end

local function resume(self, task, ...)
  task.before, self.current = self.current, task
  local function after(ok, mark, ...)
    if ok and coroutine.status(task.thread) == "suspended" then
      self.current = task.before
      if mark ~= AWAIT then finish(self, task, stranger(task)) end
      return
    end
    finish(self, task, ok, mark, ...)
  end
  after(coroutine.resume(task.thread, ...))
end

-- A script that catches this meets it again.
local function guard(task)
  debug.sethook(task.thread, function()
    if not task.owner:overdue() then return end
    error(errors.new("script_budget", task.what .. ": still busy when the deadline passed"), 0)
  end, "", BUDGET)
end

--- Starts `run(...)` as a task, at the next step. What it throws becomes an error of kind
--- "callback" in `task.failure`; `what` names it there. It belongs to the owner of the task that
--- starts it.
---@param what string
---@param run function
---@return table task with the signal `ended`, `results` and `failure`
function methods:spawn(what, run, ...)
  return self:spawn_for(self:owner(), what, run, ...)
end

--- The same for another owner; a task that never waits is ended once `owner:overdue()` (L-2).
---@param owner { overdue: fun(self): boolean }|nil
function methods:spawn_for(owner, what, run, ...)
  local thread = coroutine.create(run)
  local task = { what = what, thread = thread, owner = owner, ended = self:signal() }
  if owner then guard(task) end
  make_ready(self, task, ...)
  return task
end

--- Whose task runs now.
function methods:owner()
  return self.current and self.current.owner
end

local function in_task(self)
  return self.current and coroutine.running() == self.current.thread
end

local function yield_for(self, signal, seconds)
  local task = self.current
  local timer = seconds and self:after(seconds, function()
    if not signal.waiting[task] then return end -- it fired in the same step
    signal.waiting[task] = nil
    make_ready(self, task, false)
  end)
  signal.waiting[task] = true
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
  return block_for(self, signal, seconds)
end

--- Waits some seconds.
---@param seconds number
function methods:sleep(seconds)
  self:await(self:signal(), seconds)
end

--- Seconds until something is due, 0 when something is, nil when nothing is planned.
---@return number|nil
function methods:timeout()
  if #self.ready > 0 then return 0 end
  local timer = next_timer(self)
  return timer and math.max(0, timer.at - self.world.now())
end

local function run_timers(self)
  local now = self.world.now()
  local timer = next_timer(self)
  while timer and timer.at <= now do
    self.timers[timer] = nil
    timer.run()
    timer = next_timer(self)
  end
end

-- Those that are ready now; a task that blocks meanwhile runs the rest of them itself.
local function run_ready(self)
  for _ = 1, #self.ready do
    local entry = table.remove(self.ready, 1)
    if not entry then return end
    resume(self, entry[1], (table.unpack or unpack)(entry, 2)) -- luacheck: ignore unpack
  end
end

--- Waits at most so long (nil: until something comes), then does all that is due.
---@param seconds number|nil
function methods:step(seconds)
  local due = self:timeout()
  if due and (not seconds or due < seconds) then seconds = due end
  self.world.wait(seconds)
  self.world.poll()
  run_timers(self)
  run_ready(self)
end

return loop
