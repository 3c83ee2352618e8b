--- Batches in a world of their own: order, number at once, priorities, who waits for whom, sources,
--- sums, ends before the end.
-- SPDX-License-Identifier: MIT

local batch = require("luadl.batch")
local context = require("luadl.context")
local errors = require("luadl.errors")
local helper = require("spec.support.helper")
local merged = require("spec.support.merged")
local world = require("spec.support.world")

describe("a batch", function()
  local here, log, running, most, plans

  -- A download of "http://host/NAME" ends after plans[NAME].takes seconds, or 1.
  local function begin(request)
    local id, name = here.last_id + 1, request.url:match("[^/]*$")
    local plan = plans[name] or {}
    running = running + 1
    most = math.max(most, running)
    here.over[id] = plan.deaf
    here:at(here:elapsed() + (plan.takes or 1), function()
      if here.over[id] and not plan.deaf then return end -- it was cancelled
      local kind = plan.fails or (plan.crowded and running > 1 and "fd_limit") or nil
      here:done(id, { error = kind and { kind = kind, message = kind } or nil })
    end)
    return id
  end

  before_each(function()
    here, log, running, most, plans = world.new(), {}, 0, 0, {}
    here.answers.new = begin
  end)

  local function name_of(item)
    return item.url and item.url:match("[^/]*$") or "?"
  end

  local OVER = { done = true, failed = true, postponed = true }

  local function new(opts, hooks)
    hooks = hooks or {}
    function hooks.event(item, event)
      if OVER[event] and item.download then running = running - 1 end
      log[#log + 1] = event .. " " .. name_of(item)
    end
    return batch.new(here.session, opts, hooks)
  end

  local function request(name, more)
    return merged({ url = "http://host/" .. name }, more)
  end

  local function add(made, names, more)
    local items = {}
    for name in names:gmatch("%S+") do items[#items + 1] = made:add(request(name, more)) end
    return table.unpack(items)
  end

  local function assert_log(expected)
    assert.same(expected, table.concat(log, ", "))
  end

  local function counts(summary)
    return ("%d done, %d failed, %d skipped of %d"):format(
      summary.done, summary.failed, summary.skipped, summary.total)
  end

  it("of nothing ends at once", function()
    assert.equal("0 done, 0 failed, 0 skipped of 0", counts(new():run()))
    assert.equal(0, here:elapsed())
  end)

  it("starts in order, so many at once, the next when one ends", function()
    plans = { a = { takes = 3 }, b = { takes = 1 }, c = { takes = 1 } }
    local made = new({ jobs = 2 })
    add(made, "a b c")
    local summary = made:run()
    assert_log("started a, started b, done b, started c, done c, done a")
    assert.equal(2, most)
    assert.equal("3 done, 0 failed, 0 skipped of 3", counts(summary))
    assert.near(3, here:elapsed(), 0.01)
  end)

  it("waits for nothing but the ends", function()
    local made = new({ jobs = 50 })
    for index = 1, 50 do add(made, "f" .. index) end
    made:run()
    assert.near(1, here:elapsed(), 0.01)
    assert.equal(50, most)
  end)

  it("starts the higher priority first, of equals the older one", function()
    local made = new({ jobs = 1 })
    add(made, "a b")
    add(made, "c d", { priority = 2 })
    add(made, "e", { priority = -0.5 })
    made:run()
    assert_log("started c, done c, started d, done d, started a, done a, started b, done b, "
      .. "started e, done e")
  end)

  it("goes on after failures, counts them and keeps the first", function()
    plans = { a = { takes = 2, fails = "dns" }, b = { fails = "connect" } }
    local made = new({ jobs = 2 })
    local a = add(made, "a b c")
    local summary = made:run()
    assert.equal("1 done, 2 failed, 0 skipped of 3", counts(summary))
    assert.equal("connect", summary.first_error.kind)
    assert.equal("failed", a.state)
    assert.equal("dns", a.error.kind)
    assert.is_nil(summary.stopped)
  end)

  it("ends with the first failure, if it is to: cancels what runs, begins nothing", function()
    plans = { a = { takes = 9 }, b = { fails = "dns" } }
    local made = new({ jobs = 2, fail_fast = true })
    local _, _, c = add(made, "a b c")
    local summary = made:run()
    assert_log("started a, started b, failed b, failed a")
    assert.equal("dns", summary.first_error.kind)
    assert.equal(summary.first_error, summary.stopped)
    assert.equal("waiting", c.state)
    assert.near(1, here:elapsed(), 0.1)
  end)

  it("B7: ends when the disk is full, not when one file has no room", function()
    local full = { fails = "no_space" }
    plans = { f3 = full }
    for index = 10, 99 do plans["f" .. index] = full end
    local made = new({ jobs = 1 })
    for index = 1, 99 do add(made, "f" .. index) end
    local summary = made:run()
    assert.equal("8 done, 6 failed, 0 skipped of 99", counts(summary))
    assert.equal("no_space", summary.stopped.kind)
  end)

  it("takes downloads that fail before they begin", function()
    local made = new({ jobs = 2 })
    made:source(coroutine.wrap(function()
      for index = 1, 50 do coroutine.yield({ url = "http://host/" .. index, retry = "no" }) end
    end))
    local summary = made:run()
    assert.equal(50, summary.failed)
    assert.equal("usage", summary.first_error.kind)
  end)

  describe("in which some come after others", function()
    it("starts them when all of those are done", function()
      plans = { a = { takes = 3 }, b = { takes = 1 } }
      local made = new({ jobs = 4 })
      local a, b = add(made, "a b")
      local c = made:after({ a, b }, request("c"))
      made:after(c, request("d"))
      made:run()
      assert_log("started a, started b, done b, done a, started c, done c, started d, done d")
    end)

    it("fails those that can't be begun, and what comes after them, with the reason", function()
      plans = { a = { fails = "dns" } }
      local made = new({ jobs = 4 })
      local a, x = add(made, "a x")
      local b = made:after({ a, x }, request("b"))
      local c = made:after(b, request("c"))
      local summary = made:run()
      assert.equal("1 done, 3 failed, 0 skipped of 4", counts(summary))
      assert.equal("dns", summary.first_error.kind)
      assert.equal("cancelled", c.error.kind)
      assert.matches("^not started: what it comes after has failed .*: dns$", tostring(b.error))
      assert.equal(b.error, c.error.cause)
    end)

    it("takes items that have ended as they are", function()
      plans = { a = { fails = "dns" } }
      local made, late
      made = new({ jobs = 1 }, {
        tick = function()
          if late or not made.summary.first_error then return end
          late = made:after(made.kept, request("late"))
        end,
      })
      made.kept = add(made, "a b c")
      assert.equal("2 done, 2 failed, 0 skipped of 4", counts(made:run()))
      assert.equal("failed", late.state)
    end)

    it("lets an item that waits come after another one", function()
      local made = new({ jobs = 1 })
      local a, b = add(made, "a b")
      assert.equal(a, made:after(b, a))
      made:run()
      assert_log("started b, done b, started a, done a")
    end)

    it("refuses circles, strangers, and what has begun", function()
      local made, other = new(), new()
      local a, b = add(made, "a b")
      made:after(a, b)
      assert.error_matches(function() made:after(b, a) end, "would wait for each other")
      assert.error_matches(function() made:after(a, a) end, "would wait for each other")
      local stranger = add(other, "s")
      assert.error_matches(function() made:after(stranger, request("c")) end, "of this batch")
      assert.error_matches(function() made:after(a, stranger) end, "of this batch")
      assert.error_matches(function() made:after("a", request("c")) end, "of this batch")
      made:run()
      assert_log("started a, done a, started b, done b")
      assert.error_matches(function() made:after(a, b) end, "the item has begun")
    end)

    it("doesn't mind a chain of ten thousand", function()
      plans = { f1 = { fails = "dns" } }
      local made = new()
      local last = made:add(request("f1"))
      for index = 2, 10000 do last = made:after(last, request("f" .. index)) end
      assert.equal(10000, made:run().failed)
    end)
  end)

  describe("with sources", function()
    local function counter(names)
      local asked = { count = 0 }
      local iterate = names:gmatch("%S+")
      return function()
        asked.count = asked.count + 1
        local name = iterate()
        return name and request(name)
      end, asked
    end

    it("asks one when there is a place, and the next at its end", function()
      local made, pulled = new({ jobs = 1 }), {}
      for _, names in ipairs({ "a b", "c" }) do
        local source = counter(names)
        made:source(function()
          local opts = source()
          if opts then table.insert(pulled, opts.url:match(".$") .. math.floor(here:elapsed())) end
          return opts
        end)
      end
      assert.equal("3 done, 0 failed, 0 skipped of 3", counts(made:run()))
      assert.same({ "a0", "b1", "c2" }, pulled)
    end)

    it("isn't held up by one that waits, or has nothing yet", function()
      local made, step = new({ jobs = 4 }), 0
      add(made, "a")
      made:source(function(ctx)
        step = step + 1
        if step == 1 then ctx:sleep(3) end
        if step < 5 then return false end
        if step == 5 then return "http://host/b" end
      end)
      made:run()
      assert_log("started a, done a, started b, done b")
      assert.is_true(here:elapsed() > 4 and here:elapsed() < 5)
    end)

    it("reports what is none, and goes on", function()
      local made = new({ jobs = 2 })
      local step = 0
      made:source(function()
        step = step + 1
        if step == 1 then return false, errors.new("usage", "list:1: no URL") end
        if step == 2 then return request("a", { priority = "high" }) end
        if step == 3 then return 5 end
        if step == 4 then return request("b") end
        return nil, "the pipe broke"
      end)
      local summary = made:run()
      assert.equal("1 done, 4 failed, 0 skipped of 5", counts(summary))
      assert.equal("list:1: no URL", summary.first_error.message)
    end)

    it("goes on with the next one when one throws", function()
      local made = new()
      made:source(function() error("bug") end)
      made:source((counter("a")))
      local summary = made:run()
      assert.equal("1 done, 1 failed, 0 skipped of 2", counts(summary))
      assert.matches("bug", summary.first_error.message)
    end)

    it("takes only its part of what they bring, the same part in any order", function()
      local seen, all = {}, 0
      for part = 1, 3 do
        local made = new({ shard = part .. "/3" })
        made:source((counter(part == 2 and "e d c b a" or "a b c d e")))
        all = all + made:run().done
      end
      for _, line in ipairs(log) do seen[line] = (seen[line] or 0) + 1 end
      assert.equal(5, all)
      for _, count in pairs(seen) do assert.equal(1, count) end
    end)

    it("keeps nothing of what has ended", function()
      local made, step, sizes = new({ jobs = 8 }), 0, {}
      made.hooks.event = nil
      plans = setmetatable({}, { __index = function() return { takes = 0 } end })
      made:source(function()
        step = step + 1
        here.calls = {}
        if step % 2000 == 0 then
          collectgarbage()
          sizes[#sizes + 1] = collectgarbage("count")
        end
        return step <= 8000 and request("f" .. step) or nil
      end)
      made:run()
      local growth = sizes[4] - sizes[2]
      assert.is_true(growth < 100, ("%.0f KiB more"):format(growth))
    end)
  end)

  describe("with hosts", function()
    local function run(opts, urls)
      local made = new(opts)
      for _, url in ipairs(urls) do made:add({ url = url }) end
      made:run()
    end

    it("has so many of one at once, others go on meanwhile, and its own in their order", function()
      run({ jobs = 4, per_host = 1 }, { "http://A/1", "http://a/2", "http://b/3", "http://a/4" })
      assert_log("started 1, started 3, done 1, done 3, started 2, done 2, started 4, done 4")
    end)

    it("asks no host that wants peace, but others, and that one later", function()
      here.session.hosts:wait("http://a", 10)
      run({ jobs = 1 }, { "http://a/1", "http://a/2", "http://b/3" })
      assert_log("started 3, done 3, started 1, done 1, started 2, done 2")
      assert.near(12, here:elapsed(), 0.1)
    end)

    it("doesn't read a source to its end for one that has enough", function()
      local made, step = new({ jobs = 4, per_host = 1 }), 0
      made:source(function()
        step = step + 1
        return step <= 5000 and request("f" .. step) or nil
      end)
      made.hooks.tick = function() assert.is_true(step - made.summary.done < 1100) end
      assert.equal(5000, made:run().done)
    end)
  end)

  it("puts what a URL stands for in its place, and counts that", function()
    local function standing_for(names)
      return { resolve = function()
        local list = {}
        for name in names:gmatch("%S+") do list[#list + 1] = "http://host/" .. name end
        return list
      end }
    end
    local made = new({ jobs = 1 })
    local a = made:add(request("a", standing_for("a1 a2")))
    made:add(request("none", standing_for("")))
    made:after(a, request("b"))
    local summary = made:run()
    assert_log("started a, postponed a, started a1, done a1, started a2, done a2, started none, "
      .. "postponed none, started b, done b")
    assert.equal("3 done, 0 failed, 0 skipped of 3", counts(summary))
    assert.equal("done", a.state)
  end)

  it("P6: has fewer at once when there are no descriptors, and puts off what failed", function()
    plans = { a = { takes = 3 }, b = { takes = 1, crowded = true } }
    local made = new({ jobs = 2 })
    add(made, "a b c")
    assert.equal("3 done, 0 failed, 0 skipped of 3", counts(made:run()))
    assert_log("started a, started b, postponed b, done a, started b, done b, started c, done c")
  end)

  it("P6: fails what has no descriptors though it is alone", function()
    plans = { a = { fails = "fd_limit" } }
    for _, jobs in ipairs({ 1, 4 }) do
      local made = new({ jobs = jobs })
      add(made, "a")
      assert.equal("fd_limit", made:run().first_error.kind)
    end
    assert_log("started a, failed a, started a, postponed a, started a, failed a")
  end)

  it("ticks ten times a second", function()
    local ticks = 0
    plans = { a = { takes = 2 } }
    local made = new({}, { tick = function() ticks = ticks + 1 end })
    add(made, "a")
    made:run()
    assert.is_true(ticks >= 19 and ticks <= 22)
  end)

  describe("that is interrupted", function()
    local function interrupted_at(seconds)
      return {
        tick = function() end, interrupted = function() return here:elapsed() >= seconds end,
      }
    end

    it("cancels what runs, tells of its end, and starts nothing more", function()
      plans = { a = { takes = 1 }, b = { takes = 99 }, c = { takes = 99 } }
      local made = new({ jobs = 2 }, interrupted_at(2))
      add(made, "a b c d")
      local summary = made:run()
      assert_log("started a, started b, done a, started c, failed b, failed c")
      assert.equal("cancelled", summary.first_error.kind)
      assert.equal("cancelled", summary.stopped.kind)
    end)

    it("doesn't wait for what doesn't end", function()
      plans = { a = { takes = 99, deaf = true } }
      local made = new({}, interrupted_at(2))
      add(made, "a")
      made:run()
      assert.is_true(here:elapsed() < 2 + 1.5 + 0.3)
    end)

    it("doesn't wait for a source", function()
      local made = new({}, interrupted_at(2))
      made:source(function(ctx) ctx:sleep(99) end)
      assert.equal("cancelled", made:run().stopped.kind)
      assert.is_true(here:elapsed() < 2.3)
    end)
  end)

  describe("for a program", function()
    it("ends with its context, whose values reach the policies", function()
      local ctx = context.background(here.loop):with_value("who", "me"):with_timeout(2)
      local made, seen = new({ jobs = 2 }), {}
      plans = { b = { takes = 99 } }
      add(made, "a b c", { on_start = function(_, own) table.insert(seen, own:value("who")) end })
      plans.c = { takes = 99 }
      local summary = made:run(ctx)
      assert.equal("deadline", summary.stopped.kind)
      assert.same({ "me", "me", "me" }, seen)
      assert.equal("1 done, 2 failed, 0 skipped of 3", counts(summary))
      assert.near(2, here:elapsed(), 0.1)
    end)

    it("tells its observer of each item, in order", function()
      local seen = {}
      local made = batch.new(here.session, { jobs = 1, on_item = function(item, event)
        table.insert(seen, event .. " " .. name_of(item))
        if event == "done" and name_of(item) == "a" then item.batch:add(request("more")) end
      end })
      add(made, "a b")
      made:run()
      assert.equal("started a, done a, started b, done b, started more, done more",
        table.concat(seen, ", "))
    end)

    it("ends when its observer throws", function()
      local made = batch.new(here.session, { jobs = 1, on_item = function() error("bug") end })
      plans = { a = { takes = 99 } }
      add(made, "a b")
      local summary = made:run()
      assert.equal("callback", summary.stopped.kind)
      assert.matches("bug", summary.first_error.message)
    end)

    it("is misused by wrong options, calls and second runs, where they stand", function()
      local made = new()
      local function assert_misuse(message, call)
        local ok, thrown = pcall(call)
        assert.is_false(ok)
        assert.matches("^[^:]*batch_spec%.lua:%d+: " .. message, thrown)
      end
      for message, call in pairs({
        ["option 'url'"] = function() made:add({ url = 1 }) end,
        ["a download needs the option 'url'"] = function() made:add({}) end,
        ["unknown option 'prio'"] = function() made:add(request("a", { prio = 1 })) end,
        ["option 'priority'"] = function() made:add(request("a", { priority = "1" })) end,
        ["source: a function"] = function() made:source({}) end,
        ["run: a context"] = function() made:run({}) end,
      }) do assert_misuse(message, call) end
      made:run()
      assert_misuse("run: a batch runs once", function() made:run() end)
      local over = "the batch is over"
      assert_misuse(over, function() made:add(request("a")) end)
      assert_misuse(over, function() made:after({}, request("a")) end)
      assert_misuse(over, function() made:source(function() end) end)
    end)
  end)

  it("fails what has wrong options though its archive and journal look at them first", function()
    helper.begin()
    local folder, step = helper.tmpdir(), 0
    local wrong = {
      { url = 5 }, { dir = {} }, { checksum = 5 }, { range = { {} } }, { body = {} },
      { retry = "no" },
    }
    local made = new({ archive = folder .. "/archive", journal = folder .. "/journal" })
    made:source(function()
      step = step + 1
      return wrong[step] and request("a", wrong[step])
    end)
    assert.equal("0 done, 6 failed, 0 skipped of 6", counts(made:run()))
    helper.finish()
  end)

  it("fails when its archive or journal can't be opened", function()
    for _, name in ipairs({ "archive", "journal" }) do
      local made, err = new({ [name] = "/nowhere/file" })
      assert.is_nil(made)
      assert.equal("bad_name", err.kind)
    end
  end)
end)
