--- Contexts: who ends with whom, when, why, and what is left of them, on a virtual clock.
-- SPDX-License-Identifier: MIT

local context = require("luadl.context")
local errors = require("luadl.errors")
local world = require("spec.support.world")

describe("context", function()
  local here, loop, root

  before_each(function()
    here = world.new()
    loop = here.loop
    root = context.background(loop)
  end)

  -- No timer, and no listener on any of them.
  local function assert_nothing_left(...)
    assert.equal(0, loop.timers:count())
    for _, ctx in ipairs({ ... }) do
      assert.is_true(not ctx.listeners or ctx.listeners:is_empty())
    end
  end

  describe("the background", function()
    it("has no deadline, no value and no end", function()
      assert.is_nil(root:deadline())
      assert.is_nil(root:value("key"))
      assert.is_nil(root:err())
    end)
  end)

  describe("a value", function()
    it("is found by all descendants, the nearest one first", function()
      local one = root:with_value("trace", 1)
      local two = one:with_cancel():with_value("trace", 2)
      assert.equal(1, one:value("trace"))
      assert.equal(2, two:with_timeout(5):value("trace"))
      assert.is_nil(one:value("other"))
    end)

    it("may be false, and its key anything but nil", function()
      local key = {}
      assert.is_false(root:with_value(key, true):with_value(key, false):value(key))
      assert.error_matches(function() root:with_value(nil, 1) end, "a key is expected")
    end)

    it("outlives the context's end", function()
      local ctx = root:with_value("who", "me"):with_cancel()
      ctx:cancel()
      assert.equal("me", ctx:value("who"))
    end)
  end)

  describe("a cancel", function()
    it("goes down the tree, not up and not to the side", function()
      local ctx, sibling = root:with_cancel(), root:with_cancel()
      local child = ctx:with_value("a", 1):with_timeout(9)
      ctx:cancel("enough")
      assert.equal("cancelled", child:err().kind)
      assert.equal("enough", child:err().message)
      assert.is_nil(sibling:err())
      assert.is_nil(root:err())
    end)

    it("counts once: the first reason stays, for the children, too", function()
      local ctx = root:with_cancel()
      local child = ctx:with_cancel()
      child:cancel("child")
      ctx:cancel("first")
      ctx:cancel("second")
      assert.equal("child", child:err().message)
      assert.equal("first", ctx:err().message)
      assert.equal(ctx:err(), ctx:err())
    end)

    it("keeps an error that is its reason as the cause", function()
      local reason = errors.new("http_status", "not found", { status = 404 })
      local ctx = root:with_cancel()
      ctx:cancel(reason)
      assert.equal("cancelled", ctx:err().kind)
      assert.equal(reason, ctx:err().cause)
      assert.equal("cancelled: not found (HTTP 404)", tostring(ctx:err()))
    end)

    it("without a reason says what it was", function()
      root:cancel()
      assert.equal("the context was cancelled", tostring(root:err()))
    end)

    it("reaches a child that was made after it", function()
      local ctx = root:with_cancel()
      ctx:cancel("over")
      assert.equal(ctx:err(), ctx:with_timeout(60):with_cancel():err())
    end)
  end)

  describe("a deadline", function()
    it("is the earliest from here to the root", function()
      local ctx = root:with_timeout(5)
      assert.equal(1005, ctx:deadline())
      assert.equal(1005, ctx:with_timeout(9):deadline())
      assert.equal(1002, ctx:with_deadline(1002):with_cancel():deadline())
    end)

    it("ends the context by the clock alone", function()
      local ctx = root:with_timeout(5)
      local child = ctx:with_timeout(9)
      here.time = 1004.9
      assert.is_nil(child:err())
      here.time = 1005
      assert.equal("deadline", child:err().kind)
      assert_nothing_left(root, ctx, child)
    end)

    it("that has passed at birth ends it at once (L-12)", function()
      assert.equal("deadline", root:with_deadline(999):err().kind)
      assert.equal("deadline", root:with_timeout(0):err().kind)
      assert.equal("deadline", root:with_timeout(-5):err().kind)
    end)

    it("and a cancel: what came first is the reason, even if nobody looked", function()
      local ctx = root:with_cancel()
      local early, late = ctx:with_timeout(5), ctx:with_timeout(7)
      here.time = 1006
      ctx:cancel("at six")
      here.time = 1010
      assert.equal("deadline", early:err().kind)
      assert.equal("at six", late:err().message)
    end)

    it("must be a number", function()
      assert.error_matches(function() root:with_timeout("5") end, "with_timeout")
      assert.error_matches(function() root:with_deadline(0 / 0) end, "with_deadline")
      assert.error_matches(function() root:with_deadline() end, "with_deadline")
    end)
  end)

  describe("a listener", function()
    it("runs once, as a task, in the order of coming, with the error", function()
      local ctx, log = root:with_cancel(), {}
      for number = 1, 3 do
        ctx:on_cancel(function(err)
          loop:sleep(number == 2 and 1 or 0)
          log[#log + 1] = number .. " " .. err.message
        end)
      end
      ctx:cancel("over")
      assert.same({}, log)
      here:run_until(3)
      assert.same({ "1 over", "3 over", "2 over" }, log)
      ctx:cancel("again")
      here:settle()
      assert.equal(3, #log)
      assert_nothing_left(root, ctx)
    end)

    it("on a descendant hears of an ancestor's end at once", function()
      local ctx, heard = root:with_cancel(), nil
      ctx:with_value("a", 1):with_cancel():on_cancel(function(err) heard = err.message end)
      collectgarbage()
      ctx:cancel("over")
      loop:step(0)
      assert.equal("over", heard)
    end)

    it("hears of a deadline when it passes, also where nobody has the context", function()
      local at
      root:with_timeout(5):on_cancel(function() at = here:elapsed() end)
      collectgarbage()
      collectgarbage()
      here:run_until(8)
      assert.equal(5, at)
      assert_nothing_left(root)
    end)

    it("that was removed hears nothing and leaves nothing", function()
      local ctx = root:with_timeout(5)
      local remove = ctx:with_timeout(3):on_cancel(function() error("it ran") end)
      assert.is_true(loop.timers:count() > 0)
      remove()
      remove()
      assert_nothing_left(root, ctx)
    end)

    it("of a context that has ended runs at the next step", function()
      local ctx, heard = root:with_cancel(), nil
      ctx:cancel("over")
      local remove = ctx:on_cancel(function(err) heard = err.message end)
      loop:step(0)
      assert.equal("over", heard)
      remove()
    end)

    it("that throws hits no other", function()
      local ctx, heard = root:with_cancel(), 0
      for number = 1, 3 do
        ctx:on_cancel(function()
          if number == 2 then error("oops") end
          heard = heard + 1
        end)
      end
      ctx:cancel()
      here:settle()
      assert.equal(2, heard)
    end)

    it("may cancel the same context, and one above", function()
      local ctx = root:with_cancel()
      local child, heard = ctx:with_cancel(), 0
      ctx:on_cancel(function() heard = heard + 1 end)
      child:on_cancel(function()
        child:cancel("again")
        ctx:cancel("above")
      end)
      child:cancel("first")
      here:settle()
      assert.equal("first", child:err().message)
      assert.equal("above", ctx:err().message)
      assert.equal(1, heard)
      assert_nothing_left(root, ctx, child)
    end)

    it("needs one timer for a deadline, however many listen below it", function()
      local ctx = root:with_timeout(5)
      for _ = 1, 10 do ctx:with_timeout(9):on_cancel(function() end) end
      assert.equal(1, loop.timers:count())
      ctx:cancel()
      assert_nothing_left(root, ctx)
    end)

    it("is a function", function()
      assert.error_matches(function() root:on_cancel("x") end, "a function is expected")
    end)
  end)

  it("that is dropped is collected, and so is its whole branch", function()
    local kept = setmetatable({}, { __mode = "k" })
    local ctx = root:with_cancel()
    for _ = 1, 10 do
      local child = ctx:with_timeout(50):with_value("a", 1)
      local remove = child:on_cancel(function() end)
      kept[child] = true
      child:err()
      remove()
    end
    collectgarbage()
    collectgarbage()
    assert.is_nil(next(kept))
    assert.is_nil(ctx:err())
  end)

  describe("a sleep", function()
    it("lasts its time and returns true", function()
      local ctx = root:with_timeout(60)
      assert.is_true(ctx:sleep(5))
      assert.equal(5, here:elapsed())
      assert_nothing_left(root, ctx)
    end)

    it("ends at once with the context, and says why", function()
      local ctx, ok, err, at = root:with_cancel(), nil, nil, nil
      loop:spawn("sleeper", function()
        ok, err = ctx:sleep(500)
        at = here:elapsed()
      end)
      loop:after(3, function() ctx:cancel("woken") end)
      here:run_until(4)
      assert.is_nil(ok)
      assert.equal("woken", err.message)
      assert.equal(3, at)
      assert_nothing_left(root, ctx)
    end)

    it("ends at the deadline", function()
      local ok, err = root:with_timeout(2):with_cancel():sleep(500)
      assert.is_nil(ok)
      assert.equal("deadline", err.kind)
      assert.equal(2, here:elapsed())
    end)

    it("in a context that has ended doesn't begin", function()
      root:cancel("over")
      local ok, err = root:sleep(5)
      assert.is_nil(ok)
      assert.equal("over", err.message)
      assert.equal(0, here:elapsed())
    end)
  end)

  describe("a wait", function()
    it("says what came: the signal, the time, or the end", function()
      local ctx, signal = root:with_timeout(5), loop:signal()
      assert.is_false(ctx:await(signal, 1))
      loop:after(1, function() signal:fire() end)
      assert.is_true(ctx:await(signal))
      local came, err = ctx:await(loop:signal())
      assert.is_nil(came)
      assert.equal("deadline", err.kind)
      assert.equal(5, here:elapsed())
      assert.is_true(ctx:await(signal))
      assert_nothing_left(root, ctx)
    end)
  end)
end)
