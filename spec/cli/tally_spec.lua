--- The counts of a run.
-- SPDX-License-Identifier: MIT

local errors = require("luadl.errors")
local lines = require("luadl.cli.lines")
local progress = require("luadl.progress")
local tally = require("luadl.cli.tally")
local text = require("luadl.text")

local FAILURE = errors.new("dns", "no such host")

local function at(clock)
  return tally.new(function() return clock.time end)
end

local function run(count)
  local clock = { time = 0 }
  local counts = at(clock)
  counts:expected(count)
  return counts, clock
end

local function finish(counts, result, err)
  local download = { url = "http://a/f" }
  counts:started(download)
  counts:finished(download, result, err)
end

describe("a tally", function()
  it("counts what came, what was there and what failed", function()
    local counts = run(4)
    finish(counts, { size = 100, resumed = 40 })
    finish(counts, { skipped = true })
    finish(counts, nil, FAILURE)
    counts:started({})
    assert.same({ "2 of 4 files, 1 failed", "2/4, 1 failed" }, { lines.count(counts) })
    assert.same({ 2, 1, 1, 1, 100, 60 }, {
      counts.done, counts.skipped, counts.failed, counts.running, counts.bytes, counts.fetched,
    })
  end)

  it("counts what was stopped apart from what failed, and names one alone", function()
    local counts = run(3)
    finish(counts, nil, FAILURE)
    assert.is_false(counts:tells_at_end(nil))
    assert.is_true(counts:tells_at_end(true))
    counts:finished({}, nil, errors.new("cancelled", "interrupted", { path = "f" }), true)
    assert.same({ 1, 1 }, { counts.failed, counts.stopped })
    assert.equal("luadl: interrupted (f)", lines.stopped(counts))
    assert.equal("0 of 3 files, 1 failed, 1 stopped",
      lines.summary({ done = 0, failed = 2, total = 3 }, counts))
    assert.is_false(run(1):tells_at_end(true))
  end)

  it("says how many run where nobody knows how many there are", function()
    local counts = at({ time = 0 })
    counts:started({})
    assert.is_false(counts:is_several())
    counts:started({})
    assert.is_true(counts:is_several())
    assert.equal("0 files, 2 running", lines.count(counts))
    assert.is_nil(counts:stats({ { received = 5, total = 10 }, { received = 5 } }).fraction)
  end)

  it("goes by bytes when all sizes are known", function()
    local counts, clock = run(2)
    finish(counts, { size = 50 })
    clock.time = 1
    local all = counts:stats({ { received = 25, total = 50, connections = 3 } })
    assert.same({ 75, 100, 3, 75 }, { all.received, all.total, all.connections, all.speed })
    assert.equal(75, progress.percent(all))
  end)

  it("goes by files while others are still to come", function()
    local counts, clock = run(4)
    finish(counts, { size = 1000 })
    clock.time = 3
    local all = counts:stats({ { received = 5, total = 10 } })
    assert.is_nil(all.total)
    assert.equal(37, progress.percent(all))
    assert.equal(5, all.eta)
  end)

  it("keeps the first failures alone, and says how many more there were", function()
    local counts = run(1000)
    for _ = 1, 1000 do finish(counts, nil, FAILURE) end
    local list = lines.failures(counts, 60)
    assert.equal(22, #list)
    assert.equal("  http://a/f  no such host", list[2])
    assert.equal("  ... and 980 more", list[22])
  end)

  it("has failures that fit every width", function()
    local counts = run(2)
    counts:finished({ url = "http://a/" .. ("long"):rep(50) }, nil, FAILURE)
    counts:finished({}, nil, errors.new("io", ("word "):rep(50)))
    for columns = 12, 200 do
      for index, line in ipairs(lines.failures(counts, columns)) do
        assert.is_true(index == 1 or text.width(line) <= columns, line)
      end
    end
  end)

  it("counts tries, and forgets them with their download", function()
    local counts = run(1)
    local function try_twice(download)
      counts:retry({ download = download })
      counts:retry({ download = download })
      return counts:retries(download)
    end
    assert.equal(2, try_twice({}))
    assert.equal(0, counts:retries({}))
    collectgarbage()
    assert.is_nil(next(counts.retries_of))
  end)
end)
