--- The known word nearest to a mistyped one, by edit distance.
-- SPDX-License-Identifier: MIT

local nearest = {}

local function next_row(row, char, word)
  local following = { [0] = row[0] + 1 }
  for column = 1, #word do
    local cost = char == word:sub(column, column) and 0 or 1
    following[column] = math.min(row[column] + 1, following[column - 1] + 1, row[column - 1] + cost)
  end
  return following
end

--- How many letters must be added, dropped or replaced to turn `a` into `b`.
---@param a string
---@param b string
---@return integer
function nearest.distance(a, b)
  local row = {}
  for column = 0, #b do row[column] = column end
  for index = 1, #a do row = next_row(row, a:sub(index, index), b) end
  return row[#b]
end

local LONG_ENOUGH = 4 -- letters that two words must share from their beginning

local function shares_beginning(a, b)
  local length = math.min(#a, #b)
  return length >= LONG_ENOUGH and a:sub(1, length) == b:sub(1, length)
end

--- The word that someone who typed `typed` most likely meant: one that it begins with, or that
--- begins with it, or the nearest one; nil when none is close.
---@param typed string
---@param words string[] in order of preference among equals
---@return string|nil
function nearest.word(typed, words)
  local best, best_distance = nil, math.max(2, math.floor(#typed / 3)) + 1
  for _, word in ipairs(words) do
    if shares_beginning(typed, word) then return word end
    local distance = nearest.distance(typed, word)
    if distance < best_distance and distance < #word then
      best, best_distance = word, distance
    end
  end
  return best
end

return nearest
