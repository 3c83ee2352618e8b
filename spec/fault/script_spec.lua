--- What scripts do wrong (rows L-1 to L-12), with the real engine under them.
-- SPDX-License-Identifier: MIT

local core = require("luadl.core")
local luadl = require("luadl")
local helper = require("spec.support.helper")
local merged = require("spec.support.merged")
local oracle = require("spec.support.oracle")
local program = require("spec.support.program")
local server = require("spec.support.server")

local SIZE = 200000
local FILE = { size = SIZE, seed = 4, etag = '"a"' }
local PROMPT = 0.25 -- seconds within which an end is told (I6)

local origin, folder, session
local paths = 0

local function refuse_once(connection, request, parameters, state)
  state.asked = (state.asked or 0) + 1
  if state.asked == 1 then return connection:reply(503, {}, "") end
  return connection:file(request, parameters)
end

local function refuse(connection)
  return connection:reply(404, {}, "")
end

local function serve(path, behaviour, parameters)
  return origin:serve(path, behaviour, merged(FILE, parameters))
end

local function start(opts)
  local usual = { dir = folder, connections = 3, min_split = 16384, retry = oracle.quick() }
  return session:download(merged(usual, opts))
end

local function check_right(result, err)
  assert.is_nil(err)
  assert.equal(server.sha256(FILE.seed, SIZE), helper.sha256(result.path))
end

local function fails(kind, opts)
  local result, err = start(opts):wait(10)
  assert.is_nil(result)
  assert.equal(kind, err.kind, tostring(err))
  return err
end

describe("a script", function()
  setup(function() origin = server.start() end)
  teardown(function() origin:stop() end)
  before_each(function()
    helper.begin()
    folder = helper.tmpdir()
    session = assert(luadl.session())
  end)
  after_each(function()
    session:close()
    session = nil
    helper.finish()
  end)

  -- Each callback, and what makes the engine call it.
  local callbacks = {
    { name = "name", says = "name policy" },
    { name = "exists", says = "exists policy", taken = true },
    { name = "retry", says = "retry policy", behaviour = refuse_once },
    { name = "on_retry", says = "on_retry", behaviour = refuse_once },
    { name = "resolve", says = "resolve policy" },
    { name = "request", says = "request policy" },
    { name = "accept", says = "accept policy" },
    { name = "mirror", says = "mirror policy", behaviour = refuse },
    { name = "verify", says = "verify policy" },
    { name = "on_start", says = "on_start" },
    { name = "on_progress", says = "on_progress" },
    { name = "on_done", says = "on_done" },
  }

  -- What the engine calls it for is there.
  local function fresh_path(callback)
    paths = paths + 1
    local path = ("/%s-%d"):format(callback.name, paths)
    if callback.taken then helper.write(folder .. path, "mine") end
    return path
  end

  -- A download whose callback is `run`, beside a quiet one; the error of the first.
  local function disturbed(callback, run)
    local path = fresh_path(callback)
    local quiet = start({ url = serve(path .. "-quiet", nil, { rate = 1000000 }) })
    local err = fails("callback", { url = serve(path, callback.behaviour), [callback.name] = run })
    check_right(quiet:wait())
    return err
  end

  for _, callback in ipairs(callbacks) do
    it("L-1: that throws in " .. callback.name .. " fails its own download alone", function()
      local function thrower() error("a mistake") end
      local err = disturbed(callback, thrower)
      assert.truthy(err.message:find(callback.says, 1, true), err.message)
      assert.truthy(err.message:find("a mistake", 1, true), err.message)
      assert.truthy(err.traceback:find("script_spec.lua", 1, true), err.traceback)
    end)

    it("L-4: that yields to a stranger in " .. callback.name .. " is told so", function()
      local err = disturbed(callback, function() coroutine.yield("to whom?") end)
      assert.truthy(err.message:find("only luadl's own waits may yield here", 1, true), err.message)
    end)
  end

  it("L-1: may throw what can't be shown", function()
    local nasty = setmetatable({}, { __tostring = function() error("not even this") end })
    for index, thrown in ipairs({ nasty, {}, 7, true }) do
      local url = serve("/nasty-" .. index)
      local err = fails("callback", { url = url, name = function() error(thrown) end })
      assert.equal(thrown, err.cause)
      assert.is_string(tostring(err))
    end
    fails("callback", { url = serve("/nil"), name = function() error(nil) end })
  end)

  it("L-1: that runs out of stack fails its own download alone", function()
    local function deeper() return 1 + deeper() end
    local err = fails("callback", { url = serve("/deep"), name = deeper })
    assert.truthy(err.message:find("stack overflow", 1, true), err.message)
    check_right(start({ url = serve("/after-deep") }):wait())
  end)

  it("L-2: that never waits holds up no byte of other downloads", function()
    local other = start({ url = serve("/network"), name = function() return "network" end })
    while other:stats().received == 0 do session:step(0.01) end
    local seen
    start({
      url = serve("/busy"),
      name = function()
        local until_time = core.now() + 5
        repeat seen = other:stats().received until seen == SIZE or core.now() > until_time
      end,
    }):wait()
    assert.equal(SIZE, seen)
    check_right(other:wait())
  end)

  it("L-2: that never ends is stopped at its download's deadline, others go on", function()
    local quiet = start({ url = serve("/endless-quiet") })
    local began = core.now()
    local err = fails("script_budget", {
      url = serve("/endless"), deadline = 0.5, name = function() while true do end end,
    })
    assert.is_true(core.now() - began < 0.5 + PROMPT)
    assert.truthy(err.message:find("name policy", 1, true), err.message)
    check_right(quiet:wait())
  end)

  it("L-2: that catches what stops it for ever is stopped outside of its pcall", function()
    local caught = 0
    fails("script_budget", {
      url = serve("/stubborn"),
      deadline = 0.3,
      name = function()
        while true do
          pcall(function() while true do end end)
          caught = caught + 1
        end
      end,
    })
    assert.equal(0, caught)
  end)

  it("L-4: may wait for other downloads, as deep as it likes", function()
    local function nested(depth)
      local function wait_for_next()
        if depth > 0 then check_right(start(nested(depth - 1)):wait()) end
      end
      return { url = serve("/nested-" .. depth), name = wait_for_next }
    end
    check_right(start(nested(12)):wait(10))
  end)

  for _, callback in ipairs(callbacks) do
    it("L-9: that waits in " .. callback.name .. " for its own download is told so", function()
      local path, own = fresh_path(callback), nil
      own = start({
        url = serve(path, callback.behaviour), deadline = 5,
        [callback.name] = function() return own:wait() end,
      })
      local result, err = own:wait()
      assert.is_nil(result)
      assert.equal("callback", err.kind, tostring(err))
      assert.truthy(err.message:find("waits for its own download", 1, true), err.message)
    end)
  end

  for _, callback in ipairs(callbacks) do
    it("L-9: may close the session in " .. callback.name .. ": all of it ends", function()
      local path = fresh_path(callback)
      local other = start({ url = serve(path .. "-other", nil, { rate = 50000 }) })
      local download = start({
        url = serve(path, callback.behaviour),
        [callback.name] = function() session:close() end,
      })
      for _, each in ipairs({ download, other }) do
        local result, err = each:wait(10)
        assert.is_nil(result)
        assert.equal("closed", err.kind, tostring(err))
      end
    end)

    it("L-5: may be collected in the middle of " .. callback.name, function()
      local path, entered = fresh_path(callback), false
      local own = assert(luadl.session({ dir = folder, retry = oracle.quick() }))
      own:download({
        url = serve(path, callback.behaviour),
        [callback.name] = function()
          entered = true
          luadl.sleep(60)
        end,
      })
      local until_time = core.now() + 10
      while not entered and core.now() < until_time do session:step(0.01) end
      assert.is_true(entered)
      own:close()
      own = nil -- luacheck: ignore 311
      collectgarbage()
      collectgarbage()
      check_right(start({ url = serve(path .. "-after") }):wait())
    end)
  end

  it("L-2: that never ends in any stacked policy is stopped at the deadline, and named", function()
    for _, name in ipairs({ "resolve", "request", "accept", "verify", "on_start" }) do
      local mine = assert(luadl.session({ dir = folder, deadline = 0.4 }))
      mine:use({ label = "stuck.lua", [name] = function() while true do end end })
      local began = core.now()
      local result, err = mine:get({ url = serve("/stuck-" .. name) })
      assert.is_nil(result)
      assert.truthy(err.kind == "script_budget" or err.kind == "deadline", tostring(err))
      if err.kind == "script_budget" then
        assert.truthy(err.message:find("stuck.lua: ", 1, true), err.message)
      end
      assert.is_true(core.now() - began < 0.4 + PROMPT, name)
      mine:close()
    end
  end)

  it("L-9: may start downloads that outlive it", function()
    local later = {}
    local first = start({
      url = serve("/parent"),
      name = function()
        for index = 1, 3 do later[index] = start({ url = serve("/child-" .. index) }) end
      end,
    })
    check_right(first:wait())
    for index = 1, 3 do check_right(later[index]:wait()) end
  end)

  it("L-9: may cancel all others from a policy", function()
    local others = {}
    for index = 1, 3 do
      others[index] = start({ url = serve("/victim-" .. index, nil, { rate = 50000 }) })
    end
    check_right(start({
      url = serve("/killer"),
      name = function()
        for _, other in ipairs(others) do other:cancel() end
      end,
    }):wait())
    for _, other in ipairs(others) do
      local _, err = other:wait()
      assert.equal("cancelled", err.kind)
    end
  end)

  it("L-7: may hand a download from coroutine to coroutine", function()
    local download
    coroutine.wrap(function()
      download = start({ url = serve("/handed", nil, { rate = 2000000 }) })
      while download:stats().received == 0 do session:step(0.01) end
    end)()
    collectgarbage()
    collectgarbage() -- the coroutine that started it is gone
    local result, err
    local waiting = coroutine.create(function() result, err = download:wait() end)
    assert(coroutine.resume(waiting))
    assert.equal("dead", coroutine.status(waiting))
    check_right(result, err)
  end)

  it("L-7: may abandon a coroutine in the middle of a policy", function()
    local inner
    local download = start({
      url = serve("/abandoned"),
      name = function()
        inner = coroutine.create(function() coroutine.yield() end)
        coroutine.resume(inner)
        return "kept"
      end,
    })
    check_right(download:wait())
    assert.equal("suspended", coroutine.status(inner))
    assert.is_true(coroutine.close(inner))
  end)

  it("L-10: may change its tables once they were given", function()
    local headers, hosts = { ["X-A"] = "told" }, { "127.0.0.1" }
    local options = {
      url = serve("/changed", nil, { rate = 300000 }), dir = folder, headers = headers,
      trusted_hosts = hosts, connections = 3, min_split = 16384,
    }
    local download = session:download(options)
    headers["X-A"], headers["X-B"], hosts[1] = "changed", "added", 7
    for name in pairs(options) do options[name] = nil end
    collectgarbage()
    check_right(download:wait())
    local log = origin:requests("/changed")
    assert.is_true(#log >= 3)
    for _, entry in ipairs(log) do
      assert.truthy(entry.head:find("\r\nX-A: told\r\n", 1, true), entry.head)
      assert.is_nil(entry.head:find("X-B", 1, true))
    end
  end)

  it("L-10: can't bring options by a metamethod", function()
    local calls = 0
    local function called()
      calls = calls + 1
      return "x"
    end
    local sly = setmetatable({}, {
      __index = called, __pairs = called, __len = function() calls = calls + 1 return 1 end,
    })
    local options = setmetatable({ url = serve("/sly"), dir = folder, headers = sly },
      { __index = called, __pairs = called })
    check_right(session:get(options))
    assert.equal(0, calls)
  end)

  it("L-10: that gives a header no text is told which", function()
    for _, value in ipairs({ true, {}, print, setmetatable({}, { __tostring = tostring }) }) do
      local ok, message = pcall(start, { url = "http://x/", headers = { { "X-A", value } } })
      assert.is_false(ok)
      assert.truthy(message:find("X-A", 1, true), message)
    end
  end)

  -- A number that means nothing is no number, whatever the option.
  local numeric = {
    "connections", "min_split", "max_size", "max_redirects", "retry", "timeout", "connect_timeout",
    "first_byte_timeout", "stall_timeout", "deadline", "max_retry_after",
  }
  local nonsense = {
    -1, -0.5, 0 / 0, math.huge, -math.huge, 2 ^ 64, "1e999", "-1", "0x10", "nan", "12abc", "", {},
    true,
  }
  for _, name in ipairs(numeric) do
    it("L-11: that gives " .. name .. " no usable number is told so", function()
      for _, value in ipairs(nonsense) do
        local ok, message = pcall(start, { url = "http://x/", [name] = value })
        assert.is_false(ok, ("%s = %s is taken"):format(name, tostring(value)))
        assert.truthy(message:find("'" .. name .. "'", 1, true), message)
      end
    end)
  end

  it("L-11: may count in integers beyond what a float can tell apart", function()
    local url = serve("/most")
    for _, value in ipairs({ 2 ^ 53 | 0, (2 ^ 53 | 0) + 1, 2 ^ 62 | 0 }) do
      check_right(start({ url = url, max_size = value }):wait())
    end
    assert.is_false((pcall(start, { url = url, max_size = 1.5 })))
  end)

  it("L-12: hears of the close from a download that outlives its session, and may go on", function()
    local download = start({ url = serve("/orphan", nil, { rate = 50000 }) })
    while download:stats().received == 0 do session:step(0.01) end
    session:close()
    for _ = 1, 2 do
      local result, err = download:wait()
      assert.is_nil(result)
      assert.equal("closed", err.kind)
      download:cancel()
      assert.is_table(download:stats())
    end
  end)

  it("L-12: asks for nothing after a deadline that passed while the host wanted peace", function()
    local url = serve("/peace", function(connection)
      return connection:reply(429, { { "Retry-After", 30 } }, "")
    end)
    local told
    local waiting = start({ url = url, on_retry = function() told = true end })
    while not told do session:step(0.01) end
    local began = core.now()
    local err = fails("deadline", { url = url, deadline = 0.3 })
    assert.is_true(core.now() - began < 0.3 + PROMPT, tostring(err))
    assert.equal(1, #origin:requests("/peace"))
    waiting:cancel()
  end)

  it("L-12: leaves no timer behind that runs after the close", function()
    local download = start({
      url = serve("/late", function(connection) return connection:reply(503, {}, "") end),
      retry = function() return 0.1 end,
    })
    while #origin:requests("/late") == 0 do session:step(0.01) end
    session:close()
    local loop, asked = session.loop, #origin:requests("/late")
    local until_time = core.now() + 0.3
    while core.now() < until_time do loop:step(0.05) end
    assert.equal(asked, #origin:requests("/late"))
    local _, err = download:wait()
    assert.equal("closed", err.kind)
  end)
end)

-- Downloads in a state of its own in every one of several threads (see spec/support/states.c).
local IN_EACH = [[
  local luadl = require("luadl")
  local url, dir, size = ...
  for round = 1, 5 do
    local session = luadl.session({ dir = dir, connections = 3, min_split = 16384 })
    local result = assert(session:get({ url = url }))
    assert(result.size == tonumber(size))
    if round % 2 == 0 then session:close() end
    session = nil
    collectgarbage()
  end
]]

describe("several states", function()
  local STATES = helper.build .. "/states"

  setup(function() origin = server.start() end)
  teardown(function() origin:stop() end)
  before_each(function()
    helper.begin()
    folder = helper.tmpdir()
  end)
  after_each(helper.finish)

  it("L-8: in several threads download side by side", function()
    if not helper.exists(STATES) then pending("no " .. STATES .. ": make spec builds it") end
    local outcome = program.run(IN_EACH, {
      interpreter = { STATES, 3 }, arguments = { serve("/states"), folder, SIZE },
    })
    assert.equal("", outcome.stderr)
    assert.equal(0, outcome.status)
    local count = 0
    for _, sum in helper.run(("cd %s && sha256sum *"):format(folder)).stdout:gmatch("((%x+) )") do
      assert.equal(server.sha256(FILE.seed, SIZE), sum)
      count = count + 1
    end
    assert.equal(15, count)
  end)

  it("L-8: have handles of their own: another one's is refused", function()
    local engine = core.session()
    local strangers = { io.stdout, coroutine.create(print), {}, 7 }
    for _, stranger in ipairs(strangers) do
      local ok, message = pcall(engine.next, stranger)
      assert.is_false(ok)
      assert.truthy(message:find("luadl.engine", 1, true), message)
    end
    engine:close()
    assert.error_matches(function() engine:next() end, "closed")
  end)
end)
