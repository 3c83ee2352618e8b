-- The engine's life within Lua's: collected, closed with the state, several in one state, beside
-- child processes.
-- SPDX-License-Identifier: MIT

local lfs = require("lfs")
local socket = require("socket")
local luadl = require("luadl")
local helper = require("spec.support.helper")
local nginx = require("spec.support.nginx")
local program = require("spec.support.program")
local server = require("spec.support.server")

local EXITS = 20
local TLS_EXITS = 40
local TLS_SIZE = 8000000

-- Leaves the state in the middle of a download, after as many steps as it is told.
local LEAVING = [[
  local luadl = require("luadl")
  local url, dir, steps = ...
  local session = luadl.session({ dir = dir, connections = 4, min_split = 16384 })
  session:download({ url = url })
  for _ = 1, tonumber(steps) do session:step(0.01) end
  os.exit(0, true)
]]

-- Ends the process as soon as bytes come, and closes nothing.
local EXITING = [[
  local luadl = require("luadl")
  local url, dir, ca = ...
  local session = luadl.session({ dir = dir, connections = 4, min_split = 16384, cacert = ca })
  local download = session:download({ url = url })
  while download:stats().received == 0 do session:step(0.01) end
  os.exit(3)
]]

-- What a child process of this one has open, by what it refers to.
local function inherited()
  local pipe = io.popen("readlink /proc/self/fd/* 2>/dev/null")
  local found = {}
  for target in pipe:lines() do found[target] = true end
  pipe:close()
  return found
end

local function threads()
  local found = {}
  for id in lfs.dir("/proc/self/task") do found[id] = true end
  return found
end

-- How often threads other than these have slept so far.
local function wake_ups(others)
  local count = 0
  for id in pairs(threads()) do
    local status = not others[id] and helper.read("/proc/self/task/" .. id .. "/status") or ""
    count = count + tonumber(status:match("\nvoluntary_ctxt_switches:%s*(%d+)") or 0)
  end
  return count
end

describe("an engine", function()
  local origin

  setup(function() origin = server.start() end)
  teardown(function() origin:stop() end)
  before_each(helper.begin)
  after_each(helper.finish)

  local function slow(path)
    return origin:serve(path, { size = 400000, rate = 50000 })
  end

  it("L-5: is collected in the middle of a download and leaves nothing", function()
    local url, dir = slow("/collected"), helper.tmpdir()
    do
      local session = luadl.session({ dir = dir, min_split = 65536 })
      local download = session:download({ url = url })
      while download:stats().received == 0 do session:step(0.01) end
    end
    collectgarbage()
    collectgarbage()
    assert.is_true(origin:wait_idle())
  end)

  it("L-5: lives as long as somebody waits for one of its downloads", function()
    local url = origin:serve("/kept", { size = 1000 })
    local download = luadl.session({ dir = helper.tmpdir() }):download({ url = url })
    collectgarbage()
    collectgarbage()
    assert.equal(server.sha256(1, 1000), helper.sha256(assert(download:wait()).path))
    download.session:close()
  end)

  it("L-6: ends with the state, whenever that is", function()
    local url, dir = slow("/leaving"), helper.tmpdir()
    for steps = 1, EXITS do
      local outcome = program.run(LEAVING, { arguments = { url, dir, steps } })
      assert.equal("", outcome.stderr)
      assert.equal(0, outcome.status)
    end
  end)

  it("keeps its downloads apart from those of another one in the same state", function()
    local one = luadl.session({ dir = helper.tmpdir() })
    local other = luadl.session({ dir = helper.tmpdir() })
    local function start(session, path, seed)
      local url = origin:serve(path, { size = 300000, seed = seed, rate = 1000000 })
      return session:download({ url = url })
    end
    local first, second = start(one, "/first", 5), start(other, "/second", 6)
    assert.equal(server.sha256(6, 300000), helper.sha256(assert(second:wait()).path))
    assert.equal(server.sha256(5, 300000), helper.sha256(assert(first:wait()).path))
    one:close()
    other:close()
  end)

  it("survives a collection at every step", function()
    local session = luadl.session({ dir = helper.tmpdir(), connections = 4, min_split = 65536 })
    local result
    session:download({
      url = origin:serve("/storm", { size = 400000, rate = 500000 }),
      name = function() collectgarbage() end,
      on_progress = function() collectgarbage() end,
      on_done = function(done) result = done end,
    })
    while not result do
      session:step(0.01)
      collectgarbage()
    end
    assert.equal(server.sha256(1, 400000), helper.sha256(result.path))
    session:close()
  end)

  it("sleeps once its downloads have ended", function()
    local others = threads()
    local session = luadl.session({ dir = helper.tmpdir(), loops = 1 })
    assert(session:get({ url = origin:serve("/ended", { size = 1000 }) }))
    local deadline, quiet = socket.gettime() + 5, false
    while not quiet and socket.gettime() < deadline do
      local before = wake_ups(others)
      socket.sleep(0.3)
      quiet = wake_ups(others) == before
    end
    session:close()
    assert.is_true(quiet)
  end)

  it("P5: hands no socket and no file of its own to child processes", function()
    local before = inherited()
    local session = luadl.session({ dir = helper.tmpdir(), connections = 4, min_split = 65536 })
    local download = session:download({ url = slow("/children") })
    while download:stats().connections < 4 do session:step(0.01) end
    local leaked = {}
    for target in pairs(inherited()) do
      if not before[target] and not target:find("^/proc/") and not target:find("^pipe:") then
        leaked[#leaked + 1] = target
      end
    end
    session:close()
    assert.same({}, leaked)
  end)

  -- Without a handler that stops the threads first, one run of ten crashed in OpenSSL's own.
  it("P9: is stopped by os.exit in the middle of a TLS download", function()
    local web = nginx.start({ tls = true })
    finally(function() web:stop() end)
    helper.write(web.root .. "/file", server.content(1, 0, TLS_SIZE - 1))
    for _ = 1, TLS_EXITS do
      local dir = helper.make_folder()
      local arguments = { web.tls_url .. "/file", dir, web.ca }
      local outcome = program.run(EXITING, { arguments = arguments })
      helper.remove_folder(dir)
      assert.equal("", outcome.stderr)
      assert.equal(3, outcome.status)
    end
  end)
end)
