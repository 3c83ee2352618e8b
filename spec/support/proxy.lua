-- A TCP proxy that makes the way longer: bytes arrive so many seconds later, at any rate or at one
-- that each connection has for itself.
-- SPDX-License-Identifier: MIT
--
-- A process of its own: CONTROL-PORT TARGET-PORT SECONDS [RATE]. The kernel accepts before it can
-- delay it, so the round trip of the connection's set-up is added to its first bytes. A reset
-- arrives as an ordinary end.

local socket = require("socket")
local scheduler = require("spec.support.scheduler").new()
local wire = require("spec.support.wire")

local WINDOW = 67108864 -- bytes under way in one direction; more would stop the sender

local function receive(pipe)
  local bytes, err, partial = pipe.source:receive(262144)
  bytes = bytes or partial
  pipe.ended = err == "closed"
  pipe.last = pipe.last + 1
  pipe.under_way = pipe.under_way + #bytes
  local sent = math.max(socket.gettime(), pipe.not_before)
  pipe.not_before = sent + #bytes / pipe.rate
  pipe.queue[pipe.last] = { bytes = bytes, due = pipe.not_before + pipe.delay }
end

local function send_all(sink, bytes)
  local position = 1
  while position <= #bytes do
    local last, err, partial = sink:send(bytes, position)
    position = (last or partial) + 1
    if err == "timeout" then
      scheduler:writable(sink)
    elseif err then
      return false
    end
  end
  return true
end

local function send_due(pipe)
  local item = pipe.queue[pipe.first]
  while item and item.due <= socket.gettime() do
    if not send_all(pipe.sink, item.bytes) then
      return false
    end
    pipe.queue[pipe.first] = nil
    pipe.first = pipe.first + 1
    pipe.under_way = pipe.under_way - #item.bytes
    item = pipe.queue[pipe.first]
  end
  return true
end

local function wait(pipe)
  local item = pipe.queue[pipe.first]
  if pipe.ended or pipe.under_way > WINDOW then
    scheduler:sleep(item.due - socket.gettime())
  elseif scheduler:readable(pipe.source, item and item.due) then
    receive(pipe)
  end
end

local function pump(pipe)
  repeat
    wait(pipe)
    local sent = send_due(pipe)
  until not sent or pipe.ended and pipe.first > pipe.last
  pipe.sink:shutdown("send")
  pipe.source:shutdown("both")
  pipe.sides.open = pipe.sides.open - 1
  if pipe.sides.open == 0 then
    pipe.source:close()
    pipe.sink:close()
  end
end

local function connect(client, target_port, delay, rate)
  local target = assert(socket.connect("127.0.0.1", target_port))
  local sides = { open = 2 }
  local not_before = socket.gettime() + 2 * delay
  for source, sink in pairs({ [client] = target, [target] = client }) do
    source:settimeout(0)
    source:setoption("tcp-nodelay", true)
    scheduler:go(pump, {
      source = source,
      sink = sink,
      sides = sides,
      delay = delay,
      rate = rate,
      not_before = not_before,
      queue = {},
      first = 1,
      last = 0,
      under_way = 0,
    })
  end
end

local function main(control_port, target_port, delay, rate)
  local control = assert(socket.connect("127.0.0.1", control_port))
  local listener = assert(socket.bind("127.0.0.1", 0, 256))
  local _, port = listener:getsockname()
  control:send(wire.encode({ port = tonumber(port) }))
  listener:settimeout(0)
  scheduler:go(function()
    while scheduler:readable(listener) do
      local client = listener:accept()
      if client then
        connect(client, target_port, delay, rate)
      end
    end
  end)
  scheduler:run()
end

main(tonumber(arg[1]), tonumber(arg[2]), tonumber(arg[3]), tonumber(arg[4]) or math.huge)
