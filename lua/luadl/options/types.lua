--- The types an option may have: each reads a caller's value into luadl's own, or says why not.
-- SPDX-License-Identifier: MIT
--
-- Tables are read raw and copied, so that neither a metamethod nor a later change by the caller can
-- reach a running download.

local headers = require("luadl.options.headers")
local nearest = require("luadl.options.nearest")
local pacing = require("luadl.pacing")
local schedule = require("luadl.schedule")
local units = require("luadl.units")

local types = {}

local rawlen = rawlen or function(list) return #list end -- Lua 5.1 asks no metamethod
local LONGEST = 100 * 365 * 86400 -- seconds; the engine counts in doubles, libcurl in milliseconds

local function describe(value)
  local kind = type(value)
  if kind == "string" then return ("'%s'"):format(value) end
  if kind == "number" or kind == "boolean" or kind == "nil" then return tostring(value) end
  return "a " .. kind
end

local function expected(what, value)
  return nil, ("expected %s, got %s"):format(what, describe(value))
end

local function within(option, value)
  if option.min and value < option.min then
    return nil, ("%s is below the minimum, %s"):format(value, option.min)
  end
  if option.max and value > option.max then
    return nil, ("%s is above the maximum, %s"):format(value, option.max)
  end
  return value
end

local function finite(value)
  return type(value) == "number" and value == value and value > -math.huge and value < math.huge
end

-- Floats above 2^53 have lost the very digits that an integer would need.
local function to_integer(value)
  if math.type and math.type(value) == "integer" then return value end
  if not finite(value) or value ~= math.floor(value) or math.abs(value) > 2 ^ 53 then return nil end
  return math.floor(value)
end

local readers = {}

function readers.integer(option, value)
  local integer = to_integer(value)
  if not integer then return expected("an integer", value) end
  return within(option, integer)
end

function readers.number(option, value)
  if not finite(value) then return expected("a number", value) end
  return within(option, value)
end

function readers.boolean(_, value)
  if type(value) ~= "boolean" then return expected("true or false", value) end
  return value
end

local function measured(parse, example)
  return function(option, value)
    if type(value) ~= "string" and not finite(value) then return expected(example, value) end
    local number = parse(value)
    if not number then return expected(example, value) end
    return within(option, number)
  end
end

readers.bytes = measured(units.bytes, "bytes like 4096, '512K' or '16M'")

local duration = measured(units.duration, "seconds like 90, '1m30s' or '500ms'")

function readers.seconds(option, value)
  local seconds, message = duration(option, value)
  if seconds and seconds > LONGEST then return expected("at most 100 years", value) end
  return seconds, message
end

function readers.string(_, value)
  if type(value) ~= "string" or value == "" then return expected("a string", value) end
  if value:find("[%z\1-\31\127]") then return nil, "control characters are not allowed" end
  return value
end

-- Any bytes, also none.
function readers.data(_, value)
  if type(value) ~= "string" then return expected("a string", value) end
  return value
end

-- The caller's own: neither looked into nor copied.
function readers.any(_, value)
  return value
end

function readers.path(_, value)
  if type(value) ~= "string" or value == "" then return expected("a path", value) end
  if value:find("%z") then return nil, "a path has no NUL" end
  return value
end

function readers.enum(option, value)
  for _, word in ipairs(option.values) do
    if value == word then return word end
  end
  return expected(table.concat(option.values, ", "):gsub(", ([^,]*)$", " or %1"), value)
end

-- Its class is no business of the options, which know no loop.
function readers.context(_, value)
  local class = getmetatable(value)
  if type(class) ~= "table" or class.__name ~= "luadl.context" then
    return expected("a context", value)
  end
  return value
end

-- LuaJIT looks at no hook in what it has compiled, and a busy function is stopped by one.
local function interpreted(value)
  local jit = rawget(_G, "jit")
  if jit then jit.off(value, true) end
  return value
end

readers["function"] = function(_, value)
  if type(value) ~= "function" then return expected("a function", value) end
  return interpreted(value)
end

-- What is in it the policy's reader tells.
function readers.requests(_, value)
  if type(value) ~= "string" and type(value) ~= "table" then
    return expected("a URL, or a list of requests", value)
  end
  return value
end

-- Bytes per second, also by the time of day.
function readers.rate(_, value)
  return schedule.read(value)
end

-- How many in a second.
function readers.pace(_, value)
  return pacing.read(value)
end

-- luadl.options.hosts reads what is in them.
function readers.hosts(_, value)
  if type(value) ~= "table" then return expected("a table of options by host", value) end
  return value
end

local function split_range(value)
  if type(value) == "table" then return rawget(value, 1), rawget(value, 2) end
  if type(value) ~= "string" then return nil end
  return value:match("^%s*(%d[^-]*)%-(%d.-)%s*$")
end

function readers.range(_, value)
  local first, last = split_range(value)
  first, last = first and units.bytes(first), last and units.bytes(last)
  if not first or not last then
    return expected("the first and the last byte, like { 0, 99 } or '0-99'", value)
  end
  if first > last then return nil, ("%d comes after %d"):format(first, last) end
  return { first, last }
end

local PLAIN = { string = true, number = true, boolean = true }

local function check_plain(value)
  for name, item in next, value do
    if type(name) ~= "string" or not PLAIN[type(item)] then
      return ("'%s' must be a string, a number, true or false"):format(tostring(name))
    end
  end
  return nil
end

-- The script's own table: its functions read it.
function readers.settings(_, value)
  if type(value) ~= "table" then return expected("a table of settings", value) end
  local message = check_plain(value)
  if message then return nil, message end
  return value
end

function readers.labels(_, value)
  if type(value) ~= "table" then return expected("a table of labels", value) end
  local message = check_plain(value)
  if message then return nil, message end
  local copy = {}
  for name, item in next, value do copy[name] = item end
  return copy
end

-- A list; what is in it is read where policies are known.
function readers.policies(_, value)
  if type(value) ~= "table" then return expected("a list of policies", value) end
  local list = {}
  for index = 1, rawlen(value) do list[index] = rawget(value, index) end
  return list
end

function readers.list(_, value)
  if type(value) ~= "table" then return expected("a list of strings", value) end
  local list = {}
  for index = 1, rawlen(value) do
    local word, message = readers.string(nil, rawget(value, index))
    if not word then return nil, message end
    list[index] = word
  end
  return list
end

-- The same of any bytes.
function readers.texts(_, value)
  if type(value) ~= "table" then return expected("a list of texts", value) end
  local list = {}
  for index = 1, rawlen(value) do
    local text, message = readers.data(nil, rawget(value, index))
    if not text then return nil, message end
    list[index] = text
  end
  return list
end

function readers.headers(_, value)
  if type(value) ~= "table" then return expected("a table of headers", value) end
  return headers.read(value)
end

function readers.host_headers(_, value)
  if type(value) ~= "table" then return expected("a table of hosts and their headers", value) end
  return headers.read_hosts(value)
end

function readers.table(option, value)
  if type(value) ~= "table" then return expected("a table", value) end
  return types.read_fields(option.fields, value, "field")
end

--- Reads one value as the option wants it.
---@param option table an entry of the schema
---@param value any
---@return any value or nil
---@return string|nil message why not
function types.read(option, value)
  if option.policy and type(value) == "function" then return interpreted(value) end
  if option.switch and type(value) == "boolean" then return value end
  local result, message = readers[option.type](option, value)
  if result == nil then return nil, message end
  if option.check then
    message = option.check(result)
    if message then return nil, message end
  end
  return result
end

--- Reads what was typed in a command line, where everything is text.
---@param option table
---@param text string|string[]|boolean
---@return any value or nil
---@return string|nil message
function types.parse(option, text)
  if option.type == "integer" and tostring(text):match("^%d+$") or option.type == "number" then
    return types.read(option, tonumber(text) or text)
  end
  return types.read(option, text)
end

local function unknown(fields, name, noun)
  local names = {}
  for _, field in ipairs(fields) do names[#names + 1] = field.name end
  local meant = nearest.word(tostring(name), names)
  local question = meant and (": did you mean '%s'?"):format(meant) or ""
  return ("unknown %s '%s'%s"):format(noun, tostring(name), question)
end

local names = setmetatable({}, { __mode = "k" }) -- by the list of fields: each field by its name

local function by_name(fields)
  if names[fields] then return names[fields] end
  local index = {}
  for _, field in ipairs(fields) do index[field.name] = field end
  names[fields] = index
  return index
end

--- Reads a whole table against a list of fields; a name that isn't among them is refused.
---@param fields table[] entries with a `name` and a `type`
---@param given table
---@param noun string what a field is called in messages
---@return table|nil copy
---@return string|nil message
function types.read_fields(fields, given, noun)
  local copy, index = {}, by_name(fields)
  for name, value in next, given do
    local field = index[name]
    if not field then return nil, unknown(fields, name, noun) end
    local read, message = types.read(field, value)
    if read == nil then return nil, ("%s '%s': %s"):format(noun, name, message) end
    copy[name] = read
  end
  return copy
end

return types
