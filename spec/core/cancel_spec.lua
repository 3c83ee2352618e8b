-- Cancel and close: the answer comes in time whatever hangs, and nothing is left (I6).
-- SPDX-License-Identifier: MIT

local core = require("luadl.core")
local luadl = require("luadl")
local helper = require("spec.support.helper")
local program = require("spec.support.program")
local server = require("spec.support.server")
local stuck = require("spec.support.stuck")

local ANSWER = 0.25 -- seconds until a cancel is answered
local CLOSE = 2.2 -- seconds until a session is closed

local function timed(action, ...)
  local began = core.now()
  local result, err = action(...)
  return core.now() - began, result, err
end

local function check_cancelled(download)
  local seconds, result, err = timed(function()
    download:cancel()
    return download:wait()
  end)
  assert.is_nil(result)
  assert.equal("cancelled", err.kind)
  assert.is_true(seconds < ANSWER, ("answered after %.3f s"):format(seconds))
end

describe("a cancel", function()
  local origin, hole

  setup(function() origin = server.start() end)
  teardown(function() origin:stop() end)
  before_each(function()
    helper.begin()
    hole = stuck.black_hole()
  end)
  after_each(function()
    hole.close()
    helper.finish()
  end)

  for _, phase in ipairs(stuck.phases) do
    it("I6: is answered in time while the download is " .. phase.name, function()
      local session = luadl.session({ dir = helper.tmpdir() })
      local download = stuck.start(phase, session, origin, { url = hole.url })
      check_cancelled(download.handle)
      assert.is_true(timed(session.close, session) < CLOSE)
    end)

    it("I6: by closing the session ends a download that is " .. phase.name, function()
      local session = luadl.session({ dir = helper.tmpdir() })
      local download = stuck.start(phase, session, origin, { url = hole.url })
      assert.is_true(timed(session.close, session) < CLOSE)
      local _, err = download.handle:wait()
      assert.equal("closed", err.kind)
    end)
  end

  it("I6: right after the start is answered", function()
    local session = luadl.session({ dir = helper.tmpdir() })
    check_cancelled(session:download({ url = origin:serve("/at-once", { size = 1000 }) }))
    session:close()
  end)

  it("L-12: comes too late after the end and changes nothing", function()
    local session = luadl.session({ dir = helper.tmpdir() })
    local download = session:download({ url = origin:serve("/over", { size = 1000 }) })
    local result = assert(download:wait())
    download:cancel()
    download:cancel()
    assert.equal(result, download:wait())
    assert.equal(server.sha256(1, 1000), helper.sha256(result.path))
    session:close()
  end)

  it("L-12: may be repeated", function()
    local session = luadl.session({ dir = helper.tmpdir() })
    local url = origin:serve("/twice", { size = 100000, rate = 10000 })
    local download = session:download({ url = url })
    download:cancel("first")
    download:cancel("second")
    local _, err = download:wait()
    assert.equal("first", err.message)
    session:close()
  end)

  it("leaves the session's other downloads alone", function()
    local session = luadl.session({ dir = helper.tmpdir() })
    local slow = origin:serve("/one", { size = 200000, rate = 100000 })
    local quick = origin:serve("/other", { size = 200000, rate = 400000 })
    local one, other = session:download({ url = slow }), session:download({ url = quick })
    while one:stats().received == 0 do session:step(0.01) end
    check_cancelled(one)
    local result = assert(other:wait())
    assert.equal(server.sha256(1, 200000), helper.sha256(result.path))
    session:close()
  end)

  it("L-9: may come from a policy of the same download", function()
    local session = luadl.session({ dir = helper.tmpdir() })
    local download
    download = session:download({
      url = origin:serve("/own", { size = 1000 }),
      name = function() download:cancel() end,
    })
    local _, err = download:wait()
    assert.equal("cancelled", err.kind)
    session:close()
  end)

  it("L-9: a session may be closed from a policy", function()
    local session = luadl.session({ dir = helper.tmpdir() })
    local download = session:download({
      url = origin:serve("/closing", { size = 1000 }),
      name = function() session:close() end,
    })
    local _, err = download:wait()
    assert.equal("closed", err.kind)
  end)
end)

-- Prints the kind of the error and the seconds until the answer, for the close, and until no .part
-- is left.
local HANGING = [[
  local core, luadl, lfs = require("luadl.core"), require("luadl"), require("lfs")
  local url, dir, wait_for = ...
  local session = luadl.session({ dir = dir, connections = 2, min_split = 16384 })
  local download = session:download({ url = url })
  local function part_left()
    for name in lfs.dir(dir) do
      if name:find("%.part$") then return true end
    end
  end
  local began = core.now()
  while core.now() - began < tonumber(wait_for) do session:step(0.01) end
  local cancelled = core.now()
  download:cancel()
  local _, err = download:wait()
  local answered = core.now()
  session:close()
  local closed = core.now()
  while part_left() and core.now() - closed < 5 do luadl.sleep(0.02) end
  print(err and err.kind, answered - cancelled, closed - answered, core.now() - closed)
  os.exit(part_left() and 1 or 0)
]]

describe("a cancel while a system call hangs", function()
  local origin

  setup(function() origin = server.start() end)
  teardown(function() origin:stop() end)
  before_each(helper.begin)
  after_each(helper.finish)

  local function check(url, fault, seconds)
    local arguments = { url, helper.tmpdir(), seconds }
    local outcome = program.run(HANGING, { arguments = arguments, fault = fault })
    local kind, answer, close = outcome.stdout:match("^(%S+)\t(%S+)\t(%S+)")
    assert.equal("cancelled", kind, outcome.stderr)
    assert.is_true(tonumber(answer) < ANSWER, "answered after " .. answer .. " s")
    assert.is_true(tonumber(close) < CLOSE, "closed after " .. close .. " s")
    assert.equal(0, outcome.status, outcome.stdout .. outcome.stderr)
  end

  it("H59: is answered in time while the name is looked up", function()
    check("http://luadl.invalid/file", "getaddrinfo:SLOW30", "0.2")
  end)

  for _, call in ipairs({ "fallocate", "pwrite", "fsync" }) do
    it("I6: is in time while " .. call .. " hangs; the .part goes when it returns", function()
      check(origin:serve("/" .. call, { size = 100000 }), call .. ":SLOW3", "0.3")
    end)
  end

  it("comes too late for a file whose rename hangs, and the download succeeds", function()
    local url, dir = origin:serve("/rename", { size = 1000 }), helper.tmpdir()
    local arguments = { url, dir, "0.3" }
    local outcome = program.run(HANGING, { arguments = arguments, fault = "renameat2:SLOW1" })
    assert.equal("nil", outcome.stdout:match("^%S+"), outcome.stderr)
    assert.equal(server.sha256(1, 1000), helper.sha256(dir .. "/rename"))
  end)
end)
