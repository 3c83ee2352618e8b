-- A request head as a table, with nothing repaired: what the client sent is what a spec sees.
-- SPDX-License-Identifier: MIT

local request = {}

local function parse_headers(head)
  local map, list = {}, {}
  for name, value in head:gmatch("\n([^:\r\n]+):[ \t]*([^\r\n]*)") do
    list[#list + 1] = { name, value }
    map[name:lower()] = value
  end
  return map, list
end

local function parse_range(value)
  local first, last = (value or ""):match("^bytes=(%d+)%-(%d*)$")
  return first and { first = tonumber(first), last = tonumber(last) } or nil
end

--- `head` runs up to the empty line. `headers` is a map of lower-case names, `list` keeps order and
--- spelling; `range` is there for `bytes=a-` and `bytes=a-b` alone.
---@param head string
function request.parse(head)
  local method, target, version = head:match("^(%S+) (%S+) HTTP/(%d%.%d)")
  if not method then
    return nil
  end
  local headers, list = parse_headers(head)
  local connection = (headers.connection or ""):lower()
  return {
    method = method,
    target = target,
    path = target:match("^[^?#]*"),
    version = version,
    headers = headers,
    list = list,
    range = parse_range(headers.range),
    keep_alive = connection ~= "close" and (version ~= "1.0" or connection == "keep-alive"),
  }
end

return request
