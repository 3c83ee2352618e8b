--- A speed that can be read: bytes per second, measured in windows and smoothed.
-- SPDX-License-Identifier: MIT

local meter = {}

local methods = {}
local metatable = { __name = "luadl.meter", __index = methods }

local WINDOW = 0.5 -- seconds between two samples
local SMOOTHING = 0.4 -- how much a new sample counts

--- A meter that begins at `time` with so many bytes.
---@param time number|nil seconds, default 0
---@param bytes number|nil default 0
function meter.new(time, bytes)
  return setmetatable({ time = time or 0, bytes = bytes or 0, speed = nil }, metatable)
end

--- The speed, now that so many bytes are there. What comes within a window of the last sample
--- changes nothing.
---@param time number seconds, on the clock of `new`
---@param bytes number
---@return number bytes per second
function methods:sample(time, bytes)
  local seconds = time - self.time
  if self.speed and seconds < WINDOW then return self.speed end
  local speed = seconds > 0 and math.max(0, (bytes - self.bytes) / seconds) or 0
  if self.speed then speed = SMOOTHING * speed + (1 - SMOOTHING) * self.speed end
  self.time, self.bytes, self.speed = time, bytes, speed
  return speed
end

return meter
