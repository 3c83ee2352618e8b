--- Other people's event loops: libuv's through luv, and cqueues.
-- SPDX-License-Identifier: MIT

local cqueues = require("cqueues")
local helper = require("spec.support.helper")
local luadl = require("luadl")
local use_cqueues = require("luadl.adapter.cqueues")
local use_luv = require("luadl.adapter.luv")
local uv = require("luv")

local DOWNLOAD = 0.3 -- seconds that a download takes

local function options()
  local tried = false
  return {
    url = helper.dead_url(), dir = helper.tmpdir(),
    retry = function()
      if tried then return false end
      tried = true
      return DOWNLOAD
    end,
  }
end

describe("an adapter", function()
  local session, adapter

  -- Its own descriptors.
  setup(function()
    local timer = uv.new_timer()
    uv.timer_start(timer, 0, 0, function() uv.close(timer) end)
    uv.run()
  end)
  before_each(function()
    helper.begin()
    session = luadl.session()
  end)
  after_each(function()
    if adapter then adapter.close() end
    session:close()
    session, adapter = nil, nil
    collectgarbage()
    helper.finish()
  end)

  describe("to libuv", function()
    before_each(function() adapter = use_luv(session.loop) end)
    after_each(function()
      adapter.close()
      uv.run()
    end)

    it("runs downloads and timers while libuv's own go on, and then lets it end", function()
      local log = {}
      local timer = uv.new_timer()
      uv.timer_start(timer, 100, 0, function()
        log[#log + 1] = "uv"
        uv.close(timer)
      end)
      session.loop:spawn("sleeper", function()
        luadl.sleep(0.02)
        log[#log + 1] = "slept"
      end)
      session.loop:spawn("download", function()
        local _, err = session:get(options())
        log[#log + 1] = err.kind
      end)
      uv.run()
      table.sort(log)
      assert.same({ "connect", "slept", "uv" }, log)
    end)

    it("hears of what begins in a callback, and after libuv had nothing to do", function()
      uv.run()
      local kind
      local timer = uv.new_timer()
      uv.timer_start(timer, 20, 0, function()
        uv.close(timer)
        session.loop:spawn("download", function()
          local _, err = session:get(options())
          kind = err.kind
        end)
      end)
      uv.run()
      assert.equal("connect", kind)
      session.loop:spawn("again", function()
        luadl.sleep(0.01)
        kind = "slept"
      end)
      uv.run()
      assert.equal("slept", kind)
    end)

    it("costs nothing while luadl idles", function()
      local timer, began = uv.new_timer(), os.clock()
      uv.timer_start(timer, 300, 0, function() uv.close(timer) end)
      uv.run()
      assert.is_true(os.clock() - began < 0.02)
    end)

    it("leaves the loop to others when it is closed, also twice", function()
      adapter.close()
      adapter.close()
      uv.run()
      local _, err = session:get(options())
      assert.equal("connect", err.kind)
    end)
  end)

  it("to libuv in Neovim runs tasks where they may touch the editor, once at a time", function()
    local scheduled, callbacks = {}, {}
    local function nothing() end
    local stub = setmetatable({
      new_poll = function() return "poll" end, new_timer = function() return "timer" end,
      new_prepare = function() return "prepare" end,
      poll_start = function(_, _, run) callbacks.poll = run end,
    }, { __index = function() return nothing end })
    _G.vim = { uv = stub, schedule = function(run) scheduled[#scheduled + 1] = run end }
    adapter = use_luv(session.loop)
    local ran = false
    session.loop:spawn("task", function() ran = true end)
    for _ = 1, 3 do callbacks.poll() end
    _G.vim = nil
    assert.is_false(ran)
    assert.equal(1, #scheduled)
    scheduled[1]()
    assert.is_true(ran)
  end)

  describe("to cqueues", function()
    it("lets the controller's coroutines wait for luadl without blocking each other", function()
      local controller, log, began = cqueues.new(), {}, luadl.now()
      adapter = use_cqueues(session.loop, controller)
      for number = 1, 3 do
        controller:wrap(function()
          local _, err = session:get(options())
          log[#log + 1] = number .. err.kind
        end)
      end
      controller:wrap(function()
        cqueues.sleep(0.1)
        log[#log + 1] = "slept"
      end)
      controller:wrap(function()
        luadl.sleep(0.05)
        log[#log + 1] = "slept by luadl"
      end)
      assert(controller:loop())
      table.sort(log)
      assert.same({ "1connect", "2connect", "3connect", "slept", "slept by luadl" }, log)
      assert.is_true(luadl.now() - began < DOWNLOAD + 5)
    end)

    it("hears of what is due earlier than what it waits for", function()
      local controller, at, began = cqueues.new(), nil, luadl.now()
      adapter = use_cqueues(session.loop, controller)
      local late = session.loop:after(2, function() end)
      controller:wrap(function()
        cqueues.sleep(0.05)
        session.loop:spawn("task", function()
          luadl.sleep(0.05)
          at = luadl.now() - began
          session.loop:forget(late)
        end)
      end)
      assert(controller:loop())
      assert.is_true(at < 1, at .. " s")
      assert.is_true(luadl.now() - began < 1)
    end)

    it("wants a controller", function()
      assert.error_matches(function() use_cqueues(session.loop) end, "a controller is expected")
    end)
  end)
end)
