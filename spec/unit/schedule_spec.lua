-- Rates by the time of day.
-- SPDX-License-Identifier: MIT

local schedule = require("luadl.schedule")

local SUN, MON, TUE, FRI, SAT = 1, 2, 3, 6, 7

local function at(text, wday)
  local hour, min, sec = text:match("^(%d+):(%d+):?(%d*)$")
  return {
    wday = wday or TUE, hour = tonumber(hour), min = tonumber(min), sec = tonumber(sec) or 0,
  }
end

local function rate(value, time, wday)
  return (schedule.rate(assert(schedule.read(value)), at(time, wday)))
end

describe("a rate", function()
  it("is a number, a size, or none, and holds for ever", function()
    for value, expected in pairs({
      [2048] = 2048, ["2M"] = 2 * 2 ^ 20, ["1.5K/s"] = 1536, [" 10 "] = 10, ["0"] = 0, none = 0,
    }) do
      local plan = assert(schedule.read(value))
      local now, seconds = schedule.rate(plan, at("12:00"))
      assert.equal(expected, now)
      assert.is_nil(seconds)
    end
  end)

  it("says what is wrong with it", function()
    local wrong = {
      ["fast"] = "'fast' is not a rate",
      [""] = "'' is not a rate",
      ["-1"] = "'-1' is not a rate",
      ["2M,3M"] = "more than one rate holds",
      ["9-18=2M"] = "'9-18=2M' is not a rate like '2M', or '09:00-18:00=2M,10M'",
      ["09:00-09:00=1M"] = "'09:00-09:00' is no time of day",
      ["24:00-06:00=1M"] = "'24:00-06:00' is no time of day",
      ["09:60-10:00=1M"] = "'09:60-10:00' is no time of day",
      ["09:00-25:00=1M"] = "'09:00-25:00' is no time of day",
      ["09:00-18:00=fast"] = "'fast' is not a rate like '2M'",
      ["09:00-18:00="] = "'' is not a rate like '2M'",
      ["moonday 09:00-18:00=1M"] = "'moonday' names no days",
    }
    for value, message in pairs(wrong) do
      local plan, err = schedule.read(value)
      assert.is_nil(plan)
      assert.truthy(err:find(message, 1, true), err)
    end
    assert.is_nil(schedule.read({}))
    assert.is_nil(schedule.read({ true }))
    assert.is_nil(schedule.read(-5))
    assert.is_nil(schedule.read(0 / 0))
  end)

  it("that was read is read again as it is", function()
    local plan = assert(schedule.read("09:00-18:00=2M"))
    assert.equal(plan, schedule.read(plan))
  end)
end)

describe("a schedule", function()
  it("holds from its first second to before its last", function()
    local value = "09:00-18:00=2K"
    assert.equal(0, rate(value, "08:59:59"))
    assert.equal(2048, rate(value, "09:00"))
    assert.equal(2048, rate(value, "17:59:59"))
    assert.equal(0, rate(value, "18:00"))
  end)

  it("of days alone holds from midnight to midnight", function()
    for _, time in ipairs({ "00:00", "12:00", "23:59:59" }) do
      assert.equal(2048, rate("sat-sun=2K,1K", time, SAT))
      assert.equal(1024, rate("sat-sun=2K,1K", time, MON))
    end
  end)

  it("has a rate for all other times", function()
    local value = "09:00-18:00=2K, 10K"
    assert.equal(10240, rate(value, "03:00"))
    assert.equal(2048, rate(value, "12:00"))
    assert.equal(10240, rate({ 10240, "09:00-18:00=2K" }, "18:00"))
  end)

  it("passes midnight", function()
    local value = "22:00-06:00=none,1K"
    assert.equal(1024, rate(value, "21:59"))
    assert.equal(0, rate(value, "22:00"))
    assert.equal(0, rate(value, "05:59:59"))
    assert.equal(1024, rate(value, "06:00"))
  end)

  it("may end with the day", function()
    assert.equal(1, rate("22:00-24:00=1", "23:59:59"))
    assert.equal(0, rate("22:00-24:00=1", "00:00"))
  end)

  it("takes the first of two that hold", function()
    assert.equal(1, rate("10:00-11:00=1,09:00-18:00=2", "10:30"))
    assert.equal(2, rate("10:00-11:00=1,09:00-18:00=2", "11:30"))
  end)

  it("holds on its days", function()
    local value = "Mon-Fri 09:00-18:00=1"
    assert.equal(1, rate(value, "12:00", MON))
    assert.equal(1, rate(value, "12:00", FRI))
    assert.equal(0, rate(value, "12:00", SAT))
    assert.equal(1, rate("sat 00:00-24:00=1", "12:00", SAT))
    assert.equal(0, rate("sat 00:00-24:00=1", "12:00", SUN))
    assert.equal(1, rate("fri-mon 00:00-24:00=1", "12:00", SUN))
    assert.equal(0, rate("fri-mon 00:00-24:00=1", "12:00", TUE))
  end)

  it("counts the hours after midnight to the day before", function()
    local value = "fri 22:00-06:00=1"
    assert.equal(0, rate(value, "03:00", FRI))
    assert.equal(1, rate(value, "23:00", FRI))
    assert.equal(1, rate(value, "03:00", SAT))
    assert.equal(0, rate(value, "23:00", SAT))
    assert.equal(1, rate("sat 22:00-06:00=1", "03:00", SUN))
  end)

  it("says when to look again: at the next change, and at least once a minute", function()
    local plan = assert(schedule.read("09:00-18:00=2M"))
    assert.equal(60, select(2, schedule.rate(plan, at("12:00"))))
    assert.equal(1, select(2, schedule.rate(plan, at("08:59:59"))))
    assert.equal(30, select(2, schedule.rate(plan, at("17:59:30"))))
    assert.equal(60, select(2, schedule.rate(plan, at("18:00"))))
    assert.equal(5, select(2, schedule.rate(plan, at("23:59:55"))))
  end)

  it("doesn't stumble over a leap second", function()
    local _, seconds = schedule.rate(assert(schedule.read("09:00-18:00=1")), at("23:59:60"))
    assert.is_true(seconds > 0)
  end)
end)
