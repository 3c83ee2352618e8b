--- Logins of a netrc file: which name and password are for which host.
-- SPDX-License-Identifier: MIT
--
-- As ftp and curl read it: words between blanks, in quotes where a word has some; "#" begins a line
-- of no meaning, `macdef` a macro that goes on to the next empty line.

local netrc = {}

local KEYS = { machine = true, login = true, password = true, account = true, macdef = true }
local ESCAPES = { n = "\n", r = "\r", t = "\t" }

local function unescape(char)
  return ESCAPES[char] or char
end

-- From behind the opening quote: the word and where the line goes on; nil: it has no end.
local function quoted(line, at)
  local stop = line:find('[\\"]', at)
  while stop and line:sub(stop, stop) == "\\" do stop = line:find('[\\"]', stop + 2) end
  if not stop then return nil end
  return line:sub(at, stop - 1):gsub("\\(.)", unescape), stop + 1
end

-- The next word and where the line goes on; nil at its end; false: a quote has none.
local function next_word(line, at)
  at = line:match("^%s*()", at)
  if at > #line then return nil end
  if line:sub(at, at) ~= '"' then return line:match("^(%S+)()", at) end
  local word, rest = quoted(line, at + 1)
  return word or false, rest
end

local function begin(state, host)
  state.entry = { host = host }
  state.list[#state.list + 1] = state.entry
end

-- What is wrong with it, or nil.
local function take_value(state, key, value)
  state.key = nil
  if value:find("[%z\1-\31\127]") then return "control characters" end
  if key == "machine" then
    begin(state, value)
  elseif key == "macdef" then
    state.is_macro = true
  elseif not state.entry then
    return ("'%s' before any 'machine'"):format(key)
  else
    state.entry[key] = value
  end
end

local function take_word(state, word)
  if state.key then return take_value(state, state.key, word) end
  if word == "default" then return begin(state, "") end
  if not KEYS[word] then return "neither machine, default, login, password nor account" end
  state.key = word
end

local function take_line(state, line)
  if state.is_macro then
    state.is_macro = line:find("%S") ~= nil
    return nil
  end
  if line:find("^%s*#") and not state.key then return nil end
  local word, rest = next_word(line, 1)
  while word and not state.is_macro do
    local wrong = take_word(state, word)
    if wrong then return wrong end
    word, rest = next_word(line, rest)
  end
  return word == false and "a quote without its end" or nil
end

local function logins_of(list)
  local logins = {}
  for _, entry in ipairs(list) do
    if entry.login then
      logins[#logins + 1] = { entry.host, entry.login .. ":" .. (entry.password or "") }
    end
  end
  return logins
end

--- Reads the text of a netrc file.
---@param text string
---@return { [1]: string, [2]: string }[]|nil logins { host, "name:password" }, in order; of
--- `default` the host is ""
---@return string|nil message what is wrong, and in which line; none of its words
function netrc.parse(text)
  local state, number = { list = {} }, 0
  for line in (text .. "\n"):gmatch("([^\n]*)\n") do
    number = number + 1
    local wrong = take_line(state, line)
    if wrong then return nil, ("line %d: %s"):format(number, wrong) end
  end
  if state.key then return nil, ("line %d: '%s' has no value"):format(number, state.key) end
  return logins_of(state.list)
end

return netrc
