-- Tasks that wait a lot, some at once: each is a coroutine that yields until it is worth a look.
-- SPDX-License-Identifier: MIT

local socket = require("socket")

local jobs = {}

local LOOK = 0.02 -- seconds between two looks

local function advance(running)
  for index = #running, 1, -1 do
    local ok, problem = coroutine.resume(running[index])
    if not ok then error(debug.traceback(running[index], problem), 0) end
    if coroutine.status(running[index]) == "dead" then table.remove(running, index) end
  end
end

--- Runs functions, `most` of them at once, in their order.
---@param tasks function[]
---@param most integer
function jobs.run(tasks, most)
  local running, started = {}, 0
  while started < #tasks or running[1] do
    while started < #tasks and #running < most do
      started = started + 1
      table.insert(running, 1, coroutine.create(tasks[started]))
    end
    advance(running)
    socket.sleep(LOOK)
  end
end

--- Lets the others run until `predicate()` is true; false when `seconds` have passed before.
function jobs.await(predicate, seconds)
  local deadline = socket.gettime() + seconds
  while not predicate() do
    if socket.gettime() >= deadline then return false end
    coroutine.yield()
  end
  return true
end

return jobs
