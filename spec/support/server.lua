-- A scripted HTTP server on raw sockets, in its own process: a spec gives each path a behaviour.
-- SPDX-License-Identifier: MIT
--
--   local origin = require("spec.support.server").start()
--   local url = origin:serve("/file", function(connection, request, parameters, state)
--     if request.range and request.range.first > 0 then
--       return connection:reply(503, { { "Retry-After", 1 } }, "")
--     end
--     return connection:file(request, parameters)
--   end, { size = 2^20 })
--
-- A behaviour travels as bytecode: it may have no upvalue but _ENV, whose globals are the server
-- process's. What it needs of the spec goes into `parameters` (plain values); what it keeps from
-- request to request into `state`. `server.hanging` is one for everybody.

local socket = require("socket")
local content = require("spec.support.content")
local merged = require("spec.support.merged")
local process = require("spec.support.process")
local wire = require("spec.support.wire")

local server = {}
local methods = {}
local metatable = { __index = methods, __name = "luadl.spec.server" }

local request_methods = {}
local request_metatable = { __index = request_methods, __name = "luadl.spec.request" }

local HELLO = 10 -- seconds in which a new process must have called back
local PIECE = 1048576

-- Starts a program that calls back on a control connection and says its port first.
local function launch(program, arguments, lifetime)
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, control_port = listener:getsockname()
  local words = { "lua5.4", "spec/support/" .. program, control_port }
  for _, word in ipairs(arguments) do
    words[#words + 1] = word
  end
  local child = process.spawn(words, lifetime)
  listener:settimeout(HELLO)
  local control, err = listener:accept()
  listener:close()
  if not control then
    child:stop()
    error(program .. " didn't start: " .. err)
  end
  child:own(control:getfd())
  return { child = child, control = control, port = wire.read(control).port }
end

--- Starts a server on a free port of 127.0.0.1. Fields: port, url ("http://127.0.0.1:PORT").
---@param opts? { lifetime: number } seconds after which it ends by itself (1200)
function server.start(opts)
  local self = launch("origin.lua", {}, opts and opts.lifetime)
  self.url = "http://127.0.0.1:" .. self.port
  self.proxies = {}
  return setmetatable(self, metatable)
end

local function call(self, message)
  self.control:send(wire.encode(message))
  local reply = wire.read(self.control) or error("the server has ended", 3)
  if reply.faults[1] then
    error("a behaviour failed: " .. table.concat(reply.faults, "\n"), 3)
  end
  return reply.value
end

local function well_behaved(connection, request, parameters)
  return connection:file(request, parameters)
end

--- A behaviour: the first `sent` bytes of `size`, or half of them, then silence until the client
--- goes.
function server.hanging(connection, _, parameters)
  connection:status(200, { { "Content-Length", parameters.size }, { "Accept-Ranges", "none" } })
  connection:body(0, (parameters.sent or parameters.size // 2) - 1)
  connection:hold()
end

local function redirecting(connection, _, parameters)
  return connection:redirect(parameters.location, parameters.code, parameters.headers)
end

local function check_upvalues(behaviour)
  for index = 1, debug.getinfo(behaviour, "u").nups do
    local name = debug.getupvalue(behaviour, index)
    if name ~= "_ENV" then
      error("a behaviour can't use the spec's local '" .. name .. "': pass it in parameters", 3)
    end
  end
end

--- Gives a path its behaviour, or another one (log and state stay); without one it is
--- `connection:file`.
---@param path string what stands before a "?" in the request's target
---@param behaviour? fun(connection, request, parameters: table, state: table)
---@param parameters? table plain values
---@return string url
function methods:serve(path, behaviour, parameters)
  if type(behaviour) == "table" then
    behaviour, parameters = well_behaved, behaviour
  end
  behaviour = behaviour or well_behaved
  check_upvalues(behaviour)
  call(self, {
    operation = "serve",
    path = path,
    behaviour = string.dump(behaviour),
    parameters = parameters or {},
  })
  return self.url .. path
end

--- Gives a path a redirect.
---@param path string
---@param location string
---@param answer? { code: integer, headers: table } 302 unless told otherwise
---@return string url
function methods:redirect(path, location, answer)
  return self:serve(path, redirecting, merged(answer, { location = location }))
end

--- The requests to a path, in order: { number, connection, method, target, headers (list of {
--- name, value }), head (raw), time (seconds since the start), sent (bytes), status, ended };
--- `ended` is nil while the behaviour runs, else "complete", "closed", "reset", "client closed"
--- or "error". Each has header(name): the first value, or nil.
function methods:requests(path)
  local log = call(self, { operation = "requests", path = path })
  for _, request in ipairs(log) do server.request(request) end
  return log
end

--- Waits until no behaviour runs, for at most so many seconds (5); says whether that is so.
function methods:wait_idle(seconds)
  return call(self, { operation = "wait_idle", seconds = seconds or 5 })
end

--- A port that leads to `target_port` with `seconds` of delay each way, and its URL; ends with
--- the server. With a `rate`, each connection has so many bytes per second.
function methods:delay_proxy(target_port, seconds, rate)
  local proxy = launch("proxy.lua", { target_port, seconds, rate })
  self.proxies[#self.proxies + 1] = proxy
  return proxy.port, "http://127.0.0.1:" .. proxy.port
end

local function finish(launched)
  launched.control:close()
  launched.child:stop()
end

--- Ends the server and its proxies; an error if a behaviour failed that nobody asked about.
function methods:stop()
  if self.stopped then
    return
  end
  self.stopped = true
  local ok, problem = pcall(call, self, { operation = "faults" })
  for _, proxy in ipairs(self.proxies) do
    finish(proxy)
  end
  finish(self)
  if not ok then
    error(problem, 0)
  end
end

--- Makes a request of these fields, as `requests` gives them.
function server.request(fields)
  return setmetatable(fields, request_metatable)
end

function request_methods:header(name)
  for _, header in ipairs(self.headers) do
    if header[1]:lower() == name:lower() then return header[2] end
  end
  return nil
end

--- The same place under another name, "localhost" if none is given: two hosts to everybody who
--- compares names.
function server.renamed(url, name)
  return (url:gsub("127%.0%.0%.1", name or "localhost"))
end

--- The bytes `first` to `last` (both included) of the generated file with this seed.
server.content = content.bytes

local sums = {}

local function hash(seed, size)
  local answer = os.tmpname()
  local pipe = assert(io.popen("sha256sum >" .. process.quote(answer), "w"))
  for first = 0, size - 1, PIECE do
    pipe:write(content.bytes(seed, first, math.min(first + PIECE, size) - 1))
  end
  pipe:close()
  local file = assert(io.open(answer))
  local sum = file:read("*a"):match("^%x+")
  file:close()
  os.remove(answer)
  return sum
end

--- The SHA-256 of the generated file with this seed and size, in hexadecimal.
function server.sha256(seed, size)
  local key = ("%d:%d"):format(seed, size)
  sums[key] = sums[key] or hash(seed, size)
  return sums[key]
end

return server
