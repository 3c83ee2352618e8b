--- URLs for scripts: taken apart, put together, joined, encoded (RFC 3986).
-- SPDX-License-Identifier: MIT
--
-- libcurl's URL API reads them, so a script and the engine agree on every one. Parts stay as they
-- stand in the URL, percent-encoded: what `parse` took apart `build` puts together.

local core = require("luadl.url_core")
local errors = require("luadl.errors")
local check_string = require("luadl.misuse").check_string

local url = {}

--- What a URL consists of.
---@class luadl.url.parts
---@field scheme string in lower case
---@field user string?
---@field password string?
---@field host string in lower case, an IPv6 address in brackets
---@field port integer? if the URL names one
---@field path string at least "/"
---@field query string? without "?"
---@field fragment string? without "#"

-- What the part may not contain as it is: it would end there, or is in no URL at all.
local RESERVED = {
  user = "[^%w%-._~!$&'()*+,;=%%]",
  path = "[^%w%-._~!$&'()*+,;=%%:@/]",
  query = "[^%w%-._~!$&'()*+,;=%%:@/?]",
  authority = "[%s/?#@\\\"<>^`{|}]",
}

local function bad_url(message, text)
  return nil, errors.new("bad_url", message, { url = text })
end

-- What C sees ends at a NUL; a line break would end a header (S3).
local function is_clean(text)
  return not text:find("%c")
end

local function ask(call, text, reference)
  if not is_clean(text) or (reference and not is_clean(reference)) then
    return bad_url("a control character in a URL")
  end
  local found, message = call(text, reference)
  if found then return found end
  return bad_url(message, reference or text)
end

--- The parts of an absolute URL.
---@param text string
---@return luadl.url.parts? parts
---@return luadl.error? err kind "bad_url"
function url.parse(text)
  check_string(text, "a URL", 2)
  local parts, err = ask(core.parse, text)
  if not parts then return nil, err end
  parts.host = parts.host:lower()
  return parts
end

--- Where a reference leads that stands in a page with the URL `base` (RFC 3986, section 5).
---@param base string absolute
---@param reference string
---@return string? absolute
---@return luadl.error? err kind "bad_url": also for schemes without a host, such as mailto
function url.join(base, reference)
  check_string(base, "a URL", 2)
  check_string(reference, "a reference", 2)
  if reference:find("^#") or reference == "" then -- libcurl loses the base's last segment there
    return ask(core.join, base:gsub("#.*$", "") .. reference)
  end
  return ask(core.join, base, reference)
end

local function percent(byte)
  return ("%%%02X"):format(byte:byte())
end

--- Every byte but letters, digits and "-._~" as %XX: for one name or value within a part.
---@param text string
---@return string
function url.encode(text)
  check_string(text, "what is encoded", 2)
  return (text:gsub("[^%w%-._~]", percent))
end

--- The bytes for which %XX stands; a "%" without two digits stays.
---@param text string
---@return string
function url.decode(text)
  check_string(text, "what is decoded", 2)
  return (text:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end))
end

local function is_scalar(value)
  return type(value) == "string" or type(value) == "number" or type(value) == "boolean"
end

local function append_pair(list, name, value, level)
  if not is_scalar(name) or not is_scalar(value) then
    error("a query has names and values that are strings, numbers or booleans", level + 1)
  end
  list[#list + 1] = url.encode(tostring(name)) .. "=" .. url.encode(tostring(value))
end

local function append_values(list, name, value, level)
  if type(value) ~= "table" then return append_pair(list, name, value, level + 1) end
  for _, each in ipairs(value) do append_pair(list, name, each, level + 1) end
end

local function sorted_names(map)
  local names = {}
  for name in pairs(map) do names[#names + 1] = name end
  table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
  return names
end

--- A query without its "?": of ordered pairs, or of a map in the order of its names, where a list
--- as a value gives its name several times.
---@param fields { [1]: string, [2]: string }[]|table<string, string|number|boolean|table>
---@return string
function url.query(fields)
  if type(fields) ~= "table" then error("a query is made of a table", 2) end
  local list = {}
  if type(fields[1]) == "table" then
    for _, pair in ipairs(fields) do append_pair(list, pair[1], pair[2], 2) end
  else
    for _, name in ipairs(sorted_names(fields)) do append_values(list, name, fields[name], 2) end
  end
  return table.concat(list, "&")
end

local function unplus(text)
  return url.decode((text:gsub("%+", " ")))
end

--- The fields of a query: pairs in order, and a map with the first value of each name.
---@param text string with or without "?"
---@return { [1]: string, [2]: string }[] pairs
---@return table<string, string> first
function url.query_parse(text)
  check_string(text, "a query", 2)
  local list, first = {}, {}
  for field in text:gsub("^%?", ""):gmatch("[^&]+") do
    local name, value = field:match("^([^=]*)=?(.*)$")
    name, value = unplus(name), unplus(value)
    list[#list + 1] = { name, value }
    if first[name] == nil then first[name] = value end
  end
  return list, first
end

local function escaped(text, reserved)
  return (text:gsub(reserved, percent))
end

local function authority(parts)
  local text = parts.host
  if parts.port then text = ("%s:%d"):format(text, parts.port) end
  if not parts.user and not parts.password then return text end
  local credentials = escaped(parts.user or "", RESERVED.user)
  if parts.password then
    credentials = credentials .. ":" .. escaped(parts.password, RESERVED.user)
  end
  return credentials .. "@" .. text
end

local function assembled(parts)
  local path = escaped(parts.path or "/", RESERVED.path)
  if path:sub(1, 1) ~= "/" then path = "/" .. path end
  local query = type(parts.query) == "table" and url.query(parts.query) or parts.query
  local text = parts.scheme .. "://" .. authority(parts) .. path
  if query and query ~= "" then text = text .. "?" .. escaped(query, RESERVED.query) end
  if parts.fragment then text = text .. "#" .. escaped(parts.fragment, RESERVED.query) end
  return text
end

local FIELDS = {
  scheme = "string", user = "string", password = "string", host = "string", port = "number",
  path = "string", query = "string", fragment = "string",
}

local function check_parts(parts, level)
  if type(parts) ~= "table" then error("a URL is built from a table", level + 1) end
  for name, value in pairs(parts) do
    local wanted = FIELDS[name]
    if not wanted then error(("a URL has no part '%s'"):format(tostring(name)), level + 1) end
    local fits = type(value) == wanted or (name == "query" and type(value) == "table")
    if not fits then error(("the %s must be a %s"):format(name, wanted), level + 1) end
  end
  if not parts.scheme or not parts.host then error("a URL needs scheme and host", level + 1) end
end

local function has_control(parts)
  for _, value in pairs(parts) do
    if type(value) == "string" and not is_clean(value) then return true end
  end
  return false
end

--- A URL of its parts; "%" stays, what else can't stand in a part is encoded. The query may be a
--- table, see `url.query`.
---@param parts luadl.url.parts
---@return string? text
---@return luadl.error? err kind "bad_url"
function url.build(parts)
  check_parts(parts, 2)
  if has_control(parts) then return bad_url("a control character in a URL") end
  if parts.host:find(RESERVED.authority) or not parts.scheme:find("^%a[%w+.%-]*$") then
    return bad_url("not a scheme and a host")
  end
  if parts.port and (parts.port % 1 ~= 0 or parts.port < 0 or parts.port > 65535) then
    return bad_url("not a port number")
  end
  return ask(core.join, assembled(parts))
end

return url
