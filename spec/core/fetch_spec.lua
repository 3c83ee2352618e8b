--- Answers in memory and parts of files, over the real engine, from the scripted server.
-- SPDX-License-Identifier: MIT

local codec = require("luadl.codec")
local errors = require("luadl.errors")
local helper = require("spec.support.helper")
local luadl = require("luadl")
local merged = require("spec.support.merged")
local program = require("spec.support.program")
local server = require("spec.support.server")

local SIZE = 3000000
local SEED = 7

describe("session:fetch", function()
  local origin, other, session

  setup(function() origin, other = server.start(), server.start() end)
  teardown(function()
    origin:stop()
    other:stop()
  end)
  before_each(function()
    helper.begin()
    session = assert(luadl.session({ retry = luadl.retry.backoff({ tries = 3, base = 0.01 }) }))
  end)
  after_each(function()
    session:close()
    session = nil
    helper.finish()
  end)

  local function fails_with(kind, page, err)
    assert.is_nil(page)
    assert.is_true(errors.is(err))
    assert.equal(kind, err.kind, tostring(err))
    return err
  end

  local function echo(connection, request)
    local fields = {}
    for _, name in ipairs({ "content-type", "accept", "range", "authorization", "x-own" }) do
      fields[#fields + 1] = { "X-Got-" .. name, request.headers[name] or "-" }
    end
    fields[#fields + 1] = { "X-Method", request.method }
    return connection:reply(200, fields, connection:read_body(request))
  end

  describe("one request", function()
    it("gives status, headers, body and the last URL", function()
      local target = origin:serve("/answer", function(connection)
        local fields = { { "X-A", "1" }, { "x-a", "2" } }
        return connection:reply(200, fields, '{"big": 9007199254740993}')
      end)
      local url = origin:serve("/moved", function(connection) connection:redirect("/answer") end)
      local page = assert(session:fetch(url))
      assert.same({ 200, true, target }, { page.status, page.ok, page.url })
      assert.same({ "1", "2" }, page.headers:all("X-A"))
      assert.equal(9007199254740993, page:json().big)
      assert.is_true(page.elapsed > 0)
    end)

    it("takes any status for an answer", function()
      local url = origin:serve("/none", function(connection)
        connection:reply(404, {}, "not here")
      end)
      local page = assert(session:fetch({ url = url }))
      assert.same({ 404, false, "not here" }, { page.status, page.ok, page.body })
    end)

    it("sends any method with any body", function()
      local url, body = origin:serve("/echo", echo), "a\0b\r\n" .. ("x"):rep(100000)
      local page = assert(session:fetch(url, { method = "PUT", body = body }))
      assert.equal(body, page.body)
      assert.equal("PUT", page.headers:get("x-method"))
    end)

    it("sends JSON and forms", function()
      local url = origin:serve("/echo", echo)
      local page = assert(session:fetch(url, { json = { a = { 1, "b" } } }))
      assert.same({ a = { 1, "b" } }, page:json())
      assert.equal("application/json", page.headers:get("x-got-content-type"))
      page = assert(session:fetch(url, { form = { a = "1 & 2" } }))
      assert.equal("a=1%20%26%202", page.body)
    end)

    it("gives the head alone for HEAD, and an empty body for 204", function()
      local url = origin:serve("/head", function(connection, request)
        return connection:reply(200, { { "X-M", request.method } }, "body")
      end)
      local page = assert(session:fetch(url, { method = "HEAD" }))
      assert.same({ "HEAD", "" }, { page.headers:get("x-m"), page.body })
      url = origin:serve("/empty", function(connection) connection:status(204) end)
      page = assert(session:fetch(url))
      assert.same({ 204, "" }, { page.status, page.body })
    end)

    it("asks for a range", function()
      local url = origin:serve("/part", { size = SIZE, seed = SEED })
      local page = assert(session:fetch(url, { range = { 1000, 1999 } }))
      assert.equal(206, page.status)
      assert.equal(server.content(SEED, 1000, 1999), page.body)
    end)

    it("refuses to hold more than max_size", function()
      local url = origin:serve("/large", { size = SIZE, seed = SEED })
      fails_with("too_large", session:fetch(url, { max_size = "1M" }))
      assert.equal(SIZE, #assert(session:fetch(url)).body)
    end)

    it("unpacks what is coded, but no bomb", function()
      local small, bomb = codec.gzip("plain"), codec.gzip(("\0"):rep(20 * 2 ^ 20))
      local function coded(connection, _, parameters)
        return connection:reply(200, { { "Content-Encoding", "gzip" } }, parameters.body)
      end
      local page = assert(session:fetch(origin:serve("/gzip", coded, { body = small })))
      assert.equal("plain", page.body)
      assert.is_nil(page.headers:get("content-encoding"))
      fails_with("too_large", session:fetch(origin:serve("/bomb", coded, { body = bomb })))
      fails_with("encoding", session:fetch(origin:serve("/broken", coded, { body = "no gzip" })))
    end)

    it("decodes the text of a large page", function()
      local url = origin:serve("/latin", function(connection)
        return connection:reply(200, { { "Content-Type", "text/plain; charset=iso-8859-15" } },
          ("\164"):rep(100000))
      end)
      assert.equal(("\226\130\172"):rep(100000), (assert(session:fetch(url)):text()))
    end)

    it("leaves login and headers behind on the way to another origin", function()
      local target = other:serve("/echo", echo)
      local url = origin:redirect("/away", target)
      local page = assert(session:fetch(url, { user = "me:pw", headers = { ["X-Own"] = "1" } }))
      assert.equal("-", page.headers:get("x-got-authorization"))
      assert.equal("-", page.headers:get("x-got-x-own"))
    end)

    it("is the same without a session of one's own", function()
      local run = program.run([[
        local luadl = require("luadl")
        io.write(assert(luadl.fetch(..., { body = "a" })).body)
        io.write(assert(luadl.fetch({ url = ..., body = "b" })).body)
        for page in luadl.pages(..., { body = "c" }) do io.write(page.body) end
      ]], { arguments = { origin:serve("/echo", echo) } })
      assert.equal("abc", run.stdout, run.stderr)
    end)

    it("misused is an error at the line that did it", function()
      for _, wrong in ipairs({ { json = {}, form = {} }, { conections = 3 }, "text" }) do
        local ok, message = pcall(function()
          local page = session:fetch(origin.url, wrong)
          return page
        end)
        assert.is_false(ok)
        assert.truthy(message:find("fetch_spec.lua", 1, true), message)
      end
      assert.error_matches(function() session:fetch({}) end, "URL")
    end)
  end)

  describe("when it fails", function()
    local function busy(connection, _, parameters, state)
      state.count = (state.count or 0) + 1
      if state.count > parameters.busy then return connection:reply(200, {}, "done") end
      return connection:reply(parameters.status or 503, parameters.fields or {}, "busy")
    end

    it("is tried again", function()
      local page = assert(session:fetch(origin:serve("/busy", busy, { busy = 2 })))
      assert.same({ 200, "done", 3 }, { page.status, page.body, page.attempt })
    end)

    it("gives the last answer at the end", function()
      local page = assert(session:fetch(origin:serve("/always", busy, { busy = 99 })))
      assert.same({ 503, "busy", 4 }, { page.status, page.body, page.attempt })
    end)

    it("knows when the server wants to be asked again, but not from junk", function()
      local quiet = { retry = 0, max_retry_after = 1 }
      local fields = { { "Retry-After", "77" } }
      local url = origin:serve("/after", busy, { busy = 99, status = 429, fields = fields })
      assert.equal(77, assert(session:fetch(url, quiet)).retry_after)
      fields = { { "Retry-After", "-5" } }
      url = origin:serve("/junk", busy, { busy = 99, status = 429, fields = fields })
      assert.is_nil(assert(session:fetch(url, quiet)).retry_after)
    end)

    it("is tried again after a broken answer, with GET and not with POST", function()
      local function broken(connection, _, _, state)
        state.count = (state.count or 0) + 1
        if state.count % 2 == 0 then return connection:reply(200, {}, "whole") end
        connection:status(200, { { "Content-Length", 100 } })
        connection:send("half")
        return connection:close()
      end
      local url = origin:serve("/half", broken)
      assert.equal("whole", assert(session:fetch(url)).body)
      fails_with("short_body", session:fetch(url, { body = "order" }))
      assert.equal(3, #origin:requests("/half"))
    end)

    it("says that a refused connection has sent nothing", function()
      local url = helper.dead_url()
      assert.is_true(fails_with("connect", session:fetch(url, { body = "a" })).unsent)
      local silent = origin:serve("/reset", function(connection) connection:reset() end)
      local err = select(2, session:fetch(silent, { body = "a" }))
      assert.is_nil(err.unsent)
    end)

    it("ends by its deadline", function()
      local url = origin:serve("/hang", function(connection) connection:hold() end)
      local began = luadl.now()
      fails_with("deadline", session:fetch(url, { deadline = 0.3 }))
      assert.is_true(luadl.now() - began < 2)
    end)

    it("ends with its context, and with its session", function()
      local url = origin:serve("/hang", function(connection) connection:hold() end)
      local ctx = luadl.context.background():with_timeout(0.1)
      fails_with("deadline", session:fetch(url, { context = ctx }))
      local result = { luadl.run(function()
        local group = luadl.group(luadl.context.background())
        group:go(function() return session:fetch(url) end)
        group:go(function()
          luadl.sleep(0.1)
          session:close()
          return true
        end)
        return group:wait()
      end) }
      fails_with("closed", table.unpack(result, 1, 2))
    end)
  end)

  describe("with a cache", function()
    it("gets the body once, and asks by ETag from then on", function()
      local url = origin:serve("/cached", function(connection, request, _, state)
        state.bodies = (state.bodies or 0)
        if request.headers["if-none-match"] == '"e"' then
          return connection:status(304, { { "ETag", '"e"' } })
        end
        state.bodies = state.bodies + 1
        return connection:reply(200, { { "ETag", '"e"' } }, "body " .. state.bodies)
      end)
      local cache = {}
      for index = 1, 3 do
        local page = assert(session:fetch(url, { cache = cache }))
        assert.same({ 200, "body 1", index > 1 }, { page.status, page.body, page.cached })
      end
    end)
  end)

  it("walks over pages, and takes the login to the first origin alone", function()
    local function paged(connection, request, parameters)
      local number = tonumber(request.target:match("page=(%d+)") or 1)
      local link = ('<%s?page=%d>; rel="next"'):format(parameters.next[number] or "", number + 1)
      return connection:reply(200, {
        { "X-Login", request.headers.authorization or "-" },
        parameters.next[number] and { "Link", link } or { "X-Last", "1" },
      }, tostring(number))
    end
    local away = other:serve("/list", paged, { next = {} })
    local url = origin:serve("/list", paged, { next = { "/list", away } })
    local seen = {}
    for page, err in session:pages(url, { user = "me:pw" }) do
      assert(page, err)
      seen[#seen + 1] = page.body .. " " .. (page.headers:get("x-login") ~= "-" and "in" or "out")
    end
    assert.same({ "1 in", "2 in", "3 out" }, seen)
  end)

  it("runs beside other tasks", function()
    local url = origin:serve("/slow", function(connection)
      connection:sleep(0.2)
      return connection:reply(200, {}, "slow")
    end)
    local began = luadl.now()
    assert(luadl.run(function(ctx)
      local group = luadl.group(ctx)
      for _ = 1, 8 do
        group:go(function() return session:fetch(url) end)
      end
      return group:wait()
    end))
    assert.is_true(luadl.now() - began < 1)
  end)

  describe("the trace", function()
    it("has what the connection, the request and the answer took", function()
      origin:serve("/steps", function(connection)
        connection:sleep(0.05)
        return connection:reply(200, {}, "x")
      end)
      local moved = origin:serve("/to-steps", function(connection)
        return connection:redirect("/steps")
      end)
      local steps, times, waited = {}, {}, nil
      assert(session:fetch(moved, { on_trace = function(event)
        steps[#steps + 1], times[#times + 1] = event.step, event.time
        if event.step == "first_byte" then waited = event.seconds end
      end }))
      assert.same({
        "start", "dns", "connect", "request", "first_byte", "redirect", "request", "first_byte",
        "done",
      }, steps)
      assert.is_true(waited >= 0.05 and waited < 1)
      for index = 2, #times do assert.is_true(times[index] >= times[index - 1] - 0.005) end
      assert.is_true(math.abs(luadl.now() - times[1]) < 5)
    end)
  end)
end)

describe("a part of a file", function()
  local origin, session

  setup(function() origin = server.start() end)
  teardown(function() origin:stop() end)
  before_each(function()
    helper.begin()
    session = assert(luadl.session({ retry = 0 }))
  end)
  after_each(function()
    session:close()
    session = nil
    helper.finish()
  end)

  local function get(range, opts, behaviour)
    local parameters = { size = SIZE, seed = SEED, etag = '"1"' }
    local url = origin:serve("/file.bin", behaviour, parameters)
    return session:get(merged({ url = url, dir = helper.tmpdir(), range = range }, opts))
  end

  it("is what the file has, and no more is asked for", function()
    local file = assert(get({ 1000001, 2500000 }, { connections = 4, min_split = "256K" }))
    assert.equal(1500000, file.size)
    assert.equal(server.content(SEED, 1000001, 2500000), helper.read(file.path))
    for _, request in ipairs(origin:requests("/file.bin")) do
      local first, last = request.head:match("[Rr]ange: bytes=(%d+)%-(%d+)")
      assert.is_true(tonumber(first) >= 1000001 and tonumber(last) <= 2500000)
    end
  end)

  it("ends where the file ends", function()
    local file = assert(get({ SIZE - 10, SIZE + 1000 }))
    assert.equal(server.content(SEED, SIZE - 10, SIZE - 1), helper.read(file.path))
  end)

  it("leaves nothing behind that could be continued", function()
    local folder = helper.tmpdir()
    local file, err = get({ 0, 2999999 }, { dir = folder }, function(connection)
      connection:status(206, {
        { "Content-Length", 3000000 }, { "Content-Range", "bytes 0-2999999/3000000" },
      })
      connection:send(connection:bytes(0, 2000000))
      return connection:close()
    end)
    assert.is_nil(file)
    assert.equal("short_body", err.kind)
    assert.is_nil(err.resumable)
    assert.is_false(helper.exists(folder .. "/file.bin.part"))
  end)

  it("is a trace of splits and of the end", function()
    local seen = {}
    local file = assert(get({ 0, SIZE - 1 }, {
      connections = 3, min_split = "256K",
      on_trace = function(event)
        seen[event.step] = event
        assert.is_table(event.download)
      end,
    }))
    assert.truthy(seen.split.range[1] > 0)
    assert.truthy(seen.split.stream > 1)
    assert.equal(file.path, seen.done.path)
    assert.equal("from the URL", seen.name.message)
  end)
end)
