--- JSON for scripts (RFC 8259): dkjson reads it; what is written is exact, or refused.
-- SPDX-License-Identifier: MIT
--
-- Integers of 64 bits keep every digit (larger ones become floats, as everywhere). Arrays and
-- objects keep being what they were, also when empty. The writer is ours, since dkjson writes
-- floats with 14 digits, NaN as null, and { n = 5 } as an array of five nulls.

local dkjson = require("dkjson")
local errors = require("luadl.errors")
local text = require("luadl.text")

local json = {}

--- Stands for null, which a table can't hold.
---@type table
json.null = dkjson.null

local NESTED_MOST = 200 -- tables in each other that are written

local ARRAY = { __jsontype = "array" }
local OBJECT = { __jsontype = "object" }

--- Marks a table as an array, which matters while it is empty.
---@generic T: table
---@param list T?
---@return T
function json.array(list)
  return setmetatable(list or {}, ARRAY)
end

--- Marks a table as an object, which matters while it is empty.
---@generic T: table
---@param map T?
---@return T
function json.object(map)
  return setmetatable(map or {}, OBJECT)
end

-- Where a byte stands, for people.
local function place(bytes, at)
  local line, start = 1, 1
  local found = bytes:find("\n", 1, true)
  while found and found < at do
    line, start = line + 1, found + 1
    found = bytes:find("\n", start, true)
  end
  return ("line %d, column %d"):format(line, at - start + 1)
end

local function broken(message, at)
  return nil, errors.new("protocol", "not JSON: " .. message, { position = at })
end


--- The value that the text stands for. `err.position` is the byte at which it can't be read on.
---@param bytes string
---@return any value json.null for null
---@return luadl.error? err kind "protocol"
function json.decode(bytes)
  if type(bytes) ~= "string" then error("json.decode reads a string", 2) end
  -- dkjson calls itself for each level: thousands of "[" overflow Lua's stack.
  local ok, value, at, message = pcall(dkjson.decode, bytes, 1, json.null, OBJECT, ARRAY)
  if not ok then return broken("it is nested too deeply") end
  if message or value == nil then return broken(message or "there is nothing", at) end
  local rest = bytes:find("[^ \t\r\n]", at)
  if rest then return broken("something follows the value at " .. place(bytes, rest), rest) end
  return value
end

local write -- forward declaration

local function unfit(message)
  error(errors.new("usage", "JSON can't express " .. message), 0)
end

local function write_string(writer, value)
  if text.utf8(value) ~= value then unfit("text that isn't UTF-8") end
  writer[#writer + 1] = dkjson.quotestring(value)
end

local function write_number(writer, value)
  if value ~= value or value == math.huge or value == -math.huge then unfit(tostring(value)) end
  local is_integer = math.type and math.type(value) == "integer"
    or not math.type and value % 1 == 0 and math.abs(value) < 2 ^ 53
  local shortest = is_integer and ("%d"):format(value) or ("%.15g"):format(value)
  if not is_integer and tonumber(shortest) ~= value then shortest = ("%.17g"):format(value) end
  writer[#writer + 1] = (shortest:gsub(",", ".")) -- a locale's decimal comma
end

local function length_of(list)
  local count, most = 0, 0
  for key in pairs(list) do
    if type(key) ~= "number" or key % 1 ~= 0 or key < 1 then return nil end
    count = count + 1
    if key > most then most = key end
  end
  return count == most and count or nil
end

local function names_of(map)
  local names = {}
  for name in pairs(map) do
    if type(name) ~= "string" then unfit("a table with holes, or with both names and numbers") end
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

local function break_line(writer)
  if writer.indent then
    writer[#writer + 1] = "\n" .. (" "):rep(writer.indent * writer.depth)
  end
end

local function write_members(writer, marks, count, write_member)
  writer[#writer + 1] = marks:sub(1, 1)
  writer.depth = writer.depth + 1
  for index = 1, count do
    if index > 1 then writer[#writer + 1] = "," end
    break_line(writer)
    write_member(index)
  end
  writer.depth = writer.depth - 1
  if count > 0 then break_line(writer) end
  writer[#writer + 1] = marks:sub(2, 2)
end

local function write_object(writer, map)
  local names = names_of(map)
  write_members(writer, "{}", #names, function(index)
    write_string(writer, names[index])
    writer[#writer + 1] = writer.indent and ": " or ":"
    write(writer, map[names[index]])
  end)
end

local function type_of(value)
  local metatable = getmetatable(value)
  return type(metatable) == "table" and metatable.__jsontype or nil
end

local function write_table(writer, value)
  if value == json.null then
    writer[#writer + 1] = "null"
    return
  end
  if writer.depth >= NESTED_MOST then unfit("a table in itself, or nested so deeply") end
  local length = type_of(value) ~= "object" and length_of(value)
  if not length then return write_object(writer, value) end
  write_members(writer, "[]", length, function(index) write(writer, value[index]) end)
end

local WRITERS = {
  string = write_string,
  number = write_number,
  table = write_table,
  boolean = function(writer, value) writer[#writer + 1] = tostring(value) end,
}

function write(writer, value)
  local writer_of = WRITERS[type(value)]
  if not writer_of then unfit("a " .. type(value)) end
  writer_of(writer, value)
end

--- The value as JSON, names sorted. An empty table is an array unless it is marked as an object.
--- What JSON can't express (functions, NaN, text that isn't UTF-8, tables with holes) is refused.
---@param value any
---@param opts { indent: integer }? spaces for each level; nil: all on one line
---@return string? bytes
---@return luadl.error? err kind "usage"
function json.encode(value, opts)
  local writer = { depth = 0, indent = opts and opts.indent }
  local ok, err = pcall(write, writer, value)
  if ok then return table.concat(writer) end
  if not errors.is(err) then error(err, 0) end
  return nil, err
end

return json
