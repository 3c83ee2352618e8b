--- Drives luadl's loop from a cqueues controller.
-- SPDX-License-Identifier: MIT
--
--   local controller = cqueues.new()
--   local session = luadl.session()
--   require("luadl.adapter.cqueues")(session.loop, controller)
--   controller:wrap(function() print(session:get({ url = url })) end)
--   controller:loop()
--
-- The controller's coroutines wait for luadl without blocking each other. It ends when luadl, too,
-- has nothing left to do.

local cqueues = require("cqueues")
local condition = require("cqueues.condition")

local function drive(self, loop)
  while loop:timeout() and not self.closed do
    cqueues.poll(loop, self.stir)
    loop:step(0)
  end
  self.driving = false
end

-- nil where no coroutine of the controller runs: then the caller blocks.
local function await(signal, seconds)
  local controller, in_coroutine = cqueues.running()
  if not controller or not in_coroutine then return nil end
  local came = condition.new()
  local handle = signal:listen(function() came:signal() end)
  came:wait(seconds)
  signal:ignore(handle)
  return signal.fired
end

--- Attaches the loop to a controller.
---@param loop luadl.loop a session's
---@param controller table|nil the one that runs now, if none is given
---@return { close: fun() } close: detaches it again
return function(loop, controller)
  controller = controller or cqueues.running()
  if not controller then error("luadl.adapter.cqueues: a controller is expected", 2) end
  local self = { closed = false, driving = false, stir = condition.new() }
  local function stirred()
    if self.driving then return self.stir:signal() end
    self.driving = true
    controller:wrap(drive, self, loop)
  end
  loop:driven_by({ stirred = stirred, await = await })
  if loop:timeout() then stirred() end
  return {
    close = function()
      self.closed = true
      self.stir:signal()
      loop:driven_by(nil)
    end,
  }
end
