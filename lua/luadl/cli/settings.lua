--- `luadl config`: what is in force, and where each value is from.
-- SPDX-License-Identifier: MIT
--
-- The output is Lua, and can be a configuration again: secrets and functions are comments there.

local arguments = require("luadl.cli.arguments")
local config = require("luadl.cli.config")
local environment = require("luadl.cli.environment")
local errors = require("luadl.errors")
local exit = require("luadl.cli.exit")
local habits = require("luadl.cli.habits")
local options = require("luadl.options")
local text = require("luadl.text")

local settings = {}

local function quoted(value)
  return ("%q"):format(value):gsub("\\\n", "\\n")
end

local function number(value)
  return (value == math.floor(value) and "%.0f" or "%.14g"):format(value)
end

local function in_lua(value, redact)
  if type(value) == "string" then return (quoted(redact(value))) end
  if type(value) == "number" then return number(value) end
  if type(value) ~= "table" then return tostring(value) end
  local items = {}
  for index, item in ipairs(value) do items[index] = in_lua(item, redact) end
  return "{ " .. table.concat(items, ", ") .. " }"
end

local COUNTED = { integer = true, number = true }

-- What the environment and the command line have is text.
local function of_text(option, value)
  return type(value) == "string" and COUNTED[option.type] and tonumber(value) or value
end

-- A comment, where the value itself isn't shown.
local function assignment(name, option, value)
  if option.secret then return ("-- %s = %s"):format(name, quoted("...")) end
  if type(value) == "function" then return ("-- %s = a function"):format(name) end
  local redact = option.name == "proxy" and errors.redact_word or errors.redact_url
  return ("%s = %s"):format(name, in_lua(of_text(option, value), redact))
end

local function source(request, option)
  if request.written[option.name] == nil then return "default" end
  return request.config.from[option.name] or "command line"
end

local function rows_of(request)
  local rows = {}
  for _, option in options.each() do
    local value = request.written[option.name]
    if value == nil then value = option.default end
    if value ~= nil and habits.is(option) then
      rows[#rows + 1] = { assignment(option.name, option, value), source(request, option) }
    end
  end
  return rows
end

local function host_lines(request)
  local found = {}
  for pattern, values in pairs(request.options.host or {}) do
    for name, value in pairs(values) do
      local place = ("host[%s].%s"):format(quoted(pattern), name)
      found[#found + 1] = assignment(place, options.get(name), value)
    end
  end
  table.sort(found)
  return found
end

--- The text.
---@param request table as luadl.cli.arguments reads it, configured
---@return string
function settings.text(request)
  local found = request.config
  local lines = { found.path and "-- read: " .. found.path or "-- no configuration file was read" }
  for _, row in ipairs(rows_of(request)) do
    lines[#lines + 1] = ("%-32s -- %s"):format(row[1], row[2])
  end
  for _, warning in ipairs(found.warnings) do lines[#lines + 1] = "-- " .. warning end
  for _, line in ipairs(host_lines(request)) do
    lines[#lines + 1] = ("%-32s -- %s"):format(line, found.path)
  end
  if found.policies[1] then
    lines[#lines + 1] = ("-- policies: %d of %s"):format(#found.policies, found.path)
  end
  return table.concat(lines, "\n") .. "\n"
end

--- Runs `luadl config [options]`.
---@param argv string[]
---@param world { stdout: file*, stderr: file*, getenv: fun(name: string): string|nil }
---@return integer status
function settings.run(argv, world)
  local words = {}
  for index = 2, #argv do words[index - 1] = argv[index] end
  local configure = config.reader(world.getenv, environment.variables())
  local request, message = arguments.parse(words, configure, true)
  if request and request.urls[1] then
    request, message = nil, ("'config' takes options alone, not '%s'"):format(request.urls[1])
  end
  if request then
    world.stdout:write(settings.text(request))
    return exit.OK
  end
  world.stderr:write("luadl: ", text.clean(message), "\n")
  return exit.USAGE
end

return settings
