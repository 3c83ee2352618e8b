--- `luadl config`: what is in force, and where each value is from.
-- SPDX-License-Identifier: MIT
--
-- The output is Lua, and can be a configuration again; but for secrets, which it doesn't show.

local arguments = require("luadl.cli.arguments")
local config = require("luadl.cli.config")
local errors = require("luadl.errors")
local exit = require("luadl.cli.exit")
local options = require("luadl.options")

local settings = {}

local function quoted(value)
  return ("%q"):format(value):gsub("\\\n", "\\n")
end

local function in_lua(value)
  if type(value) == "string" then return (quoted(errors.redact_url(value))) end
  if type(value) == "number" then return ("%.14g"):format(value) end
  if type(value) ~= "table" then return tostring(value) end
  local items = {}
  for index, item in ipairs(value) do items[index] = in_lua(item) end
  return "{ " .. table.concat(items, ", ") .. " }"
end

local function shown(option, value)
  if option.secret then return quoted("...") end
  if type(value) == "function" then return quoted("(a function)") end
  if type(value) == "string" and tonumber(value) then return value end
  return in_lua(value)
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
    if value ~= nil and config.has(option) then
      local text = ("%s = %s"):format(option.name, shown(option, value))
      rows[#rows + 1] = { text, source(request, option) }
    end
  end
  return rows
end

local function host_lines(request)
  local found = {}
  for pattern, values in pairs(request.options.host or {}) do
    for name, value in pairs(values) do
      found[#found + 1] = ("host[%s].%s = %s"):format(quoted(pattern), name,
        shown(options.get(name), value))
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
  local request, message = arguments.parse(words, config.reader(world.getenv), true)
  if request then
    world.stdout:write(settings.text(request))
    return exit.OK
  end
  world.stderr:write("luadl: ", message, "\n")
  return exit.USAGE
end

return settings
