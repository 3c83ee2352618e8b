-- One accepted connection, as behaviours see it: methods send what they say, right or wrong.
-- SPDX-License-Identifier: MIT

local socket = require("socket")
local content = require("spec.support.content")
local resource = require("spec.support.resource")

local connection = {}
local methods = {}
local metatable = { __index = methods, __name = "luadl.spec.connection" }

--- Thrown through a behaviour when the client has gone, so that behaviours need no checks.
connection.GONE = setmetatable({}, { __tostring = function() return "the client has gone" end })

local SLICE = 262144
local CATCH_UP = 0.05 -- seconds of rate that a late wake-up may make good

local REASONS = {
  [200] = "OK",
  [206] = "Partial Content",
  [302] = "Found",
  [404] = "Not Found",
  [416] = "Range Not Satisfiable",
}

--- `number` counts the server's connections from 1. The server sets `parameters` and `entry` (of
--- the log) for each request.
function connection.new(raw, scheduler, number)
  raw:settimeout(0)
  raw:setoption("tcp-nodelay", true)
  return setmetatable({
    socket = raw,
    scheduler = scheduler,
    number = number,
    pending = "",
    due = 0,
    parameters = {},
  }, metatable)
end

-- Appends what has come to `pending`; false at the end of the client's bytes.
local function absorb(self)
  local bytes, err, partial = self.socket:receive(65536)
  bytes = bytes or partial
  self.pending = self.pending .. bytes
  return #bytes > 0 or err ~= "closed"
end

--- The next request head up to and including its empty line, or nil when the client has gone.
function methods:read_head()
  while true do
    local _, stop = self.pending:find("\r\n\r\n", 1, true)
    if stop then
      local head = self.pending:sub(1, stop)
      self.pending = self.pending:sub(stop + 1)
      return head
    end
    self.scheduler:readable(self.socket)
    if not absorb(self) then
      return nil
    end
  end
end

--- The request's body: as many bytes as its Content-Length says.
function methods:read_body(request)
  local count = tonumber(request.headers["content-length"]) or 0
  while #self.pending < count do
    self.scheduler:readable(self.socket)
    if not absorb(self) then
      error(connection.GONE, 0)
    end
  end
  local body = self.pending:sub(1, count)
  self.pending = self.pending:sub(count + 1)
  return body
end

--- Sends bytes as they are.
function methods:send(bytes)
  local position = 1
  while position <= #bytes do
    local last, err, partial = self.socket:send(bytes, position)
    local reached = last or partial
    self.entry.sent = self.entry.sent + reached - position + 1
    position = reached + 1
    if err == "timeout" then
      self.scheduler:writable(self.socket)
    elseif err then
      error(connection.GONE, 0)
    end
  end
end

--- Waits; ends the behaviour when the client leaves meanwhile.
function methods:sleep(seconds)
  local deadline = socket.gettime() + seconds
  while self.scheduler:readable(self.socket, deadline) do
    if not absorb(self) then
      error(connection.GONE, 0)
    end
  end
end

--- Says nothing more until the client leaves.
function methods:hold()
  self:sleep(math.huge)
end

--- Waits until `predicate()` is true, for at most so many seconds; says whether it was.
function methods:await(predicate, seconds)
  local deadline = socket.gettime() + seconds
  while not predicate() do
    if socket.gettime() >= deadline then
      return false
    end
    self:sleep(0.005)
  end
  return true
end

local function header_line(header)
  return type(header) == "table" and header[1] .. ": " .. header[2] or header
end

--- A status line, headers and the empty line: a list of `{ name, value }` or of whole lines,
--- nothing added.
function methods:status(code, headers)
  local lines = { ("HTTP/1.1 %d %s"):format(code, REASONS[code] or "Status") }
  for _, header in ipairs(headers or {}) do
    lines[#lines + 1] = header_line(header)
  end
  if #lines == 1 and headers and next(headers) ~= nil then
    error("headers are a list of { name, value } or of lines", 2)
  end
  self.entry.status = code
  self:send(table.concat(lines, "\r\n") .. "\r\n\r\n")
end

--- A whole answer, with its Content-Length added; none of the body for HEAD.
function methods:reply(code, headers, body)
  local list = { { "Content-Length", #body } }
  for index, header in ipairs(headers or {}) do
    list[index + 1] = header
  end
  self:status(code, list)
  if self.entry.method ~= "HEAD" then
    self:send(body)
  end
end

--- A redirect: 302 unless told otherwise, with further headers if there are any.
function methods:redirect(location, code, headers)
  local list = { { "Location", location } }
  for index, header in ipairs(headers or {}) do
    list[index + 1] = header
  end
  self:reply(code or 302, list, "")
end

-- Small enough for an even flow, large enough for little work.
local function slice_of(rate)
  return rate and math.max(1, math.min(SLICE, math.floor(rate / 64))) or SLICE
end

-- The rate holds for the connection, over all its requests.
local function pace(self, count, rate)
  if not rate then
    return self:sleep(0) -- the other connections' turn
  end
  local now = socket.gettime()
  self.due = math.max(self.due, now - CATCH_UP) + count / rate
  return self:sleep(math.max(0, self.due - now))
end

--- Generated bytes `first` to `last`; `options` (else the path's parameters) give seed (1) and rate
--- (unlimited).
function methods:body(first, last, options)
  options = options or self.parameters
  local slice = slice_of(options.rate)
  self.due = math.max(self.due, socket.gettime()) -- an idle time earns nothing
  while first <= last do
    local stop = math.min(first + slice - 1, last)
    self:send(content.bytes(options.seed or 1, first, stop))
    pace(self, stop - first + 1, options.rate)
    first = stop + 1
  end
end

--- The same bytes as a string, to be bent before they are sent.
function methods:bytes(first, last)
  return content.bytes(self.parameters.seed or 1, first, last)
end

--- Sends one byte at a time, with a pause after each.
function methods:drip(bytes, seconds)
  for index = 1, #bytes do
    self:send(bytes:sub(index, index))
    self:sleep(seconds)
  end
end

--- One chunk of a chunked body.
function methods:chunk(bytes)
  self:send(("%x\r\n"):format(#bytes) .. bytes .. "\r\n")
end

--- The end of a chunked body, with trailers (as headers are given) if there are any.
function methods:last_chunk(trailers)
  local lines = { "0" }
  for index, trailer in ipairs(trailers or {}) do
    lines[index + 1] = header_line(trailer)
  end
  self:send(table.concat(lines, "\r\n") .. "\r\n\r\n")
end

--- Everything right: see `resource.serve` for the options.
function methods:file(request, options)
  return resource.serve(self, request, options or self.parameters)
end

local function pump(self, source, sink)
  repeat
    self.scheduler:readable(source)
    local bytes, err, partial = source:receive(65536)
    bytes = bytes or partial
    local position = 1
    while position <= #bytes do
      local last, problem, reached = sink:send(bytes, position)
      if problem == "closed" then return end
      if problem then self.scheduler:writable(sink) end
      position = (last or reached) + 1
    end
  until err == "closed"
  sink:shutdown("both")
end

--- Answers CONNECT with 200 and these headers, then hands bytes on, both ways.
function methods:tunnel(port, headers)
  local target = assert(socket.connect("127.0.0.1", port))
  target:settimeout(0)
  self:status(200, headers)
  self.scheduler:go(pump, self, target, self.socket)
  pump(self, self.socket, target)
  target:close()
  return self:close()
end

local function finish(self, how)
  self.closed = true
  self.entry.ended = self.entry.ended or how
  self.socket:close()
end

--- Ends the connection with a FIN.
function methods:close()
  finish(self, "closed")
end

--- Ends the connection with an RST; bytes that the client hasn't read yet may be lost to it.
function methods:reset()
  self.socket:setoption("linger", { on = true, timeout = 0 })
  finish(self, "reset")
end

return connection
