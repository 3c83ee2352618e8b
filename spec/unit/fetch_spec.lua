--- An answer in memory, between an engine that takes notes and a clock that only waiting moves.
-- SPDX-License-Identifier: MIT

local context = require("luadl.context")
local errors = require("luadl.errors")
local fetch = require("luadl.fetch")
local options = require("luadl.options")
local merged = require("spec.support.merged")
local world = require("spec.support.world")

local URL = "http://host/api"
local REFUSED = { kind = "connect", message = "refused", unsent = true }
local BROKEN = { kind = "short_body", message = "broken off" }

describe("fetch", function()
  local here

  before_each(function() here = world.new() end)

  -- What the engine answers to one try after the other; the last one as often as it takes.
  local function answer(...)
    local replies, count = { ... }, 0
    here.answers.new = function(request)
      count = count + 1
      local reply = replies[math.min(count, #replies)]
      if type(reply) == "function" then reply = reply(request) end
      if reply then here:done(here.last_id + 1, reply) end
      return true
    end
  end

  local function status(code, more)
    return merged({ status = code, url = URL, body = "body " .. code }, more)
  end

  local function failure(err) return { error = err, url = URL } end

  local function get(opts)
    local given = merged({ url = URL }, opts)
    return fetch.run(here.session, options.check(given, "fetch", here.defaults))
  end

  local function asked() return here:told("new") end

  local function request(index) return asked()[index or 1][1] end

  local function header(index, name)
    for _, field in ipairs(request(index).headers) do
      if field[1]:lower() == name then return field[2] end
    end
    return nil
  end

  local function exact(opts) return { base = 1, jitter = false, tries = opts } end
  local function backoff(tries) return require("luadl.retry").backoff(exact(tries)) end

  describe("the request", function()
    before_each(function() answer(status(200)) end)

    it("asks in memory, for no more than 16 MiB", function()
      local page = assert(get())
      assert.equal("body 200", page.body)
      assert.equal(1, page.attempt)
      local sent = request()
      assert.is_true(sent.in_memory)
      assert.equal(16 * 2 ^ 20, sent.max_size)
      assert.equal("GET", sent.method)
      assert.is_nil(sent.body)
    end)

    it("takes defaults of the session, but not its limit of a file's size", function()
      here = world.new({ user_agent = "mine", max_size = "4G", connect_timeout = 3 })
      answer(status(200))
      assert(get())
      assert.equal("mine", request().user_agent)
      assert.equal(3, request().connect_timeout)
      assert.equal(16 * 2 ^ 20, request().max_size)
    end)

    it("sends a body by POST, or by the method that is asked for", function()
      assert(get({ body = "a\0b" }))
      assert.same({ "POST", "a\0b" }, { request().method, request().body })
      assert(get({ body = "", method = "PUT" }))
      assert.same({ "PUT", "" }, { request(2).method, request(2).body })
    end)

    it("sends JSON with its type, and asks for JSON", function()
      assert(get({ json = { a = { 1, 2 } } }))
      assert.equal('{"a":[1,2]}', request().body)
      assert.equal("POST", request().method)
      assert.equal("application/json", header(1, "content-type"))
      assert.equal("application/json", header(1, "accept"))
    end)

    it("leaves types alone that the caller chose", function()
      assert(get({ json = {}, headers = { ["content-type"] = "application/x", accept = "*/*" } }))
      assert.equal("application/x", header(1, "content-type"))
      assert.equal("*/*", header(1, "accept"))
    end)

    it("fails for what can't be JSON, and asks for nothing", function()
      local page, err = get({ json = { print } })
      assert.is_nil(page)
      assert.equal("usage", err.kind)
      assert.equal(0, #asked())
    end)

    it("sends a form", function()
      assert(get({ form = { { "b", "1 2" }, { "a", "&" } } }))
      assert.equal("b=1%202&a=%26", request().body)
      assert.equal("application/x-www-form-urlencoded", header(1, "content-type"))
    end)

    it("appends a query, before the fragment and after another query", function()
      assert(get({ query = { q = "a b" } }))
      assert.equal(URL .. "?q=a%20b", request().url)
      assert(get({ url = URL .. "?x=1#top", query = { y = { 2, 3 } } }))
      assert.equal(URL .. "?x=1&y=2&y=3#top", request(2).url)
      assert(get({ query = {} }))
      assert.equal(URL, request(3).url)
    end)

    it("refuses two bodies, unknown options and what is no method", function()
      assert.error_matches(function() get({ body = "a", json = {} }) end, "'body' and 'json'")
      assert.error_matches(function() get({ connections = 3 }) end, "connections")
      assert.error_matches(function() get({ method = "GET /" }) end, "method")
      assert.error_matches(function() get({ form = "a=1" }) end, "form")
    end)

    it("asks for a range", function()
      assert(get({ range = { 5, 9 } }))
      assert.same({ 5, 9 }, request().range)
    end)

    it("is signed anew for each try by the policy `request`", function()
      answer(failure(BROKEN), status(200))
      local policy = function(attempt)
        return { headers = { Token = "t" .. attempt.attempt }, url = URL .. "?" .. attempt.attempt }
      end
      assert(get({ retry = backoff(3), json = {}, method = "PUT", request = policy }))
      assert.same({ "t1", "t2" }, { header(1, "token"), header(2, "token") })
      assert.equal("application/json", header(2, "content-type"))
      assert.equal(URL .. "?2", request(2).url)
    end)

    it("takes neither headers nor login to another host when it is tried there", function()
      answer(failure(BROKEN), status(200))
      local elsewhere = { url = "http://elsewhere/f" }
      local given = {
        headers = { ["X-Token"] = "secret" }, user = "me:secret",
        retry = function() return 0, elsewhere end,
      }
      assert(get(given))
      assert.equal("secret", header(1, "x-token"))
      assert.equal(elsewhere.url, request(2).url)
      assert.is_nil(header(2, "x-token"))
      assert.is_nil(request(2).user)
      answer(failure(BROKEN), status(200))
      local page, err = get({ method = "PUT", body = "x", retry = given.retry })
      assert.is_nil(page)
      assert.equal("redirect_forbidden", err.kind)
      page, err = get({ body = "x", request = elsewhere })
      assert.is_nil(page)
      assert.equal("redirect_forbidden", err.kind)
    end)

    it("takes neither headers nor login to another host when a policy asks there", function()
      answer(status(200))
      assert(get({
        headers = { ["X-Token"] = "secret" }, user = "me:secret",
        request = { url = "http://elsewhere/f", headers = { ["X-Own"] = "1" } },
      }))
      assert.equal("http://elsewhere/f", request().url)
      assert.equal("1", header(1, "x-own"))
      assert.is_nil(header(1, "x-token"))
      assert.is_nil(request().user)
    end)
  end)

  describe("another try", function()
    it("follows 408, 429, 5xx and a broken connection", function()
      for _, first in ipairs({ status(408), status(429), status(500), failure(BROKEN) }) do
        here = world.new()
        answer(first, status(200))
        local page = assert(get({ retry = backoff(2) }))
        assert.equal(200, page.status)
        assert.equal(2, page.attempt)
        assert.equal(1, page.elapsed)
      end
    end)

    it("doesn't follow another 4xx", function()
      answer(status(404))
      local page = assert(get())
      assert.equal(404, page.status)
      assert.is_false(page.ok)
      assert.equal(1, #asked())
    end)

    it("ends with the last answer when the tries are used up", function()
      answer(status(503))
      local page = assert(get({ retry = backoff(2) }))
      assert.equal(503, page.status)
      assert.equal("body 503", page.body)
      assert.equal(3, #asked())
      assert.equal(1 + 2, here:elapsed())
    end)

    it("ends with an error instead, with `check`, unless the status is one of success", function()
      for code, kind in pairs({ [304] = "http_status", [403] = "auth", [503] = "http_status" }) do
        here = world.new()
        answer(status(code))
        local page, err = get({ check = true, retry = 1 })
        assert.is_nil(page)
        assert.same({ kind, code, URL }, { err.kind, err.status, err.url })
        assert.equal(code == 503 and 2 or 1, err.attempt)
      end
      answer(status(204))
      assert.equal(204, assert(get({ check = true })).status)
    end)

    it("ends with the last error when the tries are used up", function()
      answer(failure(REFUSED))
      local page, err = get({ retry = 1 })
      assert.is_nil(page)
      assert.equal("connect", err.kind)
      assert.equal(2, err.attempt)
    end)

    it("of a POST follows only what no server has seen", function()
      answer(failure(REFUSED), failure(BROKEN), status(200))
      local page, err = get({ body = "a", retry = backoff(5) })
      assert.is_nil(page)
      assert.equal("short_body", err.kind)
      assert.equal(2, #asked())
      here = world.new()
      answer(status(503), status(200))
      assert.equal(503, assert(get({ body = "a" })).status)
    end)

    it("of PUT and DELETE follows everything", function()
      for _, method in ipairs({ "PUT", "DELETE" }) do
        here = world.new()
        answer(status(502), status(200))
        assert.equal(200, assert(get({ method = method, retry = backoff(1) })).status)
      end
    end)

    it("is what the retry policy says, also elsewhere, and observers hear of it", function()
      answer(status(404), status(200))
      local told = {}
      local page = assert(get({
        retry = function(fault) return fault.error.status == 404 and 5, { url = URL .. "/new" } end,
        on_retry = function(fault, delay) told = { fault.error.kind, delay } end,
      }))
      assert.equal(200, page.status)
      assert.equal(URL .. "/new", request(2).url)
      assert.same({ "http_status", 5 }, told)
      assert.equal(5, here:elapsed())
    end)

    it("waits as long as the server says", function()
      answer(status(429, { retry_after = 7 }), status(200))
      assert(get({ retry = backoff(2) }))
      assert.equal(7, here:elapsed())
    end)

    it("gives up where that is longer than the caller's patience", function()
      answer(status(429, { retry_after = 301 }))
      local page = assert(get())
      assert.equal(429, page.status)
      assert.equal(301, page.retry_after)
      assert.equal(0, here:elapsed())
      assert.equal(0, here.session.hosts:delay("http://host"))
    end)

    it("waits for a host that wants peace, and makes downloads wait", function()
      here.session.hosts:wait("http://host", 4)
      answer(status(503, { retry_after = 10 }), status(200))
      assert(get({ retry = 0 }))
      assert.equal(4, here:elapsed())
      local download = here:download({})
      here:settle()
      assert.equal(1, #asked())
      here:run_until(14)
      assert.equal(2, #asked())
      download:cancel()
      here:settle()
    end)
  end)

  describe("its end", function()
    local function fails_with(kind, opts)
      local page, err = get(opts)
      assert.is_nil(page)
      assert.is_true(errors.is(err))
      assert.equal(kind, err.kind, tostring(err))
      assert.same({}, here.session.downloads)
      return err
    end

    it("is the deadline, in the engine and between tries", function()
      answer(failure(BROKEN))
      fails_with("deadline", { deadline = 2.5, retry = backoff(9) })
      assert.equal(2.5, here:elapsed())
      assert.equal(2.5, request(1).deadline)
      assert.equal(1.5, request(2).deadline)
    end)

    it("is a context's cancel while the engine is busy", function()
      local ctx = context.background(here.loop):with_cancel()
      answer(false)
      here:at(3, function() ctx:cancel("enough") end)
      fails_with("cancelled", { context = ctx })
      assert.equal(3, here:elapsed())
      assert.equal(1, #here:told("cancel"))
      assert.equal(1, #here:told("forget"))
    end)

    it("is a context's cancel while it waits", function()
      local ctx = context.background(here.loop):with_cancel()
      answer(status(503))
      here:at(0.5, function() ctx:cancel("enough") end)
      fails_with("cancelled", { context = ctx, retry = backoff(5) })
      assert.equal(0.5, here:elapsed())
    end)

    it("is a context's deadline, before anything is asked if it has passed", function()
      answer(status(503))
      local ctx = context.background(here.loop):with_timeout(0)
      fails_with("deadline", { context = ctx })
      assert.equal(0, #asked())
    end)

    it("is what a policy throws", function()
      answer(status(503))
      local err = fails_with("callback", { retry = function() error("oops") end })
      assert.truthy(err.message:find("retry policy", 1, true))
      fails_with("callback", { retry = 1, on_retry = function() error("oops") end })
      fails_with("callback", { request = function() error("oops") end })
      fails_with("callback", { on_trace = function() error("oops") end })
    end)

    it("is what the engine refuses", function()
      here.answers.new = function() return nil, { kind = "bad_url", message = "no URL" } end
      fails_with("bad_url")
    end)

    it("hands policies the context's values", function()
      local ctx, seen = context.background(here.loop):with_value("trace", 7), nil
      answer(status(503), status(200))
      assert(get({ context = ctx, retry = function(_, c) seen = c:value("trace") return 0 end }))
      assert.equal(7, seen)
    end)
  end)

  describe("a cache", function()
    local function fresh(more)
      local fields = { { "ETag", '"v1"' }, { "X-Count", "1" } }
      for _, field in ipairs(more or {}) do fields[#fields + 1] = field end
      return status(200, { headers = fields })
    end
    local UNCHANGED = { status = 304, url = URL, headers = { { "X-Count", "2" } } }

    it("gives what it has when the server says that it is right", function()
      local cache = {}
      answer(fresh(), UNCHANGED)
      assert.is_false(assert(get({ cache = cache })).cached)
      local page = assert(get({ cache = cache }))
      assert.equal('"v1"', header(2, "if-none-match"))
      assert.is_true(page.cached)
      assert.is_true(page.ok)
      assert.same({ 200, "body 200", "2" },
        { page.status, page.body, page.headers:get("x-count") })
    end)

    it("asks by date where there is no ETag", function()
      local cache, date = {}, "Sun, 06 Nov 1994 08:49:37 GMT"
      answer(status(200, { headers = { { "Last-Modified", date } } }), UNCHANGED)
      assert(get({ cache = cache }))
      assert.is_true(assert(get({ cache = cache })).cached)
      assert.equal(date, header(2, "if-modified-since"))
    end)

    it("is a success for `check`, too", function()
      answer(status(200, { headers = { { "ETag", '"1"' } } }), status(304))
      local cache = {}
      assert(get({ cache = cache, check = true }))
      local page = assert(get({ cache = cache, check = true }))
      assert.is_true(page.cached and page.ok)
    end)

    it("takes the new answer when there is one", function()
      local cache = {}
      answer(fresh(), status(200, { headers = { { "ETag", '"v2"' } }, body = "new" }), UNCHANGED)
      assert(get({ cache = cache }))
      assert.equal("new", assert(get({ cache = cache })).body)
      assert.equal("new", assert(get({ cache = cache })).body)
      assert.equal('"v2"', header(3, "if-none-match"))
    end)

    it("is anything with get and set", function()
      local kept = {}
      local store = {
        get = function(_, key) return kept[key] end,
        set = function(_, key, value) kept[key] = value end,
      }
      answer(fresh(), UNCHANGED)
      assert(get({ cache = store, url = "http://me:secret@host/api" }))
      assert.is_table(kept[URL])
      assert.is_true(assert(get({ cache = store })).cached)
    end)

    it("asks again without a condition when another resource answers", function()
      local cache = {}
      answer(fresh(), { status = 304, url = "http://host/other", headers = {} }, status(200))
      assert(get({ cache = cache }))
      assert.equal("body 200", assert(get({ cache = cache })).body)
      assert.equal(3, #asked())
      assert.is_nil(header(3, "if-none-match"))
    end)

    it("leaves the caller's own conditions alone", function()
      local cache = {}
      answer(fresh(), UNCHANGED)
      assert(get({ cache = cache }))
      local page = assert(get({ cache = cache, headers = { ["If-None-Match"] = '"mine"' } }))
      assert.equal(304, page.status)
      assert.is_false(page.cached)
    end)

    it("keeps nothing that can't be asked about, or must not be kept", function()
      local dated = { { "Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT" } }
      local personal = { headers = { Authorization = "me" } }
      for index, case in ipairs({
        { status(200) },
        { fresh({ { "Cache-Control", "private, no-store" } }) },
        { fresh({ { "Vary", "*" } }) },
        { status(404, { headers = { { "ETag", '"v1"' } } }) },
        { status(200, { headers = { dated[1], { "Vary", "Accept" } } }) },
        { status(200, { headers = dated }), personal },
        { fresh(), { range = { 0, 1 } } },
        { fresh(), { method = "PUT" } },
      }) do
        local cache, opts = {}, case[2] or {}
        opts.cache = cache
        answer(case[1])
        assert(get(opts))
        assert.same({}, cache, index)
      end
    end)

    it("ignores what others put into it", function()
      answer(status(200))
      for _, entry in ipairs({ "text", { etag = "x" }, { etag = "x", body = 1, status = 200 } }) do
        assert.equal(200, assert(get({ cache = { [URL] = entry } })).status)
      end
    end)
  end)

  describe("its trace", function()
    it("has the engine's steps and the policies' decisions, in order", function()
      local seen = {}
      here.answers.new = function(sent)
        assert.is_true(sent.trace)
        local id = here.last_id + 1
        here:at(here:elapsed(), function()
          here.session.downloads[id]:handle({
            kind = "trace", id = id, step = "request", time = here.time, message = "m", stream = 1,
          })
        end)
        here:done(id, id == 1 and status(503) or status(200))
        return true
      end
      assert(get({ retry = backoff(1), on_trace = function(event)
        seen[#seen + 1] = ("%s %g"):format(event.step, event.time - 1000)
      end }))
      assert.same({
        "start 0", "request 0", "fault 0", "retry 0", "request 1", "done 1",
      }, seen)
    end)

    it("says how it ended", function()
      local last
      answer(failure(REFUSED))
      get({ retry = 0, on_trace = function(event) last = event end })
      assert.equal("error", last.step)
      assert.equal("connect", last.error.kind)
    end)

    it("isn't asked of the engine when nobody looks on", function()
      answer(status(200))
      assert(get())
      assert.is_false(request().trace)
    end)
  end)
end)
