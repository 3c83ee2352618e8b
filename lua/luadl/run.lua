--- A program: a task whose end, and that of all it started, is waited for.
-- SPDX-License-Identifier: MIT

local context = require("luadl.context")
local loop = require("luadl.loop")

local function drive(self, scope)
  while scope.live > 0 do self:step() end
end

-- An interrupt of the host's comes as an error out of a step: nobody will drive the loop any more.
local function drive_or_cancel(self, scope, ctx)
  local ok, thrown = pcall(drive, self, scope)
  if ok then return end
  self.current = nil
  ctx:cancel(thrown)
  error(thrown, 0)
end

--- Runs `fn(ctx)` as a task and waits until it and all that was started in it have ended: tasks,
--- groups, downloads. When `fn` fails, by an error or by returning nil and a reason, `ctx` is
--- cancelled at once.
---@param self luadl.loop
---@param fn fun(ctx: luadl.context): ...
---@return any ... what fn returned; nil and an error of kind "callback", with a traceback, for what
--- it, or a listener that it left behind, has thrown
return function(self, fn)
  if type(fn) ~= "function" then error("run: a function is expected", 2) end
  if self.current then error("run: a program runs already; start a group in it", 2) end
  local scope, ctx = loop.new_scope(), context.background(self):with_cancel()
  local task = self:spawn_like({ scope = scope }, "run", fn, ctx)
  task.ended:listen(function()
    local err = loop.failure(task)
    if err ~= nil then ctx:cancel(err) end
  end)
  drive_or_cancel(self, scope, ctx)
  ctx:cancel("the program has ended")
  drive_or_cancel(self, scope, ctx)
  local failure = task.failure or scope.failure
  if failure then return nil, failure end
  return (table.unpack or unpack)(task.results, 1, task.results.n) -- luacheck: ignore unpack
end
