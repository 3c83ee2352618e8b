-- The rate limits of a session by the time of day; the clock is the world's, which begins at 0:00.
-- SPDX-License-Identifier: MIT

local schedule = require("luadl.schedule")
local world = require("spec.support.world")

local HOUR = 3600

describe("limits", function()
  local here, limits

  before_each(function()
    here = world.new()
    limits = here.session.limits
  end)

  local function plan(value) return assert(schedule.read(value)) end

  -- { { time, rate }, ... } of the calls, without those that change nothing.
  local function changes(call, key)
    local list = {}
    for _, each in ipairs(here:told(call)) do
      local last = list[#list]
      if each[1] == key and (not last or last[2] ~= each[2]) then
        list[#list + 1] = { math.floor(each.time + 0.5), each[2] }
      end
    end
    return list
  end

  it("of the session is told to the engine at once", function()
    assert.is_true(limits:set(plan("2K")))
    assert.same({ { 0, 2048 } }, changes("limit", 0))
  end)

  it("follows the time of day", function()
    limits:set(plan("09:00-18:00=2K,10K"))
    here:run_until(24 * HOUR)
    assert.same({ { 0, 10240 }, { 9 * HOUR, 2048 }, { 18 * HOUR, 10240 } }, changes("limit", 0))
  end)

  it("follows a clock that was set", function()
    limits:set(plan("09:00-18:00=2K,10K"))
    here.date = function() return { wday = 2, hour = 12, min = 0, sec = 0 } end
    here:run_until(61)
    assert.same({ { 0, 10240 }, { 60, 2048 } }, changes("limit", 0))
  end)

  it("of a host, and of each other one, are told by name", function()
    limits:set_each_host(plan("1K"))
    limits:set(plan("00:30-24:00=2K"), "CDN.example.org")
    here:run_until(HOUR)
    assert.same({ { 0, 1024 } }, changes("limit_host", nil))
    assert.same({ { 0, 0 }, { HOUR / 2, 2048 } }, changes("limit_host", "cdn.example.org"))
  end)

  it("of a file goes with its request and follows the time of day", function()
    local download = here:download({ file_limit_rate = "01:00-02:00=1K,4K" })
    assert.equal(4096, here:told("new")[1][1].limit_rate)
    here:run_until(3 * HOUR)
    assert.same({ { 60, 4096 }, { HOUR, 1024 }, { 2 * HOUR, 4096 } }, changes("limit", 1))
    here:done(1)
    here:settle()
    assert.is_truthy(download:wait())
  end)

  it("of a file changes while it runs", function()
    local download = here:download()
    assert.is_nil(here:told("new")[1][1].limit_rate)
    assert.is_true(download:limit("1K"))
    assert.is_true(download:limit(0))
    assert.same({ { 0, 1024 }, { 0, 0 } }, changes("limit", 1))
    assert.error_matches(function() download:limit("fast") end, "limit: 'fast' is not a rate")
    here:done(1)
    here:settle()
    local ok, err = download:limit("1K")
    assert.is_nil(ok)
    assert.equal("closed", err.kind)
  end)

  it("that are plain need no timer", function()
    limits:set(plan("2K"))
    limits:set_each_host(plan("1K"))
    here:download({ file_limit_rate = "1K" })
    assert.equal(0, here.loop.timers:count())
  end)

  it("look at the earliest change first", function()
    limits:set(plan("12:00-13:00=1K"))
    here:run_until(30)
    limits:set(plan("00:00-00:01=5K"), "a.org")
    here:run_until(61)
    assert.same({ { 30, 5120 }, { 60, 0 } }, changes("limit_host", "a.org"))
  end)

  it("keep no session alive", function()
    limits:set(plan("12:00-13:00=1K"))
    local seen = setmetatable({ limits }, { __mode = "k" })
    seen[limits], seen[1] = true, nil
    limits, here.session = nil, nil
    collectgarbage()
    collectgarbage()
    assert.is_nil(next(seen))
    here.loop:step(120) -- its timer finds nobody
  end)
end)

describe("a session's pace", function()
  it("spreads the beginnings of downloads", function()
    local here = world.new()
    here.session.pace = require("luadl.pacing").new(0.5)
    for _ = 1, 3 do here:download() end
    here:run_until(10)
    local times = {}
    for index, each in ipairs(here:told("new")) do times[index] = math.floor(each.time + 0.5) end
    assert.same({ 0, 2, 4 }, times)
  end)

  it("ends with the deadline of who waits for it", function()
    local here = world.new()
    here.session.pace = require("luadl.pacing").new(1 / 60)
    here:download()
    local late = here:download({ deadline = 5 })
    here:run_until(6)
    assert.equal("deadline", select(2, late:wait()).kind)
    assert.equal(1, #here:told("new"))
  end)
end)
