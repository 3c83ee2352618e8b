--- What every answer of a download to the engine shares: its tasks, its errors, giving up.
-- SPDX-License-Identifier: MIT

local errors = require("luadl.errors")
local lifetime = require("luadl.lifetime")

local transfer = {}

--- An error of the engine as one of luadl's.
---@param err table
---@return luadl.error
function transfer.from_core(err)
  return errors.new(err.kind, err.message, err)
end

--- Gives the download up; DONE follows.
---@param self luadl.download
---@param err luadl.error
function transfer.fail(self, err)
  if self.ended.fired then return end -- its session may be closed
  self.reason = self.reason or err
  lifetime.give_up(self, err)
  self.engine:cancel(self.id, { kind = err.kind, message = err.message })
end

--- Runs `work(self, ...)` as a task; `failed(self, err)` is told what it threw.
---@param failed fun(self: luadl.download, err: luadl.error)
---@param self luadl.download
---@param what string what it is, for errors
---@param work function
---@return luadl.task
function transfer.run_or(failed, self, what, work, ...)
  local task = self.loop:spawn_for(self, what, work, self, ...)
  task.on_failure = failed
  return task
end

--- Does the same at once: for work that never waits.
---@param failed fun(self: luadl.download, err: luadl.error)
---@param self luadl.download
---@param what string
---@param work function
function transfer.do_or(failed, self, what, work, ...)
  local ok, thrown = pcall(work, self, ...)
  if not ok then failed(self, errors.wrap_thrown(thrown, what)) end
end

--- The same as a task; what it throws fails the download.
function transfer.run(...)
  return transfer.run_or(transfer.fail, ...)
end

--- A line for the result.
---@param self luadl.download
---@param message string
function transfer.warn(self, message)
  self.warnings[#self.warnings + 1] = message
end

--- What came before the end or a restart needs no answer any more.
---@param self luadl.download
---@param event table
---@return boolean
function transfer.is_void(self, event)
  return self.ended.fired or self.restarts ~= event.restarts
end

--- What fires when a wait, for a link or only for time to pass, isn't needed any more.
---@param self luadl.download
---@return luadl.signal
function transfer.turn(self)
  self.go_on = self.go_on or self.loop:signal()
  return self.go_on
end

--- Who waits goes on.
---@param self luadl.download
function transfer.hurry(self)
  local waiting = self.go_on
  self.go_on = nil
  if waiting then waiting:fire() end
end

--- The reader of what is read in order goes on: there may be more, or no more.
---@param self luadl.download
function transfer.wake_reader(self)
  local waiting = self.more
  self.more = nil
  if waiting then waiting:fire() end
end

return transfer
