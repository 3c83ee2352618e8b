--- What a caller must not pass: an error that blames the caller.
-- SPDX-License-Identifier: MIT

local misuse = {}

--- Throws unless the value is a string.
---@param value any
---@param what string its name, for the message
---@param level integer whom to blame, as `error` counts from the function that calls this
function misuse.check_string(value, what, level)
  if type(value) ~= "string" then
    error(("%s must be a string, not a %s"):format(what, type(value)), level + 1)
  end
end

return misuse
