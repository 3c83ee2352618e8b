-- Rows H52 to H55: servers that have had enough, for a while or of so many connections.
-- SPDX-License-Identifier: MIT
--
-- What takes minutes (ramps, a whole host that waits) is in spec/unit/download_spec.lua, on a
-- clock that the spec moves.

local luadl = require("luadl")
local helper = require("spec.support.helper")
local merged = require("spec.support.merged")
local oracle = require("spec.support.oracle")
local server = require("spec.support.server")
local trial = require("spec.support.trial")

local SIZE = 100000
local FILE = { size = SIZE }
local LARGE = { size = 8388608 }
local RATE = 25165824 -- bytes a second and connection: alone, it takes the large file 0.3 s

-- Refuses the first `refusals` requests with `code` and, perhaps, Retry-After.
local function refuse_first(connection, request, given, state)
  state.count = (state.count or 0) + 1
  if state.count > given.refusals then return connection:file(request, given) end
  local headers = given.retry_after and { { "Retry-After", given.retry_after } } or {}
  return connection:reply(given.code, headers, "busy")
end

-- Serves `most` requests at once and turns further ones away, each in its way.
local function bear_few(connection, request, given, state)
  if request.active <= given.most then
    local options = { size = given.size, rate = given.rate }
    if request.range.first == 0 then -- it doesn't end before the limit has shown
      options.gate = function() return state.refused end
    end
    return connection:file(request, options)
  end
  state.refused = true
  if given.code then return connection:reply(given.code, {}, "too many") end
  connection:sleep(given.pause or 0)
  return connection[given.ending](connection)
end

describe("load", function()
  local origin

  setup(function() origin = server.start() end)
  teardown(function() origin:stop() end)
  before_each(helper.begin)
  after_each(helper.finish)

  local function asked(path) return #origin:requests(path) end

  local function refuse(path, code, refusals, retry_after)
    return origin:serve(path, refuse_first, {
      size = SIZE, code = code, refusals = refusals, retry_after = retry_after,
    })
  end

  describe("Retry-After", function()
    for _, code in ipairs({ 429, 503 }) do
      it("H52: is waited for after a " .. code, function()
        local path = "/52-" .. code
        local outcome = trial.succeeds(refuse(path, code, 1, 1), FILE)
        trial.faults_are(outcome, "rate_limited")
        local log = origin:requests(path)
        assert.is_true(log[2].time - log[1].time >= 1)
        assert.is_true(log[2].time - log[1].time < 2)
      end)
    end

    it("H52: holds for other downloads from that host too", function()
      local busy = refuse("/52-busy", 429, 1, 1)
      local other = origin:serve("/52-other", { size = SIZE })
      local session = assert(luadl.session())
      local dir = helper.tmpdir()
      local waited
      session:get({
        url = busy,
        output = dir .. "/busy",
        on_retry = function()
          local before = session.core.now()
          assert(session:get({ url = other, output = dir .. "/other" }))
          waited = session.core.now() - before
        end,
      })
      session:close()
      assert.is_true(waited >= 0.9 and waited < 3, "waited " .. waited .. " s")
    end)

    it("H52: keeps a download that runs from opening connections to that host", function()
      local busy, dir = refuse("/52-refused", 429, 1, 1), helper.tmpdir()
      local long = origin:serve("/52-long", { size = 2 * 2 ^ 20, rate = 400000 })
      local session = assert(luadl.session({ min_split = 65536 }))
      local running = session:download({ url = long, connections = 1, output = dir .. "/long" })
      repeat session:step(1) until running:stats().connections > 0 or running.ended.fired
      local meanwhile
      session:get({
        url = busy,
        output = dir .. "/busy",
        on_retry = function()
          session.engine:connections(running.id, 4)
          session.loop:sleep(0.5)
          meanwhile = asked("/52-long")
        end,
      })
      assert(running:wait())
      session:close()
      assert.equal(1, meanwhile)
      assert.is_true(asked("/52-long") > 1)
    end)

    it("H52: beyond the longest wait fails at once and says when", function()
      for _, code in ipairs({ 429, 503 }) do
        local path = "/52-long" .. code
        local before = os.time()
        local outcome = trial.fails(refuse(path, code, 1, 400), "rate_limited")
        assert.equal(1, asked(path))
        assert.equal(400, outcome.err.retry_after)
        local late = outcome.err.retry_at - (before + 400)
        assert.is_true(late >= 0 and late < 5)
      end
    end)

    it("H52: has a longest wait that can be chosen", function()
      local url = refuse("/52-chosen", 429, 1, 3)
      trial.fails(url, "rate_limited", { retry = oracle.quick({ max_retry_after = 2 }) })
    end)

    for name, format in pairs({
      ["an HTTP date"] = "!%a, %d %b %Y %H:%M:%S GMT",
      ["a date of RFC 850"] = "!%A, %d-%b-%y %H:%M:%S GMT",
      ["a date of asctime"] = "!%a %b %d %H:%M:%S %Y",
    }) do
      it("H53: is read as " .. name, function()
        local path = "/53-" .. name:gsub("%W", "")
        local at = os.time() + 1000
        local outcome = trial.fails(refuse(path, 503, 1, os.date(format, at)), "rate_limited")
        assert.is_true(math.abs(outcome.err.retry_at - at) < 0.01)
        assert.equal(1, asked(path))
      end)
    end

    for name, value in pairs({
      ["a past date"] = "Thu, 01 Jan 1970 00:00:10 GMT",
      ["0"] = "0",
      ["a negative number"] = "-5",
      ["a fraction"] = "1.5",
      ["words"] = "in a while",
      ["nothing"] = "",
      ["half a date"] = "Thu, 99 Foo 2099",
    }) do
      for _, code in ipairs({ 429, 503 }) do
        it("H53: counts as absent when it is " .. name .. ", after a " .. code, function()
          local path = "/53-" .. name:gsub("%W", "") .. code
          local outcome = trial.succeeds(refuse(path, code, 2, value), FILE)
          assert.equal(2, #outcome.faults)
          assert.is_nil(outcome.faults[1].error.retry_after)
          assert.is_true(outcome.faults[1].delay <= 0.05)
          assert.equal(3, asked(path))
        end)
      end
    end

    it("H53: fails when it is beyond all measure", function()
      local outcome = trial.fails(refuse("/53-huge", 429, 1, ("9"):rep(400)), "rate_limited")
      assert.is_true(outcome.err.retry_at > os.time() + 300)
      assert.equal(1, asked("/53-huge"))
    end)
  end)

  describe("a server error", function()
    for _, code in ipairs({ 408, 425, 429, 500, 502, 503, 504, 599 }) do
      it("H54: is tried again: " .. code, function()
        local path = "/54-" .. code
        local outcome = trial.succeeds(refuse(path, code, 3), FILE)
        assert.equal(3, #outcome.faults)
        assert.equal(code, outcome.faults[1].error.status)
        assert.equal(4, asked(path))
      end)
    end

    it("H54: is final after N further tries", function()
      for _, tries in ipairs({ 0, 1, 4 }) do
        local path = "/54-final" .. tries
        local outcome = trial.fails(refuse(path, 500, 99), "http_status", {
          retry = oracle.quick({ tries = tries }),
        })
        assert.equal(500, outcome.err.status)
        assert.equal(tries + 1, asked(path))
        assert.equal(tries + 1, outcome.err.attempt)
      end
    end)

    it("H54: lets the waits grow", function()
      local outcome = trial.fails(refuse("/54-grow", 500, 99), "http_status", {
        retry = luadl.retry.backoff({ tries = 4, base = 0.01, max = 0.03, jitter = false }),
      })
      local delays = {}
      for index, entry in ipairs(outcome.faults) do delays[index] = entry.delay end
      assert.same({ 0.01, 0.02, 0.03, 0.03 }, delays)
    end)

    -- Two errors before each piece; without progress a download bears three failures in all.
    local function piecemeal(connection, request, given, state)
      state.errors = (state.errors or 0) + 1
      if state.errors % 3 ~= 0 then return connection:reply(502, {}, "bad") end
      local first = request.range.first
      local last = request.range.last or given.size - 1
      connection:status(206, {
        { "ETag", '"v1"' },
        { "Content-Range", ("bytes %d-%d/%d"):format(first, last, given.size) },
        { "Content-Length", last - first + 1 },
      })
      connection:body(first, math.min(last, first + given.piece - 1))
      if first + given.piece <= last then return connection:close() end
    end

    it("H54: is forgotten after progress", function()
      local url = origin:serve("/54-progress", piecemeal, { size = SIZE, piece = 35000 })
      trial.succeeds(url, FILE, { retry = oracle.quick({ tries = 3 }) })
      assert.equal(9, asked("/54-progress"))
    end)

    it("H54: isn't forgotten after a few bytes", function()
      local url = origin:serve("/54-crumbs", piecemeal, { size = SIZE, piece = 500 })
      assert.truthy(trial.run(url, nil, { retry = oracle.quick({ tries = 3 }) }).err)
      assert.is_true(asked("/54-crumbs") <= 8)
    end)

    it("H54: goes on at once after progress", function()
      local url = origin:serve("/54-at-once", function(connection, request, given)
        local first = request.range.first
        connection:status(206, {
          { "ETag", '"v1"' },
          { "Content-Range", ("bytes %d-%d/%d"):format(first, given.size - 1, given.size) },
          { "Content-Length", given.size - first },
        })
        connection:body(first, math.min(given.size - 1, first + 49999))
        return connection:close()
      end, { size = SIZE })
      local outcome = trial.succeeds(url, FILE, { retry = luadl.retry.backoff({ base = 5 }) })
      assert.equal(0, outcome.faults[1].delay)
    end)

    it("H54: counts for each range by itself", function()
      local url = origin:serve("/54-ranges", function(connection, request, given, state)
        local first = request.range.first
        if first == 0 then return connection:file(request, given) end
        state[first] = (state[first] or 0) + 1
        if state[first] <= 2 then return connection:reply(500, {}, "not now") end
        return connection:file(request, given)
      end, { size = LARGE.size, rate = RATE / 2 })
      trial.succeeds(url, LARGE, trial.split({ retry = oracle.quick({ tries = 2 }) }))
    end)
  end)

  describe("a limit of connections", function()
    local ways = {
      ["403"] = { code = 403 },
      ["429"] = { code = 429 },
      ["503"] = { code = 503 },
      ["a reset"] = { ending = "reset" },
      ["a close"] = { ending = "close" },
      ["a late reset"] = { ending = "reset", pause = 0.01 },
    }

    local function fewer(outcome)
      local count = 0
      for _, entry in ipairs(outcome.faults) do
        if entry.change and entry.change.fewer then count = count + 1 end
      end
      return count
    end

    for name, way in pairs(ways) do
      for _, most in ipairs({ 1, 3 }) do
        it(("H55: %d, shown by %s, doesn't fail the file"):format(most, name), function()
          local path = "/55-" .. name:gsub("%W", "") .. most
          local given = merged({ size = LARGE.size, rate = RATE, most = most }, way)
          local url = origin:serve(path, bear_few, given)
          local outcome = trial.succeeds(url, LARGE, {
            connections = 8, min_split = 65536, retry = oracle.quick({ tries = 2 }),
          })
          assert.is_true(fewer(outcome) > 0, "no sign of a limit was seen")
          assert.is_true(asked(path) <= 24, asked(path) .. " requests")
        end)
      end
    end

    it("H55: lowers the number at once", function()
      local url = origin:serve("/55-lower", bear_few, {
        size = LARGE.size, rate = RATE / 2, most = 1, code = 503,
      })
      local refused, late = 0, 0
      trial.succeeds(url, LARGE, {
        connections = 8,
        on_retry = function() refused = refused + 1 end,
      })
      local log = origin:requests("/55-lower")
      for _, request in ipairs(log) do
        if request.status == 503 and request.time > log[1].time + 0.3 then late = late + 1 end
      end
      assert.is_true(refused > 0)
      assert.equal(0, late, "it went on to ask for more than the server gives")
    end)

    it("H55: is remembered for the next file of that host", function()
      local url = origin:serve("/55-first", bear_few, {
        size = LARGE.size, rate = RATE, most = 1, code = 503,
      })
      local next_url = origin:serve("/55-next", { size = LARGE.size, rate = RATE })
      local session = assert(luadl.session())
      local dir = helper.tmpdir()
      local first = assert(session:get({ url = url, output = dir .. "/a", connections = 8 }))
      local second = assert(session:get({ url = next_url, output = dir .. "/b", connections = 8 }))
      session:close()
      assert.equal(server.sha256(1, LARGE.size), helper.sha256(first.path))
      assert.equal(server.sha256(1, LARGE.size), helper.sha256(second.path))
      assert.is_true(asked("/55-first") > 4)
      assert.equal(1, asked("/55-next"))
    end)

    it("H55: that isn't one is an error: no stream was ever accepted", function()
      for name, way in pairs({ ["403"] = { code = 403, kind = "auth" },
        ["503"] = { code = 503, kind = "http_status" } }) do
        local url = origin:serve("/55-none" .. name, bear_few, {
          size = SIZE, most = 0, code = way.code,
        })
        trial.fails(url, way.kind, { retry = oracle.quick({ tries = 1 }) })
      end
    end)

    it("H55: doesn't excuse the last stream", function()
      local url = origin:serve("/55-last", function(connection, _, given, state)
        if state.begun then return connection:reply(503, {}, "no more") end
        state.begun = true
        connection:status(200, { { "Content-Length", given.size }, { "Accept-Ranges", "bytes" } })
        connection:body(0, 999999)
        return connection:close()
      end, { size = LARGE.size, rate = RATE })
      trial.fails(url, "http_status", {
        connections = 8, retry = oracle.quick({ tries = 2 }),
      })
    end)
  end)
end)
