--- A descriptor to write to without being held up, for editors; never loaded.
-- SPDX-License-Identifier: MIT

---@meta luadl.outlet

local outlet = {}

--- Of an open descriptor: a pipe, a file, a socket, a device.
---@param fd integer
---@return luadl.outlet.open? opened
---@return string? message
---@return integer? errno
function outlet.open(fd) end

---@class luadl.outlet.open
local open = {}

--- Writes what can be written within some seconds.
---@param bytes string
---@param from integer the first of them to be written, from 1
---@param seconds number
---@return integer? count how many were; 0: none could be, or a signal came
---@return string? message
---@return integer? errno
function open:write(bytes, from, seconds) end

--- The descriptor itself stays open.
function open:close() end

return outlet
