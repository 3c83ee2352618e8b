--- Tasks, timers and signals on a clock that only waiting moves.
-- SPDX-License-Identifier: MIT

local errors = require("luadl.errors")
local world = require("spec.support.world")

describe("loop", function()
  local here, loop

  before_each(function()
    here = world.new()
    loop = here.loop
  end)

  local function run_until(seconds) here:run_until(seconds) end

  describe("a signal", function()
    it("resumes all who wait, once", function()
      local signal, woken = loop:signal(), 0
      for _ = 1, 3 do
        loop:spawn("waiter", function()
          assert.is_true(loop:await(signal))
          woken = woken + 1
        end)
      end
      loop:step(0)
      assert.equal(0, woken)
      signal:fire()
      signal:fire()
      loop:step(0)
      loop:step(0)
      assert.equal(3, woken)
    end)

    it("that has fired is not waited for", function()
      local signal = loop:signal()
      signal:fire()
      assert.is_true(loop:await(signal, 5))
      assert.equal(0, here:elapsed())
    end)

    it("that doesn't fire in time gives false, at that time", function()
      assert.is_false(loop:await(loop:signal(), 5))
      assert.equal(5, here:elapsed())
    end)

    it("that doesn't fire in time gives a task false, at that time", function()
      local fired, at
      loop:spawn("waiter", function()
        fired = loop:await(loop:signal(), 5)
        at = here:elapsed()
      end)
      run_until(9)
      assert.is_false(fired)
      assert.equal(5, at)
    end)

    it("resumes once when it fires as the time runs out", function()
      local signal, log = loop:signal(), {}
      loop:spawn("waiter", function()
        log[#log + 1] = loop:await(signal, 5)
        log[#log + 1] = loop:await(loop:signal(), 5)
        log[#log + 1] = here:elapsed()
      end)
      loop:step(0)
      here:at(5, function() signal:fire() end)
      run_until(20)
      assert.same({ true, false, 10 }, log)
    end)

    it("leaves no timer behind", function()
      local signal = loop:signal()
      loop:spawn("waiter", function() loop:await(signal, 500) end)
      loop:step(0)
      signal:fire()
      loop:step(0)
      assert.is_nil(loop:timeout())
    end)
  end)

  describe("a timer", function()
    it("runs when it is due, the earliest first", function()
      local log = {}
      for _, seconds in ipairs({ 3, 1, 2 }) do
        loop:after(seconds, function() log[#log + 1] = { seconds, here:elapsed() } end)
      end
      run_until(4)
      assert.same({ { 1, 1 }, { 2, 2 }, { 3, 3 } }, log)
    end)

    it("that was forgotten doesn't run", function()
      local timer = loop:after(1, function() error("it ran") end)
      loop:forget(timer)
      run_until(2)
      assert.is_nil(loop:timeout())
    end)

    it("may start another one", function()
      local at
      loop:after(1, function() loop:after(1, function() at = here:elapsed() end) end)
      run_until(3)
      assert.equal(2, at)
    end)

    it("says how long it is until it is due", function()
      assert.is_nil(loop:timeout())
      loop:after(7, function() end)
      assert.equal(7, loop:timeout())
      here.time = here.time + 9
      assert.equal(0, loop:timeout())
    end)
  end)

  describe("a step", function()
    it("waits no longer than told", function()
      loop:after(9, function() end)
      loop:step(2)
      assert.equal(2, here:elapsed())
    end)

    it("waits no longer than until something is due", function()
      loop:after(2, function() end)
      loop:step(9)
      assert.equal(2, here:elapsed())
    end)

    it("without a time waits until something comes", function()
      local came = false
      here:at(40, function() came = true end)
      loop:step()
      assert.is_true(came)
    end)

    it("doesn't wait when a task is ready", function()
      loop:spawn("task", function() end)
      assert.equal(0, loop:timeout())
      loop:step(9)
      assert.equal(0, here:elapsed())
    end)
  end)

  describe("a task", function()
    it("gets its arguments and keeps its results", function()
      local task = loop:spawn("sum", function(a, b) return a + b, nil end, 1, 2)
      assert.is_true(loop:await(task.ended))
      assert.equal(2, task.results.n)
      assert.equal(3, task.results[1])
      assert.is_nil(task.failure)
    end)

    it("sleeps while others run", function()
      local log = {}
      for name, seconds in pairs({ slow = 3, quick = 1 }) do
        loop:spawn(name, function()
          loop:sleep(seconds)
          log[#log + 1] = ("%s %g"):format(name, here:elapsed())
        end)
      end
      run_until(4)
      assert.same({ "quick 1", "slow 3" }, log)
    end)

    it("waits for another one that it started", function()
      local log = {}
      local outer = loop:spawn("outer", function()
        local inner = loop:spawn("inner", function()
          loop:sleep(2)
          return "inside"
        end)
        loop:await(inner.ended)
        log[1] = inner.results[1]
      end)
      loop:await(outer.ended)
      assert.same({ "inside" }, log)
      assert.equal(2, here:elapsed())
    end)

    it("that throws has an error of kind callback, named and traced; others go on", function()
      local bad = loop:spawn("name policy", function() error("oops") end)
      local good = loop:spawn("other", function() return "fine" end)
      loop:step(0)
      assert.is_true(errors.is(bad.failure, "callback"))
      assert.truthy(bad.failure.message:find("^name policy: .*oops"))
      assert.truthy(bad.failure.traceback:find("loop_spec", 1, true))
      assert.is_true(bad.ended.fired)
      assert.equal("fine", good.results[1])
    end)

    it("that throws after a wait fails the same way", function()
      local bad = loop:spawn("task", function()
        loop:sleep(1)
        error({ any = "thing" })
      end)
      loop:await(bad.ended)
      assert.is_true(errors.is(bad.failure, "callback"))
      assert.equal("thing", bad.failure.cause.any)
    end)

    it("that yields to somebody else's loop fails and says so", function()
      for _, value in ipairs({ "nothing", 42, {} }) do
        local bad = loop:spawn("retry policy", function()
          coroutine.yield(value ~= "nothing" and value or nil)
          error("it was resumed")
        end)
        loop:step(0)
        loop:step(0)
        assert.is_true(bad.ended.fired)
        assert.is_true(errors.is(bad.failure, "callback"))
        assert.truthy(bad.failure.message:find("only luadl's own waits may yield", 1, true))
      end
    end)

    it("belongs to who started it, or to the owner that is named", function()
      local owner, seen = { overdue = function() return false end }, {}
      loop:spawn_for(owner, "outer", function()
        seen[1] = loop:owner()
        loop:spawn("inner", function() seen[2] = loop:owner() end)
      end)
      loop:spawn("nobody's", function() seen[3] = loop:owner() or "nobody" end)
      here:settle()
      assert.same({ owner, owner, "nobody" }, seen)
      assert.is_nil(loop:owner())
    end)

    it("that never waits is ended when its owner has no time left", function()
      local left = 3
      local owner = {
        overdue = function()
          left = left - 1
          return left == 0
        end,
      }
      local task = loop:spawn_for(owner, "name policy", function() while true do end end)
      loop:step(0)
      assert.is_true(errors.is(task.failure, "script_budget"))
      assert.truthy(task.failure.message:find("name policy", 1, true))
      assert.is_true(task.ended.fired)
    end)

    it("may use coroutines of its own", function()
      local task = loop:spawn("generator", function()
        local sum = 0
        for value in coroutine.wrap(function()
          for value = 1, 3 do coroutine.yield(value) end
        end) do
          loop:sleep(1)
          sum = sum + value
        end
        return sum
      end)
      loop:await(task.ended)
      assert.equal(6, task.results[1])
      assert.equal(3, here:elapsed())
    end)

    it("may wait inside a coroutine of its own", function()
      local task = loop:spawn("generator", function()
        return coroutine.wrap(function()
          loop:sleep(2)
          return here:elapsed()
        end)()
      end)
      loop:await(task.ended)
      assert.is_nil(task.failure)
      assert.equal(2, task.results[1])
    end)

    it("that fails closes what it had open", function()
      local closed = {}
      local function open(name)
        return setmetatable({}, { __close = function() closed[#closed + 1] = name end })
      end
      loop:spawn("thrower", function()
        local _ <close> = open("thrown")
        error("oops")
      end)
      loop:spawn("stranger", function()
        local _ <close> = open("yielded")
        coroutine.yield()
      end)
      loop:step(0)
      assert.same({ "thrown", "yielded" }, closed)
    end)

    it("may block in a coroutine of its own inside others that do, up to a depth (L-9)", function()
      local failures, deepest = 0, 0
      local function block(depth)
        deepest = math.max(deepest, depth)
        local task = loop:spawn("nested", function()
          coroutine.wrap(function()
            if depth < 40 then block(depth + 1) end
            loop:sleep(1)
          end)()
        end)
        task.ended:listen(function()
          if not task.failure then return end
          failures = failures + 1
          assert.truthy(task.failure.message:find("block inside each other", 1, true))
        end)
      end
      block(1)
      local other = loop:spawn("other", function()
        loop:sleep(2)
        return "fine"
      end)
      loop:await(other.ended)
      here:run_until(10)
      assert.equal("fine", other.results[1])
      assert.is_true(failures > 0 and deepest > 10, ("%d failed"):format(failures))
    end)

    it("may wait inside pcall", function()
      local task = loop:spawn("careful", function()
        return pcall(function()
          loop:sleep(2)
          error("caught", 0)
        end)
      end)
      loop:await(task.ended)
      assert.same({ n = 2, false, "caught" }, task.results)
    end)
  end)

  describe("whoever waits outside of a task", function()
    it("drives the tasks meanwhile", function()
      local count = 0
      loop:spawn("ticker", function()
        for _ = 1, 5 do
          loop:sleep(1)
          count = count + 1
        end
      end)
      loop:sleep(3.5)
      assert.equal(3, count)
      assert.equal(3.5, here:elapsed())
    end)

    it("may be in a coroutine of its own", function()
      local signal = loop:signal()
      here:at(2, function() signal:fire() end)
      local thread = coroutine.create(function() return loop:await(signal) end)
      assert.same({ true, true }, { coroutine.resume(thread) })
      assert.equal("dead", coroutine.status(thread))
    end)

    it("inside a task's own coroutine reaches tasks that were ready at the same time", function()
      local signal, woken = loop:signal(), false
      loop:spawn("waiter", function()
        coroutine.wrap(function() woken = loop:await(signal, 5) end)()
      end)
      loop:spawn("firer", function() signal:fire() end)
      loop:step(0)
      assert.is_true(woken)
      assert.equal(0, here:elapsed())
    end)
  end)

  describe("driven by a foreign event loop", function()
    local stirred

    before_each(function()
      stirred = 0
      loop:driven_by({ stirred = function() stirred = stirred + 1 end })
    end)

    it("says when there is something new to do", function()
      loop:spawn("task", function() loop:sleep(5) end)
      assert.equal(1, stirred)
      loop:step(0)
      assert.equal(5, loop:timeout())
      loop:after(1, function() end)
      assert.equal(1, loop:timeout())
      loop:stir()
      assert.is_true(stirred >= 3)
    end)

    it("does what is due and never waits", function()
      local log = {}
      loop:spawn("task", function()
        log[#log + 1] = "begun"
        loop:sleep(5)
        log[#log + 1] = "slept"
      end)
      for _ = 1, 3 do loop:step(0) end
      assert.same({ "begun" }, log)
      assert.equal(0, here:elapsed())
      here.time = here.time + 5
      loop:step(0)
      assert.same({ "begun", "slept" }, log)
      assert.is_nil(loop:timeout())
    end)

    it("waits as that loop does where it can, else blocks", function()
      local asked = {}
      loop:driven_by({
        stirred = function() end,
        await = function(_, seconds)
          asked[#asked + 1] = seconds
          return #asked == 1 or nil
        end,
      })
      assert.is_true(loop:await(loop:signal(), 7))
      assert.equal(0, here:elapsed())
      assert.is_false(loop:await(loop:signal(), 3))
      assert.equal(3, here:elapsed())
      assert.same({ 7, 3 }, asked)
    end)

    it("has a descriptor and its events from the world, and the world's patience", function()
      loop.world.pollfd = function() return 77 end
      loop.world.patience = function() return 0.5 end
      assert.equal(77, loop:pollfd())
      assert.equal("r", loop:events())
      assert.equal(0.5, loop:timeout())
      loop:after(0.2, function() end)
      assert.is_true(math.abs(loop:timeout() - 0.2) < 1e-9)
    end)
  end)
end)
