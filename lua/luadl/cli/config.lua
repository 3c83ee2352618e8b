--- The user's configuration: a Lua file with defaults, tables for hosts and policies, and LUADL_...
--- in the environment.
-- SPDX-License-Identifier: MIT
--
--   connections = 4
--   host["*.example.org"] = { headers = { ["X-Key"] = "..." }, connections = 2 }
--   policy { on_done = function(file) print(file.path) end }
--
-- The command line comes before the environment, and that before the file.

local environment = require("luadl.cli.environment")
local errors = require("luadl.errors")
local habits = require("luadl.cli.habits")
local nearest = require("luadl.options.nearest")
local options = require("luadl.options")
local hosts = require("luadl.options.hosts")
local policy = require("luadl.policy")
local types = require("luadl.options.types")

local config = {}

---@class luadl.cli.config
---@field values table<string, any> by option, as `options.read` takes them
---@field written table<string, any> the same as it was written
---@field from table<string, string> where each is from
---@field host table<string, table>
---@field policies table[]
---@field path string|nil of the file that was read
---@field warnings string[] of variables that count for nothing

--- Where the file is if nobody says otherwise (XDG Base Directory).
---@param getenv fun(name: string): string|nil
---@return string|nil
function config.path(getenv)
  local folder, home = getenv("XDG_CONFIG_HOME"), getenv("HOME")
  if not folder or folder:sub(1, 1) ~= "/" then folder = home and home .. "/.config" end
  return folder and folder .. "/luadl/config.lua"
end

-- `host["a.org"].connections = 2` does what it seems to.
local HOSTS = {
  __index = function(tables, pattern)
    local fresh = {}
    rawset(tables, pattern, fresh)
    return fresh
  end,
}

local function nothing()
  return {
    values = {}, written = {}, from = {}, host = setmetatable({}, HOSTS), policies = {},
    warnings = {},
  }
end

-- The file

local function unknown(name)
  local names = habits.names()
  names[#names + 1], names[#names + 2] = "host", "policy"
  local meant = nearest.word(name, names)
  local question = meant and (": did you mean '%s'?"):format(meant) or ""
  return ("unknown option '%s'%s"):format(name, question)
end

local function set(found, name, value)
  local option = type(name) == "string" and options.get(name)
  if name == "host" then error("write host[\"example.org\"] = {...}", 3) end
  if not option or not habits.is(option) then error(unknown(tostring(name)), 3) end
  found.values[name] = value
end

-- Globals of the file are options; what Lua has is in reach.
local function new_environment(found)
  local own = {
    host = found.host,
    policy = function(given) found.policies[#found.policies + 1] = given or false end,
  }
  return setmetatable({}, {
    __index = function(_, name)
      if own[name] ~= nil then return own[name] end
      if found.values[name] ~= nil then return found.values[name] end
      return _G[name]
    end,
    __newindex = function(_, name, value) set(found, name, value) end,
  })
end

local function compile(path, globals)
  if not setfenv then return loadfile(path, "t", globals) end -- luacheck: ignore setfenv
  local chunk, message = loadfile(path)
  return chunk and setfenv(chunk, globals), message -- luacheck: ignore setfenv
end

local function broken(path, message)
  local text = tostring(message)
  if text:sub(1, #path) ~= path then text = path .. ": " .. text end
  return errors.new("usage", "configuration " .. text, { path = path })
end

local HAS_PATHS = { path = true, list = true }

-- As the shell does it before luadl hears of a path.
local function expand(option, value, home)
  if not option or not HAS_PATHS[option.type] or not home then return value end
  if value == "~" then return home end
  if type(value) == "string" then return (value:gsub("^~/", home .. "/")) end
  if type(value) ~= "table" then return value end
  local list = {}
  for index = 1, #value do list[index] = expand(option, value[index], home) end
  return list
end

local function expand_hosts(found, home)
  for _, values in next, found.host do
    for name, value in next, type(values) == "table" and values or {} do
      values[name] = expand(options.get(name), value, home)
    end
  end
end

local function check_values(found, home)
  for name, value in next, found.values do
    local option = options.get(name)
    local read, message = types.read(option, expand(option, value, home))
    if read == nil then return nil, ("option '%s': %s"):format(name, message) end
    found.values[name], found.written[name] = read, value
  end
  expand_hosts(found, home)
  for _, given in ipairs(found.policies) do
    local read, message = policy.read(given)
    if not read then return nil, message end
  end
  return hosts.new(found.host, options.check({}, "session"))
end

--- Reads a file.
---@param path string
---@param home string|nil what "~/" in a path stands for
---@return luadl.cli.config|nil
---@return luadl.error|nil
function config.read(path, home)
  local found = nothing()
  found.path = path
  local chunk, message = compile(path, new_environment(found))
  if not chunk then return nil, broken(path, message) end
  local ok, thrown = pcall(chunk)
  if not ok then return nil, broken(path, thrown) end
  local right, wrong = check_values(found, home)
  if not right then return nil, broken(path, wrong) end
  for name in next, found.values do found.from[name] = path end
  return found
end

-- Together

local ENOENT, ENOTDIR = 2, 20

local OTHERS = "others may write it, and it is a program (chmod go-w); --no-config goes without"

-- One that is there, and can't be read, is no reason to go on without it.
local function find(command, getenv)
  if command.config == false then return nothing() end
  local path = command.config or config.path(getenv)
  if not path then return nothing() end
  local found, _, errno = require("luadl.sys").stat(path) -- the help does without
  local is_absent = errno == ENOENT or errno == ENOTDIR
  if is_absent and not command.config then return nothing() end
  if found and not found.is_own then return nil, broken(path, OTHERS) end
  return config.read(path, getenv("HOME"))
end

--- What the file and the environment say.
---@param command { config: string|false|nil } as typed: a file, or false for none
---@param getenv fun(name: string): string|nil
---@param variables string[]|nil the names of those that there are
---@return luadl.cli.config|nil
---@return luadl.error|nil
function config.load(command, getenv, variables)
  local found, err = find(command, getenv)
  if not found then return nil, err end
  return environment.read(found, getenv, variables or {})
end

local function place_of(request, option)
  return (option.scope == "command" or option.scope == "batch") and request.command
    or request.options
end

-- The command line counts more than a table for a host, too.
local function hosts_for(found, is_free)
  local tables = nil
  for pattern, given in next, found.host do
    tables = tables or {}
    tables[pattern] = {}
    for name, value in next, given do
      local from = found.from[name]
      if is_free(options.get(name)) and (not from or from == found.path) then
        tables[pattern][name] = value
      end
    end
  end
  return tables
end

--- Has the request say what it leaves open.
---@param request table as luadl.cli.arguments reads it
---@param found luadl.cli.config
---@param is_free fun(option: table): boolean whether nothing that was typed is against it
function config.apply(request, found, is_free)
  for _, option in options.each() do
    local value = found.values[option.name]
    if value ~= nil and habits.is(option) then -- a fetch has some of the same names
      if is_free(option) then
        place_of(request, option)[option.name] = value
        request.written[option.name] = found.written[option.name]
      else
        found.from[option.name] = nil
      end
    end
  end
  request.options.host = hosts_for(found, is_free)
  request.config = found
end

--- What `luadl.cli.arguments` reads it with.
---@param getenv fun(name: string): string|nil
---@param variables string[]|nil
function config.reader(getenv, variables)
  return function(request, is_free)
    local found, err = config.load(request.command, getenv, variables)
    if not found then return nil, err.message end
    config.apply(request, found, is_free)
    return true
  end
end

return config
