--- The options that a configuration may have.
-- SPDX-License-Identifier: MIT

local options = require("luadl.options")

local habits = {}

-- What is asked for once, and nobody's habit.
local NOT_A_HABIT = {
  config = true, curl = true, glob = true, help = true, info = true, input_file = true,
  resume = true, restart = true, report = true, shard = true, trust_list = true, version = true,
}

--- Whether an option is one of them.
---@param option table an entry of the schema
---@return boolean
function habits.is(option)
  return #options.flags(option) > 0 and not option.each and not NOT_A_HABIT[option.name]
end

--- Their names.
---@return string[]
function habits.names()
  local names = {}
  for _, option in options.each() do
    if habits.is(option) then names[#names + 1] = option.name end
  end
  return names
end

return habits
