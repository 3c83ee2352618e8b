--- Options for some hosts: what a session's tables by host make of its defaults.
-- SPDX-License-Identifier: MIT

local hostname = require("luadl.hostname")
local options = require("luadl.options")

local hosts = {}

local methods = {}
local metatable = { __index = methods }

-- What says more about a host comes later: "*", then "*.org", then "*.example.org", then names.
local function rank(pattern)
  return pattern:find("*", 1, true) and #pattern or math.huge
end

local function sorted(given)
  local patterns = {}
  for pattern in next, given do patterns[#patterns + 1] = pattern end
  table.sort(patterns, function(a, b)
    if rank(a) ~= rank(b) then return rank(a) < rank(b) end
    return a < b
  end)
  return patterns
end

local function read_one(pattern, values)
  if not hostname.is_pattern(pattern) then
    return nil, ("expected a host like 'example.org' or '*.example.org', without scheme and port, "
      .. "got '%s'"):format(tostring(pattern))
  end
  if type(values) ~= "table" then
    return nil, ("%s: expected a table of options, got a %s"):format(pattern, type(values))
  end
  local read, message = options.read(values, "host")
  if not read then return nil, ("%s: %s"):format(pattern, message) end
  if read.host_limit_rate and not hostname.is_name(pattern) then
    return nil, ("%s: option 'host_limit_rate' is of one host, by its name"):format(pattern)
  end
  return options.given(read)
end

local function read_all(given)
  local tables = {}
  for pattern, values in next, given do
    local read, message = read_one(pattern, values)
    if not read then return nil, "option 'host': " .. message end
    tables[pattern] = read
  end
  return tables
end

--- Reads the tables.
---@param given table<string, table>|nil options by host, or by a pattern such as "*.example.org"
---@param defaults table a session's checked options
---@param complete nil|fun(url: string): string a URL as the engine understands it, with its scheme
---@return table|nil
---@return string|nil message what is wrong
function hosts.new(given, defaults, complete)
  local tables, message = read_all(given or {})
  if not tables then return nil, message end
  local self = { defaults = defaults, given = tables, known = {}, complete = complete }
  self.patterns = sorted(self.given)
  return setmetatable(self, metatable)
end

local function patterns_for(self, url)
  local found = {}
  if not self.patterns[1] or type(url) ~= "string" then return found end
  local host = hostname.of(self.complete and self.complete(url) or url)
  for _, pattern in ipairs(host and self.patterns or {}) do
    if hostname.matches(host, pattern) then found[#found + 1] = pattern end
  end
  return found
end

local function merge(self, patterns)
  local values = {}
  for _, pattern in ipairs(patterns) do
    for name, value in next, self.given[pattern] do values[name] = value end
  end
  return values
end

--- Whether all hosts are the same.
---@return boolean
function methods:is_empty()
  return self.patterns[1] == nil
end

--- The rates of those hosts that have one of their own.
---@return table<string, luadl.schedule> by name
function methods:limit_rates()
  local rates = {}
  for name, values in next, self.given do rates[name] = values.host_limit_rate end
  return rates
end

--- The defaults of what is asked of this URL's host.
---@param url any
---@param others table|nil checked options to put them over, in the place of the session's
---@return table values checked
function methods:defaults_for(url, others)
  local found = patterns_for(self, url)
  if not found[1] then return others or self.defaults end
  if others then return (options.read(merge(self, found), "host", others)) end
  local key = table.concat(found, " ")
  self.known[key] = self.known[key] or options.read(merge(self, found), "host", self.defaults)
  return self.known[key]
end

return hosts
