--- Checks options against the one schema, fills in defaults, and shows the schema to the command.
-- SPDX-License-Identifier: MIT

local schema = require("luadl.options.schema")
local types = require("luadl.options.types")

local options = {}

local function accepts(scope, option)
  if option.scope == scope or (scope == "fetch" and option.fetch) then return true end
  return scope == "session" and option.scope == "download" and not option.each
end

local function in_scope(scope)
  local entries = {}
  for _, option in ipairs(schema) do
    if accepts(scope, option) then entries[#entries + 1] = option end
  end
  return entries
end

local function copy(value)
  if type(value) ~= "table" then return value end
  local twin = {}
  for key, item in next, value do twin[key] = copy(item) end
  return twin
end

-- One word for people, two clocks in the engine: before the first byte, and between bytes.
local function spread_timeout(values)
  if not values.timeout then return end
  values.first_byte_timeout = values.first_byte_timeout or values.timeout
  values.stall_timeout = values.stall_timeout or values.timeout
end

local function fill(values, entries, defaults, scope)
  for _, option in ipairs(entries) do
    local name = option.name
    local own = scope == "fetch" and option.fetch ~= true and option.fetch or nil
    local default = own or option.default
    if values[name] == nil and defaults and not own then
      values[name] = copy(rawget(defaults, name))
    end
    if values[name] == nil and default ~= nil then values[name] = types.read(option, default) end
  end
end

-- A name that the user typed is meant; one that a server chose can give way.
local function choose_exists(values)
  values.exists = values.exists or (values.output and "fail" or "rename")
end

local CONTRADICTIONS = {
  { "body", "json" }, { "body", "form" }, { "json", "form" },
  { "range", "adopt" }, { "part", "range" },
  { "part", "output" }, { "part", "dir" }, -- a .part says by its name where it is
}

local function is_given(values, name)
  if name == "part" then return type(values.resume) == "string" end
  return values[name]
end

local function check_pairs(values)
  for _, pair in ipairs(CONTRADICTIONS) do
    if is_given(values, pair[1]) and is_given(values, pair[2]) then
      local first = pair[1] == "part" and "resume" or pair[1]
      return nil, ("choose one of '%s' and '%s'"):format(first, pair[2])
    end
  end
  return true
end

--- Checks `given` and fills in what it leaves out.
---@param given table|nil
---@param scope "session"|"download"|"fetch"|"command"
---@param defaults table|nil checked options that come before the schema's defaults (a session's)
---@return table|nil values a copy that shares no table with the caller
---@return string|nil message what is wrong
function options.read(given, scope, defaults)
  if given ~= nil and type(given) ~= "table" then
    return nil, "options: expected a table, got a " .. type(given)
  end
  local entries = in_scope(scope)
  local values, message = types.read_fields(entries, given or {}, "option")
  if not values then return nil, message end
  local right, wrong = check_pairs(values)
  if not right then return nil, wrong end
  spread_timeout(values)
  fill(values, entries, defaults, scope)
  if scope == "download" then choose_exists(values) end
  return values
end

--- The same for a library's caller, to whom a wrong option is misuse.
---@param given table|nil
---@param scope "session"|"download"|"fetch"|"command"
---@param defaults table|nil
---@param level integer|nil whom to blame, as `error` counts from the function that calls `check`;
--- 2, its caller, when left out
---@return table values
function options.check(given, scope, defaults, level)
  local values, message = options.read(given, scope, defaults)
  if not values then error(message, (level or 2) + 1) end
  return values
end

--- The options of a helper, which aren't in the schema; wrong ones are misuse.
---@param opts table|nil
---@param fields { name: string, type: string }[]
---@param level integer whom to blame, as `error` counts from the function that calls `own`
---@return table values
function options.own(opts, fields, level)
  local values, message = types.read_fields(fields, opts or {}, "option")
  if not values then error(message, level + 1) end
  return values
end

local PERSONAL = { headers = true, user = true }

--- A copy without what may tell who somebody is: for hosts that the user hasn't named.
---@param values table
---@return table
function options.impersonal(values)
  local kept = {}
  for name, value in next, values do
    if not PERSONAL[name] then kept[name] = value end
  end
  return kept
end

--- Options with this URL among them: for calls that take it by itself.
---@param url string|table a table has it already, or leaves it out
---@param opts table|nil
---@param level integer|nil whom to blame for opts that are no table, as in `check`
---@return table given unchecked, a copy
function options.with_url(url, opts, level)
  if type(url) == "table" and opts == nil then return url end
  if opts ~= nil and type(opts) ~= "table" then
    error("options: expected a table, got a " .. type(opts), (level or 2) + 1)
  end
  local given = {}
  for name, value in next, opts or {} do given[name] = value end
  given.url = url
  return given
end

--- Reads one option as typed in a command line.
---@param name string
---@param text string|string[]|boolean
---@return any value or nil
---@return string|nil message
function options.parse(name, text)
  return types.parse(options.get(name), text)
end

--- The schema's entry of that name, or nil.
---@param name string
---@return table|nil
function options.get(name)
  for _, option in ipairs(schema) do
    if option.name == name then return option end
  end
  return nil
end

--- Walks over the entries in their order.
function options.each()
  return ipairs(schema)
end

return options
