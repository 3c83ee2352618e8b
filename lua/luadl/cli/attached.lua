--- Values of options that stand in a file or on standard input: @FILE and @-.
-- SPDX-License-Identifier: MIT
--
-- For secrets, which the list of processes shows, and for what is long.

local attached = {}

local function bytes(text)
  return text
end

local function without_end(text)
  return (text:gsub("\r?\n$", ""))
end

local function lines(text)
  local list = {}
  for line in text:gmatch("[^\r\n]+") do list[#list + 1] = line end
  return list
end

local FORMS = { bytes = bytes, text = without_end, lines = lines }

local function slurp(name)
  if name == "-" then return io.stdin:read("*a") end
  local file, message = io.open(name, "rb")
  if not file then return nil, message end
  local text, wrong = file:read("*a")
  file:close()
  if not text then return nil, ("%s: %s"):format(name, wrong) end
  return text
end

local function read(form, typed)
  local name = typed:match("^@(.+)$")
  if not name then return typed end
  local text, message = slurp(name)
  if not text then return nil, message end
  return FORMS[form](text)
end

local function append(list, values)
  for _, value in ipairs(type(values) == "table" and values or { values }) do
    list[#list + 1] = value
  end
end

--- What was meant by what was typed.
---@param form "bytes"|"text"|"lines" as they are; without the last line's end; each by itself
---@param typed string|string[]
---@return string|string[]|nil value
---@return string|nil message the file can't be read
function attached.read(form, typed)
  if type(typed) == "string" then return read(form, typed) end
  local list = {}
  for _, each in ipairs(typed) do
    local values, message = read(form, each)
    if not values then return nil, message end
    append(list, values)
  end
  return list
end

return attached
