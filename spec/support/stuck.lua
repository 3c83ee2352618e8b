-- Downloads that are stuck in one phase of their life, for specs of what ends them: a cancel, a
-- deadline, a closed session.
-- SPDX-License-Identifier: MIT

local core = require("luadl.core")
local socket = require("socket")
local merged = require("spec.support.merged")

local stuck = {}

local REACH = 5 -- seconds in which a phase must be reached
local SIZE = 262144

local function hold(connection)
  return connection:hold()
end

local function one_byte_and_hold(connection, _, parameters)
  connection:status(200, { { "Content-Length", parameters.size } })
  connection:send("x")
  return connection:hold()
end

local function trickle(connection, request, parameters)
  return connection:file(request, parameters)
end

local function refuse(connection)
  return connection:reply(503, {}, "")
end

local function asked(download)
  return #download.origin:requests(download.path) > 0
end

local function received(download)
  return download.handle:stats().received > 0
end

local function flagged(download)
  return download.reached
end

--- A port whose connections are never answered: its backlog is full, so the kernel drops what
--- comes. Close it after use.
---@param address string|nil 127.0.0.1 if none is given
---@param wanted integer|nil the port; any if none is given
function stuck.black_hole(address, wanted)
  address = address or "127.0.0.1"
  local listener = assert(socket.bind(address, wanted or 0, 1))
  local _, port = listener:getsockname()
  local sockets = { listener }
  for index = 2, 8 do
    sockets[index] = assert(socket.tcp())
    sockets[index]:settimeout(0)
    sockets[index]:connect(address, port)
  end
  return {
    url = ("http://%s:%d/hole"):format(address, tonumber(port)),
    close = function()
      for _, each in ipairs(sockets) do each:close() end
    end,
  }
end

--- The phases, in the order of a download's life: { name, behaviour, opts = function(session,
--- download), reached = function(download) }.
stuck.phases = {
  {
    name = "connecting",
    reached = function(download) return core.now() - download.began > 0.05 end,
  },
  { name = "waiting for headers", behaviour = hold, reached = asked },
  {
    name = "parked at its head",
    behaviour = trickle,
    opts = function(session, download)
      return {
        name = function()
          download.reached = true
          session.loop:sleep(30)
        end,
      }
    end,
    reached = flagged,
  },
  { name = "receiving", behaviour = trickle, reached = received },
  { name = "stalled in a body", behaviour = one_byte_and_hold, reached = received },
  {
    name = "waiting to retry",
    behaviour = refuse,
    opts = function(_, download)
      return {
        retry = function()
          download.reached = true
          return 30
        end,
      }
    end,
    reached = flagged,
  },
}

local function options_of(phase, session, download, extra)
  local own = phase.opts and phase.opts(session, download)
  return merged({ connections = 3, min_split = 16384 }, own, extra)
end

--- Starts a download and drives its session until it is in the phase. Its `handle` is the
--- luadl.download.
---@param phase table one of `phases`
---@param session luadl.session
---@param origin table a spec.support.server
---@param extra table further options; `url` for the phase that has no behaviour
function stuck.start(phase, session, origin, extra)
  local download = { origin = origin, path = "/" .. phase.name:gsub(" ", "-"), began = core.now() }
  local options = options_of(phase, session, download, extra)
  if phase.behaviour then
    local parameters = { size = SIZE, rate = 65536, etag = '"a"' }
    options.url = origin:serve(download.path, phase.behaviour, parameters)
  end
  download.handle = session:download(options)
  while not phase.reached(download) do
    if core.now() - download.began > REACH then error("never " .. phase.name, 2) end
    session:step(0.01)
  end
  return download
end

return stuck
