-- What stops moving: stalls, slow senders, answers, names and connections that never come, and
-- deadlines.
-- SPDX-License-Identifier: MIT

local core = require("luadl.core")
local luadl = require("luadl")
local helper = require("spec.support.helper")
local oracle = require("spec.support.oracle")
local program = require("spec.support.program")
local server = require("spec.support.server")
local socket = require("socket")
local stuck = require("spec.support.stuck")
local trial = require("spec.support.trial")

local SIZE = 200000
local FILE = { size = SIZE, seed = 1 }
local LATE = 0.25 -- seconds that a deadline may be late

describe("liveness", function()
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

  local function stalls(times)
    return function(connection, request, parameters, state)
      state.stalled = (state.stalled or 0) + 1
      if state.stalled > parameters.stalls then return connection:file(request, parameters) end
      local first = request.range and request.range.first or 0
      connection:status(206, {
        { "Content-Range", ("bytes %d-%d/%d"):format(first, parameters.size - 1, parameters.size) },
        { "Content-Length", parameters.size - first },
      })
      connection:body(first, first + 49999)
      return connection:hold()
    end, { size = SIZE, stalls = times }
  end

  it("H56: a stall is ended after the stall timeout and the rest asked for anew", function()
    local url = origin:serve("/stall", stalls(1))
    local outcome = trial.succeeds(url, FILE, { stall_timeout = 0.3 })
    trial.faults_are(outcome, "stalled")
    assert.is_true(outcome.result.elapsed >= 0.3 and outcome.result.elapsed < 1.5)
    assert.equal("bytes=50000-199999", origin:requests("/stall")[2]:header("range"))
  end)

  it("H56: stalls without end fail as such", function()
    local url = origin:serve("/stalls", function(connection)
      connection:status(200, { { "Content-Length", 1000 } })
      connection:send("x")
      return connection:hold()
    end)
    trial.fails(url, "stalled", { stall_timeout = 0.2, retry = oracle.quick({ tries = 1 }) })
  end)

  it("H56: a stalled piece is taken over by another connection long before that", function()
    local url = origin:serve("/take-over", function(connection, request, parameters)
      if request.number ~= 2 then return connection:file(request, parameters) end
      local first, last = request.range.first, request.range.last
      connection:status(206, {
        { "Content-Range", ("bytes %d-%d/%d"):format(first, last, parameters.size) },
        { "Content-Length", last - first + 1 },
      })
      connection:send(connection:bytes(first, first))
      return connection:hold()
    end, { size = SIZE, rate = 100000 })
    local outcome = trial.succeeds(url, FILE, trial.split({ stall_timeout = 15 }))
    assert.is_true(outcome.result.elapsed < 5)
  end)

  it("H56: bytes that come seldom, but in time, are no stall", function()
    local url = origin:serve("/seldom", function(connection, _, parameters)
      connection:status(200, { { "Content-Length", parameters.size } })
      connection:drip(connection:bytes(0, parameters.size - 1), 0.15)
    end, { size = 6 })
    assert.same({}, trial.succeeds(url, { size = 6 }, { stall_timeout = 0.4 }).faults)
  end)

  it("H56: a stream that our own rate limit holds back is no stall", function()
    local url = origin:serve("/held-back", { size = 100000 })
    local session = luadl.session({ dir = helper.tmpdir() })
    session.engine:limit(0, 100000)
    local result = assert(session:get({ url = url, stall_timeout = 0.2, retry = 0 }))
    session:close()
    assert.equal(server.sha256(1, 100000), helper.sha256(result.path))
  end)

  it("H56: no watchdog looks at a stream that waits for its name", function()
    local session = luadl.session({ dir = helper.tmpdir() })
    local result = assert(session:get({
      url = origin:serve("/parked", { size = SIZE }),
      timeout = 0.2,
      connect_timeout = 0.2,
      retry = 0,
      name = function() session.loop:sleep(0.7) end,
    }))
    session:close()
    assert.equal(server.sha256(1, SIZE), helper.sha256(result.path))
  end)

  it("H57: headers that come byte by byte are late all the same", function()
    local url = origin:serve("/loris", function(connection)
      connection:drip("HTTP/1.1 200 OK\r\nX-Slow: " .. ("x"):rep(1000), 0.05)
    end)
    local outcome = trial.fails(url, "timeout", { first_byte_timeout = 0.4, retry = 0 })
    assert.is_true(#outcome.faults == 0)
  end)

  -- The window of this watchdog is 30 s.
  local function slow_it(what, run)
    if os.getenv("LUADL_SLOW") then return it(what, run) end
    pending(what .. " (LUADL_SLOW=1 runs it)")
  end

  local function uneven(connection, request, parameters)
    local slow = parameters.all_slow or request.number == 2
    local options = { size = parameters.size, seed = 1, rate = slow and 2000 or parameters.rate }
    return connection:file(request, options)
  end

  slow_it("H57: a stream far slower than its siblings is ended after 30 s", function()
    local url = origin:serve("/uneven", uneven, { size = 32000000, rate = 250000 })
    local session = luadl.session({ dir = helper.tmpdir() })
    local faults = {}
    local download = session:download({
      url = url, connections = 3, min_split = 4000000,
      on_retry = function(fault) faults[#faults + 1] = fault.error.kind end,
    })
    download:wait(33)
    session:close()
    assert.same({ "stalled" }, faults)
  end)

  slow_it("H57: where all streams are equally slow none is ended", function()
    local url = origin:serve("/even", uneven, { size = 600000, all_slow = true })
    local session = luadl.session({ dir = helper.tmpdir() })
    local faults = {}
    local download = session:download({
      url = url, connections = 3, min_split = 16384,
      on_retry = function(fault) faults[#faults + 1] = fault.error.kind end,
    })
    download:wait(33)
    session:close()
    assert.same({}, faults)
  end)

  it("H58: headers that never come are a timeout, and the request is sent anew", function()
    local url = origin:serve("/silent", function(connection, request, parameters)
      if request.number == 1 then return connection:hold() end
      return connection:file(request, parameters)
    end, { size = SIZE })
    trial.faults_are(trial.succeeds(url, FILE, { first_byte_timeout = 0.3 }), "timeout")
  end)

  it("H58: a connection that is never accepted is a timeout", function()
    local began = core.now()
    local outcome = trial.fails(hole.url, "timeout", { connect_timeout = 0.3, retry = 0 })
    assert.is_true(core.now() - began < 1)
    assert.truthy(outcome.err.message:lower():find("connect", 1, true))
  end)

  it("H58: a TLS handshake that is never answered is a timeout", function()
    local url = origin.url:gsub("^http:", "https:") .. "/tls"
    trial.fails(url, "timeout", { connect_timeout = 0.3, retry = 0 })
  end)

  it("H59: a name that is never resolved is a timeout, and the command ends then", function()
    local outcome = program.run([[
      local luadl = require("luadl")
      local session = luadl.session()
      local url = "http://luadl.invalid/file"
      local _, err = session:get({ url = url, connect_timeout = 0.4, retry = 0 })
      session:close()
      print(err.kind)
      os.exit(0, true)
    ]], { fault = "getaddrinfo:SLOW30", timeout = 10 })
    assert.equal("", outcome.stderr)
    assert.truthy(outcome.stdout == "timeout\n" or outcome.stdout == "dns\n", outcome.stdout)
    assert.is_true(outcome.elapsed < 3)
  end)

  it("H59: a name that isn't resolved in time is tried again", function()
    local outcome = program.run([[
      local luadl = require("luadl")
      local session = luadl.session()
      session:get({
        url = "http://luadl.invalid/file", connect_timeout = 0.4,
        retry = function(fault)
          print(fault.error.kind)
          return fault.attempt < 2 and 0 or false
        end,
      })
      session:close()
      os.exit(0, true)
    ]], { fault = "getaddrinfo:SLOW30:0:1,getaddrinfo:EAI_NONAME:1", timeout = 10 })
    assert.equal("timeout\ndns\n", outcome.stdout, outcome.stderr)
  end)

  for _, phase in ipairs(stuck.phases) do
    it("I6: a deadline ends a download that is " .. phase.name, function()
      local session = luadl.session({ dir = helper.tmpdir() })
      local deadline = 0.6
      local download = stuck.start(phase, session, origin, { url = hole.url, deadline = deadline })
      local result, err = download.handle:wait(deadline + 5)
      local seconds = core.now() - download.began
      session:close()
      assert.is_nil(result)
      assert.equal("deadline", err.kind)
      assert.is_true(seconds > deadline, ("after %.3f s"):format(seconds))
      assert.is_true(seconds < deadline + LATE, ("after %.3f s"):format(seconds))
    end)
  end

  -- The kernel completes the connection; nobody answers the ClientHello.
  it("I6: a deadline, and a cancel, end a TLS handshake that gets no answer", function()
    local listener = assert(socket.bind("127.0.0.1", 0, 8))
    local url = ("https://127.0.0.1:%d/file"):format(select(2, listener:getsockname()))
    local session = luadl.session({ dir = helper.tmpdir() })
    for kind, limit in pairs({ deadline = 0.4, cancelled = 30 }) do
      local download = session:download({ url = url, deadline = limit })
      download:wait(0.3)
      local began = core.now()
      if kind == "cancelled" then download:cancel() end
      local _, err = download:wait(5)
      assert.equal(kind, err.kind)
      assert.is_true(core.now() - began < 0.1 + LATE)
    end
    session:close()
    listener:close()
  end)

  it("I6: a deadline ends a download that waits for its host's peace", function()
    local session = luadl.session({ dir = helper.tmpdir() })
    session.hosts:wait(origin.url, 30)
    local began = core.now()
    local _, err = session:get({ url = origin:serve("/peace", { size = 10 }), deadline = 0.3 })
    assert.equal("deadline", err.kind)
    assert.is_true(core.now() - began < 0.3 + LATE)
    assert.same({}, origin:requests("/peace"))
    session:close()
  end)

  it("I6: a deadline ends a download whose name is being looked up", function()
    local outcome = program.run([[
      local core, luadl = require("luadl.core"), require("luadl")
      local session, began = luadl.session(), core.now()
      local _, err = session:get({ url = "http://luadl.invalid/file", deadline = 0.4 })
      print(err.kind, core.now() - began < 0.65)
      os.exit(0)
    ]], { fault = "getaddrinfo:SLOW30", timeout = 10 })
    assert.equal("deadline\ttrue\n", outcome.stdout, outcome.stderr)
  end)

  for _, limit in ipairs({ "deadline", "connect_timeout" }) do
    it("I6: an address that never answers leaves the next its share of the " .. limit, function()
      local url = origin:serve("/share-" .. limit, { size = 10 }):gsub("127.0.0.1", "luadl.test", 1)
      local first = stuck.black_hole("127.0.0.2", tonumber(url:match(":(%d+)/")))
      local outcome = program.run([[
        local luadl = require("luadl")
        local url, dir, limit = ...
        local session = luadl.session()
        local file, err = session:get({ url = url, dir = dir, retry = 0, [limit] = 1.5 })
        print(file and file.size or err)
      ]], { arguments = { url, helper.tmpdir(), limit }, fault = "getaddrinfo:TWO", timeout = 10 })
      first.close()
      assert.equal("10\n", outcome.stdout, outcome.stderr)
    end)
  end
end)
