-- A generated file served as RFC 9110 wants it, so that a fault spec says only what it breaks.
-- SPDX-License-Identifier: MIT

local resource = {}

local GATE = 5 -- seconds for a gate to open

local function http_date(time)
  return os.date("!%a, %d %b %Y %H:%M:%S GMT", time)
end

-- RFC 9110, section 13.1.5: a weak validator never matches.
local function if_range_holds(value, options)
  if not value then
    return true
  end
  return value:sub(1, 2) ~= "W/" and (value == options.etag or value == options.last_modified)
end

local function wanted_range(request, options)
  local usable = options.ranges ~= false and request.method == "GET"
  return usable and if_range_holds(request.headers["if-range"], options) and request.range or nil
end

local function common_headers(options)
  local headers = { { "Date", http_date() } }
  local function add(name, value)
    if value ~= nil then
      headers[#headers + 1] = { name, value }
    end
  end
  add("Accept-Ranges", options.ranges ~= false and "bytes" or nil)
  add("Content-Type", options.content_type or "application/octet-stream")
  add("ETag", options.etag)
  add("Last-Modified", options.last_modified)
  add("Content-Disposition", options.disposition)
  for _, header in ipairs(options.headers or {}) do
    headers[#headers + 1] = header
  end
  return headers
end

local function send_body(connection, options, first, last)
  if options.cut and last - first + 1 > options.cut then
    connection:body(first, first + options.cut - 1, options)
    return connection:close()
  end
  local middle = options.gate and math.floor((first + last) / 2) or last
  connection:body(first, middle, options)
  if middle == last then return end
  connection:await(options.gate, GATE)
  connection:body(middle + 1, last, options)
end

local function send_part(connection, options, first, last)
  local headers = common_headers(options)
  headers[#headers + 1] = { "Content-Range", ("bytes %d-%d/%d"):format(first, last, options.size) }
  headers[#headers + 1] = { "Content-Length", ("%d"):format(last - first + 1) }
  connection:status(206, headers)
  send_body(connection, options, first, last)
end

local function refuse(connection, options)
  local headers = common_headers(options)
  headers[#headers + 1] = { "Content-Range", ("bytes */%d"):format(options.size) }
  connection:reply(416, headers, "")
end

local function send_whole(connection, request, options)
  local headers = common_headers(options)
  headers[#headers + 1] = { "Content-Length", ("%d"):format(options.size) }
  connection:status(200, headers)
  if request.method ~= "HEAD" then
    send_body(connection, options, 0, options.size - 1)
  end
end

--- Answers one request. `options`: size; seed; etag and last_modified, as they stand in the
--- header; rate in bytes a second; delay in seconds before the answer; ranges = false;
--- content_type; disposition; headers, a list of further ones; cut, bytes of the body after which
--- the connection is closed; gate, a function: the second half
--- of the body isn't sent before it returns true (or 5 s have passed).
function resource.serve(connection, request, options)
  if options.delay then
    connection:sleep(options.delay)
  end
  local range = wanted_range(request, options)
  if not range then
    return send_whole(connection, request, options)
  end
  local last = math.min(range.last or options.size - 1, options.size - 1)
  if range.first > last then
    return refuse(connection, options)
  end
  return send_part(connection, options, range.first, last)
end

return resource
