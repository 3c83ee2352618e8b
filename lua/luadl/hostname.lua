--- The host that a URL names, and the patterns that stand for some of them.
-- SPDX-License-Identifier: MIT

local hostname = {}

--- The host of a URL, in lower case, without login, port and a last dot; an IPv6 address keeps its
--- brackets.
---@param url string
---@return string|nil
function hostname.of(url)
  local authority = url:match("^%a[%w+.-]*://([^/?#\\]*)")
  local host = authority and authority:gsub("^.*@", ""):gsub(":%d*$", ""):lower()
  return host and (host:gsub("%.$", ""))
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
