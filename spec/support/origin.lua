-- The process behind spec.support.server: accepts, parses, and lets the path's behaviour answer.
-- SPDX-License-Identifier: MIT

local socket = require("socket")
local connection = require("spec.support.connection")
local parse = require("spec.support.request").parse
local scheduler = require("spec.support.scheduler").new()
local wire = require("spec.support.wire")

local started = socket.gettime()
local paths = {} -- path -> { behaviour, parameters, state, log, active }
local faults = {} -- errors of behaviours, to be raised in the spec
local active = 0

local function not_found(client)
  client:reply(404, {}, "not found\n")
end

local function path_of(name)
  local fresh = { behaviour = not_found, parameters = {}, state = {}, log = {}, active = 0 }
  paths[name] = paths[name] or fresh
  return paths[name]
end

local function log_request(client, request, path, head)
  local entry = {
    number = #path.log + 1,
    connection = client.number,
    method = request.method,
    target = request.target,
    headers = request.list,
    head = head,
    time = socket.gettime() - started,
    sent = 0,
  }
  path.log[entry.number] = entry
  return entry
end

local function count(path, change)
  path.active = path.active + change
  active = active + change
end

local function explain(problem)
  return problem == connection.GONE and problem or debug.traceback(problem, 2)
end

local function conclude(client, entry, ok, problem)
  if problem == connection.GONE then
    entry.ended = entry.ended or "client closed"
  elseif not ok then
    entry.ended = "error"
    faults[#faults + 1] = entry.target .. ": " .. tostring(problem)
  end
  entry.ended = entry.ended or "complete"
  return ok and not client.closed
end

local function answer(client, request, head)
  local path = path_of(request.path)
  local entry = log_request(client, request, path, head)
  client.entry, client.parameters = entry, path.parameters
  count(path, 1)
  request.number, request.connection_number = entry.number, client.number
  request.active = path.active
  local ok, problem = xpcall(path.behaviour, explain, client, request, path.parameters, path.state)
  count(path, -1)
  return conclude(client, entry, ok, problem) and request.keep_alive
end

local function converse(client)
  local head, request
  repeat
    head = client:read_head()
    request = head and parse(head)
  until not request or not answer(client, request, head)
  client.socket:close()
end

local function accept_all(listener)
  local number = 0
  while true do
    scheduler:readable(listener)
    local raw = listener:accept()
    if raw then
      number = number + 1
      scheduler:go(converse, connection.new(raw, scheduler, number))
    end
  end
end

local operations = {}

function operations.serve(message)
  local path = path_of(message.path)
  path.parameters = message.parameters
  path.behaviour = load(message.behaviour, "=behaviour of " .. message.path, "b")
end

function operations.requests(message)
  return path_of(message.path).log
end

function operations.wait_idle(message)
  local deadline = socket.gettime() + message.seconds
  while active > 0 and socket.gettime() < deadline do
    scheduler:sleep(0.005)
  end
  return active == 0
end

function operations.faults()
  return nil
end

local function obey(control)
  while true do
    scheduler:readable(control)
    local message = wire.read(control)
    if not message then
      os.exit(0)
    end
    local value = operations[message.operation](message)
    control:send(wire.encode({ value = value, faults = faults }))
    faults = {}
  end
end

local function main(control_port)
  local control = assert(socket.connect("127.0.0.1", control_port))
  local listener = assert(socket.bind("127.0.0.1", 0, 256))
  listener:settimeout(0)
  local _, port = listener:getsockname()
  control:send(wire.encode({ port = tonumber(port) }))
  scheduler:go(obey, control)
  scheduler:go(accept_all, listener)
  scheduler:run()
end

main(tonumber(arg[1]))
