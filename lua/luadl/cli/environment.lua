--- LUADL_CONNECTIONS and the like: options in the environment.
-- SPDX-License-Identifier: MIT

local attached = require("luadl.cli.attached")
local errors = require("luadl.errors")
local habits = require("luadl.cli.habits")
local nearest = require("luadl.options.nearest")
local options = require("luadl.options")

local environment = {}

local PREFIX = "LUADL_"

--- The names of all variables of this process, where the system tells.
---@return string[]
function environment.variables()
  local file, names = io.open("/proc/self/environ", "rb"), {}
  if not file then return names end
  for entry in file:read("*a"):gmatch("%Z+") do names[#names + 1] = entry:match("^[^=]+") end
  file:close()
  table.sort(names)
  return names
end

local YES = { ["1"] = true, yes = true, ["true"] = true, on = true }
local NO = { ["0"] = true, no = true, ["false"] = true, off = true }
local LISTS = { list = true, texts = true, headers = true, host_headers = true }

local function as_typed(option, text)
  if LISTS[option.type] then return { text } end
  if option.type ~= "boolean" and not option.switch then return text end
  if YES[text:lower()] then return true end
  if NO[text:lower()] then return false end
  return text
end

local function add_variable(found, option, name, text)
  local typed = as_typed(option, text)
  local value, message = typed, nil
  if option.file then value, message = attached.read(option.file, typed) end
  if value ~= nil then value, message = options.parse(option.name, value) end
  if value == nil then return nil, errors.new("usage", ("%s: %s"):format(name, message)) end
  found.values[option.name], found.from[option.name] = value, name
  found.written[option.name] = typed
  return true
end

local ONCE = "%s counts for nothing: that is said anew in each command line"
local UNKNOWN = "%s is unknown: did you mean LUADL_%s?"

-- Others may have variables that begin like ours: only what is almost one of them is a mistake.
local function is_slip(name, meant)
  return nearest.distance(name, meant) <= math.max(1, math.floor(#name / 4))
end

local function problem_of(variable, names)
  local name = variable:sub(#PREFIX + 1):lower()
  local option = options.get(name)
  if option and habits.is(option) then return nil end
  if option and options.flags(option)[1] then return ONCE:format(variable) end
  local meant = nearest.word(name, names)
  return meant and is_slip(name, meant) and UNKNOWN:format(variable, meant:upper()) or nil
end

local function warn(found, variables)
  local names = habits.names()
  for _, variable in ipairs(variables) do
    local ours = variable:sub(1, #PREFIX) == PREFIX
    found.warnings[#found.warnings + 1] = ours and problem_of(variable, names) or nil
  end
end

--- Puts what the variables say in the place of what a file says.
---@param found luadl.cli.config
---@param getenv fun(name: string): string|nil
---@param variables string[] the names of those that there are
---@return luadl.cli.config|nil
---@return luadl.error|nil
function environment.read(found, getenv, variables)
  warn(found, variables)
  for _, option in options.each() do
    local name = PREFIX .. option.name:upper()
    local text = habits.is(option) and getenv(name)
    if text and text ~= "" then
      local ok, err = add_variable(found, option, name, text)
      if not ok then return nil, err end
    end
  end
  return found
end

return environment
