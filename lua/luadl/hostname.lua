--- The host that a URL names, and the patterns that stand for some of them.
-- SPDX-License-Identifier: MIT

local hostname = {}

--- The host of a URL, in lower case, without login, port and a last dot; an IPv6 address keeps its
--- brackets. None with a backslash: browsers and libcurl differ in which host that is.
---@param url string
---@return string|nil
function hostname.of(url)
  local authority = url:match("^%a[%w+.-]*://([^/?#]*)")
  if not authority or authority:find("\\", 1, true) then return nil end
  local host = authority:gsub("^.*@", ""):gsub(":%d*$", ""):lower()
  return (host:gsub("%.$", ""))
end

--- Whether this is the name of a host as URLs have it, or an address; no scheme, port or last dot.
---@param name any
---@return boolean
function hostname.is_name(name)
  if type(name) ~= "string" then return false end
  if name:find("^%[[%x:.]+%]$") then return true end
  return name:find("^[%w_\128-\255-][%w._\128-\255-]*$") ~= nil and name:sub(-1) ~= "."
end

--- Whether `matches` can make something of it.
---@param pattern any
---@return boolean
function hostname.is_pattern(pattern)
  if type(pattern) ~= "string" then return false end
  return pattern == "*" or hostname.is_name((pattern:gsub("^%*%.", "")))
end

--- Whether the pattern stands for this host: "example.org" for itself, "*.example.org" for all that
--- lies below, "*" for all.
---@param host string in lower case
---@param pattern string
---@return boolean
function hostname.matches(host, pattern)
  if pattern == "*" then return true end
  pattern = pattern:lower()
  local suffix = pattern:match("^%*(%..+)$")
  if not suffix then return host == pattern end
  return #host > #suffix and host:sub(-#suffix) == suffix
end

return hostname
