--- Checks options against the one schema, fills in defaults, and shows the schema to the command.
-- SPDX-License-Identifier: MIT

local schema = require("luadl.options.schema")
local types = require("luadl.options.types")

local options = {}

local function accepts(scope, option)
  if option.scope == scope or (scope == "fetch" and option.fetch) then return true end
  if scope == "command" and option.scope == "batch" then return true end
  if scope == "host" and option.host then return true end
  return (scope == "session" or scope == "host") and option.scope == "download" and not option.each
end

local entries_of = {} -- by scope; the schema doesn't change

local function in_scope(scope)
  local entries = entries_of[scope]
  if entries then return entries end
  entries = {}
  for _, option in ipairs(schema) do
    if accepts(scope, option) then entries[#entries + 1] = option end
  end
  entries_of[scope] = entries
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

local function default_of(option, scope, defaults)
  local own = scope == "fetch" and option.fetch ~= true and option.fetch or nil
  if defaults and not own and defaults[option.name] ~= nil then return defaults[option.name] end
  local default = own or option.default
  if default == nil then return nil end
  return (types.read(option, default))
end

-- What counts where a caller says nothing: looked up, rather than copied for each download.
local function inherit(scope, defaults)
  local values, tables = {}, {}
  for _, option in ipairs(in_scope(scope)) do
    local name = option.name
    values[name] = default_of(option, scope, defaults)
    if type(values[name]) == "table" then tables[#tables + 1] = name end
  end
  return { tables = tables, metatable = { __index = values } }
end

local inherited = setmetatable({}, { __mode = "k" }) -- by the defaults, by scope
local NO_DEFAULTS = {}

local function inherited_of(scope, defaults)
  local key = defaults or NO_DEFAULTS
  local scopes = inherited[key] or {}
  inherited[key] = scopes
  scopes[scope] = scopes[scope] or inherit(scope, defaults)
  return scopes[scope]
end

local function fill(values, scope, defaults)
  local from = inherited_of(scope, defaults)
  for _, name in ipairs(from.tables) do -- these are shared with nobody
    if values[name] == nil then values[name] = copy(from.metatable.__index[name]) end
  end
  setmetatable(values, from.metatable)
end

-- A name that the user typed is meant; one that a server chose can give way.
local function choose_exists(values)
  values.exists = values.exists or (values.output and "fail" or "rename")
end

local CONTRADICTIONS = {
  { "body", "json" }, { "body", "form" }, { "json", "form" }, { "range", "adopt" },
  { "filter", "adopt" }, { "filter", "conditional" }, { "filter", "timestamps" },
}
local NOT_WITH_A_PART = { "range", "output", "dir", "filter" } -- it says by its name where it is

local function contradiction(values)
  for _, pair in ipairs(CONTRADICTIONS) do
    if values[pair[1]] and values[pair[2]] then return pair[1], pair[2] end
  end
  if type(values.resume) ~= "string" then return nil end
  for _, name in ipairs(NOT_WITH_A_PART) do
    if values[name] then return "resume", name end
  end
  return nil
end

local NOT_OF_AN_ANSWER = { "range", "adopt", "resume" }

-- Only what a GET brings has parts, and an identity that holds when it is asked again.
local function check_method(values)
  if values.method == "HEAD" then return "option 'method': a HEAD brings no file; ask for info" end
  local sent = values.body and "body" or values.method ~= "GET" and values.method and "method"
  for _, name in ipairs(sent and NOT_OF_AN_ANSWER or {}) do
    if values[name] then return ("choose one of '%s' and '%s'"):format(sent, name) end
  end
  return nil
end

--- Checks `given` and fills in what it leaves out.
---@param given table|nil
---@param scope "session"|"download"|"fetch"|"command"
---@param defaults table|nil checked options that come before the schema's defaults (a session's);
--- they don't change any more
---@return table|nil values a copy that shares no table with the caller; defaults are inherited
---@return string|nil message what is wrong
function options.read(given, scope, defaults)
  if given ~= nil and type(given) ~= "table" then
    return nil, "options: expected a table, got a " .. type(given)
  end
  local entries = in_scope(scope)
  local values, message = types.read_fields(entries, given or {}, "option")
  if not values then return nil, message end
  local one, other = contradiction(values)
  if one then return nil, ("choose one of '%s' and '%s'"):format(one, other) end
  local wrong = scope == "download" and check_method(values)
  if wrong then return nil, wrong end
  spread_timeout(values)
  fill(values, scope, defaults)
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
---@param level integer whom to blame, as `error` counts from the function that calls this
---@return table values
function options.of_helper(opts, fields, level)
  local values, message = types.read_fields(fields, opts or {}, "option")
  if not values then error(message, level + 1) end
  return values
end

local picked = setmetatable({}, { __mode = "k" }) -- by what is inherited, by the list of names

-- Of a long list few are set, and the same ones in each download of a session.
local function inherited_names(metatable, names)
  local lists = picked[metatable] or setmetatable({}, { __mode = "k" })
  picked[metatable] = lists
  if lists[names] then return lists[names] end
  local list = { is_name = {} }
  for _, name in ipairs(names) do
    list.is_name[name] = true
    if metatable.__index[name] ~= nil then list[#list + 1] = name end
  end
  lists[names] = list
  return list
end

--- A plain copy of those checked options that are named.
---@param values table
---@param names string[] a constant list
---@return table
function options.pick(values, names)
  local list, copied = inherited_names(getmetatable(values), names), {}
  for index = 1, #list do copied[list[index]] = values[list[index]] end
  for name, value in next, values do
    if list.is_name[name] then copied[name] = value end
  end
  return copied
end

--- A plain copy of checked options, with what they inherit.
---@param values table
---@return table
function options.all(values)
  local metatable, all = getmetatable(values), {}
  for name, value in next, metatable and metatable.__index or {} do all[name] = value end
  for name, value in next, values do all[name] = value end
  return all
end

--- A plain copy of what was given, without what is inherited.
---@param values table
---@return table
function options.given(values)
  local given = {}
  for name, value in next, values do given[name] = value end
  return given
end

local PERSONAL = {
  headers = true, user = true, bearer = true, netrc = true, netrc_file = true,
  cert = true, key = true, key_password = true, method = true, body = true,
}

--- A copy without what may tell who somebody is: for hosts that the user hasn't named.
---@param values table
---@return table
function options.impersonal(values)
  local kept = options.all(values)
  for name in next, PERSONAL do kept[name] = nil end
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

local function long_of(flag)
  return flag:match("%-%-[%w-]+")
end

--- How the command says it: none, one or several flags.
---@param option table an entry of the schema
---@return { flag: string, long: string, arg: string?, help: string, note: string?, default: any,
--- value: any }[] flags what they mean: `value`, or where there is an `arg` what is typed
function options.flags(option)
  local flags = {}
  if option.flag then
    flags[1] = {
      flag = option.flag, long = long_of(option.flag), arg = option.arg,
      help = option.help, note = option.note,
      default = option.default, value = option.type == "boolean" or nil,
    }
  end
  for _, choice in ipairs(option.choices or { option.off }) do
    flags[#flags + 1] = {
      flag = choice.flag, long = long_of(choice.flag),
      help = choice.help, value = choice.value or false,
    }
  end
  return flags
end

--- Walks over the entries in their order.
function options.each()
  return ipairs(schema)
end

return options
