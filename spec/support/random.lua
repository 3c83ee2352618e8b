-- Pseudo-random integers that are the same everywhere: a function of their seed.
-- SPDX-License-Identifier: MIT

local random = {}

--- A generator: `draw(least, most)` gives an integer between both.
function random.new(seed)
  local state = (seed * 2654435761 + 12345) % 4294967296
  local function next_word()
    state = (state * 1664525 + 1013904223) % 4294967296
    return math.floor(state / 65536)
  end
  next_word()
  next_word()
  return function(least, most)
    local word = next_word() * 65536 + next_word()
    return least + word % (most - least + 1)
  end
end

return random
