--- What a script that isn't trusted sees of values: copies, from which no way leads back.
-- SPDX-License-Identifier: MIT

local errors = require("luadl.errors")

local view = {}

local unpack = table.unpack or unpack -- luacheck: ignore unpack

local DEEPEST = 16 -- tables within tables

local SCALAR = { ["nil"] = true, boolean = true, number = true, string = true }

local function class_of(value)
  local metatable = getmetatable(value)
  return type(metatable) == "table" and rawget(metatable, "__name") or nil
end

local shown = {}

-- A method call on a copy: `object:name(...)`.
local function method(value, name)
  return function(_, ...) return view.of(value[name](value, ...)) end
end

local function methods(names)
  return function(value)
    local copy = {}
    for _, name in ipairs(names) do copy[name] = method(value, name) end
    return copy
  end
end

local of_headers = methods({ "get", "all", "list" })

shown["luadl.headers"] = of_headers
shown["luadl.context"] = methods({ "err", "deadline", "sleep" }) -- its values are others' secrets

shown["luadl.download"] = function(value)
  local copy = methods({ "stats", "cancel" })(value)
  copy.url = value.url
  return copy
end

shown["luadl.page"] = function(value, depth)
  local copy = methods({ "check", "json", "links", "text" })(value)
  for name, item in pairs(value) do
    if copy[name] == nil then copy[name] = view.of(item, depth + 1) end
  end
  return copy
end

shown["luadl.error"] = function(value, depth)
  local copy, text = {}, tostring(value)
  for name, item in pairs(value) do
    if name ~= "cause" then copy[name] = view.of(item, depth + 1) end
  end
  return setmetatable(copy, { __tostring = function() return text end, __metatable = false })
end

local veils = setmetatable({}, { __mode = "k" }) -- by what they are seen instead of

--- Has scripts see something else in the place of this value.
---@generic T
---@param value T a table
---@param other any
---@return T value
function view.veil(value, other)
  veils[value] = other
  return value
end

local function copy_table(value, depth, copy_of)
  local copy = {}
  for key, item in next, value do
    if SCALAR[type(key)] then copy[key] = copy_of(item, depth + 1) end
  end
  return copy
end

local function all(copy_of, ...)
  local count, list = select("#", ...), { ... }
  for index = 1, count do list[index] = copy_of(list[index]) end
  return unpack(list, 1, count)
end

--- A copy for a script: functions and unknown objects are left out.
---@param value any
---@param depth integer|nil
---@return any
function view.of(value, depth)
  depth = depth or 0
  if SCALAR[type(value)] then return value end
  if type(value) ~= "table" or depth > DEEPEST then return nil end
  value = veils[value] or value
  local show = errors.is(value) and shown["luadl.error"] or shown[class_of(value)]
  if show then return show(value, depth) end
  if class_of(value) then return nil end
  return copy_table(value, depth, view.of)
end

--- Copies of all.
function view.all(...)
  return all(view.of, ...)
end

--- A copy of what a script has answered: nothing in it runs any more, and it asks no metamethod.
---@param value any
---@param depth integer|nil
---@return any
function view.bare(value, depth)
  depth = depth or 0
  if SCALAR[type(value)] then return value end
  if type(value) ~= "table" or depth > DEEPEST then return nil end
  return copy_table(value, depth, view.bare)
end

--- Copies of all.
function view.bare_all(...)
  return all(view.bare, ...)
end

return view
