-- Bodies that turn slow or break off once a run has had so many bytes, over all its connections.
-- SPDX-License-Identifier: MIT

local connection = require("spec.support.connection")

local flow = {}

local SLICE = 16384
local PAUSE = 0.25 -- seconds between the slices of a braked body

local function unbent(client) return getmetatable(client).__index.body end

--- What is known of this run: the path's state outlives it.
function flow.run_of(state, given)
  state[given.run] = state[given.run] or { sent = 0, requests = 0 }
  return state[given.run]
end

local function in_slices(client, run, after)
  local send = unbent(client)
  client.body = function(self, first, last, options)
    while first <= last do
      local stop = math.min(first + SLICE - 1, last)
      send(self, first, stop, options)
      run.sent = run.sent + stop - first + 1
      after(self)
      first = stop + 1
    end
  end
end

--- Breaks the connection off, in the middle of whatever it says.
function flow.cut(client)
  client:close()
  error(connection.GONE, 0)
end

--- Bodies crawl once the run has had `limit` bytes.
function flow.brake(client, run, limit)
  in_slices(client, run, function(self)
    if run.sent >= limit then self:sleep(PAUSE) end
  end)
end

--- Bodies stop, and nothing more comes, once the run has had `limit` bytes.
function flow.hold_after(client, run, limit)
  in_slices(client, run, function(self)
    if run.sent >= limit then self:hold() end
  end)
end

--- Bodies break off once the run has had `limit` bytes.
function flow.cut_after(client, run, limit)
  in_slices(client, run, function(self)
    if run.sent >= limit then flow.cut(self) end
  end)
end

--- This answer's body stops after `share` of it (0 to 1): `how(client)` says in which way.
function flow.stop_at(client, share, how)
  local send = unbent(client)
  client.body = function(self, first, last, options)
    send(self, first, first + math.floor((last - first) * share), options)
    how(self)
  end
end

--- Bodies are whole and even again.
function flow.plain(client)
  client.body = nil
end

return flow
