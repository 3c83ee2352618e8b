--- What events and idling cost the Lua thread in processor time.
-- SPDX-License-Identifier: MIT

local program = require("spec.support.program")

local EVENTS = 100000
local MOST = 1 -- seconds for all events
local IDLE = 0.01 -- seconds for half a second of waiting

local sanitized = os.getenv("LUADL_SANITIZER") ~= nil

local TRIES = 5

-- Other work on the machine makes a round dearer, never cheaper: the cheapest tells.
local MEASURE = [[
  local AT_ONCE, ROUNDS, events = 100, 20, tonumber((...))
  local world = require("spec.support.world")
  local here = world.new()
  local loop = here.loop
  local function measure(batch)
    local cheapest = math.huge
    for _ = 1, ROUNDS do
      local began = os.clock()
      for _ = 1, events / ROUNDS / AT_ONCE do batch() end
      cheapest = math.min(cheapest, os.clock() - began)
    end
    print(cheapest * ROUNDS)
  end
]]

-- An engine that keeps no notes: they would be what is measured.
local FAULTS = MEASURE .. [[
  here.session.engine = setmetatable({}, {
    __index = function(_, call)
      if call == "stat" then return function() return { received = 1, elapsed = 1 } end end
      return function()
        here.last_id = here.last_id + 1
        return here.last_id
      end
    end,
  })
  local downloads = {}
  for index = 1, AT_ONCE do downloads[index] = here:download({ output = "file.bin" }) end
  measure(function()
    for _, download in ipairs(downloads) do
      download:handle({
        kind = "fault", id = download.id, stage = "request", attempt = 1, progress = true,
        active = 1, received = 0, range = { 0, 99 },
        error = { kind = "timeout", message = "no byte for 20 s" },
      })
    end
    loop:step(0)
  end)
]]

local WAITS = MEASURE .. [[
  measure(function()
    local signal = loop:signal()
    for _ = 1, AT_ONCE do loop:spawn("waiter", function() loop:await(signal, 60) end) end
    loop:step(0)
    signal:fire()
    loop:step(0)
  end)
]]

local IDLING = [[
  local session = require("luadl").session()
  local began = os.clock()
  session.loop:sleep(0.5)
  print(os.clock() - began)
  session:close()
]]

local function seconds_of(source)
  local outcome = program.run(source, { arguments = { EVENTS } })
  assert.equal(0, outcome.status, outcome.stderr)
  return tonumber(outcome.stdout)
end

local function check(source, most)
  if sanitized then return pending("a sanitizer's time is its own") end
  local seconds, tries = math.huge, 0
  while seconds >= most and tries < TRIES do
    seconds, tries = math.min(seconds, seconds_of(source)), tries + 1
  end
  assert.is_true(seconds < most, ("%.3f s"):format(seconds))
end

describe("the Lua thread", function()
  it("spends less than a second on " .. EVENTS .. " events that want a decision", function()
    check(FAULTS, MOST)
  end)

  it("spends less than a second on as many tasks that wait", function()
    check(WAITS, MOST)
  end)

  it("spends nothing on a session that idles", function()
    check(IDLING, IDLE)
  end)
end)
