--- Header fields: an ordered multimap whose names ignore case (RFC 9110, section 5).
-- SPDX-License-Identifier: MIT

local headers = {}

---@class luadl.headers
local methods = {}
local metatable = { __name = "luadl.headers", __index = methods }

local function same(field, name)
  return field[1]:lower() == name:lower()
end

local function check(name, value)
  if type(name) ~= "string" or name == "" then error("a header name must be a string", 3) end
  if type(value) ~= "string" then
    error(("the value of header '%s' must be a string"):format(name), 3)
  end
end

-- As the engine writes them.
local function parse(self, text)
  for name, value in text:gmatch("\n([^:\n]*): ([^\n]*)") do self[#self + 1] = { name, value } end
  return self
end

--- Headers with these fields, in this order.
---@param fields { [1]: string, [2]: string }[]|string|nil a text is the engine's: of each field
--- "\nName: value"
---@return luadl.headers
function headers.new(fields)
  local self = setmetatable({}, metatable)
  if type(fields) == "string" then return parse(self, fields) end
  for _, field in ipairs(fields or {}) do self:add(field[1], field[2]) end
  return self
end

local asked, lowered = "", "" -- several fields of one text are asked for in a row

-- How a field begins there, by its name.
local beginnings = setmetatable({}, { __index = function(self, name)
  self[name] = "\n" .. name .. ": "
  return self[name]
end })

--- The first value of that name in the engine's text, without reading all of it.
---@param text string?
---@param name string in lower case
---@return string?
function headers.value(text, name)
  if not text then return nil end
  if text ~= asked then asked, lowered = text, text:lower() end
  local _, before = lowered:find(beginnings[name], 1, true)
  if not before then return nil end
  local after = text:find("\n", before, true)
  return text:sub(before + 1, after and after - 1)
end

--- The first value of that name.
---@param name string
---@return string?
function methods:get(name)
  for _, field in ipairs(self) do
    if same(field, name) then return field[2] end
  end
  return nil
end

--- All values of that name, in order.
---@param name string
---@return string[]
function methods:all(name)
  local values = {}
  for _, field in ipairs(self) do
    if same(field, name) then values[#values + 1] = field[2] end
  end
  return values
end

--- Iterates over name and value of every field, in order, names as they were written.
---@return fun(): string?, string?
function methods:each()
  local index = 0
  return function()
    index = index + 1
    local field = self[index]
    if field then return field[1], field[2] end
  end
end

--- Appends a field.
---@param name string
---@param value string
function methods:add(name, value)
  check(name, value)
  self[#self + 1] = { name, value }
end

--- Replaces all fields of that name by one, which stands where the first of them stood.
---@param name string
---@param value string
function methods:set(name, value)
  check(name, value)
  for index, field in ipairs(self) do
    if same(field, name) then
      self:remove(name)
      table.insert(self, index, { name, value })
      return
    end
  end
  self:add(name, value)
end

--- Removes all fields of that name.
---@param name string
---@return integer removed how many there were
function methods:remove(name)
  local removed = 0
  for index = #self, 1, -1 do
    if same(self[index], name) then
      table.remove(self, index)
      removed = removed + 1
    end
  end
  return removed
end

--- The number of fields.
---@return integer
function methods:len()
  return #self
end

--- A copy as a plain list of { name, value }.
---@return { [1]: string, [2]: string }[]
function methods:list()
  local fields = {}
  for name, value in self:each() do fields[#fields + 1] = { name, value } end
  return fields
end

return headers
