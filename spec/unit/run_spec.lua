--- Programs: what they return, what they wait for, what becomes of their errors.
-- SPDX-License-Identifier: MIT

local group = require("luadl.group")
local run = require("luadl.run")
local world = require("spec.support.world")

describe("run", function()
  local here, loop

  before_each(function()
    here = world.new()
    loop = here.loop
  end)

  it("returns what the program returns", function()
    local function pack(...) return { n = select("#", ...), ... } end
    assert.same({ n = 3, 1, nil, 3 }, pack(run(loop, function() return 1, nil, 3 end)))
    assert.same({ n = 0 }, pack(run(loop, function() end)))
    assert.same({ nil, "why" }, { run(loop, function() return nil, "why" end) })
  end)

  it("hands it a context that ends with it", function()
    local seen
    run(loop, function(ctx)
      seen = ctx
      assert.is_nil(ctx:err())
      return ctx:sleep(3)
    end)
    assert.equal("cancelled", seen:err().kind)
    assert.equal(3, here:elapsed())
    assert.is_nil(loop:timeout())
  end)

  it("gives what it throws as an error with a traceback", function()
    local result, err = run(loop, function() error("oops") end)
    assert.is_nil(result)
    assert.equal("callback", err.kind)
    assert.truthy(err.message:find("^run: .*oops"))
    assert.truthy(err.traceback:find("run_spec", 1, true))
  end)

  it("waits for all that was started in it, however deep", function()
    local ended = {}
    run(loop, function()
      loop:spawn("one", function()
        loop:sleep(1)
        loop:spawn("two", function()
          loop:sleep(5)
          ended[#ended + 1] = "two"
        end)
        ended[#ended + 1] = "one"
      end)
    end)
    assert.same({ "one", "two" }, ended)
    assert.equal(6, here:elapsed())
  end)

  it("doesn't wait for what was started elsewhere", function()
    loop:spawn("other", function() loop:sleep(100) end)
    run(loop, function() loop:sleep(1) end)
    assert.equal(1, here:elapsed())
  end)

  it("waits for its downloads", function()
    local download
    here:at(4, function() here:done(1) end)
    run(loop, function() download = here:download() end)
    assert.is_true(download.ended.fired)
    assert.equal(4, here:elapsed())
  end)

  it("that fails cancels what it started with its context", function()
    local slept, why
    local _, err = run(loop, function(ctx)
      local tasks = group.new(ctx)
      tasks:go(function(inner)
        slept, why = inner:sleep(100)
        return true
      end)
      loop:sleep(1)
      return nil, "no"
    end)
    assert.equal("no", err)
    assert.is_nil(slept)
    assert.equal("no", why.message)
    assert.equal(1, here:elapsed())
  end)

  it("runs the listeners of its context before it returns, and tells what one throws", function()
    local heard
    local result, err = run(loop, function(ctx)
      ctx:on_cancel(function()
        loop:sleep(2)
        heard = true
      end)
      ctx:on_cancel(function() error("oops") end)
      return "fine"
    end)
    assert.is_true(heard)
    assert.is_nil(result)
    assert.truthy(err.message:find("^on_cancel: .*oops"))
  end)

  it("may be said again, but not inside of itself", function()
    assert.equal("again", run(loop, function()
      local ok, message = pcall(run, loop, function() end)
      assert.is_false(ok)
      assert.truthy(message:find("a program runs already", 1, true))
      return "again"
    end))
    assert.error_matches(function() run(loop, "program.lua") end, "a function is expected")
  end)

  it("passes on an interrupt of the host's, and cancels its context", function()
    local seen
    here:at(2, function() error("interrupted!", 0) end)
    local ok, message = pcall(run, loop, function(ctx)
      seen = ctx
      ctx:sleep(100)
    end)
    assert.is_false(ok)
    assert.equal("interrupted!", message)
    assert.equal("interrupted!", seen:err().message)
    assert.is_nil(loop:owner())
    here:settle()
  end)
end)
