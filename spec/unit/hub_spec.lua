--- One loop for all sessions: they wait for each other's downloads, and go one by one.
-- SPDX-License-Identifier: MIT

local helper = require("spec.support.helper")
local luadl = require("luadl")

-- Nobody listens there.
describe("the loop of all sessions", function()
  before_each(helper.begin)
  after_each(helper.finish)

  -- A download that takes this long to fail.
  local function fail_after(session, seconds, ctx)
    local tried = false
    return session:get({
      url = helper.dead_url(), dir = helper.tmpdir(), context = ctx,
      retry = function()
        if tried then return false end
        tried = true
        return seconds
      end,
    })
  end

  it("lets the downloads of several sessions wait at once", function()
    local sessions = { luadl.session(), luadl.session(), luadl.session() }
    assert.equal(sessions[1].loop, sessions[3].loop)
    local began = luadl.now()
    assert(luadl.run(function(ctx)
      local tasks = luadl.group(ctx)
      for _, session in ipairs(sessions) do
        tasks:go(function(inner)
          local _, err = fail_after(session, 0.3, inner)
          assert.equal("connect", err.kind)
        end)
      end
      return tasks:wait()
    end))
    local took = luadl.now() - began
    assert.is_true(took >= 0.3 and took < 0.6, took .. " s")
    for _, session in ipairs(sessions) do session:close() end
  end)

  it("goes on for the others when one is closed", function()
    local one, other = luadl.session(), luadl.session()
    local download = one:download({ url = helper.dead_url(), retry = function() return 60 end })
    local kind
    other:run(function()
      other.loop:spawn("closer", function()
        luadl.sleep(0.05)
        one:close()
      end)
      local _, err = fail_after(other, 0.1)
      kind = err.kind
    end)
    assert.equal("connect", kind)
    assert.equal("closed", select(2, download:wait()).kind)
    other:close()
  end)

  it("ends a session's download by a deadline that another's program has set", function()
    local session = luadl.session()
    local result, err = luadl.run(function(ctx)
      return fail_after(session, 60, ctx:with_timeout(0.2))
    end)
    assert.is_nil(result)
    assert.equal("deadline", err.kind)
    session:close()
  end)

  it("doesn't keep a session that is dropped", function()
    local kept = luadl.session()
    local dropped = setmetatable({ luadl.session() }, { __mode = "v" })
    dropped[1]:download({ url = helper.dead_url(), dir = helper.tmpdir(), retry = 0 })
    collectgarbage()
    collectgarbage()
    assert.is_nil(dropped[1])
    kept:close()
  end)

  it("serves programs and sleeps without any session", function()
    assert.equal("fine", luadl.run(function(ctx)
      assert(ctx:sleep(0.01))
      luadl.sleep(0.01)
      return "fine"
    end))
    luadl.sleep(0.01)
    local ctx = luadl.context.background():with_timeout(0.01)
    assert.is_nil(ctx:sleep(5))
  end)

  it("can be polled: the descriptor is readable when an event waits", function()
    local socket = require("socket")
    local session = luadl.session()
    local poll = { getfd = function() return session.loop:pollfd() end }
    session:step(0)
    assert.equal(0, #socket.select({ poll }, nil, 0))
    assert.is_nil(session.loop:timeout())
    session:download({ url = helper.dead_url(), dir = helper.tmpdir(), retry = 0 })
    assert.is_true(session.loop:timeout() < 0.1)
    assert.equal(1, #socket.select({ poll }, nil, 5))
    session:close()
  end)
end)
