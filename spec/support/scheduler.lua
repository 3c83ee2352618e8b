-- Tasks over select(2): a coroutine waits for a socket, for a time, or for whichever comes first.
-- SPDX-License-Identifier: MIT

local socket = require("socket")

local scheduler = {}
local methods = {}
local metatable = { __index = methods, __name = "luadl.spec.scheduler" }

function scheduler.new()
  return setmetatable({ waits = {} }, metatable)
end

local function resume(self, task, ...)
  local ok, wait = coroutine.resume(task, ...)
  if not ok then
    error(debug.traceback(task, wait), 0)
  end
  self.waits[task] = coroutine.status(task) ~= "dead" and wait or nil
end

--- Starts a task, at once.
function methods:go(body, ...)
  resume(self, coroutine.create(body), ...)
end

--- Waits until the socket can be read: true, or false when the deadline came first.
function methods.readable(_, which, deadline)
  return coroutine.yield({ read = which, deadline = deadline or math.huge })
end

--- Waits until the socket can be written.
function methods.writable(_, which, deadline)
  return coroutine.yield({ write = which, deadline = deadline or math.huge })
end

function methods.sleep(_, seconds)
  coroutine.yield({ deadline = socket.gettime() + seconds })
end

local function collect(waits)
  local readers, writers, deadline = {}, {}, math.huge
  for _, wait in pairs(waits) do
    readers[#readers + 1] = wait.read
    writers[#writers + 1] = wait.write
    deadline = math.min(deadline, wait.deadline)
  end
  return readers, writers, deadline
end

local function find_ready(waits, readable, writable)
  local now, ready = socket.gettime(), {}
  for task, wait in pairs(waits) do
    local came = (wait.read and readable[wait.read] or wait.write and writable[wait.write]) ~= nil
    if came or wait.deadline <= now then
      ready[#ready + 1] = { task = task, came = came }
    end
  end
  return ready
end

local function step(self)
  local readers, writers, deadline = collect(self.waits)
  local timeout
  if deadline < math.huge then
    timeout = math.max(0, deadline - socket.gettime())
  end
  local readable, writable = socket.select(readers, writers, timeout)
  for _, item in ipairs(find_ready(self.waits, readable, writable)) do
    resume(self, item.task, item.came)
  end
end

--- Runs until no task is left.
function methods:run()
  while next(self.waits) do
    step(self)
  end
end

return scheduler
