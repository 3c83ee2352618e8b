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

local function check(given)
  for pattern, values in next, given do
    if type(pattern) ~= "string" or not pattern:find("^[%w*.:%[%]_-]+$") then
      return ("expected a host like 'example.org' or '*.example.org', got '%s'")
        :format(tostring(pattern))
    end
    if type(values) ~= "table" then
      return ("%s: expected a table of options, got a %s"):format(pattern, type(values))
    end
    local read, message = options.read(values, "host")
    if not read then return ("%s: %s"):format(pattern, message) end
  end
  return nil
end

--- Reads the tables.
---@param given table<string, table>|nil options by host, or by a pattern such as "*.example.org"
---@param defaults table a session's checked options
---@return table|nil
---@return string|nil message what is wrong
function hosts.new(given, defaults)
  local message = given and check(given)
  if message then return nil, "option 'host': " .. message end
  local self = { defaults = defaults, given = given or {}, known = {} }
  self.patterns = sorted(self.given)
  return setmetatable(self, metatable)
end

local function patterns_for(self, url)
  local found, host = {}, type(url) == "string" and hostname.of(url)
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

--- What the tables say of this URL's host, unchecked.
---@param url any
---@return table values
function methods:values_for(url)
  return merge(self, patterns_for(self, url))
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
