--- Groups: places, first errors, order of results, on a virtual clock.
-- SPDX-License-Identifier: MIT

local context = require("luadl.context")
local errors = require("luadl.errors")
local group = require("luadl.group")
local world = require("spec.support.world")

describe("group", function()
  local here, loop, root

  before_each(function()
    here = world.new()
    loop = here.loop
    root = context.background(loop)
  end)

  local function sleeper(seconds)
    return function(ctx) return ctx:sleep(seconds) end
  end

  it("waits until all have ended, outside of tasks and inside", function()
    local tasks = group.new(root)
    for seconds = 1, 3 do tasks:go(sleeper(seconds)) end
    assert.is_true(tasks:wait())
    assert.equal(3, here:elapsed())
    local inner = loop:spawn("parent", function()
      local own = group.new(root)
      own:go(sleeper(2))
      return own:wait()
    end)
    loop:await(inner.ended)
    assert.is_true(inner.results[1])
    assert.equal(5, here:elapsed())
    assert.is_nil(loop:timeout())
  end)

  it("without tasks ends at once", function()
    assert.is_true(group.new(root):wait())
  end)

  it("hands its tasks a context with the parent's values, and their arguments", function()
    local seen
    local tasks = group.new(root:with_value("who", "me"))
    tasks:go(function(ctx, ...) seen = { ctx:value("who"), ... } end, 1, nil, 3)
    tasks:wait()
    assert.same({ "me", 1, nil, 3 }, seen)
  end)

  it("returns the first error, and cancels the others with it as the reason", function()
    local first, told = errors.new("http_status", "not found"), nil
    local tasks = group.new(root)
    tasks:go(function(ctx)
      local ok, err = ctx:sleep(100)
      told = err
      return ok, err
    end)
    tasks:go(function(ctx)
      ctx:sleep(1)
      return nil, first
    end)
    tasks:go(function(ctx)
      ctx:sleep(2)
      error("later")
    end)
    local ok, err = tasks:wait()
    assert.is_nil(ok)
    assert.equal(first, err)
    assert.equal("cancelled", told.kind)
    assert.equal(first, told.cause)
    assert.equal(1, here:elapsed())
    assert.is_nil(root:err())
  end)

  it("waits for those that don't heed the cancel", function()
    local tasks, ended = group.new(root), false
    tasks:go(function() return nil, "no" end)
    tasks:go(function()
      loop:sleep(7)
      ended = true
    end)
    local _, err = tasks:wait()
    assert.equal("no", err)
    assert.is_true(ended)
    assert.equal(7, here:elapsed())
  end)

  it("makes of what a task throws an error of kind callback", function()
    local tasks = group.new(root)
    tasks:go(function() error("oops") end)
    local _, err = tasks:wait()
    assert.equal("callback", err.kind)
    assert.truthy(err.message:find("oops", 1, true))
    assert.truthy(err.traceback:find("group_spec", 1, true))
  end)

  it("ends with its parent, whose reason its tasks get", function()
    local ctx = root:with_timeout(3)
    local tasks = group.new(ctx)
    tasks:go(sleeper(100))
    local ok, err = tasks:wait()
    assert.is_nil(ok)
    assert.equal("deadline", err.kind)
    assert.equal(3, here:elapsed())
    assert.equal(0, loop.timers:count())
  end)

  it("ends its context with the wait, and takes no further task", function()
    local tasks, seen = group.new(root), nil
    tasks:go(function(ctx) seen = ctx end)
    tasks:wait()
    assert.equal("cancelled", seen:err().kind)
    assert.error_matches(function() tasks:go(sleeper(1)) end, "it has ended")
    assert.is_true(tasks:wait())
  end)

  it("starts nothing any more once it has failed or its context has ended", function()
    local ctx = root:with_cancel()
    ctx:cancel("over")
    local tasks = group.new(ctx)
    local ok, err = tasks:go(function() error("it ran") end)
    assert.is_nil(ok)
    assert.equal("over", err.message)
    assert.same({ nil, err }, { tasks:wait() })
  end)

  describe("with a limit", function()
    it("runs so many at once, in order", function()
      local running, most, order = 0, 0, {}
      local tasks = group.new(root, { limit = 2 })
      for number = 1, 6 do
        tasks:go(function(ctx)
          running = running + 1
          most = math.max(most, running)
          order[#order + 1] = number
          ctx:sleep(1)
          running = running - 1
        end)
      end
      assert.equal(2, here:elapsed())
      assert.is_true(tasks:wait())
      assert.equal(2, most)
      assert.same({ 1, 2, 3, 4, 5, 6 }, order)
      assert.equal(3, here:elapsed())
    end)

    it("gives a place to who waits longest", function()
      local order = {}
      local tasks = group.new(root, { limit = 1 })
      tasks:go(sleeper(1))
      for number = 1, 4 do
        loop:spawn("starter", function()
          tasks:go(function() order[#order + 1] = number end)
        end)
      end
      here:run_until(3)
      assert.is_true(tasks:wait())
      assert.same({ 1, 2, 3, 4 }, order)
    end)

    it("wakes who waits for a place when its context ends", function()
      local ctx = root:with_timeout(3)
      local tasks = group.new(ctx, { limit = 1 })
      tasks:go(function() loop:sleep(10) end)
      local ok, err = tasks:go(function() error("it ran") end)
      assert.is_nil(ok)
      assert.equal("deadline", err.kind)
      assert.equal(3, here:elapsed())
      local _, why = tasks:wait()
      assert.equal(err, why)
      assert.equal(10, here:elapsed())
    end)

    it("lets a task add others without waiting for their places", function()
      local tasks, seen = group.new(root, { limit = 2 }), {}
      local function visit(ctx, depth, name)
        seen[#seen + 1] = name
        ctx:sleep(1)
        if depth == 0 then return end
        for number = 1, 3 do tasks:go(visit, depth - 1, name .. number) end
      end
      tasks:go(visit, 3, "a")
      assert.is_true(tasks:wait())
      assert.equal(1 + 3 + 9 + 27, #seen)
    end)

    it("drops what tasks added when one fails, however much it is", function()
      local tasks, ran = group.new(root, { limit = 1 }), 0
      tasks:go(function()
        for _ = 1, 20000 do tasks:go(function() ran = ran + 1 end) end
        return nil, "no"
      end)
      local _, err = tasks:wait()
      assert.equal("no", err)
      assert.equal(0, ran)
    end)
  end)

  describe("map", function()
    it("gives the results in the order of the list", function()
      local results = group.new(root, { limit = 3 }):map({ 5, 1, 3, 2 }, function(ctx, item, index)
        ctx:sleep(item)
        return item * 10 + index
      end)
      assert.same({ 51, 12, 33, 24 }, results)
    end)

    it("gives the first error, and starts no more", function()
      local started = 0
      local results, err = group.new(root, { limit = 1 }):map({ 1, 2, 3 }, function(_, item)
        started = started + 1
        if item == 2 then return nil, "two" end
        return item
      end)
      assert.is_nil(results)
      assert.equal("two", err)
      assert.equal(2, started)
    end)

    it("of nothing is nothing", function()
      assert.same({}, group.new(root):map({}, error))
    end)
  end)

  it("refuses what can't be meant", function()
    assert.error_matches(function() group.new({}) end, "a context is expected")
    assert.error_matches(function() group.new(root, { limits = 3 }) end, "'limits'")
    assert.error_matches(function() group.new(root, { limit = 0 }) end, "'limit'")
    assert.error_matches(function() group.new(root):go("x") end, "a function is expected")
    local tasks = group.new(root)
    tasks:go(function() tasks:wait() end)
    local _, err = tasks:wait()
    assert.truthy(err.message:find("a task of the group waits for it", 1, true))
  end)
end)
