--- What events and idling cost the Lua thread in processor time.
-- SPDX-License-Identifier: MIT

local helper = require("spec.support.helper")
local luadl = require("luadl")
local world = require("spec.support.world")

local EVENTS = 100000
local AT_ONCE = 100
local ROUNDS = 10
local MOST = 1 -- seconds for all events
local IDLE = 0.01 -- seconds for half a second of waiting

local sanitized = os.getenv("LUADL_SANITIZER") ~= nil

-- Other work on the machine makes a round dearer, never cheaper: the cheapest tells.
local function cost_of(round)
  local cheapest = math.huge
  for _ = 1, ROUNDS do
    local began = os.clock()
    round()
    cheapest = math.min(cheapest, os.clock() - began)
  end
  return cheapest * ROUNDS
end

describe("the Lua thread", function()
  -- An engine that keeps no notes: they would be what is measured.
  local function quiet_world()
    local here = world.new()
    here.session.engine = setmetatable({}, {
      __index = function(_, call)
        if call == "stat" then return function() return { received = 1, elapsed = 1 } end end
        return function()
          here.last_id = here.last_id + 1
          return here.last_id
        end
      end,
    })
    return here
  end

  local function fault_of(download)
    return {
      kind = "fault", id = download.id, stage = "request", attempt = 1, progress = true,
      active = 1, received = 0, range = { 0, 99 },
      error = { kind = "timeout", message = "no byte for 20 s" },
    }
  end

  it("spends less than a second on " .. EVENTS .. " events that want a decision", function()
    if sanitized then return pending("a sanitizer's time is its own") end
    local here, downloads = quiet_world(), {}
    for index = 1, AT_ONCE do downloads[index] = here:download({ output = "file.bin" }) end
    local seconds = cost_of(function()
      for _ = 1, EVENTS / ROUNDS / AT_ONCE do
        for _, download in ipairs(downloads) do download:handle(fault_of(download)) end
        here.loop:step(0)
      end
    end)
    assert.is_true(seconds < MOST, ("%.2f s"):format(seconds))
  end)

  it("spends less than half a second on as many waits of tasks", function()
    if sanitized then return pending("a sanitizer's time is its own") end
    local here = world.new()
    local loop = here.loop
    local seconds = cost_of(function()
      for _ = 1, EVENTS / ROUNDS / AT_ONCE do
        local signal = loop:signal()
        for _ = 1, AT_ONCE do loop:spawn("waiter", function() loop:await(signal, 60) end) end
        loop:step(0)
        signal:fire()
        loop:step(0)
      end
    end)
    assert.equal(0, loop.timers:count())
    assert.is_true(seconds < MOST / 2, ("%.2f s"):format(seconds))
  end)

  it("spends nothing on a session that idles", function()
    helper.begin()
    local session = luadl.session()
    local began = os.clock()
    session.loop:sleep(0.5)
    assert.is_true(os.clock() - began < IDLE)
    session:close()
    session = nil -- luacheck: ignore
    helper.finish()
  end)
end)
