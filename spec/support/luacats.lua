-- Types as LuaCATS writes them, taken apart: "string|fun(head: luadl.head): string|nil".
-- SPDX-License-Identifier: MIT

local luacats = {}

local BUILT_IN = {
  "any", "nil", "boolean", "number", "integer", "string", "table", "function", "thread",
  "userdata", "true", "false", "self", "file*", "fun",
}

local KNOWN = {}
for _, name in ipairs(BUILT_IN) do KNOWN[name] = true end

local read_type -- forward declaration

local function skip(reader)
  reader.at = reader.text:match("^%s*()", reader.at)
end

-- What the pattern matches here, which is passed.
local function take(reader, pattern)
  local found, after = reader.text:match("^(" .. pattern .. ")()", reader.at)
  if found then reader.at = after end
  return found
end

local function expect(reader, pattern)
  skip(reader)
  if take(reader, pattern) then return end
  error(("no type: '%s' at %d"):format(reader.text, reader.at), 0)
end

local function note(reader, name)
  reader.names[#reader.names + 1] = name
end

-- name: type, name?: type, [1]: type, ...: type
local function read_members(reader, closing)
  skip(reader)
  while not take(reader, closing) do
    if take(reader, "%[") then
      read_type(reader)
      expect(reader, "%]")
    elseif not (take(reader, "[%a_][%w_]*%??") or take(reader, "%.%.%.")) then
      expect(reader, "a member")
    end
    skip(reader)
    if take(reader, ":") then read_type(reader) end
    skip(reader)
    take(reader, ",")
    skip(reader)
  end
end

local function read_function(reader)
  if not take(reader, "%(") then return end
  read_members(reader, "%)")
  if not take(reader, "%s*:") then return end
  repeat
    skip(reader)
    if not take(reader, "%.%.%.") then read_type(reader) end
  until not take(reader, "%s*,")
end

local function read_generic(reader)
  repeat read_type(reader) until not take(reader, "%s*,")
  expect(reader, ">")
end

local function read_name(reader)
  local name = take(reader, "[%a_][%w_.]*%*?") or take(reader, "%-?%d+")
  if not name then expect(reader, "a name") end
  if name == "fun" then read_function(reader) else note(reader, name) end
  if take(reader, "<") then read_generic(reader) end
end

local function read_single(reader)
  skip(reader)
  if take(reader, '"[^"]*"') then return end
  if take(reader, "{") then return read_members(reader, "}") end
  if not take(reader, "%(") then return read_name(reader) end
  read_type(reader)
  expect(reader, "%)")
end

-- One of a union: its text, without the "?" that adds nil.
local function read_alternative(reader, alternatives)
  skip(reader)
  local start = reader.at
  read_single(reader)
  while take(reader, "%[%]") do start = start end
  alternatives[#alternatives + 1] = reader.text:sub(start, reader.at - 1)
  if take(reader, "%?") then alternatives[#alternatives + 1] = "nil" end
end

function read_type(reader)
  local alternatives = {}
  repeat read_alternative(reader, alternatives) until not take(reader, "%s*|")
  return alternatives
end

--- Reads the type at the beginning of a text.
---@param text string
---@return { text: string, names: string[], alternatives: string[] } type
---@return string rest without space around it
function luacats.read(text)
  local reader = { text = text, at = 1, names = {} }
  local alternatives = read_type(reader)
  local found = { text = text:sub(1, reader.at - 1), names = reader.names }
  found.alternatives = alternatives
  return found, (text:sub(reader.at):match("^%s*(.-)%s*$"))
end

--- The alternatives as a set; every function is "fun".
---@param type { alternatives: string[] }
---@return table<string, boolean>
function luacats.set(type)
  local set = {}
  for _, each in ipairs(type.alternatives) do
    local inner = each:match("^%((.*)%)$")
    if inner then
      for name in pairs(luacats.set(luacats.read(inner))) do set[name] = true end
    else
      set[each:match("^fun%f[%W]") or each] = true
    end
  end
  return set
end

--- Whether Lua itself knows the type, or luadl's annotations have to.
---@param name string
---@return boolean
function luacats.is_built_in(name)
  return KNOWN[name] or name:find("^%-?%d+$") ~= nil
end

return luacats
