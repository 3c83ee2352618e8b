--- Request headers as callers write them: a map or a list in, a list of { name, value } out.
-- SPDX-License-Identifier: MIT
--
-- What could smuggle a second header or request (CR, LF, NUL, a space before the colon) is refused
-- here, before libcurl sees it: RFC 9110, sections 5.1 and 5.5.

local headers = {}

local rawlen = rawlen or function(list) return #list end -- Lua 5.1 asks no metamethod

local TOKEN = "^[%w!#$%%&'*+.^_`|~-]+$"
local FORBIDDEN_IN_VALUE = "[%z\1-\8\10-\31\127]"

-- These describe the range and the framing of a request, which only the engine knows.
local OWNED = {
  ["range"] = true,
  ["if-range"] = true,
  ["content-length"] = true,
  ["transfer-encoding"] = true,
  ["connection"] = true,
}

local function check_name(name)
  if type(name) ~= "string" or not name:match(TOKEN) then
    return nil, ("'%s' is not a header name"):format(tostring(name))
  end
  if OWNED[name:lower()] then
    return nil, ("the header '%s' is set by luadl itself"):format(name)
  end
  return name
end

local function check_value(name, value)
  if type(value) == "number" then value = tostring(value) end
  if type(value) ~= "string" then
    return nil, ("the value of '%s' is a %s, not a string"):format(name, type(value))
  end
  if value:find(FORBIDDEN_IN_VALUE) then
    return nil, ("the value of '%s' has control characters"):format(name)
  end
  return value:match("^[ \t]*(.-)[ \t]*$")
end

local function add(list, name, value)
  local checked, message = check_name(name)
  if not checked then return nil, message end
  value, message = check_value(checked, value)
  if not value then return nil, message end
  list[#list + 1] = { checked, value }
  return true
end

-- What is wrong isn't shown: it may be a secret.
local function add_entry(list, entry, index)
  if type(entry) == "table" then
    return add(list, rawget(entry, 1), rawget(entry, 2))
  end
  local name, value = tostring(entry):match("^([^:]*):(.*)$")
  if not name then
    return nil, ("header %d is not of the form 'Name: value'"):format(index)
  end
  return add(list, name, value)
end

-- A map has no order of its own; sorting makes the request the same every time.
local function sorted_names(map)
  local names = {}
  for name in next, map do
    if type(name) == "string" then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

local function add_named(list, name, values)
  if type(values) ~= "table" then return add(list, name, values) end
  for index = 1, rawlen(values) do
    local ok, message = add(list, name, rawget(values, index))
    if not ok then return nil, message end
  end
  return true
end

-- What is numbered in its order, then what has a name.
local function read_all(given, add_numbered, add_by_name)
  local list = {}
  for index = 1, rawlen(given) do
    local ok, message = add_numbered(list, rawget(given, index), index)
    if not ok then return nil, message end
  end
  for _, name in ipairs(sorted_names(given)) do
    local ok, message = add_by_name(list, name, rawget(given, name))
    if not ok then return nil, message end
  end
  return list
end

--- Reads `{ ["X-A"] = "1", ["X-B"] = { "2", "3" } }`, `{ { "X-A", "1" } }` or `{ "X-A: 1" }`.
---@param given table
---@return { [1]: string, [2]: string }[]|nil list
---@return string|nil message why not
function headers.read(given)
  return read_all(given, add_entry, add_named)
end

local HOST = "^%*?[%w._:%[%]-]+$"

local function add_host(list, host, given)
  if type(host) ~= "string" or not host:match(HOST) then
    return nil, ("'%s' is not a host"):format(tostring(host))
  end
  local read, message = headers.read(given)
  if not read then return nil, ("%s: %s"):format(host, message) end
  for _, field in ipairs(read) do list[#list + 1] = { host:lower(), field[1], field[2] } end
  return true
end

-- What is wrong isn't shown: it may be a secret.
local function add_host_entry(list, entry, index)
  if type(entry) == "table" then
    return add_host(list, rawget(entry, 1), { { rawget(entry, 2), rawget(entry, 3) } })
  end
  local host, line = tostring(entry):match("^%s*(%S+)%s+(.*)$")
  if not host then return nil, ("line %d is not of the form 'HOST Name: value'"):format(index) end
  return add_host(list, host, { line })
end

local function add_host_table(list, host, fields)
  if type(fields) ~= "table" then return nil, host .. ": expected a table of headers" end
  return add_host(list, host, fields)
end

--- Reads `{ ["*.example.org"] = { ["X-A"] = "1" } }` `{ "*.example.org X-A: 1" }`, or
--- what it returns.
---@param given table
---@return { [1]: string, [2]: string, [3]: string }[]|nil list of { host, name, value }
---@return string|nil message why not
function headers.read_hosts(given)
  return read_all(given, add_host_entry, add_host_table)
end

return headers
