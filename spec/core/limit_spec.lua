--- Rate limits through the engine, against a real nginx: what came beside what the clock allows.
-- SPDX-License-Identifier: MIT
--
-- Bounds from above are exact, as no load on the machine can break them; those from below only say
-- that bytes flow.

local core = require("luadl.core")
local helper = require("spec.support.helper")
local luadl = require("luadl")
local nginx = require("spec.support.nginx")
local server = require("spec.support.server")

local SEED, SIZE = 7, 1024 * 1024
local BURST = 0.1 -- seconds of the rate
local EXACT = 1.03

local CONFIG = [[
    location /away/ { return 302 http://localhost:$server_port/file.bin; }
]]

describe("a rate limit", function()
  local root, web, sum, folder, session

  setup(function()
    root = helper.make_folder()
    helper.write(root .. "/file.bin", server.content(SEED, 0, SIZE - 1))
    for index = 1, 8 do helper.write(root .. "/small" .. index, ("x"):rep(16384)) end
    sum = server.sha256(SEED, SIZE)
    web = nginx.start({ root = root, config = CONFIG })
  end)

  teardown(function()
    web:stop()
    helper.remove_folder(root)
  end)

  before_each(function()
    helper.begin()
    folder = helper.tmpdir()
  end)

  after_each(function()
    session:close()
    helper.finish()
  end)

  local function open(opts)
    opts.dir, opts.min_split = folder, 65536
    session = assert(luadl.session(opts))
  end

  local function assert_right(result, err)
    assert.is_nil(err)
    assert.equal(sum, helper.sha256(result.path))
  end

  -- So many bytes came in `seconds`: were they allowed to?
  local function assert_slow(rate, bytes, seconds)
    local least = bytes / (rate * EXACT) - BURST
    assert.is_true(seconds >= least, ("%g s, %g were due"):format(seconds, least))
    assert.is_true(seconds < 4 * bytes / rate + 5, "it hardly moves: " .. seconds)
  end

  local function timed(run)
    local began = core.now()
    run()
    return core.now() - began
  end

  for _, connections in ipairs({ 1, 8 }) do
    it("of the session holds over " .. connections .. " connections", function()
      open({ limit_rate = "512K", connections = connections })
      local seconds = timed(function()
        assert_right(session:get({ url = web.url .. "/file.bin" }))
      end)
      assert_slow(512 * 1024, SIZE, seconds)
    end)
  end

  it("of the session holds for several files together", function()
    open({ limit_rate = "1M" })
    local seconds = timed(function()
      local first = session:download({ url = web.url .. "/file.bin" })
      local second = session:download({ url = web.url .. "/file.bin" })
      assert_right(first:wait())
      assert_right(second:wait())
    end)
    assert_slow(SIZE, 2 * SIZE, seconds)
  end)

  it("holds for small files, each of which is over at once", function()
    open({ limit_rate = "128K", host_limit_rate = "64K" })
    local seconds = timed(function()
      for index = 1, 8 do assert(session:get({ url = web.url .. "/small" .. index })) end
    end)
    assert_slow(64 * 1024, 8 * 16384, seconds)
  end)

  it("holds for answers in memory", function()
    open({ file_limit_rate = "512K" })
    local seconds = timed(function()
      local page = assert(session:fetch(web.url .. "/file.bin"))
      assert.equal(SIZE, #page.body)
    end)
    assert_slow(512 * 1024, SIZE, seconds)
  end)

  it("of a file leaves the others alone", function()
    open({})
    local slow = session:download({ url = web.url .. "/file.bin", file_limit_rate = "256K" })
    assert_right(session:get({ url = web.url .. "/file.bin" }))
    assert.is_false(slow.ended.fired)
    slow:cancel()
    slow:wait()
  end)

  it("of a host counts for whoever is led there", function()
    open({})
    session:limit("512K", "localhost")
    assert_right(session:get({ url = web.url .. "/file.bin" })) -- 127.0.0.1: another name
    local seconds = timed(function()
      assert_right(session:get({ url = web.url .. "/away/", output = "away" }))
    end)
    assert_slow(512 * 1024, SIZE, seconds)
  end)

  it("of a host may stand in its table", function()
    open({ host_limit_rate = "64K", host = { ["127.0.0.1"] = { host_limit_rate = "512K" } } })
    local seconds = timed(function()
      assert_right(session:get({ url = web.url .. "/file.bin" }))
    end)
    assert_slow(512 * 1024, SIZE, seconds)
  end)

  it("can be lifted while streams wait for it", function()
    open({ limit_rate = "1K", host_limit_rate = "1K", file_limit_rate = "1K" })
    local download = session:download({ url = web.url .. "/file.bin" })
    repeat session:step(1) until download:stats().connections > 0 or download.ended.fired
    session:limit(0)
    session:limit("none", "127.0.0.1")
    download:limit(0)
    assert_right(download:wait(60))
  end)

  it("can be set while streams run", function()
    open({ limit_rate = "1M", connections = 1 })
    local download = session:download({ url = web.url .. "/file.bin" })
    repeat session:step(1) until download:stats().received > 0 or download.ended.fired
    local before, began = download:stats().received, core.now()
    session:limit("256K")
    assert_right(download:wait(60))
    -- What was paid for, and what libcurl holds, may still come at the old rate.
    local ahead = SIZE * (BURST + 0.01) + 512 * 1024
    assert.is_true(core.now() - began >= (SIZE - before - ahead) / (256 * 1024 * EXACT) - BURST)
  end)

  it("isn't taken for a stalled server", function()
    open({ limit_rate = "2K", connections = 4, stall_timeout = 0.5, retry = 0 })
    local download = session:download({ url = web.url .. "/file.bin" })
    local _, err = download:wait(4)
    assert.equal("timeout", err.kind) -- it still runs
    assert.is_true(download:stats().received > 0)
    download:cancel()
    download:wait()
  end)

  it("lets a cancel through at once", function()
    open({ limit_rate = 1 })
    local download = session:download({ url = web.url .. "/file.bin" })
    download:wait(0.5)
    local seconds = timed(function()
      download:cancel()
      assert.equal("cancelled", select(2, download:wait()).kind)
    end)
    assert.is_true(seconds < 0.25)
  end)

  it("refuses what is no rate, and a session that is closed", function()
    open({})
    assert.error_matches(function() session:limit("fast") end, "limit: 'fast' is not a rate")
    for _, host in ipairs({ "http://a.org", "a.org:80", "*.a.org", "", 5 }) do
      assert.error_matches(function() session:limit("1M", host) end, "without scheme and port")
    end
    session:close()
    assert.error_matches(function() session:limit("1M") end, "the session is closed")
  end)
end)
