--- Batches of pretended downloads: order, number at once, sum, interruption.
-- SPDX-License-Identifier: MIT

local batch = require("luadl.batch")

describe("batch", function()
  local time, log, running, most

  before_each(function()
    time, log, running, most = 0, {}, {}, 0
  end)

  -- A download that ends at `opts.ends`, or when it is cancelled (unless it is deaf).
  local function new_download(opts)
    local download = { opts = opts, ended = { fired = false } }
    download.requests = opts.stands_for
    local function finish(result, err)
      download.ended.fired, download.result, download.err = true, result, err
    end
    function download.wait()
      assert.is_true(download.ended.fired, "the batch would block")
      return download.result, download.err
    end
    function download:cancel(reason)
      log[#log + 1] = "cancel " .. self.opts.name
      if not opts.deaf then finish(nil, { kind = "cancelled", message = reason }) end
    end
    local company = false
    function download.tick()
      for each in pairs(running) do
        company = company or (each ~= download and not each.ended.fired)
      end
      if time < (opts.ends or math.huge) or download.ended.fired then return end
      if opts.needs_all and company then return finish(nil, { kind = "fd_limit" }) end
      if opts.fails then finish(nil, { kind = opts.fails }) else finish({ path = opts.name }) end
    end
    return download
  end

  local session = { core = { now = function() return time end } }

  function session:download(opts)
    assert.equal(session, self)
    local download = new_download(opts)
    running[download] = true
    local count = 0
    for each in pairs(running) do
      if not each.ended.fired then count = count + 1 end
    end
    most = math.max(most, count)
    return download
  end

  function session:step(seconds)
    assert.equal(session, self)
    time = time + seconds
    assert.is_true(time < 1000, "the batch hangs")
    for download in pairs(running) do download.tick() end
  end

  local function run(list, changes)
    local hooks = {
      jobs = 2,
      started = function(download) log[#log + 1] = "start " .. download.opts.name end,
      finished = function(download, result, err)
        log[#log + 1] = (result and "done " or err.kind .. " ") .. download.opts.name
      end,
      postponed = function(download) log[#log + 1] = "later " .. download.opts.name end,
      tick = function() end,
      interrupted = function() return false end,
    }
    for name, value in pairs(changes or {}) do hooks[name] = value end
    return batch.run(session, list, hooks)
  end

  it("of nothing ends at once", function()
    assert.same({ done = 0, failed = 0, total = 0 }, run({}))
    assert.equal(0, time)
  end)

  it("starts in order, so many at once, the next when one ends", function()
    local summary = run({
      { name = "a", ends = 3 }, { name = "b", ends = 1 }, { name = "c", ends = 2 },
    })
    assert.same({
      "start a", "start b", "done b", "start c", "done c", "done a",
    }, log)
    assert.equal(2, most)
    assert.same({ done = 3, failed = 0, total = 3 }, summary)
  end)

  it("runs no more at once than there are", function()
    run({ { name = "a", ends = 1 } }, { jobs = 16 })
    assert.equal(1, most)
  end)

  it("goes on after failures, counts them and keeps the first", function()
    local summary = run({
      { name = "a", ends = 2, fails = "dns" }, { name = "b", ends = 1, fails = "connect" },
      { name = "c", ends = 4 },
    })
    assert.same({ done = 1, failed = 2, total = 3, first_error = { kind = "connect" } }, summary)
    assert.equal("done c", log[#log])
  end)

  it("puts what a URL stands for in its place, and counts that", function()
    local summary = run({
      { name = "a", ends = 1, fails = "usage", stands_for = {
        { name = "a1", ends = 2 }, { name = "a2", ends = 3 },
      } },
      { name = "none", ends = 4, fails = "cancelled", stands_for = {} },
      { name = "refused", ends = 4, fails = "cancelled" },
      { name = "b", ends = 5 },
    }, { jobs = 1 })
    assert.same({
      "start a", "later a", "start a1", "done a1", "start a2", "done a2", "start none",
      "later none", "start refused", "cancelled refused", "start b", "done b",
    }, log)
    assert.same({ done = 3, failed = 1, total = 4, first_error = { kind = "cancelled" } }, summary)
  end)

  it("P6: has fewer at once when there are no descriptors, and puts off what failed", function()
    local summary = run({
      { name = "a", ends = 3 }, { name = "b", ends = 1, needs_all = true },
      { name = "c", ends = 4 },
    })
    assert.same({
      "start a", "start b", "later b", "done a", "start b", "done b", "start c", "done c",
    }, log)
    assert.same({ done = 3, failed = 0, total = 3 }, summary)
  end)

  it("P6: fails what has no descriptors though it is alone", function()
    local list = { { name = "a", ends = 1, fails = "fd_limit" } }
    assert.equal("fd_limit", run(list, { jobs = 1 }).first_error.kind)
    assert.equal("fd_limit", run(list, { jobs = 4 }).first_error.kind)
    assert.same({ "start a", "fd_limit a", "start a", "later a", "start a", "fd_limit a" }, log)
  end)

  it("takes downloads that have ended before they began", function()
    local list = {}
    for index = 1, 50 do list[index] = { name = tostring(index), ends = 0 } end
    assert.equal(50, run(list).done)
  end)

  it("ticks at least ten times a second", function()
    local ticks = 0
    run({ { name = "a", ends = 2 } }, { tick = function() ticks = ticks + 1 end })
    assert.is_true(ticks >= 19)
  end)

  it("that is interrupted cancels what runs, tells of its end, and starts nothing more", function()
    local summary = run({
      { name = "a", ends = 1 }, { name = "b" }, { name = "c" }, { name = "d" },
    }, { interrupted = function() return time >= 2 end })
    assert.same({
      "start a", "start b", "done a", "start c", "cancel b", "cancel c", "cancelled b",
      "cancelled c",
    }, log)
    assert.equal(1, summary.done)
    assert.equal(2, summary.failed)
    assert.equal("cancelled", summary.first_error.kind)
  end)

  it("that is interrupted doesn't wait for what doesn't end", function()
    run({ { name = "a", deaf = true } }, { interrupted = function() return time >= 2 end })
    assert.is_true(time < 2 + 1.5 + 0.3, "it took until " .. time)
  end)
end)
