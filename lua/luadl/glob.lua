--- URLs by pattern, as curl has it: {a,b}, [001-100], [a-z:2], several of them, and #1 in names.
-- SPDX-License-Identifier: MIT
--
-- Nothing is made before it is asked for: [1-1000000] takes no more memory than [1-2]. A backslash
-- before one of {}[], takes its meaning; [] and an IPv6 address in brackets are themselves.

local filename = require("luadl.filename")

local glob = {}

local FURTHEST = 2 ^ 53 -- numbers up to here are exact

-- Reading: every reader gets the pattern and a position, and gives a part and the position behind.

local function wrong(what, at)
  return nil, ("%s at position %d"):format(what, at)
end

local SPECIAL = "^\\([{}%[%]])"

local function read_literal(pattern, at)
  local pieces = {}
  while at <= #pattern do
    local escaped = pattern:match(SPECIAL, at)
    local plain = pattern:match("^%[%]", at) or pattern:match("^%[[%x:.]*:[%x:.%%%w]*%]", at)
    local byte = pattern:sub(at, at)
    if not escaped and not plain and byte:find("[{%[]") then break end
    if not escaped and byte:find("[}%]]") then
      return wrong(("'%s' without its beginning"):format(byte), at)
    end
    pieces[#pieces + 1] = escaped or plain or byte
    at = at + (escaped and 2 or #(plain or byte))
  end
  return { text = table.concat(pieces) }, at
end

local IN_SET = {
  ["{"] = "a brace within braces", ["["] = "a bracket within braces",
  ["]"] = "a bracket within braces",
}

-- One of the words, up to the "," or "}" behind it.
local function read_word(pattern, at, opening)
  local pieces = {}
  while true do
    local byte = pattern:sub(at, at)
    if byte == "" then return wrong("a '{' without its end", opening) end
    if byte == "," or byte == "}" then return table.concat(pieces), at end
    if IN_SET[byte] then return wrong(IN_SET[byte], at) end
    local escaped = byte == "\\" and pattern:match("^\\(.)", at)
    pieces[#pieces + 1] = escaped or byte
    at = at + (escaped and 2 or 1)
  end
end

local function read_set(pattern, opening)
  local words, at = {}, opening
  repeat
    local word, behind = read_word(pattern, at + 1, opening)
    if not word then return nil, behind end
    words[#words + 1], at = word, behind
  until pattern:sub(at, at) == "}"
  if #words == 1 and words[1] == "" then return wrong("nothing within braces", opening) end
  return { count = #words, at = function(index) return words[index] end }, at + 1
end

-- Both ends included, in steps.
local function range(first, last, step, show)
  if not first or not last or first > last then return nil end
  if step < 1 or (step > last - first and not (first == last and step == 1)) then return nil end
  return {
    count = math.floor((last - first) / step) + 1,
    at = function(index) return show(first + (index - 1) * step) end,
  }
end

local function exact(digits)
  local number = tonumber(digits)
  return number and number < FURTHEST and math.floor(number) or nil
end

local function number_range(first, last, step)
  local width = first:sub(1, 1) == "0" and #first or 1
  local form = ("%%0%dd"):format(math.min(width, 99))
  return range(exact(first), exact(last), step, function(number) return form:format(number) end)
end

local function letter_range(first, last, step)
  local from, to = first:byte(), last:byte()
  if to - from > 25 then return nil end -- not from one case into the other
  return range(from, to, step, string.char)
end

local NO_RANGE = "[%s], which is no range like [1-9], [a-z] or [0-100:10],"

local function read_range(pattern, opening)
  local inside = pattern:match("^%[([^%]]*)%]", opening)
  if not inside then return wrong("a '[' without its end", opening) end
  local bounds, step = inside:match("^(.-):(%d+)$")
  bounds, step = bounds or inside, step and exact(step) or (not step and 1 or 0)
  local first, last = bounds:match("^(%d+)%-(%d+)$")
  local part = first and number_range(first, last, step)
  if not first then
    first, last = bounds:match("^(%a)%-(%a)$")
    part = first and letter_range(first, last, step)
  end
  if not first then return wrong(NO_RANGE:format(inside), opening) end
  if not part then return wrong(("a bad range, [%s],"):format(inside), opening) end
  return part, opening + #inside + 2
end

local READERS = { ["{"] = read_set, ["["] = read_range }

--- Reads a pattern.
---@param pattern string
---@return luadl.glob|nil parts
---@return string|nil message with the position of what is wrong
function glob.parse(pattern)
  local parts, at = {}, 1
  while at <= #pattern do
    local literal, behind = read_literal(pattern, at)
    if not literal then return nil, behind end
    parts[#parts + 1], at = literal, behind
    local read = READERS[pattern:sub(at, at)]
    if read then
      local part
      part, at = read(pattern, at)
      if not part then return nil, at end
      parts[#parts + 1] = part
    end
  end
  return parts
end

--- How many URLs there are.
---@param parts luadl.glob
---@return number
function glob.count(parts)
  local count = 1
  for _, part in ipairs(parts) do count = count * (part.count or 1) end
  return count
end

-- The last part is the first to turn, as in an odometer.
local function turn(parts, places)
  for index = #parts, 1, -1 do
    if places[index] < (parts[index].count or 1) then
      places[index] = places[index] + 1
      return true
    end
    places[index] = 1
  end
  return false
end

local function compose(parts, places)
  local pieces, matched = {}, {}
  for index, part in ipairs(parts) do
    pieces[index] = part.text or part.at(places[index])
    if not part.text then matched[#matched + 1] = pieces[index] end
  end
  return table.concat(pieces), matched
end

--- Walks over the URLs, the last part's words first.
---@param parts luadl.glob
---@return fun(): string|nil, string[] next a URL, and what its braces and brackets stand for
function glob.each(parts)
  local places
  return function()
    if places then
      if not turn(parts, places) then return nil end
    else
      places = {}
      for index = 1, #parts do places[index] = 1 end
    end
    return compose(parts, places)
  end
end

--- The first of a name's #1, #2 and so on that no brace or bracket stands for, or nil.
---@param name string
---@param parts luadl.glob
---@return string|nil
function glob.unknown(name, parts)
  local most = 0
  for _, part in ipairs(parts) do most = most + (part.text and 0 or 1) end
  for digits in name:gmatch("#(%d+)") do
    local number = tonumber(digits)
    if number < 1 or number > most then return "#" .. digits end
  end
  return nil
end

--- Puts what was matched into a name: #1 for the first. Each is made safe as one component.
---@param name string
---@param matched string[]
---@param escape (fun(text: string): string)? what else is done to it
---@return string
function glob.fill(name, matched, escape)
  return (name:gsub("#(%d+)", function(digits)
    local word = matched[tonumber(digits)]
    if not word then return nil end
    local safe = word == "" and "" or filename.sanitise(word) or "_"
    return escape and escape(safe) or safe
  end))
end

return glob
