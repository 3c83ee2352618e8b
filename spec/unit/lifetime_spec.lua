--- Downloads under a context: its end, its deadline and its values, in every phase of their lives.
-- SPDX-License-Identifier: MIT

local context = require("luadl.context")
local errors = require("luadl.errors")
local world = require("spec.support.world")

local ORIGIN = "http://host"

describe("a download with a context", function()
  local here, ctx

  before_each(function()
    here = world.new()
    ctx = context.background(here.loop):with_value("trace", "t-1"):with_cancel()
  end)

  local function begin(opts)
    opts = opts or {}
    opts.context = opts.context or ctx
    local download = here:download(opts)
    here:settle()
    return download
  end

  local function assert_ended(download, kind)
    here:settle()
    assert.is_true(download.ended.fired)
    assert.equal(kind, download.error and download.error.kind, tostring(download.error))
    assert.equal(0, here.loop.timers:count())
    assert.is_true(not ctx.listeners or ctx.listeners:is_empty())
    return download.error
  end

  describe("that is cancelled", function()
    local phases = {
      ["waits for its host"] = function()
        here.session.hosts:wait(ORIGIN, 100)
        return begin()
      end,
      ["waits for its head"] = begin,
      ["has a name policy that sleeps"] = function()
        local download = begin({ name = function(_, own) own:sleep(100) end })
        here:head(download.id)
        return download
      end,
      ["receives"] = function()
        local download = begin()
        here:head(download.id)
        return download
      end,
      ["waits to try again"] = function()
        local download = begin({ retry = function() return 100 end })
        here:fault(download.id)
        return download
      end,
      ["has a retry policy that sleeps"] = function()
        local download = begin({ retry = function(_, own) own:sleep(100) end })
        here:fault(download.id)
        return download
      end,
      ["waits for a fresh link"] = function()
        local download = begin({ renew = function(_, own) own:sleep(100) end })
        here:fault(download.id, {
          error = { kind = "http_status", message = "the host answered 403", status = 403 },
        })
        return download
      end,
    }

    for name, reach in pairs(phases) do
      it("ends at once while it " .. name, function()
        local download = reach()
        here:settle()
        local before = here:elapsed()
        ctx:cancel("enough")
        local err = assert_ended(download, "cancelled")
        assert.equal(before, here:elapsed())
        assert.equal("enough", err.cause.message)
        assert.truthy(tostring(err):find("^cancelled %(.*http://host/file.bin%): enough$"))
      end)
    end

    it("keeps an error that is the reason as the cause", function()
      local download, reason = begin(), errors.new("no_space", "the disk is full")
      ctx:cancel(reason)
      assert.equal(reason, assert_ended(download, "cancelled").cause)
    end)

    it("has ended before it began when the context had: nothing is asked", function()
      ctx:cancel("over")
      local download = begin()
      assert_ended(download, "cancelled")
      assert.same({}, here:told("new"))
      local late = begin({ context = context.background(here.loop):with_timeout(-1) })
      assert_ended(late, "deadline")
      assert.same({}, here:told("new"))
    end)
  end)

  describe("that has a deadline", function()
    it("tells the engine how long that is, the shorter of both", function()
      begin({ context = ctx:with_timeout(7), deadline = 9 })
      begin({ context = ctx:with_timeout(7), deadline = 5 })
      begin({ context = ctx })
      local asked = here:told("new")
      assert.equal(7, asked[1][1].deadline)
      assert.equal(5, asked[2][1].deadline)
      assert.is_nil(asked[3][1].deadline)
    end)

    it("ends with it though the engine says nothing", function()
      local download = begin({ context = ctx:with_timeout(7) })
      here:run_until(6.9)
      assert.is_false(download.ended.fired)
      here:run_until(7)
      assert.equal("the deadline passed", assert_ended(download, "deadline").cause.message)
    end)

    it("ends with it while it waits for its host", function()
      here.session.hosts:wait(ORIGIN, 100)
      local download = begin({ context = ctx:with_timeout(7) })
      here:run_until(7.1)
      assert_ended(download, "deadline")
      assert.same({}, here:told("new"))
    end)

    it("has less of it left when the host's peace is over", function()
      here.session.hosts:wait(ORIGIN, 3)
      begin({ context = ctx:with_timeout(7) })
      here:run_until(4)
      assert.is_true(math.abs(here:told("new")[1][1].deadline - 4) < 1e-6)
    end)
  end)

  it("hands it to all policies and observers, with a deadline and the values", function()
    local seen = {}
    local opts = { deadline = 9 }
    for _, name in ipairs({ "name", "exists", "retry", "on_retry", "on_done" }) do
      opts[name] = function(...)
        local own = select(select("#", ...), ...)
        seen[#seen + 1] = name .. " " .. own:value("trace")
        assert.equal(1009, own:deadline())
      end
    end
    local download = begin(opts)
    here:head(download.id)
    here:settle()
    here:fault(download.id)
    here:run_until(2)
    here:done(download.id)
    here:settle()
    here.time = 1000
    here:head(begin(opts).id)
    here:settle()
    here:taken(2)
    here:settle()
    assert.same({
      "name t-1", "retry t-1", "on_retry t-1", "on_done t-1", "name t-1", "exists t-1",
    }, seen)
  end)

  it("ends its own context with itself, not the given one", function()
    local own
    local download = begin({ name = function(_, inner) own = inner end })
    here:head(download.id)
    here:settle()
    assert.is_nil(own:err())
    here:done(download.id)
    here:settle()
    assert.equal("cancelled", own:err().kind)
    assert.is_nil(ctx:err())
    assert_ended(download, nil)
  end)

  it("wakes its policies when it is cancelled by itself", function()
    local slept, why
    local download = begin({ name = function(_, own) slept, why = own:sleep(100) end })
    here:head(download.id)
    here:settle()
    download:cancel("enough")
    here:settle()
    assert.is_nil(slept)
    assert.equal("cancelled", why.kind)
    assert_ended(download, "cancelled")
  end)

  it("ends a policy that never waits once it is cancelled (L-2)", function()
    local download
    download = begin({
      name = function()
        download:cancel("enough")
        while true do end
      end,
    })
    here:head(download.id)
    here:settle()
    assert_ended(download, "cancelled")
  end)

  describe("may be waited for under another context", function()
    it("whose end ends the wait, not the download", function()
      local download, other = begin(), ctx:with_timeout(3)
      local result, err = download:wait(other)
      assert.is_nil(result)
      assert.equal("deadline", err.kind)
      assert.equal(3, here:elapsed())
      assert.is_false(download.ended.fired)
      here:done(download.id)
      assert.equal("file.bin", download:wait(ctx).path)
    end)
  end)

  it("refuses what is no context", function()
    for _, value in ipairs({ 5, "ctx", {} }) do
      assert.error_matches(function() here:download({ context = value }) end, "'context'")
    end
  end)
end)
